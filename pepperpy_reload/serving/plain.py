"""Programs that serve nothing: a function or an `async def` without arguments."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from pepperpy_reload.core.report import ReloadReport
from pepperpy_reload.errors import RestartNeeded, UsageError
from pepperpy_reload.reloading.gate import CoroutineGate, Gate, OpenGate, Opening, Result
from pepperpy_reload.reloading.usercode import calling_user_code
from pepperpy_reload.serving.kinds import Kind, is_app
from pepperpy_reload.serving.loops import exit_status, run_to_end
from pepperpy_reload.serving.program import AT_WORK, INTERRUPTED, PlainSettle, Program
from pepperpy_reload.serving.session import Activity, Session, Settle
from pepperpy_reload.serving.target import Target

PATIENCE = 5.0
"""Seconds after which a function that may be a factory is taken for a program, until it gives an app."""


class FunctionSession:
    """A function without arguments: a program, or a factory of an app, which only its call can tell.

    `on_ready` is called a second time, from the main thread, if what was taken for a program gives an app after all.
    """

    def __init__(self, target: Target, serve: Callable[[], Session], *, patience: float = PATIENCE) -> None:
        self._target = target
        self._serve = serve
        self._patience = patience
        self._served: Session | None = None
        self._program = Program()
        self._calling = False
        self.gate: Gate = _CurrentGate(self)
        self.settle: Settle = _CurrentSettle(self)

    @property
    def kind(self) -> Kind:
        """`function` until it has given an app."""
        return self._target.kind

    @property
    def served(self) -> Session | None:
        """The session of the app that the function gave."""
        return self._served

    @property
    def running(self) -> str:
        """The full name of the function while it runs."""
        return f"{self._target.module}.{self._target.attribute}" if self._calling else ""

    @property
    def building(self) -> bool:
        """Whether an app is being built."""
        return self._calling and self._target.may_be_factory

    def activity(self) -> Activity:
        """A program is always at work; an app has requests."""
        return AT_WORK if self._served is None else self._served.activity()

    def run(self, on_ready: Callable[[], None]) -> int:
        """Call the function; serve what it gives, or run it if it is a coroutine."""
        self._calling = True
        try:
            with self._announced(on_ready):
                made, status = self._program.call(self._target.call)
        finally:
            self._calling = False
        if status is not None:
            return status
        if inspect.iscoroutine(made):
            self._served = CoroutineSession(self._target, made)
            on_ready = on_ready if self._target.may_be_factory else _nothing
        elif is_app(made):
            self._served = self._serve()
        else:
            return made if isinstance(made, int) else 0
        if self._program.stops:
            self._served.stop(0.0)
        return self._served.run(on_ready)

    @contextmanager
    def _announced(self, on_ready: Callable[[], None]) -> Iterator[None]:
        """Inside, `on_ready` is called: at once for a program, after a while for what may be a factory."""
        if not self._target.may_be_factory:
            on_ready()
            yield
            return
        timer = threading.Timer(self._patience, on_ready)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # never two at a time

    def stop(self, grace: float) -> None:
        """End what is served, or raise KeyboardInterrupt in the function."""
        if self._served is not None:
            self._served.stop(grace)
        else:
            self._program.interrupt()

    def resign(self, done: Callable[[], None]) -> None:
        """An app accepts no more; a program accepts nothing."""
        if self._served is not None:
            self._served.resign(done)
        else:
            done()

    def stay(self) -> None:
        """An app accepts again."""
        if self._served is not None:
            self._served.stay()


class CoroutineSession:
    """An `async def` without arguments, run on a loop of its own."""

    def __init__(self, target: Target, coroutine: Coroutine[Any, Any, Any] | None = None) -> None:
        self._target = target
        self._coroutine = coroutine
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[Any] | None = None
        self._program = Program()
        self._calling = False
        self.gate: Gate = CoroutineGate(self._loop)
        self.settle: Settle = PlainSettle(lambda: f"{target.module}.{target.attribute}" if self._calling else "")

    @property
    def kind(self) -> Kind:
        """`coroutine`."""
        return Kind.COROUTINE

    def activity(self) -> Activity:
        """It is always at work."""
        return AT_WORK

    def run(self, on_ready: Callable[[], None]) -> int:
        """Run it to its end."""
        on_ready()
        self._calling = True
        try:
            made, status = self._program.call(lambda: run_to_end(self._loop, self._main(), in_a_hurry=self._stopped))
        finally:
            self._calling = False
        if is_app(made):
            raise UsageError(f"{self._target.text} is an async def that returns an app; a factory must be a plain def")
        if status is not None:
            return status
        return made if isinstance(made, int) else 0

    def stop(self, grace: float) -> None:  # noqa: ARG002 - a program ends when it ends
        """Cancel it; a second time, raise KeyboardInterrupt in it."""
        if self._program.stops or self._task is None:
            self._program.interrupt()
            return
        self._program.stops += 1
        self._loop.call_soon_threadsafe(self._task.cancel)

    def resign(self, done: Callable[[], None]) -> None:
        """It accepts nothing."""
        done()

    def stay(self) -> None:
        """It accepts nothing."""

    def _stopped(self) -> bool:
        return self._program.stops > 0

    async def _main(self) -> Any:
        self._task = asyncio.current_task()
        # Here as well as around the loop: otherwise the traceback would begin inside asyncio.
        with calling_user_code():
            try:
                return await (self._coroutine or self._target.resolve()())  # type: ignore[operator]
            except KeyboardInterrupt:
                return INTERRUPTED
            except asyncio.CancelledError:
                if self._task is None or not self._task.cancelling():
                    raise
                return INTERRUPTED
            except SystemExit as end:  # caught before it leaves the task: a loop does not survive that
                return exit_status(end)


class _CurrentGate:
    """No gate while a function runs, none to be had while it builds an app, the app's own after that."""

    def __init__(self, session: FunctionSession) -> None:
        self._session = session

    @contextmanager
    def closed(self) -> Iterator[Opening]:
        if self._session.building:
            raise RestartNeeded(f"{self._session.running} has not returned yet, and may be building an app")
        with self._gate.closed() as opening:
            yield opening

    def call(self, action: Callable[[], Result]) -> Result:
        return self._gate.call(action)

    @property
    def _gate(self) -> Gate:
        served = self._session.served
        return OpenGate() if served is None else served.gate


class _CurrentSettle:
    def __init__(self, session: FunctionSession) -> None:
        self._session = session
        self._plain = PlainSettle(lambda: session.running)

    def refuse(self, planned: ReloadReport) -> str:
        return self._settle.refuse(planned)

    def concerns(self) -> bool:
        return self._settle.concerns()

    def has_to_follow(self) -> bool:
        return self._settle.has_to_follow()

    def __call__(self, report: ReloadReport) -> str | None:
        return self._settle(report)

    def undo(self) -> None:
        self._settle.undo()

    @property
    def _settle(self) -> Settle:
        served = self._session.served
        return self._plain if served is None else served.settle


def _nothing() -> None:
    """It has been said already."""
