"""What the source of a module means outside the project: libraries, and what is done to them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from pepperpy_reload.core.deeds import Deed
from pepperpy_reload.core.difference import Alignment
from pepperpy_reload.core.doings import Alias
from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.world import Cell, Reach
from pepperpy_reload.reloading import foreign
from pepperpy_reload.reloading.edits import Edits
from pepperpy_reload.reloading.looking import attribute_of
from pepperpy_reload.reloading.pairs import Pair


class Reaching(Edits):
    """The loaded modules, as far as it matters what their names lead to outside; see LiveWorld."""

    def __init__(self, alignments: Mapping[str, Alignment], pairs: Mapping[str, Iterable[Pair]]) -> None:
        super().__init__(alignments, pairs)
        self._aliases: dict[str, dict[str, Alias]] = {}

    def is_a_library(self, module: str, names: Chain) -> bool:
        """Whether names mean a module that is none of the project's."""
        value = self._meant(Cell(module, names[0]), names[1:])
        name = vars(value).get("__name__") if type(value) is ModuleType else None
        return isinstance(name, str) and sys.modules.get(name) is value and foreign.is_theirs(name)

    def is_of_a_library(self, entry: str) -> bool:
        """Whether an entry of the table of modules is a library's module."""
        return foreign.is_of_a_library(entry)

    def reach(self, module: str, deed: Deed, local: Iterable[Alias]) -> Reach | None:
        """What a deed does outside first-party code."""
        return foreign.reach(module, deed, local, self._imported(module))

    def _imported(self, module: str) -> dict[str, Alias]:
        """What the import statements of a module bind."""
        if module not in self._aliases:
            alignment = self.alignment(module)
            units = [*alignment.old, *alignment.units] if alignment is not None else []
            aliases = [alias for unit in units for alias in (*unit.imports, *([unit.alias] if unit.alias else []))]
            self._aliases[module] = {alias.bound: alias for alias in aliases}
        return self._aliases[module]

    def _meant(self, cell: Cell, rest: Chain) -> Any:
        value: Any = self.value(cell)
        for name in rest:
            value = attribute_of(value, name)
        return value
