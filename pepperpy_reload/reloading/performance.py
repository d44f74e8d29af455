"""The statements and modules of a plan, executed in the order of a cold start."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

from pepperpy_reload.core.plan import Action, Step
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.core.world import Cell, Place
from pepperpy_reload.errors import ReloadError, RestartNeeded
from pepperpy_reload.importing.finder import Finder
from pepperpy_reload.importing.footprint import Activity
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import aliases, bygone, renamed, state
from pepperpy_reload.reloading.arrivals import Arrivals
from pepperpy_reload.reloading.attempt import Attempt
from pepperpy_reload.reloading.binding import only_binds
from pepperpy_reload.reloading.derived import drop_derived
from pepperpy_reload.reloading.execute import Executor
from pepperpy_reload.reloading.executors import Executors
from pepperpy_reload.reloading.exits import take_back_before
from pepperpy_reload.reloading.failures import why_only_here
from pepperpy_reload.reloading.forgetting import Forgetting
from pepperpy_reload.reloading.generated import forget_sources
from pepperpy_reload.reloading.getters import left_as_they_were
from pepperpy_reload.reloading.hiding import Hiding
from pepperpy_reload.reloading.holdings import Holdings
from pepperpy_reload.reloading.loaders import handled
from pepperpy_reload.reloading.looking import is_atom
from pepperpy_reload.reloading.needs import Needs
from pepperpy_reload.reloading.passing import Passing
from pepperpy_reload.reloading.patience import Patience
from pepperpy_reload.reloading.registrations import Registrations
from pepperpy_reload.reloading.run import Rerun, import_again
from pepperpy_reload.reloading.settling import Settling
from pepperpy_reload.reloading.submodules import Submodules, is_held_by_its_package
from pepperpy_reload.reloading.survivors import Survivors
from pepperpy_reload.reloading.takeovers import Takeovers
from pepperpy_reload.reloading.usercode import calling_user_code
from pepperpy_reload.reloading.witness import Witness

_RAN = (Action.REFIT, Action.TRANSPLANT, Action.EXECUTE)


class Performance:
    """The statements and modules of a plan, executed in their order."""

    def __init__(self, attempt: Attempt, finder: Finder, passing: Passing | None) -> None:
        self._attempt = attempt
        self._patience = Patience()
        self._plan = attempt.prepared.plan
        self._passing = passing
        self._turn = passing.first if passing is not None else -1
        """The number of the step before which that comes."""
        self._steps = (passing.others if passing is not None else self._plan).steps
        """Those that are taken one by one."""
        self._finder = finder
        reading = attempt.prepared.reading
        self._world = reading.world()
        self._scope = Traces(self._world)
        self._scope.keys.update(self._plan.start.keys if self._plan.start is not None else {})
        self._witness = Witness(self._scope, reading.edited, self._plan)
        self._survivors = Survivors(self._scope, self._plan)
        self._forgetting = Forgetting()
        self._registrations = Registrations(self._scope)
        self._holdings: Holdings | None = None
        """What the process holds; None until something is executed that could change it, or any object."""
        self._loaded: set[str] = set()
        self._settling = Settling(self._plan)
        self.remade: list[object] = []
        """The objects that took the contents of successors."""
        self._takeovers = Takeovers(self._scope, reading.edited)
        self._executors = Executors(attempt, self._scope, self.remade)
        self._hiding = Hiding()
        self._arrivals = Arrivals(self._scope.begins)
        self._hosts: list[Place] = []
        """The statements with others inside that are being executed, and that have loaded what waits to be."""
        self._taken_away: list[tuple[Cell, object]] = []
        """The names that have gone before anything was executed, with what they held."""
        self._failure: BaseException | None = None
        """What has been raised inside one of them: it goes on whatever the statement makes of it."""
        self._submodules = Submodules(self._scope)
        self._waiting: dict[str, list[Step]] = {}
        runs = self._plan.modules(Action.RUN)
        self._begun: set[str] = set()
        """Those that are run again as a whole whose turn has come."""
        self._runs = {name: sys.modules[name] for name in runs if name in sys.modules}
        self._needs = Needs(self._world, self._scope, self._plan, self._waiting, self._runs)
        for step in self._steps:
            if step.action in _RAN:
                self._executors.get(step.module).expect(step)
                self._waiting.setdefault(step.module, []).append(step)

    def run(self) -> None:
        """Execute everything; what user code raises comes out as UserCodeError."""
        self._see_disposers()
        for name in self._runs:  # while they are there
            self._witness.see_begun(name, together=self._runs)
        if not all(map(self._executors.may_only_bind, self._steps)):
            self._deepen()
        forget_sources(self._outgoing(), self._attempt.transaction.undo)
        classes = {step.name.split()[-1] for step in self._steps if step.name.startswith("class ")}
        light = self._holdings is None
        if not light:
            aliases.forget_equal(self._outgoing())
        plan = self._passing.others if self._passing is not None else self._plan
        modules = [] if light else [sys.modules[name] for name in recorder.modules if name in sys.modules]
        names = renamed.Names(modules, classes)
        concerned = {**self._runs, **{name: one.module for name, one in self._executors.all.items()}}
        if any(hook in vars(module) for module in concerned.values() for hook in state.HOOKS):
            self._deepen()
        with calling_user_code():
            state.call_hooks(concerned, "__before_reload__")
            going = [*self._outgoing(), *self._leaving()]
            for thing in going:
                bygone.note(thing)
            drop_derived(going, modules)
            self._forgetting.expect(going)
            self._registrations.expect(self._plan)
            take_back_before(plan, self._scope, self._attempt.transaction.undo)
            self._all(self._rerun())
            self._settling.go_to("")
            for name in self._runs:
                self._survivors.check_module(name, self._attempt.transaction.before(name))
            self._tidy()
            names.check(self._time_of)
            self._witness.see_bystanders(self._attempt.transaction.contents, self.remade)
            self._forgetting.check(self._plan.cells, self._time_of)
            self._registrations.check()
            if self._holdings is not None:
                self._holdings.check_loggers()
            state.call_hooks(concerned, "__after_reload__")

    def _deepen(self) -> None:
        """Something is going to be executed that may change anything."""
        if self._holdings is None:
            importlib.invalidate_caches()  # it may import what has come since
            self._attempt.transaction.deepen()
            self._holdings = Holdings()

    def _time_of(self, module: str, name: str) -> tuple[object, ...] | None:
        """When a cold start makes a class of a module that is not run as a whole; None if that is not known."""
        binders = self._scope.binders(Cell(module, name)) if module not in self._runs else []
        return self._scope.order(binders[0]) if len(binders) == 1 else None

    @property
    def executed(self) -> dict[str, dict[int, Activity]]:
        """What each executed statement did, by module and index."""
        return {name: one.activities for name, one in self._executors.all.items()}

    def _outgoing(self) -> Iterator[object]:
        """The objects that are going to be made again."""
        for module in self._runs.values():
            yield from list(vars(module).values())
        yield from self._executors.outgoing(self._waiting)

    def _leaving(self) -> Iterator[object]:
        """The objects that go with their names, or with their modules."""
        for step in self._steps:
            space = getattr(sys.modules.get(step.module), "__dict__", {}) if step.action is Action.DROP else {}
            yield from [space.get(step.name)] if step.name else list(space.values())

    def _tidy(self) -> None:
        for cell in left_as_they_were(self._taken_away):  # another thread has asked for it meanwhile
            raise RestartNeeded(f"{cell} was fetched by its module's __getattr__ before it was made again")
        for name, executor in self._executors.all.items():
            self._attempt.dropped.extend(f"{name}.{left}" for left in executor.drop_unbound())
        for name in self._attempt.prepared.reading.edited:
            if name not in self._runs and name in sys.modules:
                self._executors.get(name).tidy_annotations()

    def _rerun(self) -> Rerun:
        groups = recorder.graph.order(list(self._runs))
        cyclic = [name for group in groups if len(group) > 1 for name in group]
        kept = {name: state.kept_names(module) for name, module in self._runs.items()}
        return Rerun(self._runs, cyclic, kept, self._arrivals)

    def _all(self, rerun: Rerun) -> None:
        # What is gone is gone before anything runs: who still needs it must fail.
        for step in self._steps:
            if step.action is Action.DROP and step.name:
                executor = self._executors.get(step.module)
                self._taken_away.append((Cell(step.module, step.name), vars(executor.module).get(step.name)))
                executor.drop(step.name)
                self._attempt.dropped.append(f"{step.module}.{step.name}")
        recorder.awaiting = threading.get_ident()
        recorder.awaited.update(self._runs)
        self._loaded.update(sys.modules)
        for name in self._runs:
            del sys.modules[name]
        before, recorder.on_import = recorder.on_import, self._see_import
        try:
            with self._finder.executing(rerun), recorder.watch.kept_on():
                for number, step in enumerate(self._steps):
                    if number == self._turn:
                        self._pass_on()
                    self._take_in_turn(step)
                self._pass_on()
            recorder.awaited.clear()
        finally:
            recorder.on_import = before
            self._hiding.show()
        self._attempt.dropped.extend(rerun.dropped)

    def _pass_on(self) -> None:
        """What passes a value on is executed at one go, unless it has been."""
        passing, self._passing = self._passing, None
        if passing is not None:
            self._settling.go_to("")
            passing.take(self._failing)
            self._settling.done |= passing.modules

    def _take_in_turn(self, step: Step) -> None:
        if step.action is Action.RUN:
            self._take_hosts(step.module)
            self._begun.add(step.module)
            module = self._scope.module(step.module)
            units = module.alignment.units if module is not None else ()
            presumed = self._witness.presume(Place(step.module, unit.index) for unit in units)
            self._registrations.begin(step.module)
            with self._failing(step.module):
                self._watched(f"running {step.module} again", partial(import_again, [step.module]))
            self._registrations.end(step.module)
            self._witness.confirm(f"running {step.module} again", presumed)
        elif step.action in _RAN and step in self._waiting.get(step.module, ()):
            self._take_hosts(step.module)
            if step in self._waiting.get(step.module, ()):
                self._take(step)

    def _take_hosts(self, module: str) -> None:
        """Statements with others inside that load a module, having done other things before, come before it."""
        for place in self._needs.hosts(module):
            found = (step for step in self._waiting.get(place.module, ()) if step.index == place.index)
            host = next(found, None)
            if host is not None and host.action is Action.EXECUTE:
                self._take(host)

    def _take(self, step: Step) -> None:
        self._waiting[step.module].remove(step)
        executor = self._executors.get(step.module)
        unit = executor.units[step.index]
        place = Place(step.module, step.index)
        if self._take_over(step, unit, place, executor):
            return
        hosted = (*self._waiting, *self._runs) if unit.imports else ()
        inside = {name for name in hosted if self._scope.is_during(name, place)}
        later = inside | self._needs.loaded_later(place, unit)
        for name in self._needs.of(step, unit):
            if name not in later:
                self._bring_up(name, step.module)
        where = f"{step.module}:{unit.line}"
        stale = self._executors.stale_but(later)
        turn = self._scope.order(place)
        self._hiding.show(turn if step.action is Action.EXECUTE else (*turn, 0))  # what takes over has to be there
        early = self._witness.before(place, unit, stale, postponed=executor.postpones_annotations)
        lines = self._witness.lines(place, stale)
        self._settling.go_to(step.module)
        if self._holdings is None and not only_binds(unit, executor.names):
            self._deepen()
        self._hiding.hide(where, vars(executor.module), early)
        names = vars(executor.module)
        hidden = self._hiding.of(names)
        if unit.kind is Kind.CLASS:
            self._forgetting.begin(hidden.get(unit.statement.name, names.get(unit.statement.name)))
        self._registrations.begin(place)
        with lines or nullcontext(), self._failing(step.module), self._hosting(place, unit, inside):
            self._watched(where, partial(executor.take, step, self._submodules.loaded_after(place), hidden))
        self._hiding.show((*turn, 0))  # it has bound what was missing for it
        self._forgetting.end()
        self._registrations.end(place)
        self._scope.forget_values()
        self._survivors.check(place, executor.survived.get(step.index, ()), self.remade)
        self._witness.after(place, unit, executor.activities[step.index], self._executors.stale, lines)

    def _take_over(self, step: Step, unit: Unit, place: Place, executor: Executor) -> bool:
        """Take a step of which nothing comes but that names are bound, if it is one; whether it is."""
        if self._holdings is not None or self._hosts or self._hiding or self._needs.waits_for(place, unit):
            return False
        if unit.kind is Kind.CLASS and self._scope.presumed(place):
            return False
        way = self._takeovers.way(step, unit, executor, self._executors.stale)
        if way is None or not unit.binds.isdisjoint(self._submodules.loaded_after(place)):
            return False
        self._settling.go_to(step.module)
        space = vars(executor.module)
        before = [space.get(name) for name in unit.binds]
        try:
            way()
        except BaseException:
            with self._failing(step.module):
                raise
        now = [space.get(name) for name in unit.binds]
        if not all(map(is_atom, (*before, *now))):  # else what has been said of these names goes on being true
            self._scope.forget_values()
            same = [name for name, old, new in zip(unit.binds, before, now, strict=True) if old is new]
            self._survivors.check(place, same, self.remade)
        return True

    @contextmanager
    def _hosting(self, place: Place, unit: Unit, inside: set[str]) -> Iterator[None]:
        """A statement is executed that imports in its midst: what waits in the modules `inside` is taken meanwhile."""
        if unit.alias is not None or not unit.imports:
            yield
            return
        self._hosts.append(place)
        try:
            yield
        finally:
            self._hosts.pop()
        if self._failure is not None:
            raise self._failure
        for name in sorted(inside):
            if self._waiting.get(name) or (name in self._runs and name not in sys.modules):
                raise RestartNeeded(f"{place.module} does not load {name} in its time any more")

    def _take_inside(self, imported: str) -> None:
        """A statement imports in its midst: what waits of what it loads so is taken."""
        if not self._hosts or not self._scope.world.knows(imported):
            return
        begin, host = self._scope.begins(imported), self._hosts[-1]
        if begin > self._scope.order(host) and is_held_by_its_package(imported):
            unit = self._scope.unit(host)
            self._failure = RestartNeeded(f"{host.module}:{unit.line} imports {imported} earlier than a start does")
            raise self._failure
        steps = [step for step in self._steps if self._is_loaded_by(step, begin, host)]
        if not steps:
            return
        # The statement may have set something for the time being only: `with warnings.catch_warnings(): ...`
        self._deepen()
        holdings, self._holdings = self._holdings, Holdings()
        current, self._settling.current, known = self._settling.current, "", self._witness.pause()
        try:
            for step in steps:
                self._take_in_turn(step)
            self._settling.go_to("")
        except BaseException as error:
            self._failure = error
            raise
        self._holdings, self._settling.current = holdings, current
        self._witness.resume(known)

    def _is_loaded_by(self, step: Step, begin: tuple[object, ...], host: Place) -> bool:
        """Whether a step waits in what a cold start loads from some time on while a statement is executed."""
        return self._is_below(step, begin) and self._scope.is_during(step.module, host)

    def _is_below(self, step: Step, begin: tuple[object, ...]) -> bool:
        """Whether a step waits in the module that a cold start begins then, or in what that loads."""
        waits = step in self._waiting.get(step.module, ())
        is_run = step.action is Action.RUN and step.module not in self._begun
        waits = waits or (is_run and step.module not in sys.modules)
        return waits and self._scope.begins(step.module)[: len(begin)] == begin

    def _watched(self, where: str, execute: Callable[[], object]) -> None:
        """Execute something. Raises RestartNeeded if it has changed what the process holds apart from its modules."""
        count = len(sys.modules)
        self._patience.during(where, execute)
        if self._holdings is None:
            return
        if len(sys.modules) != count and sys.modules.keys() - self._loaded:
            self._loaded.update(sys.modules)
            self._holdings.renew()
        else:
            self._holdings.check(where)

    @contextmanager
    def _failing(self, module: str) -> Iterator[None]:
        """If user code fails inside, a cold start may go on without that module, or it may not fail there."""
        try:
            yield
        except ReloadError:
            raise
        except BaseException as error:
            why = handled(self._world, self._needs.loaders(module), module, error) or why_only_here(self._world, error)
            if why:
                raise RestartNeeded(why) from error
            raise

    def _see_import(self, module: str, importer: str) -> None:
        """A module that is run again as a whole imports: what it finds there must be what a cold start would."""
        if importer in self._runs:
            self._load_below(module, importer)
            self._bring_up(module, importer)
        self._take_inside(module)
        self._arrivals.see(module)

    def _load_below(self, module: str, importer: str) -> None:
        """What a cold start loads by an import of a module that is run as a whole comes then, in its order.

        One that is there already loads nothing any more by itself, and may have loaded others that wait.
        """
        if module not in sys.modules or not self._scope.world.knows(module):
            return
        begin, own = self._scope.begins(module), self._scope.begins(importer)
        if begin == own or begin[: len(own)] != own:
            return
        for step in [step for step in self._steps if self._is_below(step, begin)]:
            if step.action is Action.RUN:
                raise RestartNeeded(f"{importer} and {step.module} are run again, and {module} between them is not")
            if self._is_below(step, begin):  # one before it may have needed it
                self._take_in_turn(step)

    def _bring_up(self, module: str, importer: str) -> None:
        """A module is about to be imported from: what waits to be executed there comes first.

        Unless its own import is what `importer` is being imported for: then it is half-way, as in a cold start.
        """
        if self._waiting.get(module) and module not in self._needs.above(importer):
            while self._waiting.get(module):
                self._take(self._waiting[module][0])

    def _see_disposers(self) -> None:
        passed = self._passing.modules if self._passing is not None else set[str]()
        for name in {*self._runs, *self._executors.all, *passed}:
            self._attempt.disposers.extend(state.take_disposers(name))
