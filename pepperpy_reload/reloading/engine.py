"""One planner and one transaction: what every way to reload goes through."""

from __future__ import annotations

import importlib
import linecache
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pepperpy_reload.core.plan import Action, ReloadPlan, Step
from pepperpy_reload.core.planner import plan_reload
from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.core.world import Cell, Place
from pepperpy_reload.errors import ReloadError, RestartNeeded
from pepperpy_reload.importing.finder import Finder
from pepperpy_reload.importing.footprint import Activity, CodeKey
from pepperpy_reload.importing.recorder import Footprint, recorder
from pepperpy_reload.reloading import ledger, patch, renamed, state
from pepperpy_reload.reloading.execute import Executor
from pepperpy_reload.reloading.generated import forget_sources
from pepperpy_reload.reloading.holdings import Holdings
from pepperpy_reload.reloading.instances import Census
from pepperpy_reload.reloading.live import LiveWorld
from pepperpy_reload.reloading.loaders import handled, loaders
from pepperpy_reload.reloading.opaque import see_opaque
from pepperpy_reload.reloading.reading import Edited, Reading, read_batch
from pepperpy_reload.reloading.run import Rerun, import_again
from pepperpy_reload.reloading.transaction import Transaction, pin_lines
from pepperpy_reload.reloading.usercode import calling_user_code
from pepperpy_reload.reloading.witness import Witness
from pepperpy_reload.reloading.writing import Writing

_RAN = (Action.REFIT, Action.TRANSPLANT, Action.EXECUTE)


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
        found = [name for module in self.plan.modules(Action.PATCH) for name in self.patched_in(module)]
        refitted = [f"{step.module}.{step.name.split()[-1]}" for step in self.plan.steps if step.action is Action.REFIT]
        return tuple(dict.fromkeys([*found, *refitted]))

    def patched_in(self, module: str) -> tuple[str, ...]:
        """The functions of an edited module that get new code where they are, by name."""
        return tuple(f"{module}.{pair.new.co_qualname}" for pair in self._pairs(module) if pair.changed)

    @property
    def ran(self) -> tuple[str, ...]:
        """The statements that are executed."""
        chosen = (Action.EXECUTE, Action.TRANSPLANT)
        return tuple(f"{step.module}:{step.line}" for step in self.plan.steps if step.action in chosen)

    def _pairs(self, name: str) -> Iterable[patch.Pair]:
        executed = {step.index for step in self.plan.steps if step.module == name and step.index >= 0}
        edited = self.reading.edited[name]
        units = [edited.alignment.units[index] for index in executed]
        for pair in edited.pairs:
            if not any(unit.line <= pair.new.co_firstlineno <= unit.last_line for unit in units):
                yield pair


@dataclass(slots=True)
class Attempt:
    """A plan that has been carried out and can still be taken back."""

    prepared: Prepared
    transaction: Transaction
    dropped: list[str] = field(default_factory=list)
    changed: set[CodeKey] = field(default_factory=set)
    disposers: list[Callable[[], object]] = field(default_factory=list)
    remade: list[object] = field(default_factory=list)
    """Objects that are the same and yet were made again."""

    @property
    def gone(self) -> set[str]:
        """The modules that are no longer loaded."""
        dropped = {step.module for step in self.prepared.plan.steps if step.action is Action.DROP and not step.name}
        return dropped - recorder.modules.keys()

    @property
    def imported(self) -> tuple[str, ...]:
        """The modules that were run as a whole."""
        return self.prepared.plan.modules(Action.RUN)

    @property
    def _outdated(self) -> set[str]:
        """The files of which another text is running now, or none."""
        reading, before = self.prepared.reading, self.transaction.known
        return {before[name].path for name in {*reading.edited, *reading.whole, *self.gone} if name in before}

    def touches(self, footprint: Footprint) -> bool:
        """Whether what a call ran before might be other now: its functions, or a name that they read."""
        if self.changed & footprint.functions or not footprint.modules.isdisjoint(self.imported):
            return True
        world = LiveWorld()
        scope, cells, runs = Scope(world), self.prepared.plan.cells, set(self.imported)
        for key in footprint.functions:
            known = world.facts(key)
            read = scope.cells(known[0], known[1].reads) if known is not None else set()
            if not cells.isdisjoint(read) or any(cell.module in runs for cell in read):
                return True
        return False

    def rollback(self) -> None:
        """Put everything back, and make sure that tracebacks show the text of the code that goes on running."""
        self.transaction.rollback()
        reading = self.prepared.reading
        pin_running({*reading.edited, *reading.drop, *reading.whole} & recorder.modules.keys())

    def commit(self) -> None:
        """It stays. What was registered to be disposed of with the old version is, last registered first."""
        for path in self._outdated:
            linecache.cache.pop(path, None)
        for name in self.gone:
            ledger.forget(name)
        recorder.tidy()
        for dispose in reversed(self.disposers):
            with calling_user_code():
                dispose()


