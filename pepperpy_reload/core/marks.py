"""What is stale, and why: dirt spreads from a name to those that read it, from a function to those that ran it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pepperpy_reload.core.annotated import Annotated
from pepperpy_reload.core.difference import Fate
from pepperpy_reload.core.plan import Action, Demand
from pepperpy_reload.core.silence import LOGGING, silenced
from pepperpy_reload.core.start import Start
from pepperpy_reload.core.unit import Kind
from pepperpy_reload.core.world import Cell, Given, Key, Place, World, qualname_of

if TYPE_CHECKING:
    from pepperpy_reload.core.cascade import Cascade

Known = Callable[[Cell], "Cascade | None"]
"""What is known to follow if a cell is bound again, as the modules are now; None if nothing is."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a unit is stale: in words, and the unit that made it so."""

    text: str
    by: Place | None = None


class Marks(Annotated):
    """The units that are stale so far, the cells that hold something else, and the reasons."""

    def __init__(self, demand: Demand, world: World, known: Known = lambda _: None) -> None:
        super().__init__(world)
        self.demand = demand
        self.cascades: list[Cascade] = []
        """What was known to follow, and has been taken over."""
        self._known = known
        self.causes: dict[Place, Cause] = {}
        self.work: deque[Place] = deque()
        self.rebound: set[Cell] = set()
        self.touched: set[Cell] = set()
        self.dropped: dict[Cell, Cause] = {}
        self.forced: set[Place] = set()
        self.whole: dict[str, str] = dict(demand.whole)
        self.drop: dict[str, str] = dict(demand.drop)
        self.restart = ""
        self.start: Start | None = None
        self._keys: set[Key] = set()
        self._setters: dict[Cell, list[Place]] = {}
        self._ever_set: dict[str, bool] = {}
        self._words_set: dict[str, frozenset[str]] = {}
        self._setters_of: dict[tuple[Cell, str], list[Place]] = {}
        self._storers: dict[Cell, list[Place]] = {}

    @property
    def others(self) -> set[Cell]:
        """The cells that hold something else, or whose objects do."""
        return self.rebound | self.touched

    def mark(self, place: Place, cause: Cause) -> None:
        """A unit is stale."""
        if place in self.causes or place.module in self.drop:
            return
        unit = self.unit(place)
        if unit.kind is Kind.INERT or self._is_silent(place):
            return
        self.causes[place] = cause
        self.work.append(place)
        self._see_getters(place)
        if unit.alias is not None and unit.alias.bound == "*":
            self._mark_shadowing(place, unit.alias.module)

    def _is_silent(self, place: Place) -> bool:
        """Whether a unit has nothing to do, as the handler is there which it gives a logger."""
        logger = silenced(self.unit(place), place.module) if self.fate(place) is Fate.SAME else None
        if logger is None or not self.world.is_silent(logger):
            return False
        binders = [self.unit(one) for one in self.binders(Cell(place.module, LOGGING))]
        found = [one for one in binders if one.alias is not None and one.alias.target == LOGGING]
        return bool(found) and all(one in found or one.index > place.index for one in binders)

    def _mark_shadowing(self, star: Place, source: str) -> None:
        """A star import that is executed again binds all its names: who binds one of them later does so again too."""
        for name in sorted(one for one in self.offered(source) if self.takes(star, one)):
            for place in self.binders(Cell(star.module, name)):
                if self.order(place) > self.order(star):
                    self.force(place, Cause(f"binds {name} after a star import", star))

    def force(self, place: Place, cause: Cause) -> None:
        """A unit is stale, and its object has to be another one."""
        if place not in self.forced:
            self.forced.add(place)
            if place in self.causes:
                self.work.append(place)
        self.mark(place, cause)

    def _mark_all(self, name: str, cause: Cause) -> None:
        module = self.module(name)
        for unit in module.alignment.units if module else ():
            self.force(Place(name, unit.index), cause)
        for unit in module.alignment.gone if module else ():
            for bound in unit.binds:
                if module is not None and bound not in module.binders:
                    self.spread(Cell(name, bound), cause, rebound=True)

    def change_keys(self, keys: Iterable[Key], cause: Cause, by: Place) -> None:
        """Functions have other code: who ran them while it was executed is stale."""
        for key in keys:
            if key not in self._keys:
                self._keys.add(key)
                for place in self.runners(key):
                    self._mark_caller(place, Cause(f"called {qualname_of(key)} when it was imported; {cause.text}", by))

    def _mark_caller(self, place: Place, cause: Cause) -> None:
        """A unit that has run a function is stale; what a class has computed by it may be one of its bases."""
        (self.force if self.unit(place).computes_bases else self.mark)(place, cause)

    def spread(self, cell: Cell, cause: Cause, *, rebound: bool, by: Place | None = None) -> None:
        """A cell holds something else, or what it holds has changed."""
        seen = self.rebound if rebound else self.touched
        if cell in seen or cell in self.rebound:
            return
        seen.add(cell)
        why = Cause(f"reads {cell}" if by else cause.text, by)
        if rebound and by is not None and self._is_followed(cell, by):
            return
        self._spread_to_getters(cell, why, rebound=rebound)
        for place in [*self.readers(cell), *self.readers(Cell(cell.module, "*"))]:
            unit = self.unit(place)
            if place == by:
                continue
            if unit.alias is not None and unit.alias.bound == "*":
                self._spread_by_star(place, cell.name, why, rebound=rebound)
            elif not rebound and (unit.alias is not None or unit.same_as):
                for name in unit.binds:
                    self.spread(Cell(place.module, name), why, rebound=False, by=by)
            else:
                self.mark(place, why)
                if unit.kind is Kind.CLASS and self._is_in_head(place, cell, rebound=rebound):
                    self.force(place, why)
        self._spread_further(cell, by)

    def _spread_further(self, cell: Cell, by: Place | None) -> None:
        """To those that read a cell by others: by functions that they ran, or in annotations that are text."""
        for place in self.lookers(cell):
            self.mark(place, Cause(f"may have looked up {cell} in annotations", by))
        for place, key in [*self.callers(cell), *self.callers(Cell(cell.module, "*"))]:
            self._mark_caller(place, Cause(f"called {qualname_of(key)} when it was imported, which reads {cell}", by))

    def _is_followed(self, cell: Cell, by: Place) -> bool:
        """Whether it is known what follows: then it has been marked, and nothing more comes of it."""
        if self.drop or self.whole or self.start is not None:
            return False
        cascade = self._known(cell)
        if cascade is None:
            return False
        self.rebound |= cascade.cells
        self.cascades.append(cascade)
        here = by == cascade.place
        for place, why in cascade.causes.items():
            self.causes.setdefault(place, why if here or why.by != cascade.place else replace(why, by=by))
        for place, (why, forced) in cascade.others.items():
            (self.force if forced else self.mark)(place, why if why.by != cascade.place else replace(why, by=by))
        return True

    @cached_property
    def _given(self) -> Mapping[str, Given]:
        return self.world.given_by_getters()

    def _see_getters(self, place: Place) -> None:
        """Who is executed again asks a module's `__getattr__` again, and not the names that this has kept."""
        ran = self.world.ran(place.module, self.old_index(place)) if self._given else frozenset[Key]()
        for name, given in self._given.items() if ran else ():
            if not ran.isdisjoint(given.keys):
                self._take_away(name, given, Cause(f"asks the __getattr__ of {name}", place))

    def _spread_to_getters(self, cell: Cell, why: Cause, *, rebound: bool) -> None:
        for name, given in self._given.items():
            if not given.origins.isdisjoint((cell, Cell(cell.module, "*"))):
                if rebound:
                    self._take_away(name, given, why)
                else:
                    for bound in given.names:
                        self.spread(Cell(name, bound), why, rebound=False, by=why.by)

    def _take_away(self, name: str, given: Given, cause: Cause) -> None:
        """What a module's `__getattr__` has kept goes: who has asked for it does so again."""
        cells = [Cell(name, bound) for bound in given.names]
        left = [cell for cell in cells if cell not in self.rebound and not self.binders(cell)]
        self.dropped.update(dict.fromkeys(left, cause))
        for cell in left:
            self.spread(cell, cause, rebound=True, by=cause.by)
        for key in given.keys if left else ():
            for place in self.runners(key):
                self.mark(place, cause)

    def _spread_by_star(self, star: Place, name: str, why: Cause, *, rebound: bool) -> None:
        if not self.takes(star, name):
            return
        if rebound:
            self.mark(star, why)
            for other in self.binders(Cell(star.module, name)):
                self.force(other, why)  # the star import may not bind it any more, or only now
        self.spread(Cell(star.module, name), why, rebound=rebound, by=star)

    def _is_in_head(self, place: Place, cell: Cell, *, rebound: bool) -> bool:
        """Whether a class may have another base if a cell is bound again, or if what it holds has changed in place.

        Then it is still the same base itself; what is found in it may be another one.
        """
        unit, module = self.unit(place), place.module
        if rebound or unit.computes_bases:
            return not self.cells(module, unit.heads).isdisjoint((cell, Cell(cell.module, "*")))
        meant = (self.cell(module, head) for head in unit.heads)
        return any(found == cell and (rest or self.world.is_mutable(cell, ())) for found, rest in meant)

    def _drop_unless_bound(self, cell: Cell, cause: Cause) -> None:
        binders = self.binders(cell)
        if binders:
            for place in binders:
                self.mark(place, cause)
        else:
            self.dropped[cell] = cause
            self.spread(cell, cause, rebound=True)
            for place in self.stars(cell):
                self.mark(place, cause)

    def _refuse(self, why: str) -> None:
        """Only a new process will do; the first reason is the one that is told."""
        self.restart = self.restart or why

    def action(self, place: Place) -> Action:
        """How a stale unit is brought up to date."""
        kind = self.unit(place).kind
        if kind not in (Kind.FUNCTION, Kind.CLASS) or place in self.forced or self.old_index(place) < 0:
            return Action.EXECUTE
        if not self._binds_alone(place):
            return Action.EXECUTE
        if kind is Kind.FUNCTION:
            return Action.REFIT if self._is_plain(place) and self.world.can_refit(place) else Action.EXECUTE
        why_not = self.world.why_not_transplant(place) or self._registers(place)
        return Action.EXECUTE if why_not else Action.TRANSPLANT

    def _registers(self, place: Place) -> bool:
        """Whether what a class holds is told of its name, and tells others: each class that is made is one more."""
        keys = self.running(place)
        if not any(qualname_of(key).endswith(".__set_name__") for key in keys):
            return False
        known = [one[1] for one in map(self.world.facts, keys) if one is not None]
        return any(one.mutations or one.reached or one.keeps_state or one.binds for one in known)

    def _is_plain(self, place: Place) -> bool:
        """Whether a function has no decorators, nor had any: they may have given it more than its definition does."""
        return not self.unit(place).decorated and not self.old_unit(place).decorated

    def _binds_alone(self, place: Place) -> bool:
        cells = [Cell(place.module, name) for name in self.unit(place).binds]
        return all(len(self.binders(cell)) == 1 and not self._is_starred(cell) for cell in cells)

    def _is_starred(self, cell: Cell) -> bool:
        return any(self.may_take(star, cell.name) for star in self.stars(cell))
