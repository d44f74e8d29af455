"""Names that a cold start does not have yet, and that are looked up by who makes a class: they are hidden."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.reloading.underway import frames_of_others, is_pool_worker, outwards

Turn = tuple[object, ...]
"""When something happens in a cold start; see `Scope.order`."""
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_WAITING = {
    threading.__file__: frozenset({"Thread._bootstrap", "Thread._bootstrap_inner", "Thread.run", "Condition.wait"}),
    queue.__file__: frozenset({"Queue.get"}),
}
"""The functions of the standard library that a thread is in which waits to be given something to do."""


@dataclass(frozen=True, slots=True)
class _Kept:
    turn: Turn
    namespace: dict[str, Any]
    name: str
    value: object

    def show(self) -> None:
        self.namespace.setdefault(self.name, self.value)


class Hiding:
    """The names that are missing for the time being: who looks for one finds what a cold start has then."""

    def __init__(self) -> None:
        self._kept: list[_Kept] = []

    def __bool__(self) -> bool:
        """Whether any are missing now."""
        return bool(self._kept)

    def hide(self, where: str, namespace: dict[str, Any], names: Mapping[str, Turn]) -> None:
        """Take names out of a module's namespace until the turn of who binds them.

        Raises RestartNeeded if another thread might miss them: if one does anything but wait for work from others.
        """
        found = [name for name in names if name in namespace]
        if found and (busy := _busy_thread()):
            raise RestartNeeded(f"{where} looks up {found[0]} before it is bound, and {busy} could miss that meanwhile")
        self._kept += [_Kept(names[name], namespace, name, namespace.pop(name)) for name in found]

    def of(self, namespace: dict[str, Any]) -> dict[str, object]:
        """What is missing from a namespace now."""
        return {one.name: one.value for one in self._kept if one.namespace is namespace}

    def show(self, now: Turn | None = None) -> None:
        """Put those back whose turn is before `now`, or all; who has been bound again is left alone."""
        over = [one for one in self._kept if now is None or one.turn < now]
        self._kept = [one for one in self._kept if one not in over]
        for one in over:
            one.show()


def _busy_thread() -> str:
    """The name of another thread that may go on by itself, or ""."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in frames_of_others().items():
        if not (_is_parked(frame) or _waits_for_work(frame)):
            return f"thread {names.get(ident, ident)}"
    return ""


def _is_parked(innermost: FrameType) -> bool:
    """Whether a thread waits for another one to wake it, however long that takes, and none has done so."""
    if innermost.f_code is not threading.Condition.wait.__code__:
        return False
    inside = innermost.f_locals
    return inside.get("timeout") is None and "waiter" in inside and bool(inside["waiter"].locked())


def _waits_for_work(innermost: FrameType) -> bool:
    for frame in outwards(innermost):
        code = frame.f_code
        if code.co_filename.startswith(_OURS):
            return True  # our own threads run no code of the project's
        if code.co_qualname not in _WAITING.get(code.co_filename, ()) and not is_pool_worker((frame,)):
            return False
    return True
