"""The cascades of this process: found while nothing else is to do, and used as long as modules are what they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from pepperpy_reload.core.cascade import Cascade, follow, widely_read
from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.statement import forget_trees
from pepperpy_reload.core.world import Cell
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.footing import latest_footing, take_footing
from pepperpy_reload.reloading.live import LiveWorld
from pepperpy_reload.reloading.passing import forget_ways, ways_of

_LEAST = 4  # imports that pass a value on: fewer are planned as quickly one by one
_MOST = 5_000  # of all cascades: to find them takes a fifth of a millisecond each, and memory


class Cascades:
    """What is known to follow from some names, and the modules that this goes by."""

    def __init__(self) -> None:
        self._kept: dict[Cell, Cascade] = {}
        self._tried: set[Cell] = set()
        self._turn = 0
        self._is_done = False
        """Whether nobody has been interrupted, by an edit, who looked for them."""

    def look_ahead(self) -> Iterator[str]:
        """Find them, one piece of work with each step, and name what it was for."""
        if not self._is_to_be_done():
            return
        self._is_done = False
        turn, world = self._turn, LiveWorld()
        pages = ((name, ledger.page(name)) for name in list(recorder.modules))
        units = {name: page.units for name, page in pages if page is not None}
        for cell in widely_read(units, _LEAST, _MOST):
            if cell in self._tried or not world.holds_atom(cell):
                continue
            for found in follow(cell, world):
                yield str(cell)
                if turn != self._turn:
                    return  # somebody else has begun anew
                if found is not None and not self._is_kept(cell, found):
                    return  # it is to be done again
            self._tried.add(cell)
            forget_trees()
        self._is_done = True

    def _is_kept(self, cell: Cell, found: Cascade) -> bool:
        """Whether what has been found holds yet: then it is kept."""
        world = LiveWorld()
        if world.changed is None or not is_beside(found, world.changed, world):
            return False
        self._kept[cell] = found
        ways_of(found)
        return True

    def _is_to_be_done(self) -> bool:
        """Whether what was known does not hold any more, or nothing was: that is forgotten."""
        self._turn += 1
        footing = latest_footing()
        changed = footing.changed() if footing is not None else None
        if changed is None or footing is None:
            for cell in self._kept:
                forget_ways(cell)
            self._kept.clear()
            self._tried.clear()
            return take_footing() is not None
        world = LiveWorld()
        over = [cell for cell, cascade in self._kept.items() if not is_beside(cascade, changed, world)]
        for cell in over:
            del self._kept[cell]
            forget_ways(cell)
            self._tried.discard(cell)
        if changed:
            footing.renew()
        return bool(over) or not self._is_done

    def known(self, edited: Iterable[str], world: LiveWorld) -> Known:
        """Those that hold for a plan in which some modules have been edited."""
        return Known(self._kept, edited, world)


class Known:
    """Tells what follows if a cell is bound again, by a cascade that holds; None if there is none."""

    def __init__(self, kept: dict[Cell, Cascade], edited: Iterable[str], world: LiveWorld) -> None:
        self._kept = kept
        self._edited = frozenset(edited)
        self._world = world

    def __call__(self, cell: Cell) -> Cascade | None:
        """The one of a cell."""
        cascade = self._kept.get(cell)
        changed = self._world.changed if cascade is not None else None
        if cascade is None or changed is None:
            return None
        if not self._holds_the_same or not is_beside(cascade, changed | self._edited, self._world):
            return None
        return cascade if all(map(self._world.holds_atom, cascade.read)) else None

    @cached_property
    def _holds_the_same(self) -> bool:
        """Whether the names of edited modules hold the modules that their sources tell: a plan goes by these."""
        scope, world = Scope(self._world), self._world
        return all(
            scope.module_bound(cell) == world.module_value(cell)
            for name in self._edited
            for cell in (Cell(name, bound) for bound in {*world.modules_held(name), *_imported(world, name)})
        )


def _imported(world: LiveWorld, name: str) -> set[str]:
    alignment = world.alignment(name)
    units = alignment.units if alignment is not None else ()
    return {unit.alias.bound for unit in units if unit.alias is not None}


def is_beside(cascade: Cascade, names: Iterable[str], world: LiveWorld) -> bool:
    """Whether modules have nothing to do with a cascade, as they are in a world."""
    for name in names:
        alignment = world.alignment(name)
        if name in cascade.modules or alignment is None:
            return False
        if not cascade.is_beside(alignment, home=name == cascade.cell.module):
            return False
        for facts in world.functions(name, None).values():
            said = {*facts.names, *facts.binds, *(part for chain in facts.sets for part in chain)}
            if facts.opaque or not cascade.words.isdisjoint(said):
                return False
    return True


cascades = Cascades()
"""Those of this process."""
