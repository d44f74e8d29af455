"""A worker that has just come into being: started, or forked from the zygote."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from contextlib import suppress
from typing import NamedTuple, Protocol

from pepperpy_reload.serving.bequest import line
from pepperpy_reload.supervising.channel import Channel, Message


class Guard(Protocol):
    """The process above a worker, which ends when and as the worker does; our child."""

    def wait(self) -> int:
        """Until it is gone; its exit status, a signal's number being negative."""
        ...

    def send_signal(self, number: int, /) -> None:
        """Send it a signal; nothing if it is gone."""
        ...


class Newborn(NamedTuple):
    """A worker that waits: its guard, our end of its channel, and the descriptor that keeps it alive.

    It waits for its orders and for its place, if it has not got them yet.
    """

    guard: Guard | subprocess.Popen[bytes]
    channel: Channel
    lifeline: int
    is_fork: bool = False
    """Whether it was forked from a process that has imported libraries."""
    has_orders: bool = False
    estate: socket.socket | None = None
    """Where another worker gets its connections, if it has a place with a socket."""
    has_place: bool = False
    said: tuple[Message, ...] = ()
    """What it has been heard to say by now."""
    stacks: int | None = None
    """A descriptor of ours for the file that it writes its stacks to, if there is one by now."""


def settle(
    channel: Channel,
    sock: socket.socket | None,
    legacy: socket.socket | None = None,
    *,
    beside: bool = False,
    lends: bool = False,
) -> socket.socket | None:
    """Give a worker its place: from now on it runs. Returns where another one gets its connections, if it has any.

    `sock` is what it serves on, if it serves; `beside` that another one does meanwhile, whose connections come by
    `legacy`; `lends` that texts follow, which it takes files to hold.
    """
    ours, estate = (None if sock is None else line()) or (None, None)
    passed = {"socket": sock, "estate": estate, "legacy": legacy}
    numbers = {name: None if one is None else one.fileno() for name, one in passed.items()}
    try:
        place = numbers | {"beside": beside, "texts": lends}
        channel.send_with(place, [one.fileno() for one in passed.values() if one is not None])
    except BaseException:
        if ours is not None:
            ours.close()
        raise
    finally:
        if estate is not None:
            estate.close()
    return ours


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
