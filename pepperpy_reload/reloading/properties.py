"""Cached properties: what instances have kept of functions that are other ones by now goes, and is computed anew."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

from pepperpy_reload.core.plan import Action, ReloadPlan
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.world import Cell, Key
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import contents, heap
from pepperpy_reload.reloading.heirs import heirs_of
from pepperpy_reload.reloading.looking import instance_dict, is_a, part_of
from pepperpy_reload.reloading.spotted import Spotted

Undo = Callable[[Callable[[], None]], None]
_MOST = 200  # functions looked at for one property


def names_of_classes(module: ModuleType | None) -> tuple[str, ...]:
    """The names under which a module has classes of its own with cached properties."""
    names, home = getattr(module, "__dict__", {}), getattr(module, "__name__", None)
    own = ((name, one) for name, one in list(names.items()) if is_a(one, type) and vars(one).get("__module__") == home)
    return tuple(name for name, one in own if any(True for _ in _cached(one)))


_classes = Spotted(names_of_classes)


def stale(plan: ReloadPlan, traces: Traces, changed: Set[Key]) -> list[tuple[type, list[str]]]:
    """The classes whose cached properties would compute something else now, and these.

    What was computed while modules were executed is left to the statements that have asked for it.
    """
    found: dict[type, list[str]] = {}
    for cls, name, function in _all() if changed or plan.cells else ():
        if _is_other(cls, function, traces, changed, plan.cells) and _is_left(function, plan, traces):
            found.setdefault(cls, []).append(name)
    return list(found.items())


def read_ahead(traces: Traces) -> None:
    """Read what properties run: it is asked for with most plans."""
    for cls, _, function in _all():
        _is_other(cls, function, traces, frozenset(), frozenset())


def _all() -> Iterator[tuple[type, str, FunctionType]]:
    for home, bounds in _classes.found():
        for bound in bounds:
            cls: Any = getattr(sys.modules.get(home), "__dict__", {}).get(bound)
            yield from ((cls, name, function) for name, function in _cached(cls)) if is_a(cls, type) else ()


def forget(found: Iterable[tuple[type, Collection[str]]], undo: Undo) -> None:
    """Take out of instances what they keep of such properties."""
    for cls, names in found:
        for thing in heap.instances([cls, *heirs_of(cls)]):
            _take_out(instance_dict(thing), names, undo)


def _cached(cls: type) -> Iterator[tuple[str, FunctionType]]:
    for name, member in list(vars(cls).items()):
        if is_a(member, functools.cached_property) or type(member).__name__ == "cached_property":
            function = (
                getattr(member, "func", None) if is_a(member, functools.cached_property) else part_of(member, "func")
            )
            if type(function) is FunctionType:
                yield name, function


def _is_other(cls: type, function: FunctionType, traces: Traces, changed: Set[Key], cells: Set[Cell]) -> bool:
    """Whether a property runs other functions now, or finds something else; methods of its object are among them."""
    seen, waiting = {function}, [function]
    while waiting and len(seen) < _MOST:
        code = waiting.pop().__code__
        keys, read = traces.reached(CodeKey.of(code))
        if not keys.isdisjoint(changed) or not read.isdisjoint(cells):
            return True
        members = [vars(base).get(name) for base in cls.__mro__ for name in code.co_names if base is not object]
        new = {one for member in members for one in _functions(member)} - seen
        seen |= new
        waiting.extend(new)
    return False


_PARTS = ("fget", "func", "__func__", "__wrapped__")


def _functions(member: Any) -> Iterator[FunctionType]:
    for one in (member, *(part_of(member, name) for name in _PARTS)):
        if type(one) is FunctionType and one.__code__.co_filename in recorder.roots:
            yield one


def _is_left(function: FunctionType, plan: ReloadPlan, traces: Traces) -> bool:
    """Whether all that have asked for a property while modules were executed do so again."""
    runs = {step.module for step in plan.steps if step.action is Action.RUN}
    done = {(step.module, step.index) for step in plan.steps if step.action is not Action.PATCH}
    asked = traces.runners(CodeKey.of(function.__code__))
    return all(one.module in runs or (one.module, one.index) in done for one in asked)


def _take_out(kept: dict[str, Any], names: Collection[str], undo: Undo) -> None:
    if not kept.keys().isdisjoint(names):
        undo(partial(contents.refill, kept, dict(kept)))
        for name in names:
            kept.pop(name, None)
