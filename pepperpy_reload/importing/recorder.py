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
from contextlib import contextmanager, suppress
from functools import partial
from types import BuiltinFunctionType, CodeType, FrameType, ModuleType
from typing import Any, NamedTuple, Protocol
from weakref import WeakSet

from pepperpy_reload.core.graph import Edge, EdgeKind, ImportGraph
from pepperpy_reload.importing.doors import CODE, audit_hook, wrap_imports
from pepperpy_reload.importing.edges import RecordedGraph, absolute, frame_of, is_initializing, targets
from pepperpy_reload.importing.footprint import Activity, CodeKey, Footprint, Watch
from pepperpy_reload.importing.joining import join_load
from pepperpy_reload.importing.known import Known
from pepperpy_reload.importing.loaded import NOTHING, Loaded
from pepperpy_reload.importing.room import call_with_room
from pepperpy_reload.importing.roots import Roots
from pepperpy_reload.importing.runners import Runners
from pepperpy_reload.importing.settled import Settled

_bootstrap: Any = importlib._bootstrap


class Memory(NamedTuple):
    """A copy of what a recorder knows."""

    graph: ImportGraph
    modules: dict[str, Loaded]
    rank: dict[str, int]
    importers: set[str]
    outside: set[str]
    settled: Settled


class Part(NamedTuple):
    """What a recorder knows of some modules, and the order in which all begin to be run."""

    modules: dict[str, Loaded]
    imports: dict[str, list[Edge]]
    rank: dict[str, int]


class LoadListener(Protocol):
    """Who wants to be told of every module that begins and ends to load."""

    def load_begins(self, name: str) -> None:
        """`name` is about to be found and run on this thread."""

    def load_ends(self, name: str, error: BaseException | None) -> None:
        """It has been, or has failed."""


