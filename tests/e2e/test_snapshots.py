"""Restarts that begin with modules of the project's own imported already, and are what a fresh start is."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

Until = Callable[..., Any]
SERVE = ("serve", "--port", "0", "--json", "--no-access-log", "--snapshots")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or sys.version_info < (3, 12), reason="only there is heard what modules call"
)

TOP = """
import json
import sys
import first
import middle
from pepperpy_reload.importing.recorder import recorder

__reload__ = "restart"
WORD = {word!r}
LOADED = [name for name in sys.modules if not name.startswith("pepperpy_reload.")]  # ours come when there is time

def known():
    modules, graph = recorder.modules, recorder.graph
    return {{
        "loaded": LOADED,
        "arguments": sys.argv,
        "order": [name for name in list(sys.modules) if name in modules],
        "first": list(modules),
        "ranks": sorted(recorder.rank, key=recorder.rank.__getitem__),
        "importers": sorted(recorder.importers),
        "outside": sorted(recorder.outside),
        "triggers": {{name: one.trigger for name, one in modules.items()}},
        "ran": {{name: sorted(map(str, one.footprint)) for name, one in modules.items()}},
        "imports": {{name: [str(graph.edge(name, other)) for other in graph.all_imports_of(name)] for name in modules}},
        "runners": sorted([str(key), sorted(names)] for key, names in recorder.runners.items()),
        "settled": {{name: sorted(found) for name, found in recorder.settled._prints.items()}},
    }}

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    said = f"{{WORD}} {{first.VALUE}} {{middle.VALUE}}"
    body = said if scope["path"] == "/word" else json.dumps(known())
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": body.encode()}})
"""
FIRST = """
import collections
VALUE = {value}
POINT = collections.namedtuple('POINT', 'x')

def f():
    return VALUE
"""
MIDDLE = """
import logging
from first import f
from pack import WHO

