"""What the objects of a module held when it had been executed: who ran later and left them so has changed nothing.

A print of an object is a number made of all that can be reached from it through containers and instances.
"""

from __future__ import annotations

from _abc import _get_dump  # type: ignore[import-not-found,unused-ignore]
from abc import ABCMeta
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum, EnumType
from logging import Logger
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodType,
    ModuleType,
)
from typing import Any
from weakref import WeakKeyDictionary

from pepperpy_reload.core.identity import identity
from pepperpy_reload.importing.layout import dict_getter, namespace_of, slots_of

_VALUES: frozenset[type] = frozenset({int, float, complex, str, bytes, bool, type(None)})
_CLOSED: tuple[type, ...] = (*_VALUES, type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, CodeType)
_CONSTANT = frozenset((*_CLOSED, Logger))
_FIXED = _CONSTANT - {type}
_PRINTLESS = (*_CLOSED, Enum)
_PLAIN: tuple[Any, ...] = (list, tuple, set, frozenset, deque)
_CONTAINERS = frozenset({dict, *_PLAIN})
_TABLE = 256
_LIMIT = 4000  # objects looked at for one name: of what is larger nothing is known
_TRIES = 4  # so often in succession an instance of a type may be too large: then no more of them are looked at
_ELSEWHERE = ("typing", "logging")
"""Modules no instance of whose classes has a print: aliases do not change, and every logger leads to all the others."""


class Settled:
    """By module and name: the identity and the print of each object that may change."""

    def __init__(self) -> None:
        self._prints: dict[str, dict[str, Print]] = {}
        self._identities: dict[str, dict[str, int]] = {}
        """Whose prints these are. A pair for each would be work for garbage collection."""
        self._owners: dict[int, str] = {}
        """By the identity of an object that has a print: the module whose it is."""
        self._too_large: WeakKeyDictionary[type, int] = WeakKeyDictionary()

    def settle(self, module: str, namespace: Mapping[str, Any]) -> None:
        """A module has been executed; what it has from others is theirs."""
        if module in self._prints:
            self.forget(module)
        owners = self._owners
        for name, value in dict(namespace).items():  # a copy: other threads may write to it
            kind = type(value)
            if kind in _FIXED or name[:2] == "__" or (kind is type and not _tells_of_heirs(module, value)):
                continue
            if owners.get(identity(value), module) == module:
                self._take(module, name, value)

    def settle_again(self, module: str, values: Mapping[str, Any]) -> None:
        """Names of it have been bound again."""
        self._prints[module] = dict(self._prints.get(module, {}))  # another may have a copy of what is known
        self._identities[module] = dict(self._identities.get(module, {}))
        for name, value in values.items():
            if self._prints[module].pop(name, None) is not None:
                self._owners.pop(self._identities[module].pop(name), None)
            kind = type(value)
            if kind in _CONSTANT and (kind is not type or not _tells_of_heirs(module, value)):
                continue
            if not name.startswith("__"):
                self._take(module, name, value)

    def _take(self, module: str, name: str, value: Any) -> None:
        """Take the print of an object, if it may change, is no large table and has one."""
        kind = type(value)
        if kind in _CONTAINERS:
            taken = print_of(value) if len(value) <= _TABLE else None
        elif issubclass(kind, type):
            if not _is_told(kind) or namespace_of(value).get("__module__") != module:
                return
            if kind is ABCMeta and not _tells_of_heirs(module, value):
                return
            taken = self._try(kind, print_of_class, value)
            for base in value.__mro__[1:-1]:  # what an heir changes may be theirs
                known = self._prints.get(module, {})
                if type(base) not in (type, ABCMeta) or namespace_of(base).get("__module__") != module:
                    continue
                if _name(base) not in known:
                    self._keep(module, _name(base), base, self._try(type, print_of_class, base))
        elif issubclass(kind, _PRINTLESS) or namespace_of(kind).get("__module__") in _ELSEWHERE:
            return
        else:
            taken = self._try(kind, print_of, value)
        self._keep(module, name, value, taken)

    def _keep(self, module: str, name: str, value: Any, taken: Print | None) -> None:
        if taken is None:
            return
        number = identity(value)
        if module in self._prints:
            self._prints[module][name] = taken
            self._identities[module][name] = number
        else:
            self._prints[module], self._identities[module] = {name: taken}, {name: number}
        self._owners[number] = module

    def _try(self, kind: type, take: Callable[[Any], Print | None], value: Any) -> Print | None:
        tries = self._too_large.get(kind, 0)
        taken = take(value) if tries < _TRIES else None
        if tries < _TRIES and (taken is None or tries):
            self._too_large[kind] = tries + 1 if taken is None else 0
        return taken

    def forget(self, module: str) -> None:
        """Nothing is known of it any more."""
        self._prints.pop(module, None)
        for number in self._identities.pop(module, {}).values():
            self._owners.pop(number, None)

    def is_as_left(self, module: str, name: str, value: object) -> bool:
        """Whether a module's name holds what it held when the module had been executed, and that has not changed."""
        known = self._prints.get(module, {}).get(name)
        if known is None or self._identities[module][name] != identity(value):
            return False
        return _are_equal(known, print_of_class(value) if issubclass(type(value), type) else print_of(value))

    def copy(self) -> Settled:
        """What is known now."""
        other = Settled()
        other._prints = dict(self._prints)
        other._identities = dict(self._identities)
        other._owners = dict(self._owners)
        other._too_large = self._too_large
        return other


