"""What follows when a name is bound again whose value is only passed on: found out before anybody edits it.

Of most constants that are imported by many modules nothing comes but imports that take them over, and sums of them. All
of these are stale together, whatever the new value is: what a plan would find one by one can be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from pepperpy_reload.core.computing import is_plain
from pepperpy_reload.core.consequences import Consequences
from pepperpy_reload.core.difference import Alignment, Fate
from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.marks import Cause
from pepperpy_reload.core.plan import Demand
from pepperpy_reload.core.reflection import SWEEPING
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.core.world import Cell, Key, Place, World

_PIECE = 16  # statements between two pauses


@dataclass(frozen=True, slots=True)
class Cascade:
    """What is stale if `cell` holds something else: plain statements, by these, and others at which it ends."""

    cell: Cell
    place: Place
    """The one statement that binds it."""
    causes: Mapping[Place, Cause]
    """Why each of them is stale, in the order of a cold start."""
    others: Mapping[Place, tuple[Cause, bool]]
    """Statements that are stale, too, and of which more may come; and whether their objects have to be other ones."""
    orders: Mapping[Place, tuple[object, ...]]
    """Their times in a cold start."""
    units: Mapping[Place, Unit]
    cells: frozenset[Cell]
    """The names that are bound again."""
    read: frozenset[Cell]
    """What sums are made of: as long as atoms are there."""
    modules: frozenset[str]
    words: frozenset[str]
    """Who says none of these reads none of the names, and none of their modules as a whole."""

    def is_beside(self, alignment: Alignment, *, home: bool) -> bool:
        """Whether a module has nothing to do with it, neither as it is nor as an edit leaves it.

        `home` is the module of the cell: the unit that binds it stays where it is, and does no more than that.
        """
        olds, units = alignment.olds, alignment.units
        if alignment.gone or any(old != index for index, old in enumerate(olds)):
            return False
        if any(unit.alias is not None and alignment.fates[unit.index] is not Fate.SAME for unit in units):
            return False  # other modules may be held now
        return all(self._is_beside(unit, home=home) for unit in units)

    def _is_beside(self, unit: Unit, *, home: bool) -> bool:
        if home and self.cell.name in unit.binds:
            return unit.index == self.place.index and _only_binds(unit, self.cell.name) and self._says_none(unit.names)
        names = {*unit.names, *(name for chain in unit.sets for name in chain)}
        return not unit.opaque and not unit.sweeping and self._says_none(names)

    def _says_none(self, names: Iterable[str]) -> bool:
        return self.words.isdisjoint(names) and not any(name.endswith(":") for name in names)


def _only_binds(unit: Unit, name: str) -> bool:
    return is_plain(unit) and unit.binds == {name}


class _Follower(Consequences):
    """Sees what is stale, and whether that could be seen otherwise another time."""

    def __init__(self, world: World) -> None:
        super().__init__(Demand(), world)
        self.doubtful = False
        """Whether somebody was asked whose answer nobody can tell beforehand."""
        self._others: dict[Place, Cause] = {}

    def opacity(self, name: str, unit: Unit) -> str:
        self.doubtful = self.doubtful or bool(unit.opaque and (unit.entries or unit.listed))
        return super().opacity(name, unit)

    def looked_up(self, name: str, unit: Unit) -> frozenset[Chain]:
        self.doubtful = self.doubtful or bool(unit.texts)
        return super().looked_up(name, unit)

    def callers(self, cell: Cell) -> list[tuple[Place, Key]]:
        found = super().callers(cell)
        self.doubtful = self.doubtful or bool(found)  # what caches have kept is asked for, too
        return found

    def lookers(self, cell: Cell) -> list[Place]:
        found = list(super().lookers(cell))
        self.doubtful = self.doubtful or bool(found)  # what they are given may be somebody else's another time
        return found

    def follow_one(self) -> None:
        """See what follows from one statement, if that is known to be no more than that its names are bound."""
        place = self.work.popleft()
        if self.is_plain(place):
            self._process(place)
        else:
            self._others[place] = self.causes[place]

    def is_simple(self) -> bool:
        """Whether nothing has been found but names that are bound again."""
        if self.whole or self.dropped or self.drop or self.touched or self.restart or self.keys or self.doubtful:
            return False
        return self.forced <= self._others.keys() and all(map(self._is_simple, self.rebound))

    def _is_simple(self, cell: Cell) -> bool:
        module = self.module(cell.module)
        if module is None or module.stars or self._set_by(cell) or self._binders_in(cell.module).get(cell.name):
            return False
        units = [module.alignment.units[index] for index in module.binders.get(cell.name, ())]
        return not any(unit.statement.guards or unit.deeds for unit in units)

    def _atoms_read(self, name: str, unit: Unit) -> Iterator[Cell]:
        cells = (self.cell(name, chain)[0] for chain in unit.reads)
        return (cell for cell in cells if not self.module_bound(cell))

    def begins_at(self, cell: Cell) -> Place | None:
        """The one unit that binds a cell, if it does no more than that."""
        module = self.module(cell.module)
        binders = module.binders.get(cell.name, []) if module is not None else []
        if module is None or len(binders) != 1 or self._given or self._fetched:
            return None
        return Place(cell.module, binders[0]) if _only_binds(module.alignment.units[binders[0]], cell.name) else None

    def cascade(self, cell: Cell, place: Place) -> Cascade | None:
        """What has been found."""
        causes = {one: why for one, why in self.causes.items() if one not in self._others}
        modules = {one.module for one in self.causes}
        if not self.is_simple() or place.module in modules or not causes:
            return None
        orders = {one: self.order(one) for one in causes}
        places = sorted(orders, key=orders.__getitem__)
        units = {one: self.unit(one) for one in places}
        for unit in (*units.values(), *map(self.unit, self._others)):
            _ = unit.label  # it takes a while, and is wanted of every step
        names = {name for one in (*modules, place.module) for name in self.world.names_of(one)}
        return Cascade(
            cell,
            place,
            {one: causes[one] for one in places},
            {one: (why, one in self.forced) for one, why in self._others.items()},
            {one: orders[one] for one in places},
            units,
            frozenset(self.rebound),
            frozenset(one for where, unit in units.items() for one in self._atoms_read(where.module, unit)),
            frozenset(modules),
            frozenset({"*", *names, *SWEEPING, *(one.name for one in self.rebound)}),
        )


def follow(cell: Cell, world: World) -> Iterator[Cascade | None]:
    """What follows if a cell is bound again, as the last one of these; None of it until then.

    If there is more to it than names that are bound, or if it may be otherwise another time, None is the last one, too.
    """
    follower = _Follower(world)
    place = follower.begins_at(cell)
    if place is None or place.module == "__main__":
        return
    follower.spread(cell, Cause(""), rebound=True, by=place)
    for number in count(1):
        if not follower.work:
            break
        follower.follow_one()
        if follower.doubtful:
            return
        if not number % _PIECE:
            yield None
    yield follower.cascade(cell, place)


def widely_read(units: Mapping[str, Iterable[Unit]], least: int, most: int) -> list[Cell]:
    """The cells that assignments bind and many imports pass on, by name: `least` of them or more; the widest first.

    Together at most `most` imports.
    """
    taken: dict[Cell, list[Cell]] = {}
    bound: set[Cell] = set()
    for name, every in units.items():
        for unit in every:
            if unit.alias is not None and unit.alias.name:
                taken.setdefault(Cell(unit.alias.module, unit.alias.name), []).append(Cell(name, unit.alias.bound))
            elif unit.kind is Kind.OTHER:
                bound.update(Cell(name, one) for one in unit.binds)
    found = [(number, cell) for cell in bound & taken.keys() if (number := _count(cell, taken)) >= least]
    chosen = []
    for number, cell in sorted(found, key=lambda one: (-one[0], one[1])):
        if number <= most:
            most -= number
            chosen.append(cell)
    return chosen


def _count(cell: Cell, taken: Mapping[Cell, list[Cell]]) -> int:
    waiting, seen = [cell], {cell}
    while waiting:
        for other in taken.get(waiting.pop(), ()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return len(seen) - 1
