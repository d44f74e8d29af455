"""Workers that are forked from a process with the libraries: like those that are started, and gone with the tool."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

Until = Callable[..., Any]
Alive = Callable[[int], bool]
Library = Callable[..., dict[str, str]]
SERVE = ("serve", "--port", "0", "--json", "--no-access-log", "--restart-on", "version")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only there can a fork be handed to the supervisor")

PORTRAIT = """
import sys
FIRST = list(sys.modules)
import atexit, gc, locale, logging, os, random, resource, signal, stat, threading, time, warnings

def kinds():
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            mode = os.fstat(int(number)).st_mode
            place = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        kind = "socket" if stat.S_ISSOCK(mode) else "pipe" if stat.S_ISFIFO(mode) else place
        found.append([kind, os.get_inheritable(int(number))])
    return sorted(found)

def depth():
    frame, count = sys._getframe(), 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count

def state_of(logger):
    return [type(logger).__name__, getattr(logger, "level", 0), len(getattr(logger, "handlers", ()))]

def portrait():
    root, umask = logging.getLogger(), os.umask(0o22)
    os.umask(umask)
    begun = logging._startTime / 1e9 if isinstance(logging._startTime, int) else logging._startTime
    return {
        "first": FIRST, "modules": list(sys.modules), "submodules": hasattr(sys.modules["importlib"], "metadata"),
        "argv": sys.argv, "orig_argv": [word for word in sys.orig_argv if not word.isdigit()], "path": sys.path,
        "cwd": os.getcwd(), "umask": umask, "environment": sorted(os.environ.items()), "descriptors": kinds(),
        "signals": [getattr(one, "__qualname__", str(one)) for one in map(signal.getsignal, range(1, 32))],
        "blocked": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ()))), "waked": signal.set_wakeup_fd(-1),
        "main": sorted(vars(sys.modules["__main__"])), "mains": sys.modules["__main__"].main.__module__,
        "filters": [str(one) for one in warnings.filters],
        "root": [root.level, len(root.handlers)],
        "loggers": {name: state_of(one) for name, one in root.manager.loggerDict.items()},
        "begun": time.time() - begun < 60,
        "exits": atexit._ncallbacks(), "threads": [thread.name for thread in threading.enumerate()],
        "main thread": [threading.main_thread().name, threading.main_thread().native_id == os.getpid()],
        "here": threading.current_thread() is threading.main_thread(), "tasks": len(os.listdir("/proc/self/task")),
        "gc": [gc.isenabled(), gc.get_threshold(), len(gc.callbacks)],
        # 3.12 freezes some objects when it starts; a fork has nothing frozen.
        "frozen": sys.version_info[:2] != (3, 12) and gc.get_freeze_count(),
        "alone": [os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid(), os.getsid(os.getppid()) == os.getppid()],
        "nice": os.nice(0), "limits": [resource.getrlimit(number) for number in range(8)],
        "locale": locale.setlocale(locale.LC_ALL), "flags": str(sys.flags), "warnings": sys.warnoptions,
        "finders": [f"{type(one).__name__} {getattr(one, '__name__', '')}" for one in sys.meta_path],
        "streams": [[one.fileno(), one.isatty(), one.encoding] for one in (sys.stdin, sys.stdout, sys.stderr)],
        "depth": depth(), "recursion": sys.getrecursionlimit(), "hooks": [str(sys.excepthook), str(sys.gettrace())],
    }
