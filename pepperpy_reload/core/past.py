"""What a stale unit must find as it was when its turn came: what has been done since is done again after it."""

from __future__ import annotations

from collections.abc import Iterator

from pepperpy_reload.core.deeds import SETTING
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.marks import Cause, Marks
from pepperpy_reload.core.setters import owners_set, set_by
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.core.world import Cell, Key, Place


class Past(Marks):
    """Finds what comes later in a start than a unit, and has changed what that unit finds."""

    def _rivals(self, place: Place, cell: Cell) -> list[Place]:
        """The units that bind a cell, but those that are not executed in a start in which this one is."""
        statement = self.unit(place).statement
        binders = self.binders(cell)
        if not statement.guards:
            return list(binders)
        here = (other for other in binders if other.module == place.module)
        others = {other for other in here if statement.excludes(self.unit(other).statement)}
        return [other for other in binders if other not in others]

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
        for name in self._modules_setting(Cell(cell.module, attribute)):
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
        for name in self._modules_setting(cell):
            for unit in self._units_setting(name, cell.name):
                own = (self.cell(name, chain) for chain in unit.sets if len(chain) > 1)
                yield from (Place(name, unit.index) for one, rest in own if one == cell and not rest)
            for key, facts in self._functions_setting(name, cell.name):
                if cell in set_by(self, name, facts):
                    yield from self.runners(key)

    def _modules_setting(self, cell: Cell) -> Iterator[str]:
        """The modules that may set a cell as an attribute.

        Those that may set any by a name that is made up are few, and are asked for every cell.
        """
        found = {name for name in self.world.setting_any(cell.name) if self._may_set(name, cell.name)}
        yield from (name for name in self.world.setting(cell) if name in found) if found else ()

    def _may_set(self, name: str, word: str) -> bool:
        """Whether a module may set an attribute of that name: what it sets is gathered when it is asked often.

        What it says behind a dot is known without that.
        """
        if name not in self._words_set:
            if not self._is_often("words", name):
                return True
            self._words_set[name] = frozenset(self._set_otherwise(name))
        return not self._words_set[name].isdisjoint((word, "*")) or self.world.sets_behind_dot(name, word)

    def _set_otherwise(self, name: str) -> Iterator[str]:
        """The last words of all that a module may set without saying it behind a dot, and perhaps of more."""
        words = None if self.world.deletes_attributes(name) else frozenset(SETTING)
        module = self.module(name)
        if module is not None:
            for unit in module.alignment.units if words is None else module.saying(words):
                yield from (chain[-1] for chain in unit.sets)
        for facts in self.world.functions(name, words).values():
            yield from (chain[-1] for chain in facts.sets)

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
        """Whether units that come later use what a cell holds; a class also by what has been made of it."""
        waiting, seen = [cell], {cell}
        is_class = any(self.unit(one).kind is Kind.CLASS for one in self.binders(cell))
        for one in waiting:  # it grows meanwhile
            users = self.users(one)
            if any(self._is_later(other, place) for other in users):
                return True
            made = {Cell(other.module, name) for other in users for name in self.unit(other).binds} if is_class else ()
            waiting += [other for other in sorted(map(self.canonical, made)) if other not in seen]
            seen.update(waiting)
        return False

    def _is_changed_later(self, place: Place, cell: Cell) -> bool:
        users = (other for other in self.users(cell) if self._is_later(other, place))
        return any(cell in self.mutated(other, old=True) for other in users)

    def _is_later(self, place: Place, than: Place) -> bool:
        """Whether a unit that stays as it is comes later in a start, or may come later than a part of the other one."""
        if place == than or place in self.causes:
            return False
        return self.order(place) > self.order(than) or self.is_during(place.module, than)
