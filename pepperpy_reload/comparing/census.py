"""Which objects can be reached from a process's own modules, and what each of them holds: the very objects.

A portrait says what a process is like, and can be compared with that of another process. A census says whether one
process is, object by object, what it was: after a reload that failed it has to be.
"""

from __future__ import annotations

import gc
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import Any

from pepperpy_reload.comparing.portrait import is_own_module, own_modules
from pepperpy_reload.comparing.values import ATOMS, home_of
from pepperpy_reload.importing.layout import namespace_of
from pepperpy_reload.reloading.looking import instance_dict

_CLOSED: tuple[type, ...] = (
    *(types.CodeType, types.FrameType, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType),
    *(types.BuiltinFunctionType, types.MappingProxyType, type(lru_cache(lambda: None))),
)
"""What holds what a process has done meanwhile, or nothing that an assignment could change."""
_CLOSED_HOMES = frozenset("_abc _thread threading logging _io io asyncio _asyncio weakref _weakref typing re".split())
_ON_THE_WAY = frozenset({"__warningregistry__", "__builtins__"})
"""Names that Python itself binds in a namespace."""


class Census:
    """What this process's own modules (whose files are `own`) lead to, at the moment when it is taken."""

    def __init__(self, own: Callable[[str], bool]) -> None:
        gc.collect()
        self._own = own
        self._modules = own_modules(own)
        self.table = list(sys.modules.items())
        self.held: dict[int, tuple[str, Any, tuple[Any, ...]]] = {}
        """By address: the way to an object, itself (so that the address stays its own), and what it holds."""
        self._walk()

    def difference(self, later: Census) -> str:
        """The first thing that is other in a later census of the same process, in words; "" if nothing is."""
        if [name for name, _ in self.table] != [name for name, _ in later.table]:
            return f"sys.modules: {_told([n for n, _ in self.table], [n for n, _ in later.table])}"
        for (name, module), (_, other) in zip(self.table, later.table, strict=True):
            if module is not other:
                return f"sys.modules: {name} is another module"
        for address, (path, thing, items) in self.held.items():
            found = later.held.get(address)
            if found is None:
                return f"{path}: this {type(thing).__name__} is no longer reached"
            if not _are_same(items, found[2]):
                return f"{path}: {type(thing).__name__} holds something else: {_told(items, found[2])}"
        return ""

    def _walk(self) -> None:
        waiting: deque[tuple[str, Any]] = deque()
        for name, module in self._modules.items():
            self.held[id(module)] = (name, module, (type(module), vars(module)))
            waiting.append((name, vars(module)))
        while waiting:
            path, thing = waiting.popleft()
            if id(thing) in self.held or self._is_closed(thing):
                continue
            items = tuple(self._items(thing))
            self.held[id(thing)] = (path, thing, tuple(item for _, item in items))
            waiting.extend((f"{path}{label}", item) for label, item in items)

    def _is_closed(self, thing: Any) -> bool:
        kind = type(thing)
        if kind in ATOMS or issubclass(kind, _CLOSED) or home_of(kind).partition(".")[0] in _CLOSED_HOMES:
            return True
        if issubclass(kind, ModuleType):
            return not is_own_module(thing, self._own)
        if issubclass(kind, type):
            return home_of(thing) not in self._modules
        return kind is FunctionType and not self._own(thing.__code__.co_filename)

    def _items(self, thing: Any) -> Iterable[tuple[str, Any]]:
        """What an object holds, each with a label for people; an empty dict that Python makes when asked is nothing."""
        kind = type(thing)
        if issubclass(kind, dict):
            for key, value in list(dict.items(thing)):
                if key not in _ON_THE_WAY if type(key) is str else True:
                    yield f"[key {key!r:.40}]" if type(key) in ATOMS else "[a key]", key
                    yield f"[{key!r:.40}]" if type(key) in ATOMS else "[]", value
        if issubclass(kind, type):
            yield "", type(thing)
            yield from ((f".{name}", item) for name, item in list(namespace_of(thing).items()))
            yield from ((".__bases__", base) for base in thing.__bases__)
            return
        if issubclass(kind, set | frozenset):
            yield from sorted((("{}", item) for item in list(set.union(set(), thing))), key=lambda one: id(one[1]))
        inside = instance_dict(thing)
        if inside:
            yield ".__dict__", inside
        if kind is FunctionType:
            yield from _parts_of_function(thing)
        elif not issubclass(kind, dict | set | frozenset):
            known = {id(inside), *map(id, inside.values())}  # whether an object holds these itself is Python's affair
            others = (item for item in gc.get_referents(thing) if id(item) not in known)
            yield from ((f"->{type(item).__name__}", item) for item in others)
        yield ".__class__", kind


def _parts_of_function(function: FunctionType) -> Iterator[tuple[str, Any]]:
    names = ("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__name__", "__qualname__", "__module__")
    yield from ((f".{name}", getattr(function, name)) for name in names)
    yield from ((".<cell>", cell) for cell in function.__closure__ or ())
    annotations = function.__annotations__
    yield from ((f".__annotations__[{name}]", item) for name, item in annotations.items())


def _are_same(items: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    return len(items) == len(others) and all(
        one is other or (type(one) in ATOMS and type(one) is type(other) and one == other)
        for one, other in zip(items, others, strict=True)
    )


def _told(items: Iterable[Any], others: Iterable[Any]) -> str:
    mine, theirs = list(items), list(others)
    less = [item for item in mine if not any(item is other for other in theirs)]
    more = [item for item in theirs if not any(item is other for other in mine)]
    return f"lost {_names(less)}, has got {_names(more)}" if less or more else "the same in another order"


def _names(things: list[Any]) -> str:
    names = [repr(item) if type(item) in ATOMS else f"a {type(item).__name__}" for item in things[:5]]
    return ", ".join(names) or "nothing"
