"""Names that a cold start does not have yet: hidden while a statement is executed whose annotations are looked up."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pepperpy_reload.errors import RestartNeeded

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_IDLE = {
    "threading.py": frozenset({"Thread._bootstrap", "Thread._bootstrap_inner", "Thread.run", "Condition.wait"}),
    "queue.py": frozenset({"Queue.get"}),
    "thread.py": frozenset({"_worker"}),
    "_asyncio.py": frozenset({"WorkerThread.run"}),
}
"""The functions of threads that wait to be given something to do: of the standard library's pools, and of anyio's."""


@contextmanager
def hidden(where: str, namespace: dict[str, Any], names: Collection[str]) -> Iterator[None]:
    """Without these names in a module's namespace; who looks there finds what a cold start has.

    Raises RestartNeeded if another thread might miss them: if one does anything but wait for work from somebody else.
    """
    found = [name for name in names if name in namespace]
    if not found:
        yield
        return
    if busy := _busy_thread():
        raise RestartNeeded(f"{where} looks up {found[0]} before it is bound, and {busy} could miss that meanwhile")
    kept = {name: namespace.pop(name) for name in found}
    try:
        yield
    finally:
        for name, value in kept.items():
            namespace.setdefault(name, value)


def _busy_thread() -> str:
    """The name of another thread that may go on by itself, or ""."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        if ident != threading.get_ident() and not _waits_for_work(frame):
            return f"thread {names.get(ident, ident)}"
    return ""


def _waits_for_work(frame: FrameType | None) -> bool:
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_OURS):
            return True  # our own threads run no code of the project's
        if code.co_qualname not in _IDLE.get(os.path.basename(code.co_filename), ()):
            return False
        frame = frame.f_back
    return True
