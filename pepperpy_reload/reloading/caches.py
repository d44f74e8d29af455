"""The lru_caches that names of modules lead to."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from pepperpy_reload.importing.layout import held_in
from pepperpy_reload.reloading.looking import instance_dict, is_a

_LRU = type(functools.lru_cache(lambda: None))
_PARTS: Mapping[type, tuple[str, ...]] = {
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    functools.partial: ("func",),
    functools.partialmethod: ("func",),
    functools.cached_property: ("func",),
    property: ("fget", "fset", "fdel"),
}
_LOOKED_INTO = (_LRU, FunctionType, *_PARTS)
_DEPTH = 4


def names_of_caches(module: ModuleType | None) -> tuple[str, ...]:
    """The names of a module that lead to lru_caches."""
    names = getattr(module, "__dict__", {})
    found = (name for name, value in list(names.items()) if type(value) in _LOOKED_INTO or is_a(value, type))
    return tuple(name for name in found if any(True for _ in caches_of(module, (name,))))


def caches_of(module: ModuleType | None, names: Iterable[str]) -> Iterator[tuple[str, Any, FunctionType]]:
    """The lru_caches that some names of a module hold, or classes there: the name, the cache, the function in it.

    What is behind a wrapper or inside a class counts if it is the module's own: other modules are asked for theirs.
    """
    names_of = getattr(module, "__dict__", {})
    home = getattr(module, "__name__", None)
    for name in names:
        value = names_of.get(name)
        for cache, cls in _inside(value, None, _DEPTH):
            function = getattr(cache, "__wrapped__", None)
            if type(function) is not FunctionType:
                continue
            # A class may say that it is of another module: what is written in it knows better.
            is_told = cls is not None and vars(cls).get("__module__") == home
            if cache is value or is_told or function.__globals__ is names_of or type(value) in _HELD_ALONE:
                yield name, cache, function


_HELD_ALONE = (staticmethod, classmethod, functools.partial)


def _inside(value: Any, cls: type | None, depth: int) -> Iterator[tuple[Any, type | None]]:
    """The caches that something leads to, each with the class that it is in."""
    if type(value) is _LRU:
        yield value, cls
        return
    home = value if is_a(value, type) else cls
    for inner in _led_to(value) if depth else ():
        yield from _inside(inner, home, depth - 1)


def _led_to(value: Any) -> Iterator[Any]:
    """What may be a cache, or lead to one, behind a wrapper and in a class."""
    if type(value) in _PARTS:
        yield from (getattr(value, part, None) for part in _PARTS[type(value)])
    elif type(value) is FunctionType:
        yield from (inner for inner in _behind(value) if type(inner) in _LOOKED_INTO and inner is not value)
    elif is_a(value, type):
        for name, member in list(vars(value).items()):
            is_nested = is_a(member, type) and member.__qualname__ == f"{value.__qualname__}.{name}"
            if type(member) in _LOOKED_INTO or is_nested:
                yield member


def _behind(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        yield held_in(cell)
    yield instance_dict(function).get("__wrapped__")
