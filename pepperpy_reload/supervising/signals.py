"""The signals that a supervisor and a worker live by."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

ENDED_BY_SIGNAL = 128
"""A process that a signal ended has this much more than its number as exit status."""
_TERMINAL = Path("/dev/tty")


@contextmanager
def caught(on_signal: Callable[[int], None]) -> Iterator[None]:
    """Inside, SIGINT, SIGTERM and SIGHUP go to `on_signal`. What we were told to ignore stays ignored."""

    def handle(number: int, _frame: FrameType | None) -> None:
        on_signal(number)

    wanted = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.getsignal(number) for number in wanted}
    caught_ones = [number for number in wanted if before[number] is not signal.SIG_IGN]
    for number in caught_ones:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in caught_ones:
            signal.signal(number, before[number])


def restore() -> None:
    """The signals of a program that was started by hand: nothing blocked, Ctrl-C not ignored."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's `&` has it ignored, and children inherit that
        signal.signal(signal.SIGINT, signal.default_int_handler)


def has_terminal() -> bool:
    """Whether there is a terminal whose end we would share."""
    with suppress(OSError):
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
        return True
    return False


def end_of(status: int) -> str:
    """How a worker came to its end, for a person; a negative status is a signal's number."""
    if status >= 0:
        return f"the worker ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"the worker was killed by {name}{' (out of memory?)' if name == 'SIGKILL' else ''}"
