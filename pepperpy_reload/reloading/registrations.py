"""What libraries are told for its effect: `@event.listens_for(Post, "load")`. It is told again of what is made again.

What it is about has to be another object then, and nothing that the library has may lead to the old one. While it is
told, the library may keep nothing more, nor other things, nor count: but what goes as soon as the old one is gone.
"""

from __future__ import annotations

import ast
import atexit
import builtins
import gc
import itertools
import sys
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from pepperpy_reload.core.deeds import Deed
from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.plan import Action, ReloadPlan
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Place
from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.importing.layout import namespace_of
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.holders import can_change
from pepperpy_reload.reloading.holdings import is_watched
from pepperpy_reload.reloading.looking import instance_dict, is_a, is_atom, part_of, plain_attribute
from pepperpy_reload.reloading.memory import lead_to, modules_of

_EXECUTING = (Action.REFIT, Action.TRANSPLANT, Action.EXECUTE)
_CONTAINERS = (list, dict, set, deque, defaultdict, OrderedDict)
_FAR = 12  # what a name of a module leads to, what that holds, what that holds, and so on
_NEAR = 3  # the same of an entry that may go by itself
_KEEPERS = ("weakref", "threading", "sched")
"""Modules of Python that libraries may have keep what they are told."""
_NOTHING: Any = object()

Print = dict[int, tuple[Any, list[tuple[Any, Any]]]]


