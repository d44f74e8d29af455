"""The first-party methods that run without being called: those of operators, properties and the like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from types import FunctionType
from typing import Any

from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.world import Key
from pepperpy_reload.importing.layout import namespace_of
from pepperpy_reload.reloading.callables import own_keys
from pepperpy_reload.reloading.looking import attribute_of, is_a, part_of

Methods = Mapping[str, frozenset[Key]]
_CALLED = frozenset(
    "__init__ __new__ __post_init__ __init_subclass__ __set_name__ __class_getitem__ __call__ __del__".split()
)
"""What makes an object, or is a call of it."""
_BEHIND = ("fget", "func", "__wrapped__")
"""Where descriptors have the function that an attribute stands for."""
_flags_of = type.__dict__["__flags__"].__get__
_ON_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE


class Operators:
    """By type; asked for again and again."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[type, Methods]] = {}
        self._layers: dict[int, tuple[type, Methods]] = {}
        """What a class has by itself: many have the same ones among their bases."""

    def of(self, values: Iterable[object]) -> Methods:
        """The methods of any of some values, by name."""
        kinds = {identity(type(value)): type(value) for value in values}
        found = [methods for kind in kinds.values() if (methods := self._of_type(kind))]
        return reduce(_together, found) if found else {}

    def _of_type(self, kind: type) -> Methods:
        known = self._known.get(identity(kind))
        if known is None:
            found: dict[str, frozenset[Key]] = {}
            for methods in filter(None, map(self._of_layer, kind.__mro__)):
                found = _together(found, methods)
            known = self._known[identity(kind)] = kind, found  # alive as long as its identity is known
        return known[1]

    def _of_layer(self, layer: type) -> Methods:
        known = self._layers.get(identity(layer))
        if known is None:
            known = self._layers[identity(layer)] = layer, _methods(layer)
        return known[1]


def _together(one: Methods, other: Methods) -> dict[str, frozenset[Key]]:
    return {name: one.get(name, frozenset()) | other.get(name, frozenset()) for name in one.keys() | other.keys()}


def _methods(layer: type) -> Methods:
    if not _flags_of(layer) & _ON_HEAP:  # it is made by the interpreter, or by an extension, and cannot be changed
        return {}
    found = ((name, frozenset(own_keys(_running(name, value)))) for name, value in namespace_of(layer).items())
    return {name: keys for name, keys in found if keys}


def _running(name: str, value: Any) -> Iterator[Any]:
    """The functions that run when an attribute of a class is used without a call, or an operator is."""
    if type(value) is FunctionType:
        if name[:2] == name[-2:] == "__" and name not in _CALLED:
            yield value
        return
    if is_a(value, (type, staticmethod, classmethod)):
        return
    getter = attribute_of(type(value), "__get__")
    if getter is not None:
        yield getter
        yield from (part_of(value, name) for name in _BEHIND)
