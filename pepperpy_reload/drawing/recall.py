"""The last error, to be shown again."""

from __future__ import annotations

from pepperpy_reload.core.report import ReloadStatus
from pepperpy_reload.drawing.news import Died, Happening, Note, Reported, Unstarted
from pepperpy_reload.drawing.terminal import Display


class Recall:
    """A display that passes all news on, and remembers the last trouble among them."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._last: Happening | None = None

    def show(self, news: Happening) -> None:
        """Tell one piece of news."""
        failed = isinstance(news, Reported) and news.report.status is ReloadStatus.FAILED
        if failed or isinstance(news, Unstarted | Died):
            self._last = news
        self._display.show(news)

    def again(self) -> None:
        """Tell the last trouble once more."""
        self._display.show(self._last or Note("there has been no error"))
