"""Statements of which nothing comes but that a name is bound: an import that takes a name over, a sum of numbers.

A value that many modules have from each other is executed again in as many statements. What has to be kept, watched and
asked for around other statements has nothing to find with these, and is left out; the result is the same.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Collection, Mapping
from types import ModuleType

from pepperpy_reload.core.computing import is_plain, only_gathers
from pepperpy_reload.core.doings import Alias
from pepperpy_reload.core.plan import Action, Step
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Place
from pepperpy_reload.importing.edges import is_initializing
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.execute import Executor
from pepperpy_reload.reloading.looking import is_atom

Stale = Mapping[str, Collection[str]]
"""The names that are still going to be bound, by module."""


class Takeovers:
    """Knows which steps are such, and takes them. `edited` modules have a new source: their imports are noted anew."""

    def __init__(self, scope: Traces, edited: Collection[str]) -> None:
        self._scope = scope
        self._edited = edited
        self._door = recorder.plain_door
        self._quiet: dict[str, list[bool]] = {}
        """By module and unit: whether it has opened no file."""

    def way(self, step: Step, unit: Unit, executor: Executor, stale: Stale) -> Callable[[], object] | None:
        """How to take a step that nothing else comes of; None if that is not so, or cannot be told.

        Nothing may wait to be executed where it imports from.
        """
        place = Place(step.module, step.index)
        # In the midst of others, packages may still wait for submodules; and code would be taken for a function's.
        if step.action is not Action.EXECUTE or step.again or unit.statement.guards or recorder.watch.stack:
            return None
        if step.module in self._edited:  # what it reads may be bound after it now
            return (lambda: executor.execute_anew(unit)) if not unit.reads and is_plain(unit) else None
        if unit.alias is None and not _reads_atoms(unit, executor):
            return None
        if not self._scope.is_plain(place) or not self._is_quiet(place):
            return None
        if unit.alias is not None:
            return self._way_over(step.module, unit.alias, executor, stale)
        return lambda: executor.execute_plainly(unit)

    def _is_quiet(self, place: Place) -> bool:
        if place.module not in self._quiet:
            page = ledger.page(place.module)
            self._quiet[place.module] = [not reads for reads in page.reads] if page is not None else []
        known = self._quiet[place.module]
        return place.index < len(known) and known[place.index]

    def _way_over(self, name: str, alias: Alias, executor: Executor, stale: Stale) -> Callable[[], object] | None:
        """What `from m import x` does if m is there and has x: it binds what x holds.

        The edge is there, and no other import could replace it; that it leads to m shows how m is found. No package
        has to look for a submodule, and m has no say in what it gives.
        """
        source, own = sys.modules.get(alias.module), executor.names.namespace
        if self._door is None or builtins.__import__ is not self._door or type(source) is not ModuleType:
            return None
        if own.get("__builtins__") not in (vars(builtins), builtins) or is_initializing(alias.module):
            return None
        given = vars(source)
        if alias.name not in given or alias.name in stale.get(alias.module, ()) or alias.name.startswith("__"):
            return None
        if f"{alias.module}.{alias.name}" in sys.modules or not recorder.graph.is_settled(name, alias.module):
            return None
        return lambda: executor.names.__setitem__(alias.bound, given[alias.name])


def _reads_atoms(unit: Unit, executor: Executor) -> bool:
    """Whether all that a statement reads are atoms: Python's own operators run no code of the user's with these.

    Modules may be put somewhere.
    """
    own, late = executor.names.namespace, executor.names.stale
    for chain in unit.reads:
        if len(chain) > 1 or chain[0] in late or chain[0] not in own:
            return False
        value = own[chain[0]]
        if not is_atom(value) and (type(value) is not ModuleType or not only_gathers(unit)):
            return False
    return True
