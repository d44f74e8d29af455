"""The signals that a supervisor and a worker live by."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

ENDED_BY_SIGNAL = 128
"""A process that a signal ended has this much more than its number as exit status."""
_CAUGHT = ("SIGINT", "SIGTERM", "SIGHUP", "SIGTSTP", "SIGCONT")
_TERMINAL = Path("/dev/tty")


class Signalled(NamedTuple):
    """We got a signal."""

    number: int


@contextmanager
def caught(on_signal: Callable[[Signalled], None]) -> Iterator[None]:
    """Inside, the signals that end, reload and suspend us go to `on_signal`, which is called
    in a thread of its own. What we were told to ignore stays so.
    """

    def note(_number: int, _frame: FrameType | None) -> None:
        """That there is a handler has Python write the number to the wakeup descriptor."""

    def read() -> None:
        while data := os.read(noted, 64):
            for number in data:
                on_signal(Signalled(number))

    wanted = [getattr(signal, name) for name in _CAUGHT if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in wanted}
    caught_ones = [number for number in wanted if before[number] is not signal.SIG_IGN]
    # Read by a thread: the system may hand a signal to any thread, and that does not wake a main thread that waits.
    noted, written = os.pipe()
    os.set_blocking(written, False)
    reader = threading.Thread(target=read, name="pepperpy-reload-signals", daemon=True)
    reader.start()
    former = signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    for number in caught_ones:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number in caught_ones:
            signal.signal(number, before[number])
        signal.set_wakeup_fd(former)
        os.close(written)
        reader.join()
        os.close(noted)


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


def end_of(status: int, out_of_memory: bool | None) -> str:
    """How a worker came to its end, for a person; a negative status is a signal's number.

    `out_of_memory` says whether the system had no memory left meanwhile, None that this is not known.
    """
    if status >= 0:
        return f"the worker ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    why = {True: ": there was no memory left", None: " (out of memory?)", False: ""}[out_of_memory]
    return f"the worker was killed by {name}{why if name == 'SIGKILL' else ''}"
