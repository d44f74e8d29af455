"""What a process can do to us, with real processes: nothing is left behind, and the next save is always served."""

from __future__ import annotations

import fcntl
import http.client
import os
import signal
import socket
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.ports import free_port, is_free

if TYPE_CHECKING:
    from tests.e2e.conftest import Start

Until = Callable[..., Any]
Alive = Callable[[int], bool]
Workers = Callable[[int], list[int]]
SERVE = ("serve", "--port", "0", "--json", "--no-access-log", "--grace", "0.5")

FAMILY = """
import os, pathlib, signal, socket, subprocess, sys, time
HERE = pathlib.Path(__file__).parent
PIDS = HERE.parent / "pids"

def leave_the_family():
    if os.fork():
        return
    os.setsid()  # no group, and soon no parent: only a guard finds it
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if os.fork():
        os._exit(0)
    with PIDS.open("a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(60)
    os._exit(0)

leave_the_family()
while not PIDS.exists() or not PIDS.read_text().endswith("\\n"):
    time.sleep(0.001)
"""
STUCK = {
    "it ignores every signal": "for number in (15, 2, 1): signal.signal(number, signal.SIG_IGN)",
    "it is stopped": "os.kill(os.getpid(), signal.SIGSTOP)",
    "it is busy in C": "sum(range(10**12))",
}


def outsiders(project: Path) -> list[int]:
    return [int(line) for line in (project.parent / "pids").read_text().splitlines()]


@pytest.mark.parametrize("how", STUCK)
def test_nothing_outlives_a_killed_supervisor(
    start: Start, project: Path, until: Until, alive: Alive, how: str
) -> None:
    """Within a second, also what has left the worker's session and holds its port, and if the worker can do nothing."""
    source = (project / "main.py").read_text()
    (project / "main.py").write_text(
        FAMILY
        + source.replace(
            "    return helper", f"    (HERE.parent / 'asked').touch()\n    {STUCK[how]}\n    return helper"
        )
    )
    port = free_port()
    tool = start(*SERVE, "--port", str(port), "main:app")
    worker = tool.event("ready")["pid"]
    everybody = [worker, *outsiders(project)]
    assert len(everybody) == 2
    assert all(map(alive, everybody))
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        until((project.parent / "asked").exists, "the request")
        tool.send(signal.SIGKILL)
        until(lambda: not any(map(alive, everybody)), "all of them to be gone", 1.0)
    until(lambda: is_free(port), "the port: their guard ends after them", 1.0)


def test_a_restart_ends_what_has_left_the_workers_session(
    start: Start, project: Path, until: Until, alive: Alive
) -> None:
    (project / "main.py").write_text(FAMILY + (project / "main.py").read_text())
    tool = start(*SERVE, "main:app")
    tool.event("ready")
    tool.send(signal.SIGHUP)
    tool.event("restarted")
    first, second = until(lambda: outsiders(project) if len(outsiders(project)) == 2 else None, "the second one")
    until(lambda: not alive(first), "the first one to be gone")
    assert alive(second)
    tool.send(signal.SIGINT)
    assert tool.ends(3.0) == 130
    assert not alive(second)


def family(pid: int) -> list[int]:
    """The processes that the supervisor and its guards have to bury."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    below = [Path(f"/proc/{child}/task/{child}/children").read_text().split() for child in children]
    return [int(number) for number in [*children, *(one for some in below for one in some)]]


MISDEEDS = """
import ctypes, multiprocessing, os, pathlib, signal, sys, time
from concurrent.futures import ProcessPoolExecutor
import helper

PIDS = pathlib.Path(__file__).parent.parent / "pids"

def note(pid):
    with PIDS.open("a") as file:
        file.write(f"{pid}\\n")

def sleep():
    note(os.getpid())
    time.sleep(60)

def fork():
    pid = os.fork()
    if not pid:
        sleep()
    note(pid)

def terminate():
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    process.start()
    process.terminate()
    process.join(5)
    return str(process.exitcode)

def close():
    sys.stdin.close()
    os.close(0) if not sys.stdin.closed else None

def ignore():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

pools = []
def pool():
    pools.append(ProcessPoolExecutor(1, multiprocessing.get_context("fork")))
    pools[-1].submit(sleep)