logger = logging.getLogger(__name__)
VALUE = f() + 1
{more}
"""


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """As it is by default."""
    return {name: value for name, value in environment.items() if name != "PEPPERPY_RELOAD_ZYGOTE"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "pack").mkdir(parents=True)
    (folder / "pack" / "__init__.py").write_text("from pack import inner\nWHO = inner.NAME\n")
    (folder / "pack" / "inner.py").write_text("import pack\nNAME = 'inner'\n")
    (folder / "first.py").write_text(FIRST.format(value=1))
    (folder / "middle.py").write_text(MIDDLE.format(more=""))
    (folder / "main.py").write_text(TOP.format(word="a"))
    return folder


def begin(start: Start, project: Path) -> Tool:
    later = time.time() + 1
    os.utime(project / "main.py", (later, later))  # what was saved last is expected to be saved next
    tool = start(*SERVE)
    tool.event("warm")
    return tool


def known(tool: Tool) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tool.get("/known"))
    return found


def test_an_edit_at_the_top_begins_with_all_that_is_below(start: Start, project: Path) -> None:
    tool = begin(start, project)
    first = tool.event("snapshot")
    assert first["modules"] == 4
    cold = known(tool)
    (project / "main.py").write_text(TOP.format(word="b"))
    tool.serves("b 1 2", "/word")
    assert tool.event("restarted")["warm"], tool.text()
    assert tool.event("resumed")["modules"] == 4
    warm = known(tool)
    for one in (cold, warm):
        one["loaded"].sort()  # the first modules of the very first worker were loaded in another order
    for what, value in cold.items():
        assert warm[what] == value, what
    assert tool.events("note") == []
    (project / "main.py").write_text(TOP.format(word="c"))
    tool.serves("c 1 2", "/word")
    assert len(tool.events("warm")) == 1, "what it imports besides is taken for libraries"


def test_what_came_from_a_snapshot_is_reloaded_as_everything_else(start: Start, project: Path) -> None:
    tool = begin(start, project)
    tool.event("snapshot")
    (project / "main.py").write_text(TOP.format(word="b"))
    tool.serves("b 1 2", "/word")
    assert tool.event("resumed")["modules"] == 4
    (project / "first.py").write_text(FIRST.format(value=5))
    tool.serves("b 5 6", "/word")
    (project / "first.py").write_text(FIRST.format(value=5).replace("return VALUE", "return VALUE * 2"))
    tool.serves("b 5 11", "/word")
    assert len(tool.events("restarted")) == 1, tool.text()


def test_an_edit_below_begins_without_what_hangs_on_it(start: Start, project: Path) -> None:
    restarting = FIRST + "__reload__ = 'restart'\n"
    (project / "first.py").write_text(restarting.format(value=1))
    tool = begin(start, project)
    tool.event("snapshot")
    (project / "first.py").write_text(restarting.format(value=3))
    tool.serves("a 3 4", "/word")
    assert tool.event("restarted")["warm"], tool.text()
    assert tool.events("resumed") == []
    tool.event("snapshot", 2)
    (project / "first.py").write_text(restarting.format(value=4))
    tool.serves("a 4 5", "/word")
    assert tool.event("restarted", 2)["warm"], tool.text()


def test_a_touched_file_of_another_content_under_the_same_signature_is_found_out(start: Start, project: Path) -> None:
    tool = begin(start, project)
    tool.event("snapshot")
    file = project / "first.py"
    before = file.stat()
    with file.open("r+") as stream:  # the same file, as long as before, with its times put back
        stream.write(FIRST.format(value=7))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    (project / "main.py").write_text(TOP.format(word="b"))
    tool.serves("b 7 8", "/word")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import time\nNOW = time.time()", "calls time.time"),
        ("import datetime\nNOW = datetime.datetime.now()", "datetime.now"),
        ("import random\nX = random.random()", "draws random numbers"),
        ("import os\nX = os.urandom(4)", "calls posix.urandom"),
        ("X = open(__file__).read()", "calls open"),
        ("import pathlib\nX = pathlib.Path(__file__).exists()", "calls posix"),
        ("import socket\nX = socket.socket()", "makes a socket"),
        ("import threading\nthreading.Thread(target=int, daemon=True).start()", "calls thread."),
        ("import os\nos.environ['THAT'] = 'x'", "calls posix.putenv"),
        ("import first\nfirst.VALUE = 1.0", "the name VALUE of first is bound again"),
        ("import warnings\nwarnings.simplefilter('ignore')", "changes the filters of warnings"),
        ("import atexit\natexit.register(int)", "registers an exit handler"),
        ("import logging\nlogging.getLogger('x').setLevel(10)", "sets the logger 'x' up"),
        ("print('hello')", "calls print"),
    ],
)
def test_what_asks_the_world_or_changes_it_is_in_no_snapshot(
    start: Start, project: Path, text: str, reason: str
) -> None:
    (project / "middle.py").write_text(MIDDLE.format(more=text))
    tool = begin(start, project)
    event = tool.event("snapshot")
    assert event["modules"] == 3
    assert reason in event["left_out"]["middle"], event
    (project / "main.py").write_text(TOP.format(word="b"))
    tool.event("restarted")
    assert tool.event("resumed")["modules"] <= 3


@pytest.mark.parametrize(
    "text",
    [
        "with open('log', 'a') as log:\n    log.write('x')",
        "import os\ntry: os.write(os.open('log', os.O_APPEND | os.O_CREAT | os.O_WRONLY), b'x')\nexcept OSError: pass",
        "import os, pathlib\nlist(map(pathlib.Path.touch, [pathlib.Path('log' + str(len(os.listdir())))]))",
        "import subprocess\nsubprocess.run(['sh', '-c', 'echo x >>log'], check=True)",
        "import os\nlist(map(os.mkdir, ['log' + str(len(os.listdir()))]))",
    ],
)
def test_what_leaves_the_process_is_done_once_for_each_start(start: Start, project: Path, text: str) -> None:
    (project / "middle.py").write_text(MIDDLE.format(more=text))
    tool = begin(start, project)
    assert "middle" in tool.event("snapshot")["left_out"]
    assert sum(max(1, file.stat().st_size // 2) if file.is_file() else 1 for file in project.glob("log*")) == 1


def test_what_was_asked_about_a_path_is_asked_again(start: Start, project: Path) -> None:
    text = "import os\nHERE = os.path.realpath(__file__)\nif os.path.exists('flag'): VALUE = 'flagged'"
    (project / "middle.py").write_text(MIDDLE.format(more=text))
    tool = begin(start, project)
    assert tool.event("snapshot")["modules"] == 4
    (project / "flag").touch()
    (project / "main.py").write_text(TOP.format(word="b"))
    tool.serves("b 1 flagged", "/word")
    assert "flag has come or gone" in tool.event("note")["text"]
    assert tool.event("restarted")["warm"]


def test_what_is_executed_before_and_does_more_than_bind_names_is_a_reason_to_go_without(
    start: Start, project: Path, until: Until
) -> None:
    tool = begin(start, project)
    tool.event("snapshot")
    text = TOP.format(word="b").replace("import middle\n", "first.VALUE += 1\nimport middle\n")
    (project / "main.py").write_text(text)
    tool.serves("b 2 3", "/word")
    assert tool.event("restarted")["warm"], tool.text()
    assert "middle: main comes before it: line 5: first.VALUE += 1" in tool.event("note")["text"]
    until(lambda: [one["modules"] for one in tool.events("snapshot")][-1:] == [1], "one that stops before middle")
    said = len(tool.events("note"))  # one for each snapshot that was tried
    (project / "main.py").write_text(text.replace("WORD = 'b'", "WORD = 'c'"))
    tool.serves("c 2 3", "/word")
    assert len(tool.events("note")) == said, tool.text()


def test_a_module_that_is_imported_no_more_is_a_reason_to_go_without(start: Start, project: Path) -> None:
    tool = begin(start, project)
    tool.event("snapshot")
    (project / "main.py").write_text(TOP.format(word="b").replace("import middle\n", "middle = first\n"))
    tool.serves("b 1 1", "/word")
    assert tool.event("restarted")["warm"], tool.text()
    assert "imported no more" in tool.event("note")["text"]
    assert "middle" not in known(tool)["order"]


def test_there_are_none_unless_they_are_asked_for(start: Start, project: Path) -> None:
    tool = start(*SERVE[:-1])
    tool.event("warm")
    (project / "main.py").write_text(TOP.format(word="b"))
    tool.serves("b 1 2", "/word")
    tool.event("restarted")
    assert tool.events("snapshot") == tool.events("resumed") == []
