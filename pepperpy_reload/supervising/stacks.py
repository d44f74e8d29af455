"""Where a worker is that does not answer: the stacks of its threads, which it writes whatever it does.

Python's own fault handler writes them inside a signal handler in C: neither the interpreter's lock nor a turn of the
main thread is needed. Only a process that is stopped cannot do that, and then the system says so.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pepperpy_reload.drawing.excerpt import shortened

_ASKING = int(getattr(signal, "SIGRTMIN", 0)) + 7  # nobody's; a program that uses it itself is only not understood
_PATIENCE = 0.2  # seconds that the stacks may take
_SETTLED = 0.01  # seconds without another line after which they are complete
_LOOK = 0.002
_CRASH = "Fatal Python error: "
_THREAD = re.compile(r"^(?:Current thread|Thread) ", re.MULTILINE)
_FRAME = re.compile(r'^  File "(.*)", line (\d+) in ', re.MULTILINE)


def offer() -> int | None:
    """In the worker: have the stacks written when they are asked for; the descriptor that they go to, if any."""
    if sys.platform != "linux" or not hasattr(os, "memfd_create"):
        return None
    import faulthandler

    descriptor = os.memfd_create("pepperpy-reload-stacks")
    if not faulthandler.is_enabled():  # else the person wants them on standard error
        faulthandler.enable(descriptor)
    faulthandler.register(_ASKING, file=descriptor, all_threads=True, chain=False)
    return descriptor


class Stacks:
    """The stacks of the process `pid`, which it writes to its `descriptor`."""

    def __init__(self, pid: int, descriptor: int | None, roots: Sequence[str]) -> None:
        self._pid = pid
        self._roots = roots
        self._file: int | None = None
        self._using = threading.Lock()
        """Somebody uses the file: a process may end, and another thread close it, while it is asked."""
        if descriptor is not None:
            with suppress(OSError):  # it is gone already
                self._file = os.open(f"/proc/{pid}/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)

    def whereabouts(self) -> str:
        """`file:line` of the user's code that runs, or what else keeps the process; "" if that cannot be told."""
        with self._using:
            return "" if self._file is None else self._whereabouts()

    def _whereabouts(self) -> str:
        status = _status(self._pid)
        if status.get("State", "").startswith(("T", "t")):
            return "the process is stopped"
        if not int(status.get("SigCgt", "0"), 16) >> (_ASKING - 1) & 1:
            return ""  # it is another program by now, and would die of the signal
        return next(self._first_party_of(self._asked()), "")

    def last_words(self) -> str:
        """`file:line` of the user's code that ran when the process crashed; "" if that cannot be told."""
        with self._using:
            if self._file is None:
                return ""
            text = os.pread(self._file, os.fstat(self._file).st_size, 0).decode("utf-8", "replace")
        _, crashed, stacks = text.rpartition(_CRASH)
        return next(self._first_party_of(stacks), "") if crashed else ""

    def close(self) -> None:
        """It is not asked any more."""
        with self._using:
            file, self._file = self._file, None
            if file is not None:
                os.close(file)

    def _asked(self) -> str:
        assert self._file is not None
        before = size = os.fstat(self._file).st_size
        with suppress(ProcessLookupError):
            os.kill(self._pid, _ASKING)
        deadline = time.monotonic() + _PATIENCE
        settled = deadline
        while (now := time.monotonic()) < min(deadline, settled):
            grown = os.fstat(self._file).st_size
            if grown != size:
                size, settled = grown, now + _SETTLED
            time.sleep(_LOOK)
        return os.pread(self._file, size - before, before).decode("utf-8", "replace")

    def _first_party_of(self, text: str) -> Iterator[str]:
        """The innermost places in the user's code, those of the main thread first: that is who hears of signals."""
        from pepperpy_reload.importing.roots import Roots  # a supervisor mostly does without

        first_party = Roots()
        first_party.narrow(self._roots)
        threads = [part for part in re.split(f"(?={_THREAD.pattern})", text, flags=re.MULTILINE) if part]
        for thread in sorted(threads, key=lambda part: not part.startswith("Current")):
            for file, line in _FRAME.findall(thread):
                if file in first_party:
                    yield f"{shortened(file)}:{line}"
                    break


def _status(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
