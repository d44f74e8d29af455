"""The lifespan protocol, driven against apps of every behaviour."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette

from pepperpy_reload.errors import RestartNeeded, UserCodeError
from pepperpy_reload.serving.lifespan import Lifespan


async def both(lifespan: Lifespan) -> None:
    await lifespan.startup(5.0)
    await lifespan.shutdown(5.0)


def test_a_starlette_app_starts_and_stops_with_its_state() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[dict[str, int]]:
        events.append("up")
        yield {"connection": 7}
        events.append("down")

    async def scenario() -> None:
        lifespan = Lifespan(Starlette(lifespan=life))
        await lifespan.startup(5.0)
        assert lifespan.state == {"connection": 7}
        assert lifespan.supported
        assert events == ["up"]
        await lifespan.shutdown(5.0)
        await lifespan.shutdown(5.0)

    asyncio.run(scenario())
    assert events == ["up", "down"]


async def asserts(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"


async def raises_value_error(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("can only handle HTTP")


async def returns(scope: Any, receive: Any, send: Any) -> None:
    return


@pytest.mark.parametrize("app", [asserts, raises_value_error, returns])
def test_an_app_without_lifespan_is_left_in_peace(app: Any) -> None:
    lifespan = Lifespan(app)
    asyncio.run(both(lifespan))
    assert not lifespan.supported


def failing(when: str, error: BaseException) -> Starlette:
    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        if when == "startup":
            raise error
        yield
        raise error

    return Starlette(lifespan=life)


@pytest.mark.parametrize("when", ["startup", "shutdown"])
@pytest.mark.parametrize("error", [OSError("no database"), SystemExit(3)])
def test_a_failure_has_its_traceback(when: str, error: BaseException) -> None:
    with pytest.raises(UserCodeError, match=r"no database|SystemExit: 3") as raised:
        asyncio.run(both(Lifespan(failing(when, error))))
    assert "in life" in str(raised.value)
    assert "raise error" in str(raised.value)


async def says_failed(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no licence"})


async def raises_after_asking(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    raise KeyError("half-way")


async def exits(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    sys.exit(4)


@pytest.mark.parametrize(
    ("app", "text"),
    [(says_failed, "^no licence$"), (raises_after_asking, "KeyError: 'half-way'"), (exits, "SystemExit: 4")],
)
def test_an_app_that_has_begun_to_start_may_fail(app: Any, text: str) -> None:
    with pytest.raises(UserCodeError, match=text):
        asyncio.run(both(Lifespan(app)))


async def never_starts(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await asyncio.Event().wait()


async def never_stops(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await asyncio.Event().wait()


@pytest.mark.parametrize(("app", "what"), [(never_starts, "startup"), (never_stops, "shutdown")])
def test_nothing_is_waited_for_for_ever(app: Any, what: str) -> None:
    async def scenario() -> None:
        lifespan = Lifespan(app)
        await lifespan.startup(0.1)
        await lifespan.shutdown(0.1)

    with pytest.raises(RestartNeeded, match=rf"lifespan {what} has not ended after 0\.1 s"):
        asyncio.run(scenario())
