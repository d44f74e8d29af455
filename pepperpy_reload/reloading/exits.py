"""What is registered to be called when the process ends, and how one of these is taken back (`atexit`)."""

from __future__ import annotations

import ast
import atexit
import sys
from collections.abc import Callable, Iterable, Mapping
from types import MethodType
from typing import Any

from pepperpy_reload.core.deeds import Deed
from pepperpy_reload.core.difference import Fate
from pepperpy_reload.core.outside import repeats
from pepperpy_reload.core.plan import Action, ReloadPlan
from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.statement import chain
from pepperpy_reload.core.world import Place
from pepperpy_reload.reloading.looking import attribute_of

_EXECUTING = (Action.REFIT, Action.TRANSPLANT, Action.EXECUTE)
_gaps = 0
"""How many have been taken back that are counted nevertheless (by `atexit` before Python 3.14)."""


class _Probe:
    """Is compared with all that is registered, and equal to nothing."""

    def __init__(self) -> None:
        self.met: list[Any] = []

    def __eq__(self, other: object) -> bool:
        self.met.append(other)
        return False

    __hash__ = None  # type: ignore[assignment]


def registered() -> list[Any] | None:
    """What is registered, in its order; None if there is more than can be seen."""
    probe = _Probe()
    atexit.unregister(probe)  # type: ignore[arg-type]
    return probe.met if len(probe.met) + _gaps == atexit._ncallbacks() else None


def last_registered(namespace: Mapping[str, Any], deed: Deed) -> Any:
    """What a call of `atexit.register` in a module has registered, if nothing has been registered after it; or None.

    To take that back and to register another one instead leaves the order as it was. What is called with arguments
    cannot be put back.
    """
    match deed.node:
        case ast.Call(args=[given], keywords=[]):
            names = chain(given)
        case ast.FunctionDef(name=name, decorator_list=[ast.Name() | ast.Attribute()]):
            names = (name,)
        case _:
            return None
    found = registered() if names else None
    if not found or names[0] not in namespace:
        return None
    *way, last = names
    owner: Any = namespace
    for name in way:
        owner = namespace[name] if owner is namespace else attribute_of(owner, name)
    value = namespace[last] if owner is namespace else attribute_of(owner, last)
    meant = [one for one in found if one is value or _is_bound(one, owner, value)]
    return meant[0] if len(meant) == 1 and meant[0] is found[-1] else None


def _is_bound(one: object, owner: object, function: object) -> bool:
    return type(one) is MethodType and one.__self__ is owner and one.__func__ is function


def take_back_before(plan: ReloadPlan, scope: Scope, undo: Callable[[Callable[[], None]], None]) -> None:
    """Take back what statements have registered that are as they were and are executed again, where that can be."""
    places = [Place(step.module, step.index) for step in plan.steps if step.action in _EXECUTING]
    for name in plan.modules(Action.RUN):
        module = scope.module(name)
        places += [Place(name, unit.index) for unit in module.alignment.units] if module is not None else []
    for place in [one for one in places if scope.fate(one) in (Fate.SAME, Fate.BODY)]:
        unit = scope.unit(place)
        deeds = [deed for deed in unit.deeds if deed.path[-1] == "register"]
        for deed in deeds if deeds and not repeats(unit) else ():
            one = scope.world.reach(place.module, deed, unit.imports)
            found = last_registered(vars(sys.modules[place.module]), deed) if one is not None and one.undone else None
            if found is not None:
                take_back(found, undo)


def take_back(one: Any, undo: Callable[[Callable[[], None]], None]) -> None:
    """Take back the last one registered; `undo` is given what puts everything back as it is now."""
    before = registered() or []
    undo(lambda: _restore(before))
    _forget(one)


def _restore(before: Iterable[Any]) -> None:
    known = list(before)
    now = registered() or []
    for one in now:
        if not any(one is other for other in known):
            _forget(one)
    for one in known:
        if not any(one is other for other in now):
            atexit.register(one)


def _forget(one: Any) -> None:
    global _gaps
    count = atexit._ncallbacks()
    atexit.unregister(one)
    _gaps += int(atexit._ncallbacks() == count)
