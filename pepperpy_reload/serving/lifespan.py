"""The ASGI lifespan protocol, driven by us: an app can be started and stopped while the server goes on."""

from __future__ import annotations

import asyncio
import time
from enum import Enum, auto
from typing import Any

from pepperpy_reload.errors import ReloadError, RestartNeeded, UserCodeError
from pepperpy_reload.importing.footprint import Footprint
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.underway import awaiting
from pepperpy_reload.reloading.usercode import calling_user_code
from pepperpy_reload.serving.kinds import AsgiApp

_TRACEBACK_GRACE = 1.0  # after "startup.failed" an app mostly raises what failed


class _Phase(Enum):
    NEW = auto()
    STARTING = auto()
    RUNNING = auto()
    UNSUPPORTED = auto()
    STOPPING = auto()
    ENDED = auto()


class Lifespan:
    """One app's life: `startup`, then `shutdown`, once each. All of it happens on the loop's thread.

    `state` is what the app has put there for its requests, `footprint` the first-party code that its start-up ran.
    """

    def __init__(self, app: AsgiApp) -> None:
        self.state: dict[str, Any] = {}
        self.footprint = Footprint()
        self.took = 0.0
        """Seconds that the start-up took."""
        self._app = app
        self._phase = _Phase.NEW
        self._asked = False
        self._failure: str | None = None
        self._messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._answered = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def supported(self) -> bool:
        """Whether the app takes part in the protocol."""
        return self._phase in (_Phase.RUNNING, _Phase.STOPPING, _Phase.ENDED)

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task in which the app's lifespan runs, once it was started."""
        return self._task

    async def startup(self, timeout: float | None = None) -> None:
        """Start the app; UserCodeError if it fails, RestartNeeded if it takes longer than `timeout` seconds.

        An app that knows no lifespan is left in peace: it raises, or returns, before it asks for the first message.
        """
        self._phase = _Phase.STARTING
        self._messages.put_nowait({"type": "lifespan.startup"})
        self._task = asyncio.get_running_loop().create_task(self._run(), name="lifespan")
        began = time.monotonic()
        with recorder.record() as footprint:
            await self._wait("startup", timeout)
        self.footprint, self.took = footprint, time.monotonic() - began
        if self._failure is not None:
            await asyncio.wait([self._task], timeout=_TRACEBACK_GRACE)
            raise self._error() or UserCodeError(self._failure or "the app's lifespan.startup failed")
        if self._task.done() and not self._answered.is_set():
            error = self._error()
            if error is not None and self._asked:
                raise error
            self._phase = _Phase.UNSUPPORTED
        else:
            self._phase = _Phase.RUNNING

    async def shutdown(self, timeout: float | None = None) -> None:
        """Stop the app, if it was started; the same errors as `startup`."""
        if self._task is None or self._phase is not _Phase.RUNNING:
            return
        self._phase = _Phase.STOPPING
        self._answered.clear()
        self._messages.put_nowait({"type": "lifespan.shutdown"})
        await self._wait("shutdown", timeout)
        # What the app does after "complete" (closing a context, raising) is a part of its end.
        await asyncio.wait([self._task], timeout=_TRACEBACK_GRACE)
        self._phase = _Phase.ENDED
        error = self._error()
        if error is not None or self._failure is not None:
            raise error or UserCodeError(self._failure or "the app's lifespan.shutdown failed")

    async def _wait(self, what: str, timeout: float | None) -> None:
        """Wait until the app has answered or returned."""
        assert self._task is not None
        answered = asyncio.ensure_future(self._answered.wait())
        try:
            done, _ = await asyncio.wait({self._task, answered}, timeout=timeout, return_when="FIRST_COMPLETED")
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        finally:
            answered.cancel()
        if not done:
            where = self.where()
            self._task.cancel()
            raise RestartNeeded(f"the app's lifespan {what} has not ended after {timeout:g} s{where}")

    def where(self) -> str:
        """Where it waits, as ` (file:line)`: the user's own line, if there is one."""
        if self._task is None:
            return ""
        for frame in awaiting(self._task.get_coro()):
            if frame.f_code.co_filename in recorder.roots:
                return f" ({frame.f_code.co_filename}:{frame.f_lineno})"
        return ""

    def _error(self) -> ReloadError | None:
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        error = self._task.exception()
        return error if isinstance(error, ReloadError) else None

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        # Here and not around the task: a SystemExit that leaves a task ends the loop.
        with calling_user_code():
            try:
                await self._app(scope, self._receive, self._send)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or not task.cancelling():
                    raise

    async def _receive(self) -> dict[str, str]:
        self._asked = True
        return await self._messages.get()

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"].endswith(".failed"):
            self._failure = message.get("message", "")
        self._answered.set()
