"""uvicorn, as the worker wants it: on a given socket, without signals, a life cycle or a chatter of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

from pepperpy_reload.errors import SurroundingsError
from pepperpy_reload.serving.kinds import AsgiApp
from pepperpy_reload.serving.session import ServeOptions
from pepperpy_reload.serving.wsgi import INSTALL

try:
    import uvicorn
except ModuleNotFoundError:
    raise SurroundingsError(f"serving an app needs uvicorn: {INSTALL}") from None

_TICK = 1.0  # seconds; uvicorn renews the Date header at every tenth of its own ticks
_FIRST_REQUEST = 0.1  # seconds that a client has for its first request after it connected
_CHATTER = (
    "Started server process",
    "Finished server process",
    "Shutting down",
    "Waiting for ",
    "Uvicorn running",
    "Cancel %s",
)


class Server(uvicorn.Server):
    """The server of one session."""

    def __init__(self, app: AsgiApp, options: ServeOptions, *, on_ready: Callable[[], None]) -> None:
        super().__init__(_config(app, options))
        self._on_ready = on_ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._serving: asyncio.Task[None] | None = None
        self.stopping = asyncio.Event()

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """A loop of the kind that uvicorn would take."""
        factory = self.config.get_loop_factory() if hasattr(self.config, "get_loop_factory") else None
        self._loop = (factory or asyncio.new_event_loop)()
        return self._loop

    def stop(self, grace: float, *, force: bool) -> None:
        """End `serve`. From any thread, or a signal handler."""
        self.config.timeout_graceful_shutdown = grace  # type: ignore[assignment]  # it is only ever waited for
        self.should_exit = True
        self.force_exit = self.force_exit or force
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # closed: it has ended
                self._loop.call_soon_threadsafe(self._cut_off if force else self.stopping.set)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `stop`; everything is cut off if that was forced."""
        self._serving = asyncio.ensure_future(super().serve(sockets=sockets))
        await asyncio.wait({self._serving})
        if not self._serving.cancelled():
            self._serving.result()
            return
        for connection in list(self.server_state.connections):
            if (transport := getattr(connection, "transport", None)) is not None:
                transport.abort()

    def _cut_off(self) -> None:
        self.stopping.set()
        if self._serving is not None:  # uvicorn's own shutdown may wait for ever
            self._serving.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the worker's."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept requests, and say so."""
        await super().startup(sockets=sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, and close what is idle; a client that has just connected gets its answer first."""
        loop = asyncio.get_running_loop()
        for server in self.servers:
            for sock in server.sockets:  # not closed yet: a connection on its way to its protocol would be reset
                loop.remove_reader(sock.fileno())
        deadline = loop.time() + _FIRST_REQUEST
        await asyncio.sleep(0.005)
        while any(map(_has_asked_nothing, self.server_state.connections)):
            if self.force_exit or loop.time() > deadline:
                break
            await asyncio.sleep(0.005)
        await super().shutdown(sockets)

    async def main_loop(self) -> None:
        """Until `stop`, which is noticed at once."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), _TICK)


def _config(app: AsgiApp, options: ServeOptions) -> uvicorn.Config:
    arguments: dict[str, Any] = {}
    if logging.getLogger("uvicorn").handlers or logging.getLogger("uvicorn.access").handlers:
        arguments["log_config"] = None  # the app has set up these loggers: that stays
    config = uvicorn.Config(
        app,
        interface="asgi3",
        lifespan="off",
        log_level=options.log_level,
        access_log=options.access_log,
        root_path=options.root_path,
        proxy_headers=options.proxy_headers,
        forwarded_allow_ips=options.forwarded_allow_ips,
        ssl_keyfile=options.ssl_keyfile,
        ssl_certfile=options.ssl_certfile,
        ssl_keyfile_password=options.ssl_keyfile_password,
        **arguments,
    )
    logging.getLogger("uvicorn.error").addFilter(_says_something)
    try:
        config.load()
    except OSError as error:
        raise SurroundingsError(f"the TLS files cannot be used: {error}") from None
    return config


def _says_something(record: logging.LogRecord) -> bool:
    """Not of uvicorn's life cycle, which is ours, nor of requests that were cut off because the worker ends."""
    if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
        return False
    return not str(record.msg).startswith(_CHATTER)


def _has_asked_nothing(connection: object) -> bool:
    return getattr(connection, "cycle", 0) is None
