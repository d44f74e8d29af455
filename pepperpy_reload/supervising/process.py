"""One worker process, from its start until it and all that it started are gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from pepperpy_reload.serving.bequest import line
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

    `on_exit` comes once, after the last message, when the process and its process group are gone. With `beside`, that
    worker serves meanwhile: this one waits for the message `enter`, and gets the connections that the other one leaves.
    """

    def __init__(
        self,
        orders: Orders,
        sock: socket.socket | None,
        on_message: Callable[[WorkerProcess, Message], None],
        on_exit: Callable[[WorkerProcess, int], None],
        *,
        beside: WorkerProcess | None = None,
    ) -> None:
        self.plain: bool | None = None
        """Whether it serves nothing; None until it has said so."""
        self._channel, theirs = Channel.pair()
        ends = None if sock is None else line()
        self._estate: socket.socket | None
        self._estate, estate = ends or (None, None)
        legacy = None if beside is None else beside.legacy()
        passed = {"socket": sock, "estate": estate, "legacy": legacy}
        numbers = {name: None if one is None else one.fileno() for name, one in passed.items()}
        try:
            self._process = _start(orders.environment(), theirs, [one for one in passed.values() if one is not None])
        except BaseException:
            self._channel.close()
            self._close_estate()
            raise
        finally:
            theirs.close()
            for one in (estate, legacy):
                if one is not None:
                    one.close()
        self._on_exit = on_exit
        self._gone = threading.Event()
        self._reader = self._channel.listen(lambda message: on_message(self, message), lambda: None)
        self._channel.post(orders.as_json() | numbers | {"beside": beside is not None})
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

    def wait(self, patience: float) -> None:
        """Until it is gone, but no longer than that."""
        self._gone.wait(patience)

    def legacy(self) -> socket.socket | None:
        """Where another worker gets this one's connections; the caller's to close."""
        with suppress(OSError):  # it is gone, and has none any more
            return None if self._estate is None else self._estate.dup()
        return None

    def _close_estate(self) -> None:
        if self._estate is not None:
            self._estate.close()

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
        self._close_estate()
        self._gone.set()
        self._on_exit(self, status)


def _start(
    environment: Mapping[str, str], theirs: socket.socket, passed: Sequence[socket.socket]
) -> subprocess.Popen[bytes]:
    descriptors = [theirs.fileno(), *(sock.fileno() for sock in passed)]
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