def pin_running(names: Iterable[str]) -> None:
    """What these modules are made of goes on running, whatever their files hold by now: tracebacks show it."""
    for name in names:
        pin_lines(recorder.modules[name].path, recorder.modules[name].source)


def prepare(paths: Iterable[str]) -> Prepared:
    """Read the files and plan. Raises UserCodeError if one does not compile."""
    return _plan(read_batch(paths))


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
    plan = prepared.plan
    if not plan.only_patches:
        see_opaque(plan, Traces(prepared.reading.world()))
    concerned = list(plan.modules(Action.PATCH)) if plan.only_patches else list(recorder.modules)
    modules = [sys.modules[name] for name in concerned if isinstance(sys.modules.get(name), ModuleType)]
    attempt = Attempt(prepared, Transaction(modules, deep=not plan.only_patches))
    registered = state.disposers()
    known = set() if plan.only_patches else set(recorder.modules)
    attempt.transaction.undo(lambda: state.restore_disposers(registered))
    caches = list(_stale_caches(prepared))
    try:
        for step in plan.steps:
            if step.action is Action.DROP and not step.name:
                _drop(attempt, step.module)
        _patch(attempt, plan.modules(Action.PATCH))
        for cache in caches:
            cache.cache_clear()
        writing = Writing(prepared.reading.edited, plan)
        executed: dict[str, dict[int, Activity]] = {}
        if not plan.only_patches:
            performance = _Performance(attempt, finder)
            performance.run()
            executed = performance.executed
            attempt.remade = performance.remade
        writing.write(executed, attempt.transaction.undo)
        if not plan.only_patches:
            _see_newcomers(plan, recorder.modules.keys() - known)
    except BaseException:
        attempt.rollback()
        raise
    finally:
        recorder.awaited.clear()  # once they are back: until then others are given what they had
    return attempt


def _stale_caches(prepared: Prepared) -> Iterator[Any]:
    """The lru_caches whose functions, or those that they call, are other ones or read what is another now."""
    cells = prepared.plan.cells
    changed = {CodeKey.of(pair.old) for one in prepared.reading.edited.values() for pair in one.pairs if pair.changed}
    if not cells and not changed:
        return
    traces = Traces(prepared.reading.world())
    for name in recorder.modules:
        for _, cache, function in patch.caches_of(sys.modules.get(name), ledger.names_of_caches(name)):
            keys, read = traces.reached(CodeKey.of(function.__code__))
            if not changed.isdisjoint(keys) or not cells.isdisjoint(read):
                yield cache


def _see_newcomers(plan: ReloadPlan, newcomers: Set[str]) -> None:
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


def _plan(reading: Reading) -> Prepared:
    if reading.restart:
        return Prepared(reading, ReloadPlan(restart=reading.restart))
    world = reading.world()
    plan = plan_reload(reading.demand(world), world)
    gone = {step.module for step in plan.steps if step.action is Action.DROP and not step.name}
    for name, error in reading.broken.items():
        if name not in gone:  # it may be that nobody imports it any more
            if why := handled(world, loaders(world, plan.start, name), name, SyntaxError(str(error))):
                return Prepared(reading, ReloadPlan(restart=why))
            raise error
    return Prepared(reading, plan)


def _drop(attempt: Attempt, name: str) -> None:
    module = sys.modules.pop(name, None)
    package, _, attribute = name.rpartition(".")
    holder = sys.modules.get(package)
    if holder is not None and vars(holder).get(attribute) is module:
        delattr(holder, attribute)
    attempt.disposers.extend(state.take_disposers(name))
    recorder.forget(name)
    attempt.dropped.append(name)


