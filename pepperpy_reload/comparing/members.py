"""The order in which a portrait tells the members of a set: the same in every process that has the same objects."""

from __future__ import annotations

import collections
import functools
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from pepperpy_reload.comparing.living import without_addresses
from pepperpy_reload.comparing.values import ATOMS, home_of, is_alias, is_closed, qualname_of
from pepperpy_reload.importing.layout import namespace_of, slots_of
from pepperpy_reload.reloading.looking import instance_dict

_REACHES = (1, 16, 256)
"""How many objects are looked at to tell members apart: only what looks the same so far is looked into further."""
_BUILTIN = (
    *(types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType),
    types.ClassMethodDescriptorType,
)
_MOST = 20_000
"""So many objects are looked at for members that look the same: more of them stay in the order that they have."""


def in_order(things: Iterable[Any]) -> list[Any]:
    """The members of a set, sorted by what they are and hold. Where they lie is what hashes go by, and says nothing."""
    return _sorted(list(things), _REACHES)


def _sorted(things: list[Any], reaches: tuple[int, ...]) -> list[Any]:
    if len(things) < 2 or not reaches or (reaches is not _REACHES and len(things) * reaches[0] > _MOST):
        return things
    groups: dict[str, list[Any]] = {}
    seen_whole = set()
    for thing in things:
        look = _Look(thing, reaches[0])
        groups.setdefault(look.text, []).append(thing)
        if look.is_whole:
            seen_whole.add(look.text)
    further = ((alike, () if text in seen_whole else reaches[1:]) for text, alike in sorted(groups.items()))
    return [thing for alike, rest in further for thing in _sorted(alike, rest)]


class _Look:
    """What is seen of an object, going through what it holds, the nearest first, until `reach` objects are told."""

    def __init__(self, thing: Any, reach: int) -> None:
        self._numbers: dict[int, int] = {}
        self._met: list[Any] = []  # alive until all is told: a number stands for an address
        told = [self._refer(thing)]
        for told_of in self._met:  # it grows meanwhile
            if len(told) > reach:
                break
            told.append(self._tell(told_of))
        self.text = "\n".join(told)
        self.is_whole = len(told) > len(self._met)

    def _refer(self, thing: Any) -> str:
        kind = type(thing)
        if kind in ATOMS:
            return without_addresses(repr(thing))
        if issubclass(kind, type):
            return f"{home_of(thing)}.{qualname_of(thing)}"
        if issubclass(kind, ModuleType):
            return f"module {object.__getattribute__(thing, '__dict__').get('__name__')}"
        number = self._numbers.get(id(thing))
        if number is None:
            number = self._numbers[id(thing)] = len(self._met)
            self._met.append(thing)
        return f"#{number}"

    def _tell(self, thing: Any) -> str:
        return f"{_name(thing)} {', '.join(f'{label}: {self._refer(part)}' for label, part in _parts(thing))}"


def _name(thing: Any) -> str:
    kind = type(thing)
    if kind is FunctionType:
        return f"{thing.__module__}.{qualname_of(thing)}:{thing.__code__.co_firstlineno}"
    if issubclass(kind, _BUILTIN):
        return f"{kind.__qualname__} {thing.__qualname__}"
    return f"{home_of(kind)}.{qualname_of(kind)}"


def _parts(thing: Any) -> Iterator[tuple[str, Any]]:
    """What an object holds, each with a label, in an order that is the same in every process."""
    kind = type(thing)
    if is_alias(thing):
        yield "origin", getattr(thing, "__origin__", None)
        yield from _indexed(thing.__args__)
        return
    if is_closed(kind):
        return
    for part, inside in _INSIDE.items():
        if issubclass(kind, part):
            yield from inside(thing)
    if kind is not FunctionType:
        yield from instance_dict(thing).items()
    yield from slot_values(thing)


def _in_function(thing: FunctionType) -> Iterator[tuple[str, Any]]:
    yield from _indexed(thing.__defaults__ or ())
    yield from sorted((thing.__kwdefaults__ or {}).items())
    yield from _indexed(thing.__closure__ or ())
    yield from sorted(vars(thing).items())


def _in_cell(thing: types.CellType) -> Iterator[tuple[str, Any]]:
    try:
        yield "contents", thing.cell_contents
    except ValueError:  # it is empty
        return


def _in_dict(thing: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    for pair in dict.items(thing):
        yield from zip(("key", "value"), pair, strict=True)


def _in_partial(thing: functools.partial[Any]) -> Iterator[tuple[str, Any]]:
    yield "func", thing.func
    yield from _indexed(thing.args)
    yield from thing.keywords.items()


def _in_set(thing: Any) -> Iterator[tuple[str, Any]]:
    """The members of a set within a set, told apart by no more than what they are."""
    base: Any = set if issubclass(type(thing), set) else frozenset
    yield from _indexed(_sorted(list(base.__iter__(thing)), _REACHES[:1]))


def _indexed(things: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    yield from (("", thing) for thing in things)


def _attributes(*names: str) -> Callable[[Any], Iterator[tuple[str, Any]]]:
    return lambda thing: ((name, getattr(thing, name, None)) for name in names)


_INSIDE: dict[Any, Callable[[Any], Iterator[tuple[str, Any]]]] = {
    FunctionType: _in_function,
    types.CellType: _in_cell,
    dict: _in_dict,
    list: lambda thing: _indexed(list.__iter__(thing)),
    tuple: lambda thing: _indexed(tuple.__iter__(thing)),
    collections.deque: lambda thing: _indexed(collections.deque.__iter__(thing)),
    (set, frozenset): _in_set,
    functools.partial: _in_partial,
    (staticmethod, classmethod): _attributes("__func__"),
    types.MethodType: _attributes("__func__", "__self__"),
    (types.BuiltinMethodType, types.MethodWrapperType): _attributes("__self__"),
    property: _attributes("fget", "fset", "fdel"),
    weakref.ref: lambda thing: iter([("()", weakref.ref.__call__(thing))]),
    (str, bytes, bytearray, int, float, complex): lambda thing: iter([("", _as_text(thing))]),
}


def _as_text(thing: Any) -> str:
    base: Any = next(kind for kind in (str, bytes, bytearray, int, float, complex) if issubclass(type(thing), kind))
    return str(base.__repr__(thing))


def slot_values(thing: Any) -> Iterator[tuple[str, Any]]:
    """What the slots of an object hold."""
    for kind in type(thing).__mro__:
        if not kind.__flags__ & (1 << 9):  # built in: its members are told by what is added for it
            continue
        own = slots_of(kind)
        for name, found in sorted(namespace_of(kind).items()):
            if any(found is slot for slot in own):
                try:
                    yield name, found.__get__(thing)
                except AttributeError:  # not set
                    continue
