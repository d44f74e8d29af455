"""A worker that has just come into being: started, or forked from the zygote."""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from pepperpy_reload.supervising.channel import Channel


class Guard(Protocol):
    """The process above a worker, which ends when and as the worker does; our child."""

    def wait(self) -> int:
        """Until it is gone; its exit status, a signal's number being negative."""
        ...

    def send_signal(self, number: int, /) -> None:
        """Send it a signal; nothing if it is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Newborn:
    """A worker that waits: its guard, our end of its channel, and the descriptor that keeps it alive.

    A fork of the zygote waits for its place, any other one for its orders, too.
    """

    guard: Guard | subprocess.Popen[bytes]
    channel: Channel
    lifeline: int
    is_fork: bool = False


class Adopted:
    """A guard whose parent has ended, so that it is our child now."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._gone = threading.Lock()
        self._status: int | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        try:
            return os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:
            return False

    def wait(self) -> int:
        """See Guard."""
        with suppress(ChildProcessError):  # leaves the zombie, so that its number stays its own
            os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
        with self._gone:
            if self._status is None:
                try:
                    self._status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
                except ChildProcessError:
                    self._status = 0
            return self._status

    def send_signal(self, number: int, /) -> None:
        """See Guard."""
        with self._gone:
            if self._status is None:
                os.kill(self._pid, number)
