"""One worker process, from its start until it and all that it started are gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from pepperpy_reload.supervising.channel import Channel, Message
from pepperpy_reload.supervising.orders import Orders

# `-c` puts the working directory on sys.path, where a file of the user's could stand for a module of ours.
_CODE = """\
import sys
if not sys.flags.safe_path: del sys.path[0]
from pepperpy_reload.supervising.worker import main
main()
"""
_READ_OUT = 1.0  # seconds that a message of a dead worker is waited for: a fork of its own may hold the line open


class WorkerProcess:
    """A running worker. `on_message` and `on_exit` are called from threads of ours, in this order, with this object.

    `on_exit` comes once, after the last message, when the process and its process group are gone.
    """

    def __init__(
        self,
        orders: Orders,
        sock: socket.socket | None,
        on_message: Callable[[WorkerProcess, Message], None],
        on_exit: Callable[[WorkerProcess, int], None],
    ) -> None:
        self._channel, theirs = Channel.pair()
        try:
            self._process = _start(orders.environment(), theirs, sock)
        except BaseException:
            self._channel.close()
            raise
        finally:
            theirs.close()
        self._on_exit = on_exit
        self._reader = self._channel.listen(lambda message: on_message(self, message), lambda: None)
        self._channel.post(orders.as_json() | {"socket": None if sock is None else sock.fileno()})
        threading.Thread(target=self._attend, name="pepperpy-reload-wait", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def post(self, message: Message) -> None:
        """Have a message sent; never waits."""
        self._channel.post(message)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Ask the process to end."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> None:
        """End the process and its process group, now."""
        _kill_group(self._process.pid)
        with suppress(ProcessLookupError):
            self._process.kill()

    def _attend(self) -> None:
        """Wait for the end, then clear up: nothing that the worker started stays behind, and no zombie."""
        if hasattr(os, "waitid"):  # leaves the zombie, so that its number stays its own while the group is killed
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        else:
            self._process.wait()
        _kill_group(self._process.pid)
        status = self._process.wait()
        self._reader.join(_READ_OUT)
        self._channel.close()
        self._on_exit(self, status)


def _start(
    environment: Mapping[str, str], theirs: socket.socket, sock: socket.socket | None
) -> subprocess.Popen[bytes]:
    descriptors = [theirs.fileno()] if sock is None else [theirs.fileno(), sock.fileno()]
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return subprocess.Popen(
        [sys.executable, *flags, "-c", _CODE, str(theirs.fileno())],
        env=environment,
        pass_fds=descriptors,
        start_new_session=True,  # Ctrl-C is ours to hand on, and whatever the worker starts can be found again
    )


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
