"""What a stale unit entails: the objects that it had changed are made again, in the order of a start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import count

from pepperpy_reload.core.certainty import surely_bound
from pepperpy_reload.core.difference import Fate
from pepperpy_reload.core.doings import Alias
from pepperpy_reload.core.effects import Depth
from pepperpy_reload.core.marks import Cause
from pepperpy_reload.core.past import Past
from pepperpy_reload.core.plan import Action
from pepperpy_reload.core.subscripts import subscripts
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.core.world import Cell, Key, Place

_OFTEN = 64  # statements between two looks at whether it takes too long


class Consequences(Past):
    """Works until nothing more follows from what is marked."""

    def close(self) -> None:
        """Work until nothing more follows."""
        for number in count(1):
            if not self.work or self.restart:
                return
            self._process(self.work.popleft())
            if not number % _OFTEN and self.demand.enough():
                first = next(iter(self.causes.values())).text
                self._refuse(
                    f"{len(self.causes):,} statements and more hang on it: a new process is ready sooner ({first})"
                )

    def _process(self, place: Place) -> None:
        unit, cause = self.unit(place), self.causes[place]
        if unit.sweeping:
            self._refuse(f"{place.module}:{unit.line} {unit.sweeping}, and would find other modules now")
        if (why := self.opacity(place.module, unit)) and place.module not in self.whole:
            self.whole[place.module] = f"{why} (line {unit.line})"
            self._mark_all(place.module, cause)
        self._see_surveys(place, unit, cause)
        for alias in unit.imports:
            if alias.bound == "*" and self.under_way(place, alias.module) is not None:
                self._refuse(f"{place.module}:{unit.line} takes all that {alias.module} has half-way, in a block")
        if self.is_plain(place):
            self._process_plain(place, unit, cause)
            return
        self._see_doings(place, unit, cause)
        action = self.action(place)
        self._see_the_past(place)
        if self.fate(place) in (Fate.CHANGED, Fate.BODY):
            self.change_keys(self.world.changed_keys(place.module, place.index), cause, place)
        for name in sorted(unit.binds):
            self._bind(place, Cell(place.module, name), cause, action)
        if self.fate(place) is Fate.CHANGED:
            for name in sorted(self.old_unit(place).binds - unit.binds):
                self._drop_unless_bound(Cell(place.module, name), cause)

    def _process_plain(self, place: Place, unit: Unit, cause: Cause) -> None:
        """What follows from one that is plain: what others ask for has nothing to find.

        It is no definition: it is executed. It has done nothing to anybody's objects, and set nothing. Of what it reads
        nothing can have been changed since: only the names may have been bound again.
        """
        for cell in sorted(self.read_by_itself(place)):
            self._see_binders(place, cell, by_itself=True)
        for name in sorted(unit.binds):
            self._bind(place, Cell(place.module, name), cause, Action.EXECUTE)

    def _see_caches(self, place: Place) -> None:
        """What a unit gives has to be another object: a cache that it asks would give the one that it has kept."""
        for home, chain in self.chains_called(place):
            cell = self.canonical(self.cell(home, chain)[0])
            if cell in self._cache_cells:
                for binder in self.binders(cell):
                    self.force(
                        binder, Cause(f"keeps what it has given to {place.module}:{self.unit(place).line}", place)
                    )

    @cached_property
    def _cache_cells(self) -> set[Cell]:
        return {self.canonical(cell) for cell, _ in self.world.caches()}

    def _see_doings(self, place: Place, unit: Unit, cause: Cause) -> None:
        if self.old_index(place) >= 0:
            self._see_functions(place.module, unit, self.bound_in_functions(place.module, self.old_index(place)), cause)
        if self.fate(place) in (Fate.NEW, Fate.CHANGED):
            self._see_functions(place.module, unit, self._bound_soon(place), cause)
        if unit.kind is Kind.CLASS:
            self._see_bases(place)
        elif unit.kind is Kind.OTHER and place in self.forced:
            self._see_caches(place)
        self._undo(place)
        self._set_on_modules(place, cause)

    def _see_surveys(self, place: Place, unit: Unit, cause: Cause) -> None:
        """What functions that it calls find in the names of their module must not be there before its time."""
        known = (self.world.facts(key) for key in self.running(place))
        for name in {one[0] for one in known if one is not None and one[1].surveys} - self.whole.keys():
            if not self.is_through(name, self.order(place)):
                self.whole[name] = f"a function that {place.module}:{unit.line} calls looks at the names of its module"
                self._mark_all(name, cause)

    def _see_functions(self, name: str, unit: Unit, cells: Iterable[Cell], cause: Cause) -> None:
        """What a unit has bound by functions (`global`) is bound in its order, as it was: by all that bind it.

        What no statement binds before them is missing at first: that is so only if the modules run as a whole.
        """
        for cell in sorted(cells):
            known = {cell.module, name} if self._first_to_bind(cell) is None else set()
            for one in known - self.whole.keys() - self.drop.keys():
                self.whole[one] = f"a function that is called in line {unit.line} binds {cell}"
                self._mark_all(one, cause)
            for other in self.binders(cell):
                self.mark(other, Cause(f"binds {cell.name} as well; {cause.text}"))
            self.spread(cell, cause, rebound=True)

    def _first_to_bind(self, cell: Cell) -> Place | None:
        """The first unit to bind a cell, if it is an assignment in its own module."""
        first = min(self.binders(cell), key=self.order, default=None)
        is_own = first is not None and first.module == cell.module and cell.name in self.unit(first).binds
        return first if is_own and self.unit(first).kind is Kind.OTHER else None  # type: ignore[arg-type]

    def _bound_soon(self, place: Place) -> Iterator[Cell]:
        """The cells that a new or changed unit is going to bind by functions, as far as anybody can tell.

        It is seen when it runs whether it binds others; what it cannot do in its order is left to that, too.
        """
        known = (self.world.facts(key) for key in self.foreseen(place))
        for cell in {Cell(one[0], name) for one in known if one is not None for name in one[1].binds}:
            first = self._first_to_bind(cell)
            if first is not None and self.order(first) < self.order(place):
                yield cell

    def _bind(self, place: Place, cell: Cell, cause: Cause, action: Action) -> None:
        for other in self._rivals(place, cell):
            self.mark(other, Cause(f"binds {cell.name} as well", place))
        for star in self.stars(cell):
            if star.index > place.index and self.may_take(star, cell.name):
                self.mark(star, Cause(f"binds {cell.name} after it", place))
        self.spread(cell, cause, rebound=action is Action.EXECUTE, by=place)

    def _see_bases(self, place: Place) -> None:
        keepers, why = self.world.foreign_bases(place)
        if why:
            self._refuse(f"{place.module}:{self.unit(place).line} {why}")
        for cell in map(self.canonical, keepers):
            if self._is_foreign(cell):
                self._refuse(f"{place.module}:{self.unit(place).line} has {cell.name} as a base, which may remember it")
            self._remake(cell, place)

    def _undo(self, place: Place) -> None:
        """What the unit has done to the objects of others, and what it is going to do."""
        before = self.mutated(place, old=True)
        after = self.mutated(place, old=False)
        again = self.fate(place) in (Fate.SAME, Fate.BODY)
        for cell, depth in before.items():
            if not (again and depth is Depth.STORE):
                self._remake(cell, place)
        for cell in self._changed_under_names(place):
            self._remake(cell, place)
        if self.fate(place) is Fate.CHANGED:
            for cell in self.stored_by(place.module, self.old_unit(place)):
                self._remake(cell, place)
        self._see_changed(place, after.keys() - before.keys())
        self._see_stored(place, again=again)
        if self.fate(place) in (Fate.NEW, Fate.CHANGED):
            self._see_coming(place, before.keys() | after.keys())
        self._see_subscripts(place)

    def _see_coming(self, place: Place, known: AbstractSet[Cell]) -> None:
        """What a new or changed unit is going to set, besides what is `known`: who reads that reads it again."""
        self._see_changed(place, self.going_to_store(place) - known)
        for cell in sorted(self.going_to_mark(place)):
            self.spread(cell, self.causes[place], rebound=False, by=place)

    def _see_stored(self, place: Place, *, again: bool) -> None:
        """What it sets is the same as before only if all that it reads is."""
        for cell in sorted(self.stored_by(place.module, self.unit(place))):
            self._store_again(cell, place)
            if again:
                self.spread(cell, self.causes[place], rebound=False, by=place)

    def _see_changed(self, place: Place, cells: Iterable[Cell]) -> None:
        """Who comes later finds what a unit is going to change: a class is not to keep what it had found."""
        for cell in sorted(cells):
            if self._is_used_later(place, cell):
                self._remake(cell, place)
                continue
            for other in list(self.users(cell)):
                if self.unit(other).kind is Kind.CLASS and self.order(other) > self.order(place):
                    self.force(other, Cause(f"uses what {cell} holds", place))

    def _changed_under_names(self, place: Place) -> Iterator[Cell]:
        """The cells of others whose objects a unit has changed under names that import statements bind no more."""
        if self.old_index(place) < 0:
            return
        aliases = self._gone_aliases(place.module)
        for mutation in self.old_unit(place).mutations:
            alias = aliases.get(mutation.chain[0])
            if alias is not None and not mutation.called:
                name = alias.name or "".join(mutation.chain[1:2])
                yield self.canonical(Cell(alias.module, name))

    def _gone_aliases(self, name: str) -> dict[str, Alias]:
        """What import statements of a module have bound that it has no more."""
        module = self.module(name)
        if module is None:
            return {}
        alignment = module.alignment
        changed = [alignment.old[alignment.olds[index]] for index in alignment.changed if alignment.olds[index] >= 0]
        return {unit.alias.bound: unit.alias for unit in (*alignment.gone, *changed) if unit.alias is not None}

    def _see_subscripts(self, place: Place) -> None:
        """A library keeps what a class has been asked for: it is another class that is asked for other items."""
        old, name, unit = self.old_index(place), place.module, self.unit(place)
        is_other = self.fate(place) in (Fate.NEW, Fate.CHANGED)
        is_sure = b"[" not in unit.statement.text or surely_bound(unit) is not None
        after = subscripts(self, name, unit) if is_other or not is_sure else {}
        if after and not is_sure:
            self._refuse(f"{name}:{unit.line} has a class made that a library may put among the module's names")
        if not is_other:
            return
        before = subscripts(self, name, self.old_unit(place), self._gone_aliases(name)) if old >= 0 else {}
        for cell in sorted({*before, *after}):
            lost, more = (
                before.get(cell, set()) - after.get(cell, set()),
                after.get(cell, set()) - before.get(cell, set()),
            )
            if lost or (more and self._is_asked_later(cell, place)):
                self._remake(cell, place)

    def _is_asked_later(self, cell: Cell, place: Place) -> bool:
        """Whether units that come later than another one in a start ask a class for items."""
        later = (one for one in self.users(cell) if self._is_after(one, place))
        return any(cell in subscripts(self, one.module, self.unit(one)) for one in later)

    def _store_again(self, cell: Cell, after: Place) -> None:
        """Who sets attributes or items of the same object later in a start has the last word."""
        for place in list(self.users(cell)):
            if self._is_later(place, after) and cell in self.stored_by(place.module, self.unit(place)):
                self.mark(place, Cause(f"sets what {cell} has, too", after))

    def _set_on_modules(self, place: Place, cause: Cause) -> None:
        """What the unit has bound as attributes of modules is unbound, and what it is going to bind is another."""
        unit, old, name = self.unit(place), self.old_index(place), place.module
        again = self.fate(place) is not Fate.CHANGED and self._keys.isdisjoint(self.world.ran(name, old))
        if old >= 0:
            before = self.old_unit(place)
            self._unset(name, before, self.set_on_modules(name, before, old), cause, by=place, again=again)
        if old < 0 or not again:
            self._unset(name, unit, self.set_on_modules(name, unit, -1, self._going_to_run(place)), cause, by=place)

    def _going_to_run(self, place: Place) -> set[Key]:
        """What a unit runs that is other than it was, or runs others: that no more is bound is seen when it does."""
        is_new = self.fate(place) in (Fate.NEW, Fate.CHANGED)
        as_it_was = self._keys.isdisjoint(self.world.ran(place.module, self.old_index(place)))
        return self.foreseen(place) if is_new and as_it_was else self.predicted(place.module, self.unit(place))

    def _unset(
        self,
        name: str,
        unit: Unit,
        cells: Iterable[Cell],
        cause: Cause,
        *,
        by: Place | None = None,
        again: bool = True,
    ) -> None:
        """Names of other modules are as their own modules leave them until somebody sets them `again`."""
        for cell in sorted(cells):
            if cell.name == "*":
                self._refuse(f"{name}:{unit.line} sets names of {cell.module} that its source does not tell")
            elif self.binders(cell) or not again:
                self._drop_unless_bound(cell, cause)
            self.spread(cell, cause, rebound=True, by=by)

    def _undo_old(self, name: str, unit: Unit, cause: Cause) -> None:
        """A unit that is gone has left its traces."""
        asked = subscripts(self, name, unit, self._gone_aliases(name))
        for cell in {*self.mutated_by(name, unit, unit.index), *self.stored_by(name, unit), *asked}:
            for creator in self.binders(self.canonical(cell)):
                self.force(creator, Cause(f"was changed by what is gone: {cause.text}"))
