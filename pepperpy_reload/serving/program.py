"""A call into a program of the user's: how it ends, how it is ended, and what a reload may do meanwhile."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pepperpy_reload.reloading.checkpoint import CHECKPOINTS
from pepperpy_reload.reloading.usercode import calling_user_code
from pepperpy_reload.serving.loops import exit_status
from pepperpy_reload.serving.session import Activity

if TYPE_CHECKING:
    from pepperpy_reload.core.report import ReloadReport

AT_WORK = Activity(besides="the program")
INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended


class PlainSettle:
    """A reload under a running program: patches are live at its next call, more than that needs a restart.

    A program that has checkpoints says by them that it holds nothing there; of a script, `recorded` is False: nobody
    has noted what it has imported.
    """

    def __init__(self, running: Callable[[], str], *, recorded: bool = True) -> None:
        self._running = running
        self._recorded = recorded

    def refuse(self, planned: ReloadReport) -> str:
        """More than patches, or a patch of the very function that runs, needs a restart."""
        running = self._running()
        if running and running in planned.patched:
            return f"{running} is running and would go on with its old code"
        if self._recorded and CHECKPOINTS.used:
            return ""
        again = sorted({*planned.imported, *(place.partition(":")[0] for place in planned.ran)})
        return f"{running} is running and may hold objects of {', '.join(again)}" if running and again else ""

    def concerns(self) -> bool:
        """Nothing is served."""
        return False

    def has_to_follow(self) -> bool:
        """Nothing is served."""
        return False

    def __call__(self, report: ReloadReport) -> str | None:  # noqa: ARG002 - what Settle asks
        """Nothing is served."""
        return None

    def undo(self) -> None:
        """Nothing was done."""


class Program:
    """One call into the user's program, in the main thread."""

    def __init__(self) -> None:
        self.stops = 0
        self._active = False

    def call(self, program: Callable[[], Any]) -> tuple[Any, int | None]:
        """What `program` returned, and None; or None, and the exit status with which it ended.

        UserCodeError if it raises.
        """
        with calling_user_code():
            try:
                self._active = True
                if self.stops:
                    return None, INTERRUPTED
                return program(), None
            except SystemExit as end:
                return None, exit_status(end)
            except KeyboardInterrupt:
                return None, INTERRUPTED
            finally:
                self._active = False
        raise AssertionError("unreachable")

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the program, wherever it is."""
        self.stops += 1
        if not self._active:
            return
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        if hasattr(signal, "pthread_kill"):  # only a real signal wakes a main thread that sleeps
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        else:
            signal.raise_signal(signal.SIGINT)
