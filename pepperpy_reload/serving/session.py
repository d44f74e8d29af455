"""A running target: what the worker drives, whatever kind it is."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pepperpy_reload.errors import UsageError
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.gate import GRACE, Gate
from pepperpy_reload.serving.succession import Succession
from pepperpy_reload.serving.target import Kind, Target

if TYPE_CHECKING:  # a worker comes to it when its app is served
    from pepperpy_reload.core.report import ReloadReport


class ServeOptions(NamedTuple):
    """How to serve: what people set every day; durations are in seconds.

    `grace` bounds every wait for requests, and the start-up and shutdown of an app that is replaced; a start-up may
    take twice as long as the one before it took, up to `lifespan_timeout`.
    """

    log_level: str = "info"
    access_log: bool = True
    root_path: str = ""
    proxy_headers: bool = True
    forwarded_allow_ips: str | None = None
    ssl_keyfile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile_password: str | None = None
    grace: float = GRACE
    lifespan_timeout: float = 30.0


class Activity(NamedTuple):
    """What a program does at a moment: requests begun so far, those under way, and what is at work besides, or ""."""

    begun: int = 0
    under_way: int = 0
    besides: str = ""

    @property
    def is_quiet(self) -> bool:
        """Whether no user code runs."""
        return not self.under_way and not self.besides


class Settle(Protocol):
    """Brings what is being served up to date after a reload."""

    def refuse(self, planned: ReloadReport) -> str:
        """Why what is planned cannot be done to the program as it runs, or "". Nothing has been done yet."""
        ...

    def concerns(self) -> bool:
        """Whether functions that have just been patched concern what is being served: else there is nothing to do."""
        ...

    def has_to_follow(self) -> bool:
        """The new code has run: whether that is not all. Called before it is committed, where user code runs.

        Raises UserCodeError if the new code cannot be served.
        """
        ...

    def __call__(self, report: ReloadReport) -> str | None:
        """Called after that if so, and before it is committed; returns a note for the user, or None.

        Raises UserCodeError or RestartNeeded if the new code cannot be served; `undo` is called then.
        """
        ...

    def undo(self) -> None:
        """The modules have been put back: serve what was served before. RestartNeeded if that is impossible."""
        ...


class Session(Protocol):
    """A target that runs in this process."""

    @property
    def gate(self) -> Gate:
        """Where and when a reload may touch what runs."""
        ...

    @property
    def settle(self) -> Settle:
        """What a reload calls when the new code has run."""
        ...

    @property
    def kind(self) -> Kind:
        """How the target is run; final once `on_ready` has been called."""
        ...

    def activity(self) -> Activity:
        """Whether user code runs that may change what it has in memory. From any thread but the program's own.

        RestartNeeded if that cannot be found out within a bounded time.
        """
        ...

    def run(self, on_ready: Callable[[], None]) -> int:
        """Run until the program ends or `stop` is called, in the main thread; returns the exit status.

        `on_ready` is called when requests are accepted or, for a plain program, just before it starts; twice for a
        program that serves an app in the end. While another worker serves (see Succession) it is called when requests
        could be accepted.
        Raises UserCodeError if the program cannot start or ends with an exception.
        """
        ...

    def stop(self, grace: float) -> None:
        """End `run` within about `grace` seconds; called again, at once. From any thread, or a signal handler."""
        ...

    def resign(self, done: Callable[[], None]) -> None:
        """Accept no more requests, because another worker will, and call `done` when that is so. From any thread."""
        ...

    def stay(self) -> None:
        """Take `resign` back. From any thread."""
        ...


def open_session(
    target: Target,
    sock: socket.socket | None,
    options: ServeOptions | None = None,
    *,
    is_first_party: Callable[[str], bool] = recorder.roots.__contains__,
    succession: Succession | None = None,
    tell: Callable[[str], None] = lambda _text: None,
) -> Session:
    """The session that runs `target`; `sock` is a listening socket, which a plain program does not need.

    `succession` is for a process that is one in a line of several; by default it is alone. `tell` is called with
    sentences for the user.
    """
    # Each kind of session is imported when it is wanted: a plain program runs without uvicorn.
    if target.kind is Kind.COROUTINE:
        from pepperpy_reload.serving.plain import CoroutineSession

        return CoroutineSession(target)

    def serve() -> Session:
        from pepperpy_reload.serving.asgi import ServerSession

        if sock is None:
            raise UsageError(f"{target.text} is an app that needs a socket to be served on")
        return ServerSession(target, sock, options or ServeOptions(), is_first_party, succession, tell)

    if target.kind is Kind.FUNCTION:
        from pepperpy_reload.serving.plain import FunctionSession

        return FunctionSession(target, serve)
    return serve()
