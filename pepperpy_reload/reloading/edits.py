"""The functions of edited modules, before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pepperpy_reload.core.difference import Alignment
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.reloading.loadorder import LoadOrder
from pepperpy_reload.reloading.pairs import Pair, unpatchable


class Edits(LoadOrder):
    """The loaded modules, as far as it matters what their functions are after an edit; see LiveWorld."""

    def __init__(self, alignments: Mapping[str, Alignment], pairs: Mapping[str, Iterable[Pair]]) -> None:
        super().__init__(alignments)
        self._pairs = pairs

    def changed_keys(self, module: str, index: int) -> Iterator[CodeKey]:
        """The functions of a new unit whose own code does something else now, by their old keys."""
        for pair in self._pairs_in(module, index):
            if pair.does_otherwise:
                yield CodeKey.of(pair.old)

    def told_keys(self, module: str, index: int) -> Iterator[CodeKey]:
        """Those of which the docstring alone has changed."""
        for pair in self._pairs_in(module, index):
            if pair.changed and not pair.does_otherwise:
                yield CodeKey.of(pair.old)

    def unpatchable(self, module: str, index: int) -> bool:
        """Whether a function that can be reached from outside needs other cells than it has."""
        return any(
            unpatchable(pair) and "<locals>" not in pair.old.co_qualname for pair in self._pairs_in(module, index)
        )

    def _pairs_in(self, module: str, index: int) -> Iterator[Pair]:
        alignment = self.alignment(module)
        if alignment is None:
            return
        unit = alignment.units[index]
        for pair in self._pairs.get(module, ()):
            if unit.line <= pair.new.co_firstlineno <= unit.last_line:
                yield pair
