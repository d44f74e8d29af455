"""Safe points of a program that has no requests: places where it says that a reload may happen."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from pepperpy_reload.errors import RestartNeeded

Result = TypeVar("Result")


class Checkpoints:
    """The threads that have passed a checkpoint. From then on reloads happen only while each of them stands at one.

    A thread that does not come to its next checkpoint in time is a reason for a restart, which names where it is.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._members: dict[int, threading.Thread] = {}
        self._standing: set[int] = set()
        self._wanted = False
        self._holder: int | None = None
        self._job: Callable[[], None] | None = None

    @property
    def used(self) -> bool:
        """Whether a thread that still runs has ever passed a checkpoint."""
        return any(thread.is_alive() for thread in list(self._members.values()))

    def arrive(self) -> None:
        """This thread is at a checkpoint: stand still while a reload wants that."""
        here = threading.get_ident()
        if not self._wanted and here in self._members:
            return
        with self._turn:
            self._members[here] = threading.current_thread()  # of an earlier one of that number nothing is left
            if not self._wanted or self._holder == here or here in self._standing:
                return  # nobody asks, or it is the reload itself that came along
            self._standing.add(here)
            self._turn.notify_all()
            while self._wanted:
                self._work(here)
                self._turn.wait()
            self._standing.discard(here)

    @contextmanager
    def held(self, grace: float) -> Iterator[None]:
        """Inside, every thread stands at a checkpoint. RestartNeeded if that cannot be had within `grace` seconds."""
        if self._holder == threading.get_ident():
            yield
            return
        with self._turn:
            self._wanted, self._holder = True, threading.get_ident()
            try:
                deadline = time.monotonic() + grace
                while missing := self._missing():
                    remaining = deadline - time.monotonic()
                    if remaining <= 0:
                        raise RestartNeeded(f"no checkpoint has been reached for {grace:g} s{_place(missing)}")
                    self._turn.wait(min(remaining, 0.05))  # a thread that ends does not say so
            except BaseException:
                self._release()
                raise
        try:
            yield
        finally:
            with self._turn:
                self._release()

    def call(self, action: Callable[[], Result], grace: float) -> Result:
        """Run `action` while all stand still; in the main thread, if that is one of them."""
        with self.held(grace):
            main = threading.main_thread().ident
            if main not in self._standing:
                return action()
            outcome: list[Any] = []
            failure: list[BaseException] = []

            def job() -> None:
                try:
                    outcome.append(action())
                except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that asked
                    failure.append(error)

            with self._turn:
                self._job = job
                self._turn.notify_all()
                while self._job is not None:
                    self._turn.wait()
            if failure:
                raise failure[0]
            return outcome[0]

    def _work(self, here: int) -> None:
        """In the main thread: do what is to be done there, without the lock."""
        if self._job is None or here != threading.main_thread().ident:
            return
        self._turn.release()
        try:
            self._job()
        finally:
            self._turn.acquire()
            self._job = None
            self._turn.notify_all()

    def _missing(self) -> int | None:
        for ident, thread in list(self._members.items()):
            if not thread.is_alive():
                del self._members[ident]
            elif ident not in self._standing:
                return ident
        return None

    def _release(self) -> None:
        self._wanted, self._holder = False, None
        self._turn.notify_all()


CHECKPOINTS = Checkpoints()


def checkpoint() -> None:
    """Say that a reload may happen here: between two turns of a loop, with nothing half done.

    A plain program that calls this is reloaded only while each thread that calls it stands at such a place, and then
    with all that can be done in the process. Without a reloader, and in an app that is served, it does nothing.
    """
    CHECKPOINTS.arrive()


def _place(thread: int) -> str:
    """Where a thread is, as ` (file:line)`: the user's own line, if there is one."""
    from pepperpy_reload.importing.recorder import recorder

    innermost = frame = sys._current_frames().get(thread)
    while frame is not None and frame.f_code.co_filename not in recorder.roots:
        frame = frame.f_back
    shown = frame or innermost
    return f" ({shown.f_code.co_filename}:{shown.f_lineno})" if shown else ""
