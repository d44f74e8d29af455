"""Where the time of a save went: from the file to the report."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.core.report import ReloadReport
from pepperpy_reload.drawing.news import Timed

_OLD = 10.0  # seconds: an older file was not saved but moved here


@dataclass(frozen=True, slots=True)
class _Passed:
    """An event that has been passed on, with what it took until then, in seconds; `at` is by the clock."""

    paths: frozenset[str]
    at: float
    event: float
    batch: float

    @classmethod
    def on(cls, event: Hint | Quiet) -> Self:
        """It is about to be."""
        now = time.monotonic()
        batch = now - event.at
        return cls(frozenset(event.paths), now, max(0.0, _age(event) - batch), batch)


class Timings:
    """Remembers when events came, to tell what was between the save and the report.

    A worker may answer a hint when the batch is complete already: each kind of event is remembered for itself.
    """

    def __init__(self) -> None:
        self._hint: _Passed | None = None
        self._quiet: _Passed | None = None
        self._told: frozenset[str] = frozenset()
        """What was saved last and has been told of, until it is known to be all."""

    def saved(self, event: Hint | Quiet) -> None:
        """An event is about to be passed on to a worker."""
        if isinstance(event, Quiet):
            told, self._told = self._told, frozenset()
            is_known = bool(event.paths) and event.paths <= told  # other workers are given it now
            self._quiet = None if is_known else _Passed.on(event)
        elif event.first:
            self._hint = _Passed.on(event)

    def of(self, report: ReloadReport, *, hinted: bool) -> Timed | None:
        """What the time went into since the save that a report is about; None for one that no save led to.

        `hinted` says that it answers a hint.
        """
        passed = self._hint if hinted else self._quiet
        if passed is None:
            return None
        channel = max(0.0, time.monotonic() - passed.at - report.duration)
        self._hint = None
        if not hinted:
            self._quiet = None
        elif self._quiet is None:
            self._told = passed.paths
        elif self._quiet.paths <= passed.paths:
            self._quiet = None
        return Timed({"event": passed.event, "batch": passed.batch, "channel": channel, **report.phases})


def _age(event: Hint | Quiet) -> float:
    """Seconds since the last of the files was written, by its time stamp; 0 if that is no recent one."""
    stamps = []
    for path in event.paths:
        with suppress(OSError):
            stamps.append(os.stat(path).st_mtime)  # noqa: PTH116 - a text
    age = time.time() - max(stamps, default=0.0)
    return age if 0 < age < _OLD else 0.0
