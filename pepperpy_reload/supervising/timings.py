"""Where the time of a save went: from the file to the report."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.core.report import ReloadReport
from pepperpy_reload.drawing.news import Timed

_OLD = 10.0  # seconds: an older file was not saved but moved here


class Timings:
    """Remembers when the last event came, to tell what was between the save and the report."""

    def __init__(self) -> None:
        self._event = self._batch = 0.0
        self._told: float | None = None
        self._paths: frozenset[str] = frozenset()
        self._timed: frozenset[str] = frozenset()
        """What was saved last and has been told of, until it is known to be all."""

    def saved(self, event: Hint | Quiet) -> None:
        """An event is about to be passed on to a worker."""
        if isinstance(event, Hint) and not event.first:
            return
        timed, self._timed = self._timed, frozenset()
        if isinstance(event, Quiet) and self._told is None and event.paths and event.paths <= timed:
            return  # other workers are given it now
        self._paths = frozenset(event.paths)
        now = self._told = time.monotonic()
        self._batch = now - event.at
        self._event = max(0.0, _age(event) - self._batch)

    def of(self, report: ReloadReport) -> Timed | None:
        """What the time went into since the save that a report is about; None for one that no save led to."""
        if self._told is None:
            return None
        since, self._told = time.monotonic() - self._told, None
        self._timed = self._paths
        channel = max(0.0, since - report.duration)
        return Timed({"event": self._event, "batch": self._batch, "channel": channel, **report.phases})


def _age(event: Hint | Quiet) -> float:
    """Seconds since the last of the files was written, by its time stamp; 0 if that is no recent one."""
    stamps = []
    for path in event.paths:
        with suppress(OSError):
            stamps.append(os.stat(path).st_mtime)  # noqa: PTH116 - a text
    age = time.time() - max(stamps, default=0.0)
    return age if 0 < age < _OLD else 0.0
