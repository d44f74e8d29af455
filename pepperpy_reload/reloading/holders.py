"""Who holds what: the names of first-party modules by the objects that they lead to."""

from __future__ import annotations

import functools
import gc
import re
import sys
import types
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from enum import Enum
from itertools import islice
from types import BuiltinFunctionType, FunctionType, MethodType, MethodWrapperType, ModuleType
from typing import Any
from weakref import ReferenceType

from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.world import Cell
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.layout import dict_getter, held_in, is_slot, slots_of
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.holdings import is_plain_logger
from pepperpy_reload.reloading.looking import instance_dict, is_a

_ATOMS = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis), range, slice, ModuleType)
_FIXED = (
    *_ATOMS, tuple, frozenset, type, FunctionType, BuiltinFunctionType, MethodType, MethodWrapperType, property,
    staticmethod, classmethod, functools.partial, re.Pattern, Enum, ReferenceType, types.GenericAlias, types.UnionType,
    types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType,
    types.GetSetDescriptorType, types.MemberDescriptorType,
)  # fmt: skip
_NEVER = (*_ATOMS, re.Pattern, type, BuiltinFunctionType)
"""What holds nothing that could change."""
_ATOM_IDS = frozenset(map(identity, _ATOMS))  # to hash a type may run code of its metaclass
_DEPTH = 3
_CONTAINERS = (dict, list, tuple, set, frozenset, deque)
_FEW = 100  # of what a container holds
_MANY = 2000  # objects inside of another one; the rest is left out
_LIMIT = 100_000  # objects looked at: beyond, a reload would be felt; the rest is left out


class Holders:
    """An index of what the names of all first-party modules hold now, made at once."""

    def __init__(self) -> None:
        self._direct: dict[int, list[Cell]] = {}
        self._around: dict[int, list[Cell]] = {}
        self._functions: dict[CodeKey, list[Cell]] = {}
        self._kinds: dict[int, tuple[bool, Callable[[Any], Iterable[object]]]] = {}
        """Of a type, by its id: whether its objects can change, and how what they hold is looked at."""
        self._own: dict[str, bool] = {}
        """Which files are first-party."""
        self._left = _LIMIT
        seen: set[int] = set()
        for module in recorder.modules:
            for name, value in list(getattr(sys.modules.get(module), "__dict__", {}).items()):
                if identity(type(value)) in _ATOM_IDS or is_a(value, ModuleType) or name.startswith("__"):
                    continue
                cell = Cell(module, name)
                if can_change(value):
                    self._direct.setdefault(identity(value), []).append(cell)
                if identity(value) not in seen:
                    seen.add(identity(value))
                    self._look_into(cell, value)

    def of(self, things: Iterable[object]) -> tuple[set[Cell], set[Cell]]:
        """The cells whose values these objects are, and those that hold them inside."""
        direct: set[Cell] = set()
        around: set[Cell] = set()
        for thing in things:
            direct.update(self._direct.get(identity(thing), ()))
            around.update(self._around.get(identity(thing), ()))
        return direct, around

    def of_function(self, key: CodeKey) -> list[Cell]:
        """The cells that lead to a function whose calls may leave something for the next one."""
        return self._functions.get(key, [])

    def _look_into(self, cell: Cell, value: object) -> None:
        level, seen = [value], {identity(value)}
        for depth in range(_DEPTH + 1):
            below: list[object] = []
            for thing in level:
                kind = type(thing)
                known = self._kinds.get(identity(kind))
                if known is None:
                    perhaps = kind not in (tuple, frozenset) and issubclass(kind, (tuple, frozenset))
                    known = self._kinds[identity(kind)] = perhaps or can_change(thing), _looker(kind)
                if kind is FunctionType:
                    self._note_function(cell, thing)  # type: ignore[arg-type]
                elif depth and known[0]:
                    self._around.setdefault(identity(thing), []).append(cell)
                for inner in known[1](thing) if depth < _DEPTH else ():
                    if identity(type(inner)) not in _ATOM_IDS and identity(inner) not in seen:
                        seen.add(identity(inner))
                        below.append(inner)
            self._left -= len(below)
            if self._left < 0:
                return
            level = below

    def _note_function(self, cell: Cell, function: FunctionType) -> None:
        code = function.__code__
        is_own = self._own.get(code.co_filename)
        if is_own is None:
            is_own = self._own[code.co_filename] = code.co_filename in recorder.roots
        if is_own and _may_keep(function):
            self._functions.setdefault(CodeKey.of(code), []).append(cell)


