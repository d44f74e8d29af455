"""`core.ownwrites` with a clock, for several threads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable

from pepperpy_reload.core.ownwrites import OwnWrites

_MOST = 1000  # files that are written between two looks


class Authored:
    """What a program writes itself, told by any thread and at any time, and what that means for saves."""

    def __init__(self) -> None:
        self._own = OwnWrites()
        self._taking = threading.Lock()
        self._written: deque[tuple[str, float]] = deque(maxlen=_MOST)

    def wrote(self, path: str) -> None:
        """The program opens this file to write to it, or has moved another one there; waits for nobody."""
        self._written.append((path, time.monotonic()))

    def heeded(self, paths: Iterable[str]) -> frozenset[str]:
        """Of files that have changed those that count."""
        with self._taking:
            self._take()
            return self._own.heeded(paths, time.monotonic())

    def acted(self, paths: Iterable[str]) -> str:
        """There was a reload, or a restart, because of these files; a sentence if one of them is left alone now."""
        with self._taking:
            self._take()
            return self._own.acted(paths, time.monotonic())

    def _take(self) -> None:
        while self._written:
            self._own.wrote(*self._written.popleft())
