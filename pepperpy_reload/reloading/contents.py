"""What objects held at a moment, for the way back: every container, instance and class that can be reached."""

from __future__ import annotations

import gc
import sys
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter, is_
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FrameType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    ModuleType,
    TracebackType,
)
from typing import Any

from pepperpy_reload.core.identity import identity
from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.importing.layout import dict_getter, namespace_of, slots_of
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.classslots import deleter_of, setter_of
from pepperpy_reload.reloading.collection import collecting_later
from pepperpy_reload.reloading.looking import is_a
from pepperpy_reload.reloading.stroke import at_one_stroke

LIMIT = 1_000_000
"""Objects that are copied, numbers and texts aside: beyond, a new process is there sooner."""
_ATOMS = frozenset(
    {int, float, complex, str, bytes, bool, type(None), type(Ellipsis), range, slice, ModuleType, CodeType, FrameType}
    | {TracebackType, BuiltinFunctionType, memoryview}
)
_APART = frozenset(
    "_asyncio _contextvars _queue _socket _thread asyncio concurrent contextvars multiprocessing pepperpy_reload queue "
    "sched selectors socket socketserver ssl subprocess threading".split()
)
"""Homes of what runs beside a reload and goes on during it: putting that back would lose what others have done."""
_OF_FUNCTIONS = ("__name__", "__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__")
_definition = attrgetter(*_OF_FUNCTIONS)
NOTHING = object()

Shape = tuple[GetSetDescriptorType | None, tuple[tuple[MemberDescriptorType, bool], ...], type | None]
"""Of a class: where its instances have their `__dict__`, their parts (those of `__slots__` can be set), and the
container that they are."""


class Contents:
    """What can be reached from `starts` and can be changed, as it is now; no code of the user's runs.

    Of the classes only those count that `is_ours` says so of. Raises RestartNeeded if it is more than can be copied in
    the time that a restart takes: nothing may run then that might have to be taken back.
    """

    def __init__(self, starts: Iterable[object], is_ours: Callable[[type], bool]) -> None:
        self.is_ours = is_ours
        self.starts = [*starts]
        self._shapes: dict[type, Shape] = {}
        self._own: dict[str, bool] = {}
        """Which files are first-party."""
        self.taken: list[tuple[Any, Any]] = []
        self.cells: list[tuple[CellType, Any]] = []
        self.slots: list[tuple[Any, MemberDescriptorType, Any]] = []
        self.functions: list[tuple[FunctionType, tuple[Any, ...]]] = []
        self.instances: dict[type, list[Any]] = {}
        modules = (sys.modules.get(name) for name in recorder.modules)
        self.spaces = {identity(vars(module)) for module in modules if isinstance(module, ModuleType)}
        with collecting_later():
            self._visit(self.starts)

    def restore(self) -> None:
        """Put back what has changed since, in place."""
        for thing, copy in self.taken:
            if not same(thing, copy):
                refill(thing, copy)
        for function, values in self.functions:
            for name, value in zip(_OF_FUNCTIONS, values, strict=True):
                if getattr(function, name) is not value:
                    setattr(function, name, value)
        for cell, held in self.cells:
            if _held(cell) is not held:
                _fill(cell, held)
        for thing, member, value in self.slots:
            if slot_value(thing, member) is not value:
                member.__delete__(thing) if value is NOTHING else member.__set__(thing, value)

    def _visit(self, starts: Iterable[object]) -> None:
        waiting = worth([*starts])
        seen: set[int] = set()
        while waiting:
            thing = waiting.pop()
            key, kind = identity(thing), type(thing)
            if key in seen:
                continue
            seen.add(key)
            if len(seen) > LIMIT:
                raise RestartNeeded(
                    f"the modules hold more than {LIMIT:,} objects, too many to be put back if it failed"
                )
            if kind is FunctionType:
                found: Iterable[Any] = self._take_function(thing)
            elif kind is dict or kind is list:
                copy = thing.copy()
                self.taken.append((thing, copy))
                found = copy if kind is list else copy.values()
            elif kind is tuple or kind is frozenset:
                found = thing
            else:
                found = self._take(thing, kind)
            if found:
                waiting.extend(worth(found))

    def _take(self, thing: Any, kind: type) -> list[Any]:
        """Copy one object's contents; what it holds, to be visited as well."""
        if issubclass(kind, type):
            return self._take_class(thing)
        if kind is MappingProxyType:
            return list(gc.get_referents(thing))
        return self._take_instance(thing, kind)

    def _take_class(self, cls: type) -> list[Any]:
        if not self.is_ours(cls):
            return []
        members = dict(namespace_of(cls))
        self.taken.append((cls, members))
        return list(members.values())

    def _take_instance(self, thing: Any, kind: type) -> list[Any]:
        getter, members, container = self._shape(kind)
        found: list[Any] = []
        self.instances.setdefault(kind, []).append(thing)
        if container is not None:
            copy = _COPY[container](thing)
            self.taken.append((thing, copy))
            if container not in (bytearray, array):
                found.extend(copy.values() if isinstance(copy, dict) else copy)
        elif issubclass(kind, tuple):
            found.extend(tuple.__iter__(thing))
        inside = getter.__get__(thing) if getter is not None else None
        if type(inside) is dict:
            self.taken.append((inside, inside.copy()))
            found.extend(inside.values())
        for member, settable in members:
            value = slot_value(thing, member)
            if settable:
                self.slots.append((thing, member, value))
            found.append(value)
        return found

    def _shape(self, kind: type) -> Shape:
        known = self._shapes.get(kind)
        if known is None:
            known = self._shapes[kind] = _shape_of(kind)
        return known

    def _take_function(self, function: FunctionType) -> list[Any]:
        """A function; one of a library's is what a decorator has made, and holds what it was given."""
        closure = function.__closure__
        is_own = identity(function.__globals__) in self.spaces  # asking for its code is seen by every audit hook
        if not is_own:
            file = function.__code__.co_filename
            known_file = self._own.get(file)
            is_own = self._own[file] = file in recorder.roots if known_file is None else known_file
        if is_own:
            known = _definition(function)
            self.functions.append((function, known))
            found: list[Any] = [*(known[-2] or ()), *(known[-1] or {}).values()]
        elif str(function.__module__).partition(".")[0] == "pepperpy_reload":
            return []
        else:
            found = list(function.__defaults__ or ())
        if is_own or closure:
            self.taken.append((function.__dict__, function.__dict__.copy()))
            found.extend(function.__dict__.values())
        for cell in closure or ():
            held = _held(cell)
            self.cells.append((cell, held))
            found.append(held)
        return found


