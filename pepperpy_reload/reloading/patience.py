"""How long a plan may take to be carried out: a running program waits meanwhile, and for a new process it would not."""

from __future__ import annotations

import time
from collections.abc import Callable

from pepperpy_reload.errors import RestartNeeded

LIMIT = 3.0
"""Seconds of processor time, what the user's own statements take apart: a restart takes that, too."""


class Patience:
    """Begins to count when it is made, in the thread that carries the plan out."""

    def __init__(self) -> None:
        self._since = time.thread_time()

    def during(self, where: str, execute: Callable[[], object]) -> None:
        """Execute something, which does not count. Raises RestartNeeded if all else has taken too long."""
        began = time.thread_time()
        try:
            execute()
        finally:
            self._since += time.thread_time() - began
        if time.thread_time() - self._since > LIMIT:
            raise RestartNeeded(f"{where} and more are executed again: a new process is ready sooner")