"""
MAIN = """
import portrait
before = portrait.portrait()
import concurrent.futures, json, multiprocessing.process, os, random, tempfile, uuid, xml.dom
import fastapi
{more}
here = os.path.dirname(__file__)
version = open(os.path.join(here, "version")).read()
after = portrait.portrait()
drawn = [random.random(), multiprocessing.process.current_process().authkey.hex(), os.getpid()]

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    seen = {{"version": version, "before": before, "after": after, "drawn": drawn, "now": portrait.portrait()}}
    body = version if scope["path"] == "/version" else json.dumps(seen)
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": body.encode()}})
"""


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """As it is by default."""
    return {name: value for name, value in environment.items() if name != "PEPPERPY_RELOAD_ZYGOTE"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "portrait.py").write_text(PORTRAIT)
    (folder / "version").write_text("0")
    write(folder)
    return folder


@pytest.fixture
def library(tmp_path: Path, environment: dict[str, str]) -> Library:
    """Writes modules of a library; what it returns is the environment in which they are found."""
    folder = tmp_path / "site-packages"

    def fill(**modules: str) -> dict[str, str]:
        folder.mkdir(exist_ok=True)
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text)
        return environment | {"PYTHONPATH": str(folder)}

    return fill


def write(folder: Path, more: str = "") -> None:
    (folder / "main.py").write_text(MAIN.format(more=more))


def restart(tool: Tool, folder: Path, version: int) -> dict[str, Any]:
    """Ask for a new worker, and wait for it; the event."""
    (folder / "version").write_text(str(version))
    tool.serves(str(version), "/version")
    return tool.event("restarted", version)


def processes(tool: Tool) -> Iterator[int]:
    """All processes below the tool."""
    open_ones = [tool.process.pid]
    while open_ones:
        pid = open_ones.pop()
        with suppress(OSError):
            tasks = Path(f"/proc/{pid}/task").glob("*/children")  # each thread has its own
            children = [int(one) for task in tasks for one in task.read_text().split()]
            open_ones += children
            yield from children


def zygote_of(tool: Tool) -> int:
    """The first process that was started as one: its forks look the same."""
    alike = [pid for pid in processes(tool) if b"supervising.zygote" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return min(alike, key=lambda pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]))


def test_a_forked_worker_is_like_one_that_was_started(start: Start, project: Path) -> None:
    tool = start(*SERVE)
    tool.serves("0", "/version")
    tool.event("warm")
    assert restart(tool, project, 1)["warm"]
    forked = json.loads(tool.get())
    assert restart(tool, project, 2)["warm"]
    other = json.loads(tool.get())
    tool.close()
    (project / "pyproject.toml").write_text("[tool.pepperpy-reload]\nzygote = false\n")
    cold_tool = start(*SERVE)
    cold_tool.serves("2", "/version")
    assert not restart(cold_tool, project, 1)["warm"]
    started = json.loads(cold_tool.get())
    for when in ("before", "after", "now"):
        assert forked[when].keys() == started[when].keys()
        for seen, what in itertools.product((forked, started), ("first", "modules")):  # ours come when there is time
            seen[when][what] = [name for name in seen[when][what] if not name.startswith("pepperpy_reload.")]
        for what, value in started[when].items():
            assert forked[when][what] == value, f"{what}, {when}"
    assert not set(forked["drawn"]) & set(other["drawn"])


def test_nothing_is_left_of_it_when_the_supervisor_is_killed(
    start: Start, project: Path, until: Until, alive: Alive
) -> None:
    tool = start(*SERVE)
    tool.serves("0", "/version")
    tool.event("warm")
    assert restart(tool, project, 1)["warm"]
    family = list(processes(tool))
    assert len(family) >= 3
    tool.send(signal.SIGKILL)
    until(lambda: not any(map(alive, family)), "the end of all processes", patience=5)


def test_nothing_is_left_of_it_at_the_end(start: Start, project: Path, alive: Alive) -> None:
    tool = start(*SERVE)
    tool.serves("0", "/version")
    tool.event("warm")
    restart(tool, project, 1)
    family = list(processes(tool))
    tool.send(signal.SIGTERM)
    tool.ends()
    assert not any(map(alive, family))


LONG = """
import os, pathlib, time, threading
here = pathlib.Path(__file__).parent
version = (here / "version").read_text()
(here.parent / f"begun {version}").touch()
while version == "slow" and not (here / "gate").exists():
    time.sleep(0.01)

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    while scope["path"] == "/never":
        (here.parent / "asked").touch()
        time.sleep(0.1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": version.encode()})
"""


def test_a_fork_that_was_told_to_end_is_no_reason_to_start_cold(start: Start, project: Path, until: Until) -> None:
    """Neither one that had to be killed, having served, nor one that was not wanted any more before it could serve."""
    (project / "main.py").write_text(LONG)
    tool = start(*SERVE, "--grace", "0.3")
    tool.serves("0", "/version")
    tool.event("warm")
    assert restart(tool, project, 1)["warm"]
    with socket.create_connection(("127.0.0.1", tool.port)) as client:
        client.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
        until((project.parent / "asked").exists, "the request")
        old = tool.event("restarted")["pid"]
        assert restart(tool, project, 2)["warm"]
        until(lambda: not Path(f"/proc/{old}").exists(), "the old worker to be gone")
    (project / "version").write_text("slow")
    until((project.parent / "begun slow").exists, "the next one to begin")
    assert restart(tool, project, 3)["warm"]
    assert restart(tool, project, 4)["warm"]
    assert [note for note in tool.events("note") if "cold" in note["text"]] == []


PROGRAM = """
import pathlib, time, lib

def main():
    import later
    while True:
        pathlib.Path("says").write_text("one")
        time.sleep(0.01)
"""


def test_a_program_is_forked_again_when_its_main_is_edited(
    start: Start, project: Path, library: Library, until: Until
) -> None:
    (project / "main.py").write_text(PROGRAM)
    tool = start(*SERVE, "main:main", environment=library(lib="", later=""))

    def says(word: str) -> None:
        try:
            until(lambda: (project / "says").read_text() == word, repr(word))
        except AssertionError as error:
            raise AssertionError(f"{error}; it wrote:\n{tool.text()}") from None

    tool.event("warm")
    for number, word in enumerate(("two", "three"), 1):
        (project / "main.py").write_text(PROGRAM.replace("one", word))
        says(word)
        restarted = tool.event("restarted", number)
        assert restarted["warm"], tool.text()
        assert "would go on with its old code" in restarted["reason"]
    (project / "main.py").write_text(PROGRAM.replace("time, lib", "time").replace("one", "four"))
    says("four")
    assert not tool.event("restarted", 3)["warm"]
    assert "lib is imported no more" in tool.event("note")["text"]
    tool.event("warm", 2)


def test_workers_one_after_the_other_are_forked(start: Start, project: Path) -> None:
    (project / "main.py").write_text(LONG)
    tool = start(*SERVE, "--restart", "sequential")
    tool.serves("0", "/version")
    tool.event("warm")
    assert restart(tool, project, 1)["warm"]
    assert restart(tool, project, 2)["warm"]
    assert tool.events("note") == []


def test_a_killed_zygote_is_only_a_colder_restart(start: Start, project: Path, until: Until) -> None:
    tool = start(*SERVE)
    tool.serves("0", "/version")
    tool.event("warm")
    os.kill(zygote_of(tool), signal.SIGKILL)
    assert not restart(tool, project, 1)["warm"]
    tool.event("warm", 2)
    assert restart(tool, project, 2)["warm"]


def test_a_library_that_is_imported_no_more_is_a_reason_to_start_cold_once(
    start: Start, project: Path, library: Library
) -> None:
    write(project, "import lib")
    tool = start(*SERVE, environment=library(lib=""))
    tool.serves("0", "/version")
    tool.event("warm")
    write(project)  # hot: the name is dropped
    assert not restart(tool, project, 1)["warm"]
    assert "lib is imported no more" in tool.event("note")["text"]
    tool.event("warm", 2)
    assert restart(tool, project, 2)["warm"]


def test_a_variable_that_a_library_looks_at_must_be_as_it_was(start: Start, project: Path, library: Library) -> None:
    write(project, "os.environ.update(LIB_MODE='fast', LIB_OTHER='x')\nimport lib, above\nassert lib.MODE == 'fast'")
    tool = start(
        *SERVE, environment=library(lib="import os\nMODE = os.environ.get('LIB_MODE')\n", above="import lib\n")
    )
    tool.serves("0", "/version")
    tool.event("warm")
    assert not restart(tool, project, 1)["warm"]
    assert "LIB_MODE was set before lib was imported" in tool.event("note")["text"]
    tool.event("warm", 2)
    assert restart(tool, project, 2)["warm"]  # without that one


def test_the_environment_file_is_read_anew_and_the_zygote_built_anew(start: Start, project: Path) -> None:
    (project / "some.env").write_text("WHO=a\n")
    tool = start(*SERVE, "--env-file", "some.env")
    tool.serves("0", "/version")
    tool.event("warm")
    (project / "some.env").write_text("WHO=b\n")
    assert not tool.event("restarted")["warm"]
    tool.event("warm", 2)
    (project / "version").write_text("2")
    tool.serves("2", "/version")
    assert tool.event("restarted", 2)["warm"]
    assert ["WHO", "b"] in json.loads(tool.get())["now"]["environment"]


@pytest.mark.parametrize("what", ["thread", "file", "signal", "print", "urandom"])
def test_a_library_that_does_more_than_define_is_left_out(
    start: Start, project: Path, library: Library, what: str
) -> None:
    deeds = {
        "thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n",
        "file": "import os\nkept = os.open('/dev/null', os.O_RDONLY)\n",
        "signal": "import signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)\n",
        "print": "print('here I am')\n",
        "urandom": "import os\nKEY = os.urandom(8)\n",
    }
    write(project, "import above")
    tool = start(*SERVE, environment=library(busy=deeds[what], above="import busy\n"))
    tool.serves("0", "/version")
    assert list(tool.event("warm")["left_out"]) == ["busy"]
    assert restart(tool, project, 1)["warm"]
    modules = json.loads(tool.get())["after"]["modules"]
    assert "busy" in modules
    assert "above" in modules


def test_a_library_that_changes_on_the_disk_is_imported_anew(start: Start, project: Path, library: Library) -> None:
    write(project, "import lib")
    tool = start(*SERVE, environment=library(lib="import time\n"))
    tool.serves("0", "/version")
    tool.event("warm")
    library(lib="import time\nnew = 1\n")
    assert not restart(tool, project, 1)["warm"]
    assert "lib.py has changed" in tool.event("note")["text"]


def test_what_is_excluded_is_left_out_and_what_is_vouched_for_is_not(
    start: Start, project: Path, library: Library
) -> None:
    write(project, "import keyed, plain")
    vouched = ("--preload", "keyed", "--preload-exclude", "plain")
    tool = start(*SERVE, *vouched, environment=library(keyed="import os\nKEY = os.urandom(8)\n", plain=""))
    tool.serves("0", "/version")
    assert tool.event("warm")["left_out"] == {"plain": "is excluded by preload-exclude"}
    assert restart(tool, project, 1)["warm"]


def test_it_can_be_switched_off(start: Start, project: Path) -> None:
    tool = start(*SERVE, "--no-zygote")
    tool.serves("0", "/version")
    assert not restart(tool, project, 1)["warm"]
    assert not restart(tool, project, 2)["warm"]
    assert not tool.events("warm")
