"""The live objects that calls give away, found without calling anything: functions return what they keep."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType
from typing import Any
from weakref import ReferenceType

from pepperpy_reload.core.effects import CALLED, Chain
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.world import Key
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.layout import held_in
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.holders import led_to
from pepperpy_reload.reloading.looking import is_a

Facts = Callable[[Key], tuple[str, FunctionFacts] | None]
_DEEP = 4  # calls inside of calls
_MANY = 100  # objects on the way


def lent_objects(value: Any, rest: Chain, facts: Facts, deep: int = _DEEP) -> list[Any]:
    """What a chain with calls leads to. What a call makes stands for itself as its class, nobody else knows it."""
    found: list[tuple[Any, Any]] = [(value, None)]
    for step in rest:
        if step == CALLED:
            found = [(one, None) for thing, owner in found for one in _given(thing, owner, facts, deep)]
        else:
            inner = [(one, thing) for thing, _ in found for one in led_to(thing, (step,))]
            found = [got for one, thing in inner for got in _got(one, thing, facts, deep)]
        found = found[:_MANY]
    return [thing for thing, _ in found if not is_a(thing, type)]


def asked_for(module: str, facts: Facts) -> list[Any]:
    """What a module's own `__getattr__` may give."""
    return list(_given(vars(sys.modules[module])["__getattr__"], None, facts, _DEEP))


def _got(value: Any, owner: Any, facts: Facts, deep: int) -> Iterator[tuple[Any, Any]]:
    """What an attribute means: what a property gives."""
    getter = value.fget if is_a(value, property) else value.func if is_a(value, functools.cached_property) else None
    if getter is None:
        yield value, owner
    else:
        yield from ((one, None) for one in _given(getter, owner, facts, deep))


def _given(thing: Any, owner: Any, facts: Facts, deep: int) -> Iterator[Any]:
    """What calling something gives that is there already."""
    if is_a(thing, type):
        yield thing
    elif is_a(thing, ReferenceType):
        yield thing()
    elif is_a(thing, functools.partial):
        yield from (*thing.args, *thing.keywords.values())
        yield from _given(thing.func, None, facts, deep)
    elif is_a(thing, MethodType):
        yield from _given(thing.__func__, thing.__self__, facts, deep)
    elif is_a(thing, (staticmethod, classmethod)):
        yield from _given(thing.__func__, owner, facts, deep)
    elif is_a(thing, FunctionType) and deep and thing.__code__.co_filename in recorder.roots:
        known = facts(CodeKey.of(thing.__code__))
        for way in known[1].gives if known is not None else ():
            yield from _kept(thing, owner, way, facts, deep - 1)


def _kept(function: FunctionType, owner: Any, way: Chain, facts: Facts, deep: int) -> list[Any]:
    """What a function means by a chain of names."""
    code, name = function.__code__, way[0]
    count = code.co_argcount
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=False))
    if name in cells:
        start = held_in(cells[name])
    elif name in code.co_varnames[: count + code.co_kwonlyargcount]:
        defaults = dict(zip(reversed(code.co_varnames[:count]), reversed(function.__defaults__ or ()), strict=False))
        defaults.update(function.__kwdefaults__ or {})
        start = owner if code.co_varnames[0] == name and owner is not None else defaults.get(name)
    elif name in function.__globals__:
        start = function.__globals__[name]
    else:
        return []
    return lent_objects(start, way[1:], facts, deep)
