"""The planner: the least fixpoint over the statements of all modules.

A unit is *stale* if executing it now would give something else than it gave. Three kinds of dirt make units stale:
a name is *rebound* (whoever reads it is stale), a name's object is *touched* in place (whoever reads it, but not who
merely passes it on), a function's code is *changed* (whoever ran it while it was executed). What a stale unit had done
to an object of somebody else is undone by making that object again, with all that hangs on it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from pepperpy_reload.core.difference import Alignment, Fate
from pepperpy_reload.core.effects import Depth
from pepperpy_reload.core.outside import Outside
from pepperpy_reload.core.plan import Action, Demand, ReloadPlan, Step
from pepperpy_reload.core.precedence import bound_otherwise, misplaced
from pepperpy_reload.core.start import Start, crossings, displaced, half_way, imports_otherwise, play_start
from pepperpy_reload.core.statement import docstrings
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.core.world import Cell, Key, Place, World


def plan_reload(demand: Demand, world: World) -> ReloadPlan:
    """Close `demand` under what hangs on it. Reads nothing but its arguments."""
    planner = _Planner(demand, world)
    planner.begin()
    planner.close()
    return planner.plan()


@dataclass(frozen=True, slots=True)
class _Cause:
    text: str
    by: Place | None = None


class _Planner(Traces):
    def __init__(self, demand: Demand, world: World) -> None:
        super().__init__(world)
        self.demand = demand
        self.causes: dict[Place, _Cause] = {}
        self.work: deque[Place] = deque()
        self.rebound: set[Cell] = set()
        self.touched: set[Cell] = set()
        self.dropped: dict[Cell, _Cause] = {}
        self.forced: set[Place] = set()
        self.whole: dict[str, str] = dict(demand.whole)
        self.drop: dict[str, str] = dict(demand.drop)
        self.restart = ""
        self.start: Start | None = None
        self._keys: set[Key] = set()

    # --- marking

    def begin(self) -> None:
        """What the batch asks for itself."""
        if self.demand.drop or any(imports_otherwise(self, name) for name in self.demand.edited):
            self._replay_start()
        for name, reason in self.drop.items():
            self._begin_drop(name, reason)
        for name, reason in self.demand.whole.items():
            self._mark_all(name, _Cause(reason))
        for place, reason in self.demand.units.items():
            self.mark(place, _Cause(reason))
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
        for name in displaced(list(self.world.sequence()), start.sequence):
            self._reorder(name)
        self._refuse(next(crossings(self, start, self.demand.edited), ""))
        self._refuse(next(half_way(self, start), ""))

    def _reorder(self, name: str) -> None:
        """A module is executed at another time: what it does to the objects of others comes at another time, too."""
        module = self.module(name)
        for unit in module.alignment.units if module is not None else ():
            place = Place(name, unit.index)
            for cell in self.mutated(place, old=True):
                self._remake(cell, place)

    def _begin_drop(self, name: str, reason: str) -> None:
        module = self.module(name)
        if module is None:
            return
        for unit in module.alignment.units:
            for bound in unit.binds:
                self.spread(Cell(name, bound), _Cause(reason), rebound=True)
        for unit in module.alignment.old:
            self._undo_old(name, unit, _Cause(reason))
        package, _, attribute = name.rpartition(".")
        if package:
            self.spread(Cell(package, attribute), _Cause(reason), rebound=True)

    def _begin_edit(self, name: str, reason: str) -> None:
        module = self.module(name)
        if module is None:
            return
        alignment = module.alignment
        for index in alignment.changed:
            place = Place(name, index)
            cause = _Cause(f"{reason}:{alignment.units[index].line} changed")
            if alignment.fates[index] is not Fate.BODY or self.world.unpatchable(name, index):
                self.mark(place, cause)
            else:
                self.change_keys(self.world.changed_keys(name, index), cause, place)
                self._tell_readers_of_documentation(place, cause)
        self._begin_order(name, reason, alignment)
        for unit in alignment.gone:
            cause = _Cause(f"{reason}:{unit.line} is gone")
            self._undo_old(name, unit, cause)
            self._unset(name, unit, self.set_on_modules(name, unit, unit.index), cause, again=False)
            self._see_functions(name, unit, unit.index, cause)
            for bound in sorted(unit.binds):
                self._drop_unless_bound(Cell(name, bound), cause)
            if unit.alias is not None and unit.alias.bound == "*":
                for bound in sorted(self.offered(unit.alias.module)):
                    self.spread(Cell(name, bound), cause, rebound=True)
                self._mark_all(name, cause)
                self.whole.setdefault(name, cause.text)

    def _tell_readers_of_documentation(self, place: Place, cause: _Cause) -> None:
        """A docstring is patched with its function; who has read it at import has an old copy."""
        module = self.module(place.module)
        assert module is not None
        old, new = module.alignment.old[self.old_index(place)], self.unit(place)
        if docstrings(old.statement.node) == docstrings(new.statement.node):
            return
        for name in new.binds:
            for other in self.users(Cell(place.module, name)):
                if other != place and self._mentions(other, "__doc__"):
                    self.mark(other, _Cause(f"reads documentation of {name}; {cause.text}", place))

    def _mentions(self, place: Place, attribute: str) -> bool:
        known = [self.world.facts(key) for key in self.world.ran(place.module, self.old_index(place))]
        return attribute in self.unit(place).mentions or any(one and attribute in one[1].mentions for one in known)

    def _begin_order(self, name: str, reason: str, alignment: Alignment) -> None:
        """Units have changed places, or have gone from between others."""
        for index, bound in misplaced(alignment, partial(self.read_in_module, name)):
            cause = _Cause(f"{reason}:{alignment.units[index].line} finds {bound} bound elsewhere than before")
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
                self.force(place, _Cause(f"{reason} binds {bound} elsewhere than before"))

    def _read_by_itself(self, name: str, index: int) -> set[str]:
        return {chain[0] for chain in self.unit(Place(name, index)).reads}

    def _drop_unless_bound(self, cell: Cell, cause: _Cause) -> None:
        binders = self.binders(cell)
        if binders:
            for place in binders:
                self.mark(place, cause)
        else:
            self.dropped[cell] = cause
            self.spread(cell, cause, rebound=True)
            for place in self.stars(cell):
                self.mark(place, cause)

    def _mark_all(self, name: str, cause: _Cause) -> None:
        module = self.module(name)
        for unit in module.alignment.units if module else ():
            self.force(Place(name, unit.index), cause)
        for unit in module.alignment.gone if module else ():
            for bound in unit.binds:
                if module is not None and bound not in module.binders:
                    self.spread(Cell(name, bound), cause, rebound=True)

    def _refuse(self, why: str) -> None:
        """Only a new process will do; the first reason is the one that is told."""
        self.restart = self.restart or why

    def mark(self, place: Place, cause: _Cause) -> None:
        """A unit is stale."""
        if place in self.causes or place.module in self.drop:
            return
        unit = self.unit(place)
        if unit.kind is Kind.INERT:
            return
        self.causes[place] = cause
        self.work.append(place)
        if unit.alias is not None and unit.alias.bound == "*":
            self._mark_shadowing(place, unit.alias.module)

    def _mark_shadowing(self, star: Place, source: str) -> None:
        """A star import that is executed again binds all its names: who binds one of them later does so again too."""
        for name in sorted(self.offered(source)):
            for place in self.binders(Cell(star.module, name)):
                if self.order(place) > self.order(star):
                    self.force(place, _Cause(f"binds {name} after a star import", star))

    def force(self, place: Place, cause: _Cause) -> None:
        """A unit is stale, and its object has to be another one."""
        if place not in self.forced:
            self.forced.add(place)
            if place in self.causes:
                self.work.append(place)
        self.mark(place, cause)

    def change_keys(self, keys: Iterable[Key], cause: _Cause, by: Place) -> None:
        """Functions have other code: who ran them while it was executed is stale."""
        for key in keys:
            if key not in self._keys:
                self._keys.add(key)
                for place in self.runners(key):
                    self.mark(place, _Cause(f"called {_name(key)} when it was imported; {cause.text}", by))

    def spread(self, cell: Cell, cause: _Cause, *, rebound: bool, by: Place | None = None) -> None:
        """A cell holds something else, or what it holds has changed."""
        seen = self.rebound if rebound else self.touched
        if cell in seen or cell in self.rebound:
            return
        seen.add(cell)
        why = _Cause(f"reads {cell}" if by else cause.text, by)
        for place in [*self.readers(cell), *self.readers(Cell(cell.module, "*"))]:
            unit = self.unit(place)
            if place == by:
                continue
            if unit.alias is not None and unit.alias.bound == "*":
                self._spread_by_star(place, cell.name, why, rebound=rebound)
            elif not rebound and (unit.alias is not None or unit.same_as):
                for name in unit.binds:
                    self.spread(Cell(place.module, name), why, rebound=False, by=by)
            else:
                self.mark(place, why)
                if rebound and unit.kind is Kind.CLASS and self._is_in_head(place, cell):
                    self.force(place, why)
        for place, key in [*self.callers(cell), *self.callers(Cell(cell.module, "*"))]:
            self.mark(place, _Cause(f"called {_name(key)} when it was imported, which reads {cell}", by))

    def _spread_by_star(self, star: Place, name: str, why: _Cause, *, rebound: bool) -> None:
        if rebound:
            self.mark(star, why)
            for other in self.binders(Cell(star.module, name)):
                self.force(other, why)  # the star import may not bind it any more, or only now
        self.spread(Cell(star.module, name), why, rebound=rebound, by=star)

    def _is_in_head(self, place: Place, cell: Cell) -> bool:
        unit = self.unit(place)
        return any(cell in self.cells(place.module, [head]) for head in unit.heads)

    # --- what a stale unit entails

    def close(self) -> None:
        """Work until nothing more follows."""
        while self.work and not self.restart:
            place = self.work.popleft()
            self._process(place)

    def action(self, place: Place) -> Action:
        """How a stale unit is brought up to date."""
        unit = self.unit(place)
        known = place not in self.forced and self.old_index(place) >= 0
        alone = self._binds_alone(place)
        if known and alone and unit.kind is Kind.FUNCTION and not unit.decorated and self.world.can_refit(place):
            return Action.REFIT
        if known and alone and unit.kind is Kind.CLASS and not self.world.why_not_transplant(place):
            return Action.TRANSPLANT
        return Action.EXECUTE

    def _binds_alone(self, place: Place) -> bool:
        cells = [Cell(place.module, name) for name in self.unit(place).binds]
        return all(len(self.binders(cell)) == 1 and not self._is_starred(cell) for cell in cells)

    def _is_starred(self, cell: Cell) -> bool:
        aliases = (self.unit(star).alias for star in self.stars(cell))
        return any(alias is not None and cell.name in self.offered(alias.module) for alias in aliases)

    def _process(self, place: Place) -> None:
        unit, cause = self.unit(place), self.causes[place]
        if unit.sweeping:
            self._refuse(f"{place.module}:{unit.line} {unit.sweeping}, and would find other modules now")
        if unit.opaque and place.module not in self.whole:
            self.whole[place.module] = f"{unit.opaque} (line {unit.line})"
            self._mark_all(place.module, cause)
        if self.old_index(place) >= 0:
            self._see_functions(place.module, unit, self.old_index(place), cause)
        action = self.action(place)
        if unit.kind is Kind.CLASS:
            self._see_bases(place)
        self._undo(place)
        self._set_on_modules(place, cause)
        self._see_the_past(place)
        if self.fate(place) in (Fate.CHANGED, Fate.BODY):
            self.change_keys(self.world.changed_keys(place.module, place.index), cause, place)
        for name in sorted(unit.binds):
            self._bind(place, Cell(place.module, name), cause, action)
        if self.fate(place) is Fate.CHANGED:
            for name in sorted(self.old_unit(place).binds - unit.binds):
                self._drop_unless_bound(Cell(place.module, name), cause)

    def _see_functions(self, name: str, unit: Unit, old: int, cause: _Cause) -> None:
        """What a unit bound by functions (`global`) is bound in its order only if the modules run as a whole."""
        for cell in sorted(self.bound_in_functions(name, old)):
            for one in {cell.module, name} - self.whole.keys() - self.drop.keys():
                self.whole[one] = f"a function that is called in line {unit.line} binds {cell}"
                self._mark_all(one, cause)
            self.spread(cell, cause, rebound=True)

    def _bind(self, place: Place, cell: Cell, cause: _Cause, action: Action) -> None:
        for other in self.binders(cell):
            self.mark(other, _Cause(f"binds {cell.name} as well", place))
        for star in self.stars(cell):
            source = self.unit(star).alias
            if star.index > place.index and source is not None and cell.name in self.offered(source.module):
                self.mark(star, _Cause(f"binds {cell.name} after it", place))
        self.spread(cell, cause, rebound=action is Action.EXECUTE, by=place)

    def _see_bases(self, place: Place) -> None:
        keepers, why = self.world.foreign_bases(place)
        if why:
            self._refuse(f"{place.module}:{self.unit(place).line} {why}")
        for cell in keepers:
            self._remake(cell, place)

    def _undo(self, place: Place) -> None:
        """What the unit has done to the objects of others, and what it is going to do."""
        before = self.mutated(place, old=True)
        after = self.mutated(place, old=False)
        again = self.fate(place) in (Fate.SAME, Fate.BODY)
        for cell, depth in before.items():
            if not (again and depth is Depth.STORE):
                self._remake(cell, place)
        if self.fate(place) is Fate.CHANGED:
            for cell in self.stored_by(place.module, self.old_unit(place)):
                self._remake(cell, place)
        for cell in after:
            if cell not in before and self._is_used_later(place, cell):
                self._remake(cell, place)
        for cell in self.stored_by(place.module, self.unit(place)):
            self._store_again(cell, place)

    def _store_again(self, cell: Cell, after: Place) -> None:
        """Who sets attributes or items of the same object later in a start has the last word."""
        for place in list(self.users(cell)):
            if self._is_later(place, after) and cell in self.stored_by(place.module, self.unit(place)):
                self.mark(place, _Cause(f"sets what {cell} has, too", after))

    def _set_on_modules(self, place: Place, cause: _Cause) -> None:
        """What the unit has bound as attributes of modules is unbound, and what it is going to bind is another."""
        unit, old, name = self.unit(place), self.old_index(place), place.module
        again = self.fate(place) is not Fate.CHANGED and self._keys.isdisjoint(self.world.ran(name, old))
        if old >= 0:
            before = self.old_unit(place)
            self._unset(name, before, self.set_on_modules(name, before, old), cause, by=place, again=again)
        if old < 0 or not again:
            self._unset(name, unit, self.set_on_modules(name, unit, -1), cause, by=place)

    def _unset(
        self,
        name: str,
        unit: Unit,
        cells: Iterable[Cell],
        cause: _Cause,
        *,
        by: Place | None = None,
        again: bool = True,
    ) -> None:
        """Names of other modules are as their own modules leave them until somebody sets them `again`."""
        for cell in sorted(cells):
            if cell.name == "*":
                self._refuse(f"{name}:{unit.line} sets names of {cell.module} that its source does not tell")
            elif self.binders(cell) or not again:
                self._drop_unless_bound(cell, cause)
            self.spread(cell, cause, rebound=True, by=by)

    def _undo_old(self, name: str, unit: Unit, cause: _Cause) -> None:
        """A unit that is gone has left its traces."""
        for cell in {*self.mutated_by(name, unit, unit.index), *self.stored_by(name, unit)}:
            for creator in self.binders(self.canonical(cell)):
                self.force(creator, _Cause(f"was changed by what is gone: {cause.text}"))

    def _remake(self, cell: Cell, by: Place) -> None:
        for creator in self.binders(cell):
            if creator != by:
                unit = self.unit(by)
                self.force(creator, _Cause(f"is changed by {by.module}:{unit.line} ({unit.label})", by))

    def _see_the_past(self, place: Place) -> None:
        """A stale unit must find names and objects as they were when its turn comes in a cold start."""
        unit = self.unit(place)
        for cell in sorted(self.read_when_executed(place) | self._taken(place)):
            binders = self.binders(cell)
            later = [other for other in binders if self.order(other) > self.order(place)]
            if later and (len(later) < len(binders) or cell in self.read_by_itself(place)):
                for other in binders:
                    self.force(other, _Cause(f"binds {cell}, which is read before", place))
        if unit.alias is not None or unit.same_as:
            return
        for home, chain in self.chains_read(place):
            cell, rest = self.cell(home, chain)
            cell = self.canonical(cell)
            if self.world.is_mutable(cell, rest) and self._is_changed_later(place, cell):
                self._remake(cell, place)

    def _taken(self, place: Place) -> set[Cell]:
        """What a star import may take."""
        alias = self.unit(place).alias
        if alias is None or alias.bound != "*":
            return set()
        return {Cell(alias.module, name) for name in self.offered(alias.module)}

    def _is_used_later(self, place: Place, cell: Cell) -> bool:
        return any(self._is_later(other, place) for other in self.users(cell))

    def _is_changed_later(self, place: Place, cell: Cell) -> bool:
        users = (other for other in self.users(cell) if self._is_later(other, place))
        return any(cell in self.mutated(other, old=True) for other in users)

    def _is_later(self, place: Place, than: Place) -> bool:
        return place != than and place not in self.causes and self.order(place) > self.order(than)

    # --- the result

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
        cells = frozenset(self.rebound | self.touched)
        return ReloadPlan(tuple(steps), self.restart or self._refusal(steps), cells, self.start)

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

    def _executions(self) -> list[Step]:
        steps: dict[object, Step] = {}
        empty = [
            Place(name, -1) for name in self.whole.keys() - self.drop.keys() - {place.module for place in self.causes}
        ]
        for place in sorted([*self.causes, *empty], key=self.order):
            if place.index < 0:
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
                if not self.cells(place.module, [chain]).isdisjoint(self.rebound | self.touched):
                    dirty.add(chain[0])
            if not dirty and self.fate(place) is Fate.SAME:
                dirty.add("*")
        again = action is Action.EXECUTE and place in self.forced and self.fate(place) is Fate.SAME
        again = again and self._binds_alone(place)  # else what the name holds may be somebody else's object
        because = partial(self.reasons, place)
        return Step(action, place.module, place.index, unit.label, unit.line, because, frozenset(dirty), again)

    def reasons(self, place: Place) -> tuple[str, ...]:
        """The chain from a stale unit back to the edit."""
        found: list[str] = []
        seen: set[Place] = set()
        cause: _Cause | None = self.causes.get(place)
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
        for step in steps:
            if step.action is Action.PATCH:
                continue
            why = self.world.refusal(step.module)
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
        for place in sorted(self.causes, key=self.order):
            for why in outside.again(place, dirty=self._is_dirty):
                yield f"{why} ({self.causes[place].text})"

    def _is_dirty(self, place: Place) -> bool:
        """Whether a unit finds other values than it found."""
        cells = self.read_when_executed(place)
        ran = self.world.ran(place.module, self.old_index(place))
        return not cells.isdisjoint(self.rebound | self.touched) or not self._keys.isdisjoint(ran)

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


def _name(key: Key) -> str:
    return str(getattr(key, "qualname", key))
