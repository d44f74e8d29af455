"""Modules that a start has begun to run, and not ended: in a cycle of imports others find them without some names.

Who reads such a name unguarded could not have been imported; who asks whether it is there has been told that it is not.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Cell, Place
from pepperpy_reload.importing.recorder import recorder


class Begun:
    """Knows, for each place, which names a start has not bound by then although their module has begun to run."""

    def __init__(self, scope: Traces) -> None:
        self._scope = scope

    def missed_by(self, place: Place, unit: Unit, apart: Collection[str] = ()) -> str:
        """What a unit asks for by itself that is not there, and how; or "". Some modules are looked `apart` from."""
        if unit.alias is not None and not unit.alias.name:
            return ""  # the module is enough for it
        cells = {Cell(alias.module, alias.name) for alias in (*unit.imports, *([unit.alias] if unit.alias else []))}
        found = (self._why(cell, place) for cell in sorted(cells) if cell.name and cell.module not in apart)
        chains = sorted(unit.evaluated - _put_into(unit.sets))
        read = (self.missing(place.module, names, place, apart) for names in chains)
        return next(filter(None, chain(found, read)), "")

    def missed_in(self, home: str, facts: FunctionFacts, place: Place) -> Iterator[tuple[Chain, str]]:
        """What a function of a module reads, called at a place, that is not there; with the chain of names."""
        if any(self._is_begun(name, place) for name in recorder.graph.imports_of(home)):
            for names in sorted(facts.reads - _put_into(facts.sets)):
                if why := self.missing(home, names, place):
                    yield names, why

    def missing(self, home: str, names: Chain, place: Place, apart: Collection[str] = ()) -> str:
        """What a chain of names means that is not there, and how; or ""."""
        cell, rest = self._scope.cell(home, names)
        if cell.module in apart and cell.module != home:
            return ""
        if why := self._why(cell, place):
            return why
        whole = "" if rest else self._scope.module_bound(cell)
        if whole in apart or not self._is_begun(whole, place):
            return ""
        module = self._scope.module(whole)
        units: Iterable[Unit] = module.alignment.units if module is not None else ()
        bound = {name for unit in units for name in unit.binds if name != "*"}
        later = any(self._why(Cell(whole, name), place) for name in bound)
        return f"{whole}, which has not been run to its end by then" if later else ""

    def _why(self, cell: Cell, place: Place) -> str:
        if not self._is_begun(cell.module, place) or f"{cell.module}.{cell.name}" in sys.modules:
            return ""  # a submodule is loaded by whoever asks for it first
        times = [self._scope.order(one) for one in self._scope.binders(cell)]
        return f"{cell} before it is bound" if times and min(times) > self._scope.order(place) else ""

    def _is_begun(self, module: str, place: Place) -> bool:
        """Whether a start is in the midst of another module when it comes to a place."""
        if not module or module == place.module or module not in recorder.by_name:
            return False
        begin = self._scope.begins(module)
        return self._scope.begins(place.module)[: len(begin)] == begin


def _put_into(sets: Iterable[Chain]) -> set[Chain]:
    """What is read to set an attribute of it: that looks at none of its names."""
    return {names[:-1] for names in sets}
