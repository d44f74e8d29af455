"""The lines that a person reads, and the ones that a program reads."""

from __future__ import annotations

import io
import json
import traceback
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pepperpy_reload.core.cycles import Circle, Harm, Remedy, Step
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.drawing.excerpt import excerpt, headline, plain
from pepperpy_reload.drawing.news import (
    Circular,
    Died,
    Finished,
    Happening,
    Note,
    OfWorker,
    Part,
    Ready,
    Reported,
    Restarted,
    Restarting,
    Rolled,
    Stopped,
    Timed,
    Trouble,
    Unstarted,
)
from pepperpy_reload.drawing.terminal import Detail, JsonLines, Terminal
from pepperpy_reload.errors import UserCodeError
from pepperpy_reload.supervising.numbered import Numbered


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)


def shown(*news: Happening, detail: Detail = Detail.NORMAL) -> str:
    stream = io.StringIO()
    terminal = Terminal(stream, detail)
    for each in news:
        terminal.show(each)
    return stream.getvalue()


def trouble(path: Path) -> Trouble:
    """The error of running that file, told as Python tells it."""
    try:
        exec(compile(path.read_text(), str(path), "exec"), {})
    except Exception as error:  # noqa: BLE001 - whatever the file raises
        text = "".join(traceback.format_exception(error))
        line = (
            error.lineno or 0
            if isinstance(error, SyntaxError)
            else traceback.extract_tb(error.__traceback__)[-1].lineno
        )
        return Trouble(text, str(path), line or 0)
    raise AssertionError("the file is fine")


def test_what_a_reload_did(tmp_path: Path) -> None:
    report = ReloadReport(
        ReloadStatus.RELOADED,
        imported=("app.views", "app.urls"),
        patched=("app.models.f",),
        duration=0.003,
        paths=(str(tmp_path / "app" / "views.py"),),
    )
    assert shown(Reported(report)) == "reloaded 2 modules, patched 1 function in 3.0 ms (app/views.py)\n"
    assert "app.models.f" in shown(Reported(report), detail=Detail.VERBOSE)
    assert shown(Reported(report), detail=Detail.QUIET) == ""


def test_a_reload_that_imports_nothing_begins_with_what_it_did() -> None:
    report = ReloadReport(
        ReloadStatus.RELOADED,
        patched=("a.f", "a.g"),
        dropped=("a.h",),
        duration=0.0002,
        paths=(str(Path("a.py").resolve()),),
    )
    assert shown(Reported(report)) == "patched 2 functions, dropped 1 name in 0.2 ms (a.py)\n"


def test_many_files_are_not_all_named() -> None:
    report = ReloadReport(ReloadStatus.RELOADED, ran=("a:1",), paths=tuple(f"{n}.py" for n in range(9)))
    assert "(0.py, 1.py, 2.py and 6 more)" in shown(Reported(report))


def test_a_batch_that_changed_nothing_is_told_only_when_asked() -> None:
    news = Reported(ReloadReport(ReloadStatus.UNCHANGED, paths=("a.py",)))
    assert shown(news) == ""
    assert shown(news, detail=Detail.VERBOSE) == "unchanged a.py\n"
    with_note = Reported(ReloadReport(ReloadStatus.UNCHANGED, notes=("b.py is loaded by nobody",)))
    assert shown(with_note) == "note b.py is loaded by nobody\n"


def test_start_restart_and_end() -> None:
    ready = Ready("main:app", "http://127.0.0.1:8000", 1, 0.1, (str(Path.cwd()),))
    assert shown(ready) == "serving main:app on http://127.0.0.1:8000 - watching ./ - Ctrl-C stops\n"
    assert (
        shown(Restarting("numpy changed"), Restarted("numpy changed", 2, 0.24))
        == "restarted in 240 ms: numpy changed\n"
    )
    assert shown(Finished(0)) == "finished waiting for the next save\n"
    assert shown(Stopped(130)).strip() == "stopped"


def test_a_crash_says_what_comes_next() -> None:
    assert shown(Died("killed by SIGSEGV", 0.2)) == "crashed killed by SIGSEGV; starting it again in 0.2 s\n"
    assert shown(Died("killed by SIGSEGV", None), detail=Detail.QUIET).endswith("; waiting for the next save\n")


