"""What executes statements of modules: one for each module that a reload comes to."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import CodeType

from pepperpy_reload.core.plan import Action, Step
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.attempt import Attempt
from pepperpy_reload.reloading.binding import may_only_bind
from pepperpy_reload.reloading.execute import Executor
from pepperpy_reload.reloading.instances import Census
from pepperpy_reload.reloading.stars import Stars


class Executors:
    """The executors of an attempt, each made when it is first asked for; `remade` is what takes new contents."""

    def __init__(self, attempt: Attempt, scope: Traces, remade: list[object]) -> None:
        self.all: dict[str, Executor] = {}
        """Those that there are, by module."""
        self.stale: dict[str, set[str]] = {}
        """The names that are still going to be bound, by module."""
        self._attempt = attempt
        self._scope = scope
        self._remade = remade
        self._census = Census()

    def get(self, name: str) -> Executor:
        """The one of a module."""
        if name not in self.all:
            code, units, old, olds = _source(self._attempt, name)
            module = sys.modules[name]
            self.all[name] = Executor(
                module,
                recorder.modules[name].path,
                code,
                units,
                old,
                olds,
                Stars(module, self._scope),
                self._attempt.transaction.undo,
                self._attempt.transaction.before,
                self._census,
                self._remade,
            )
            self.stale[name] = self.all[name].names.stale
        return self.all[name]

    def stale_but(self, modules: Collection[str]) -> Mapping[str, set[str]]:
        """The names that are still going to be bound, but those of some modules."""
        return {name: names for name, names in self.stale.items() if name not in modules} if modules else self.stale

    def may_only_bind(self, step: Step) -> bool:
        """Whether a step is of a kind that changes no object: what it is given then has to be plain as well."""
        if step.action in (Action.PATCH, Action.DROP):
            return True
        if step.action not in (Action.EXECUTE, Action.REFIT) or step.again:
            return False
        return may_only_bind(self.get(step.module).units[step.index])

    def outgoing(self, waiting: Mapping[str, Sequence[Step]]) -> Iterator[object]:
        """The objects that the steps which wait are going to make again."""
        for name, steps in waiting.items():
            executor = self.all[name]
            units = [executor.units[step.index] for step in steps if step.action is Action.EXECUTE]
            names = [bound for unit in units if unit.alias is None for bound in unit.binds]
            yield from (vars(executor.module).get(bound) for bound in names)


def _source(attempt: Attempt, name: str) -> tuple[CodeType, list[Unit], list[Unit], list[int]]:
    """A module's code, its units new and old, and the old index of each new one."""
    edited = attempt.prepared.reading.edited.get(name)
    if edited is not None:
        alignment = edited.alignment
        return edited.code, list(alignment.units), list(alignment.old), list(alignment.olds)
    page = ledger.page(name)
    assert page is not None
    return page.loaded.code, page.units, page.units, list(range(len(page.units)))
