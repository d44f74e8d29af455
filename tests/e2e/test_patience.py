"""Nothing is waited for without end: a new worker serves what was saved, and it is said which line kept the old one."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

Until = Callable[..., Any]
SERVE = ("serve", "--port", "0", "--json", "--no-access-log", "--grace", "0.5")

APP = """
import asyncio, pathlib, threading, time
import helper

def note(what):
    (pathlib.Path(__file__).parent.parent / what).touch()

async def lifespan(receive, send):
    await receive()
    note("begun")
    UP
    await send({"type": "lifespan.startup.complete"})
    await receive()
    DOWN
    await send({"type": "lifespan.shutdown.complete"})

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    if scope["path"] == "/spin":
        note("spin")
        while True:
            pass
    if scope["path"] == "/extension":
        note("extension")
        sum(range(10**12))
    if scope["path"] == "/wait":
        note("wait")
        await asyncio.sleep(60)
    if scope["path"] == "/thread":
        await asyncio.to_thread(stay)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": helper.WORD.encode()})

def stay():
    note("thread")
    time.sleep(60)
"""


def write(project: Path, up: str = "pass", down: str = "pass") -> None:
    (project / "main.py").write_text(APP.replace("UP", up).replace("DOWN", down))


def line_of(text: str, file: Path) -> str:
    """`name:number` of the line of a file that holds the text."""
    return f"{file.name}:{1 + next(n for n, line in enumerate(file.read_text().splitlines()) if text in line)}"


@contextmanager
def asked(tool: Tool, project: Path, path: str, until: Until) -> Iterator[None]:
    """A request that never ends."""
    with socket.create_connection(("127.0.0.1", tool.port)) as client:
        client.sendall(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        until((project.parent / path).exists, "the request to begin")
        yield


@pytest.fixture
def tool(start: Start, project: Path) -> Tool:
    write(project)
    tool = start(*SERVE, "main:app")
    tool.event("ready")
    tool.serves("v0")
    return tool


HANDLERS = {"spin": ("while True", "            pass"), "extension": ("sum(range",), "thread": ("time.sleep(60)",)}


def test_a_worker_that_does_not_answer_is_left_behind_by_a_save(tool: Tool, project: Path, until: Until) -> None:
    main = project / "main.py"
    for number, (path, lines) in enumerate(HANDLERS.items(), 1):
        with asked(tool, project, path, until):
            (project / "helper.py").write_text(f"WORD = {path!r}\n")
            tool.serves(path)
        reason = tool.event("restarted", times=number)["reason"]
        assert any(line_of(line, main) in reason for line in lines), reason
    os.kill(tool.events("restarted")[-1]["pid"], signal.SIGSTOP)
    (project / "helper.py").write_text("WORD = 'last'\n")
    tool.serves("last")
    reason = tool.event("restarted", times=4)["reason"]
    assert reason.startswith("helper.py saved, and the worker has not answered for ")
    assert reason.endswith(" s (the process is stopped)")


def test_what_a_restart_cuts_off_is_named(tool: Tool, project: Path, until: Until) -> None:
    main = project / "main.py"
    said = {
        "wait": ("a request has not ended after 0.5 s and is cut off (", "await asyncio.sleep(60)"),
        "spin": ("the old worker does not answer (main.py:", ""),
    }
    for number, (path, (begin, line)) in enumerate(said.items(), 1):
        with asked(tool, project, path, until):
            tool.send(signal.SIGHUP)
            note = until(lambda b=begin: next((n for n in tool.events("note") if n["text"].startswith(b)), None), begin)
        assert not line or line_of(line, main) in note["text"]
        tool.event("restarted", times=number)


@pytest.mark.parametrize(
    ("down", "says"), [("await asyncio.sleep(60)", "shutdown has not ended"), ("time.sleep(60)", "was to end")]
)
def test_a_shutdown_that_hangs_is_named(start: Start, project: Path, down: str, says: str) -> None:
    write(project, down=down)
    tool = start(*SERVE, "main:app")
    tool.event("ready")
    tool.send(signal.SIGHUP)
    tool.event("restarted")
    text = tool.event("note")["text"]
    assert says in text
    main = project / "main.py"
    assert str(1 + main.read_text().splitlines().index(f"    {down}")) in text.partition("main.py:")[2]


@pytest.mark.parametrize("up", ["await asyncio.sleep(60)", "time.sleep(60)"])
def test_a_start_up_that_hangs_hinders_nobody(tool: Tool, project: Path, up: str) -> None:
    """Neither as a reload of the worker that serves nor in the one beside it; and the save that mends it is served."""
    write(project, up=up)
    assert "main.py:" in tool.event("restart")["reason"]
    write(project)
    (project / "helper.py").write_text("WORD = 'v1'\n")
    tool.serves("v1")


def test_a_first_start_that_hangs_is_told_and_the_save_that_mends_it_is_served(
    start: Start, project: Path, until: Until
) -> None:
    write(project, up="await asyncio.sleep(60)")
    tool = start(*SERVE, "main:app")
    until((project.parent / "begun").exists, "the start-up to begin")
    line = line_of("    await asyncio.sleep(60)", project / "main.py").partition(":")[2]
    write(project)
    texts = [tool.event("note", times=number)["text"] for number in (1, 2, 3)]
    assert f"the app's lifespan startup has not ended after 10 s ({project}/main.py:{line})" in texts
    assert "the new worker is not ready after 10 s" in texts
    assert "the worker that is being started is not ready; it is started anew with what was saved" in texts
    tool.serves("v0")


def test_a_module_that_never_ends_hinders_nobody(tool: Tool, project: Path) -> None:
    (project / "helper.py").write_text("WORD = 'v1'\nwhile True:\n    WORD = 'v2'\n")
    reason = tool.event("restart")["reason"]
    assert "helper.py:" in reason
    (project / "helper.py").write_text("WORD = 'v3'\n")
    tool.serves("v3")


def test_a_program_that_will_not_end_is_named(start: Start, project: Path) -> None:
    (project / "job.py").write_text(
        "import time, helper\nprint(helper.WORD, flush=True)\nwhile True:\n    try:\n        time.sleep(60)\n"
        "    except KeyboardInterrupt:\n        print('no', flush=True)\n"
    )
    tool = start("run", "--grace", "0.3", "job.py")
    tool.says("v0")
    (project / "helper.py").write_text("WORD = 'v1'\n")
    tool.says("v1")
    assert "the worker was to end and has not (job.py:5); it is killed" in tool.text()
