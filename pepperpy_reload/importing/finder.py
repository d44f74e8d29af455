"""Finds modules through whoever else finds them, and has first-party source loaded our way."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, Protocol

from pepperpy_reload.importing.bytecode import compile_source, read_source
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.importing.stripping import strip

_bootstrap: Any = importlib._bootstrap


class Execution(Protocol):
    """Runs a module's code; reloads put one in place that runs it into the module that is there already."""

    def create(self, spec: ModuleSpec) -> ModuleType | None:
        """The module object to use, None for a new one."""

    def execute(self, code: CodeType, module: ModuleType) -> None:
        """Run the module's code."""


class _Fresh:
    """What plain Python does."""

    def create(self, spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG002 - the signature of Execution
        return None

    def execute(self, code: CodeType, module: ModuleType) -> None:
        # Through this function of importlib's, so that Python takes importlib's frames off tracebacks as usual.
        _bootstrap._call_with_frames_removed(exec, code, vars(module))


class Finder:
    """The search of one optimizer."""

    def __init__(self) -> None:
        self._local = threading.local()
        self.execution: Execution = _Fresh()

    def find(self, me: object, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        """Ask the finders behind `me` on sys.meta_path for `name`, with the `path` we were given.

        A spec is touched only if its file is first-party and its loader is exactly SourceFileLoader: then the loader
        *instance* gets our methods, and its type stays what everybody expects.
        """
        finding: set[str] = self._local.__dict__.setdefault("finding", set())
        if name in finding:  # somebody behind us asks from the start again
            return None
        finding.add(name)
        try:
            spec = _ask(me, name, path, target)
        finally:
            finding.discard(name)
        if spec is not None and type(spec.loader) is SourceFileLoader and (spec.origin or "") in recorder.roots:
            hook(spec.loader, self)
        else:
            recorder.watch.load_is_foreign(name)
        return spec

    @contextmanager
    def executing(self, execution: Execution) -> Iterator[None]:
        """Load first-party modules by `execution` for a while."""
        before, self.execution = self.execution, execution
        try:
            yield
        finally:
            self.execution = before


class _Method(partial[Any]):
    """A method of ours on one loader instance. Pickled, it is the plain method of that loader's class.

    Calling a partial makes no Python frame: one between those of importlib would make Python show all of them.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self.args[1], _name(self.func))


def hook(loader: SourceFileLoader, finder: Finder) -> None:
    """Give a loader instance our methods."""
    vars(loader).update({name: _Method(function, finder, loader) for name, function in _METHODS.items()})


def unhook(loader: SourceFileLoader) -> None:
    """Make it a plain SourceFileLoader again."""
    for name in _METHODS:
        vars(loader).pop(name, None)


def _name(function: Callable[..., Any]) -> str:
    return function.__name__.removeprefix("_")


def _ask(me: object, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
    behind = list(sys.meta_path)
    if me in behind:
        behind = behind[behind.index(me) + 1 :]
    for other in behind:
        find_spec = getattr(other, "find_spec", None)
        if find_spec is not None and (spec := find_spec(name, path, target)) is not None:
            return spec  # type: ignore[no-any-return]
    return None


def _create_module(finder: Finder, _loader: SourceFileLoader, spec: ModuleSpec) -> ModuleType | None:
    return finder.execution.create(spec)


def _get_code(_finder: Finder, loader: SourceFileLoader, _name: str) -> CodeType:
    return compile_source(loader, loader.get_data(loader.path))


def _exec_module(finder: Finder, loader: SourceFileLoader, module: ModuleType) -> None:
    try:
        source = read_source(loader)
        code = compile_source(loader, source, getattr(module.__spec__, "cached", None))
        with recorder.running(module.__name__, loader.path, source, code):
            finder.execution.execute(code, module)
    except BaseException as error:
        error.__traceback__ = strip(error.__traceback__)
        raise
    finally:
        unhook(loader)


_METHODS: dict[str, Callable[..., Any]] = {_name(one): one for one in (_create_module, _exec_module, _get_code)}
