"""A batch that has been planned, and what is done for it until it stays or is taken back."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pepperpy_reload.core.computing import only_computes
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.plan import Action, ReloadPlan, Step
from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.world import Place
from pepperpy_reload.importing.footprint import CodeKey, Footprint
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.binding import is_at_hand
from pepperpy_reload.reloading.live import LiveWorld
from pepperpy_reload.reloading.pairs import Pair
from pepperpy_reload.reloading.reading import Reading
from pepperpy_reload.reloading.transaction import Transaction, pin_lines
from pepperpy_reload.reloading.usercode import called, calling_user_code


@dataclass(slots=True)
class Prepared:
    """A batch that has been read and planned; nothing has been touched yet."""

    reading: Reading
    plan: ReloadPlan
    traces: Traces | None = None
    """What was seen of the units while it was planned."""

    @property
    def concerns_nothing(self) -> bool:
        """Whether nothing that runs here would be other than it is (line numbers may move)."""
        return not self.plan.restart and self.plan.only_patches and not self.patched

    @property
    def may_be_early(self) -> bool:
        """Whether it does no harm to do this when more may be on its way: nothing is executed that does anything."""
        if self.plan.restart:
            return False
        passed = self.plan.passed
        if passed is None:
            return all(map(self._may_be_early, self.plan.steps))
        others = self.plan.without(passed.first, len(passed.cascade.units))
        units = passed.cascade.units.values()  # what is no import among them only computes
        return all(map(self._may_be_early, others.steps)) and all(
            one.alias is None or is_at_hand(one.alias) for one in units
        )

    def _may_be_early(self, step: Step) -> bool:
        if step.action is Action.PATCH:
            return True
        if step.action is not Action.EXECUTE or step.again:
            return False
        assert self.traces is not None
        unit = self.traces.unit(Place(step.module, step.index))
        return only_computes(unit) if unit.alias is None else is_at_hand(unit.alias)

    @property
    def patched(self) -> tuple[str, ...]:
        """The functions that get new code, by name."""
        found = [name for module in self.plan.modules(Action.PATCH) for name in self.patched_in(module)]
        refitted = [f"{step.module}.{step.name.split()[-1]}" for step in self.plan.steps if step.action is Action.REFIT]
        return tuple(dict.fromkeys([*found, *refitted]))

    def patched_in(self, module: str) -> tuple[str, ...]:
        """The functions of an edited module that get new code where they are, by name."""
        executed = set(map(identity, self.executed_in(module)))
        pairs = [pair for pair in self.reading.edited[module].pairs if identity(pair) not in executed]
        return tuple(f"{module}.{pair.new.co_qualname}" for pair in pairs if pair.changed)

    @property
    def ran(self) -> tuple[str, ...]:
        """The statements that are executed."""
        chosen = (Action.EXECUTE, Action.TRANSPLANT)
        return tuple(f"{step.module}:{step.line}" for step in self.plan.steps if step.action in chosen)

    def executed_in(self, module: str) -> Iterator[Pair]:
        """The functions of an edited module that stand in statements which are executed again."""
        edited = self.reading.edited[module]
        indexes = {step.index for step in self.plan.steps if step.module == module and step.index >= 0}
        units = [edited.alignment.units[index] for index in indexes]
        for pair in edited.pairs:
            if any(unit.line <= pair.new.co_firstlineno <= unit.last_line for unit in units):
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
    stays: bool = False
    """Whether it can no longer be taken back."""

    @property
    def gone(self) -> set[str]:
        """The modules that are no longer loaded."""
        dropped = {step.module for step in self.prepared.plan.steps if step.action is Action.DROP and not step.name}
        return {name for name in dropped if name not in recorder.modules}

    @property
    def imported(self) -> tuple[str, ...]:
        """The modules that were run as a whole."""
        return self.prepared.plan.modules(Action.RUN)

    @property
    def _renamed(self) -> set[CodeKey]:
        """The functions of edited modules that are known by other keys now."""
        pairs = [pair for one in self.prepared.reading.edited.values() for pair in one.pairs]
        return {old for pair in pairs if (old := CodeKey.of(pair.old)) != CodeKey.of(pair.new)}

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
        self.stays = True
        for path in self._outdated:
            linecache.cache.pop(path, None)
        for name in self.gone:
            ledger.forget(name)
        recorder.tidy(self._renamed if self.prepared.plan.only_patches else None)
        for dispose in reversed(self.disposers):
            with calling_user_code():
                called(dispose)


def pin_running(names: Iterable[str]) -> None:
    """What these modules are made of goes on running, whatever their files hold by now: tracebacks show it."""
    for name in names:
        pin_lines(recorder.modules[name].path, recorder.modules[name].source)