def parts_of(value: object, names: Collection[str]) -> Iterator[object]:
    """What an object has as attributes of these names and may change, also of objects inside of it; with what that
    holds itself: a table of lists is changed by what is put into one of them."""
    level, seen = [value], {identity(value)}
    for depth in range(_DEPTH + 1):
        below: list[object] = []
        for thing in level:
            if is_a(thing, (ModuleType, FunctionType)) or (depth and is_a(thing, type)):
                continue
            for part in (inner for name, inner in _attributes(thing) if name in names):
                things = (part, *islice(_looker(type(part))(part) if type(part) in _CONTAINERS else (), _FEW))
                yield from (one for one in things if can_change(one) and not is_a(one, type))
            for inner in _looker(type(thing))(thing) if depth < _DEPTH else ():
                if identity(type(inner)) not in _ATOM_IDS and identity(inner) not in seen and len(seen) < _MANY:
                    seen.add(identity(inner))
                    below.append(inner)
        level = below


def _attributes(thing: object) -> Iterator[tuple[str, object]]:
    """The attributes of an object or a class: no code of anybody's is asked."""
    if is_a(thing, type):
        yield from list(vars(thing).items())
        return
    yield from list(instance_dict(thing).items())
    for member in (one for kind in type(thing).__mro__ for one in slots_of(kind)):
        with suppress(AttributeError):  # not set
            yield member.__name__, member.__get__(thing)


def can_change(thing: object) -> bool:
    """Whether an object may hold something else later on."""
    if is_a(thing, _FIXED):
        return has_attributes(thing)
    kind = type(thing)
    if kind.__basicsize__ == object.__basicsize__ and not (kind.__itemsize__ or kind.__dictoffset__):
        return False  # there is no room for anything in it: `object()`, what stands for "nothing given"
    home = kind.__module__
    return home not in ("typing", "operator") and not (home == "logging" and is_plain_logger(thing))


def has_attributes(thing: object) -> bool:
    """Whether a tuple or frozenset of a class of its own has attributes as well: these can be set."""
    return is_a(thing, (tuple, frozenset)) and bool(instance_dict(thing))


def _may_keep(function: FunctionType) -> bool:
    """Whether a function has what its calls may change: variables of its own, attributes, default values."""
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    return bool(function.__closure__ or function.__dict__) or not all(is_a(item, _NEVER) for item in defaults)


def led_to(value: Any, rest: Chain) -> list[Any]:
    """What a chain of attributes and items leads to: several objects where it says any item."""
    found = [value]
    for step in rest:
        found = [inner for one in found for inner in _step(one, step)]
    return found


def changed_with(value: Any, *, called: bool, depth: int = 2) -> Iterator[object]:
    """The objects that may change when a value is passed about, or called."""
    if called:
        yield from _kept_by(value)
    elif is_a(value, (tuple, frozenset)):
        for inner in (tuple if is_a(value, tuple) else frozenset).__iter__(value) if depth else ():
            yield from changed_with(inner, called=False, depth=depth - 1)
        if has_attributes(value):
            yield value
    elif is_a(value, functools.partial) or is_a(value, (MethodType, BuiltinFunctionType, MethodWrapperType)):
        yield from _kept_by(value)
    elif can_change(value):
        yield value


def _kept_by(value: Any) -> Iterator[object]:
    """What calling a value may change, apart from what it is given."""
    if is_a(value, functools.partial):
        yield from _kept_by(value.func)
        for inner in (*value.args, *value.keywords.values()):
            yield from changed_with(inner, called=False)
    elif is_a(value, (MethodType, BuiltinFunctionType, MethodWrapperType)):
        owner = value.__self__
        if can_change(owner) and not is_a(owner, ModuleType):
            yield owner
    elif is_a(value, FunctionType):
        if value.__code__.co_filename not in recorder.roots:  # what the project's own do is known by what they have run
            yield from (inner for cell in value.__closure__ or () if can_change(inner := held_in(cell)))
    elif can_change(value) and type(value).__module__ not in ("functools", "builtins") and instance_dict(value):
        yield value


