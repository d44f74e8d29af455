"""What a worker says makes its supervisor do nothing but what a supervisor does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import ASGI, until

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

SERVE = ("serve", "--port", "0", "--json", "--no-access-log")
HOSTILE = """
import gc, json, os
import helper
from pepperpy_reload.supervising.channel import Channel

VICTIM = int(os.environ["VICTIM"])
KINDS = ("kind", "report", "unstarted", "libraries", "doubt", "notice", "audit", "cycle", "where", "reading", "lent")
WRONG = ({}, [], None, 1e999, -1, "\\x1b[2J", {"text": 1}, [[]], {"status": "reloaded"}, {"class": 1, "imports": [1]})
FIELDS = ("kind", "report", "error", "names", "sources", "text", "cycle", "stacks", "first", "texts")

def hostile():
    yield from (b"", b"{", b"[" * 100_000, b"\\xff", b"\\x1b]0;owned\\x07", b"null", b"[1, 2]", b"9" * 5000)
    yield json.dumps({"type": "born", "pid": VICTIM, "stacks": None}).encode()
    yield json.dumps({"type": "born"}).encode()
    yield json.dumps({"type": ["born"]}).encode()
    yield json.dumps({"type": {}}).encode()
    for kind in KINDS:
        yield json.dumps({"type": kind}).encode()
        for wrong in WRONG:
            if kind not in ("kind", "doubt"):  # any text is one: a worker may ask to be replaced
                yield json.dumps({"type": kind, **{field: wrong for field in FIELDS}}).encode()

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/hostile":
        channel = next(one for one in gc.get_objects() if type(one) is Channel)
        for line in hostile():
            channel._sock.sendall(line + b"\\n")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": helper.WORD.encode()})
"""


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of ours, and the first of a group."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process
        process.kill()


def test_garbage_from_a_worker_changes_nothing(
    start: Start, project: Path, victim: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    (project / "main.py").write_text(HOSTILE)
    tool = start(*SERVE, "main:app", environment=environment | {"VICTIM": str(victim.pid)})
    tool.serves("v0")
    pid = tool.event("ready")["pid"]
    for _ in range(2):
        assert tool.get("/hostile") == "v0"
    (project / "helper.py").write_text("WORD = 'v1'\n")
    tool.serves("v1")
    tool.event("reloaded")
    assert tool.process.poll() is None
    assert "Traceback" not in tool.text()
    assert "makes no sense, and is left out" in tool.text()
    os.kill(pid, signal.SIGKILL)
    (project / "helper.py").write_text("WORD = 'v2'\n")
    tool.serves("v2")
    tool.process.send_signal(signal.SIGTERM)
    tool.ends()
    assert victim.poll() is None


@pytest.mark.parametrize("named", ["secret", "pipe", "outside.py"])
def test_what_an_error_names_outside_the_project_is_not_shown_to_clients(
    start: Start, project: Path, tmp_path: Path, named: str
) -> None:
    """An error may claim to come from any file of the machine."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("secret", "outside.py"):
        (tmp_path / name).write_text("hunter2\n" * 3)
    (project / "main.py").write_text(f"raise SyntaxError('bad', ({str(tmp_path / named)!r}, 3, 1, 'x'))\n")
    tool = start(*SERVE, "main:app")
    tool.event("unstarted")
    page = until(lambda: _answer(tool), "the answer")
    assert f"{named}:3: SyntaxError" in page
    assert "hunter2" not in page
    (project / "main.py").write_text("import helper\ndef answer():\n    return helper.WORD\n" + ASGI)
    tool.serves("v0")


def _answer(tool: Tool) -> str:
    try:
        return tool.get()
    except OSError:
        return ""
