"""One planner and one transaction: what every way to reload goes through."""

from __future__ import annotations

import importlib
import linecache
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FunctionType, ModuleType

from pepperpy_reload.core.plan import Action, ReloadPlan, plan_reload
from pepperpy_reload.importing.finder import Finder
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.recorder import Footprint, recorder
from pepperpy_reload.reloading import patch, state
from pepperpy_reload.reloading.live import LiveWorld
from pepperpy_reload.reloading.reading import Edited, Reading, read_batch, sources
from pepperpy_reload.reloading.run import Rerun, import_again
from pepperpy_reload.reloading.transaction import Transaction, pin_lines
from pepperpy_reload.reloading.usercode import calling_user_code


@dataclass(slots=True)
class Prepared:
    """A batch that has been read and planned; nothing has been touched yet."""

    reading: Reading
    plan: ReloadPlan

    @property
    def concerns_nothing(self) -> bool:
        """Whether nothing that runs here would be other than it is (line numbers may move)."""
        return not self.plan.restart and self.plan.only_patches and not self.patched

    @property
    def patched(self) -> tuple[str, ...]:
        """The functions that get new code, by name."""
        names = self.plan.modules(Action.PATCH)
        return tuple(f"{name}.{pair.new.co_qualname}" for name in names for pair in self.reading.edited[name].patched)


@dataclass(slots=True)
class Attempt:
    """A plan that has been carried out and can still be taken back."""

    prepared: Prepared
    transaction: Transaction
    dropped: list[str] = field(default_factory=list)
    changed: set[CodeKey] = field(default_factory=set)
    disposers: list[Callable[[], object]] = field(default_factory=list)

    @property
    def imported(self) -> tuple[str, ...]:
        """The modules that were run."""
        return self.prepared.plan.modules(Action.RUN)

    def touches(self, footprint: Footprint) -> bool:
        """Whether what a call ran before might be other now."""
        return bool(self.imported or self.changed & footprint.functions)

    def rollback(self) -> None:
        """Put everything back, and make sure that tracebacks show the text of the code that goes on running."""
        self.transaction.rollback()
        for name, edited in self.prepared.reading.edited.items():
            if name in recorder.modules:
                pin_lines(edited.path, recorder.modules[name].source)

    def commit(self) -> None:
        """It stays. What was registered to be disposed of with the old version is, last registered first."""
        for edited in self.prepared.reading.edited.values():
            linecache.cache.pop(edited.path, None)
        for dispose in reversed(self.disposers):
            with calling_user_code():
                dispose()


def prepare(paths: Iterable[str]) -> Prepared:
    """Read the files and plan. Raises UserCodeError if one does not compile."""
    return _plan(read_batch(paths))


def prepare_modules(names: Iterable[str], *, dependents: bool) -> Prepared:
    """Plan to run modules again whether or not their files have changed.

    With `dependents` what they import and is stale is brought up to date first, and all that depends on them after.
    """
    chosen = list(names)
    stale = [recorder.modules[name].path for name in chosen if name in recorder.modules]
    if dependents:
        graph = recorder.graph
        imported = {other for name in chosen for other in graph.dependencies(name) if other in recorder.modules}
        stale = [*stale, *(recorder.modules[name].path for name in imported)]
    reading = read_batch(stale)
    for name in chosen:
        reading.patch.pop(name, None)
        reading.run[name] = "asked for"
    if dependents:
        return _plan(reading)
    only = Reading({name: edited for name, edited in reading.edited.items() if name in chosen})
    only.run = {name: "asked for" for name in chosen}
    return Prepared(only, plan_reload(only.demand, _Alone(LiveWorld({}))))


def perform(prepared: Prepared, finder: Finder) -> Attempt:
    """Carry a plan out, in the thread that runs the user's code.

    Raises UserCodeError if the new code does; then everything has been put back.
    """
    plan = prepared.plan
    runs = plan.modules(Action.RUN)
    modules = [sys.modules[name] for name in recorder.modules if isinstance(sys.modules.get(name), ModuleType)]
    attempt = Attempt(prepared, Transaction(modules, deep=bool(runs)))
    registered = state.disposers()
    attempt.transaction.undo(lambda: state.restore_disposers(registered))
    try:
        for name in plan.modules(Action.DROP):
            _drop(attempt, name)
        for name in plan.modules(Action.PATCH):
            _patch(attempt, prepared.reading.edited[name])
        if runs:
            _run(attempt, runs, finder)
    except BaseException:
        attempt.rollback()
        raise
    return attempt


class _Alone:
    """A world in which nothing hangs on anything: for `reload_module`."""

    def __init__(self, world: LiveWorld) -> None:
        self.refusal = world.refusal
        self.rank = world.rank

    def importers(self, module: str) -> tuple[()]:  # noqa: ARG002 - asked by the planner
        return ()

    changed_by = importers


def _plan(reading: Reading) -> Prepared:
    if reading.restart:
        return Prepared(reading, ReloadPlan(restart=reading.restart))
    return Prepared(reading, plan_reload(reading.demand, LiveWorld(dict(sources(reading)))))


def _drop(attempt: Attempt, name: str) -> None:
    module = sys.modules.pop(name, None)
    package, _, attribute = name.rpartition(".")
    holder = sys.modules.get(package)
    if holder is not None and vars(holder).get(attribute) is module:
        delattr(holder, attribute)
    attempt.disposers.extend(state.take_disposers(name))
    recorder.forget(name)
    attempt.dropped.append(name)


def _patch(attempt: Attempt, edited: Edited) -> None:
    """Swap the code of all live functions of a module whose functions alone have changed."""
    moved = [pair for pair in edited.pairs if pair.changed or _position(pair.old) != _position(pair.new)]
    found = patch.live_functions(pair.old for pair in moved)
    patched: dict[int, FunctionType] = {}
    for pair in moved:
        for function in found.get(id(pair.old), ()):
            before = (function.__code__, function.__doc__)
            attempt.transaction.undo(lambda function=function, before=before: _put_back(function, *before))  # type: ignore[misc]
            patch.put(function, pair)
            if pair.changed:
                patched[id(function)] = function
    if patched and edited.name in sys.modules:
        patch.clear_caches(sys.modules[edited.name], patched)
    attempt.changed.update(CodeKey.of(pair.new) for pair in edited.patched)
    attempt.changed.update(CodeKey.of(pair.old) for pair in edited.patched)
    recorder.update(edited.name, edited.source, edited.code)
    recorder.rename({CodeKey.of(pair.old): CodeKey.of(pair.new) for pair in moved})


def _run(attempt: Attempt, names: tuple[str, ...], finder: Finder) -> None:
    importlib.invalidate_caches()
    live = {name: sys.modules[name] for name in names if name in sys.modules}
    groups = recorder.graph.order(list(names))
    cyclic = [name for group in groups if len(group) > 1 for name in group]
    for name in names:
        attempt.disposers.extend(state.take_disposers(name))
    rerun = Rerun(live, cyclic, {name: state.kept_names(module) for name, module in live.items()})
    with calling_user_code():
        state.call_hooks(live, "__before_reload__")
        for name in live:
            del sys.modules[name]
        recorder.awaited.update(live)
        try:
            import_again(names, finder, rerun)
        finally:
            recorder.awaited.clear()
        state.call_hooks(live, "__after_reload__")
    attempt.dropped.extend(rerun.dropped)


def _position(code: object) -> object:
    return (code.co_firstlineno, code.co_linetable)  # type: ignore[attr-defined]


def _put_back(function: FunctionType, code: object, documentation: str | None) -> None:
    function.__code__ = code  # type: ignore[assignment]
    function.__doc__ = documentation
