"""Takes the frames of our import hooks off tracebacks: users see their own code and Python's, as without us."""

from __future__ import annotations

import os
from types import TracebackType

_HERE = os.path.dirname(__file__) + os.sep


def strip(traceback: TracebackType | None) -> TracebackType | None:
    """`traceback` without the frames of this package at its beginning."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename.startswith(_HERE):
        traceback = traceback.tb_next
    return traceback