class Recorder:
    """The process's memory of its imports."""

    def __init__(self) -> None:
        self.roots = Roots()
        self.graph = RecordedGraph()
        self.by_name = Known()
        """`modules`, for whoever does not ask what they ran."""
        self.rank: dict[str, int] = {}
        """The place of each first-party module in the order in which modules *began* to be run."""
        self._ran = Runners()
        self.watch = Watch(self.roots)
        self.importers: set[str] = set()
        """The names of the modules whose imports are recorded: first-party ones."""
        self.outside: set[str] = set()
        """First-party modules that were imported by others than first-party modules: a library, a prompt."""
        self.settled = Settled()
        self.on_import: Callable[[str, str], object] | None = None
        """Called during a reload with each module that is about to be imported from, and its importer."""
        self.on_write: Callable[[str], object] | None = None
        """Called, in any thread, with each file below the roots that this process opens to write to."""
        self.awaited: dict[str, ModuleType] = {}
        """Modules that a reload has taken out of sys.modules, to be run again."""
        self.awaiting = 0
        """The thread that runs them again; to others they are there as they are."""
        self.held: Mapping[str, ModuleType] = {}
        """Modules that have been imported ahead; `lift` is called with the one that is going to be loaded."""
        self.lift: Callable[[str], object] = lift_nothing
        self._early: tuple[str, ...] = ()
        self._footprints: WeakSet[Footprint] = WeakSet()
        self._listeners: tuple[LoadListener, ...] = ()
        self._originals: tuple[Any, Any, Any] | None = None
        self._wrappers: tuple[Any, Any, Any] | None = None
        self._audited = False

    @property
    def modules(self) -> Known:
        """What is known of each first-party module that has been run, by name."""
        if self._ran.noted:
            self._ran.sort()
        return self.by_name

    @property
    def runners(self) -> dict[CodeKey, set[str]]:
        """By function: the modules that may have run it while they were executed; `Loaded.ran` is the truth."""
        return self._ran.found()

    # --- switching on and off

    def attach(self, listener: LoadListener) -> None:
        """Tell `listener` of every load from now on; the first one arms the recorder."""
        if listener not in self._listeners:
            self._listeners += (listener,)
        if self._originals is None:
            self._arm()

    def detach(self, listener: LoadListener) -> None:
        """Tell it no more; with the last one the recorder undoes all that it did to the import system.

        Only the audit hook stays, inert: Python has no way to remove one.
        """
        self._listeners = tuple(one for one in self._listeners if one is not listener)
        if not self._listeners and self._originals is not None:
            self._disarm()

    @property
    def armed(self) -> bool:
        """Whether imports are being recorded."""
        return self._originals is not None

    @property
    def plain_door(self) -> Any:
        """Our `builtins.__import__`, if there is nothing behind it but Python's own; else None."""
        if self._originals is None or self._wrappers is None or type(self._originals[0]) is not BuiltinFunctionType:
            return None
        return self._wrappers[0]

    def _arm(self) -> None:
        self._originals = (builtins.__import__, _bootstrap._gcd_import, _bootstrap._find_and_load)
        self._wrappers = wrap_imports(self, *self._originals)
        builtins.__import__, _bootstrap._gcd_import, _bootstrap._find_and_load = self._wrappers
        self.importers.update(self.modules)  # of the last time
        self._early = tuple(name for name in list(sys.modules) if is_initializing(name))

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
        return self.watch.local.loads

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
        if sys.version_info < (3, 12):
            self.watch.load_begins(name)  # first of all, for it ends that all this is listened to
        self.watch.local.loads.append(name)
        for listener in self._listeners:
            listener.load_begins(name)

    def load_ends(self, name: str, error: BaseException | None) -> None:
        """The way back of `load_begins`."""
        self.watch.local.loads.pop()
        try:
            for listener in self._listeners:
                listener.load_ends(name, error)
        finally:
            if sys.version_info < (3, 12):
                self.watch.load_ends()

    def run(self, name: str, path: str, source: bytes, code: CodeType, execute: Callable[[], object]) -> None:
        """Execute the code of first-party module `name` on this thread, and record what happens meanwhile."""
        self.importers.add(name)
        if not self._audited:
            self._hear_of_files()
        if name not in self.rank:
            self.rank[name] = len(self.rank)
        self.graph.begin(name)
        here = self.watch.local
        before = self.by_name.get(name)
        trigger = None
        if here.stack:
            above = here.stack[-1]
            trigger = (above.module, above.offset) if above.module else None
        elif before is not None:
            trigger = before.trigger
        loaded = self.by_name[name] = Loaded(name, path, source, code, None, NOTHING, False, trigger, NOTHING)
        activity = Activity(name, code)
        within_others = len(here.loads) > len(here.stack) + 1
        activity.is_plain = not (within_others or self.awaited or self._begun_before_us())
        self.watch.enter(activity)
        try:
            if trigger is None:
                call_with_room(execute)
            else:
                execute()
        except BaseException:
            self.by_name.pop(name)
            if before is not None:
                self.by_name[name] = before
            else:
                self.by_name.hand_on(name, trigger)
            raise
        finally:
            self.watch.leave()
            self.graph.end(name)
            loaded.reads = activity.opened
            if not activity.missing:
                loaded.ran = NOTHING
                if noted := activity.noted():
                    self._ran.note(loaded, noted)
        self.settled.settle(name, getattr(sys.modules.get(name), "__dict__", {}))

    def _hear_of_files(self) -> None:
        """First-party code is going to run: from now on it is told which files are opened, whoever does so."""
        self._audited = True
        sys.addaudithook(audit_hook(self))

    def _begun_before_us(self) -> bool:
        """Whether modules are still being executed whose execution began before this recorder was armed."""
        self._early = tuple(name for name in self._early if is_initializing(name)) if self._early else ()
        return bool(self._early)

    def note_runner(self, module: str, functions: Iterable[CodeKey]) -> None:
        """`module` ran these functions while it was executed."""
        self._ran.add(module, functions)

    @contextmanager
    def record(self) -> Iterator[Footprint]:
        """Record which first-party functions a call into user code runs, and what it imports."""
        if not self._audited:
            self._hear_of_files()
        before = set(self.by_name)
        footprint = Footprint()
        self._footprints.add(footprint)
        activity = Activity("", None)
        self.watch.enter(activity)
        try:
            yield footprint
        finally:
            self.watch.leave()
            footprint.functions |= set().union(*activity.ran.values())
            footprint.modules |= set(self.by_name) - before

    def rename(self, keys: Mapping[CodeKey, CodeKey]) -> None:
        """Functions have moved in their files: recorded calls know them by their new keys."""
        for footprint in list(self._footprints):
            footprint.functions = {keys.get(key, key) for key in footprint.functions}

    def forget(self, name: str) -> None:
        """Module `name` is gone."""
        self.by_name.pop(name, None)
        self.importers.discard(name)
        self.outside.discard(name)
        self.settled.forget(name)
        self.graph.drop(name)

    def adopt(self, name: str, path: str, source: bytes, code: CodeType) -> None:
        """Know a module that was run without us, or is being run as a program."""
        if not self._audited:
            self._hear_of_files()
        self.importers.add(name)
        self.rank.setdefault(name, len(self.rank))
        self.graph.add_node(name)
        self.by_name[name] = Loaded(name, path, source, code, None, adopted=True)

    def tidy(self, moved: Iterable[CodeKey] | None = None) -> None:
        """Forget of functions that no module ran any more that they were run: they have moved, or are gone.

        Of those that have moved, if only functions have been patched.
        """
        if moved is None:
            self._ran.tidy(self.modules)
        else:
            self._ran.forget(moved, self.modules)

    def memory(self) -> Memory:
        """What is known now, for `restore`."""
        return Memory(
            self.graph.copy(), dict(self.modules), dict(self.rank), set(self.importers), set(self.outside),
            self.settled.copy(),
        )  # fmt: skip

    def part(self, names: Iterable[str]) -> Part:
        """What is known now of these modules, for `restore`, if no module is going to be run, or to go."""
        known = {name: self.modules[name] for name in names if name in self.modules}
        return Part(known, {name: self.graph.edges_from(name) for name in known}, self.rank)

    def restore(self, memory: Memory | Part) -> None:
        """Know again what was known then."""
        if isinstance(memory, Part):
            for name, edges in memory.imports.items():
                self.graph.replace_imports(name, edges)
                self.by_name[name] = memory.modules[name]
            self.rank = memory.rank
            return
        self.graph.become(memory.graph)
        self.by_name = self.by_name.become(memory.modules)
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
        """An import statement begins during a reload: import the awaited submodules that it names.

        The import system would not: their package still has them as attributes. Then whoever reloads is told.
        """
        full = absolute(namespace, name, level) if level else name
        submodules = [f"{full}.{item}" for item in fromlist or ()]
        for submodule in submodules:
            if submodule in self.awaited and submodule not in sys.modules:
                importlib.import_module(submodule)
        for imported in (full, *submodules):
            if self.on_import is not None:
                self.on_import(imported, str(namespace.get("__name__")))

    # --- edges

    def note_outside(self, name: str, fromlist: tuple[str, ...] | None = ()) -> None:
        """Somebody who is not first-party has imported first-party module `name`, or these names of it."""
        if self.awaited:  # a reload runs modules again: it needs none of them itself
            return
        self.outside.add(name)
        self.outside.update(inner for item in fromlist or () if (inner := f"{name}.{item}") in self.by_name)

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
            frame = frame_of(namespace, frame)
        full = absolute(namespace, name, level) if level else name
        importer = str(namespace.get("__name__"))
        kind = EdgeKind.IMPORT if not fromlist else EdgeKind.STAR if "*" in fromlist else EdgeKind.FROM
        for imported, missing in targets(full, fromlist, failed=failed):
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
            back = not failed and is_initializing(imported)
            # A program is never through with its own statements, and a module may have begun before we did.
            at_import = bool(stack) or importer == "__main__" or is_initializing(importer)
            file = frame.f_code.co_filename
            self.graph.note(Edge(importer, imported, file, frame.f_lineno, kind, at_import, back, failed))
        running = stack[-1].module if stack else ""
        if running and running not in (importer, imported) and (ours or imported in self.by_name):
            back = not failed and is_initializing(imported)
            # It has no import statement for this: what it was executing meanwhile is what depends on it.
            edge = Edge(running, imported, "", stack[-1].line, EdgeKind.IMPORT_MODULE, True, back, failed)
            self.graph.add(edge)

    def note_read(self, path: str) -> None:
        """A file has been opened for reading on this thread."""
        stack = self.watch.stack
        if stack and not path.endswith(CODE) and not path.startswith("/proc/"):
            real = os.path.realpath(path)
            if real in self.roots:
                stack[-1].note_opened(real)

    def note_write(self, path: object) -> None:
        """A file has been opened for writing, or another one was moved there, on any thread."""
        if not isinstance(path, str | bytes | os.PathLike) or self.on_write is None:
            return
        with suppress(OSError):  # the working directory is gone
            full = os.path.abspath(os.fsdecode(path))
            if not full.endswith(".pyc") and self.roots.surround(full):
                self.on_write(full)


def lift_nothing(_name: str) -> None:
    """Nothing has been imported ahead."""


recorder = Recorder()
"""The one recorder of this process."""
