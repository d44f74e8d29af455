"""`serve --audit`: a reload is compared with a fresh start, and state is no fault of a reload."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

Until = Callable[..., Any]
Alive = Callable[[int], bool]
Serve = Callable[..., "Tool"]
AUDIT = ("serve", "--audit", "--port", "0", "--json", "--no-access-log", "main:app")
UNSEEN = """
import gc, threading, types
import settings

def double():
    for one in gc.get_objects():
        if isinstance(one, types.ModuleType) and one.__name__ == "settings":
            return one.LIMIT * 2

DOUBLED = double()
"""
"""It reads from an object that only a local variable leads to, which nobody can see through."""


@pytest.fixture
def serve(start: Start) -> Serve:
    """Serves the project, audited."""

    def served() -> Tool:
        tool = start(*AUDIT)
        tool.event("ready")
        return tool

    return served


def verdict(tool: Tool, times: int) -> dict[str, Any]:
    """The verdict on the reload of this number."""
    return tool.event("audit", times)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


# -- equal --


def test_a_reload_that_is_right_is_found_right(serve: Serve, project: Path) -> None:
    tool = serve()
    for number in range(1, 4):
        (project / "helper.py").write_text(f"WORD = 'v{number}'\n")
        assert verdict(tool, number)["verdict"] == "equal", tool.text()
        tool.serves(f"v{number}")
    change(project / "main.py", "return helper.WORD", "return helper.WORD + '!'")
    assert verdict(tool, 4)["verdict"] == "equal"
    tool.serves("v3!")
    assert tool.events("restarted") == []


def test_a_person_hears_of_it_only_when_asked(start: Start, project: Path) -> None:
    for word, flags in enumerate(([], ["--verbose"])):
        tool = start(*(word for word in AUDIT if word != "--json"), *flags)
        tool.says("serving main:app on")
        (project / "helper.py").write_text(f"WORD = 'new {word}'\n")
        tool.says("ran 1 statement")
        if flags:
            tool.says("the same as a fresh start")
        tool.send(signal.SIGINT)
        tool.ends()
        assert ("the same as a fresh start" in tool.text()) is bool(flags)


def test_state_is_not_blamed_on_a_reload(serve: Serve, project: Path) -> None:
    (project / "store.py").write_text(
        "import functools, itertools\n"
        "hits = 0\ncache = {}\nnumbers = itertools.count()\nalias = cache\n"
        "class Session:\n    users = 0\n    last = None\n"
        "session = Session()\n"
        "@functools.cache\ndef squared(number):\n    return number * number\n"
        "def visit(word):\n"
        "    global hits, first\n"
        "    hits += 1\n    first = 'seen'\n    cache[hits] = squared(next(numbers))\n"
        "    Session.users += 1\n    session.last = [word]\n    return f'{word} {hits}'\n"
    )
    change(project / "main.py", "import helper\n", "import helper\nimport store\n")
    change(project / "main.py", "return helper.WORD", "return store.visit(helper.WORD)")
    tool = serve()
    for number in range(1, 4):
        tool.serves(f"v{number - 1} {number}")
        (project / "helper.py").write_text(f"WORD = 'v{number}'\n")
        assert verdict(tool, number)["verdict"] == "equal", tool.text()
    change(project / "store.py", "{hits}'", "{hits}!'")
    assert verdict(tool, 4)["verdict"] == "equal", tool.text()
    tool.serves("v3 4!")
    assert tool.events("restarted") == []


def test_state_that_comes_while_it_is_reloaded_is_not_blamed_either(serve: Serve, project: Path, until: Until) -> None:
    (project / "store.py").write_text("hits = 0\ncache = {}\n")
    change(project / "main.py", "import helper\n", "import helper\nimport store\n")
    change(
        project / "main.py",
        "    return helper.WORD",
        "    store.hits += 1\n    store.cache[store.hits] = helper.WORD\n    return helper.WORD",
    )
    tool = serve()
    stopped = threading.Event()
    asking = threading.Thread(target=lambda: [tool.get() for _ in iter(stopped.is_set, True)])
    (project / "helper.py").write_text("WORD = 'v1'\n")  # no request has come before
    asking.start()
    try:
        for number in range(1, 4):
            assert verdict(tool, number)["verdict"] == "equal", tool.text()
            (project / "helper.py").write_text(f"WORD = 'v{number + 1}'\n")
        assert verdict(tool, 4)["verdict"] == "equal", tool.text()
    finally:
        stopped.set()
        asking.join()
    assert tool.events("restarted") == []


def test_what_no_two_starts_have_in_common_is_not_blamed(serve: Serve, project: Path) -> None:
    (project / "helper.py").write_text(
        "import os, time, uuid\nWORD = 'v0'\n"
        "BORN = (WORD, time.time_ns(), os.getpid())\nNAME = WORD + uuid.uuid4().hex\n"
        "ORDER = [*{WORD, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'}]\n"
    )
    tool = serve()
    change(project / "helper.py", "'v0'", "'v1'")
    assert verdict(tool, 1)["verdict"] == "equal", tool.text()


def test_what_two_starts_have_in_common_by_chance_is_not_blamed(serve: Serve, project: Path) -> None:
    (project.parent / "starts").mkdir()
    (project / "chance.py").write_text(
        "import pathlib\n"
        "STARTS = pathlib.Path(__file__).parent.parent / 'starts'\n"
        "def draw():\n"
        "    number = len(list(STARTS.iterdir()))\n"
        "    (STARTS / str(number)).touch()\n"
        "    return 'aabbab'[number % 6]\n"
        "DRAWN = draw()\n"
    )
    (project / "main.py").write_text("import chance\n" + (project / "main.py").read_text())
    tool = serve()
    (project / "helper.py").write_text("WORD = 'v1'\n")
    assert verdict(tool, 1)["verdict"] == "equal", tool.text()
    assert len(list((project.parent / "starts").iterdir())) == 5


def test_what_is_kept_on_purpose_is_not_blamed(serve: Serve, project: Path) -> None:
    (project / "helper.py").write_text(
        "from pepperpy_reload import keep\n"
        "__reload_keep__ = ('connections',)\n"
        "def make():\n    return [SIZE]\n"
        "SIZE = 1\nconnections = [SIZE]\npool = keep('pool', make)\nWORD = f'v{SIZE}'\n"
    )
    tool = serve()
    change(project / "helper.py", "SIZE = 1\n", "SIZE = 2\n")
    assert verdict(tool, 1)["verdict"] == "equal", tool.text()
    tool.serves("v2")


def test_a_lifespan_that_runs_again_is_not_blamed(serve: Serve, project: Path) -> None:
    (project / "main.py").write_text(
        "from contextlib import asynccontextmanager\nfrom fastapi import FastAPI\nimport helper\nstarts = {}\n"
        "def note():\n    starts[helper.WORD] = True\n"
        "@asynccontextmanager\nasync def lifespan(app):\n    note()\n    yield\n"
        "app = FastAPI(lifespan=lifespan)\n"
        "@app.get('/')\ndef answer():\n    return [helper.WORD, *starts]\n"
    )
    tool = serve()
    tool.serves('["v0","v0"]')
    change(project / "main.py", "starts[helper.WORD] = True", "starts[helper.WORD] = app.state.note = 1")
    assert verdict(tool, 1)["verdict"] == "equal", tool.text()
    (project / "helper.py").write_text("WORD = 'v1'\n")
    assert verdict(tool, 2)["verdict"] == "equal", tool.text()
    tool.serves('["v1","v0","v1"]')


# -- different --


def test_what_a_reload_has_missed_is_shown_reported_and_answered_with_a_restart(
    serve: Serve, project: Path, until: Until, alive: Alive
) -> None:
    (project / "settings.py").write_text("LIMIT = 1\n")
    (project / "helper.py").write_text(UNSEEN)
    change(project / "main.py", "helper.WORD", "helper.DOUBLED")
    tool = serve()
    tool.serves("2")
    pid = tool.event("ready")["pid"]
    (project / "settings.py").write_text("LIMIT = 5\n")
    found = verdict(tool, 1)
    assert (found["verdict"], found["path"], found["here"], found["fresh"]) == (
        "different",
        "helper.DOUBLED",
        "2",
        "10",
    )
    report = Path(found["report"])
    assert "helper.DOUBLED" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0
    report.unlink()
    assert tool.event("restarted")["reason"] == "the audit found that helper.DOUBLED is not what a fresh start has"
    tool.serves("10")
    until(lambda: not alive(pid), "the old worker to be gone")
    (project / "settings.py").write_text("LIMIT = 6\n")
    found = verdict(tool, 2)
    assert (found["here"], found["fresh"]) == ("10", "12")  # the new worker is audited, too
    Path(found["report"]).unlink()


def test_it_is_one_line_for_a_person(start: Start, project: Path) -> None:
    (project / "settings.py").write_text("LIMIT = 1\n")
    (project / "helper.py").write_text(UNSEEN)
    change(project / "main.py", "helper.WORD", "helper.DOUBLED")
    tool = start(*(word for word in AUDIT if word != "--json"), "--verbose")
    tool.says("serving main:app on")
    (project / "settings.py").write_text("LIMIT = 2\n")
    tool.says("differs helper.DOUBLED is 2; in a fresh start: 4 (")
    (line,) = [line for line in tool.err if line.startswith("differs")][:1]
    Path(line.rpartition("(")[2].rpartition(")")[0].split()[-1]).unlink()
    tool.says("the audit found that helper.DOUBLED")


def test_a_stale_value_is_found_in_an_app_that_is_never_quiet(serve: Serve, project: Path) -> None:
    (project / "settings.py").write_text("LIMIT = 1\n")
    (project / "helper.py").write_text(
        f"{UNSEEN}\nticks = 0\ndef tick():\n    global ticks\n"
        "    while True:\n        ticks += 1\n        pause.wait(0.001)\n"
        "pause = threading.Event()\nthreading.Thread(target=tick, daemon=True).start()\n"
    )
    change(project / "main.py", "helper.WORD", "helper.DOUBLED")
    tool = serve()
    change(project / "main.py", "return helper", "return 0 + helper")
    assert verdict(tool, 1)["verdict"] == "equal", tool.text()
    (project / "settings.py").write_text("LIMIT = 5\n")
    found = verdict(tool, 2)
    assert (found["verdict"], found["path"]) == ("different", "helper.DOUBLED")
    Path(found["report"]).unlink()


# -- when it cannot be said --


def test_a_fresh_start_that_cannot_be_is_told_once(serve: Serve, project: Path) -> None:
    (project / "lock.py").write_text(
        "import atexit, os\nos.close(os.open('lock', os.O_CREAT | os.O_EXCL))\natexit.register(os.unlink, 'lock')\n"
    )
    change(project / "main.py", "import helper\n", "import lock\nimport helper\n")
    tool = serve()
    (project / "helper.py").write_text("WORD = 'v0'\nMORE = 1\n")
    found = verdict(tool, 1)
    assert found["verdict"] == "skipped"
    assert "a fresh start cannot import main: FileExistsError" in found["reason"]
    for number in range(1, 4):
        (project / "helper.py").write_text(f"WORD = 'v{number}'\n")
        tool.serves(f"v{number}")
    assert len(tool.events("audit")) == 1
    assert tool.events("restarted") == []


def test_a_request_that_takes_its_time_is_waited_for(serve: Serve, project: Path, until: Until) -> None:
    (project / "helper.py").write_text("import asyncio\nWORD = 'v0'\nopened = asyncio.Event()\nclosed = True\n")
    change(
        project / "main.py",
        "async def app(scope, receive, send):\n",
        "async def app(scope, receive, send):\n"
        "    if scope['type'] == 'http' and scope['path'] == '/wait':\n        await helper.opened.wait()\n"
        "    if scope['type'] == 'http' and scope['path'] == '/open':\n        helper.opened.set()\n",
    )
    tool = serve()
    answers: list[str] = []
    waiting = threading.Thread(target=lambda: answers.append(tool.get("/wait")))
    waiting.start()
    try:
        tool.serves("v0")
        change(project / "main.py", "return helper.WORD", "return helper.WORD + '!'")
        tool.event("reloaded")
        tool.serves("v0!")
        assert tool.events("audit") == []  # it waits
        tool.get("/open")
        waiting.join()
        assert verdict(tool, 1)["verdict"] == "equal", tool.text()
    finally:
        tool.get("/open")
        waiting.join()
    assert answers == ["v0!"]


def test_a_broken_save_is_none_of_its_business(serve: Serve, project: Path) -> None:
    tool = serve()
    (project / "helper.py").write_text("WORD = (\n")
    tool.event("failed")
    (project / "helper.py").write_text("WORD = 'v2'\n")
    assert verdict(tool, 1)["verdict"] == "equal", tool.text()
    tool.serves("v2")
    assert len(tool.events("audit")) == 1


def test_nothing_is_left_behind(serve: Serve, project: Path, until: Until, alive: Alive) -> None:
    """The tool is stopped while a fresh start hangs in its import."""
    tool = serve()
    (project / "helper.py").write_text(
        "import os, pathlib, threading\nWORD = 'v1'\n"
        "if pathlib.Path('served').exists():\n"
        "    pathlib.Path('fresh').write_text(str(os.getpid()))\n    threading.Event().wait()\n"
        "pathlib.Path('served').touch()\n"
    )
    tool.serves("v1")
    fresh = project / "fresh"
    pid = int(until(lambda: fresh.exists() and fresh.read_text(), "the fresh start"))
    assert alive(pid)
    tool.send(signal.SIGTERM)
    tool.ends()
    until(lambda: not alive(pid), "its end")