def _step(value: Any, step: str) -> list[Any]:
    if step.startswith("["):
        return _items(value, step[1:-1])
    if is_a(value, type):
        return [vars(kind)[step] for kind in value.__mro__ if step in vars(kind)][:1]
    inside = vars(value) if is_a(value, ModuleType) else instance_dict(value)
    if step in inside:
        return [inside[step]]
    if is_a(value, tuple) and step in (names := getattr(type(value), "_fields", ())):
        return [tuple.__getitem__(value, list(names).index(step))]
    shared = [vars(kind)[step] for kind in type(value).__mro__ if step in vars(kind)][:1]
    return [one for one in shared if not hasattr(type(one), "__get__")]


def is_marked(value: Any, names: Collection[str]) -> bool:
    """Whether something has one of these attributes by itself (`*`: any; none: whether it may have some)."""
    if not names:
        return type(value).__dictoffset__ != 0
    held = vars(value) if is_a(value, (FunctionType, type)) else instance_dict(value)
    return bool(held) if "*" in names else any(name in held and not is_slot(value, held[name]) for name in names)


def contained(value: Any) -> list[Any]:
    """The first items of a container of Python's own, and the keys of a table."""
    kind = type(value)
    things = [*value, *value.values()] if kind is dict else list(value) if kind in _CONTAINERS else []
    return things[:_FEW]


def _items(value: Any, key: str) -> list[Any]:
    """The items of a container, or the one that a key says."""
    if is_a(value, dict):
        items = {repr(name) if type(name) in (int, str) else "": item for name, item in dict.items(value)}
        return [items[key]] if key in items else list(items.values())
    if is_a(value, (list, tuple)):
        plain = list((list if is_a(value, list) else tuple).__iter__(value))
        index = int(key) if key.lstrip("-").isdigit() else None
        return [plain[index]] if index is not None and -len(plain) <= index < len(plain) else plain
    return list(value) if type(value) in (set, frozenset, deque) else []


def inside_of(thing: object) -> Iterable[object]:
    """What an object holds by itself."""
    return _looker(type(thing))(thing)


def _looker(kind: type) -> Callable[[Any], Iterable[object]]:
    """How to look at what objects of a type hold."""
    if kind in (list, tuple, set, frozenset, deque):
        return list
    if kind is dict:
        return lambda thing: list(thing.values())
    if kind is FunctionType:
        return _of_function
    if issubclass(kind, type):
        return lambda thing: list(vars(thing).values()) if thing.__module__ in recorder.importers else ()
    own, getter = _looker_of_its_own(kind), dict_getter(kind)

    def look(thing: Any) -> Iterable[object]:
        inside = getter.__get__(thing) if getter is not None else None
        found = own(thing) if own is not None else []
        return [*found, *inside.values()] if type(inside) is dict else found

    return look


def _of_function(function: FunctionType) -> list[object]:
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # an empty cell
            continue
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return [*cells, *defaults, *function.__dict__.values()]


def _looker_of_its_own(kind: type) -> Callable[[Any], list[object]] | None:
    """The same for what they hold apart from their `__dict__`."""
    if issubclass(kind, functools.partial):
        return lambda thing: [thing.func, *thing.args, *thing.keywords.values()]
    if issubclass(kind, MethodType):
        return lambda thing: [thing.__func__, thing.__self__]
    if issubclass(kind, (staticmethod, classmethod)):
        return lambda thing: [thing.__func__]
    if issubclass(kind, property):
        return lambda thing: [thing.fget, thing.fset, thing.fdel]
    if issubclass(kind, (list, tuple)):
        base = list if issubclass(kind, list) else tuple
        return lambda thing: list(base.__iter__(thing))
    if issubclass(kind, dict):
        return lambda thing: list(dict.values(thing))
    if kind.__module__ == "functools":  # a cache is asked by the collector's way for what it keeps
        return lambda thing: [getattr(thing, "__wrapped__", None), *gc.get_referents(thing)]
    return None
