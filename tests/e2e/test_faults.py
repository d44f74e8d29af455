"""What a process can do to us, with real processes: nothing is left behind, and the next save is always served."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

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
    tool = start(*SERVE, "main:app")
    port, worker = tool.port, tool.event("ready")["pid"]
    everybody = [worker, *outsiders(project)]
    assert len(everybody) == 2
    assert all(map(alive, everybody))
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        until((project.parent / "asked").exists, "the request")
        tool.send(signal.SIGKILL)
        until(lambda: not any(map(alive, everybody)), "all of them to be gone", 1.0)
    with socket.create_server(("127.0.0.1", port)):
        pass


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
