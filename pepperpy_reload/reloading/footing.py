"""What is known of the modules, and which of their names hold modules, at some time: what a plan goes by."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import BuiltinFunctionType, FunctionType, GenericAlias, ModuleType
from typing import Any
from weakref import ref

from pepperpy_reload.core.graph import Edge, EdgeKind
from pepperpy_reload.core.identity import identity
from pepperpy_reload.importing.loaded import Loaded
from pepperpy_reload.importing.recorder import recorder

_MODULE = identity(ModuleType)
_OTHERS = frozenset(
    map(
        identity,
        (int, float, complex, bool, str, bytes, type(None), tuple, list, dict, set, frozenset, range, type, object),
    )
) | frozenset(map(identity, (FunctionType, BuiltinFunctionType, GenericAlias, property, SourceFileLoader, ModuleSpec)))
"""Types of no modules, by what never becomes the identity of another one."""
_KNOWN = _OTHERS | {_MODULE}
_NO_MODULE = ModuleType("")
_MOST = 8  # modules that may have been edited since


class _Space:
    """A module, and the names that hold modules."""

    __slots__ = ("held", "module")

    def __init__(self, module: ModuleType) -> None:
        self.module = ref(module)
        self.held = _held(vars(module))

    def is_there(self, name: str) -> bool:
        module = sys.modules.get(name)
        if module is None or module is not self.module():
            return False
        names = vars(module)
        if "__getattr__" in names or names.get("__name__") != name:
            return False
        kinds = [*map(identity, map(type, list(names.values())))]
        if kinds.count(_MODULE) == len(self.held) and _KNOWN.issuperset(kinds):
            return all(names.get(bound) is held() for bound, held in self.held.items())
        now = _held(names)
        return now.keys() == self.held.keys() and all(now[bound]() is held() for bound, held in self.held.items())


def _held(names: Mapping[str, Any]) -> dict[str, ref[ModuleType]]:
    return {name: ref(value) for name, value in list(names.items()) if issubclass(type(value), ModuleType)}


class Footing:
    """All modules as they are now. Raises LookupError if one of them is none of Python's own, or finds names itself."""

    def __init__(self) -> None:
        self._modules: dict[str, Loaded] = dict(recorder.modules)
        self._ran = {name: (one.ran, one.trigger) for name, one in self._modules.items()}
        self._rank = list(recorder.rank)
        self._edges = {name: recorder.graph.edges_from(name) for name in self._modules}
        self._spaces = {name: _Space(_module(name)) for name in self._modules}
        self._names: Mapping[str, frozenset[str]] | None = None

    def changed(self) -> set[str] | None:
        """The modules that have been edited since, if their edges are what they were; None if more than that changed.

        What they run must not be more than it was, but for functions of their own.
        """
        now = recorder.modules
        if [*now] != [*self._modules] or [*recorder.rank] != self._rank:
            return None
        edited = {name for name, one in self._modules.items() if now[name] is not one}
        if len(edited) > _MOST or not all(map(self._is_on_it, edited)):
            return None
        for name, (ran, trigger) in self._ran.items():
            one = now[name]
            if one.trigger is not trigger and one.trigger != trigger:
                return None
            if one.ran is not ran and name not in edited:
                return None
            if name not in edited and recorder.graph.edges_from(name) != self._edges[name]:
                return None
        return edited if all(space.is_there(name) for name, space in self._spaces.items()) else None

    def _is_on_it(self, name: str) -> bool:
        """Whether an edited module imports what it did, and runs no more functions of others than it did."""
        one, before = recorder.modules[name], self._modules[name]
        edges = recorder.graph.edges_from(name)
        if list(map(_without_line, edges)) != list(map(_without_line, self._edges[name])):
            return False
        if one.path != before.path or any(edge.kind is EdgeKind.IMPORT_MODULE for edge in edges):
            return False
        return all(key.file == one.path for key in one.footprint - before.footprint)

    def names_of_modules(self) -> Mapping[str, frozenset[str]]:
        """By what names modules hold a first-party module."""
        if self._names is None:
            found: dict[str, set[str]] = {}
            for space in self._spaces.values():
                for bound, held in space.held.items():
                    name = vars(held() or _NO_MODULE).get("__name__")
                    if isinstance(name, str) and name in self._modules:
                        found.setdefault(name, set()).add(bound)
            self._names = {name: frozenset(names) for name, names in found.items()}
        return self._names

    def renew(self) -> None:
        """The modules that have been edited are on it as they are now."""
        for name, one in list(self._modules.items()):
            now = recorder.modules[name]
            if now is not one:
                self._modules[name], self._ran[name] = now, (now.ran, now.trigger)
                self._edges[name] = recorder.graph.edges_from(name)


_latest: Footing | None = None


def take_footing() -> Footing | None:
    """How all is now, to be compared with later; None if that cannot be compared."""
    global _latest
    try:
        _latest = Footing()
    except LookupError:
        _latest = None
    return _latest


def latest_footing() -> Footing | None:
    """The last one that has been taken."""
    return _latest


def _module(name: str) -> ModuleType:
    module = sys.modules[name]
    if type(module) is not ModuleType or "__getattr__" in vars(module) or vars(module).get("__name__") != name:
        raise LookupError(name)
    return module


def _without_line(edge: Edge) -> Edge:
    return edge._replace(file="", line=0)
