"""Exact edges, footprints, sources and times, recorded while modules load; one recorder per process.

No lock of ours is held while user code or the import machinery runs: every thread has its own stack, and what they
share are dictionaries whose single operations are atomic.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import CodeType, FrameType, ModuleType
from typing import Any, Protocol
from weakref import WeakSet, ref

from pepperpy_reload.core.graph import Edge, EdgeKind, ImportGraph
from pepperpy_reload.importing.doors import CODE, audit_hook, wrap_imports
from pepperpy_reload.importing.footprint import Activity, CodeKey, Watch
from pepperpy_reload.importing.joining import join_load
from pepperpy_reload.importing.roots import Roots
from pepperpy_reload.importing.settled import Settled

_bootstrap: Any = importlib._bootstrap


@dataclass(slots=True)
class Loaded:
    """What is known of a first-party module that has been run.

    `code` is the compiled module whose nested code objects the live functions have; `ran` the functions that ran while
    it was executed, by offset of the statement (see Activity), None where that could not be recorded; `reads` the
    files that it opened meanwhile. `adopted` modules were loaded before we were: their source is what was on the disk
    when we came.
    """

    name: str
    path: str
    source: bytes
    code: CodeType
    ran: dict[int, set[CodeKey]] | None
    reads: dict[int, set[str]] = field(default_factory=dict)
    by_unit: bool = False
    """Whether `ran` and `reads` go by the index of the unit instead: so it is once a reload has sorted them."""
    trigger: tuple[str, int] | None = None
    """The module whose import statement loaded this one, and the offset of that statement in its bytecode."""
    in_force: dict[int, tuple[ref[CodeType], ...]] = field(default_factory=dict)
    """By the id of a code object in `code`: equal ones of earlier versions, as long as live functions have them."""
    adopted: bool = False

    @property
    def footprint(self) -> set[CodeKey]:
        """All functions that ran while the module was executed."""
        return set().union(*(self.ran or {}).values())

    @property
    def files(self) -> set[str]:
        """All files that were opened while the module was executed."""
        return set().union(*self.reads.values())


@dataclass(frozen=True, slots=True)
class Memory:
    """A copy of what a recorder knows."""

    graph: ImportGraph
    modules: dict[str, Loaded]
    rank: dict[str, int]
    importers: set[str]
    outside: set[str]
    settled: Settled


class LoadListener(Protocol):
    """Who wants to be told of every module that begins and ends to load."""

    def load_begins(self, name: str) -> None:
        """`name` is about to be found and run on this thread."""

    def load_ends(self, name: str, error: BaseException | None) -> None:
        """It has been, or has failed."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Footprint:
    """What a call into user code ran: functions, and modules that it imported. It follows functions that move."""

    functions: set[CodeKey] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)


