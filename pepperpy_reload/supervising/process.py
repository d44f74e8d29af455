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
from functools import partial
from typing import TYPE_CHECKING

from pepperpy_reload.core.report import ReloadStatus
from pepperpy_reload.supervising import firstborn, signals
from pepperpy_reload.supervising.answers import Answers
from pepperpy_reload.supervising.channel import Channel, Message
from pepperpy_reload.supervising.guard import CODE
from pepperpy_reload.supervising.memory import times_out_of_memory
from pepperpy_reload.supervising.newborn import Newborn, settle
from pepperpy_reload.supervising.orders import Orders
from pepperpy_reload.supervising.stacks import Stacks

if TYPE_CHECKING:  # it brings along what a worker needs
    from pepperpy_reload.preloading.loads import Source

_READ_OUT = 1.0  # seconds that a message of a dead worker is waited for: a fork of its own may hold the line open


class WorkerProcess:
    """A running worker. `on_message` and `on_exit` are called from threads of ours, in this order, with this object.

    `on_exit` comes once, after the last message, when the process and all that it has started are gone. With `beside`,
    that worker serves meanwhile: this one waits for the message `enter`, and gets the connections that the other one
    leaves. `texts` are what files are taken to hold until it is ready (see `lending`).
    """

    def __init__(
        self,
        orders: Orders,
        sock: socket.socket | None,
        on_message: Callable[[WorkerProcess, Message], None],
        on_exit: Callable[[WorkerProcess, int], None],
        *,
        beside: WorkerProcess | None = None,
        grace: float = 2.0,
        texts: Mapping[str, str] | None = None,
        fork: Callable[[Mapping[str, str]], Newborn | None],
    ) -> None:
        self.answers = Answers(grace)
        self.plain: bool | None = None
        """Whether it serves nothing; None until it has said so."""
        self.out_of_memory: bool | None = None
        """Once it is gone: whether the system ended processes for lack of memory meanwhile, if that can be told."""
        self.crashed_at = ""
        """Once it is gone: where in the user's code it was, in brackets after a blank, if it has crashed."""
        self._times = times_out_of_memory()
        self.pid = 0
        """The process's number, once it has said so."""
        self.version = 0
        """The number of what was saved that it is known to run."""
        self.is_wrong = False
        """Whether it does not run what it was given last."""
        self.has_served = False
        """Whether it has been the worker."""
        self.is_told_to_end = False
        self.sources: list[Source] = []
        """The files of the user's own modules that it has imported, once it has said so."""
        self.libraries: list[str] = []
        """The modules that it has imported and that are not the user's own, once it has said so."""
        self._cutting = threading.Lock()
        legacy = None if beside is None else beside.legacy()
        try:
            environment = orders.environment()
            born = fork(environment) or firstborn.take(environment) or _start(environment)
            self.is_fork = born.is_fork
            """See Newborn."""
            self._process, self._channel = born.guard, born.channel
            self._lifeline: int | None = born.lifeline
            """While it is open, the guard lets the process live."""
            if not born.has_orders:
                self._channel.send(orders.as_json())
            self._estate = (
                born.estate
                if born.has_place
                else settle(born.channel, sock, legacy, beside=beside is not None, lends=bool(texts))
            )
            if texts:
                self._channel.post({"texts": dict(texts)})  # they may be long, and it may be slow to read
        finally:
            if legacy is not None:
                legacy.close()
        self._roots = orders.roots
        self._stacks: Stacks | None = None
        self._paper = born.stacks
        self._on_message = on_message
        self._on_exit = on_exit
        self._gone = threading.Event()
        for message in born.said:
            self._hear(message)
        self._reader = self._channel.listen(self._hear, lambda: None)
        threading.Thread(target=self._attend, name="pepperpy-reload-wait", daemon=True).start()

    def reported(self, status: ReloadStatus) -> None:
        """It has said what became of a batch."""
        self.is_wrong = status in (ReloadStatus.FAILED, ReloadStatus.RESTART)

    def post(self, message: Message) -> None:
        """Have a message sent; never waits."""
        self._channel.post(message)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Ask the process to end."""
        self.is_told_to_end = True
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def signal_group(self, number: int) -> None:
        """Send a signal to the process and what it has started in its group."""
        with suppress(ProcessLookupError, PermissionError):
            if self.pid and not self._gone.is_set():
                os.killpg(self.pid, number)

    def kill(self) -> None:
        """End the process and all that it has started, now."""
        self._cut()
        self.end(signal.SIGCONT)  # the guard may have been stopped

    @property
    def is_killed(self) -> bool:
        """Whether it was killed, or is gone."""
        return self._lifeline is None

    def obituary(self, status: int) -> str:
        """How it has ended, for a person; it is gone."""
        return f"{signals.end_of(status, self.out_of_memory)}{self.crashed_at}"

    def whereabouts(self) -> str:
        """Where in the user's code it is, in brackets after a blank; "" if that cannot be told."""
        where = "" if self._stacks is None else self._stacks.whereabouts()
        return f" ({where})" if where else ""

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

    def _cut(self) -> None:
        with self._cutting:
            lifeline, self._lifeline = self._lifeline, None
        if lifeline is not None:
            os.close(lifeline)

    def _hear(self, message: Message) -> None:
        if message.get("type") == "born":
            if self._stacks is None:  # it says so before it runs anybody's code, and whom we signal stays who it is
                self.pid = int(message["pid"])
                ask = partial(self._channel.post, {"type": "where"})
                paper, self._paper = self._paper, None
                self._stacks = Stacks(self.pid, message["stacks"], self._roots, ask, paper)
        elif message.get("type") == "where":
            if self._stacks is not None:
                self._stacks.take(str(message.get("stacks", "")))
        else:
            self._on_message(self, message)

    def _attend(self) -> None:
        """Wait for the end; the guard has cleared up by then: nothing that the worker started is left."""
        status = self._process.wait()
        now = times_out_of_memory()
        self.out_of_memory = None if now is None or self._times is None else now > self._times
        self._cut()
        if status == -signal.SIGKILL and self.pid:
            self._see_to_the_orphan()
        self._reader.join(_READ_OUT)
        self._channel.close()
        self._close_estate()
        if self._stacks is not None:
            where = self._stacks.last_words() if status < 0 else ""
            self.crashed_at = f" ({where})" if where else ""
            self._stacks.close()
        elif self._paper is not None:
            os.close(self._paper)
        self._gone.set()
        self._on_exit(self, status)

    def _see_to_the_orphan(self) -> None:
        """If it was the guard that was killed, its worker has become our child."""
        with suppress(ChildProcessError, ProcessLookupError):
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def cold(_environment: Mapping[str, str]) -> None:
    """Nothing to fork from is wanted."""


def _start(environment: Mapping[str, str]) -> Newborn:
    """A guard, which starts the worker."""
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    channel, theirs = Channel.pair()
    ours, lifeline = os.pipe()
    try:
        guard = subprocess.Popen(
            [sys.executable, *flags, "-c", CODE, str(theirs.fileno()), str(ours)],
            env=environment,
            pass_fds=[theirs.fileno(), ours],
            start_new_session=True,  # what a terminal sends to all that were started on it is for us alone
        )
    except BaseException:
        channel.close()
        os.close(lifeline)
        raise
    finally:
        theirs.close()
        os.close(ours)
    return Newborn(guard, channel, lifeline)
