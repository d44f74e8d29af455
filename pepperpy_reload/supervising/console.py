"""The terminal that all of us were started on: who reads from it, and what Ctrl-C and Ctrl-Z mean there."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from pepperpy_reload.core.batch import Quiet
from pepperpy_reload.drawing.news import Note
from pepperpy_reload.drawing.terminal import Display
from pepperpy_reload.supervising.keyboard import Keyboard
from pepperpy_reload.supervising.process import WorkerProcess
from pepperpy_reload.supervising.staff import Staff

_TWICE = 1.0  # seconds between two Ctrl-C that belong together


class Console:
    """Gives the terminal to who needs it: us for single keys, or a worker in which somebody types at a prompt.

    What would end a worker waits until nobody does. While it is `paused`, saves are kept back; `put` gets them then.
    """

    def __init__(self, staff: Staff, display: Display, keyboard: Keyboard | None, put: Callable[[Quiet], None]) -> None:
        self._staff = staff
        self._display = display
        self._keyboard = keyboard
        self._put = put
        self._paused = False
        self._kept: frozenset[str] = frozenset()
        self._reason = ""
        self._interrupted_at = float("-inf")

    def close(self) -> None:
        """The terminal is as it was found."""
        if self._keyboard is not None:
            self._keyboard.release()

    def pause(self) -> bool:
        """Keep saves back from now on, or, if they are, no more; whether they are kept now."""
        self._paused = not self._paused
        paths, self._kept = self._kept, frozenset()
        if paths:
            self._put(Quiet(paths))
        return self._paused

    def keeps(self, paths: frozenset[str], reason: str) -> bool:
        """Whether a save is kept back: because of a pause, or because it needs a new worker for this reason."""
        if self._paused:
            self._kept |= paths
            return True
        if not reason or not self._at_a_prompt():
            return False
        self._reason = reason
        self._display.show(Note(f"{reason}: that waits until nobody is at the prompt"))
        return True

    def interrupts_a_prompt(self) -> bool:
        """Ctrl-C: whether it was passed on to who reads at a prompt. Who presses it twice means us."""
        now = time.monotonic()
        before, self._interrupted_at = self._interrupted_at, now
        if now - before < _TWICE:
            return False
        for process in self._processes():
            if process.answers.reading and process.answers.interruptible:
                process.end(signal.SIGINT)
                return True
        return False

    def stand_still(self) -> None:
        """Ctrl-Z: all of us, until somebody has us go on."""
        self.close()
        for place in self._staff.places:
            place.crew.stop()
        os.kill(os.getpid(), signal.SIGSTOP)
        self.go_on()

    def go_on(self) -> None:
        """Have all of us go on."""
        for place in self._staff.places:
            place.crew.go_on(time.monotonic())

    def mind(self) -> bool:
        """Do what has waited, if nobody is at a prompt any more; whether keys are read from now on."""
        if self._reason and not self._at_a_prompt():
            reason, self._reason = self._reason, ""
            self._staff.restart(reason)
        if self._keyboard is None:
            return False
        reading = any(process.answers.reading for process in self._processes())
        serving = self._staff.was_ready and not self._staff.plain and not self._staff.closing
        if serving and not reading:
            return self._keyboard.take()
        self._keyboard.release()
        return False

    def _at_a_prompt(self) -> bool:
        return any(place.at_a_prompt for place in self._staff.places)

    def _processes(self) -> list[WorkerProcess]:
        crews = [place.crew for place in self._staff.places]
        both = [process for crew in crews for process in (crew.worker, crew.heir)]
        return [process for process in both if process is not None]
