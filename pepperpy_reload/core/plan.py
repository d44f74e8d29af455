"""What a batch asks of this process: the least set of modules that has to be run again, in order, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pepperpy_reload.core.world import World


class Action(StrEnum):
    """What is done to a module or a function."""

    PATCH = "patch"
    """The functions of a module get their new code and stay the same objects."""
    RUN = "run"
    """The whole module is run again, into the same module object."""
    DROP = "drop"
    """The module is gone and leaves `sys.modules`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and why."""

    action: Action
    module: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """A dict of plain values."""
        return {"action": self.action.value, "module": self.module, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """The steps in the order in which they are taken; `restart` is why only a new process will do, or ""."""

    steps: tuple[Step, ...] = ()
    restart: str = ""

    def modules(self, action: Action) -> tuple[str, ...]:
        """The modules that have this done to them, in order."""
        return tuple(step.module for step in self.steps if step.action is action)

    @property
    def only_patches(self) -> bool:
        """Whether no code of a module runs and nothing goes."""
        return not self.restart and all(step.action is Action.PATCH for step in self.steps)


@dataclass(frozen=True, slots=True)
class Demand:
    """What the changed files ask for by themselves; each value is a reason for the user."""

    patch: Mapping[str, str] = field(default_factory=dict)
    run: Mapping[str, str] = field(default_factory=dict)
    drop: Mapping[str, str] = field(default_factory=dict)


def plan_reload(demand: Demand, world: World) -> ReloadPlan:
    """Close `demand` under what hangs on it.

    Whoever imported a module that is run or dropped is run again; so is whoever owns an object that a module run again
    would change: it starts afresh, as in a new process, and so does all that hangs on it. Reads nothing but its
    arguments, and asks `world` only about modules of the plan.
    """
    stale = dict(demand.run)
    waiting = [*demand.drop, *stale]
    for name in waiting:
        ties = list(world.importers(name))
        if name not in demand.drop:
            ties.extend(world.changed_by(name))
        for tie in ties:
            if tie.module not in stale and tie.module not in demand.drop:
                stale[tie.module] = tie.reason
                waiting.append(tie.module)
    run = sorted(stale, key=world.rank)
    steps = [
        *(Step(Action.DROP, name, reason) for name, reason in demand.drop.items()),
        *(Step(Action.PATCH, name, reason) for name, reason in demand.patch.items() if name not in stale),
        *(Step(Action.RUN, name, stale[name]) for name in run),
    ]
    return ReloadPlan(tuple(steps), _refusal([*run, *demand.drop], world, stale))


def _refusal(names: Iterable[str], world: World, stale: Mapping[str, str]) -> str:
    for name in names:
        why = world.refusal(name)
        if why:
            because = stale.get(name)
            return f"{why} (it has to run again: {because})" if because else why
    return ""
