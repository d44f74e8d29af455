"""uvicorn, as the worker wants it: on a given socket, without signals, a life cycle or a chatter of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Collection, Iterator
from typing import Any

from pepperpy_reload.errors import SurroundingsError
from pepperpy_reload.serving.handover import Handover, protocol_of
from pepperpy_reload.serving.kinds import AsgiApp
from pepperpy_reload.serving.loops import settle
from pepperpy_reload.serving.session import ServeOptions
from pepperpy_reload.serving.succession import Succession
from pepperpy_reload.serving.wsgi import INSTALL

try:
    import uvicorn
except ModuleNotFoundError:
    raise SurroundingsError(f"serving an app needs uvicorn: {INSTALL}") from None

_TICK = 1.0  # seconds; uvicorn renews the Date header at every tenth of its own ticks
_LOOK = 0.005  # seconds between two looks at connections
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

    def __init__(
        self,
        app: AsgiApp,
        options: ServeOptions,
        succession: Succession,
        *,
        on_ready: Callable[[], None],
        on_cut: Callable[[Collection[asyncio.Task[Any]]], None],
    ) -> None:
        super().__init__(_config(app, options))
        self._on_ready = on_ready
        self._on_cut = on_cut
        self._succession = succession
        self._handover = Handover(self, succession)
        self._sockets: list[socket.socket] = []
        self._resigned = False
        self._returning: asyncio.Task[None] | None = None
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
            self._on_loop(self._cut_off if force else self.stopping.set)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `stop`; everything is cut off if that was forced."""
        self._serving = asyncio.ensure_future(super().serve(sockets=sockets))
        await asyncio.wait({self._serving})
        if not self._serving.cancelled():
            self._serving.result()
            return
        for server in getattr(self, "servers", ()):
            server.close()
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

    def resign(self, done: Callable[[], None]) -> None:
        """Accept no more, for another worker will, and call `done` once that is so. From any thread."""

        def stand_back() -> None:
            if not self._resigned:
                self._resigned = True
                self._stop_accepting()
                self._handover.announce()
            done()

        self._on_loop(stand_back)

    def stay(self) -> None:
        """Accept again after all. From any thread."""

        def come_back() -> None:
            if self._resigned and not self.should_exit:
                self._resigned = False
                self._handover.revoke()
                self._returning = asyncio.ensure_future(self._accept_again())

        self._on_loop(come_back)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept requests and say so; while another worker serves, say that we could, and wait for our turn."""
        self._sockets = sockets or []
        if self._succession.beside:
            self._on_ready()
            if not await self._let_in():
                return
        await super().startup(sockets=[sock.dup() for sock in self._sockets])
        if self._resigned:
            self._stop_accepting()
        self._handover.inherit()
        if not self._succession.beside:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, pass on or close what is idle; a client that has just connected gets its answer first."""
        loop = asyncio.get_running_loop()
        grace: float = self.config.timeout_graceful_shutdown or 0
        deadline = loop.time() + grace
        self._stop_accepting()
        await settle()
        await asyncio.sleep(_LOOK)
        if self._resigned:
            await self._handover.leave(deadline)
            self.config.timeout_graceful_shutdown = max(0.0, deadline - loop.time())  # type: ignore[assignment]
        else:
            await self._answer_first_requests()
        cutting = loop.call_at(deadline - _LOOK, self._look_at_the_rest)
        await super().shutdown(sockets)
        cutting.cancel()

    def _look_at_the_rest(self) -> None:
        """Just before requests are cut off: who has had no answer so far. A stream has had its part."""
        cycles = [getattr(connection, "cycle", None) for connection in self.server_state.connections]
        if any(cycle is not None and not cycle.response_started for cycle in cycles):
            self._on_cut([task for task in self.server_state.tasks if not task.done()])

    async def _let_in(self) -> bool:
        """Wait for our turn; False if we are to end before it comes."""
        waiting = {asyncio.ensure_future(self._succession.turn()), asyncio.ensure_future(self.stopping.wait())}
        await asyncio.wait(waiting, return_when="FIRST_COMPLETED")
        for task in waiting:
            task.cancel()
        return not self.should_exit

    def _stop_accepting(self) -> None:
        loop = asyncio.get_running_loop()
        for server in getattr(self, "servers", ()):
            for sock in server.sockets:  # not closed yet: a connection on its way to its protocol would be reset
                if loop.remove_reader(sock.fileno()) is None:  # uvloop
                    server.close()  # there no connection is ever on its way

    async def _accept_again(self) -> None:
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            self.servers.append(
                await loop.create_server(
                    lambda: protocol_of(self), sock=sock.dup(), ssl=self.config.ssl, backlog=self.config.backlog
                )
            )

    async def _answer_first_requests(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _FIRST_REQUEST
        while any(map(_has_asked_nothing, self.server_state.connections)):
            if self.force_exit or loop.time() > deadline:
                break
            await asyncio.sleep(_LOOK)

    def _on_loop(self, action: Callable[[], None]) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # closed: it has ended
            self._loop.call_soon_threadsafe(action)

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