class Recorder:
    """The process's memory of its imports."""

    def __init__(self) -> None:
        self.roots = Roots()
        self.graph = ImportGraph()
        self.modules: dict[str, Loaded] = {}
        self.rank: dict[str, int] = {}
        """The place of each first-party module in the order in which modules *began* to be run."""
        self.runners: dict[CodeKey, set[str]] = {}
        """By function: the modules that may have run it while they were executed; `Loaded.ran` is the truth."""
        self.watch = Watch(self.roots.__contains__)
        self.importers: set[str] = set()
        """The names of the modules whose imports are recorded: first-party ones."""
        self.outside: set[str] = set()
        """First-party modules that were imported by others than first-party modules: a library, a prompt."""
        self.settled = Settled()
        self.on_import: Callable[[str, str], object] = _nothing
        """Called, while modules are awaited, with each module that is about to be imported from, and its importer."""
        self.awaited: dict[str, ModuleType] = {}
        """Modules that a reload has taken out of sys.modules, to be run again."""
        self.awaiting = 0
        """The thread that runs them again; to others they are there as they are."""
        self.held: Mapping[str, ModuleType] = {}
        """Modules that have been imported ahead; `lift` is called with the one that is going to be loaded."""
        self.lift: Callable[[str], object] = lift_nothing
        self._tidied = 0
        self._footprints: WeakSet[Footprint] = WeakSet()
        self._listeners: list[LoadListener] = []
        self._originals: tuple[Any, Any, Any] | None = None
        self._wrappers: tuple[Any, Any, Any] | None = None
        self._audited = False
        self._local = threading.local()

    # --- switching on and off

    def attach(self, listener: LoadListener) -> None:
        """Tell `listener` of every load from now on; the first one arms the recorder."""
        if listener not in self._listeners:
            self._listeners.append(listener)
        if self._originals is None:
            self._arm()

    def detach(self, listener: LoadListener) -> None:
        """Tell it no more; with the last one the recorder undoes all that it did to the import system.

        Only the audit hook stays, inert: Python has no way to remove one.
        """
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners and self._originals is not None:
            self._disarm()

    @property
    def armed(self) -> bool:
        """Whether imports are being recorded."""
        return self._originals is not None

    def _arm(self) -> None:
        self._originals = (builtins.__import__, _bootstrap._gcd_import, _bootstrap._find_and_load)
        self._wrappers = wrap_imports(self, *self._originals)
        builtins.__import__, _bootstrap._gcd_import, _bootstrap._find_and_load = self._wrappers
        self.importers.update(self.modules)  # of the last time
        if not self._audited:
            self._audited = True
            sys.addaudithook(audit_hook(self))

    def _disarm(self) -> None:
        assert self._originals is not None
        assert self._wrappers is not None
        # Somebody may have wrapped us meanwhile: then ours stay below theirs, with nothing left to record.
        if builtins.__import__ is self._wrappers[0]:
            builtins.__import__ = self._originals[0]
        if _bootstrap._gcd_import is self._wrappers[1]:
            _bootstrap._gcd_import = self._originals[1]
        if _bootstrap._find_and_load is self._wrappers[2]:
            _bootstrap._find_and_load = self._originals[2]
        self._originals = self._wrappers = None
        self.importers.clear()
        self.watch.close()

    # --- loads

    @property
    def _loads(self) -> list[str]:
        """The loads under way on this thread, innermost last."""
        try:
            return self._local.loads  # type: ignore[no-any-return]
        except AttributeError:
            self._local.loads = []
            return self._local.loads  # type: ignore[no-any-return]

    def join(self, listener: LoadListener, name: str) -> None:
        """`name` is being searched for: if that is a load which `listener` was not told of, tell it now."""
        if name in self._loads:
            listener.load_begins(name)
        elif join_load(name, partial(self._joined_load_ends, name)):
            self.load_begins(name)

    def _joined_load_ends(self, name: str, error: BaseException | None, importing: FrameType) -> None:
        self.load_ends(name, error)
        importer = importing.f_globals.get("__name__")
        if importer in self.importers:  # its import statement came before ours did
            self.note_edge(importer, name, EdgeKind.IMPORT, importing, failed=error is not None)

    def load_begins(self, name: str) -> None:
        """Called by the wrapper of the import system when a module is not there yet."""
        self._loads.append(name)
        self.watch.load_begins(name)
        for listener in tuple(self._listeners):
            listener.load_begins(name)

    def load_ends(self, name: str, error: BaseException | None) -> None:
        """The way back of `load_begins`."""
        self._loads.pop()
        self.watch.load_ends()
        for listener in tuple(self._listeners):
            listener.load_ends(name, error)

    @contextmanager
    def running(self, name: str, path: str, source: bytes, code: CodeType) -> Iterator[Activity]:
        """Record what happens while the code of first-party module `name` is executed on this thread."""
        self.importers.add(name)
        self.rank.setdefault(name, len(self.rank))
        self.graph.add_node(name)
        self.graph.drop_imports(name)
        stack = self.watch.stack
        above = stack[-1] if stack else None
        before = self.modules.get(name)
        trigger = (above.module, above.offset) if above is not None and above.module else None
        if above is None and before is not None:
            trigger = before.trigger
        loaded = Loaded(name, path, source, code, None, trigger=trigger)
        self.modules[name] = loaded
        activity = Activity(name, code, None)
        self.watch.enter(activity)
        try:
            yield activity
        except BaseException:
            self.modules.pop(name)
            if before is not None:
                self.modules[name] = before
            else:
                self._hand_on(name, trigger)
            raise
        finally:
            self.watch.leave()
            loaded.ran = None if activity.missing else activity.ran
            loaded.reads = activity.opened
            if loaded.ran:
                self.note_runner(name, loaded.footprint)
        self.settled.settle(name, getattr(sys.modules.get(name), "__dict__", {}))

    def _hand_on(self, failed: str, trigger: tuple[str, int] | None) -> None:
        """What a module had loaded before it failed stays: it is there because of who wanted that module."""
        for loaded in list(self.modules.values()):
            if loaded.trigger is not None and loaded.trigger[0] == failed:
                loaded.trigger = trigger

    def note_runner(self, module: str, functions: Iterable[CodeKey]) -> None:
        """`module` ran these functions while it was executed."""
        for key in functions:
            self.runners.setdefault(key, set()).add(module)

    @contextmanager
    def record(self) -> Iterator[Footprint]:
        """Record which first-party functions a call into user code runs, and what it imports."""
        before = set(self.modules)
        footprint = Footprint()
        self._footprints.add(footprint)
        activity = Activity("", None, None)
        self.watch.enter(activity)
        try:
            yield footprint
        finally:
            self.watch.leave()
            footprint.functions |= set().union(*activity.ran.values())
            footprint.modules |= set(self.modules) - before

    def rename(self, keys: Mapping[CodeKey, CodeKey]) -> None:
        """Functions have moved in their files: recorded calls know them by their new keys."""
        for footprint in list(self._footprints):
            footprint.functions = {keys.get(key, key) for key in footprint.functions}

    def forget(self, name: str) -> None:
        """Module `name` is gone."""
        self.modules.pop(name, None)
        self.importers.discard(name)
        self.outside.discard(name)
        self.settled.forget(name)
        self.graph.drop(name)

    def adopt(self, name: str, path: str, source: bytes, code: CodeType) -> None:
        """Know a module that was run without us, or is being run as a program."""
        self.importers.add(name)
        self.rank.setdefault(name, len(self.rank))
        self.graph.add_node(name)
        self.modules[name] = Loaded(name, path, source, code, None, adopted=True)

    def tidy(self) -> None:
        """Forget of functions that no module ran any more that they were run: they have moved, or are gone."""
        if len(self.runners) > self._tidied:
            self.runners = {}
            for name, loaded in self.modules.items():
                self.note_runner(name, loaded.footprint)
            self._tidied = len(self.runners)

    def memory(self) -> Memory:
        """What is known now, for `restore`."""
        return Memory(
            self.graph.copy(), dict(self.modules), dict(self.rank), set(self.importers), set(self.outside),
            self.settled.copy(),
        )  # fmt: skip

    def restore(self, memory: Memory) -> None:
        """Know again what was known then."""
        self.graph.become(memory.graph)
        self.modules = memory.modules
        self.rank = memory.rank
        self.importers.clear()
        self.importers.update(memory.importers)
        self.outside = memory.outside
        self.settled = memory.settled

    def is_elsewhere(self) -> bool:
        """Whether it is another thread that runs modules again."""
        return threading.get_ident() != self.awaiting

    def load_awaited(
        self, namespace: Mapping[str, Any], name: str, fromlist: tuple[str, ...] | None, level: int
    ) -> None:
        """An import statement begins while a reload runs modules again: import the awaited submodules that it names.

        The import system would not: their package still has them as attributes. Then whoever reloads is told.
        """
        full = _absolute(namespace, name, level) if level else name
        submodules = [f"{full}.{item}" for item in fromlist or ()]
        for submodule in submodules:
            if submodule in self.awaited and submodule not in sys.modules:
                importlib.import_module(submodule)
        for imported in (full, *submodules):
            self.on_import(imported, str(namespace.get("__name__")))

    # --- edges

    def note_outside(self, name: str, fromlist: tuple[str, ...] | None = ()) -> None:
        """Somebody who is not first-party has imported first-party module `name`, or these names of it."""
        if self.awaited:  # a reload runs modules again: it needs none of them itself
            return
        self.outside.add(name)
        self.outside.update(inner for item in fromlist or () if (inner := f"{name}.{item}") in self.modules)

    def listens(self, namespace: Mapping[str, Any]) -> bool:
        """Whether an import that is called, as a function, from a module with this namespace may be an edge."""
        return namespace.get("__name__") in self.importers or bool(self.watch.stack)

    def note_import(
        self,
        namespace: Mapping[str, Any],
        name: str,
        fromlist: tuple[str, ...] | None,
        level: int,
        frame: FrameType,
        *,
        failed: bool,
    ) -> None:
        """An import statement of a first-party module has been executed."""
        if not isinstance(name, str):  # a TypeError is under way
            return
        if frame.f_globals is not namespace:
            frame = _frame_of(namespace, frame)
        full = _absolute(namespace, name, level) if level else name
        importer = str(namespace.get("__name__"))
        kind = EdgeKind.IMPORT if not fromlist else EdgeKind.STAR if "*" in fromlist else EdgeKind.FROM
        for imported, missing in _targets(full, fromlist, failed=failed):
            self.note_edge(importer, imported, kind, frame, failed=missing)

    def note_edge(self, importer: str, imported: str, kind: EdgeKind, frame: FrameType, *, failed: bool) -> None:
        """`importer` has imported `imported`; so has the module that is being run on this thread, if it is another.

        Of the imports that third-party code makes for it, only those of first-party modules count.
        """
        if imported == importer:
            return
        stack = self.watch.stack
        ours = importer in self.importers
        if ours and not self.graph.is_settled(importer, imported):
            back = not failed and _is_initializing(imported)
            # A program is never through with its own statements, and a module may have begun before we did.
            at_import = bool(stack) or importer == "__main__" or _is_initializing(importer)
            file = frame.f_code.co_filename
            self.graph.add(Edge(importer, imported, file, frame.f_lineno, kind, at_import, back, failed))
        running = stack[-1].module if stack else ""
        if running and running not in (importer, imported) and (ours or imported in self.modules):
            back = not failed and _is_initializing(imported)
            # It has no import statement for this: what it was executing meanwhile is what depends on it.
            self.graph.add(Edge(running, imported, "", stack[-1].line, EdgeKind.IMPORT_MODULE, True, back, failed))

    def note_read(self, path: str) -> None:
        """A file has been opened for reading on this thread."""
        stack = self.watch.stack
        if stack and not path.endswith(CODE) and not path.startswith("/proc/"):
            real = os.path.realpath(path)
            if real in self.roots:
                stack[-1].opened.setdefault(stack[-1].offset, set()).add(real)


