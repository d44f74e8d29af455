"""The safe point of a served app."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.reloading.gate import LoopGate, Opening
from pepperpy_reload.serving.kinds import Kind
from pepperpy_reload.serving.readers import Readers, wait_until_none
from pepperpy_reload.serving.slot import Slot

Result = TypeVar("Result")


class ServerGate:
    """New requests are held, user code in threads is waited for, and the action runs on the loop between callbacks.

    A request of an ASGI app that waits for something on the loop does not hinder a reload; every request of a WSGI app
    runs in a thread and does.
    """

    def __init__(self, slot: Slot, readers: Readers, kind: Callable[[], Kind], grace: float) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._slot = slot
        self._readers = readers
        self._kind = kind
        self._grace = grace
        self._opened = threading.Event()

    def open(self) -> None:
        """The app has been started; until then there is no safe point at all."""
        self._opened.set()

    @contextmanager
    def closed(self) -> Iterator[Opening]:
        """New requests wait, and no thread of a pool runs user code."""
        if not self._opened.wait(self._grace):
            raise RestartNeeded("the app is still being started")
        held = self._slot.hold()
        try:
            wait_until_none(self.blocking, self._grace, "a request has been running in a thread")
            yield partial(self._slot.release, held)
        finally:
            if not held.is_set():
                with suppress(RuntimeError):  # the loop is closed: nobody waits
                    self._loop_gate.loop.call_soon_threadsafe(self._slot.release, held)

    def call(self, action: Callable[[], Result]) -> Result:
        """Run `action` on the loop's thread, while no pool thread runs user code."""
        deadline = time.monotonic() + self._grace
        while True:
            # A request that was under way may have sent new work to a pool since `closed` looked: only on the loop's
            # thread can that be excluded.
            done = self.on_loop(lambda: None if self.blocking() else (action(),))
            if done is not None:
                return done[0]
            remaining = max(deadline - time.monotonic(), 0.0)
            wait_until_none(self.blocking, remaining, "a request has been running in a thread")
            if remaining == 0.0:
                raise RestartNeeded(f"requests kept the thread pool busy for {self._grace:g} s")

    def on_loop(self, action: Callable[[], Result]) -> Result:
        """Run `action` on the loop's thread, whatever the pool threads do."""
        return self._loop_gate.call(action)

    def blocking(self) -> str:
        """`file:line` of what is not to be disturbed, "" if there is nothing."""
        where = self._readers.blocking()
        if self._kind() is Kind.WSGI:
            return (where or "a request") if self._slot.in_flight else ""
        return where

    @property
    def _loop_gate(self) -> LoopGate:
        assert self.loop is not None
        return LoopGate(self.loop, self._grace)
