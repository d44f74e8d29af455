"""What single keys do while an app is served on a terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pepperpy_reload.drawing.news import Note
from pepperpy_reload.drawing.recall import Recall
from pepperpy_reload.supervising.console import Console

HELP = "keys: r restart, p pause or go on, e last error again, o open the browser, h this help, q quit"
_HINT = "press h for help"


class Keys:
    """Does what a pressed key means."""

    def __init__(
        self,
        restart: Callable[[str], None],
        display: Recall,
        url: str,
        leave: Callable[[], None],
        console: Console,
    ) -> None:
        self._display = display
        self._url = url
        self._console = console
        self._hinted = False
        self._meanings: dict[str, Callable[[], None]] = {
            "r": lambda: restart("r was pressed"),
            "p": self._pause,
            "e": display.again,
            "o": self._open_the_browser,
            "h": lambda: self._say(HELP),
            "?": lambda: self._say(HELP),
            "q": leave,
        }

    def press(self, key: str) -> None:
        """A key was pressed; most mean nothing."""
        meaning = self._meanings.get(key.lower())
        if meaning is not None:
            meaning()

    def hint(self) -> None:
        """Keys are read from now on: say so, once."""
        if not self._hinted:
            self._hinted = True
            self._say(_HINT)

    def _pause(self) -> None:
        paused = self._console.pause()
        self._say("paused: what is saved waits until p is pressed again" if paused else "going on")

    def _open_the_browser(self) -> None:
        self._say(f"opening {self._url}")
        # Some browsers are waited for until they are closed.
        import webbrowser

        threading.Thread(target=webbrowser.open, args=(self._url,), name="pepperpy-reload-open", daemon=True).start()

    def _say(self, text: str) -> None:
        self._display.show(Note(text))
