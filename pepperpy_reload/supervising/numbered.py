"""The news of one of several workers."""

from __future__ import annotations

from pepperpy_reload.drawing.news import Happening, Note, OfWorker, Part
from pepperpy_reload.drawing.terminal import Display


class Numbered:
    """A display that says which worker all news are of, and what its `part` is.

    `told` holds the sentences that any of them has said on the way.
    """

    def __init__(self, display: Display, number: int, told: set[str]) -> None:
        self.part = Part.NONE
        self._display = display
        self._number = number
        self._told = told

    def show(self, news: Happening) -> None:
        """Tell one piece of news."""
        part = self.part
        if isinstance(news, Note):
            part = Part.FOLLOWS if news.text in self._told else Part.NONE
            self._told.add(news.text)
        self._display.show(OfWorker(news, self._number, part))