def _shape_of(kind: type) -> Shape:
    home = kind.__module__
    if isinstance(home, str) and home.partition(".")[0] in _APART:
        return None, (), None
    members = [(item, "__slots__" in namespace_of(base)) for base in kind.__mro__ for item in slots_of(base)]
    return dict_getter(kind), tuple(members), next((base for base in _COPY if issubclass(kind, base)), None)


def worth(things: Iterable[Any]) -> list[Any]:
    """Those that hold something."""
    return [thing for thing in things if type(thing) not in _ATOMS]


_COPY: dict[type, Callable[[Any], Any]] = {
    OrderedDict: lambda thing: dict(OrderedDict.items(thing)),
    dict: dict.copy,
    list: list.copy,
    set: frozenset,
    deque: lambda thing: list(deque.__iter__(thing)),
    bytearray: bytes,
    array: lambda thing: array.__getitem__(thing, slice(None)),
}
"""The containers, those that are a special sort of another before it; a copy is made past what a subclass overrides."""
COPIED = tuple(_COPY)


def same(thing: Any, copy: Any) -> bool:
    """Whether the contents are the very same objects, in the same order."""
    if is_a(thing, type):
        thing = namespace_of(thing)
        return len(thing) == len(copy) and _all_same(thing.items(), copy.items())
    if is_a(thing, dict):
        base = OrderedDict if is_a(thing, OrderedDict) else dict
        return dict.__len__(thing) == len(copy) and _all_same(base.items(thing), copy.items())
    if is_a(thing, list):
        return list.__len__(thing) == len(copy) and all(map(is_, list.__iter__(thing), copy))
    if is_a(thing, set):
        return set.__len__(thing) == len(copy) and set(map(identity, set.__iter__(thing))) == set(map(identity, copy))
    if is_a(thing, deque):
        return deque.__len__(thing) == len(copy) and all(map(is_, deque.__iter__(thing), copy))
    return bytes(thing) == bytes(copy)


def _all_same(items: Iterable[tuple[Any, Any]], others: Iterable[tuple[Any, Any]]) -> bool:
    return all(one[0] is other[0] and one[1] is other[1] for one, other in zip(items, others, strict=True))


def refill(thing: Any, copy: Any) -> None:
    """Have an object hold what a copy of it holds. What is there stays until it is replaced: nobody misses a name."""
    if is_a(thing, type):
        _refill_class(thing, copy)
    elif is_a(thing, OrderedDict):
        put = (partial(OrderedDict.__setitem__, thing, key, value) for key, value in copy.items())
        at_one_stroke([partial(OrderedDict.clear, thing), *put])
    elif is_a(thing, dict):
        _refill_dict(thing, copy)
    elif is_a(thing, list):
        list.__setitem__(thing, slice(None), copy)
    elif is_a(thing, set):
        at_one_stroke([partial(set.clear, thing), partial(set.update, thing, copy)])
    elif is_a(thing, deque):
        at_one_stroke([partial(deque.clear, thing), partial(deque.extend, thing, copy)])
    else:
        (bytearray if is_a(thing, bytearray) else array).__setitem__(thing, slice(None), copy)


def _refill_dict(table: dict[Any, Any], copy: dict[Any, Any]) -> None:
    for key, value in copy.items():
        dict.__setitem__(table, key, value)
    for key in [key for key in dict.keys(table) if key not in copy]:
        dict.__delitem__(table, key)
    if not all(map(is_, dict.keys(table), copy.keys())):
        at_one_stroke([partial(dict.clear, table), partial(dict.update, table, copy)])


def _refill_class(cls: type, copy: dict[str, Any]) -> None:
    for name in [name for name in vars(cls) if name not in copy]:
        deleter_of(cls)(cls, name)
    for name, value in copy.items():
        if vars(cls).get(name, copy) is not value and name not in ("__dict__", "__weakref__"):
            setter_of(cls)(cls, name, value)
    if list(vars(cls)) != list(copy):
        _reorder_class(cls, copy)


def _reorder_class(cls: type, copy: dict[str, Any]) -> None:
    """Have the same members again in their order; what Python has looked up of them goes on to hold."""
    inside = next((one for one in gc.get_referents(vars(cls)) if type(one) is dict), None)
    if inside is not None and inside.keys() == copy.keys():
        members = {name: inside[name] for name in copy}
        at_one_stroke([partial(dict.clear, inside), partial(dict.update, inside, members)])


def _held(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # an empty cell
        return NOTHING


def _fill(cell: CellType, held: Any) -> None:
    if held is NOTHING:
        del cell.cell_contents
    else:
        cell.cell_contents = held


def slot_value(thing: Any, member: MemberDescriptorType) -> Any:
    """What a slot holds; NOTHING if it is not set."""
    try:
        return member.__get__(thing)
    except AttributeError:  # not set
        return NOTHING
