"""An asyncio loop from its first callback to its last."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.reloading.gate import busy_line

Result = TypeVar("Result")
_TURNS = 10  # more than a connection needs from being accepted to its first callback
_LAST_WORDS = 1.0  # seconds that cancelled tasks get


def run_to_end(
    loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, Result], *, in_a_hurry: Callable[[], bool]
) -> Result:
    """Run `main`, then end all that it left behind, and close the loop.

    As `asyncio.run` does, except that signals are none of its business, and that nothing is waited for long when
    somebody is `in_a_hurry`: threads of the loop's executor may never end.
    """
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        try:
            loop.run_until_complete(_end_tasks())
            loop.run_until_complete(loop.shutdown_asyncgens())
            if not in_a_hurry():
                loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            asyncio.set_event_loop(None)
            loop.close()


async def _end_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=_LAST_WORDS)


async def settle() -> None:
    """Let connections arrive that have been accepted: until they have a protocol, they take some turns of the loop.

    Sleeping is no substitute: on a busy machine the time may be over within one turn.
    """
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def await_on(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Result], timeout: float, what: str
) -> Result:
    """Run a coroutine on a loop that runs in another thread, and return its result.

    RestartNeeded after `timeout` seconds, also if the loop does nothing at all.
    """
    future: Future[Result] = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result(timeout)
    except TimeoutError:
        future.cancel()
        raise RestartNeeded(f"{what} has not ended after {timeout:g} s{busy_line(loop)}") from None


def exit_status(end: SystemExit) -> int:
    """The status that Python would exit with; a text is printed as Python does."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    sys.stderr.write(f"{end.code}\n")
    return 1
