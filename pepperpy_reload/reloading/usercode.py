"""The one place where exceptions of user code are caught."""

from __future__ import annotations

import importlib
import linecache
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from pepperpy_reload.errors import ReloadError, UserCodeError
from pepperpy_reload.importing.recorder import recorder

_OURS = (os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep, "<frozen importlib")
_ENGINE = tuple(os.path.join(_OURS[0], name, "") for name in ("core", "importing", "reloading"))
_BUGS = (AttributeError, TypeError, KeyError, IndexError, NameError, AssertionError)
_IMPORTLIB = importlib.__file__


@contextmanager
def calling_user_code() -> Iterator[None]:
    """Whatever the user's code raises inside, SystemExit and KeyboardInterrupt included, comes out as UserCodeError.

    Errors of this package pass as they are, its bugs as well: they are none of the user's.
    """
    try:
        yield
    except ReloadError:
        raise
    except BaseException as error:
        if is_a_bug(error):
            raise
        raise describe(error) from None


def called(function: Callable[[], object]) -> None:
    """Call what the user has given: that it cannot be called so is no bug of ours."""
    function()


def is_a_bug(error: BaseException) -> bool:
    """Whether the engine itself has raised something, and nothing of the user's or of a library was under way."""
    if not isinstance(error, _BUGS) or _without_ours(error.__traceback__) is not None:
        return False
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_code.co_filename.startswith(_ENGINE) and frame.f_code is not called.__code__


@contextmanager
def reading_user_code() -> Iterator[None]:
    """What is wrong with the user's sources, or with their files, comes out as UserCodeError; all else is our bug."""
    try:
        yield
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError, OverflowError) as error:
        raise describe(error) from None


def describe(error: BaseException) -> UserCodeError:
    """`error` as the user's full traceback in text, with the innermost place in their own code."""
    _clean(error, set())
    # The files may have changed since their lines were cached, even within a second and at the same size.
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename in recorder.roots:
            linecache.cache.pop(frame.f_code.co_filename, None)
    text = "".join(traceback.format_exception(error)).rstrip()
    file, line = _place(error)
    return UserCodeError(text, file, line)


def without_frames(error: UserCodeError) -> UserCodeError:
    """For who keeps it: the text says it all, and frames hold what their functions had, those of all callers too."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


def _clean(error: BaseException | None, seen: set[int]) -> None:
    """Take our frames, and importlib's, off an exception and those that it came from."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    error.__traceback__ = _without_ours(error.__traceback__)
    _clean(error.__cause__, seen)
    _clean(error.__context__, seen)


def _without_ours(tb: TracebackType | None) -> TracebackType | None:
    kept = None
    entries = []
    while tb is not None:
        entries.append(tb)
        tb = tb.tb_next
    for entry in reversed(entries):
        file = entry.tb_frame.f_code.co_filename
        if not file.startswith(_OURS) and file != _IMPORTLIB:
            kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return kept


def _place(error: BaseException) -> tuple[str, int]:
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 0
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    mine = [place for place in places if place[0] in recorder.roots]
    return (mine or places or [("", 0)])[-1]
