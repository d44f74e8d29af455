"""What libraries keep of the classes that the project derives from theirs: it must be nothing if these are made again.

A library's hook or metaclass may put a class on a list, under its name or by itself, or count. What it keeps is looked
for in all that the names of its modules lead to. What it numbers as it is made would have other numbers.
"""

from __future__ import annotations

import builtins
import gc
import itertools
import sys
import weakref
from abc import ABCMeta
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import compress
from operator import not_
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pepperpy_reload.core.identity import identity
from pepperpy_reload.importing.layout import held_in, namespace_of
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.heirs import heirs_of
from pepperpy_reload.reloading.looking import instance_dict, is_a
from pepperpy_reload.reloading.origins import home_of, is_own, library_of

_CONTAINERS = (list, dict, set, frozenset, tuple, deque)
_MAKERS = ("__new__", "__init__", "__call__", "__setattr__", "__prepare__")
_NEAR = 3  # what an instance holds, and what that holds
_MOST = 400_000  # objects looked at: beyond that a new process is there sooner
_AT_ONCE = 1000  # objects that are asked together what they hold

Print = tuple[object, ...]


class Tellers:
    """The library's classes that are told when a class is derived from `base`, and the functions that are called."""

    def __init__(self, base: type) -> None:
        metaclasses = [one for one in type.mro(type(base)) if one not in (type, ABCMeta, object)]
        told = [one for one in base.__mro__[:-1] if "__init_subclass__" in namespace_of(one)]
        self.classes: list[type] = [one for one in (*metaclasses, *told) if library_of(one.__module__)]
        names = {identity(one): _MAKERS for one in metaclasses}
        hooks = [
            namespace_of(one).get(name)
            for one in self.classes
            for name in names.get(identity(one), ("__init_subclass__",))
        ]
        self.hooks = [getattr(hook, "__func__", hook) for hook in hooks if hook is not None]

    @property
    def are_readable(self) -> bool:
        """Whether all of it is Python: what a library keeps elsewhere cannot be seen."""
        return all(type(one) is FunctionType for one in self.hooks)

    @property
    def packages(self) -> frozenset[str]:
        """The libraries that these are of."""
        return frozenset(str(one.__module__).partition(".")[0] for one in self.classes)

    def spaces(self) -> Iterator[Mapping[str, Any]]:
        """What they have at hand: their own attributes, and what the hooks say of the names of their modules."""
        yield from map(namespace_of, self.classes)
        yield from (_said(one) for one in self.hooks if is_a(one, FunctionType))

    def print(self) -> Print:
        """What stands in these namespaces: the same as long as nothing is put there, nor counted."""
        return tuple((name, *_print(value)) for space in self.spaces() for name, value in list(space.items()))

    def names(self) -> set[str]:
        """All texts in the containers there."""
        values = (value for space in self.spaces() for value in list(space.values()))
        found = (list(value) for value in values if type(value) in _CONTAINERS)
        return {item for items in found for item in items if type(item) is str}

    def may_know(self, cls: type) -> bool:
        """Whether they may have written down that there is a class, or counted it."""
        values = [value for space in self.spaces() for name, value in list(space.items()) if not name.startswith("__")]
        return not self.names().isdisjoint(_names_of([cls])) or any(type(value) in _NUMBERS for value in values)


def _said(hook: FunctionType) -> dict[str, Any]:
    """The names of its module that a function says, and what it calls of that module."""
    space, found = hook.__globals__, dict[str, Any]()
    waiting: list[CodeType] = [hook.__code__]
    while waiting:
        code = waiting.pop()
        waiting += [inner for inner in code.co_consts if is_a(inner, CodeType)]
        for name in [one for one in code.co_names if one in space and one not in found]:
            value = found[name] = space[name]
            members = list(namespace_of(value).values()) if is_a(value, type) else [value]
            functions = [one for one in members if is_a(one, FunctionType) and one.__globals__ is space]
            waiting += [one.__code__ for one in functions]
    return found


def _print(value: object) -> tuple[object, ...]:
    return identity(value), len(value) if type(value) in _CONTAINERS else 0  # type: ignore[arg-type]


def why_remembered(base: type) -> str:
    """What speaks against making classes again that are derived from a library's one, or ""."""
    tellers = Tellers(base)
    heirs = [one for one in heirs_of(base) if is_own(one)]
    if not heirs or not tellers.classes:
        return "nothing is known of what it does"
    if not tellers.are_readable:
        return "it is not written in Python"
    if not tellers.names().isdisjoint(_names_of(heirs)):
        return "it keeps their names"
    return "it keeps them" if lead_to({*map(identity, heirs)}, modules_of(tellers.packages), tellers.packages) else ""


def counts(packages: Collection[str]) -> dict[tuple[str, str], int | str]:
    """What some libraries may count: the numbers that their modules have, and their classes."""
    found: dict[tuple[str, str], int | str] = {}
    for module in modules_of(packages):
        for name, value in list(vars(module).items()):
            if type(value) in _NUMBERS:
                found[module.__name__, name] = value if type(value) is int else repr(value)
            elif is_a(value, type) and value.__module__ == module.__name__:
                inside = list(namespace_of(value).items())
                found.update(((f"{module.__name__}.{name}", one), item) for one, item in inside if type(item) is int)
    return found


