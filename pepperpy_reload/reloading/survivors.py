"""Objects that a statement gives again instead of new ones: what has been changed in them has not been taken back."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pepperpy_reload.core.difference import Fate
from pepperpy_reload.core.effects import Depth
from pepperpy_reload.core.plan import Action, ReloadPlan
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.core.world import Cell, Place
from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.reloading import state
from pepperpy_reload.reloading.holders import can_change
from pepperpy_reload.reloading.holdings import is_watched


class Survivors:
    """Knows which statements of a plan change what others have made: they have done so before."""

    def __init__(self, scope: Traces, plan: ReloadPlan) -> None:
        self._scope = scope
        self._runs = set(plan.modules(Action.RUN))
        self._steps = [
            Place(step.module, step.index) for step in plan.steps if step.action is Action.EXECUTE and step.index >= 0
        ]
        self._forced = {Place(step.module, step.index) for step in plan.steps if step.again}
        self._gone: set[Cell] | None = None

    def check(self, place: Place, names: Iterable[str], renewed: Iterable[object] = ()) -> None:
        """A statement has bound names to the same objects again. Raises RestartNeeded if these should be new ones.

        Those that have been `renewed` are as good as new.
        """
        unit = self._scope.unit(place)
        if unit.kind is not Kind.OTHER or unit.same_as:
            return
        space = vars(sys.modules[place.module])
        kept = state.kept_names(sys.modules[place.module])
        passed_on = {alias.bound for alias in unit.imports} | {read[0] for read in unit.reads}  # `x += 1` reads x
        for name in sorted({*names} - passed_on - kept.keys()):
            value = space.get(name)
            if not can_change(value) or is_watched(value) or value is space:
                continue
            if any(value is one for one in (*state.kept_values(), *renewed)):
                continue
            if place in self._forced or self._is_changed(place, unit, name):
                where = f"{place.module}:{unit.line}"
                raise RestartNeeded(f"{where} gives the same {name} as before, and what was changed in it stays")

    def check_module(self, module: str, before: Mapping[str, Any]) -> None:
        """The same for a module that has been run again as a whole; `before` are its names as they were."""
        known = self._scope.module(module)
        space = vars(sys.modules[module])
        same = {name for name, value in before.items() if name in space and space[name] is value}
        for unit in known.alignment.units if known is not None else ():
            if found := same & unit.binds:
                self.check(Place(module, unit.index), found)

    def _is_changed(self, place: Place, unit: Unit, name: str) -> bool:
        if any(one.chain[0] == name and self._counts(place, one.depth) for one in unit.mutations):
            return True
        cell = self._scope.canonical(Cell(place.module, name))
        if cell in self._taken_back():
            return True
        return any(
            cell in (found := self._scope.mutated(other, old=True)) and self._counts(other, found[cell])
            for other in self._executed()
            if other != place
        )

    def _counts(self, place: Place, depth: Depth) -> bool:
        """Whether to execute a statement once more does more than it has done: to set the same again does not."""
        return depth is not Depth.STORE or self._scope.fate(place) is Fate.CHANGED

    def _executed(self) -> Iterator[Place]:
        yield from self._steps
        for name in sorted(self._runs):
            module = self._scope.module(name)
            yield from (Place(name, unit.index) for unit in (module.alignment.units if module is not None else ()))

    def _taken_back(self) -> set[Cell]:
        """What statements have changed that are gone."""
        if self._gone is None:
            self._gone = set()
            for name in {place.module for place in self._executed()}:
                module = self._scope.module(name)
                for unit in module.alignment.gone if module is not None else ():
                    self._gone |= self._scope.mutated_by(name, unit, unit.index).keys()
                    self._gone |= self._scope.stored_by(name, unit)
        return self._gone
