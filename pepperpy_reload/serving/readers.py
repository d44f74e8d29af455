"""User code that runs right now in thread pools: the readers that a reload waits for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import thread as futures_thread
from types import FrameType
from typing import Any

from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.reloading.underway import awaiting, frames_of_others, is_pool_worker, outwards

POLL = 0.002  # seconds between two looks
OURS = "pepperpy-reload"
"""How the names of our own threads begin."""


class Readers:
    """Tells which pool threads are in the middle of first-party code."""

    def __init__(self, is_first_party: Callable[[str], bool]) -> None:
        self._is_first_party = is_first_party

    def blocking(self) -> str:
        """`file:line` of a pool thread that runs, or is about to run, first-party code; "" if there is none."""
        threads = {thread.ident: thread for thread in threading.enumerate()}
        for ident, frame in frames_of_others().items():
            stack = list(outwards(frame))
            if not is_pool_worker(stack):
                continue
            where = self.first_party(stack)
            if where or _has_work(threads.get(ident), stack):
                return where or "a thread pool with work to do"
        return ""

    def strangers(self) -> str:
        """What runs beside the main thread: code in a pool, or the name of a thread of the program's own; or ""."""
        frames = frames_of_others()
        for thread in threading.enumerate():
            if thread is threading.main_thread() or thread.name.startswith(OURS) or thread.ident not in frames:
                continue
            if not is_pool_worker(list(outwards(frames[thread.ident]))):
                return f"thread {thread.name}"
        return self.blocking()

    def first_party(self, stack: list[FrameType]) -> str:
        """`file:line` of the innermost first-party frame of a stack, innermost first."""
        for frame in stack:
            if self._is_first_party(frame.f_code.co_filename):
                return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        return ""

    def in_tasks(self, tasks: Iterable[asyncio.Task[Any]]) -> str:
        """`file:line` where the first of these tasks that is in first-party code waits; on the loop's thread."""
        for task in tasks:
            if where := self.first_party(awaiting(task.get_coro())):
                return where
        return ""


def wait_until_none(blocking: Callable[[], str], grace: float, what: str) -> None:
    """Wait until `blocking` names nothing; RestartNeeded, with what it named, after `grace` seconds."""
    deadline = time.monotonic() + grace
    while where := blocking():
        if time.monotonic() >= deadline:
            raise RestartNeeded(f"{what} for {grace:g} s ({where})")
        time.sleep(POLL)


def _has_work(thread: threading.Thread | None, stack: list[FrameType]) -> bool:
    """Whether a call waits for the thread, or has been taken and not begun."""
    queue: Any = getattr(thread, "queue", None)
    if queue is not None:  # anyio's: idle means inside queue.get()
        return queue.qsize() > 0 or stack[0].f_code.co_qualname == "WorkerThread.run"
    queue = futures_thread._threads_queues.get(thread)
    return queue is not None and queue.qsize() > 0
