"""Where the time of a save went, whatever has overtaken what."""

from __future__ import annotations

import time

import pytest

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.supervising.timings import Timings

PATHS = frozenset({"a.py"})
LATE = 0.25


def reloaded(**phases: float) -> ReloadReport:
    return ReloadReport(ReloadStatus.RELOADED, duration=sum(phases.values()), phases=phases)


@pytest.mark.parametrize("overtaken", [False, True])
def test_a_batch_that_is_complete_before_its_hint_is_answered_does_not_count(overtaken: bool) -> None:
    timings, began = Timings(), time.monotonic()
    timings.saved(Hint(PATHS, first=True, at=began))
    if overtaken:
        timings.saved(Quiet(PATHS, at=began - LATE))
    timed = timings.of(reloaded(plan=0.0), hinted=True)
    took = time.monotonic() - began
    assert timed is not None
    assert sum(timed.phases.values()) <= took < LATE
    if not overtaken:
        timings.saved(Quiet(PATHS, at=began))
    assert timings.of(reloaded(plan=0.0), hinted=False) is None, "it is of another worker, or has been told"


def test_a_batch_that_is_more_than_its_hint_is_told_of_as_well() -> None:
    timings, began = Timings(), time.monotonic()
    timings.saved(Hint(PATHS, first=True, at=began))
    timings.saved(Quiet(PATHS | {"b.py"}, at=began - LATE))
    assert timings.of(reloaded(plan=0.0), hinted=True) is not None
    timed = timings.of(reloaded(run=0.0), hinted=False)
    assert timed is not None
    assert timed.phases["batch"] >= LATE
    assert timings.of(reloaded(run=0.0), hinted=False) is None


def test_a_hint_that_was_not_answered_is_told_with_its_batch() -> None:
    timings, began = Timings(), time.monotonic()
    timings.saved(Hint(PATHS, first=True, at=began))
    timings.saved(Quiet(PATHS, at=began - LATE))
    timed = timings.of(reloaded(run=0.0), hinted=False)
    assert timed is not None
    assert timed.phases["batch"] >= LATE
    assert timings.of(reloaded(run=0.0), hinted=True) is None