Print = int | tuple[Any, ...]
"""Of a container of plain values a print is these values."""


def print_of(value: Any) -> Print | None:
    """The print of an object; None if it is too large to have one, or cannot be looked into."""
    kind = type(value)
    try:
        if kind is dict or kind is list or kind is tuple:
            inside = (*value, *value.values()) if kind is dict else tuple(value)
            return inside if _VALUES.issuperset(map(type, inside)) else _print_of(value)
        return _print_of(value)
    except Exception:  # noqa: BLE001 - no import fails because of what we cannot look into
        return None


_name: Any = type.__dict__["__name__"].__get__


def print_of_class(cls: Any) -> Print | None:
    """The print of what a class holds by itself, and of who is registered with it; its bases have their own."""
    try:
        held = dict(namespace_of(cls))
        return _print_of([*held, *held.values(), *_registered(cls)] if type(cls) is ABCMeta else held)
    except Exception:  # noqa: BLE001 - see `print_of`
        return None


def _registered(cls: type) -> list[int]:
    """The classes that are registered with an abstract one, in some order that stays the same."""
    return sorted(identity(one) for known in _get_dump(cls)[0] if (one := known()) is not None)


def _is_told(kind: type) -> bool:
    """Whether classes of a kind may be changed as their heirs are made, and it is seen if they are."""
    return kind is ABCMeta or not issubclass(kind, ABCMeta | EnumType)


def _tells_of_heirs(module: str, cls: type) -> bool:
    """Whether a class of a module, or a base of it, is told of heirs by a hook."""
    if namespace_of(cls).get("__module__") != module:
        return False
    for one in cls.__mro__:
        if "__init_subclass__" in namespace_of(one):
            return one is not object
    return False


def _are_equal(one: Print, other: Print | None) -> bool:
    if type(one) is not tuple or type(other) is not tuple:
        return type(one) is type(other) and one == other
    return len(one) == len(other) and all(
        a is b or (type(a) is type(b) and a == b) for a, b in zip(one, other, strict=True)
    )


def _print_of(value: object) -> int | None:
    layouts: dict[type, _Layout | None] = {}
    if _look_up(type(value), layouts) is None:
        return None
    waiting, seen, parts, left = [value], {identity(value)}, [], _LIMIT
    for thing in waiting:
        inside = _inside(thing, layouts)
        left -= len(inside)
        if left < 0:
            return None
        parts.append(len(inside))
        for inner in inside:
            kind = type(inner)
            if kind is str:
                parts.append(hash(inner))
                continue
            if kind in _VALUES:
                parts.append(hash((kind, inner)))
                continue
            number = identity(inner)
            parts.append(number)
            if number not in seen and kind not in _CONSTANT:
                seen.add(number)
                if _look_up(kind, layouts) is not None:
                    waiting.append(inner)
                elif not issubclass(kind, _CLOSED) and _moves(kind):
                    return None
    return hash(tuple(parts))


def _look_up(kind: type, layouts: dict[type, _Layout | None]) -> _Layout | None:
    """How instances of a type are looked into; None if they are not. `layouts` is what has been looked up lately."""
    try:
        return layouts[kind]
    except KeyError:
        known = layouts[kind] = None if issubclass(kind, _CLOSED) else _layout(kind)
        return known


def _inside(thing: Any, layouts: dict[type, _Layout | None]) -> list[Any]:
    """What an object holds."""
    kind = type(thing)
    if kind is list:
        return list(thing)
    if kind is dict:
        return [*thing, *thing.values()]
    plain, holder, slots = layouts[kind] or _NOTHING
    found: list[Any] = []
    if plain is dict:
        found = [*dict.keys(thing), *dict.values(thing)]
    elif plain is not None:
        found = list(plain.__iter__(thing))
    names = holder.__get__(thing) if holder is not None else None
    if type(names) is dict:
        found += [*names.keys(), *names.values()]
    for slot in slots:
        try:
            found.append(slot.__get__(thing))
        except AttributeError:
            found.append(None)
    return found


def _moves(kind: type) -> bool:
    """Whether instances hold what cannot be seen and changes as they are used."""
    return hasattr(kind, "__next__") or issubclass(kind, bytearray)


_Layout = tuple[Any, Any, tuple[Any, ...]]
"""The builtin container that a type is, what gives the `__dict__` of an instance, and its slots."""
_NOTHING: _Layout = (None, None, ())
_UNKNOWN = object()
_layouts: WeakKeyDictionary[type, _Layout | None] = WeakKeyDictionary()


def _layout(kind: type) -> _Layout | None:
    """Where instances keep what they hold; None if that cannot be seen."""
    known = _layouts.get(kind, _UNKNOWN)
    if known is not _UNKNOWN:
        return known  # type: ignore[return-value]
    plain = next((one for one in (dict, *_PLAIN) if issubclass(kind, one)), None)
    slots = tuple(slot for layer in kind.__mro__ for slot in slots_of(layer))
    found: _Layout = (plain, dict_getter(kind), slots)
    made = None if found == _NOTHING else found
    if not any(getter is not None and getter.__objclass__ is kind for getter in (found[1], *slots)):
        _layouts[kind] = made  # else it would hold its own key, and with it a class that is long gone
    return made
