"""Answers in place of a worker, while there is none: 503 and why, so that no request waits without end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from pepperpy_reload.supervising.listener import BACKLOG

if TYPE_CHECKING:
    import asyncio
    import ssl

_HEAD = 1 << 16  # bytes of a request's head that are read
_PATIENCE = 2.0  # seconds that a client has to ask, and to read the answer
_LAST_WORDS = 0.5  # seconds for those who had connected when a worker came


class StandIn:
    """A thread that accepts on `sock` and answers every request with what `page` gives: HTML, and plain text."""

    def __init__(
        self, sock: socket.socket, page: Callable[[], tuple[str, str]], tls: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        self._sock = sock
        self._page = page
        self._tls = tls
        self._over = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="pepperpy-reload-stand-in", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Accept no more; who has been accepted gets the answer. Does not wait for that."""
        self._over.set()
        if self._loop is not None and self._wake is not None:
            with suppress(RuntimeError):  # it is closed already
                self._loop.call_soon_threadsafe(self._wake.set)

    def join(self) -> None:
        """Wait until nothing is accepted any more, and all have been answered."""
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        import asyncio  # only when it is needed: a supervisor does without

        with suppress(OSError):  # the socket is gone, and so are we
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        import asyncio

        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        if self._over.is_set():
            return
        # A copy: what asyncio closes in the end is not the socket that the workers share.
        server = await asyncio.start_server(
            self._answer,
            sock=self._sock.dup(),
            limit=_HEAD,
            backlog=BACKLOG,
            ssl=None if self._tls is None else self._tls(),
        )
        await self._wake.wait()
        for sock in server.sockets:  # not closed yet: a connection on its way would be reset
            self._loop.remove_reader(sock.fileno())
        await asyncio.sleep(0.01)
        if self._open:
            await asyncio.wait(self._open, timeout=_LAST_WORDS)
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import asyncio

        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._converse(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a client that asks nothing, or something else than HTTP
        finally:
            self._open.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(_response(head, *self._page()))
        await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        while await reader.read(_HEAD):  # closing while a body arrives would take the answer from the client
            pass


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