def _nothing(_imported: str, _importer: str) -> None:
    """Nobody is reloading."""


def lift_nothing(_name: str) -> None:
    """Nothing has been imported ahead."""


def _frame_of(namespace: Mapping[str, Any], frame: FrameType) -> FrameType:
    """The innermost frame of that namespace: somebody else may have wrapped `__import__` as well."""
    found: FrameType | None = frame
    while found is not None and found.f_globals is not namespace:
        found = found.f_back
    return found or frame


def _is_initializing(name: str) -> bool:
    return bool(getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False))


def _absolute(namespace: Mapping[str, Any], name: str, level: int) -> str:
    """The absolute name that a relative import means (PEP 328, PEP 366)."""
    package = namespace.get("__package__")
    if package is None:
        package = namespace["__name__"]
        if "__path__" not in namespace:
            package = package.rpartition(".")[0]
    base = package.rsplit(".", level - 1)[0] if level > 1 else package
    return f"{base}.{name}" if name else base


def _targets(full: str, fromlist: tuple[str, ...] | None, *, failed: bool) -> list[tuple[str, bool]]:
    """The modules that an import statement reaches, and whether each could not be had."""
    if not fromlist:
        if "." not in full:
            return [(full, full not in sys.modules)]
        parts = full.split(".")
        names = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
        return [(name, name not in sys.modules) for name in names]
    module = sys.modules.get(full)
    found = [(full, module is None)]
    for name in fromlist if "*" not in fromlist else getattr(module, "__all__", ()):
        submodule = f"{full}.{name}"
        if submodule in sys.modules:
            found.append((submodule, False))
        elif failed or (module is not None and name not in vars(module) and not hasattr(type(module), name)):
            found.append((submodule, True))
    return found


recorder = Recorder()
"""The one recorder of this process."""