def _patch(attempt: Attempt, names: Collection[str]) -> None:
    """Swap the code of all live functions of edited modules."""
    edited = attempt.prepared.reading.edited
    moved = {name: list(_moved(attempt.prepared, name)) for name in names}
    found = patch.live_functions((sys.modules.get(name), pairs) for name, pairs in moved.items())
    for name, pairs in moved.items():
        _swap(attempt, pairs, found)
        _tell_classes(attempt, edited[name])
        for pair in edited[name].pairs:
            if pair.changed:
                attempt.changed.update((CodeKey.of(pair.old), CodeKey.of(pair.new)))
    everything = [pair for pairs in moved.values() for pair in pairs]
    if everything and any(ledger.captures_code(other) for other in recorder.modules):
        patch.swap_captured(everything, [sys.modules[other] for other in recorder.modules], attempt.transaction.undo)


def _moved(prepared: Prepared, name: str) -> Iterator[patch.Pair]:
    """The functions of an edited module that get other code in place."""
    made_again = _made_again(prepared, name)
    for pair in prepared.reading.edited[name].pairs:
        if pair.moved and pair not in made_again and not patch.unpatchable(pair):
            yield pair


def _swap(attempt: Attempt, moved: Iterable[patch.Pair], found: patch.Found) -> None:
    """Give live functions their new code."""
    for pair in moved:
        for code in pair.olds:
            for function in found.get(id(code), ()):
                attempt.transaction.undo(_putting_back(function))
                patch.put(function, pair)


def _tell_classes(attempt: Attempt, edited: Edited) -> None:
    several = _not_defined_once(edited.alignment.old)
    known = patch.known_to_classes(sys.modules[edited.name], edited.loaded.code, edited.code, several)
    for cls, attribute, value in list(known):
        attempt.transaction.undo(partial(type.__setattr__, cls, attribute, vars(cls)[attribute]))
        type.__setattr__(cls, attribute, value)


def _made_again(prepared: Prepared, name: str) -> list[patch.Pair]:
    """The functions that get other parameters from their statement, which has their defaults as well: not before."""
    edited = prepared.reading.edited[name]
    indexes = {step.index for step in prepared.plan.steps if step.module == name and step.index >= 0}
    units = [edited.alignment.units[index] for index in indexes]
    return [
        pair
        for pair in edited.pairs
        if pair.takes_others and any(unit.line <= pair.new.co_firstlineno <= unit.last_line for unit in units)
    ]


def _not_defined_once(units: Iterable[Unit]) -> set[str]:
    """The names of which a module may hold several classes at once: bound twice, or in a loop."""
    once: set[str] = set()
    others: set[str] = set()
    for unit in units:
        plain = unit.kind in (Kind.FUNCTION, Kind.CLASS)
        others |= (unit.binds & once) if plain else unit.binds
        once |= unit.binds
    return others


def _putting_back(function: FunctionType) -> Callable[[], None]:
    code, documentation = function.__code__, function.__doc__

    def put_back() -> None:
        function.__code__ = code
        function.__doc__ = documentation

    return put_back


