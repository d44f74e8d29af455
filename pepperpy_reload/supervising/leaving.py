"""How a process that runs the user's code is told to end, and does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from pepperpy_reload.serving.session import Session
from pepperpy_reload.serving.target import Kind

SERVED = (Kind.ASGI, Kind.WSGI)
_HASTE = 0.5
_LEAVE = 0.5  # seconds that threads and exit handlers have once the app has ended


def hasty(grace: float) -> float:
    """Seconds that requests still have after Ctrl-C."""
    return min(grace, _HASTE)


class Signals:
    """SIGTERM ends the session; with `interruptible` so does SIGINT if it serves, else that is a KeyboardInterrupt.

    `ending` is called before the session is told, `is_at_prompt` with the frame that a SIGINT came in. `number` is the
    signal that has ended it, 0 as long as none has.
    """

    def __init__(
        self,
        session: Session,
        grace: float,
        ending: Callable[[], None],
        is_at_prompt: Callable[[FrameType | None], bool],
    ) -> None:
        self.number = 0
        self._session = session
        self._grace = grace
        self._ending = ending
        self._is_at_prompt = is_at_prompt

    def obey(self, *, interruptible: bool) -> None:
        """From now on. A process that user code forks ends as any other does: the session is not its own."""
        os.register_at_fork(after_in_child=self._be_plain)
        signal.signal(signal.SIGTERM, self._end)
        if interruptible:
            signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        # The kind of a factory is known once it was called.
        if self._session.kind in SERVED and not self._is_at_prompt(frame):
            self.number = number
            self._session.stop(hasty(self._grace))
        else:
            signal.default_int_handler(number, frame)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        self._ending()
        self._session.stop(self._grace)

    def _be_plain(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) in (self._end, self._interrupt):
                signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)


def insist_on_leaving(status: int) -> None:
    """Have the process end soon: Python waits for ever for a thread of a pool that is stuck in a request."""

    def leave() -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, OSError, ValueError):
                stream.flush()
        os._exit(status)

    timer = threading.Timer(_LEAVE, leave)
    timer.daemon = True
    timer.start()
