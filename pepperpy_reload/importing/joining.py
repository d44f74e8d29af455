"""Joining a load that is under way already: that of the import which made somebody listen."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_bootstrap: Any = importlib._bootstrap
_LOADS = _bootstrap._find_and_load.__code__
_LEAVES = _bootstrap._ModuleLockManager.__exit__.__code__


def join_load(name: str, ended: Callable[[BaseException | None, FrameType], None]) -> bool:
    """Call `ended` when the load of `name` on this thread is over; whether there is one.

    It is called with what was raised, or None, and with the frame whose import it was.

    The import system holds a lock of the module's own while it finds and runs it, and gives it back in a `with`
    statement's exit, which is told what was raised.
    """
    lock = _held_lock(name)
    outer = _loading_frame(sys._getframe(1), name) if lock is not None else None
    if outer is None:
        return False

    def release() -> None:
        type(lock).release(lock)
        frame = sys._getframe(1)
        # An import cycle takes and gives back the same lock in between, from other places.
        if frame.f_code is _LEAVES and frame.f_back is outer:
            del lock.release
            arguments = frame.f_locals.get("args", ())
            ended(arguments[1] if len(arguments) > 1 else None, _importing_frame(outer))

    lock.release = release
    return True


def _held_lock(name: str) -> Any:
    reference = _bootstrap._module_locks.get(name)
    lock = reference() if reference is not None else None
    return lock if lock is not None and lock.owner == threading.get_ident() else None


def _loading_frame(frame: FrameType | None, name: str) -> FrameType | None:
    """The frame of the import system's function that holds the lock of `name`."""
    while frame is not None:
        if frame.f_code is _LOADS and frame.f_locals.get("name") == name:
            return frame
        frame = frame.f_back
    return None


def _importing_frame(frame: FrameType) -> FrameType:
    while frame.f_code.co_filename == _LOADS.co_filename and frame.f_back is not None:
        frame = frame.f_back
    return frame