class _Performance:
    """The statements and modules of a plan, executed in their order."""

    def __init__(self, attempt: Attempt, finder: Finder) -> None:
        self._attempt = attempt
        self._plan = attempt.prepared.plan
        self._finder = finder
        reading = attempt.prepared.reading
        self._world = reading.world()
        self._scope = Traces(self._world)
        self._scope.keys.update(self._plan.start.keys if self._plan.start is not None else {})
        self._witness = Witness(self._scope, reading.edited, self._plan)
        self._holdings = Holdings()
        self._loaded = set(sys.modules)
        self._current = ""
        self._done: set[str] = set()
        """Modules of which statements have been executed, before some of another one."""
        self._executors: dict[str, Executor] = {}
        self._stale: dict[str, set[str]] = {}
        """The names that are still going to be bound, by module."""
        self._census = Census()
        self._packages: tuple[int, dict[str, list[str]]] | None = None
        """How many modules there were, and which ones were in each package."""
        self._waiting: dict[str, list[Step]] = {}
        runs = self._plan.modules(Action.RUN)
        self._runs = {name: sys.modules[name] for name in runs if name in sys.modules}
        for step in self._plan.steps:
            if step.action in _RAN:
                self._executor(step.module).expect(step)
                self._waiting.setdefault(step.module, []).append(step)

    def run(self) -> None:
        """Execute everything; what user code raises comes out as UserCodeError."""
        importlib.invalidate_caches()
        self._see_disposers()
        forget_sources(self._outgoing(), self._attempt.transaction.undo)
        classes = {step.name.split()[-1] for step in self._plan.steps if step.name.startswith("class ")}
        modules = [sys.modules[name] for name in recorder.modules if name in sys.modules]
        names = renamed.Names(modules, classes)
        concerned = {**self._runs, **{name: one.module for name, one in self._executors.items()}}
        with calling_user_code():
            state.call_hooks(concerned, "__before_reload__")
            self._all(self._rerun())
            self._settle("")
            self._tidy()
            names.check(self._time_of)
            self._holdings.check_loggers()
            state.call_hooks(concerned, "__after_reload__")

    def _time_of(self, module: str, name: str) -> tuple[object, ...] | None:
        """When a cold start makes a class of a module that is not run as a whole; None if that is not known."""
        binders = self._scope.binders(Cell(module, name)) if module not in self._runs else []
        return self._scope.order(binders[0]) if len(binders) == 1 else None

    @property
    def executed(self) -> dict[str, dict[int, Activity]]:
        """What each executed statement did, by module and index."""
        return {name: one.activities for name, one in self._executors.items()}

    @property
    def remade(self) -> list[object]:
        """The objects that took the contents of successors."""
        return [thing for one in self._executors.values() for thing in one.remade]

    def _outgoing(self) -> Iterator[object]:
        """The objects that are going to be made again."""
        for module in self._runs.values():
            yield from list(vars(module).values())
        for name, steps in self._waiting.items():
            executor = self._executors[name]
            units = [executor.units[step.index] for step in steps if step.action is Action.EXECUTE]
            names = [bound for unit in units if unit.alias is None for bound in unit.binds]
            yield from (vars(executor.module).get(bound) for bound in names)

    def _tidy(self) -> None:
        for name, executor in self._executors.items():
            self._attempt.dropped.extend(f"{name}.{left}" for left in executor.drop_unbound())
        for name in self._attempt.prepared.reading.edited:
            if name not in self._runs and name in sys.modules:
                self._executor(name).tidy_annotations()

    def _rerun(self) -> Rerun:
        groups = recorder.graph.order(list(self._runs))
        cyclic = [name for group in groups if len(group) > 1 for name in group]
        return Rerun(self._runs, cyclic, {name: state.kept_names(module) for name, module in self._runs.items()})

    def _all(self, rerun: Rerun) -> None:
        # What is gone is gone before anything runs: who still needs it must fail.
        for step in self._plan.steps:
            if step.action is Action.DROP and step.name:
                self._executor(step.module).drop(step.name)
                self._attempt.dropped.append(f"{step.module}.{step.name}")
        recorder.awaiting = threading.get_ident()
        recorder.awaited.update(self._runs)
        for name in self._runs:
            del sys.modules[name]
        before, recorder.on_import = recorder.on_import, self._see_import
        self._loaded.update(sys.modules)
        try:
            with self._finder.executing(rerun), recorder.watch.kept_on():
                for step in self._plan.steps:
                    if step.action is Action.RUN:
                        with self._failing(step.module):
                            self._watched(f"running {step.module} again", partial(import_again, [step.module]))
                    elif step.action in _RAN and step in self._waiting.get(step.module, ()):
                        self._take(step)
            recorder.awaited.clear()
        finally:
            recorder.on_import = before
        self._attempt.dropped.extend(rerun.dropped)

    def _settle(self, following: str) -> None:
        """What is executed next is of another module: what has been bound again is as this one leaves it."""
        name, self._current = self._current, following
        if not name or name == following:
            return
        bound = {cell.name for cell in self._plan.cells if cell.module == name}
        values = {
            key: value for key, value in vars(sys.modules[name]).items() if key in bound and name not in self._done
        }
        self._done.add(name)
        recorder.settled.settle_again(name, values)

    def _take(self, step: Step) -> None:
        self._waiting[step.module].remove(step)
        executor = self._executor(step.module)
        unit = executor.units[step.index]
        for alias in (*unit.imports, *([unit.alias] if unit.alias else [])):
            for name in (alias.module, f"{alias.module}.{alias.name}"):
                self._bring_up(name, step.module)
        for chain in sorted(unit.reads):  # `import settings` may be long done, and `settings.LIMIT` is still to come
            self._bring_up(self._scope.cell(step.module, chain)[0].module, step.module)
        place = Place(step.module, step.index)
        self._witness.before(place, unit, self._stale, postponed=executor.postpones_annotations)
        lines = self._witness.lines(place, unit, self._stale)
        self._settle(step.module)
        with lines or nullcontext(), self._failing(step.module):
            self._watched(f"{step.module}:{unit.line}", partial(executor.take, step, self._unseen(place, unit)))
        self._witness.after(place, unit, executor.activities[step.index], self._stale, lines)

    def _watched(self, where: str, execute: Callable[[], object]) -> None:
        """Execute something. Raises RestartNeeded if it has changed what the process holds apart from its modules."""
        count = len(sys.modules)
        execute()
        if len(sys.modules) != count and sys.modules.keys() - self._loaded:
            self._loaded.update(sys.modules)
            self._holdings.renew()
        else:
            self._holdings.check(where)

    def _unseen(self, place: Place, unit: Unit) -> set[str]:
        """Names that are submodules which a cold start loads after a statement: they bind these names then.

        Those of the statement's own module; and of a star import's source, if nothing else binds them there.
        """
        found = set(self._submodules_after(place, place.module))
        if unit.alias is not None and unit.alias.bound == "*":
            others = self._submodules_after(place, unit.alias.module)
            found |= {name for name in others if not self._scope.binders(Cell(unit.alias.module, name))}
        return found

    def _submodules_after(self, place: Place, package: str) -> Iterator[str]:
        """The submodules of a package that are loaded after a statement, and are what their names there mean."""
        names = getattr(sys.modules.get(package), "__dict__", {})
        for submodule in self._submodules(package):
            name = submodule.rpartition(".")[2]
            is_meant = names.get(name) is sys.modules.get(submodule)
            if is_meant and self._scope.order(Place(submodule, -1)) > self._scope.order(place):
                yield name

    def _submodules(self, package: str) -> list[str]:
        if self._packages is None or self._packages[0] != len(recorder.modules):
            inside: dict[str, list[str]] = {}
            for name in recorder.modules:
                inside.setdefault(name.rpartition(".")[0], []).append(name)
            self._packages = (len(recorder.modules), inside)
        return self._packages[1].get(package, [])

    @contextmanager
    def _failing(self, module: str) -> Iterator[None]:
        """If user code fails inside, whoever loads that module in a cold start may go on without it."""
        try:
            yield
        except ReloadError:
            raise
        except BaseException as error:
            if why := handled(self._world, self._loaders(module), module, error):
                raise RestartNeeded(why) from error
            raise

    def _see_import(self, module: str, importer: str) -> None:
        """A module that is run again as a whole imports: what it finds there must be what a cold start would."""
        if importer in self._runs:
            self._bring_up(module, importer)

    def _bring_up(self, module: str, importer: str) -> None:
        """A module is about to be imported from: what waits to be executed there comes first.

        Unless its own import is what `importer` is being imported for: then it is half-way, as in a cold start.
        """
        if self._waiting.get(module) and module not in self._above(importer):
            while self._waiting.get(module):
                self._take(self._waiting[module][0])

    def _above(self, module: str) -> set[str]:
        """The modules whose import statements, one inside the other, load a module in a cold start; itself too."""
        return {module, *(place.module for place in self._loaders(module))}

    def _loaders(self, module: str) -> Iterator[Place]:
        return loaders(self._world, self._plan.start, module)

    def _executor(self, name: str) -> Executor:
        if name not in self._executors:
            code, units, old, olds = _source(self._attempt, name)
            self._executors[name] = Executor(
                sys.modules[name],
                recorder.modules[name].path,
                code,
                units,
                old,
                olds,
                lambda index, bound: self._scope.finds(Place(name, index), bound),
                self._attempt.transaction.undo,
                self._attempt.transaction.before,
                self._census,
            )
            self._stale[name] = self._executors[name].names.stale
        return self._executors[name]

    def _see_disposers(self) -> None:
        for name in {*self._runs, *self._executors}:
            self._attempt.disposers.extend(state.take_disposers(name))


def _source(attempt: Attempt, name: str) -> tuple[CodeType, list[Unit], list[Unit], list[int]]:
    """A module's code, its units new and old, and the old index of each new one."""
    edited = attempt.prepared.reading.edited.get(name)
    if edited is not None:
        alignment = edited.alignment
        return edited.code, list(alignment.units), list(alignment.old), list(alignment.olds)
    page = ledger.page(name)
    assert page is not None
    return page.loaded.code, page.units, page.units, list(range(len(page.units)))
