"""Modules as their statements leave them: what these have bound again is what others find there."""

from __future__ import annotations

import sys
from functools import cached_property

from pepperpy_reload.core.plan import ReloadPlan
from pepperpy_reload.importing.recorder import recorder


class Settling:
    """Notes what the names of a module hold when a plan is done with it for the time being."""

    def __init__(self, plan: ReloadPlan) -> None:
        self._plan = plan
        self.current = ""
        """The module of which statements are being executed."""
        self.done: set[str] = set()
        """Modules of which statements have been executed, before some of another one."""

    def go_to(self, following: str) -> None:
        """What is executed next is of another module: what has been bound again is as this one leaves it."""
        name, self.current = self.current, following
        if not name or name == following:
            return
        bound = self._bound.get(name, ())
        names = {} if name in self.done else vars(sys.modules[name])
        values = {key: value for key, value in names.items() if key in bound}
        self.done.add(name)
        recorder.settled.settle_again(name, values)

    @cached_property
    def _bound(self) -> dict[str, set[str]]:
        """By module: the names that hold something else when the plan has been carried out."""
        found: dict[str, set[str]] = {}
        for cell in self._plan.cells:
            found.setdefault(cell.module, set()).add(cell.name)
        return found
