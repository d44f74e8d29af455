"""Reports cross a pipe as JSON, and say what happened in one line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pepperpy_reload.core.report import ReloadReport, ReloadStatus, summary
from pepperpy_reload.errors import ReloadError, UserCodeError

NAMES = st.lists(st.text(max_size=8), max_size=3).map(tuple)
ERRORS = st.none() | st.builds(UserCodeError, st.text(), st.text(max_size=8), st.integers(0, 99))


@settings(derandomize=True, deadline=None)
@given(
    st.builds(
        ReloadReport, st.sampled_from(ReloadStatus), st.text(max_size=8), ERRORS, NAMES, NAMES, NAMES, NAMES,
        st.floats(0, 100), NAMES, NAMES, st.dictionaries(st.sampled_from(["read", "plan"]), st.floats(0, 1)),
    )
)  # fmt: skip
def test_a_report_comes_out_of_json_as_it_went_in(report: ReloadReport) -> None:
    back = ReloadReport.from_json(json.loads(json.dumps(report.as_json())))

    assert back.as_json() == report.as_json()
    assert (back.status, back.patched, back.paths) == (report.status, report.patched, report.paths)
    assert isinstance(back.error, ReloadError) is (report.error is not None)
    if report.error is not None and back.error is not None:
        assert (str(back.error), back.error.file, back.error.line) == (
            str(report.error), report.error.file, report.error.line,
        )  # fmt: skip


def test_a_status_is_a_word() -> None:
    assert [str(status) for status in ReloadStatus] == ["unchanged", "reloaded", "restart", "failed"]
    assert ReloadStatus("failed") is ReloadStatus.FAILED
    assert f"{ReloadStatus.RESTART}" == "restart"


RELOADED, UNCHANGED = ReloadStatus.RELOADED, ReloadStatus.UNCHANGED


@pytest.mark.parametrize(
    ("report", "line"),
    [
        pytest.param(
            ReloadReport(RELOADED, imported=("a", "b"), patched=("a.f",), duration=0.003, paths=("/x/app/views.py",)),
            "reloaded 2 modules, patched 1 function in 3.0 ms (app/views.py)",
            id="modules and a function",
        ),
        pytest.param(
            ReloadReport(RELOADED, ran=("a:1", "a:2"), dropped=("a.x",), duration=0.0123, paths=("C:\\app\\views.py",)),
            "ran 2 statements, dropped 1 name in 12 ms (app/views.py)",
            id="statements and a name",
        ),
        pytest.param(ReloadReport(RELOADED, duration=0.0002), "reloaded in 0.2 ms", id="nothing to count"),
        pytest.param(
            ReloadReport(RELOADED, patched=("f",), duration=0.00949, paths=tuple(f"/d/{name}.py" for name in "abcde")),
            "patched 1 function in 9.5 ms (d/a.py, d/b.py, d/c.py and 2 more)",
            id="many files",
        ),
        pytest.param(ReloadReport(UNCHANGED), "nothing that runs has changed", id="unchanged"),
        pytest.param(ReloadReport(UNCHANGED, notes=("one", "two")), "one; two", id="unchanged, with notes"),
        pytest.param(
            ReloadReport(ReloadStatus.RESTART, reason="an extension module has changed"),
            "restart needed: an extension module has changed",
            id="restart",
        ),
        pytest.param(
            ReloadReport(ReloadStatus.FAILED, error=UserCodeError("Traceback\n  x\nValueError: no\n", "/a/b.py", 3)),
            "not reloaded, nothing has changed: ValueError: no (/a/b.py:3)",
            id="failed",
        ),
        pytest.param(
            ReloadReport(ReloadStatus.FAILED, error=UserCodeError("SystemExit")),
            "not reloaded, nothing has changed: SystemExit",
            id="failed somewhere",
        ),
        pytest.param(
            ReloadReport(ReloadStatus.FAILED, error=UserCodeError("")),
            "not reloaded, nothing has changed: ",
            id="failed without a word",
        ),
    ],
)  # fmt: skip
def test_one_line_for_a_person(report: ReloadReport, line: str) -> None:
    assert summary(report) == line