def test_a_failed_reload_shows_the_lines_and_a_caret(tmp_path: Path) -> None:
    (tmp_path / "views.py").write_text("def view():\n    x = 1\n    return x +\n")
    error = trouble(tmp_path / "views.py")
    report = ReloadReport(ReloadStatus.FAILED, error=UserCodeError(error.text, error.file, error.line))
    assert shown(Reported(report)).splitlines() == [
        "failed views.py:3: SyntaxError: invalid syntax",
        "    1 | def view():",
        "    2 |     x = 1",
        "  > 3 |     return x +",
        "      |               ^",
        "   the last good version goes on serving",
    ]


def test_the_caret_stands_under_what_python_points_at(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text("def f():\n\tif True:\n\t\treturn 1 + len(nothing)\n\nf()\n")
    found = excerpt(trouble(tmp_path / "late.py"))
    assert found.headline == "NameError: name 'nothing' is not defined"
    number, line = found.lines[-1]
    assert number == 3
    assert "\t" not in line
    pointed = "".join(line[index] for index, mark in enumerate(found.carets) if mark == "^")
    assert pointed in ("nothing", line.strip())


def test_a_start_that_failed_says_that_the_next_save_tries_again(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import nowhere_to_be_found\n")
    text = shown(Unstarted(trouble(tmp_path / "app.py")), detail=Detail.QUIET)
    assert "failed app.py:1: ModuleNotFoundError: No module named 'nowhere_to_be_found'" in text
    assert "> 1 | import nowhere_to_be_found" in text
    assert "the next save tries again" in text
    assert "Traceback" not in text


def test_an_error_without_a_readable_file_is_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"x = 'caf\xe9'\n")
    found = excerpt(Trouble("SyntaxError: (unicode error) 'utf-8' codec", str(tmp_path / "latin.py"), 1))
    assert (found.headline, found.lines) == ("SyntaxError: (unicode error) 'utf-8' codec", ())
    assert found.place == "latin.py:1"


def test_the_headline_is_the_exceptions_own_line() -> None:
    frames = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    f()\n'
    text = f"{frames}ValueError: first\n  second\nthird"
    assert headline(text) == "ValueError: first"
    assert headline("just words") == "just words"
    assert headline("") == ""


def test_escape_sequences_of_the_users_code_are_not_passed_on() -> None:
    evil = "a\x1b[31mred\x1b[0m\x1b]0;title\x07b\x1b]8;;http://x\x1b\\link\x9b2J\rZ\x00"
    assert plain(evil) == "aredblink2JZ"
    text = shown(Note(evil), Unstarted(Trouble(f"ValueError: {evil}")))
    assert "\x1b" not in text
    assert "\x07" not in text


HOSTILE = st.lists(
    st.one_of(
        st.text(),
        st.sampled_from(["\x1b", "[2J", "]0;", "\x07", "\x9b", "\r", "\x1b\\", "P", "\x08", "\x7f", "\u2028"]),
    )
).map("".join)


@given(HOSTILE, HOSTILE)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_line_of_ours_has_a_control_character_whatever_the_users_code_says(text: str, name: str) -> None:
    error = UserCodeError(text, name, 1)
    steps = (Step(name, text, name, 1, missing=(text,)), Step(text, name, text, 2))
    said = shown(
        Note(text),
        Unstarted(Trouble(text, name, 1)),
        Died(text, None, serving=True),
        Reported(ReloadReport(ReloadStatus.FAILED, error=error, paths=(name,))),
        Reported(ReloadReport(ReloadStatus.RELOADED, patched=(text,), ran=(name,), paths=(name,), notes=(text,))),
        Restarting(text),
        Circular(Circle(Harm.NOW, steps)),
        detail=Detail.VERBOSE,
    )
    assert not [letter for letter in said if unicodedata.category(letter) == "Cc" and letter not in "\n\t"]


def test_markup_in_a_message_is_only_text() -> None:
    assert "[bold]x[/bold] :smile:" in shown(Note("[bold]x[/bold] :smile:"))


def test_a_stream_that_cannot_encode_a_letter_gets_it_escaped() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii", write_through=True)
    Terminal(stream).show(Note("naïve"))
    assert raw.getvalue() == b"note na\\xefve\n"


def test_colours_only_for_those_who_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[" in shown(Note("x"))
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in shown(Note("x"))


def test_a_reader_that_has_gone_is_no_error() -> None:
    stream = io.StringIO()
    stream.close()
    Terminal(stream).show(Note("x"))
    lines = JsonLines(stream)
    lines.show(Note("x"))
    lines.show(Note("y"))


def test_of_several_workers_the_first_one_tells_what_is_alike_and_each_what_is_not() -> None:
    reloaded = Reported(ReloadReport(ReloadStatus.RELOADED, patched=("a.f",), duration=0.001, paths=("a.py",)))
    failed = Reported(ReloadReport(ReloadStatus.FAILED, error=UserCodeError("ValueError: no", "a.py", 1)))
    crashed = Died("killed by SIGSEGV", 0.2, serving=True)
    leads, follows = Part.LEADS, Part.FOLLOWS
    assert shown(OfWorker(reloaded, 1, leads)) == shown(reloaded)
    assert shown(OfWorker(reloaded, 2, follows)) == ""
    assert shown(OfWorker(reloaded, 2, follows), detail=Detail.VERBOSE).startswith("patched worker 2: 1 function")
    assert shown(OfWorker(reloaded, 2)).startswith("patched worker 2: 1 function")
    assert shown(OfWorker(failed, 1, leads)) == shown(failed)
    assert shown(OfWorker(failed, 2, follows)).startswith("failed worker 2: a.py:1: ValueError: no\n")
    for part in Part:
        text = "crashed worker 2: killed by SIGSEGV; another one serves; starting it again in 0.2 s\n"
        assert shown(OfWorker(crashed, 2, part)) == text
    assert shown(OfWorker(Note("a request is cut off"), 3)) == "note worker 3: a request is cut off\n"


def test_what_has_gone_round_says_who_serves_it() -> None:
    assert shown(Rolled(3, (), 0.0141)) == "rolled 3 workers serve it after 14 ms\n"
    assert (
        shown(Rolled(1, (2, 3), 0.2), detail=Detail.QUIET) == "rolled 1 worker serves it after 200 ms, but not 2, 3\n"
    )


def test_one_of_several_workers_repeats_no_sentence_of_the_others() -> None:
    told: set[str] = set()
    stream = io.StringIO()
    terminal = Terminal(stream)
    for number in (1, 2):
        Numbered(terminal, number, told).show(Note("page.html is live"))
    assert stream.getvalue() == "note worker 1: page.html is live\n"


def test_json_is_one_object_a_line() -> None:
    stream = io.StringIO()
    lines = JsonLines(stream)
    report = ReloadReport(ReloadStatus.RELOADED, patched=("a.f",), paths=("a.py",))
    for news in (
        Ready("main:app", "http://x", 7, 0.5, ("/p",)),
        Reported(report),
        Reported(ReloadReport(ReloadStatus.UNCHANGED)),
        Restarting("why\n"),
        OfWorker(Reported(ReloadReport(ReloadStatus.UNCHANGED)), 2),
        OfWorker(Died("gone", None), 2),
        Stopped(0),
    ):
        lines.show(news)
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["ready", "reloaded", "restart", "died", "stopped"]
    assert events[0] | {"watching": []} == {
        "event": "ready",
        "target": "main:app",
        "url": "http://x",
        "pid": 7,
        "duration": 0.5,
        "watching": [],
    }
    assert events[1]["patched"] == ["a.f"]
    assert (events[3]["how"], events[3]["worker"]) == ("gone", 2)


def test_where_the_time_of_a_save_went_is_one_line() -> None:
    timed = Timed({"event": 0.0, "batch": 0.0152, "read": 0.00004, "plan": 0.0021})
    assert shown(timed) == "timings batch 15.2, plan 2.1: 17.3 ms\n"


def test_a_new_cycle_is_one_line(tmp_path: Path) -> None:
    steps = (Step("a", "b", f"{tmp_path}/a.py", 3), Step("b", "a", f"{tmp_path}/b.py", 1))
    circular = Circular(Circle(Harm.IMPORT, steps, steps[1], Remedy.FUNCTION))
    assert Circle.from_json(circular.cycle.as_json()) == circular.cycle
    assert shown(circular) == (
        "cycle new, import-time: a (a.py:3) → b (b.py:1) → a; b can move its line 1 into the functions that use it\n"
    )
