"""The planner: the least fixpoint over the statements of all modules.

A unit is *stale* if executing it now would give something else than it gave. Three kinds of dirt make units stale:
a name is *rebound* (whoever reads it is stale), a name's object is *touched* in place (whoever reads it, but not who
merely passes it on), a function's code is *changed* (whoever ran it while it was executed). What a stale unit had done
to an object of somebody else is undone by making that object again, with all that hangs on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property, partial

from pepperpy_reload.core.difference import Alignment, Fate
from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.marks import Cause, Known
from pepperpy_reload.core.outside import Outside
from pepperpy_reload.core.plan import Action, Demand, Passed, ReloadPlan, Step
from pepperpy_reload.core.precedence import bound_otherwise, misplaced
from pepperpy_reload.core.shifts import Shifts
from pepperpy_reload.core.start import Start, crossings, half_way, imports_otherwise, missed, play_start
from pepperpy_reload.core.statement import same_docstrings
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.core.world import Cell, Place, World, qualname_of


def plan_reload(demand: Demand, world: World) -> ReloadPlan:
    """Close `demand` under what hangs on it. Reads nothing but its arguments."""
    return plan_and_traces(demand, world)[0]


def plan_and_traces(demand: Demand, world: World, known: Known = lambda _: None) -> tuple[ReloadPlan, Traces]:
    """The same, with what has been seen on the way. What follows from some names may be `known`."""
    planner = _Planner(demand, world, known)
    planner.begin()
    planner.close()
    return planner.plan(), planner


class _Planner(Shifts):
    def begin(self) -> None:
        """What the batch asks for itself."""
        if self.demand.drop or any(imports_otherwise(self, name) for name in self.demand.edited):
            self._replay_start()
        for name, reason in self.drop.items():
            self._begin_drop(name, reason)
        for name, reason in self.demand.whole.items():
            self._mark_all(name, Cause(reason))
        for place, reason in self.demand.units.items():
            self.mark(place, Cause(reason))
        for name, reason in self.demand.edited.items():
            if name not in self.whole and name not in self.drop:
                self._begin_edit(name, reason)
        if self.start is not None:
            self._see_order(self.start)

    def _replay_start(self) -> None:
        """See how a cold start would go now: a module that it does not load is gone."""
        self.start = start = play_start(self, self.demand.drop)
        self.keys.update(start.keys)
        for name in self.world.sequence():
            if name not in start.keys and name not in self.drop:
                self.drop[name] = "nothing imports it any more"

    def _see_order(self, start: Start) -> None:
        self._refuse(next(crossings(self, start, self.demand.edited), ""))
        self._refuse(next(half_way(self, start), "") or next(missed(self, self.demand.edited), ""))
        if not self.restart:
            self.see_shifts(start)

    def _begin_drop(self, name: str, reason: str) -> None:
        module = self.module(name)
        if module is None:
            return
        for unit in module.alignment.units:
            for bound in unit.binds:
                self.spread(Cell(name, bound), Cause(reason), rebound=True)
        for unit in module.alignment.old:
            self._take_back(name, unit, Cause(reason))
        package, _, attribute = name.rpartition(".")
        if package:
            self.spread(Cell(package, attribute), Cause(reason), rebound=True)
        for place in self._importers(name):
            self.mark(place, Cause(reason))

    def _importers(self, name: str) -> Iterator[Place]:
        """The units that import a module or one inside it, whoever has loaded it."""
        for importer in self.world.mentioning(Cell(name, "*")):
            module = self.module(importer)
            for unit in module.alignment.units if module is not None else ():
                aliases = (*unit.imports, *([unit.alias] if unit.alias is not None else []))
                if any(f"{alias.module}.{alias.name}.".startswith(f"{name}.") for alias in aliases):
                    yield Place(importer, unit.index)

    def _begin_edit(self, name: str, reason: str) -> None:
        module = self.module(name)
        if module is None:
            return
        alignment = module.alignment
        for index in alignment.changed:
            place = Place(name, index)
            cause = Cause(f"{reason}:{alignment.units[index].line} changed")
            if alignment.fates[index] is not Fate.BODY or self.world.unpatchable(name, index):
                self.mark(place, cause)
            else:
                self.change_keys(self.world.changed_keys(name, index), cause, place)
                self._tell_readers_of_documentation(place, cause)
        self._begin_order(name, reason, alignment)
        for unit in alignment.gone:
            cause = Cause(f"{reason}:{unit.line} is gone")
            self._take_back(name, unit, cause)
            for bound in sorted(unit.binds):
                self._drop_unless_bound(Cell(name, bound), cause)
            if unit.alias is not None and unit.alias.bound == "*":
                for bound in sorted(self.offered(unit.alias.module)):
                    self.spread(Cell(name, bound), cause, rebound=True)
                self._mark_all(name, cause)
                self.whole.setdefault(name, cause.text)

    def _take_back(self, name: str, unit: Unit, cause: Cause) -> None:
        """A unit that is gone has changed objects and bound names of others, itself or by functions."""
        self._undo_old(name, unit, cause)
        self._unset(name, unit, self.set_on_modules(name, unit, unit.index), cause, again=False)
        self._see_functions(name, unit, self.bound_in_functions(name, unit.index), cause)

    def _tell_readers_of_documentation(self, place: Place, cause: Cause) -> None:
        """A docstring is patched with its function; who has read it at import has an old copy."""
        if same_docstrings(self.old_unit(place).statement, self.unit(place).statement):
            return
        told = [*self.world.told_keys(place.module, place.index)]
        cells = [Cell(place.module, name) for name in sorted(self.unit(place).binds)]
        users = [other for cell in cells for other in self.users(cell)]
        runners = [other for key in told for other in self.runners(key)]
        inside = any("." in qualname_of(key) for key in told)
        alone = self.unit(place).kind is Kind.FUNCTION and not inside
        for other in dict.fromkeys([*users, *runners]):
            if other != place and self._may_be_told(other, cells, of_function=alone):
                self.mark(other, Cause(f"reads documentation; {cause.text}", place))

    def _may_be_told(self, place: Place, cells: Collection[Cell], *, of_function: bool) -> bool:
        """Whether a unit may read the documentation of what some cells hold: of a function, or of something inside.

        What is inside may be found in any way. A function is asked by its name, or is given to who asks.
        """
        if self._passes_on(place, cells):
            return True
        if not of_function:
            return self._reads_documentation(place)
        if self.unit(place).tells and not self.cells_meant(place.module, self.unit(place).reads).isdisjoint(cells):
            return True
        known = [self.world.facts(key) for key in self.world.ran(place.module, self.old_index(place))]
        given = (self.cells_meant(one[0], one[1].reads - one[1].called) for one in known if one is not None)
        return any(not found.isdisjoint(cells) for found in given)

    def cells_meant(self, module: str, chains: Iterable[Chain]) -> set[Cell]:
        """The cells that chains of names lead to, where their values come from."""
        return {self.canonical(cell) for cell in self.cells(module, chains)}

    def _reads_documentation(self, place: Place) -> bool:
        known = [self.world.facts(key) for key in self.world.ran(place.module, self.old_index(place))]
        return self.unit(place).tells or any(one and one[1].tells for one in known)

    def _passes_on(self, place: Place, cells: Iterable[Cell]) -> bool:
        """Whether a unit hands one of the functions to something that it calls, which may be any wrapper."""
        return not self.cells_meant(place.module, self.unit(place).passed_on).isdisjoint(cells)

    def _begin_order(self, name: str, reason: str, alignment: Alignment) -> None:
        """Units have changed places, or have gone from between others."""
        for index, bound in misplaced(alignment, partial(self.read_in_module, name)):
            cause = Cause(f"{reason}:{alignment.units[index].line} finds {bound} bound elsewhere than before")
            self.mark(Place(name, index), cause)
            binders = self.binders(Cell(name, bound))
            if (
                binders
                and all(place.index > index for place in binders)
                and bound not in self._read_by_itself(name, index)
            ):
                self._refuse(f"{cause.text}, in a function that it calls")
            for place in binders:
                self.force(place, cause)
        for bound in bound_otherwise(alignment):
            for place in self.binders(Cell(name, bound)):
                self.force(place, Cause(f"{reason} binds {bound} elsewhere than before"))

    def _read_by_itself(self, name: str, index: int) -> set[str]:
        return {chain[0] for chain in self.unit(Place(name, index)).reads}

    def plan(self) -> ReloadPlan:
        """The steps in the order of a cold start."""
        steps = [
            *(Step(Action.DROP, name, because=_said(reason)) for name, reason in self.drop.items()),
            *self._patches(),
            *self._executions(),
            *(
                Step(Action.DROP, cell.module, name=cell.name, because=_said(cause.text))
                for cell, cause in self.dropped.items()
                if cell.module not in self.whole and cell.module not in self.drop
            ),
        ]
        cells = frozenset(self.others)
        restart = self.restart or self._refusal(steps)
        return ReloadPlan(tuple(steps), restart, cells, self.start, None if restart else self._passed(steps))

    def _patches(self) -> Iterator[Step]:
        for name, reason in self.demand.edited.items():
            module = self.module(name)
            if name in self.whole or name in self.drop or module is None:
                continue
            fates = module.alignment.fates
            bodies = [index for index in module.alignment.changed if fates[index] is Fate.BODY]
            patched = [index for index in bodies if Place(name, index) not in self.causes]
            line = module.alignment.units[patched[0]].line if patched else 0
            text = f"{reason}:{line} changed inside functions" if patched else f"{reason} was saved"
            yield Step(Action.PATCH, name, line=line, because=_said(text))

    def _passed(self, steps: list[Step]) -> Passed | None:
        """The steps of what was known to follow, if they come one after another."""
        if len(self.cascades) != 1 or self.whole or self.drop or self.dropped:
            return None
        known = self.cascades[0].units
        if not self.forced.isdisjoint(known):
            return None
        first = next(index for index, step in enumerate(steps) if (step.module, step.index) in known)
        passed = Passed(self.cascades[0], first)
        found = steps[first : passed.end]
        return passed if all((one.module, one.index) in known for one in found) else None

    @cached_property
    def _orders_known(self) -> Mapping[Place, tuple[object, ...]]:
        """When a cold start executes what was known to follow."""
        if len(self.cascades) == 1:
            return self.cascades[0].orders
        return {place: order for cascade in self.cascades for place, order in cascade.orders.items()}

    def _executions(self) -> list[Step]:
        steps: dict[object, Step] = {}
        empty = [
            Place(name, -1) for name in self.whole.keys() - self.drop.keys() - {place.module for place in self.causes}
        ]
        orders = self._orders_known
        units: dict[Place, Unit] = {}
        for cascade in self.cascades if not self.whole else ():
            units.update(cascade.units)
        others = [*(place for place in self.causes if place not in orders), *empty]
        for place in sorted([*orders, *others], key=lambda one: orders.get(one) or self.order(one)):
            unit = units.get(place)
            if unit is not None and place not in self.forced:
                name, index = place
                because = partial(self.reasons, place)
                steps[place] = Step(Action.EXECUTE, name, index, unit.label, unit.statement.line, because)
            elif place.index < 0:
                steps[place] = Step(Action.RUN, place.module, because=_said(self.whole[place.module]))
            elif place.module in self.whole:
                # It begins where its first statement stands; what it imports is brought up to date as it does so.
                steps.setdefault(place.module, Step(Action.RUN, place.module, because=partial(self._why_whole, place)))
            else:
                steps[place] = self._step(place, self.unit(place))
        return list(steps.values())

    def _why_whole(self, place: Place) -> tuple[str, ...]:
        return (self.whole[place.module], *self.reasons(place))

    def _step(self, place: Place, unit: Unit) -> Step:
        action = self.action(place)
        dirty: set[str] = set()
        if action is Action.TRANSPLANT:
            for chain in unit.reads:
                if not self.cells(place.module, [chain]).isdisjoint(self.others):
                    dirty.add(chain[0])
            if (not dirty and self.fate(place) is Fate.SAME) or self._ran_otherwise(place):
                dirty.add("*")
        again = action is Action.EXECUTE and place in self.forced and self.fate(place) is Fate.SAME
        again = again and self._binds_alone(place)  # else what the name holds may be somebody else's object
        because = partial(self.reasons, place)
        return Step(action, place.module, place.index, unit.label, unit.line, because, frozenset(dirty), again)

    def reasons(self, place: Place) -> tuple[str, ...]:
        """The chain from a stale unit back to the edit."""
        found: list[str] = []
        seen: set[Place] = set()
        cause: Cause | None = self.causes.get(place)
        while cause is not None:
            found.append(cause.text)
            if cause.by is None or cause.by in seen:
                break
            seen.add(cause.by)
            unit = self.unit(cause.by)
            found.append(f"{cause.by.module}:{unit.line} {unit.label}")
            cause = self.causes.get(cause.by)
        return tuple(found)

    def _refusal(self, steps: Iterable[Step]) -> str:
        asked: dict[str, str] = {}
        for step in steps:
            if step.action is Action.PATCH or (step.module in asked and step.action is Action.EXECUTE):
                continue
            why = asked[step.module] = self.world.refusal(step.module)
            if not why and step.action is Action.RUN:
                why = self._takes_too_much(step.module)
            if why:
                return f"{why} ({step.reasons[0]})" if step.reasons else why
        return next(self._effects_outside(), "")

    def _effects_outside(self) -> Iterator[str]:
        """Why what is executed, or is gone, cannot be had in this process: its effect on what is not the project's."""
        outside = Outside(self, self.demand.edited, self._keys)
        for name in self.drop:
            yield from outside.lost(name, whole=True)
        for name in self.demand.edited:
            if name not in self.drop:
                yield from outside.lost(name, whole=False)
                yield from outside.begun(name)
        # What was known to follow does nothing there.
        for place in sorted(self.causes.keys() - self._orders_known.keys(), key=self.order):
            for why in outside.again(place, dirty=self._is_dirty):
                yield f"{why} ({self.causes[place].text})"

    def _is_dirty(self, place: Place) -> bool:
        """Whether a unit finds other values than it found."""
        cells = self.read_when_executed(place)
        return not cells.isdisjoint(self.others) or self._ran_otherwise(place)

    def _ran_otherwise(self, place: Place) -> bool:
        """Whether a function that a unit ran is another one, or finds other values than it found."""
        ran = self.world.ran(place.module, self.old_index(place))
        known = (self.world.facts(key) for key in ran)
        read = {cell for one in known if one is not None for cell in self.cells(one[0], one[1].reads)}
        return not self._keys.isdisjoint(ran) or not read.isdisjoint(self.others)

    def _takes_too_much(self, name: str) -> str:
        """A star import in a module that runs as a whole takes all that it finds, also what comes later in a start."""
        module = self.module(name)
        for index in module.stars if module is not None else ():
            source = self.unit(Place(name, index)).alias
            assert source is not None
            for found in self.unfound(Place(name, index)):
                if source.module not in self.whole or self.module(f"{source.module}.{found}") is not None:
                    return f"{name} takes all names of {source.module}, and {found} would be among them"
        return ""


def _said(text: str) -> Callable[[], tuple[str, ...]]:
    return lambda: (text,)
