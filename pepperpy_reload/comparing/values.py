"""What has no identity in a portrait: constants, code, and what other modules know by a name."""

from __future__ import annotations

import itertools
import operator
import re
import sys
import types
from collections.abc import Iterable
from types import CodeType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any

from pepperpy_reload.comparing.portrait import Painter
from pepperpy_reload.importing.layout import namespace_of

ATOMS = frozenset(
    {type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented), range, slice}
)
_BUILTIN = (
    *(types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType),
    types.ClassMethodDescriptorType,
)
_DOORS = "pepperpy_reload.importing.doors"
"""Its functions stand for those of Python's own through which imports go, while we listen."""
_TOLD_BY_REPR = (itertools.count, operator.attrgetter, operator.itemgetter, operator.methodcaller)
_REPR_HOMES = frozenset("datetime decimal _decimal fractions uuid pathlib pathlib._local ipaddress zoneinfo".split())
_TYPING = ("typing", "typing_extensions")
_HEAPTYPE = 1 << 9
_CLOSED_HOMES = frozenset(
    "_thread threading _io io asyncio selectors socket _socket ssl _ssl tempfile subprocess multiprocessing codecs "
    "random _random _frozen_importlib _frozen_importlib_external importlib zipimport pkgutil _contextvars".split()
)
"""Homes of types whose instances live on what a process does, not on what its source says."""


def value_of(painter: Painter, thing: Any) -> list[Any] | None:
    """A plain value that stands for a thing; None if it has an identity, and is a node."""
    kind = type(thing)
    if kind in ATOMS:
        return [kind.__name__, repr(thing)]
    if kind is CodeType:
        return ["code", painter.codes.name(thing)]
    if kind is dict and id(thing) in painter.spaces:
        return ["namespace", painter.spaces[id(thing)]]
    if kind is tuple or kind is frozenset:
        return _collection(painter, thing)
    if issubclass(kind, ModuleType):
        return _module(painter, thing)
    if issubclass(kind, type) or kind is FunctionType:
        return known_elsewhere(painter, thing)
    if kind in _BUILTIN:
        return _builtin(painter, thing)
    if kind in (GetSetDescriptorType, MemberDescriptorType):
        return ["descriptor", thing.__name__, thing.__objclass__.__name__]
    return _told(thing, kind)


def home_of(kind: type) -> str:
    """The module that a class says it is from."""
    home = kind.__module__
    return home if isinstance(home, str) else ""


def is_alias(thing: Any) -> bool:
    """Whether something is a parametrised type: typing caches these, so which object it is says nothing."""
    kind = type(thing)
    if kind is types.GenericAlias or kind is types.UnionType:
        return True
    return home_of(kind) in _TYPING and kind.__name__.startswith("_") and getattr(thing, "__args__", None) is not None


def is_closed(kind: type) -> bool:
    """Whether what instances hold is of their own making: of those of `threading`, say, only the type is told."""
    home = home_of(kind)
    return home in _CLOSED_HOMES or home.partition(".")[0] in _CLOSED_HOMES


def qualname_of(thing: Any) -> str:
    """The qualified name of a class or function, past what a metaclass makes of that name."""
    name = type.__dict__["__qualname__"].__get__(thing) if issubclass(type(thing), type) else thing.__qualname__
    return str(name)


def known_elsewhere(painter: Painter, thing: Any) -> list[Any] | None:
    """How a function or class that is none of the portrayed modules' own is named; None if it has to be described.

    What another module's name leads to goes by that name. What none leads to (a wrapper made by a decorator there) is
    described.
    """
    is_class = issubclass(type(thing), type)
    if not is_class and thing.__module__ == _DOORS and "__wrapped__" in vars(thing):
        return _behind_door(painter, thing.__wrapped__)
    home, name = home_of(thing) if is_class else thing.__module__, qualname_of(thing)
    if is_class and not thing.__flags__ & _HEAPTYPE:
        return ["class", home, name]
    if not is_class:
        code = thing.__code__
        if painter.own(code.co_filename) or id(thing.__globals__) in painter.spaces:
            return None
        # Where it was written comes first: a class that took it for a method may have renamed it (attrs' `evolve`).
        written = thing.__globals__.get("__name__"), code.co_qualname
        home, name = written if _lookup(*written) is thing else (home, name)
    if isinstance(home, str) and home not in painter.modules and _lookup(home, name) is thing:
        return ["class" if is_class else "function", home, name]
    return None


def _behind_door(painter: Painter, thing: Any) -> list[Any] | None:
    if type(thing) is FunctionType:
        return ["function", str(thing.__globals__["__name__"]), qualname_of(thing)]
    return _builtin(painter, thing)


def _lookup(home: Any, qualname: str) -> Any:
    found: Any = sys.modules.get(home) if isinstance(home, str) else None
    for part in qualname.split("."):
        if issubclass(type(found), ModuleType):
            found = object.__getattribute__(found, "__dict__").get(part)
        elif issubclass(type(found), type):
            found = namespace_of(found).get(part)
        else:
            return None
    return found


def _module(painter: Painter, module: ModuleType) -> list[Any] | None:
    namespace = object.__getattribute__(module, "__dict__")
    name, file = namespace.get("__name__"), namespace.get("__file__")
    is_own = painter.modules.get(name) is module or (isinstance(file, str) and painter.own(file))
    return None if is_own else ["module", str(name)]


def _collection(painter: Painter, things: Iterable[Any]) -> list[Any] | None:
    """A tuple or frozenset of nothing but constants: the compiler merges equal ones."""
    found: list[Any] = []
    for item in things:
        kind = type(item)
        value = value_of(painter, item) if kind in ATOMS or kind in (tuple, frozenset, CodeType) else None
        if value is None:
            return None
        found.append(value)
    return [type(things).__name__, *(found if type(things) is tuple else sorted(found, key=repr))]


def _builtin(painter: Painter, thing: Any) -> list[Any] | None:
    owner = getattr(thing, "__objclass__", None)
    owner = getattr(thing, "__self__", None) if owner is None else owner
    name = getattr(thing, "__qualname__", thing.__name__)
    if owner is None or issubclass(type(owner), ModuleType):
        return ["builtin", str(getattr(thing, "__module__", None)), name]
    if issubclass(type(owner), type) and known_elsewhere(painter, owner) is not None:
        return ["builtin", home_of(owner), qualname_of(owner), name]
    return None


def _told(thing: Any, kind: type) -> list[Any] | None:
    """What is best told by its text: nothing in it has an identity."""
    home = home_of(kind)
    if kind is re.Pattern:
        return ["pattern", repr(thing.pattern), str(thing.flags)]
    if kind in _TOLD_BY_REPR or home in _REPR_HOMES:
        return ["value", kind.__name__, repr(thing)]
    if home in _TYPING:
        if kind.__name__ == "ForwardRef":
            return ["forward", thing.__forward_arg__, str(thing.__forward_module__)]
        if kind.__name__.startswith("_") and getattr(thing, "__args__", None) is None:
            return ["typing", repr(thing)]
    return None
