"""Answers in place of a worker, while there is none: 503 and why, so that no request waits without end."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from pepperpy_reload.serving.loops import settle
from pepperpy_reload.supervising.listener import BACKLOG

if TYPE_CHECKING:
    import ssl

Page = Callable[[], tuple[str, str]]
_HEAD = 1 << 16  # bytes of a request's head that are read
_PATIENCE = 2.0  # seconds that a client has to ask, and to read the answer
_LAST_WORDS = 0.5  # seconds for those who had connected when a worker came


class StandIn:
    """A thread that accepts on `sock` and answers every request with what `page` gives: HTML, and plain text."""

    def __init__(self, sock: socket.socket, page: Page, tls: Callable[[], ssl.SSLContext] | None = None) -> None:
        self._sock = sock
        self._page = page
        self._tls = tls
        self._over = threading.Event()
        self._wake: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._thread = threading.Thread(target=self._run, name="pepperpy-reload-stand-in", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Accept no more; who has been accepted gets the answer. Does not wait for that."""
        self._over.set()
        if self._wake is not None:
            loop, event = self._wake
            with suppress(RuntimeError):  # it is closed already
                loop.call_soon_threadsafe(event.set)

    def join(self) -> None:
        """Wait until nothing is accepted any more, and all have been answered."""
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        with suppress(OSError):  # the socket is gone, and so are we
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        loop, wake = asyncio.get_running_loop(), asyncio.Event()
        self._wake = loop, wake
        if self._over.is_set():
            return
        visitors: set[_Visitor] = set()
        # A copy: what asyncio closes in the end is not the socket that the workers share.
        server = await loop.create_server(
            lambda: _Visitor(loop, visitors, self._page),
            sock=self._sock.dup(),
            backlog=BACKLOG,
            ssl=None if self._tls is None else self._tls(),
        )
        await wake.wait()
        for sock in server.sockets:  # not closed yet: a connection on its way would be reset
            loop.remove_reader(sock.fileno())
        await settle()
        deadline = loop.time() + _LAST_WORDS
        while visitors and loop.time() < deadline:
            await asyncio.sleep(0.01)
        server.close()
        for visitor in list(visitors):
            visitor.leave()
        await settle()  # a connection that is only forgotten would be closed who knows when


class _Visitor(asyncio.Protocol):
    """One client, from its first byte to its last."""

    def __init__(self, loop: asyncio.AbstractEventLoop, visitors: set[_Visitor], page: Page) -> None:
        self._loop = loop
        self._visitors = visitors
        self._page = page
        self._head = b""
        self._answered = False
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._visitors.add(self)
        self._timer = self._loop.call_later(_PATIENCE, self.leave)

    def data_received(self, data: bytes) -> None:
        # What comes after the head is read and forgotten: closing before that would take the answer from the client.
        if self._answered or self._transport is None:
            return
        self._head += data
        if b"\r\n\r\n" in self._head:
            self._answered = True
            self._transport.write(_response(self._head, *self._page()))
            if self._transport.can_write_eof():
                self._transport.write_eof()
            else:
                self._transport.close()
        elif len(self._head) > _HEAD:
            self.leave()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - what asyncio passes
        self._visitors.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def leave(self) -> None:
        """Whatever the client still wants."""
        if self._transport is not None:
            self._transport.abort()


def _response(request: bytes, html: str, text: str) -> bytes:
    """An answer that nobody keeps, in the form that the client asked for."""
    head = request.lower()
    accepted = next((line for line in head.split(b"\r\n") if line.startswith(b"accept:")), b"")
    wants_html = b"text/html" in accepted
    body = (html if wants_html else text).encode()
    lines = [
        "HTTP/1.1 503 Service Unavailable",
        f"Content-Type: text/{'html' if wants_html else 'plain'}; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Retry-After: 1",
        "Cache-Control: no-store",
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    ]
    start = "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
    return start if head.startswith(b"head ") else start + body
