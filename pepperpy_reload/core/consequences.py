"""What a stale unit entails: the objects that it had changed are made again, in the order of a start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from pepperpy_reload.core.deeds import SETTING
from pepperpy_reload.core.difference import Fate
from pepperpy_reload.core.effects import Depth
from pepperpy_reload.core.marks import Cause, Marks
from pepperpy_reload.core.plan import Action
from pepperpy_reload.core.setters import owners_set, set_by
from pepperpy_reload.core.unit import FunctionFacts, Kind, Unit
from pepperpy_reload.core.world import Cell, Key, Place

_OFTEN = 64  # statements between two looks at whether it takes too long


class Consequences(Marks):
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
        if (why := self.opacity(unit)) and place.module not in self.whole:
            self.whole[place.module] = f"{why} (line {unit.line})"
            self._mark_all(place.module, cause)
        self._see_surveys(place, unit, cause)
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

    def _see_doings(self, place: Place, unit: Unit, cause: Cause) -> None:
        if self.old_index(place) >= 0:
            self._see_functions(place.module, unit, self.bound_in_functions(place.module, self.old_index(place)), cause)
        if self.fate(place) in (Fate.NEW, Fate.CHANGED):
            self._see_functions(place.module, unit, self._bound_soon(place), cause)
        if unit.kind is Kind.CLASS:
            self._see_bases(place)
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
            source = self.unit(star).alias
            if star.index > place.index and source is not None and cell.name in self.offered(source.module):
                self.mark(star, Cause(f"binds {cell.name} after it", place))
        self.spread(cell, cause, rebound=action is Action.EXECUTE, by=place)

    def _rivals(self, place: Place, cell: Cell) -> list[Place]:
        """The units that bind a cell, but those that are not executed in a start in which this one is."""
        statement = self.unit(place).statement
        binders = self.binders(cell)
        if not statement.guards:
            return list(binders)
        here = (other for other in binders if other.module == place.module)
        others = {other for other in here if statement.excludes(self.unit(other).statement)}
        return [other for other in binders if other not in others]

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
        for cell in self.stored_by(place.module, self.unit(place)):
            self._store_again(cell, place)
        if self.fate(place) in (Fate.NEW, Fate.CHANGED):
            self._see_changed(place, self.going_to_store(place) - before.keys() - after.keys())

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
        module = self.module(place.module)
        if module is None or self.old_index(place) < 0:
            return
        alignment = module.alignment
        changed = [alignment.old[alignment.olds[index]] for index in alignment.changed if alignment.olds[index] >= 0]
        aliases = {unit.alias.bound: unit.alias for unit in (*alignment.gone, *changed) if unit.alias is not None}
        for mutation in self.old_unit(place).mutations:
            alias = aliases.get(mutation.chain[0])
            if alias is not None and not mutation.called:
                name = alias.name or "".join(mutation.chain[1:2])
                yield self.canonical(Cell(alias.module, name))

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
            self._unset(name, unit, self.set_on_modules(name, unit, -1), cause, by=place)

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
        for cell in {*self.mutated_by(name, unit, unit.index), *self.stored_by(name, unit)}:
            for creator in self.binders(self.canonical(cell)):
                self.force(creator, Cause(f"was changed by what is gone: {cause.text}"))

    def _remake(self, cell: Cell, by: Place) -> None:
        for creator in self.binders(cell):
            if creator != by:
                unit = self.unit(by)
                self.force(creator, Cause(f"is changed by {by.module}:{unit.line} ({unit.label})", by))

    def _see_the_past(self, place: Place) -> None:
        """A stale unit must find names and objects as they were when its turn comes in a cold start."""
        unit = self.unit(place)
        by_itself = self.read_by_itself(place)
        for cell in sorted(self.read_when_executed(place) | self._taken(place)):
            self._see_binders(place, cell, by_itself=cell in by_itself)
        if unit.alias is not None or unit.same_as:
            return
        for cell in self._found_changed(place):
            if self._is_changed_later(place, cell):
                self._remake(cell, place)
        self._see_attributes_before(place)
        self._see_classes_before(place)

    def _see_binders(self, place: Place, cell: Cell, *, by_itself: bool) -> None:
        """A stale unit reads a cell: who binds it after that, or sets it, does so again."""
        binders = self._rivals(place, cell)
        later = sum(self._is_after(other, place) for other in binders)
        if later and (by_itself or later < len(binders)):
            for other in binders:
                self.force(other, Cause(f"binds {cell}, which is read before", place))
        if any(self._is_after(other, place) for other in self._set_by(cell)):
            for other in binders:
                self.force(other, Cause(f"binds {cell}, which is set on {cell.module} after it is read", place))

    def _is_after(self, place: Place, than: Place) -> bool:
        """Whether `order` puts a unit after another one."""
        if place.module == than.module:
            return place.index > than.index
        return self.order(place) > self.order(than)

    def _see_classes_before(self, place: Place) -> None:
        """What a unit makes of classes depends on all attributes of these, of their bases and of metaclasses."""
        for cell in sorted(self._classes_met(place)):
            if any(self._is_later(other, place) for other in self._storing(cell)):
                self._remake(cell, place)

    def _classes_met(self, place: Place) -> set[Cell]:
        """The classes that a unit calls or hands on, itself or in functions that it ran, and what they are made by."""
        ways = (self.cell(home, chain) for home, chain in self.chains_read(place))
        called = (self.cell(home, chain)[0] for home, chain in self.chains_called(place))
        waiting = [self.canonical(cell) for cell in (*(cell for cell, rest in ways if not rest), *called)]
        met: set[Cell] = set()
        while waiting:
            cell = waiting.pop()
            if cell in met:
                continue
            classes = [other for other in self.binders(cell) if self.unit(other).kind is Kind.CLASS]
            if classes:
                met.add(cell)
            for other in classes:
                waiting += [self.canonical(self.cell(other.module, base)[0]) for base in self.unit(other).bases]
        return met

    def _storing(self, cell: Cell) -> list[Place]:
        """The units that set attributes of what a cell holds."""
        if cell not in self._storers:
            users = self.users(cell)
            self._storers[cell] = [one for one in users if cell in self.stored_by(one.module, self.unit(one))]
        return self._storers[cell]

    def _found_changed(self, place: Place) -> Iterator[Cell]:
        """The cells whose objects a unit may find, and find changed."""
        for home, chain in self.chains_read(place):
            cell, rest = self.cell(home, chain)
            cell = self.canonical(cell)
            if self.world.is_mutable(cell, rest) or self.world.has_class_state(cell):
                yield cell
        if self.unit(place).kind is Kind.CLASS:
            yield from self._seen_through(place)

    def _seen_through(self, place: Place) -> Iterator[Cell]:
        """The classes that a class names, those that they name, and so on: a library's metaclass may look at them."""
        seen: set[Cell] = {*map(self.canonical, self.read_when_executed(place))}
        waiting = [cell for cell in sorted(seen) if self.world.is_made_by_a_library(cell)]
        yield from waiting
        while waiting:
            for binder in self.binders(waiting.pop()):
                found = {*map(self.canonical, self.read_when_executed(binder))} - seen
                made = [cell for cell in sorted(found) if self.world.is_made_by_a_library(cell)]
                seen |= found
                waiting += made
                yield from made

    def _see_attributes_before(self, place: Place) -> None:
        """What a unit reads of classes, functions and the like may have been set since."""
        for cell, attribute in sorted(self._attributes_read(place)):
            if any(self._is_later(other, place) for other in self._attribute_set_by(cell, attribute)):
                self._remake(cell, place)

    def _attributes_read(self, place: Place) -> set[tuple[Cell, str]]:
        """What a unit reads of what is not taken to change: of classes, functions, and modules that are nobody's."""
        ways = [self.cell(home, chain) for home, chain in self.chains_read(place) if len(chain) > 1]
        found = {(self.canonical(cell), rest[0]) for cell, rest in ways if rest}
        return {(cell, name) for cell, name in found if not self.module_bound(cell) and self.binders(cell)}

    def _attribute_set_by(self, cell: Cell, attribute: str) -> list[Place]:
        """The units that set an attribute of what a cell holds, themselves or through functions that they ran."""
        known = (cell, attribute)
        if known not in self._setters_of:
            self._setters_of[known] = list(self._find_attribute_setters(cell, attribute))
        return self._setters_of[known]

    def _find_attribute_setters(self, cell: Cell, attribute: str) -> Iterator[Place]:
        if not self._is_ever_set(attribute):
            return
        for name in self.world.setting(Cell(cell.module, attribute)):
            for unit in self._units_setting(name, attribute):
                if cell in owners_set(self, name, unit.sets, unit.imports, attribute):
                    yield Place(name, unit.index)
            for key, facts in self._functions_setting(name, attribute):
                if cell in owners_set(self, name, facts.sets, facts.imports, attribute):
                    yield from self.runners(key)

    def _set_by(self, cell: Cell) -> list[Place]:
        """The units that bind a cell as an attribute of its module, themselves or through functions that they ran."""
        if cell not in self._setters:
            self._setters[cell] = list(self._find_setters(cell))
        return self._setters[cell]

    def _find_setters(self, cell: Cell) -> Iterator[Place]:
        if not self._is_ever_set(cell.name):
            return
        for name in self.world.setting(cell):
            for unit in self._units_setting(name, cell.name):
                own = (self.cell(name, chain) for chain in unit.sets if len(chain) > 1)
                yield from (Place(name, unit.index) for one, rest in own if one == cell and not rest)
            for key, facts in self._functions_setting(name, cell.name):
                if cell in set_by(self, name, facts):
                    yield from self.runners(key)

    def _is_ever_set(self, word: str) -> bool:
        """Whether anybody sets an attribute of that name: if not, nobody has to be asked cell by cell.

        As long as few cells of that name have been asked for it is quicker to ask for each.
        """
        if word not in self._ever_set:
            if not self._is_often("sets", word):
                return True
            self._ever_set[word] = any(
                any(True for _ in self._units_setting(name, word))
                or any(True for _ in self._functions_setting(name, word))
                for name in self.world.setting_any(word)
            )
        return self._ever_set[word]

    def _units_setting(self, name: str, word: str) -> Iterator[Unit]:
        """The units of a module that set an attribute of that name, or any, by themselves."""
        words = frozenset((word, *SETTING))
        module = self.module(name) if self.world.may_set(name, words) else None
        for unit in module.saying(words) if module is not None else ():
            if any(chain[-1] in (word, "*") for chain in unit.sets):
                yield unit

    def _functions_setting(self, name: str, word: str) -> Iterator[tuple[Key, FunctionFacts]]:
        """The functions of a module that do, of those that ran."""
        for key, facts in self.world.functions(name, frozenset((word, *SETTING))).items():
            if any(chain[-1] in (word, "*") for chain in facts.sets):
                yield key, facts

    def _taken(self, place: Place) -> set[Cell]:
        """What a star import may take."""
        alias = self.unit(place).alias
        if alias is None or alias.bound != "*":
            return set()
        return {Cell(alias.module, name) for name in self.offered(alias.module)}

    def _is_used_later(self, place: Place, cell: Cell) -> bool:
        return any(self._is_later(other, place) for other in self.users(cell))

    def _is_changed_later(self, place: Place, cell: Cell) -> bool:
        users = (other for other in self.users(cell) if self._is_later(other, place))
        return any(cell in self.mutated(other, old=True) for other in users)

    def _is_later(self, place: Place, than: Place) -> bool:
        """Whether a unit that stays as it is comes later in a start, or may come later than a part of the other one."""
        if place == than or place in self.causes:
            return False
        return self.order(place) > self.order(than) or self.is_during(place.module, than)
