"""What a batch asks of this process: steps in the order in which they are taken, each with its reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pepperpy_reload.core.start import Start
from pepperpy_reload.core.world import Cell, Place

if TYPE_CHECKING:
    from pepperpy_reload.core.cascade import Cascade


class Action(StrEnum):
    """What is done, from the least to the most."""

    PATCH = "patch"
    """The functions of a module get their new code and stay the same objects."""
    REFIT = "refit"
    """A def is executed, and the live function takes over the result."""
    TRANSPLANT = "transplant"
    """A class statement is executed, and the live class takes over what has changed."""
    EXECUTE = "execute"
    """A statement is executed in its module's namespace."""
    RUN = "run"
    """A whole module is run again, into the same module object."""
    DROP = "drop"
    """A name or a module is gone."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `index` is the unit's (-1: the module as a whole); `because` tells the reasons when asked."""

    action: Action
    module: str
    index: int = -1
    name: str = ""
    line: int = 0
    because: Callable[[], tuple[str, ...]] = field(default=tuple, compare=False, repr=False)
    dirty: frozenset[str] = frozenset()
    """For a transplant: the module's names that hold something else now; `*` if more than names has changed."""

    again: bool = False
    """The statement is as it was, but its object has to be made again: the old object takes the new one's contents."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, from the rule that asks for it back to the edit."""
        return self.because()

    def as_json(self) -> dict[str, object]:
        """A dict of plain values."""
        return {
            "action": self.action.value,
            "module": self.module,
            "statement": self.name,
            "line": self.line,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Passed:
    """Some steps of a plan, one after another: nothing comes of them but that a value is passed on."""

    cascade: Cascade
    first: int
    """The number of the first of them among all."""

    @property
    def end(self) -> int:
        """The number of the first one after them."""
        return self.first + len(self.cascade.units)


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """The steps in the order in which they are taken; `restart` is why only a new process will do, or ""."""

    steps: tuple[Step, ...] = ()
    restart: str = ""
    cells: frozenset[Cell] = frozenset()
    """The names whose objects are other ones afterwards, or hold something else."""
    start: Start | None = None
    """How a cold start would go, where the edits change that."""
    passed: Passed | None = None
    """Those of the steps that are known to pass a value on."""

    def without(self, first: int, count: int) -> ReloadPlan:
        """The plan without some of its steps, from number `first` on."""
        return replace(self, steps=(*self.steps[:first], *self.steps[first + count :]), passed=None)

    def modules(self, action: Action) -> tuple[str, ...]:
        """The modules that have this done to them, in order."""
        return tuple(dict.fromkeys(step.module for step in self.steps if step.action is action))

    @property
    def only_patches(self) -> bool:
        """Whether no statement is executed and nothing goes."""
        return not self.restart and all(step.action is Action.PATCH for step in self.steps)


@dataclass(frozen=True, slots=True)
class Demand:
    """What the changed files ask for by themselves; each value is a reason for the user.

    `edited` modules have a new source that differs in more than layout; `units` are stale whatever their source says;
    `whole` modules have to be run as a whole; `drop` modules are gone. `enough` is asked from time to time: once it
    says so, a new process is ready sooner than this plan.
    """

    edited: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[Place, str] = field(default_factory=dict)
    whole: Mapping[str, str] = field(default_factory=dict)
    drop: Mapping[str, str] = field(default_factory=dict)
    enough: Callable[[], bool] = lambda: False