DEEDS = {
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "exit": lambda: os._exit(7),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stdin": close,
    "directory": lambda: os.chdir("/"),
    "megabytes": lambda: print("x" * 5_000_000, flush=True),
    "ignore": ignore,
    "terminate": terminate,
    "pool": pool,
    "fork": fork,
}

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    deed = DEEDS.get(scope["path"].strip("/"))
    body = str(deed()) if deed else helper.WORD
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body.encode()})
"""
DEADLY = {
    "segfault": "was killed by SIGSEGV (main.py:",
    "abort": "was killed by SIGABRT (main.py:",
    "exit": "ended with status 7",
    "kill": "was killed by SIGKILL",
}
HARMLESS = ("stdin", "directory", "megabytes", "ignore", "terminate", "pool", "fork")


def test_whatever_an_app_does_the_next_save_is_served(
    start: Start, project: Path, until: Until, alive: Alive, workers: Workers
) -> None:
    (project / "main.py").write_text(MISDEEDS)
    (project / "helper.py").write_text("WORD = 'v0'\n")
    tool = start(*SERVE, "--restart-on", "version", "main:app")
    tool.event("ready")
    for number, (deed, how) in enumerate(DEADLY.items(), 1):
        with suppress(OSError, http.client.HTTPException):
            tool.get(f"/{deed}")
        assert how in tool.event("died", times=number)["how"]
        (project / "helper.py").write_text(f"WORD = {deed!r}\n")
        tool.serves(deed)
    tool.event("restarted", times=len(DEADLY))
    for deed in HARMLESS:
        answer = tool.get(f"/{deed}")
        assert (deed, answer) in ((deed, "None"), ("terminate", "-15"))
        (project / "helper.py").write_text(f"WORD = {deed!r}\n")
        tool.serves(deed)
        if deed in ("stdin", "ignore", "fork"):
            (project / "version").write_text(deed)
            tool.event("restarted", times=len(DEADLY) + 1 + ("stdin", "ignore", "fork").index(deed))
            tool.serves(deed)
    started = until(lambda: outsiders(project) if len(outsiders(project)) >= 3 else None, "what was started")
    until(lambda: not any(map(alive, started)), "all that was started to be gone with its worker")
    until(lambda: len(workers(tool.process.pid)) == 1, "one worker")
    assert "(out of memory" not in tool.text()
    until(lambda: all(map(alive, family(tool.process.pid))), "all that are dead to be buried")
    tool.send(signal.SIGINT)
    assert tool.ends(3.0) == 130


@pytest.fixture
def little_memory() -> Iterator[Path]:
    """A group of processes that may have 60 MB together."""
    base = next((path for path in map(Path, ("/sys/fs/cgroup/memory", "/sys/fs/cgroup")) if path.is_dir()), None)
    if base is None:
        pytest.skip("there are no groups of processes")
    group = base / f"pepperpy-reload-{os.getpid()}"
    try:
        group.mkdir()
        limit = group / "memory.limit_in_bytes"
        (limit if limit.exists() else group / "memory.max").write_text("60000000")
        for swap in ("memory.memsw.limit_in_bytes", "memory.swap.max"):
            if (group / swap).exists():
                (group / swap).write_text("60000000")
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        pytest.skip(f"memory cannot be limited here: {error}")
    yield group
    group.rmdir()


def test_a_lack_of_memory_is_said(start: Start, project: Path, little_memory: Path) -> None:
    source = (project / "main.py").read_text()
    eat = f"(open('{little_memory}/cgroup.procs', 'w').write('0'), bytearray(300_000_000))"
    (project / "main.py").write_text(source.replace("return helper.WORD", f"return {eat} and 'full'"))
    tool = start(*SERVE, "main:app")
    tool.event("ready")
    with suppress(OSError, http.client.HTTPException):
        tool.get()
    assert tool.event("died")["how"] == "the worker was killed by SIGKILL: there was no memory left"
    tool.event("restarted")


def test_crashes_at_import_are_tried_again_more_and_more_rarely(start: Start, project: Path, until: Until) -> None:
    source = (project / "main.py").read_text()
    (project / "main.py").write_text("import ctypes\nctypes.string_at(0)\n" + source)
    tool = start(*SERVE, "main:app")
    assert [tool.event("died", times=number)["retry"] for number in (1, 2, 3)] == [0.2, 0.5, 1.0]
    assert tool.event("died")["how"] == "the worker was killed by SIGSEGV (main.py:2)"
    (project / "main.py").write_text(source)
    tool.serves("v0")


def test_a_job_that_ignores_the_end_of_its_terminal_goes_on(start: Start, project: Path) -> None:
    """As nohup has it."""
    ours, theirs = os.openpty()

    def on_a_terminal() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    tool = start(*SERVE, "main:app", stdin=theirs, stderr=theirs, start_new_session=True, preexec_fn=on_a_terminal)
    os.close(theirs)
    tool.event("ready")
    os.close(ours)
    (project / "helper.py").write_text("WORD = 'v1'\n")
    tool.serves("v1")
    tool.send(signal.SIGTERM)
    assert tool.ends(4.0) == 143
