"""Programs that write the files that they are reloaded for."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import ASGI, until

if TYPE_CHECKING:
    from tests.conftest import Python
    from tests.e2e.conftest import Start

SERVE = ("serve", "--port", "0", "--json", "--no-access-log")
COUNTER = """
import json, pathlib

FILE = pathlib.Path(__file__).with_name("runs.json")

def bump():
    number = json.loads(FILE.read_text())["n"] + 1
    FILE.write_text(json.dumps({"n": number}))
    return number
"""
TIRED = "the program writes that itself, again and again"


@pytest.mark.parametrize("more", [(), ("--single-process",)])
def test_a_program_that_counts_its_starts_in_a_file(start: Start, project: Path, more: tuple[str, ...]) -> None:
    (project / "runs.json").write_text('{"n": 0}')
    (project / "counter.py").write_text(COUNTER)
    (project / "main.py").write_text(f"import counter\nRUNS = counter.bump()\ndef answer(): return RUNS\n{ASGI}")
    tool = start(*SERVE, *more, "main:app")
    tool.event("ready")
    until(lambda: TIRED in str(tool.events("note")), "the circle to be broken")
    assert len(tool.events("note")) == 1
    until(lambda: _rests(project / "runs.json", len(tool.events("reloaded"))), "the circle to end")
    before = json.loads((project / "runs.json").read_text())["n"]
    numbers = count(1000)
    until(lambda: _save(project / "runs.json", next(numbers)) and int(tool.get()) > 1000, "a save of others")
    assert before < 1000


def _save(file: Path, number: int) -> bool:
    file.with_suffix(".new").write_text(json.dumps({"n": number}))
    return bool(file.with_suffix(".new").replace(file))


_seen: dict[Path, tuple[int, str]] = {}


def _rests(file: Path, reloads: int) -> bool:
    """Whether neither file nor reloads are others than a moment ago."""
    before, _seen[file] = _seen.get(file), (reloads, file.read_text())
    return before == _seen[file]


def test_a_program_that_writes_its_environment_file_whenever_it_starts(start: Start, project: Path) -> None:
    (project / ".env").write_text("AT=0\n")
    (project / "main.py").write_text(
        "import pathlib, time\npathlib.Path(__file__).with_name('.env').write_text(f'AT={time.time_ns()}')\n"
        f"def answer(): return 'served'\n{ASGI}"
    )
    tool = start(*SERVE, "--env-file", ".env", "main:app")
    tool.serves("served")
    until(lambda: TIRED in str(tool.events("note")), "a word on who writes it")
    tool.serves("served")


def test_a_program_that_writes_a_source_of_its_own_with_every_request(start: Start, project: Path) -> None:
    (project / "generated.py").write_text("N = 0\n")
    (project / "main.py").write_text(
        "import os, pathlib, generated\n"
        "FILE = pathlib.Path(__file__).with_name('generated.py')\n"
        "def answer():\n"
        "    before = generated.N\n"
        "    FILE.with_suffix('.new').write_text(f'N = {before + 1}\\n')\n"
        "    os.replace(FILE.with_suffix('.new'), FILE)\n"
        f"    return before\n{ASGI}"
    )
    tool = start(*SERVE, "main:app")
    tool.event("ready")
    until(lambda: tool.get() and TIRED in str(tool.events("note")), "the circle to be broken")
    assert len(tool.events("note")) == 1
    until(lambda: int(tool.get()) == int(tool.get()), "the circle to end")


def test_a_program_of_its_own_that_writes_what_it_is_reloaded_for(python: Python) -> None:
    python.plain(
        """
        import threading, time
        from pepperpy_reload import ImportOptimizer, ModuleManager, Reloader
        reports = []
        with Reloader(ImportOptimizer(ModuleManager()), roots=["."], on_report=reports.append):
            import main
            deadline, pause = time.monotonic() + 15, threading.Event()
            open("runs.json", "w").write('{"n": 5}')
            while not any(report.notes for report in reports):
                assert time.monotonic() < deadline, reports
                pause.wait(0.01)
            notes = [note for report in reports for note in report.notes]
            assert len(notes) == 1 and "again and again" in notes[0], notes
        """,
        {"runs.json": '{"n": 0}', "counter.py": COUNTER, "main.py": "import counter\nRUNS = counter.bump()\n"},
    )


def test_who_edits_within_the_process_is_no_program_that_goes_round_in_circles(python: Python) -> None:
    python.plain(
        """
        import os, threading, time
        from pepperpy_reload import ImportOptimizer, ModuleManager, Reloader
        reports = []
        with Reloader(ImportOptimizer(ModuleManager()), roots=["."], on_report=reports.append):
            import main
            for number in range(1, 9):
                open("main.new", "w").write(f"NUMBER = {number}\\n")
                os.replace("main.new", "main.py")
                deadline, pause = time.monotonic() + 15, threading.Event()
                while main.NUMBER != number:
                    assert time.monotonic() < deadline, (number, main.NUMBER, reports)
                    pause.wait(0.01)
        assert not any(report.notes for report in reports), reports
        """,
        {"main.py": "NUMBER = 0\n"},
    )
