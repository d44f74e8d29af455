"""What the objects of a module held when it had been executed: who ran later and left them so has changed nothing.

A print of an object is a number made of all that can be reached from it through containers and instances.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from enum import Enum
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodType,
    ModuleType,
)
from typing import Any
from weakref import WeakKeyDictionary

from pepperpy_reload.importing.layout import dict_getter, slots_of

_VALUES: frozenset[type] = frozenset({int, float, complex, str, bytes, bool, type(None)})
_CLOSED: tuple[type, ...] = (*_VALUES, type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, CodeType)
_CONSTANT = frozenset(_CLOSED)
_DUNDER = frozenset({"__builtins__", "__loader__", "__path__", "__spec__"})  # no print is taken of these
_PLAIN: tuple[Any, ...] = (list, tuple, set, frozenset, deque)
_TABLE = 256
_LIMIT = 4000  # objects looked at for one name: of what is larger nothing is known


class Settled:
    """By module and name: the identity and the print of each object that may change."""

    def __init__(self) -> None:
        self._prints: dict[str, dict[str, tuple[int, int]]] = {}

    def settle(self, module: str, namespace: Mapping[str, Any], elsewhere: Iterable[str]) -> None:
        """A module has been executed; what it has from the modules `elsewhere` is theirs."""
        open_ones = {name: value for name, value in list(namespace.items()) if type(value) not in _CONSTANT}
        self._prints[module] = {}
        if not open_ones.keys() <= _DUNDER:
            theirs = {number for name in elsewhere for number, _ in self._prints.get(name, {}).values()}
            self.settle_again(module, {name: one for name, one in open_ones.items() if id(one) not in theirs})

    def settle_again(self, module: str, values: Mapping[str, Any]) -> None:
        """Names of it have been bound again."""
        found = self._prints[module] = dict(self._prints.get(module, {}))
        for name, value in values.items():
            found.pop(name, None)
            if not name.startswith("__") and _is_worth_it(value):
                number = print_of(value)
                if number is not None:
                    found[name] = (id(value), number)

    def forget(self, module: str) -> None:
        """Nothing is known of it any more."""
        self._prints.pop(module, None)

    def is_as_left(self, module: str, name: str, value: object) -> bool:
        """Whether a module's name holds what it held when the module had been executed, and that has not changed."""
        known = self._prints.get(module, {}).get(name)
        return known is not None and known[0] == id(value) and known[1] == print_of(value)

    def copy(self) -> Settled:
        """What is known now."""
        other = Settled()
        other._prints = dict(self._prints)
        return other


def _is_worth_it(value: object) -> bool:
    """Whether an object may change, and is no large table."""
    kind = type(value)
    if issubclass(kind, (*_CLOSED, Enum)) or kind.__module__ == "typing":
        return False
    return not (kind in (dict, *_PLAIN) and len(value) > _TABLE)  # type: ignore[arg-type]


def print_of(value: object) -> int | None:
    """The print of an object; None if it is too large to have one, or cannot be looked into."""
    try:
        return _print_of(value)
    except Exception:  # noqa: BLE001 - no import fails because of what we cannot look into
        return None


def _print_of(value: object) -> int | None:
    waiting, seen, parts, left = deque([value]), {id(value)}, [], _LIMIT
    while waiting:
        inside = _inside(waiting.popleft())
        left -= len(inside) if inside is not None else left + 1
        if inside is None or left < 0:
            return None
        parts.append(len(inside))
        for inner in inside:
            kind = type(inner)
            parts.append(hash((kind, inner)) if kind in _VALUES else id(inner))
            if kind not in _VALUES and id(inner) not in seen:
                seen.add(id(inner))
                if not issubclass(kind, _CLOSED) and (_is_open(kind) or _moves(kind)):
                    waiting.append(inner)
    return hash(tuple(parts))


def _inside(thing: Any) -> list[Any] | None:
    """What an object holds; None if that cannot be seen."""
    kind = type(thing)
    if not _is_open(kind):
        return None
    found: list[Any] = []
    if issubclass(kind, dict):
        found = [*dict.keys(thing), *dict.values(thing)]
    elif issubclass(kind, _PLAIN):
        plain = next(one for one in _PLAIN if issubclass(kind, one))
        found = list(plain.__iter__(thing))
    holder, slots = _layout(kind)
    names = holder.__get__(thing) if holder is not None else None
    if type(names) is dict:
        found += [*names.keys(), *names.values()]
    for slot in slots:
        try:
            found.append(slot.__get__(thing))
        except AttributeError:
            found.append(None)
    return found


def _is_open(kind: type) -> bool:
    """Whether all that an instance holds can be seen."""
    holder, slots = _layout(kind)
    return holder is not None or bool(slots) or issubclass(kind, (dict, *_PLAIN))


def _moves(kind: type) -> bool:
    """Whether instances hold what cannot be seen and changes as they are used."""
    return hasattr(kind, "__next__") or issubclass(kind, bytearray)


_layouts: WeakKeyDictionary[type, tuple[Any, tuple[Any, ...]]] = WeakKeyDictionary()


def _layout(kind: type) -> tuple[Any, tuple[Any, ...]]:
    """Where instances keep their `__dict__`, and their slots."""
    known = _layouts.get(kind)
    if known is None:
        slots = [slot for layer in kind.__mro__ for slot in slots_of(layer)]
        known = _layouts[kind] = (dict_getter(kind), tuple(slots))
    return known