def numbering(things: Iterable[object], names: Collection[str]) -> set[str]:
    """The names, of those under which libraries may count, by which something in these objects has a number."""
    level: list[Any] = [value for one in things for value in _held(one)]
    found = set[str]()
    for _ in range(_NEAR):
        own = [instance_dict(one) for one in level if not is_a(one, (*_FLAT, type, ModuleType))]
        found.update(name for table in own for name in table.keys() & names if type(table[name]) is int)
        parts = [inner for table in own for inner in list(table.values())]
        level = [*parts, *(inner for part in parts if type(part) in _CONTAINERS for inner in list(part))]
    return found


def _held(thing: object) -> Iterable[object]:
    return list(namespace_of(thing).values()) if is_a(thing, type) else [thing]  # type: ignore[arg-type]


def found(cls: type) -> Any:
    """What is found where a class says that it is from; None if nothing is."""
    value: Any = sys.modules.get(str(namespace_of(cls).get("__module__")))
    for name in cls.__qualname__.split("."):
        value = getattr(value, "__dict__", {}).get(name)
    return value


def knows(thing: object, cls: type) -> bool:
    """Whether an instance keeps, in what a library has given it, of what class it is."""
    level: list[Any] = list(instance_dict(thing).values())
    for _ in range(_NEAR):
        level = [inner for one in level if type(one) not in _FLAT for inner in _inside(one, ())]
        if any(inner is cls for inner in level):
            return True
    return False


def _names_of(heirs: Iterable[type]) -> set[str]:
    names = [(one.__name__, one.__qualname__, one.__module__) for one in heirs]
    return {text for name, path, home in names for text in (name, path, f"{home}.{path}")}


def modules_of(packages: Collection[str]) -> list[ModuleType]:
    """The modules of some libraries that are loaded."""
    found = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in packages]
    return [module for module in found if is_a(module, ModuleType)]


def lead_to(
    wanted: AbstractSet[int],
    modules: Iterable[ModuleType],
    packages: Collection[str],
    far: int | None = None,
    keys: Iterable[object] = (),
) -> bool:
    """Whether the names of some modules lead to an object with one of these identities, or so far that nobody can tell.

    `far`: after so many objects they do not. What is kept weakly with such an object does not lead to another one, nor
    what is kept so with one of `keys`.
    """
    passed = {*wanted, *map(identity, keys)}
    spaces = {identity(vars(module)): vars(module) for module in modules}
    others = [builtins, *(sys.modules[name] for name in recorder.modules if name in sys.modules)]
    seen = {identity(vars(module)) for module in others} | spaces.keys()  # each module has Python's own at hand
    waiting: list[Any] = list(spaces.values())
    apart: dict[int, bool] = {}
    begin = 0
    while begin < len(waiting):
        some = waiting[begin : begin + _AT_ONCE]
        begin += len(some)
        inside = _inside_all(some, packages, passed, apart)
        marks = list(map(identity, inside))
        if not wanted.isdisjoint(marks):
            return True
        found = dict(zip(marks, inside, strict=True))
        new = {*found}.difference(seen)
        seen |= new
        waiting += map(found.__getitem__, new)
        if len(waiting) > (_MOST if far is None else far):
            return far is None
    return False


def _inside_all(
    things: Sequence[Any], packages: Collection[str], passed: Collection[int], apart: dict[int, bool]
) -> list[Any]:
    """What some objects hold: that of most kinds is found for all of them at once, without a step for each.

    `apart` says of which kinds that is not so, as far as it is known; `passed` are the keys whose entries do not count.
    """
    kinds = list(map(identity, map(type, things)))
    for kind in {*kinds}.difference(apart):
        apart[kind] = is_a(things[kinds.index(kind)], _APART)
    are_apart = list(map(apart.__getitem__, kinds))
    found = gc.get_referents(*compress(things, map(not_, are_apart)))
    for thing in compress(things, are_apart):
        if type(thing) is weakref.WeakKeyDictionary:
            items = list(instance_dict(thing)["data"].items())
            found += [value for key, value in items if identity(key()) not in passed]
        else:
            found += _inside(thing, packages)
    return found


def _inside(thing: Any, packages: Collection[str]) -> Iterable[Any]:
    """What an object holds; what modules hold, and classes of other libraries, is their own affair."""
    kind = type(thing)
    if kind is FunctionType:
        defaults = (*(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values())
        return [*map(held_in, thing.__closure__ or ()), *defaults, *thing.__dict__.values()]
    if is_a(thing, type):
        home = str(home_of(thing))
        is_near = home in recorder.by_name or home.partition(".")[0] in packages
        return [*namespace_of(thing).values(), *thing.__bases__] if is_near else ()
    return () if kind in _FLAT or is_a(thing, ModuleType) else gc.get_referents(thing)


_APART = (ModuleType, FunctionType, type, weakref.WeakKeyDictionary)
"""The kinds of which not all counts that an object holds, or more; and all derived from them."""
_NUMBERS = (int, itertools.count)
_FLAT = (int, float, complex, str, bytes, bool, type(None))
