"""Notes what each import brings along, whoever imports: third-party modules and the standard library, too."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from types import ModuleType, TracebackType
from typing import Any, Protocol, Self

_bootstrap: Any = importlib._bootstrap


class LoadWatcher(Protocol):
    """Who wants to know what happened between two steps of loading."""

    def step(self, current: str, following: str) -> None:
        """A module begins or ends to load: `current` was being run until now, `following` is from now on; "": none."""


class Tracker:
    """While it is entered, imports are noted. For one thread; the import system is as before when it is left."""

    def __init__(self, watcher: LoadWatcher | None = None) -> None:
        self.requires: dict[str, dict[str, None]] = {}
        """By module: what was imported while it was the innermost one that was being loaded, in that order."""
        self.missing: dict[str, None] = {}
        """Names that were looked for in vain."""
        self.planted: set[str] = set()
        """Modules that were put into `sys.modules` by hand while another one was being loaded."""
        self.lazy: dict[str, frozenset[str]] = {}
        """By module that gives names when they are asked for: those that it had when it had been run."""
        self._seen: set[str] = set()
        self._watcher = watcher
        self._stack: list[str] = []
        self._before: tuple[Any, Any] | None = None

    @property
    def current(self) -> str:
        """The innermost module that is being loaded, or ""."""
        return self._stack[-1] if self._stack else ""

    def __enter__(self) -> Self:
        plain_import: Any
        plain_import, find_and_load = self._before = builtins.__import__, _bootstrap._find_and_load

        def __import__(  # noqa: N807 - it is called so
            name: str,
            globals: dict[str, Any] | None = None,
            locals: Mapping[str, Any] | None = None,
            fromlist: tuple[str, ...] | None = (),
            level: int = 0,
        ) -> Any:
            module = plain_import(name, globals, locals, fromlist, level)
            if self._stack:
                self._touched(_absolute(globals or {}, name, level), fromlist)
            return module

        def _find_and_load(name: str, import_: Any) -> ModuleType:
            if name in sys.modules:
                self._require(name)
                return find_and_load(name, import_)  # type: ignore[no-any-return]
            self._step(name)  # first: what was planted until now comes before it
            self._require(name)
            self._stack.append(name)
            self.requires.setdefault(name, {})
            if parent := name.rpartition(".")[0]:
                self._require(parent)  # it may be loaded, or on its way
            try:
                module: ModuleType = find_and_load(name, import_)
                if "__getattr__" in (namespace := getattr(module, "__dict__", {})):
                    self.lazy[name] = frozenset(namespace)
                return module
            except BaseException:
                self.missing[name] = None
                raise
            finally:
                self._step(self._stack[-2] if len(self._stack) > 1 else "")
                self._stack.pop()

        self._seen.update(sys.modules)
        builtins.__import__, _bootstrap._find_and_load = __import__, _find_and_load  # type: ignore[assignment]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._before is not None
        builtins.__import__, _bootstrap._find_and_load = self._before

    def _step(self, following: str) -> None:
        if len(sys.modules) > len(self._seen):
            new = [name for name in list(sys.modules) if name not in self._seen]
            self._seen.update(new)
            for name in new:
                if name not in self.requires and self._stack:
                    self.planted.add(name)
                    self.requires[name] = {}
                    self._require(name)
        if self._watcher is not None:
            self._watcher.step(self.current, following)

    def _require(self, name: str) -> None:
        if self._stack and name != self._stack[-1]:
            self.requires[self._stack[-1]][name] = None

    def _touched(self, full: str, fromlist: tuple[str, ...] | None) -> None:
        parts = full.split(".")
        for end in range(1, len(parts) + 1):
            self._require(".".join(parts[:end]))
        for item in fromlist or ():
            if f"{full}.{item}" in sys.modules:
                self._require(f"{full}.{item}")


def _absolute(namespace: Mapping[str, Any], name: str, level: int) -> str:
    if not level:
        return name
    package = namespace.get("__package__")
    if package is None:
        own = str(namespace.get("__name__", ""))
        package = own if "__path__" in namespace else own.rpartition(".")[0]
    return importlib.util.resolve_name("." * level + name, package)
