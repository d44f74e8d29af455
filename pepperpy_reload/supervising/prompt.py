"""A prompt in the worker: somebody types at a debugger, or answers an `input()`."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

from pepperpy_reload.supervising.channel import ServiceThread

_LOOK = 0.05
_SILENCE = 0.3  # seconds without a prompt after which it is over: between two commands there is none for a moment
_DEBUGGERS = ("pdb", "bdb", "ipdb", "pudb", "IPython.core.debugger", "IPython.terminal.debugger", "pydevd")
_ASKS = ("interaction", "_cmdloop", "cmdloop", "do_wait_suspend", "_do_wait_suspend")


class Prompt:
    """Notices prompts in this process; `tell` is called when one appears and when it is gone, from any thread.

    The terminal's mode is made fit for typing before a line is read: the supervisor reads single keys from it.
    """

    def __init__(self, tell: Callable[[bool], None]) -> None:
        self._tell = tell
        self._at: tuple[int, FrameType, int] | None = None
        self._attending = threading.Lock()
        self._open = False

    def watch(self) -> None:
        """Notice what `input()` asks from now on. Python has no way to end that."""
        sys.addaudithook(_hook(self._appeared))

    @property
    def is_open(self) -> bool:
        """Whether somebody is asked at this moment."""
        return self._asks() or _debugging()

    @property
    def is_of_debugger(self) -> bool:
        """Whether a debugger asks."""
        return _debugging()

    @property
    def is_in_main_thread(self) -> bool:
        """Whether the main thread is what asked last: only there Ctrl-C means something to a prompt."""
        return self._at is not None and self._at[0] == threading.main_thread().ident

    def is_at(self, frame: FrameType | None) -> bool:
        """Whether this frame, which a signal has interrupted, is the one that asks."""
        return self._at is not None and frame is self._at[1] and frame.f_lasti == self._at[2]

    def look(self) -> None:
        """Tell that there is a prompt, if there is one: of that of an unusual debugger nobody has told us."""
        if self.is_open:
            self._attend()

    def wait(self, say: Callable[[], None]) -> None:
        """Wait until nobody has been asked for a moment; `say` is called first, if that is not so at once."""
        if not self.is_open and not self._open:
            return
        say()
        self._attend()
        silent_since = time.monotonic()
        while time.monotonic() < silent_since + _SILENCE:
            time.sleep(_LOOK)
            if self.is_open:
                silent_since = time.monotonic()

    def _appeared(self, frame: FrameType) -> None:
        """`input()` has been called in this thread; it has not asked yet."""
        self._at = threading.get_ident(), frame, frame.f_lasti
        _make_fit_for_typing()
        self._attend()

    def _attend(self) -> None:
        """Tell that there is a prompt, and in a thread of its own that it is gone."""
        if self._attending.acquire(blocking=False):
            self._open = True
            self._tell(True)
            ServiceThread(self._see_it_go, "pepperpy-reload-prompt").start()

    def _see_it_go(self) -> None:
        silent_since = time.monotonic()
        while time.monotonic() < silent_since + _SILENCE:
            time.sleep(_LOOK)
            if self.is_open:
                silent_since = time.monotonic()
        self._open, self._at = False, None  # a frame keeps all that its function has
        self._attending.release()
        self._tell(False)

    def _asks(self) -> bool:
        """Whether the call of `input()` has not returned; of one that is left by an exception nobody is told."""
        at = self._at
        if at is None:
            return False
        thread, frame, instruction = at
        now = sys._current_frames().get(thread)
        return now is frame and now.f_lasti == instruction


def _hook(appeared: Callable[[FrameType], None]) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, _arguments: tuple[Any, ...], get_frame: Callable[[int], FrameType] = sys._getframe) -> None:
        if event == "builtins.input":
            appeared(get_frame(1))

    return hook


def _debugging() -> bool:
    """Whether a debugger that is known to us is about to ask, or does; pydevd, of debugpy, holds a thread meanwhile."""
    return any(  # no name is given to the frames: one that held itself would keep all that it has seen
        frame.f_code.co_name in _ASKS and frame.f_globals.get("__name__") in _DEBUGGERS
        for innermost in sys._current_frames().values()
        for frame in _outwards(innermost)
    )


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _make_fit_for_typing() -> None:
    """Whole lines, and an echo."""
    with suppress(ImportError, OSError, ValueError):
        import termios

        if not os.isatty(0):
            return
        try:
            mode = termios.tcgetattr(0)
            fit = termios.ICANON | termios.ECHO
            if mode[3] & fit != fit:
                mode[3] |= fit
                termios.tcsetattr(0, termios.TCSADRAIN, mode)
        except termios.error:
            return
