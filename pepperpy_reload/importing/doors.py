"""The doors through which imports go, each with our note taken at it, and the files that are opened meanwhile."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from pepperpy_reload.core.graph import EdgeKind
from pepperpy_reload.importing.edges import absolute, with_packages
from pepperpy_reload.importing.executed import EXECUTED
from pepperpy_reload.importing.stripping import strip

if TYPE_CHECKING:
    from pepperpy_reload.importing.recorder import Recorder

CODE = (".py", ".pyc")
"""What is opened to be imported: no data."""
_IMPORT_MODULE = importlib.import_module.__code__
_WRITES = frozenset("wax+")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def wrap_imports(recorder: Recorder, plain_import: Any, gcd_import: Any, find_and_load: Any) -> tuple[Any, Any, Any]:
    """`builtins.__import__`, `_gcd_import` and `_find_and_load` of importlib, in ours.

    Our frames are taken off the tracebacks of what is raised through them: an exception caught here carries this frame
    first, and a bare `raise` does not add it again.
    """
    doors = (
        _statement_door(recorder, plain_import),
        _call_door(recorder, gcd_import),
        _load_door(recorder, find_and_load),
    )
    for door, original in zip(doors, (plain_import, gcd_import, find_and_load), strict=True):
        vars(door)["__wrapped__"] = original  # who has taken it from `builtins` has taken what it stands for
    return doors


def _statement_door(recorder: Recorder, plain_import: Any) -> Callable[..., ModuleType]:  # noqa: C901 - see below
    """Import statements, and calls of `__import__`.

    Every import goes through it, and on 3.11 whoever is listened to pays for each call three times: it makes none.
    """
    importers, notes, modules = recorder.importers, recorder.graph.notes, sys.modules
    here, entered = recorder.watch.local, recorder.watch.entered
    note_import = recorder.note_import
    if sys.version_info < (3, 12):
        note_import = _unheard(recorder)
        plain_import = partial(plain_import)  # to call a builtin function is two events, to call this is none

    def __import__(  # noqa: C901, N807 - it is called so
        name: str,
        globals: dict[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: tuple[str, ...] | None = (),
        level: int = 0,
    ) -> ModuleType:
        nonlocal notes
        if entered and locals is globals is not None and (stack := here.stack):
            top = stack[-1]
            if (
                top.is_plain
                and (frame := top.frame) is not None
                and frame.f_globals is globals
                and recorder.on_import is None
            ):
                # A statement of the module itself, most likely: what there is to know of it is noted as it is.
                try:
                    module = plain_import(name, globals, locals, fromlist, level)
                except BaseException as error:
                    error.__traceback__ = strip(error.__traceback__)
                    note_import(globals, name, fromlist, level, sys._getframe(1), failed=True)
                    raise
                full = absolute(globals, name, level) if level else name
                if not fromlist:
                    notes += (top.module, full, None, top.code, frame.f_lasti)
                    return module  # type: ignore[no-any-return]
                if module.__class__ is ModuleType:
                    found: tuple[str, ...] = ()
                    names = module.__dict__
                    for item in fromlist:
                        if (submodule := f"{full}.{item}") in modules:
                            found += (submodule,)
                        elif item not in names:
                            break
                    else:
                        notes += (top.module, full, found, top.code, frame.f_lasti)
                        return module
                note_import(globals, name, fromlist, level, sys._getframe(1), failed=False)
                return module  # type: ignore[no-any-return]
        namespace = globals
        if namespace is None:  # no statement but a call, perhaps for somebody else: werkzeug imports so what it is told
            namespace = sys._getframe(1).f_globals
            watched = recorder.listens(namespace)
        else:
            watched = (
                bool(importers)
                and namespace.__class__ is dict
                and "__name__" in namespace
                and namespace["__name__"] in importers
            )
        try:
            if watched and recorder.on_import is not None and not recorder.is_elsewhere():
                recorder.load_awaited(namespace, name, fromlist, level)
            module = plain_import(name, globals, locals, fromlist, level)
        except BaseException as error:
            error.__traceback__ = strip(error.__traceback__)
            if watched:
                note_import(namespace, name, fromlist, level, sys._getframe(1), failed=True)
            raise
        if watched:
            note_import(namespace, name, fromlist, level, sys._getframe(1), failed=False)
        elif not level and name in recorder.by_name:
            recorder.note_outside(name, fromlist)
        return module  # type: ignore[no-any-return]

    return __import__


if sys.version_info < (3, 12):

    def _unheard(recorder: Recorder) -> Callable[..., None]:
        """`note_import` of a recorder, not listened to itself: that would take longer than its work."""

        def note_import(*arguments: Any, failed: bool) -> None:
            listening = recorder.watch.pause()
            try:
                recorder.note_import(*arguments, failed=failed)
            finally:
                if listening:
                    recorder.watch.go_on()

        return note_import


def _call_door(recorder: Recorder, gcd_import: Any) -> Callable[..., ModuleType]:
    """Calls of `importlib.import_module`."""

    def _gcd_import(name: str, package: str | None = None, level: int = 0) -> ModuleType:
        frame = sys._getframe(1)
        namespace: Mapping[str, Any] = {}
        if frame.f_code is _IMPORT_MODULE and frame.f_back is not None:
            frame = frame.f_back
            namespace = frame.f_globals
        watched = bool(namespace) and recorder.listens(namespace)
        if watched and recorder.on_import is not None and not recorder.is_elsewhere():
            recorder.on_import(_called_for(name, package, level), str(namespace.get("__name__")))
        try:
            module = gcd_import(name, package, level)
        except BaseException as error:
            error.__traceback__ = strip(error.__traceback__)
            if watched:
                _note_dynamic(recorder, namespace, name, package, level, frame)
            raise
        if watched:
            _note_dynamic(recorder, namespace, name, package, level, frame)
        elif name in recorder.by_name and not level:
            recorder.note_outside(name)
        return module  # type: ignore[no-any-return]

    return _gcd_import


def _load_door(recorder: Recorder, find_and_load: Any) -> Callable[..., ModuleType]:
    """What is not there yet and is going to be found and loaded."""

    def _find_and_load(name: str, import_: Any) -> ModuleType:
        if recorder.awaited:
            awaited = recorder.awaited.get(name)
            if awaited is not None and recorder.is_elsewhere():
                return awaited  # it may be on its way already, and fail
        if name in sys.modules:
            return find_and_load(name, import_)  # type: ignore[no-any-return]
        recorder.load_begins(name)
        try:
            if name in recorder.held:
                recorder.lift(name)
            module = find_and_load(name, import_)
        except BaseException as error:
            error.__traceback__ = strip(error.__traceback__)
            recorder.load_ends(name, error)
            raise
        recorder.load_ends(name, None)
        return module  # type: ignore[no-any-return]

    return _find_and_load


def _note_dynamic(
    recorder: Recorder, namespace: Mapping[str, Any], name: str, package: str | None, level: int, frame: FrameType
) -> None:
    full = _called_for(name, package, level)
    for imported in with_packages(full) if full else ():
        missing = imported not in sys.modules
        recorder.note_edge(str(namespace.get("__name__")), imported, EdgeKind.IMPORT_MODULE, frame, failed=missing)


def _called_for(name: str, package: str | None, level: int) -> str:
    """The full name of what is imported by a call; "" if nothing of that name can be: that error is under way."""
    try:
        return importlib.util.resolve_name("." * level + name, package) if level else name
    except (ImportError, TypeError, ValueError):
        return ""


def audit_hook(recorder: Recorder) -> Any:
    """Notes the files that are read while modules are executed, and those that are written whenever that is."""

    def hook(
        event: str,
        arguments: tuple[Any, ...],
        recorder: Recorder = recorder,
        CODE: tuple[str, ...] = CODE,  # noqa: N803
        EXECUTED: str = EXECUTED,  # noqa: N803
        WRITES: frozenset[str] = _WRITES,  # noqa: N803
        WRITING: int = _WRITING,  # noqa: N803
    ) -> None:
        # It can never be removed and runs to the very end of the process: everything it uses is bound here.
        if event != "open":
            if event == "exec" and arguments[0].co_name != EXECUTED:
                recorder.watch.note_executed()
            elif event == "os.rename" and recorder.on_write is not None:
                recorder.note_write(arguments[1])
            return
        path, mode, flags = arguments
        is_read = mode in ("r", "rb") or not (mode or (flags or 0) & WRITING)
        if (is_read and path.__class__ is str and path.endswith(CODE)) or not recorder.armed:  # nearly all of them
            return
        if isinstance(mode, str):
            reads, writes = "r" in mode, not WRITES.isdisjoint(mode)
        else:
            writes = bool((flags or 0) & WRITING)
            reads = not writes
        if writes and recorder.on_write is not None:
            recorder.note_write(path)
        if reads and isinstance(path, str | bytes | os.PathLike):
            recorder.note_read(os.fsdecode(path))

    return hook
