"""The terminal as a keyboard: single keys are read while we may, and its mode is put back at every other moment."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

_PAUSE = 0.2  # seconds between two looks at a terminal that somebody else has


class Keyboard:
    """Reads keys from standard input, in a thread of its own, between `take` and `release`.

    A key is read only while we are in the foreground and the terminal is in the mode that we have set: whoever sets
    another one, a debugger for example, is the one that reads.
    """

    def __init__(self, on_key: Callable[[str], None]) -> None:
        self._on_key = on_key
        self._found: list[Any] | None = None
        self._set: list[Any] | None = None
        self._over: int | None = None
        self._thread: threading.Thread | None = None

    @staticmethod
    def there_is_one() -> bool:
        """Whether standard input is a terminal whose mode can be set."""
        return termios is not None and os.isatty(0)

    def take(self) -> bool:
        """Read keys from now on, if we are in the foreground; whether that is so, and was not before."""
        if self._thread is not None or not self.there_is_one() or not _in_the_foreground():
            return False
        try:
            found = termios.tcgetattr(0)
            keys = termios.tcgetattr(0)
            keys[3] &= ~(termios.ICANON | termios.ECHO)
            keys[6][termios.VMIN], keys[6][termios.VTIME] = 1, 0
            termios.tcsetattr(0, termios.TCSANOW, keys)
            self._found, self._set = found, termios.tcgetattr(0)
        except termios.error:  # it is gone
            return False
        waiting, self._over = os.pipe()
        self._thread = threading.Thread(target=self._read, args=(waiting,), name="pepperpy-reload-keys", daemon=True)
        self._thread.start()
        return True

    def release(self) -> None:
        """Read no more; the terminal is in the mode in which it was found, unless somebody else has set another one."""
        thread, self._thread = self._thread, None
        if thread is None or self._over is None:
            return
        os.close(self._over)
        thread.join()
        if self._is_ours() and _in_the_foreground():
            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSANOW, self._found or [])

    def _read(self, over: int) -> None:
        try:
            while True:
                ready, _, _ = select.select([0, over], [], [])
                if over in ready:
                    return
                if self._is_ours() and _in_the_foreground():
                    data = os.read(0, 1)
                    if not data:
                        return
                    self._on_key(data.decode("ascii", "ignore"))
                elif select.select([over], [], [], _PAUSE)[0]:
                    return
        except OSError:  # the terminal is gone
            return
        finally:
            os.close(over)

    def _is_ours(self) -> bool:
        with suppress(termios.error):
            return bool(termios.tcgetattr(0) == self._set)
        return False


def _in_the_foreground() -> bool:
    """Whether the terminal is ours to use: a job in the background would be stopped for it."""
    with suppress(OSError):
        return os.tcgetpgrp(0) == os.getpgrp()
    return False
