"""A web app without a framework. Serve it with `pepperpy-reload serve main:app`."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from pages import PAGE, news
from settings import GREETING

Message = dict[str, Any]
HEADERS = {"cache-control": "no-store", "x-greeting": GREETING}


async def app(scope: Message, _receive: object, send: Callable[[Message], Awaitable[None]]) -> None:
    """The ASGI app: the page, the news, and nothing else."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/":
        await answer(send, 200, "text/html", PAGE)
    elif scope["path"] == "/news":
        await answer(send, 200, "application/json", json.dumps(news()))
    else:
        await answer(send, 404, "text/plain", "There is only one page.")


async def answer(send: Callable[[Message], Awaitable[None]], status: int, kind: str, text: str) -> None:
    """Send a whole response."""
    headers = {"content-type": f"{kind}; charset=utf-8", **HEADERS}
    encoded = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": text.encode()})
