"""What user code raises that is executed again, although nobody has touched it."""

from __future__ import annotations

import sys
import traceback
from types import FrameType

from pepperpy_reload.core.difference import Fate
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.live import LiveWorld


def why_only_here(world: LiveWorld, error: BaseException) -> str:
    """Why a fresh start may not fail as this process does, or "".

    A statement without an edit that fails inside a library has been there before: the library may remember it.
    """
    frames = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__) if not _is_pythons(frame)]
    library = _home(frames[-1][0]).partition(".")[0] if frames else ""
    if not library or _is_own(frames[-1][0]):
        return ""
    places = [place for place in frames if _is_own(place[0]) and place[0].f_code.co_name == "<module>"]
    if not places:
        return ""
    frame, line = places[-1]
    alignment = world.alignment(_home(frame))
    if alignment is None:
        return ""
    fates = [alignment.fates[unit.index] for unit in alignment.units if unit.line <= line <= unit.last_line]
    if not fates or any(fate is not Fate.SAME for fate in fates):
        return ""
    return f"{_home(frame)}:{line} fails inside {library} ({type(error).__name__}), and has not been edited"


def _home(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__")
    return name if type(name) is str else ""


def _is_own(frame: FrameType) -> bool:
    return frame.f_code.co_filename in recorder.roots


def _is_pythons(frame: FrameType) -> bool:
    """Whether it is Python's, or of this package."""
    package = _home(frame).partition(".")[0]
    return not _is_own(frame) and (package in sys.stdlib_module_names or package == __name__.partition(".")[0])
