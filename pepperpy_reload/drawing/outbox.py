"""News on their way to a display that may be slow: a pipe that nobody reads, a terminal that Ctrl-S has stopped."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:  # whoever has none only asks whether one is stuck
    from pepperpy_reload.drawing.news import Happening
    from pepperpy_reload.drawing.terminal import Display

_MOST = 10_000  # that wait; of more, the newest are not told
_NAME = "pepperpy-reload-news"
_LAST_WORDS = 1.0  # seconds that the rest may take in the end


class Outbox:
    """A display that never waits: news are told by a thread of its own, in their order. A context manager."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._waiting: SimpleQueue[Happening | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._tell, name=_NAME, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        self._thread.join(_LAST_WORDS)

    def show(self, news: Happening) -> None:
        """Have it told."""
        if self._waiting.qsize() < _MOST:
            self._waiting.put(news)

    def _tell(self) -> None:
        while (news := self._waiting.get()) is not None:
            self._display.show(news)


def is_stuck() -> bool:
    """Whether news are still being told, to somebody who does not read them."""
    return any(thread.name == _NAME for thread in threading.enumerate())
