"""One planner and one transaction: what every way to reload goes through."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Set
from types import ModuleType
from typing import Any

from pepperpy_reload.core.plan import Action, ReloadPlan, Step
from pepperpy_reload.core.planner import plan_and_traces
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.importing.finder import Finder
from pepperpy_reload.importing.footprint import Activity, CodeKey
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger, properties, state
from pepperpy_reload.reloading.attempt import Attempt, Prepared
from pepperpy_reload.reloading.caches import caches_of
from pepperpy_reload.reloading.cascades import cascades
from pepperpy_reload.reloading.collection import collecting_later
from pepperpy_reload.reloading.loaders import handled, loaders
from pepperpy_reload.reloading.newcomers import see_newcomers
from pepperpy_reload.reloading.opaque import see_opaque
from pepperpy_reload.reloading.passing import PassedOnOtherwise, Passing
from pepperpy_reload.reloading.performance import Performance
from pepperpy_reload.reloading.reading import Reading, read_batch
from pepperpy_reload.reloading.stopwatch import stopwatch
from pepperpy_reload.reloading.swap import swap_codes
from pepperpy_reload.reloading.transaction import Transaction
from pepperpy_reload.reloading.writing import Writing


def prepare(paths: Iterable[str]) -> Prepared:
    """Read the files and plan. Raises UserCodeError if one does not compile."""
    with collecting_later():
        prepared = _plan(read_batch(paths))
    stopwatch.lap("plan")
    return prepared


def prepare_modules(names: Iterable[str], *, dependents: bool) -> Prepared:
    """Plan to run modules again whether or not their files have changed.

    With `dependents` what they import and is stale is brought up to date first, and all that depends on them after.
    """
    chosen = list(names)
    if not dependents:
        reading = read_batch(recorder.modules[name].path for name in chosen)
        for error in reading.broken.values():
            raise error
        only = Reading({name: edited for name, edited in reading.edited.items() if name in chosen})
        steps = tuple(Step(Action.RUN, name, because=lambda: ("asked for",)) for name in chosen)
        why = next((why for name in chosen if (why := only.world().refusal(name))), "")
        return Prepared(only, ReloadPlan(steps, why))
    graph = recorder.graph
    imported = {other for name in chosen for other in graph.dependencies(name) if other in recorder.modules}
    reading = read_batch(recorder.modules[name].path for name in {*chosen, *imported})
    for name in recorder.graph.dependents(chosen):
        if name in recorder.modules:
            reading.whole[name] = "asked for" if name in chosen else f"depends on {chosen[0]}"
    return _plan(reading)


def perform(prepared: Prepared, finder: Finder) -> Attempt:
    """Carry a plan out, in the thread that runs the user's code.

    Raises UserCodeError if the new code does; then everything has been put back. Raises RestartNeeded before anything
    is touched if there is something that could not be put back.
    """
    stopwatch.lap("wait")
    traces = prepared.traces or Traces(prepared.reading.world())
    prepared.traces = None
    passing = Passing.of(prepared.plan, traces)
    if passing is None:
        return _perform(prepared, finder, traces, None)
    try:
        return _perform(prepared, finder, traces, passing)
    except PassedOnOtherwise:  # everything has been put back: once more, step by step
        return _perform(prepared, finder, traces, None)


def _perform(prepared: Prepared, finder: Finder, traces: Traces, passing: Passing | None) -> Attempt:
    plan = prepared.plan
    others = passing.others if passing is not None else plan
    if not plan.only_patches:
        see_opaque(others, traces)
    concerned = list(plan.modules(Action.PATCH)) if plan.only_patches else list(recorder.modules)
    modules = {name: sys.modules[name] for name in concerned if isinstance(sys.modules.get(name), ModuleType)}
    attempt = Attempt(prepared, Transaction(modules, deep=not plan.only_patches))
    registered = state.disposers()
    known = set() if plan.only_patches else set(recorder.modules)
    attempt.transaction.undo(lambda: state.restore_disposers(registered))
    changed = {CodeKey.of(pair.old) for one in prepared.reading.edited.values() for pair in one.pairs if pair.changed}
    caches, kept = list(_stale_caches(plan, traces, changed)), properties.stale(plan, traces, changed)
    stopwatch.lap("journal")
    try:
        for step in plan.steps:
            if step.action is Action.DROP and not step.name:
                _drop(attempt, step.module)
        swap_codes(attempt, plan.modules(Action.PATCH))
        for cache in caches:
            cache.cache_clear()
        properties.forget(kept, attempt.transaction.undo)
        writing = Writing(prepared.reading.edited, others)  # to pass a value on leaves nothing to be written down
        executed: dict[str, dict[int, Activity]] = {}
        if not plan.only_patches:
            performance = Performance(attempt, finder, passing)
            performance.run()
            executed = performance.executed
            attempt.remade = performance.remade
        writing.write(executed, attempt.transaction.undo)
        if not plan.only_patches:
            see_newcomers(plan, recorder.modules.keys() - known)
    except BaseException:
        attempt.rollback()
        raise
    finally:
        recorder.awaited.clear()  # once they are back: until then others are given what they had
        stopwatch.lap("patch" if plan.only_patches else "run")
    return attempt


def _stale_caches(plan: ReloadPlan, traces: Traces, changed: Set[CodeKey]) -> Iterator[Any]:
    """The lru_caches whose functions, or those that they call, are other ones or read what is another now."""
    cells = plan.cells
    if not cells and not changed:
        return
    for name, bounds in ledger.with_caches():
        for _, cache, function in caches_of(sys.modules.get(name), bounds):
            if not cache.cache_info().currsize:
                continue
            keys, read = traces.reached(CodeKey.of(function.__code__))
            if not changed.isdisjoint(keys) or not cells.isdisjoint(read):
                yield cache


def _plan(reading: Reading) -> Prepared:
    if reading.restart:
        return Prepared(reading, ReloadPlan(restart=reading.restart))
    world = reading.world()
    known = cascades.known(reading.edited, world)
    plan, traces = plan_and_traces(reading.demand(world), world, known)
    gone = {step.module for step in plan.steps if step.action is Action.DROP and not step.name}
    for name, error in reading.broken.items():
        if name not in gone:  # it may be that nobody imports it any more
            if why := handled(world, loaders(world, plan.start, name), name, SyntaxError(str(error))):
                return Prepared(reading, ReloadPlan(restart=why))
            raise error
    return Prepared(reading, plan, traces)


def _drop(attempt: Attempt, name: str) -> None:
    module = sys.modules.pop(name, None)
    package, _, attribute = name.rpartition(".")
    holder = sys.modules.get(package)
    if holder is not None and vars(holder).get(attribute) is module:
        delattr(holder, attribute)
    attempt.disposers.extend(state.take_disposers(name))
    recorder.forget(name)
    attempt.dropped.append(name)
