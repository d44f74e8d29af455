"""A worker tells which first-party files its program writes: what follows from that is no save of the user's."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress

from pepperpy_reload.supervising.channel import Message

_PAUSE = 0.05  # seconds for which a file that is written all the time is not told of again
_MOST = 10  # files that are told of in that time: a program that writes more of them is not reloaded for each


class Authorship:
    """To be called, in any thread, with each file that is written; costs next to nothing and raises nothing."""

    def __init__(self, post: Callable[[Message], object]) -> None:
        self._post = post
        self._process = os.getpid()
        self._told: dict[str, None] = {}
        self._begun = 0.0

    def __call__(self, path: str) -> None:
        """Tell of a file, if it is not one of those that were told of just now."""
        now = time.monotonic()
        if now - self._begun >= _PAUSE:
            self._told, self._begun = {}, now
        if path in self._told or len(self._told) >= _MOST or os.getpid() != self._process:  # a fork has no thread
            return
        self._told[path] = None
        with suppress(RuntimeError):  # Python is about to end, and starts no threads any more
            self._post({"type": "wrote", "path": path})
