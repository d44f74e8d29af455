"""The journal of a reload, and its way back: after a failure everything is what and where it was."""

from __future__ import annotations

import linecache
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, ModuleType, WrapperDescriptorType
from typing import Any

from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.looking import instance_dict, is_a

_ATOMS = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis), range, slice)
_COMMON = frozenset(map(id, (*_ATOMS, ModuleType, BuiltinFunctionType, GetSetDescriptorType, WrapperDescriptorType)))
_CLOSED = (*_ATOMS, ModuleType)
_OF_FUNCTIONS = ("__name__", "__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__")
_definition = attrgetter(*_OF_FUNCTIONS)
_LIMIT = 200_000  # objects looked at: beyond, a reload would be felt; the rest is left out


class Contents:
    """What a set of objects held when it was taken: lists, dicts, sets, deques, instances and classes."""

    def __init__(self, starts: Iterable[object], is_ours: Callable[[type], bool]) -> None:
        self._is_ours = is_ours
        self._taken: dict[int, tuple[Any, Any]] = {}
        self._functions: list[tuple[FunctionType, tuple[object, ...]]] = []
        self._visit(starts)

    def restore(self) -> None:
        """Put back what has changed since, in place."""
        for thing, copy in self._taken.values():
            if not _same(thing, copy):
                _refill(thing, copy)
        for function, values in self._functions:
            for name, value in zip(_OF_FUNCTIONS, values, strict=True):
                if getattr(function, name) is not value:
                    setattr(function, name, value)

    def changed(self) -> Iterator[object]:
        """The objects that hold something else now."""
        for thing, copy in self._taken.values():
            if not _same(thing, copy):
                yield thing

    def _visit(self, starts: Iterable[object]) -> None:
        waiting = list(starts)
        seen: set[int] = set()
        while waiting and len(seen) < _LIMIT:
            thing = waiting.pop()
            if id(type(thing)) in _COMMON or id(thing) in seen or is_a(thing, _CLOSED):
                continue
            seen.add(id(thing))
            waiting.extend(self._take(thing))

    def _take(self, thing: Any) -> Iterable[object]:
        """Copy one object's contents; what it holds, to be visited as well."""
        kind = type(thing)
        if kind in (list, deque, set):
            copy: Collection[object] = list(thing) if kind is not set else set(thing)
            self._taken[id(thing)] = (thing, copy)
            return copy
        if kind is dict:
            self._taken[id(thing)] = (thing, dict(thing))
            return list(thing.values())
        if kind in (tuple, frozenset):
            return [*thing]
        if is_a(thing, type):
            if not self._is_ours(thing):
                return ()
            self._taken[id(thing)] = (thing, dict(vars(thing)))
            return list(vars(thing).values())
        if kind in (staticmethod, classmethod):
            return (thing.__func__,)
        if kind is FunctionType:
            return self._take_function(thing)
        inside = instance_dict(thing)
        if inside:
            self._taken[id(inside)] = (inside, dict(inside))
            return (*inside.values(), *(_builtin_part(thing, self._taken)))
        return _builtin_part(thing, self._taken)

    def _take_function(self, function: FunctionType) -> Iterable[object]:
        if function.__code__.co_filename not in recorder.roots:
            return ()
        self._functions.append((function, _definition(function)))
        if function.__dict__:
            self._taken[id(function.__dict__)] = (function.__dict__, dict(function.__dict__))
        cells = []
        for cell in function.__closure__ or ():
            try:
                cells.append(cell.cell_contents)
            except ValueError:  # an empty cell
                continue
        return (*function.__dict__.values(), *cells, *(function.__defaults__ or ()))


def _builtin_part(thing: Any, taken: dict[int, tuple[Any, Any]]) -> Iterable[object]:
    """The contents of an instance of a subclass of list, dict or set, read past whatever the subclass overrides."""
    if is_a(thing, dict):
        taken[id(thing)] = (thing, dict(dict.items(thing)))
        return list(dict.values(thing))
    if is_a(thing, list):
        taken[id(thing)] = (thing, list(list.__iter__(thing)))
        return list(list.__iter__(thing))
    return ()


def _items(thing: Any) -> Any:
    if isinstance(thing, dict):
        return list(dict.items(thing))
    if isinstance(thing, list):
        return list(list.__iter__(thing))
    if isinstance(thing, type):
        return list(vars(thing).items())
    return list(thing)


