"""Modules that a start executes at another time: who finds what others have changed by then, or no longer does."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from functools import cached_property

from pepperpy_reload.core.consequences import Consequences
from pepperpy_reload.core.marks import Cause
from pepperpy_reload.core.start import Start, displaced
from pepperpy_reload.core.world import Cell, Place


class Shifts(Consequences):
    """Knows which units have changed places in a start, and marks those for which that is not the same."""

    def see_shifts(self, start: Start) -> None:
        """Mark what finds something else now: what has been shifted, or stands where something has been shifted."""
        self._reorder(displaced(list(self.world.sequence()), start.sequence))
        for name in self._shifted(start):
            module = self.module(name)
            for unit in module.alignment.units if module is not None else ():
                place = Place(name, unit.index)
                if self.old_index(place) < 0 or self.restart:
                    continue
                if self.demand.enough():
                    self._refuse(f"{name} and more are imported at another time: a new process is ready sooner")
                    return
                self._see_found(place)
                self._see_left(place)

    def _reorder(self, names: list[str]) -> None:
        """Modules are executed at another time: what they do to the objects of others comes at another time, too."""
        for name in names:
            module = self.module(name)
            for unit in module.alignment.units if module is not None else ():
                place = Place(name, unit.index)
                for cell in self.mutated(place, old=True):
                    self._remake(cell, place)

    def _shifted(self, start: Start) -> list[str]:
        """The modules that are loaded by another unit, or by one that has changed places, and what those load."""
        found: dict[str, None] = {}
        for name, trigger in start.triggers.items():  # who loads a module comes before it
            if trigger is not None and (trigger.module in found or self._is_shifted(name, trigger)):
                found[name] = None
        return list(found)

    def _is_shifted(self, name: str, trigger: Place) -> bool:
        before = self.world.trigger(name)
        module = self.module(trigger.module)
        if before is None or module is None or before[0] != trigger.module:
            return True
        olds = module.alignment.olds
        if olds[trigger.index] != before[1]:
            return True
        return any(old >= 0 and (old < before[1]) != (index < trigger.index) for index, old in enumerate(olds))

    def _see_found(self, place: Place) -> None:
        """A unit that has been shifted finds what others have changed by then."""
        for _, other in self.changing(place):
            if self._have_changed_places(place, other):
                line = self.unit(other).line
                self.mark(place, Cause(f"comes at another time, and finds what {other.module}:{line} changes", other))
                return

    def changing(self, place: Place, without: Container[str] = ()) -> Iterator[tuple[Cell, Place]]:
        """The units that change what a unit finds, at whatever time, each with the cell; `without` those of modules."""
        for cell in sorted(self.read_when_executed(place) | self._taken(place)):
            yield from ((cell, other) for other in self._set_by(cell) if cell.module not in without)
        unit = self.unit(place)
        if unit.alias is not None or unit.same_as:
            return
        for cell in dict.fromkeys(self._found_changed(place)):
            users = self.users(cell) if cell.module not in without else ()
            yield from ((cell, other) for other in users if cell in self.mutated(other, old=True))
        for cell, attribute in sorted(self._attributes_read(place)):
            setters = self._attribute_set_by(cell, attribute) if cell.module not in without else ()
            yield from ((cell, other) for other in setters)
        for cell in sorted(self._classes_met(place)):
            yield from ((cell, other) for other in (self._storing(cell) if cell.module not in without else ()))

    def _see_left(self, place: Place) -> None:
        """What a unit that has been shifted sets is found by others, or no longer is; what it changes is made again."""
        unit, name = self.unit(place), place.module
        cause = Cause(f"finds what {name}:{unit.line} sets, at another time", place)
        cells = self.set_on_modules(name, unit, self.old_index(place))
        found = [reader for cell in sorted(cells) for reader in self._reading(cell)]
        found += [user for cell in sorted(self.stored_by(name, unit)) for user in self.users(cell)]
        for other in dict.fromkeys(found):
            if self._have_changed_places(place, other):
                self.mark(other, cause)
        for cell in self.mutated(place, old=True):
            if any(self._have_changed_places(place, other) for other in self.users(cell)):
                self._remake(cell, place)

    def _reading(self, cell: Cell) -> Iterator[Place]:
        yield from self.readers(cell)
        yield from (place for place, _ in self.callers(cell))

    def _have_changed_places(self, one: Place, other: Place) -> bool:
        before, then = self._order_before(one), self._order_before(other)
        return before is not None and then is not None and (before < then) != (self.order(one) < self.order(other))

    def _order_before(self, place: Place) -> tuple[float, ...] | None:
        """When the start of this process has executed a unit; None if it is new."""
        old = self.old_index(place)
        return (*self._began(place.module), old) if old >= 0 else None

    def _began(self, module: str) -> tuple[float, ...]:
        if module not in self._beginnings:
            trigger = self.world.trigger(module)
            rank = self._ranks.get(module, len(self._ranks))
            self._beginnings[module] = (rank,)
            if trigger is not None:
                self._beginnings[module] = (*self._began(trigger[0]), trigger[1] - 0.5, rank)
        return self._beginnings[module]

    @cached_property
    def _beginnings(self) -> dict[str, tuple[float, ...]]:
        return {}

    @cached_property
    def _ranks(self) -> Mapping[str, int]:
        return {name: rank for rank, name in enumerate(self.world.sequence())}
