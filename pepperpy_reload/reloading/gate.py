"""Safe points: where and when a reload may touch the running program."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar, runtime_checkable

from pepperpy_reload.errors import RestartNeeded, UsageError
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.checkpoint import CHECKPOINTS
from pepperpy_reload.reloading.underway import outwards

Result = TypeVar("Result")
Opening = Callable[[], None]
GRACE = 2.0  # seconds that a safe point is waited for


@runtime_checkable
class Gate(Protocol):
    """What a reload asks of the program that it runs in."""

    def closed(self) -> AbstractContextManager[Opening]:
        """While inside, no new request starts and none is half-way; what it gives ends that earlier, in a `call`.

        Raises RestartNeeded, naming file and line of what blocks, if that cannot be had within a bounded time.
        """
        ...

    def call(self, action: Callable[[], Result]) -> Result:
        """Run `action` where the program's own code runs, and return what it returns.

        Raises RestartNeeded if the program does not come to a safe point within a bounded time.
        """
        ...


class OpenGate:
    """No gate: a reload happens at once, in the thread that asks. A program with checkpoints is reloaded at them."""

    @contextmanager
    def closed(self) -> Iterator[Opening]:
        """Nothing is waited for but checkpoints."""
        if CHECKPOINTS.used:
            with CHECKPOINTS.held(GRACE):
                yield _nothing
        else:
            yield _nothing

    def call(self, action: Callable[[], Result]) -> Result:
        """Run `action` here and now, or at a checkpoint."""
        return CHECKPOINTS.call(action, GRACE) if CHECKPOINTS.used else action()


class CoroutineGate:
    """The gate of a program on a loop: between two callbacks, or at checkpoints if it has such."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._between, self._open = LoopGate(loop), OpenGate()

    def closed(self) -> AbstractContextManager[Opening]:
        """Nothing is waited for but checkpoints."""
        return self._gate.closed()

    def call(self, action: Callable[[], Result]) -> Result:
        """Run `action` between two callbacks, or at a checkpoint."""
        return self._gate.call(action)

    @property
    def _gate(self) -> Gate:
        return self._open if CHECKPOINTS.used else self._between


class ContextGate(OpenGate):
    """A reload happens inside a context manager of the user's."""

    def __init__(self, context: AbstractContextManager[object]) -> None:
        self._context = context

    @contextmanager
    def closed(self) -> Iterator[Opening]:
        """Inside the user's context."""
        with self._context:
            yield _nothing


class LoopGate:
    """A reload happens on an asyncio loop's own thread, between two callbacks."""

    def __init__(self, loop: asyncio.AbstractEventLoop, grace: float = GRACE) -> None:
        self.loop = loop
        self.grace = grace

    @contextmanager
    def closed(self) -> Iterator[Opening]:
        """A loop has no requests to wait for."""
        yield _nothing

    def call(self, action: Callable[[], Result]) -> Result:
        """Run `action` between two callbacks of the loop; at once if this is the loop's thread or it is not running."""
        if not self.loop.is_running() or _runs_here(self.loop):
            return action()
        future: Future[Result] = Future()
        self.loop.call_soon_threadsafe(_fulfil, future, action)
        try:
            return future.result(self.grace)
        except TimeoutError:
            if future.cancel():
                where = busy_line(self.loop)
                raise RestartNeeded(f"the event loop has been busy for {self.grace:g} s{where}") from None
            return future.result()  # it has begun: a reload is never left half-way


def gate_for(gate: object) -> Gate:
    """The gate meant by `Reloader(gate=...)`: None, an asyncio loop, a context manager, or a gate."""
    if gate is None:
        return OpenGate()
    if isinstance(gate, asyncio.AbstractEventLoop):
        return LoopGate(gate)
    if isinstance(gate, Gate):
        return gate
    if isinstance(gate, AbstractContextManager):
        return ContextGate(gate)
    raise UsageError(f"gate must be an asyncio loop, a context manager or None, not {type(gate).__name__}")


def _nothing() -> None:
    """No request waits."""


def _fulfil(future: Future[Result], action: Callable[[], Result]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(action())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that asked
            future.set_exception(error)


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def busy_line(loop: asyncio.AbstractEventLoop) -> str:
    """Where the loop's thread is, as ` (file:line)`: that is what blocks it. The user's own line, if there is one."""
    thread = getattr(loop, "_thread_id", None) or threading.main_thread().ident
    innermost = sys._current_frames().get(thread or 0)
    stack = list(outwards(innermost))
    frame = next((one for one in stack if one.f_code.co_filename in recorder.roots), innermost)
    return f" ({frame.f_code.co_filename}:{frame.f_lineno})" if frame else ""
