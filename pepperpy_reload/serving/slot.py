"""The one app that the server knows: it passes every request on to the user's app of the moment."""

from __future__ import annotations

import asyncio
from typing import Any

from pepperpy_reload.serving.kinds import AsgiApp, Kind, as_asgi
from pepperpy_reload.serving.wsgi import WsgiAdapter


class Slot:
    """Where the user's app is plugged in.

    It can be swapped, new requests can be held, and requests are counted: an `if` and three additions each.
    """

    def __init__(self) -> None:
        self.app: AsgiApp = _no_app
        self.state: dict[str, Any] = {}
        self.begun = 0
        self.in_flight = 0
        self._held: asyncio.Event | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on."""
        while self._held is not None:
            await self._held.wait()
        if self.state:
            scope["state"] = {**scope.get("state", {}), **self.state}
        self.begun += 1
        self.in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.in_flight -= 1

    def hold(self) -> asyncio.Event:
        """Let no new request start, until what is returned is released. From any thread."""
        self._held = asyncio.Event()
        return self._held

    def release(self, held: asyncio.Event) -> None:
        """Let the held requests start, unless they are being held anew; on the loop's thread."""
        if self._held is held:
            self._held = None
        held.set()


def adapt(app: Any, kind: Kind) -> AsgiApp:
    """`app` in the shape that a slot calls."""
    return WsgiAdapter(app) if kind is Kind.WSGI else as_asgi(app)


def retire(adapter: AsgiApp) -> None:
    """Nothing calls `adapter` any more."""
    if isinstance(adapter, WsgiAdapter):
        adapter.close()


async def _no_app(_scope: Any, _receive: Any, _send: Any) -> None:
    raise RuntimeError("a request came before there was an app")
