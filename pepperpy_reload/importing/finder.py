"""Finds modules through whoever else finds them, and has first-party source loaded our way."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, MethodType, ModuleType
from typing import Any, Protocol

from pepperpy_reload.importing.bytecode import (
    NO_LINKS,
    compile_source,
    is_read_otherwise,
    read_source,
    read_unless_link,
)
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
        _bootstrap._call_with_frames_removed(exec, code, module.__dict__)


class _OfThread(threading.local):
    """What is being searched for on a thread."""

    def __init__(self) -> None:
        self.finding: set[str] = set()


class Finder:
    """The search of one optimizer."""

    def __init__(self) -> None:
        self._local = _OfThread()
        self.execution: Execution = _Fresh()
        self._methods = _methods(self)

    def find(self, me: object, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        """Ask the finders behind `me` on sys.meta_path for `name`, with the `path` we were given.

        A spec is touched only if its file is first-party and its loader is exactly SourceFileLoader: then the loader
        *instance* gets our methods, and its type stays what everybody expects.
        """
        finding = self._local.finding
        if name in finding:  # somebody behind us asks from the start again
            return None
        finding.add(name)
        try:
            spec = _ask(me, name, path, target)
        finally:
            finding.discard(name)
        loader = spec.loader if spec is not None else None
        if spec is not None and type(loader) is SourceFileLoader and _may_be_own(spec.origin or ""):
            own = loader.__dict__
            for called, function in self._methods:
                own[called] = MethodType(function, loader)
        elif sys.version_info < (3, 12):
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


def _methods(finder: Finder) -> tuple[tuple[str, Callable[..., Any]], ...]:
    """What is bound to the loaders that a finder finds, by name. Pickled, they are the plain methods of that name."""

    def create_module(_loader: SourceFileLoader, spec: ModuleSpec) -> ModuleType | None:
        return finder.execution.create(spec)

    def get_code(loader: SourceFileLoader, _name: str) -> CodeType:
        return compile_source(loader, loader.get_data(loader.path))

    def exec_module(loader: SourceFileLoader, module: ModuleType) -> None:
        try:
            source = _own_source(loader)
            if source is None:
                loader.__dict__.pop("exec_module", None)
                loader.exec_module(module)
                return
            code = compile_source(loader, source, getattr(module.__spec__, "cached", None))
            execute = partial(finder.execution.execute, code, module)
            recorder.run(module.__name__, loader.path, source, code, execute)
        except BaseException as error:
            error.__traceback__ = strip(error.__traceback__)
            raise
        finally:
            own = loader.__dict__
            for name, _ in methods:
                own.pop(name, None)

    methods = tuple((one.__name__, one) for one in (create_module, exec_module, get_code))
    return methods


def _may_be_own(path: str) -> bool:
    """Whether a module is first-party, or would be if its file were no link."""
    return bool(NO_LINKS and recorder.roots.has_unless_link(path)) or path in recorder.roots


def _own_source(loader: SourceFileLoader) -> bytes | None:
    """What the file of a module holds; None if it is a link, and what it leads to is not first-party."""
    path, roots = loader.path, recorder.roots
    if path not in roots.known and roots.has_unless_link(path) and not is_read_otherwise(loader):
        source = read_unless_link(path)
        if source is not None:
            roots.known[path] = True
            return source
    return read_source(loader) if path in roots else None


def _ask(me: object, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
    finders = list(sys.meta_path)
    for other in finders[finders.index(me) + 1 :] if me in finders else finders:
        find_spec = getattr(other, "find_spec", None)
        if find_spec is not None and (spec := find_spec(name, path, target)) is not None:
            return spec  # type: ignore[no-any-return]
    return None
