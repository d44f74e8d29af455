"""Values passed on from module to module at one go, where it is known that nothing else comes of it: see `Cascade`.

What `Takeovers` asks of each statement is asked of all of them here before the first one is executed.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import takewhile
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from pepperpy_reload.core.cascade import Cascade
from pepperpy_reload.core.computing import only_computes
from pepperpy_reload.core.plan import Action, Passed, ReloadPlan, Step
from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Cell, Place
from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.importing.edges import is_initializing
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger, state
from pepperpy_reload.reloading.looking import is_atom
from pepperpy_reload.reloading.table import Table


class PassedOnOtherwise(RestartNeeded):
    """What is passed on is no atom any more: more may come of it."""


class _Way(NamedTuple):
    """How a statement is executed: it takes `name` of module `source`, or runs `code`, which reads names of its own."""

    module: str
    binds: tuple[str, ...]
    source: str
    name: str
    code: CodeType | None
    reads: tuple[str, ...]


class Passing:
    """The steps of a plan that pass a value on."""

    def __init__(self, plan: ReloadPlan, first: int, ways: list[_Way], spaces: Mapping[str, dict[str, Any]]) -> None:
        self.first = first
        """The number of the first of them among all steps."""
        self.others = plan.without(first, len(ways))
        """The plan without them."""
        self._ways = ways
        self._spaces = spaces

    @classmethod
    def of(cls, plan: ReloadPlan, scope: Scope) -> Passing | None:
        """Those of a plan; None if it has none, or if more may come of them."""
        passed = plan.passed
        ways = ways_of(passed.cascade) if passed is not None else []
        if passed is None or not ways or not _is_apart(scope, passed, plan):
            return None
        if recorder.watch.stack or recorder.plain_door is not builtins.__import__:
            return None
        sources = {way.source for way in ways if way.source}
        names = {*passed.cascade.modules, *sources}
        spaces = {name: space for name in names if (space := _space(name)) is not None}
        if len(spaces) != len(names) or not all(_is_as_known(way, spaces) for way in ways):
            return None
        return cls(plan, passed.first, ways, spaces)

    @property
    def modules(self) -> set[str]:
        """The modules in which names are bound."""
        return {way.module for way in self._ways}

    def take(self, failing: Callable[[str], AbstractContextManager[None]]) -> None:
        """Bind all the names. Raises PassedOnOtherwise if one of them comes to hold what is no atom."""
        current, bound, spaces = "", dict[str, Any](), self._spaces
        for module, binds, source, given, code, reads in self._ways:
            if module != current:
                self._settle(current, bound)
                current, bound = module, {}
            own = spaces[module]
            if code is None:
                own[binds[0]] = spaces[source][given]
            else:
                for name in reads:
                    if not is_atom(own[name]):
                        raise PassedOnOtherwise(f"{module} computes with what is no plain value now")
                try:
                    exec(code, own)
                except BaseException:
                    with failing(module):
                        raise
            for name in binds:
                value = bound[name] = own[name]
                if not is_atom(value):
                    raise PassedOnOtherwise(f"{module}.{name} is no plain value now")
        self._settle(current, bound)

    @staticmethod
    def _settle(module: str, bound: Mapping[str, Any]) -> None:
        if module:
            recorder.settled.settle_again(module, bound)


def _is_apart(scope: Scope, passed: Passed, plan: ReloadPlan) -> bool:
    """Whether the other steps of a plan have no part in the passing on, and what comes before executes nothing else."""
    before, after = plan.steps[: passed.first], plan.steps[passed.end :]
    return all(_only_computes(scope, step) for step in before) and all(_imports_nothing(scope, step) for step in after)


def _only_computes(scope: Scope, step: Step) -> bool:
    if step.action is Action.PATCH:
        return True
    is_plain = step.action is Action.EXECUTE and not step.again
    return is_plain and only_computes(scope.unit(Place(step.module, step.index)))


def _imports_nothing(scope: Scope, step: Step) -> bool:
    return step.index >= 0 and not scope.unit(Place(step.module, step.index)).imports


def _space(name: str) -> dict[str, Any] | None:
    """The namespace of a module that is there, and calls nobody around a reload."""
    module = sys.modules.get(name)
    if type(module) is not ModuleType or is_initializing(name):
        return None
    names = vars(module)
    found = names.get("__builtins__")
    if (found is not vars(builtins) and found is not builtins) or any(hook in names for hook in state.HOOKS):
        return None
    return names


def _is_as_known(way: _Way, spaces: Mapping[str, dict[str, Any]]) -> bool:
    """Whether what a statement reads is there, and what it binds holds atoms."""
    module, binds, source, given, code, reads = way
    own = spaces[module]
    for name in binds:
        if not is_atom(own.get(name)):
            return False
    if code is not None:
        return all(name in own for name in reads)
    return given in spaces[source] and f"{source}.{given}" not in sys.modules


_ways: dict[Cell, tuple[Cascade, list[_Way]]] = {}


def ways_of(cascade: Cascade) -> list[_Way]:
    """How the statements of a cascade are executed, up to the first one of which that is not known."""
    known = _ways.get(cascade.cell)
    if known is None or known[0] is not cascade:
        ways = takewhile(lambda way: way is not None, _find_ways(cascade))
        known = _ways[cascade.cell] = (cascade, [way for way in ways if way is not None])
    return known[1]


def forget_ways(cell: Cell) -> None:
    """Its cascade holds no more."""
    _ways.pop(cell, None)


def _find_ways(cascade: Cascade) -> Iterator[_Way | None]:
    last = {place.module: number for number, place in enumerate(cascade.units)}
    bound = {(place.module, name): at for at, (place, unit) in enumerate(cascade.units.items()) for name in unit.binds}
    for number, (place, unit) in enumerate(cascade.units.items()):
        page = ledger.page(place.module)
        if page is None or page.reads[place.index]:
            yield None
        elif (alias := unit.alias) is not None:
            # Who imports from a module that is half-way may find what is not there yet.
            waits = any(last.get(one, -1) >= number for one in (alias.module, f"{alias.module}.{alias.name}"))
            plain = alias.name and not alias.name.startswith("__")
            is_known = plain and not waits and recorder.graph.is_settled(place.module, alias.module)
            yield _Way(place.module, (alias.bound,), alias.module, alias.name, None, ()) if is_known else None
        elif any(bound.get((place.module, name), -1) >= number for name in _names(unit)):
            yield None
        elif _is_of_atoms(place.module, unit):
            yield _Way(place.module, tuple(sorted(unit.binds)), "", "", _code(place.module, unit), _names(unit))
        else:
            yield None


def _is_of_atoms(module: str, unit: Unit) -> bool:
    """Whether a unit makes an atom of atoms, as it was."""
    names = vars(sys.modules[module])
    names_only = all(len(chain) == 1 for chain in unit.reads)
    return names_only and all(is_atom(names.get(name)) for name in (*_names(unit), *unit.binds))


def _code(module: str, unit: Unit) -> CodeType:
    loaded = recorder.modules[module]
    return Table(loaded.code).compile(unit, loaded.path)


def _names(unit: Unit) -> tuple[str, ...]:
    return tuple(sorted(chain[0] for chain in unit.reads))
