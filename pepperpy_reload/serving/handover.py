"""The connections of a server that is followed by another one, on both sides of the change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pepperpy_reload.serving.bequest import Bequest, give, is_free, take
from pepperpy_reload.serving.succession import Succession

if TYPE_CHECKING:
    import uvicorn

_LOOK = 0.005  # seconds between two looks at connections that are to go
_CLOSE = (b"connection", b"close")


class Handover:
    """What becomes of the connections of `server`, and of those that it inherits. All on the loop's thread."""

    def __init__(self, server: uvicorn.Server, succession: Succession) -> None:
        self._server = server
        self._succession = succession
        self._taking: set[asyncio.Task[None]] = set()
        self._frozen: list[Any] = []

    def announce(self) -> None:
        """Have every answer that is not under way yet say that the connection ends with it.

        From a connection that is idle nothing more is read: the next request on it is the next worker's.
        """
        state = self._server.server_state
        self._server.config.encoded_headers.append(_CLOSE)
        state.default_headers = [*state.default_headers, _CLOSE]
        for connection in state.connections:
            cycle = getattr(connection, "cycle", None)
            if cycle is not None and not cycle.response_started:
                cycle.default_headers = [*cycle.default_headers, _CLOSE]
            elif isinstance(connection, self._server.config.http_protocol_class):
                self._freeze(connection)

    def revoke(self) -> None:
        """Connections stay."""
        self._server.config.encoded_headers.remove(_CLOSE)
        self._thaw()
        state = self._server.server_state
        state.default_headers = [header for header in state.default_headers if header != _CLOSE]

    async def leave(self, deadline: float) -> None:
        """Until then: what is idle goes to the next worker, and what is busy as soon as it is idle.

        What cannot be passed on stays: its next answer says that the connection ends.
        """
        loop = asyncio.get_running_loop()
        connections = self._server.server_state.connections
        http: Any = self._server.config.http_protocol_class
        for connection in [one for one in connections if not isinstance(one, http)]:
            connection.shutdown()  # a WebSocket: "service restart"
        while connections and not self._server.force_exit and loop.time() < deadline:
            self._pass_on([one for one in connections if isinstance(one, http)])
            await asyncio.sleep(_LOOK)

    def _freeze(self, connection: Any) -> None:
        """Read no more from it, as soon as its answer, which is under way and cannot say so any more, has ended."""
        if is_free(connection):
            connection.transport.pause_reading()
            self._frozen.append(connection)
        elif (cycle := connection.cycle) is not None and not cycle.response_complete:
            answered = cycle.on_response

            def on_response() -> None:
                answered()
                if is_free(connection):
                    self._freeze(connection)

            cycle.on_response = on_response

    def _thaw(self) -> None:
        for connection in self._frozen:
            if not connection.transport.is_closing():
                connection.transport.resume_reading()
        self._frozen.clear()

    def _pass_on(self, connections: list[Any]) -> None:
        estate = self._succession.estate
        if estate is None:
            self._thaw()
            return
        try:
            for connection in connections:
                give(connection, estate)
        except BlockingIOError:  # the next worker is slow to take them
            return
        except OSError:  # it is gone again
            self._succession.estate = None

    def inherit(self) -> None:
        """Take what the worker before us leaves, from now on."""
        if self._succession.legacy is not None:
            asyncio.get_running_loop().add_reader(self._succession.legacy, self._take)

    def _take(self) -> None:
        legacy = self._succession.legacy
        assert legacy is not None
        try:
            while (bequest := take(legacy)) is not None:
                task = asyncio.ensure_future(self._connect(bequest))
                self._taking.add(task)
                task.add_done_callback(self._taking.discard)
        except BlockingIOError:
            return
        except OSError:  # its other end is gone
            pass
        asyncio.get_running_loop().remove_reader(legacy)

    async def _connect(self, bequest: Bequest) -> None:
        loop = asyncio.get_running_loop()
        protocol = protocol_of(self._server)
        protocol.connection_made = _going_on(protocol, bequest, loop)
        try:
            await loop.connect_accepted_socket(lambda: protocol, bequest.sock)
        except OSError:  # the client is gone
            bequest.sock.close()


def protocol_of(server: uvicorn.Server) -> Any:
    """What speaks with one client of the server, as the server itself makes it."""
    make: Any = server.config.http_protocol_class
    return make(config=server.config, server_state=server.server_state, app_state=server.lifespan.state)


def _going_on(protocol: Any, bequest: Bequest, loop: asyncio.AbstractEventLoop) -> Callable[[Any], None]:
    made = protocol.connection_made

    def connection_made(transport: Any) -> None:
        made(transport)
        if bequest.used:
            protocol.timeout_keep_alive_task = loop.call_later(
                protocol.timeout_keep_alive, protocol.timeout_keep_alive_handler
            )
        if bequest.rest:
            protocol.data_received(bequest.rest)

    return connection_made
