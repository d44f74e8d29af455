"""While there is no worker: every request gets an answer that says why, and the app's own as soon as there is one."""

from __future__ import annotations

import http.client
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.ports import free_port

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

Until = Callable[..., Any]
SERVE = ("serve", "--port", "0", "--json", "--no-access-log")


def ask(tool: Tool, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection("127.0.0.1", tool.port, timeout=10)
    try:
        connection.request(method, "/", headers=headers, body=b"x" * 100_000 if method == "POST" else None)
        response = connection.getresponse()
        return response, response.read().decode()
    finally:
        connection.close()


@pytest.fixture
def broken(start: Start, project: Path, environment: dict[str, str]) -> Tool:
    """It has never been able to start."""
    (project / "helper.py").write_text("SECRET = 'hunter' + '2'\nWORD = '<b>' + SECRET[99]\n")
    tool = start(*SERVE, "main:app", environment=environment | {"API_KEY": "swordfish"})
    tool.event("unstarted")
    return tool


def _status(tool: Tool) -> int:
    try:
        return ask(tool)[0].status
    except OSError:
        return 0


def test_code_that_never_loaded_is_answered_for(broken: Tool, project: Path, until: Until) -> None:
    until(lambda: _status(broken) == 503, "the answer")
    response, text = ask(broken, Accept="text/html,*/*;q=0.8")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Retry-After"] == "1"
    assert response.headers["Cache-Control"] == "no-store"
    assert "helper.py:2: IndexError: string index out of range" in text
    assert "&lt;b&gt;" in text
    assert "<b>" not in text
    response, text = ask(broken)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "> 2 | WORD = '<b>' + SECRET[99]\n" in text
    assert "hunter2" not in text
    assert "swordfish" not in text
    response, text = ask(broken, "HEAD")
    assert (response.status, text) == (503, "")
    response, _ = ask(broken, "POST")
    assert response.status == 503


def test_the_app_answers_as_soon_as_it_can(broken: Tool, project: Path, until: Until) -> None:
    until(lambda: _status(broken) == 503, "the answer")
    (project / "helper.py").write_text("WORD = 'v1'\n")
    broken.event("ready")
    broken.serves("v1")
    assert [ask(broken)[0].status for _ in range(20)] == [200] * 20


def test_a_program_that_wants_the_address_gets_it(start: Start, project: Path, until: Until) -> None:
    port = free_port()
    (project / "own.py").write_text("1 / 0\n")
    tool = start("serve", "--port", str(port), "--json", "own:main")
    until(lambda: _status(tool) == 503, "the answer")
    (project / "own.py").write_text(
        "import http.server\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200)\n        self.end_headers()\n        self.wfile.write(b'mine')\n"
        f"def main():\n    http.server.HTTPServer(('127.0.0.1', {port}), Handler).serve_forever()\n"
    )
    tool.serves("mine")


def test_an_app_that_crashes_at_its_start_is_answered_for(start: Start, project: Path, until: Until) -> None:
    tool = start(*SERVE, "--restart", "sequential", "main:app")
    tool.serves("v0")
    (project / "helper.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    tool.event("died")
    until(lambda: _status(tool) == 503, "the answer")
    assert "the worker was killed by SIGKILL" in ask(tool)[1]
    (project / "helper.py").write_text("WORD = 'v1'\n")
    tool.serves("v1")


def test_a_start_that_takes_long_is_answered_for(start: Start, project: Path, until: Until) -> None:
    (project / "helper.py").write_text("__reload__ = 'restart'\nWORD = 'v0'\n")
    tool = start(*SERVE, "--restart", "sequential", "main:app")
    tool.serves("v0")
    go = project.parent / "go"
    (project / "helper.py").write_text(
        f"import pathlib\nwhile not pathlib.Path({str(go)!r}).exists(): pass\nWORD = 'v1'\n"
    )
    until(lambda: _status(tool) == 503, "the answer")
    assert "main:app is being started" in ask(tool)[1]
    go.touch()
    tool.serves("v1")


def test_who_asks_nothing_hinders_nobody(broken: Tool, until: Until) -> None:
    until(lambda: _status(broken) == 503, "the answer")
    silent = [socket.create_connection(("127.0.0.1", broken.port)) for _ in range(20)]
    try:
        silent[0].sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert _status(broken) == 503
        broken.send(signal.SIGINT)
        assert broken.ends(5.0) == 130
    finally:
        for sock in silent:
            sock.close()
