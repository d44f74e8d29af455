"""Modules that a reload has loaded for the first time: what they would have changed, or found, in a cold start."""

from __future__ import annotations

from collections.abc import Iterator, Set

from pepperpy_reload.core.plan import Action, Demand, ReloadPlan
from pepperpy_reload.core.shifts import Shifts
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.world import Cell, Place
from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.live import LiveWorld


def see_newcomers(plan: ReloadPlan, newcomers: Set[str]) -> None:
    """Modules that were loaded for the first time have to find, and to leave, what they would in a cold start.

    Raises RestartNeeded if they may not.
    """
    if newcomers:
        arrivals = _Newcomers(plan, newcomers)
        for name in newcomers:
            arrivals.see(name)


class _Newcomers:
    """The modules that a plan has loaded for the first time."""

    def __init__(self, plan: ReloadPlan, names: Set[str]) -> None:
        self._names = names
        self._runs = plan.modules(Action.RUN)
        self._done = {(step.module, step.index) for step in plan.steps}
        self._world = LiveWorld()
        self._traces = Shifts(Demand(), self._world)

    def see(self, name: str) -> None:
        """Raise RestartNeeded if a module may have found or left something else than in a cold start."""
        module = self._traces.module(name)
        for unit in module.alignment.units if module is not None else ():
            place = Place(name, unit.index)
            _see_half_way(self._traces, place)
            for cell, user in self._using(place):
                is_later = self._traces.order(user) > self._traces.order(place) and not self._is_done(user)
                if is_later or self._is_unsettled(place, user):
                    line = self._traces.unit(user).line
                    raise RestartNeeded(f"{name} is new and changes {cell}, which {user.module}:{line} uses later")
            for cell, user in self._traces.changing(place, self._names):
                is_later = self._traces.order(user) > self._traces.order(place) and not self._is_made_again(cell)
                if user.module not in self._names and (is_later or self._is_unsettled(place, user)):
                    line = self._traces.unit(user).line
                    raise RestartNeeded(f"{name} is new and uses {cell}, which {user.module}:{line} changes later")

    def _using(self, place: Place) -> Iterator[tuple[Cell, Place]]:
        """The units of other modules that use what a unit changes."""
        for cell in self._traces.mutated(place, old=True):
            yield from ((cell, user) for user in self._traces.users(cell) if user.module not in self._names)

    def _is_done(self, place: Place) -> bool:
        return place.module in self._runs or (place.module, place.index) in self._done

    def _is_made_again(self, cell: Cell) -> bool:
        """Whether what changes a cell's object later has not changed this one, which is another."""
        binders = self._traces.binders(cell)
        return bool(binders) and all(one.module in self._names or self._is_done(one) for one in binders)

    def _is_unsettled(self, place: Place, other: Place) -> bool:
        """Whether nobody knows which one is first in a cold start.

        A module is executed before the statement that loads it and the newcomers, where one of these loads it: it is
        as if it had been done before them only for those who import it first, in whatever way.
        """
        if not self._is_loaded_with(other.module, self._outermost(place.module)):
            return False
        module = self._traces.module(place.module)
        units = module.alignment.units[: place.index] if module is not None else ()
        aliases = [alias for unit in units for alias in (*unit.imports, *([unit.alias] if unit.alias else []))]
        named = {name for alias in aliases for name in (alias.module, f"{alias.module}.{alias.name}")}
        return not any(
            name == other.module or other.module in recorder.graph.dependencies(name)
            for name in named
            if name in recorder.graph
        )

    def _outermost(self, name: str) -> Place | None:
        """The statement of a module that is none of them that has loaded a newcomer."""
        place = self._world.loader(name)
        while place is not None and place.module in self._names:
            place = self._world.loader(place.module)
        return place

    def _is_loaded_with(self, name: str, statement: Place | None) -> bool:
        """Whether a statement loads a module, directly or through others."""
        place = self._world.loader(name)
        seen = {name}
        while place is not None and place != statement and place.module not in seen:
            seen.add(place.module)
            place = self._world.loader(place.module)
        return place is not None and place == statement


def _see_half_way(traces: Traces, place: Place) -> None:
    """A module that is loaded for the first time by one that is half-way must not find what is not bound there yet."""
    alias = traces.unit(place).alias
    if alias is not None and alias.bound == "*" and (unfound := traces.unfound(place)):
        raise RestartNeeded(f"{place.module}:{traces.unit(place).line} takes {alias.module}.{unfound[0]} too early")
    for cell in traces.absent(place):
        raise RestartNeeded(f"{place.module}:{traces.unit(place).line} reads {cell} before that has been loaded")
    for cell in sorted(traces.read_by_itself(place)):
        later = [one for one in traces.binders(cell) if one.module != place.module]
        if any(traces.order(one) > traces.order(place) for one in later):
            raise RestartNeeded(f"{place.module}:{traces.unit(place).line} reads {cell} before it is bound")
