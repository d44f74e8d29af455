"""Modules that a reload has loaded for the first time: what they would have changed, or found, in a cold start."""

from __future__ import annotations

from collections.abc import Set

from pepperpy_reload.core.plan import Action, ReloadPlan
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.world import Place
from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.reloading.live import LiveWorld


def see_newcomers(plan: ReloadPlan, newcomers: Set[str]) -> None:
    """Modules that were loaded for the first time may have changed what was used before, and would be used after them.

    Raises RestartNeeded then.
    """
    if not newcomers:
        return
    traces, runs = Traces(LiveWorld()), plan.modules(Action.RUN)
    done = {(step.module, step.index) for step in plan.steps}
    for name in newcomers:
        module = traces.module(name)
        for unit in module.alignment.units if module is not None else ():
            place = Place(name, unit.index)
            _see_half_way(traces, place)
            for cell in traces.mutated(place, old=True):
                for user in traces.users(cell):
                    is_done = user.module in newcomers or user.module in runs or (user.module, user.index) in done
                    if not is_done and traces.order(user) > traces.order(place):
                        line = traces.unit(user).line
                        raise RestartNeeded(f"{name} is new and changes {cell}, which {user.module}:{line} uses later")


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
