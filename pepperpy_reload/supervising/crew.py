"""The workers of a supervisor: the one that serves, the heir beside it, and those whose place was taken."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Mapping

from pepperpy_reload.supervising.channel import Message
from pepperpy_reload.supervising.listener import Listener
from pepperpy_reload.supervising.newborn import Newborn
from pepperpy_reload.supervising.orders import Orders
from pepperpy_reload.supervising.process import WorkerProcess, cold
from pepperpy_reload.supervising.warmth import Warmth

_MOST = 8  # that were told to end and have not: of more, the eldest is killed
_BURIAL = 2.0  # seconds that a killed process may take to be gone


class Crew:
    """Does what the table says, to the right process. `on_message` and `on_exit` come from threads of the workers'.

    A worker that was told to end because its place was taken has `grace` seconds; `due` says when to call `expire`.
    """

    def __init__(
        self,
        orders: Orders,
        listener: Listener | None,
        on_message: Callable[[WorkerProcess, Message], None],
        on_exit: Callable[[WorkerProcess, int], None],
        grace: float,
        warmth: Warmth,
    ) -> None:
        self.worker: WorkerProcess | None = None
        self.heir: WorkerProcess | None = None
        self.version = 0
        """The number of what was saved that the next worker begins with."""
        self.texts: Mapping[str, str] | None = None
        """What files are taken to hold by the next worker, and that one only."""
        self._orders = orders
        self._listener = listener
        self._heard = on_message, on_exit
        self._grace = grace
        self._warmth = warmth
        self._retired: dict[WorkerProcess, float] = {}

    @property
    def due(self) -> float | None:
        """When the next one that was told to end has had its time."""
        return min(self._retired.values(), default=None)

    def start(self, *, warm: bool) -> None:
        """Start the one worker, forked if that is possible and `warm`."""
        fork = self._warmth.fork if warm else cold
        self.worker = self._new(fork, None)

    def start_heir(self, now: float) -> None:
        """Start another one beside it."""
        self.dismiss(now)
        self.heir = self._new(self._warmth.fork, self.worker)

    def promote(self, now: float, *, kill: bool = False) -> None:
        """The heir takes the worker's place."""
        former, self.worker, self.heir = self.worker, self.heir, None
        if self.worker is not None:
            self.worker.has_served = True
            self.worker.post({"type": "enter"})
            self._warmth.learn(self.worker.libraries, self.worker.sources)
        if former is not None:
            self._retire(former, now)
            if kill:
                former.kill()

    def dismiss(self, now: float) -> None:
        """The heir, if there is one, is not wanted any more."""
        heir, self.heir = self.heir, None
        if heir is not None:
            self._retire(heir, now)

    def end(self, now: float, number: int, *, serves: bool = False) -> None:
        """Tell all of them to end. One that serves is told so by a message: a debugger may have taken its SIGINT."""
        self.dismiss(now)
        if self.worker is not None and serves and number == signal.SIGINT:
            self.worker.post({"type": "end"})
        elif self.worker is not None:
            self.worker.end(number)

    def stop(self) -> None:
        """Have all of them stand still, as Ctrl-Z does with what runs on a terminal."""
        for process in self._all():
            process.signal_group(signal.SIGSTOP)

    def go_on(self, now: float) -> None:
        """Have them go on after that."""
        for process in self._all():
            process.signal_group(signal.SIGCONT)
            process.answers.again(now)

    def kill(self) -> None:
        """End all of them at once."""
        for process in self._all():
            process.kill()

    def expire(self, now: float) -> list[str]:
        """Kill those that were told to end and have had their time; where each of them was."""
        found = []
        for process, deadline in self._retired.items():
            if now >= deadline:
                if not process.is_killed:
                    found.append(process.whereabouts())
                process.kill()
                self._retired[process] = now + _BURIAL
        return found

    def forget(self, process: WorkerProcess) -> None:
        """It is gone."""
        self._retired.pop(process, None)
        if process is self.worker:
            self.worker = None
        elif process is self.heir:
            self.heir = None

    def bury(self) -> None:
        """End all of them, and wait until that is so."""
        self.kill()
        for process in self._all():
            process.wait(_BURIAL)

    def _new(self, fork: Callable[[Mapping[str, str]], Newborn | None], beside: WorkerProcess | None) -> WorkerProcess:
        texts, self.texts = self.texts, None
        process = WorkerProcess(
            self._orders, self._sock, *self._heard, beside=beside, grace=self._grace, texts=texts, fork=fork
        )
        process.version = self.version
        return process

    def _retire(self, process: WorkerProcess, now: float) -> None:
        process.end(signal.SIGTERM)
        while len(self._retired) >= _MOST:
            eldest = min(self._retired, key=self._retired.__getitem__)
            eldest.kill()
            del self._retired[eldest]
        self._retired[process] = now + self._grace

    def _all(self) -> list[WorkerProcess]:
        return [process for process in (self.worker, self.heir, *self._retired) if process is not None]

    @property
    def _sock(self) -> socket.socket | None:
        return None if self._listener is None else self._listener.sock
