"""Who looks up, while modules are executed, what annotations mean that are text.

A function or a class whose annotations are text (PEP 563, or quoted) reads none of the names in them. Who is given it
may do so at any time: a framework that makes a route of it, say. What it has found is as old as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.texts import LOOKING
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.core.world import Cell, Place, World


class Annotated(Traces):
    """Knows who has been given what has such annotations."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._lookers: dict[Cell, list[Place]] = {}
        self._noted: dict[str, dict[Cell, list[Place]]] = {}

    def lookers(self, cell: Cell) -> Iterable[Place]:
        """The units that may have looked up a name in the annotations of what they were given."""
        for place in self._noting(cell):
            for name in sorted(self.unit(place).binds):
                one = Cell(place.module, name)
                if one not in self._lookers:
                    self._lookers[one] = list(self._find_lookers(one))
                yield from self._lookers[one]

    def _noting(self, cell: Cell) -> Iterable[Place]:
        """The definitions with annotations that are text and name a cell."""
        word = cell.name
        if word == "*":
            return ()
        if word not in self._noted and self._is_often("notes", word):
            self._noted[word] = {}
            for one, place in self._notes_in(self.world.speaking(word), word):
                self._noted[word].setdefault(one, []).append(place)
        if word in self._noted:
            return self._noted[word].get(cell, ())
        return [place for one, place in self._notes_in(self.world.mentioning(cell), word) if one == cell]

    def _notes_in(self, names: Iterable[str], word: str) -> Iterator[tuple[Cell, Place]]:
        """The cells of a name that annotations in some modules name, each with the definition."""
        for name in names:
            module = self.module(name)
            for unit in module.saying(frozenset((word,))) if module is not None else ():
                for cell in self.cells(name, unit.notes) if unit.notes else ():
                    if cell.name == word:
                        yield cell, Place(name, unit.index)

    def _find_lookers(self, cell: Cell) -> Iterator[Place]:
        """Those that pass on what a cell holds; where that is put into something else, those that pass that on."""
        waiting, seen = [cell], {cell}
        while waiting:
            one = waiting.pop()
            for place in self.users(one):
                unit = self.unit(place)
                if not self._hands_on(place, unit, one):
                    continue
                if self._may_look_up(place, unit):
                    yield place
                    continue
                kept = {Cell(place.module, name) for name in unit.binds} | self.mutated(place, old=True).keys()
                waiting += sorted(kept - seen)
                seen |= kept

    def _hands_on(self, place: Place, unit: Unit, cell: Cell) -> bool:
        """Whether a unit, or a function that it has run, does more with what a cell holds than to call it."""
        if self._is_meant(place.module, unit.evaluated - unit.called, cell):
            return True
        known = (self.world.facts(key) for key in self.world.ran(place.module, self.old_index(place)))
        return any(one is not None and self._is_meant(one[0], one[1].reads - one[1].called, cell) for one in known)

    def _is_meant(self, module: str, chains: frozenset[Chain], cell: Cell) -> bool:
        wanted = self.canonical(cell)
        return any(self.canonical(self.cell(module, one)[0]) == wanted for one in chains)

    def _may_look_up(self, place: Place, unit: Unit) -> bool:
        if any(chain[-1] in LOOKING for chain in unit.reads) or unit.calls_nameless:
            return True
        if self.world.look_up(place.module, unit.makers, self.old_index(place)):
            return True
        return unit.kind is not Kind.CLASS and self.world.asks(place.module, unit.called, self.old_index(place))
