"""Where a worker is that does not answer: the stacks of its threads, which it tells whatever it does.

A thread of its own tells them as long as it gets the interpreter's lock. Where something in C keeps that, Python's
fault handler writes them inside a signal handler; only then: while Python code runs it may read a frame that is being
made, and crash (seen with 3.13). A process that is stopped can do neither, and then the system says so.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from traceback import walk_stack

_ASKING = int(getattr(signal, "SIGRTMIN", 0)) + 7  # nobody's; a program that uses it itself is only not understood
_PATIENCE = 0.2  # seconds that the stacks may take
_SETTLED = 0.01  # seconds without another line after which they are complete
_LOOK = 0.002
_CRASH = "Fatal Python error: "
_THREAD = r"^(?:Current thread|Thread) "  # no patterns yet: a worker, which has this too, looks for none of them
_FRAME = r'^  File "(.*)", line (\d+) in '


def paper() -> int | None:
    """The descriptor of a new file in memory for stacks; None where there is no such thing."""
    if sys.platform != "linux" or not hasattr(os, "memfd_create"):
        return None
    return os.memfd_create("pepperpy-reload-stacks")


def offer(descriptor: int | None = None) -> int | None:
    """In the worker: have the stacks written when they are asked for; the descriptor that they go to, if any.

    It is the given one, which a supervisor has as well: it can read it also of a worker that is gone at once.
    """
    descriptor = paper() if descriptor is None else descriptor
    if descriptor is None:
        return None
    import faulthandler

    if not faulthandler.is_enabled():  # else the person wants them on standard error
        faulthandler.enable(descriptor)
    faulthandler.register(_ASKING, file=descriptor, all_threads=True, chain=False)
    return descriptor


def told() -> str:
    """In the worker: the stacks, as the fault handler would write them."""
    lines = []
    main = threading.main_thread().ident
    for thread, innermost in sorted(sys._current_frames().items(), key=lambda item: item[0] != main):
        lines.append(f"Thread {thread:#x} (most recent call first):")
        for frame, line in walk_stack(innermost):
            lines.append(f'  File "{frame.f_code.co_filename}", line {line} in {frame.f_code.co_name}')
    return "\n".join(lines)


class Stacks:
    """The stacks of the process `pid`: it is asked for them by `ask`, or writes them to its `descriptor`.

    `file` is a descriptor of ours for the same, if there is one; it is closed with this.
    """

    def __init__(
        self,
        pid: int,
        descriptor: int | None,
        roots: Sequence[str],
        ask: Callable[[], object],
        file: int | None = None,
    ) -> None:
        self._pid = pid
        self._ask = ask
        self._answer = ""
        self._answered = threading.Event()
        self._roots = roots
        self._file = file
        self._using = threading.Lock()
        """Somebody uses the file: a process may end, and another thread close it, while it is asked."""
        if descriptor is not None and file is None:
            with suppress(OSError):  # it is gone already
                self._file = os.open(f"/proc/{pid}/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)

    def whereabouts(self) -> str:
        """`file:line` of the user's code that runs, or what else keeps the process; "" if that cannot be told."""
        with self._using:
            return "" if self._file is None else self._whereabouts()

    def take(self, answer: str) -> None:
        """It has told its stacks."""
        self._answer = answer
        self._answered.set()

    def _whereabouts(self) -> str:
        status = _status(self._pid)
        if status.get("State", "").startswith(("T", "t")):
            return "the process is stopped"
        self._answered.clear()
        self._ask()
        if self._answered.wait(_PATIENCE):
            return next(self._first_party_of(self._answer), "")
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
        from pepperpy_reload.drawing.excerpt import shortened  # a supervisor mostly does without
        from pepperpy_reload.importing.roots import Roots

        first_party = Roots()
        first_party.narrow(self._roots)
        threads = [part for part in re.split(f"(?={_THREAD})", text, flags=re.MULTILINE) if part]
        for thread in sorted(threads, key=lambda part: not part.startswith("Current")):
            for file, line in re.findall(_FRAME, thread, re.MULTILINE):
                if file in first_party:
                    yield f"{shortened(file)}:{line}"
                    break


def _status(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
