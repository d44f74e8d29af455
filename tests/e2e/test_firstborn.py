"""The first worker is begun before the supervisor is loaded, and is what a worker is that was started by it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pepperpy_reload.supervising.firstborn import COMMONS
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.e2e.conftest import Start

Until = Callable[..., Any]
SERVE = ("serve", "--port", "0", "--json", "--no-access-log")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the supervisor starts it")

SEEN = """
import json, os, sys
main = vars(sys.modules["__main__"])
SEEN = json.dumps({
    "argv": sys.argv[1:], "orig": [one for one in sys.orig_argv if not one.isdigit()], "path": sys.path,
    "flags": str(sys.flags), "modules": sorted(sys.modules),
    "main": {key: getattr(main[key], "__qualname__", str(main[key])) for key in sorted(main)},
    "session": os.getsid(0) == os.getpid(), "files": sorted(os.listdir("/proc/self/fd")) != [], "cwd": os.getcwd(),
})
def answer():
    return SEEN
"""


def kind_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def test_it_is_as_if_it_was_started(start: Start, project: Path) -> None:
    app = (project / "main.py").read_text().partition("helper.WORD")[2]
    (project / "main.py").write_text(SEEN + app)
    (project / "some.env").write_text("COLOUR=red\n")
    early, started = start(*SERVE, "main:app"), start(*SERVE, "main:app", "--env-file", "some.env")
    first, second = early.event("ready")["pid"], started.event("ready")["pid"]
    assert b"serve" in kind_of(first), "begun before anything was loaded, as a fork"
    assert b"serve" not in kind_of(second), "started: the environment file was not read yet"
    ours, theirs = json.loads(early.get()), json.loads(started.get())
    ours["argv"] = [one for one in ours["argv"] if one != "some.env"]
    theirs["argv"] = [one for one in theirs["argv"] if one not in ("some.env", "--env-file")]
    assert ours == theirs
    assert not {"rich", "watchdog", "pepperpy_reload.cli"} & {*ours["modules"]}, "nothing of the supervisor's"
    assert "uvicorn" in ours["modules"], "the server comes first, as with plain uvicorn"
    assert "pepperpy_reload.supervising.firstborn" not in ours["modules"]


def test_a_save_while_it_starts_is_not_missed(start: Start, project: Path, until: Until) -> None:
    started, go_on = project.parent / "started", project.parent / "go on"
    wait = f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\n"
    wait += f"while not pathlib.Path({str(go_on)!r}).exists():"
    (project / "main.py").write_text((project / "main.py").read_text() + f"\n{wait}\n    time.sleep(0.01)\n")
    tool = start(*SERVE, "main:app")
    until(started.exists, "the import of the app")
    (project / "helper.py").write_text("WORD = 'v1'\n")
    go_on.touch()
    tool.serves("v1")


def test_nothing_is_left_of_it_if_it_is_not_wanted(start: Start) -> None:
    port = free_port()
    tool = start(*SERVE, "--port", str(port), "main:app")
    tool.event("ready")
    other = start(*SERVE, "--port", str(port), "main:app")
    assert other.ends() == 98
    for reader in other._readers:
        reader.join(5.0)
        assert not reader.is_alive(), "a process has its output still"


def test_what_has_a_librarys_name_is_the_users(start: Start, project: Path) -> None:
    (project / "dotenv.py").write_text("WORD = 'mine'\n")
    (project / "helper.py").write_text("from dotenv import WORD\n")
    tool = start(*SERVE, "main:app")
    tool.serves("mine")
    (project / "dotenv.py").write_text("WORD = 'still mine'\n")
    tool.serves("still mine")
    assert tool.event("reloaded")["imported"] == []


def modules_after(code: str) -> set[str]:
    show = f"import sys\nbefore = set(sys.modules)\n{code}\nprint(*(set(sys.modules) - before))"
    return set(subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stdout.split())


def test_what_is_loaded_for_both_a_worker_has() -> None:
    common = modules_after("\n".join(f"import {name}" for name in COMMONS))
    assert len(common) > 80
    assert not common - modules_after("import pepperpy_reload.supervising.worker")
