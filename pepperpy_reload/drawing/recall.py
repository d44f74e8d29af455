"""The last error, to be shown again."""

from __future__ import annotations

from pepperpy_reload.core.report import ReloadStatus
from pepperpy_reload.drawing.news import Died, Happening, Note, OfWorker, Reported, Unstarted
from pepperpy_reload.drawing.terminal import Display


class Recall:
    """A display that passes all news on, and remembers the last trouble among them."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._last: Happening | None = None

    def show(self, news: Happening) -> None:
        """Tell one piece of news."""
        bare = news.news if isinstance(news, OfWorker) else news
        failed = isinstance(bare, Reported) and bare.report.status is ReloadStatus.FAILED
        if failed or isinstance(bare, Unstarted | Died):
            self._last = news
        self._display.show(news)

    def again(self) -> None:
        """Tell the last trouble once more."""
        self._display.show(self._last or Note("there has been no error"))