def about(namespace: Mapping[str, Any], deed: Deed, function: object) -> tuple[Chain, ...]:
    """The names of what a library's function is told of, as far as it is the project's; () if that cannot be told."""
    if type(function) is not FunctionType:
        return ()  # what a library keeps elsewhere cannot be seen
    objects, functions = list[Chain](), list[Chain]()
    for path in dict.fromkeys(_owner(namespace, path) for path in deed.given):
        value = led_by(namespace, path)
        if value is _NOTHING:
            return ()
        if is_a(value, FunctionType):
            functions += [path] if _is_own(value) else []
        elif is_a(value, type):
            objects += [path] if _is_own(value) else []
        elif _can_be_held(value):
            if is_watched(value):
                return ()
            objects.append(path)
    if isinstance(deed.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return ((deed.node.name,), *objects) if not deed.node.col_offset else ()  # else it is no name of the module
    return tuple(objects or functions)


def _owner(namespace: Mapping[str, Any], path: Chain) -> Chain:
    """Up to the first name that means no module: to the class in `models.Post.title`."""
    ends = (end for end in range(1, len(path)) if not is_a(led_by(namespace, path[:end]), ModuleType))
    return path[: next(ends, len(path))]


def led_by(namespace: Mapping[str, Any], path: Chain) -> Any:
    """What a chain of names means, without running code of the user's; `_NOTHING` if that cannot be told."""
    value = namespace.get(path[0], vars(builtins).get(path[0], _NOTHING))
    for name in path[1:]:
        value = vars(value).get(name, _NOTHING) if is_a(value, ModuleType) else part_of(value, name)
        value = _NOTHING if value is None else value
    return value


def _is_own(value: object) -> bool:
    return str(plain_attribute(value, "__module__")) in recorder.modules


class Registrations:
    """Sees to it that no library goes on knowing what it has been told of, nor knows more than it had."""

    def __init__(self, scope: Traces) -> None:
        self._scope = scope
        self._packages: dict[Place | str, frozenset[str]] = {}
        """The libraries that are told something: by the statement, or by the module that is run as a whole."""
        self._old: list[tuple[str, Chain, Any]] = []
        """The objects that they have been told of, each with the module and its name there."""
        self._before: list[tuple[Place | str, Print]] = []

    def expect(self, plan: ReloadPlan) -> None:
        """What is going to be executed again has told libraries of objects."""
        for step in plan.steps:
            if step.action in _EXECUTING and step.index >= 0:
                place = Place(step.module, step.index)
                if self._scope.old_index(place) >= 0:
                    self._expect(step.module, self._scope.old_unit(place), place)
        for name in plan.modules(Action.RUN):
            module = self._scope.module(name)
            for unit in module.alignment.old if module is not None else ():
                self._expect(name, unit, name)
        if self._packages:
            gc.collect()  # what is to be seen from now on is what is done from now on

    def _expect(self, name: str, unit: Unit, key: Place | str) -> None:
        space = getattr(sys.modules.get(name), "__dict__", {})
        for deed in unit.deeds:
            one = self._scope.reach(name, deed, unit.imports)
            if one is None or not one.about:
                continue
            self._packages[key] = self._packages.get(key, frozenset()) | {one.home}
            for path in {*one.about, *deed.given}:
                value = led_by(space, path)
                if not is_atom(value) and (is_a(value, (FunctionType, type)) <= _is_own(value)) and _can_be_held(value):
                    self._old.append((name, path if path in one.about else (), value))

    def begin(self, key: Place | str) -> None:
        """A statement, or a module as a whole, is executed now."""
        if packages := self._packages.get(key):
            self._before.append((key, _print(packages)))

    def end(self, key: Place | str) -> None:
        """It has been. Raises RestartNeeded if a library has kept something of that."""
        if not self._before or self._before[-1][0] != key:
            return
        before = self._before.pop()[1]
        for number, (_, items) in _print(self._packages[key]).items():
            if number in before and not _is_as_it_was(before[number][1], items):
                raise RestartNeeded(f"{_said(key)} tells a library something again, and it keeps what it is told")

    def check(self) -> None:
        """All has been done. Raises RestartNeeded if somebody still knows an old object."""
        if not self._old:
            return
        now = list[object]()
        for name, path, value in self._old:
            now.append(led_by(getattr(sys.modules.get(name), "__dict__", {}), path) if path else _NOTHING)
            if now[-1] is value:
                raise RestartNeeded(f"a library is told of {name}.{'.'.join(path)} twice")
        packages = frozenset().union(*self._packages.values())
        before = {identity(value) for *_, value in self._old}
        if lead_to(before, modules_of({*packages, *_KEEPERS}), packages, keys=now):
            raise RestartNeeded(f"a library still knows what {self._old[0][0]} has told it before")


def _can_be_held(value: object) -> bool:
    """Whether it is an object of the project's that somebody may be told of."""
    return is_a(value, (FunctionType, type)) or (
        can_change(value) and not is_a(value, (ModuleType, BuiltinFunctionType))
    )


def _said(key: Place | str) -> str:
    return key if isinstance(key, str) else f"{key.module}, statement {key.index + 1},"


def _print(packages: Collection[str]) -> Print:
    """What the names of some libraries' modules lead to that may keep something: with what each of them holds."""
    found: Print = {0: (None, [(None, atexit._ncallbacks())])}
    for module in modules_of({*packages, *_KEEPERS}):
        level: list[Any] = [vars(module)]
        found[identity(module)] = module, _items(level[0])
        for depth in range(_FAR):
            level = [inner for one in level for inner in _near(one, module.__name__, found, shallow=not depth)]
    return found


def _near(thing: Any, home: str, found: Print, *, shallow: bool) -> Iterator[Any]:
    """What an object holds, and puts into `found` what it has that may keep something."""
    if type(thing) in _CONTAINERS:
        items = _items(thing)
        if not shallow:
            if identity(thing) in found:
                return
            found[identity(thing)] = thing, items
        stays = [pair for pair in items if not _goes_by_itself(pair, 0)]
        yield from (part for pair in stays for part in pair if type(part) not in _FLAT)
    elif is_a(thing, type):
        if namespace_of(thing).get("__module__") == home and identity(thing) not in found:
            space = dict(namespace_of(thing))
            found[identity(thing)] = thing, _items(space)
            yield from (one for one in space.values() if type(one) in _CONTAINERS or _is_instance(one))
    elif _is_instance(thing) and identity(thing) not in found:
        table = instance_dict(thing)
        found[identity(thing)] = thing, _items(table)
        yield from (one for one in list(table.values()) if type(one) in _CONTAINERS or _is_instance(one))


def _is_instance(thing: object) -> bool:
    return bool(instance_dict(thing)) and not is_a(thing, (type, ModuleType, FunctionType))


def _items(container: Any) -> list[tuple[Any, Any]]:
    if is_a(container, dict):
        return list(dict.items(container))
    return [(None, one) for one in list(container)]


def _is_as_it_was(before: list[tuple[Any, Any]], after: list[tuple[Any, Any]]) -> bool:
    """Whether a container holds what it held, and no more than what goes with what is old."""
    old, now = _marked(before), _marked(after)
    lost = [old[mark] for mark in old.keys() - now.keys()]
    new = [now[mark] for mark in now.keys() - old.keys()]
    is_gone = all(type(pair[0]) is weakref.finalize or _goes_by_itself(pair) or _is_empty(pair[1]) for pair in lost)
    return is_gone and len(after) - len(new) == len(before) - len(lost) and all(map(_goes_by_itself, new))


def _is_empty(value: Any) -> bool:
    """Whether it has held what went by itself, and holds nothing now."""
    return is_a(value, _CONTAINERS) and not len(value)


def _marked(items: list[tuple[Any, Any]]) -> dict[tuple[object, object], tuple[Any, Any]]:
    return {(_mark(key), _mark(value)): (key, value) for key, value in items}


def _mark(value: Any) -> object:
    return value if type(value) in (int, str) else repr(value) if type(value) is itertools.count else identity(value)


def _goes_by_itself(pair: Iterable[Any], depth: int = _NEAR) -> bool:
    """Whether an entry has weak references: whoever has made them is told when their object goes."""
    for one in pair:
        if is_a(one, weakref.ReferenceType) and one.__callback__ is not None:
            return True
        if depth and is_a(one, (tuple, *_CONTAINERS)):
            inner = [part for item in _items(one) for part in item] if not is_a(one, tuple) else list(one)
            if _goes_by_itself(inner, depth - 1):
                return True
    return False


_FLAT = (int, float, complex, str, bytes, bool, type(None))
