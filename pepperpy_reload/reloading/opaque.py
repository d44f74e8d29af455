"""Objects that a step may change and that cannot be put back: nothing may run then that might fail."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from types import AsyncGeneratorType, CoroutineType, FunctionType, GeneratorType, ModuleType
from typing import Any

from pepperpy_reload.core.plan import Action, ReloadPlan
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.world import Cell, Place
from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.importing.layout import namespace_of, slots_of
from pepperpy_reload.reloading.contents import COPIED
from pepperpy_reload.reloading.looking import is_a

_RUNNING = (GeneratorType, AsyncGeneratorType, CoroutineType)
_STATELESS = frozenset(
    "_contextvars _datetime _decimal _functools _io _operator _random _re _sre _struct _thread _uuid _weakref "
    "_weakrefset abc ast builtins collections contextvars datetime decimal enum fractions functools inspect ipaddress "
    "logging operator pathlib re string struct sys threading types typing uuid weakref zoneinfo".split()
)
"""Homes of built-in types whose instances do not change, or whose use is no change: a lock, a pattern, a date."""


def see_opaque(plan: ReloadPlan, traces: Traces) -> None:
    """Raise RestartNeeded if a statement of the plan may change an object whose contents cannot be copied.

    An object that the plan makes anew does not count: the old one is left alone.
    """
    runs = set(plan.modules(Action.RUN))
    executed = {(step.module, step.index) for step in plan.steps if step.index >= 0}
    for place in _places(plan, traces):
        for cell in sorted(traces.mutated(place, old=False)):
            anew = any(one.module in runs or (one.module, one.index) in executed for one in traces.binders(cell))
            why = "" if anew else why_opaque(_value(cell))
            if why:
                line = traces.unit(place).line
                raise RestartNeeded(f"{place.module}:{line} may change {cell}, {why}: it could not be put back")


def _places(plan: ReloadPlan, traces: Traces) -> Iterator[Place]:
    for step in plan.steps:
        if step.index >= 0 and step.action in (Action.EXECUTE, Action.REFIT, Action.TRANSPLANT):
            yield Place(step.module, step.index)
    for name in plan.modules(Action.RUN):
        module = traces.module(name)
        for unit in module.alignment.units if module is not None else ():
            yield Place(name, unit.index)


def _value(cell: Cell) -> Any:
    return getattr(sys.modules.get(cell.module), "__dict__", {}).get(cell.name)


def why_opaque(thing: Any) -> str:
    """What an object is of which a change could not be taken back; "" if it has no contents, or they can be copied."""
    kind = type(thing)
    if is_a(thing, _RUNNING):
        return "a running generator" if kind is not CoroutineType else "a coroutine"
    if is_a(thing, io.IOBase):
        return "an open file"
    if is_a(thing, (type, ModuleType, FunctionType, *COPIED)):
        return ""
    home = _solid(kind)
    if home and "__next__" in _members(kind):
        return "an iterator"
    return f"a {kind.__name__}" if home and home.partition(".")[0] not in _STATELESS else ""


def _members(kind: type) -> set[str]:
    return {name for base in kind.__mro__ for name in namespace_of(base)}


def _solid(kind: type) -> str:
    """The home of the built-in type of which an object has more than attributes; "" if there is none."""
    for base in kind.__mro__:
        size = base.__basicsize__ - (base.__base__.__basicsize__ if base.__base__ is not None else base.__basicsize__)
        known = [name for name in ("__dict__", "__weakref__") if name in namespace_of(base)]
        if size > _WORD * (len(known) + len(slots_of(base))):
            home = base.__module__
            return home if isinstance(home, str) else ""
    return ""


_WORD = object.__basicsize__ // 2