def _same(thing: Any, copy: Any) -> bool:
    """Whether the contents are the very same objects, in the same order."""
    if type(thing) is set:
        return len(thing) == len(copy) and {id(item) for item in thing} == {id(item) for item in copy}
    now, then = _items(thing), _items(copy) if not isinstance(copy, list) else copy
    if len(now) != len(then):
        return False
    if isinstance(copy, dict):
        return all(a[0] is b[0] and a[1] is b[1] for a, b in zip(now, then, strict=True))
    return all(a is b for a, b in zip(now, then, strict=True))


def _refill(thing: Any, copy: Any) -> None:
    if isinstance(thing, type):
        _refill_class(thing, copy)
    elif isinstance(thing, dict):
        # What is there stays there until it is replaced: another thread never finds a name missing.
        for key, value in copy.items():
            dict.__setitem__(thing, key, value)
        for key in [key for key in dict.keys(thing) if key not in copy]:
            dict.__delitem__(thing, key)
        if list(dict.keys(thing)) != list(copy):
            with uninterrupted():
                dict.clear(thing)
                dict.update(thing, copy)
    elif isinstance(thing, list):
        list.__setitem__(thing, slice(None), copy)
    elif isinstance(thing, set):
        thing.clear()
        thing.update(copy)
    else:
        thing.clear()
        thing.extend(copy)


def _refill_class(cls: type, copy: dict[str, Any]) -> None:
    for name in [name for name in vars(cls) if name not in copy]:
        type.__delattr__(cls, name)
    for name, value in copy.items():
        if vars(cls).get(name, copy) is not value and name not in ("__dict__", "__weakref__"):
            type.__setattr__(cls, name, value)


class Transaction:
    """Everything that a reload may touch, as it was; `rollback` puts it back.

    Deep: the contents of every container, instance and class that can be reached from first-party modules.
    """

    def __init__(self, modules: Iterable[ModuleType], *, deep: bool) -> None:
        chosen = list(modules)
        self._undo: list[Callable[[], None]] = []
        self._table = dict(sys.modules)
        self._spaces = [(module, dict(vars(module)), type(module)) for module in chosen]
        self._record = recorder.memory()
        starts = [value for module in chosen for value in list(vars(module).values())] if deep else []
        self._contents = Contents(starts, _is_first_party_class)

    def before(self, name: str) -> dict[str, Any]:
        """The names of a module as they were when the transaction began; {} if it was not loaded."""
        return next((names for module, names, _ in self._spaces if module.__name__ == name), {})

    def undo(self, action: Callable[[], None]) -> None:
        """`action` takes back what is about to be done."""
        self._undo.append(action)

    def rollback(self) -> None:
        """Put everything back: single steps backwards, contents, namespaces, the table of modules and its order."""
        for action in reversed(self._undo):
            action()
        self._undo.clear()
        self._contents.restore()
        for module, names, kind in self._spaces:
            if type(module) is not kind:
                module.__class__ = kind
            _refill(vars(module), names)
        self._drop_new_modules()
        restore_table(self._table)
        recorder.restore(self._record)

    def _drop_new_modules(self) -> None:
        """Modules that came meanwhile leave their packages; the table itself is put back as a whole."""
        for name in [name for name in sys.modules if name not in self._table]:
            package, _, attribute = name.rpartition(".")
            holder = self._table.get(package)
            if holder is not None and vars(holder).get(attribute) is sys.modules[name]:
                delattr(holder, attribute)


def restore_table(table: dict[str, ModuleType]) -> None:
    """Make sys.modules what it was, in the order that it had."""
    with uninterrupted():
        for name in [name for name in sys.modules if name not in table]:
            del sys.modules[name]
        sys.modules.update(table)
        if list(sys.modules) != list(table):
            for name in table:
                sys.modules[name] = sys.modules.pop(name)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """No other thread runs Python code inside: they would find a module missing between its going and its coming.

    The interpreter switches threads when its switch interval is over; here it is longer than what is done inside.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(10.0)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def pin_lines(path: str, source: bytes) -> None:
    """Tracebacks of the code that goes on running show the text that it was made of, whatever the file holds now.

    Entries without a time are left alone by `linecache.checkcache`.
    """
    text = source.decode("utf-8", "replace")
    lines = text.splitlines(keepends=True)
    linecache.cache[path] = (len(text), None, lines, path)


def _is_first_party_class(cls: type) -> bool:
    return cls.__module__ in recorder.importers
