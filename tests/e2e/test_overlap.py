"""A new worker beside the old one: nobody is refused, nobody is answered by what is past, nothing stays behind."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.clients import PATIENCE, are_answered_in_time, asking
from tests.ports import free_port, is_free

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

Until = Callable[..., Any]
Alive = Callable[[int], bool]
Workers = Callable[[int], list[int]]
SERVE = ("serve", "--port", "0", "--json", "--no-access-log", "--restart-on", "version")

APP = """
import asyncio, os, pathlib, sys, time
HERE = pathlib.Path(__file__).parent
VERSION = (HERE / "version").read_text()
if VERSION == "broken":
    raise RuntimeError("no such version")
if VERSION == "gone":
    os._exit(9)
log = HERE.parent / "log"

def note(what):
    with log.open("a") as file:
        file.write(f"{what} {VERSION}\\n")

async def lifespan(receive, send):
    await receive()
    if VERSION == "unwell":
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        return
    note("up")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    note("down")
    await send({"type": "lifespan.shutdown.complete"})

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        return await asyncio.sleep(60)
    if scope["path"] == "/block":
        note("blocked")
        time.sleep(60)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/stream":
        while True:
            await send({"type": "http.response.body", "body": VERSION.encode() + b"\\n", "more_body": True})
            await asyncio.sleep(0.02)
    while scope["path"] == "/gated" and not (HERE / "gate").exists():
        await asyncio.sleep(0.001)
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    if scope["path"] == "/hang":
        note("hanging")
        await asyncio.sleep(60)
    body = str(os.getpid()) if scope["path"] == "/pid" else VERSION
    await send({"type": "http.response.body", "body": body.encode()})
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "main.py").write_text(APP)
    (folder / "version").write_text("0")
    return folder


def release(project: Path, version: str) -> None:
    (project / "version").write_text(version)


def log(project: Path) -> list[str]:
    with suppress(OSError):
        return (project.parent / "log").read_text().splitlines()
    return []


BROKEN = {5: "broken", 10: "gone", 15: "unwell"}


def test_nobody_fails_through_restarts_good_and_broken(start: Start, project: Path, until: Until) -> None:
    """A client without a pause mostly has a request under way at the switch, one with a pause mostly has not."""
    grace = 0.3
    tool = start(*SERVE, "--grace", str(grace), "main:app")
    tool.serves("0")
    with asking(
        tool.port, fresh={"keeps": False}, kept={"keeps": True}, idle={"keeps": True, "pause": 0.05}
    ) as clients:
        switched = [time.monotonic()]
        for number in range(1, 21):
            if number in BROKEN:
                release(project, BROKEN[number])
                until(lambda n=number: len(_failed(tool)) == n // 5, "the failed start")
                assert _failed(tool)[-1]["serving"]
            release(project, str(number))
            tool.event("restarted", times=number)
            switched.append(time.monotonic())
            assert tool.get() == str(number)
    are_answered_in_time(clients, switched, grace)
    assert len(clients["fresh"].answers) > 20


def _failed(tool: Tool) -> list[dict[str, Any]]:
    return tool.events("unstarted") + tool.events("died")


# -- connections --


class Line:
    """One connection, kept."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.heard = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def ask(self, path: str = "/") -> None:
        self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def until(self, end: bytes) -> bytes:
        """What comes up to and with `end`; all that comes if that never does."""
        while end not in self.heard and (more := self.sock.recv(1 << 16)):
            self.heard += more
        found, end, self.heard = self.heard.partition(end)
        return found + end

    def answer(self) -> str:
        """The body of the next answer, which is one chunk."""
        return self.until(b"\r\n0\r\n\r\n").split(b"\r\n")[-4].decode()

    def rest(self) -> bytes:
        """All that comes until the server closes."""
        found = self.heard
        while more := self.sock.recv(1 << 16):
            found += more
        return found


@pytest.fixture
def line() -> Iterator[Callable[[int], Line]]:
    lines: list[Line] = []

    def connect(port: int) -> Line:
        lines.append(Line(port))
        return lines[-1]

    yield connect
    for one in lines:
        one.sock.close()


Connect = Callable[[int], Line]


@pytest.fixture
def tool(start: Start) -> Tool:
    tool = start(*SERVE, "main:app")
    tool.event("ready")
    tool.serves("0")
    return tool


def gone(log_of: Path, version: str) -> bool:
    return f"down {version}" in log(log_of)


def test_idle_connections_are_handed_to_the_new_worker(tool: Tool, project: Path, line: Connect, until: Until) -> None:
    used, bare, begun = line(tool.port), line(tool.port), line(tool.port)
    used.ask()
    assert used.answer() == "0"
    begun.send(b"GET / HTTP/1.1\r\nHo")
    for number in range(1, 4):
        release(project, str(number))
        tool.event("restarted", times=number)
        until(lambda n=number: gone(project, str(n - 1)), "the old worker's end")
        used.ask()
        assert used.answer() == str(number)
    bare.ask()
    assert bare.answer() == "3"
    begun.send(b"st: x\r\n\r\n")
    assert begun.answer() == "3"


def test_more_idle_connections_than_fit_on_the_line_are_handed_over(
    tool: Tool, project: Path, line: Connect, until: Until
) -> None:
    crowd = [line(tool.port) for _ in range(400)]
    for one in crowd:
        one.ask()
    assert {one.answer() for one in crowd} == {"0"}
    release(project, "1")
    tool.event("restarted")
    until(lambda: gone(project, "0"), "the old worker's end")
    for one in crowd:
        one.ask()
    assert {one.answer() for one in crowd} == {"1"}


def test_a_request_under_way_is_answered_and_told_to_connect_anew(tool: Tool, project: Path, line: Connect) -> None:
    late, early = line(tool.port), line(tool.port)
    early.ask("/gated")
    early.until(b"\r\n\r\n")  # the head is there, and cannot say any more that the connection ends
    with asking(tool.port, slow={"keeps": True, "path": "/slow"}) as clients:
        release(project, "1")
        tool.event("restarted")
        late.ask()
        assert late.answer() == "1"
    assert clients["slow"].failures == []
    (project / "gate").touch()
    assert early.answer() == "0"
    early.ask()
    assert early.answer() == "1", "it was handed over once it was idle"


def test_a_stream_ends_with_the_grace_period_and_hinders_nobody(start: Start, project: Path, line: Connect) -> None:
    tool = start(*SERVE, "--grace", "0.6", "main:app")
    tool.serves("0")
    stream = line(tool.port)
    stream.ask("/stream")
    stream.until(b"0\n")
    for number in (1, 2):
        release(project, str(number))
        tool.event("restarted", times=number)
        assert tool.get() == str(number)
    begun = time.monotonic()
    stream.rest()
    assert time.monotonic() - begun < 0.6 + 2.0


def test_a_request_that_hangs_is_cut_off(start: Start, project: Path, line: Connect, until: Until) -> None:
    tool = start(*SERVE, "--grace", "0.4", "main:app")
    tool.serves("0")
    client = line(tool.port)
    client.ask("/hang")
    until(lambda: "hanging 0" in log(project), "the request")
    release(project, "1")
    tool.event("restarted")
    begun = time.monotonic()
    client.rest()
    assert time.monotonic() - begun < 0.4 + 2.0
    until(lambda: "down 0" in log(project), "the lifespan's end")


def test_a_websocket_is_closed_as_for_a_restart(tool: Tool, project: Path, line: Connect) -> None:
    client = line(tool.port)
    client.send(
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n\r\n"
    )
    assert b" 101 " in client.until(b"\r\n\r\n")
    release(project, "1")
    tool.event("restarted")
    frame = client.rest()[:4]
    assert frame[:2] == b"\x88\x02"
    assert int.from_bytes(frame[2:]) == 1012


# -- the old worker --


def test_the_old_app_is_shut_down_after_the_new_one_was_started(tool: Tool, project: Path, until: Until) -> None:
    release(project, "1")
    tool.event("restarted")
    until(lambda: gone(project, "0"), "the old one's shutdown")
    assert log(project) == ["up 0", "up 1", "down 0"]


def test_a_worker_that_does_not_answer_is_replaced_all_the_same(start: Start, project: Path, line: Connect) -> None:
    tool = start(*SERVE, "--grace", "0.3", "main:app")
    tool.serves("0")
    line(tool.port).ask("/block")
    release(project, "1")
    tool.event("restarted")
    assert tool.get() == "1"


def test_no_worker_is_left(
    tool: Tool, project: Path, line: Connect, until: Until, alive: Alive, workers: Workers
) -> None:
    all_of_them = [tool.event("ready")["pid"]]
    line(tool.port).ask("/stream")
    for number in (1, 2):
        release(project, str(number))
        all_of_them.append(tool.event("restarted", times=number)["pid"])
    until(lambda: workers(tool.process.pid) == all_of_them[-1:], "the others to be reaped", 5.0)
    tool.send(signal.SIGTERM)
    assert tool.ends(4.0) == 143
    assert not any(map(alive, all_of_them))


def test_none_of_them_outlives_a_supervisor_that_is_killed(
    start: Start,
    project: Path,
    line: Connect,
    until: Until,
    alive: Alive,
    workers: Workers,
) -> None:
    port = free_port()
    tool = start(*SERVE, "--port", str(port), "main:app")
    tool.event("ready")
    line(port).ask("/stream")
    (project / "main.py").write_text("import time\ntime.sleep(60)\n")
    release(project, "1")
    both = until(lambda: workers(tool.process.pid)[1:] and workers(tool.process.pid), "the second worker")
    tool.send(signal.SIGKILL)
    until(lambda: not any(map(alive, both)), "both to be gone", 3.0)
    until(lambda: is_free(port), "the port", 3.0)


def test_a_worker_that_dies_while_its_heir_starts_is_followed_by_it(
    tool: Tool, project: Path, until: Until, workers: Workers
) -> None:
    source = (project / "main.py").read_text()
    (project / "main.py").write_text(f"{source}\nwhile VERSION == '1' and not (HERE / 'go').exists(): pass\n")
    release(project, "1")
    until(lambda: len(workers(tool.process.pid)) == 2, "the second worker")
    os.kill(tool.event("ready")["pid"], signal.SIGKILL)
    assert tool.event("died")["serving"]
    (project / "go").touch()
    tool.serves("1")
    assert len(workers(tool.process.pid)) == 1


# -- saves --


SLOW = "import pathlib, time\nHERE = pathlib.Path(__file__).parent\n(HERE.parent / 'begun').touch()\ntime.sleep(1)\n"


def test_what_is_saved_while_a_worker_starts_is_there_when_it_takes_over(
    tool: Tool, project: Path, until: Until
) -> None:
    source = (project / "main.py").read_text()
    (project / "word.py").write_text("WORD = 'old'\n")
    slow = SLOW + source.replace("import asyncio", "import word, asyncio").replace("else VERSION", "else word.WORD")
    (project / "main.py").write_text(slow)
    release(project, "1")
    until((project.parent / "begun").exists, "the import to begin")
    with asking(tool.port, client={"keeps": False}) as clients:
        for word in ("a", "b", "last"):
            (project / "word.py").write_text(f"WORD = {word!r}\n")
        tool.event("restarted")
        assert tool.get() == "last"
    assert clients["client"].failures == []
    assert "old" not in {answer for _, answer in clients["client"].answers}


def test_the_last_save_wins_over_a_worker_that_cannot_have_it(
    tool: Tool, project: Path, until: Until, workers: Workers
) -> None:
    source = (project / "main.py").read_text()
    (project / "main.py").write_text(SLOW + source)
    release(project, "1")
    until((project.parent / "begun").exists, "the import to begin")
    release(project, "2")
    tool.serves("2")
    until(lambda: len(workers(tool.process.pid)) == 1, "the others to go")
    assert tool.get() == "2"


def test_the_next_save_tries_again_while_the_old_worker_serves(tool: Tool, project: Path) -> None:
    source = (project / "main.py").read_text()
    release(project, "broken")
    failed = tool.event("unstarted")
    assert (failed["serving"], failed["error"]["file"]) == (True, str(project / "main.py"))
    assert tool.get() == "0"
    (project / "main.py").write_text(source.replace('== "broken"', '== "never"'))
    tool.serves("broken")
    assert tool.event("restarted")["reason"] == "version changed, as --restart-on says"


def test_a_worker_may_heal_by_itself_what_it_asked_to_be_replaced_for(
    start: Start,
    project: Path,
    until: Until,
    workers: Workers,
) -> None:
    good = (project / "main.py").read_text() + '__reload__ = "restart"\n'
    (project / "main.py").write_text(good)
    tool = start(*SERVE, "main:app")
    tool.serves("0")
    (project / "main.py").write_text(good + "raise RuntimeError('not so')\n")
    assert tool.event("unstarted")["serving"]
    (project / "main.py").write_text(good)
    assert tool.event("unchanged")["notes"] == ["main.py: well again, and what runs is what was saved"]
    until(lambda: len(workers(tool.process.pid)) == 1, "nobody else")
    assert tool.get("/pid") == str(tool.event("ready")["pid"])
    assert tool.events("restarted") == []


# -- what a worker serves, and what only one can have --

EXCLUSIVE = {
    "a port": "import socket\nheld = socket.socket()\nheld.bind(('127.0.0.1', int((HERE / 'port').read_text())))\n",
    "a lock": "import fcntl\nheld = open(HERE / 'lock', 'w')\nfcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
}


@pytest.mark.parametrize("what", EXCLUSIVE)
def test_what_the_old_worker_holds_is_given_up_first_from_then_on(start: Start, project: Path, what: str) -> None:
    (project / "port").write_text(str(free_port()))
    (project / "main.py").write_text((project / "main.py").read_text() + EXCLUSIVE[what])
    tool = start(*SERVE, "main:app")
    tool.serves("0")
    release(project, "1")
    tool.serves("1")
    note = tool.event("note")["text"]
    assert note.startswith("the new worker needs what the old one has (")
    assert "--restart sequential" in note
    release(project, "2")
    tool.serves("2")
    assert len(tool.events("note")) == 1
    assert log(project) == ["up 0", "down 0", "up 1", "down 1", "up 2"]
    assert tool.events("unstarted") == []


def test_one_after_the_other_if_that_is_wanted(start: Start, project: Path) -> None:
    tool = start(*SERVE, "--restart", "sequential", "main:app")
    tool.serves("0")
    with asking(tool.port, client={"keeps": False}) as clients:
        release(project, "1")
        tool.event("restarted")
    assert clients["client"].failures == []
    assert log(project) == ["up 0", "down 0", "up 1"]


def test_a_wsgi_app_is_followed_by_a_worker_beside_it(start: Start, project: Path) -> None:
    (project / "web.py").write_text(
        "import pathlib\nfrom flask import Flask\napp = Flask('web')\n"
        "VERSION = pathlib.Path(__file__).with_name('version').read_text()\n"
        "@app.get('/')\ndef index():\n    return VERSION\n"
    )
    tool = start(*SERVE, "web:app")
    tool.serves("0")
    with asking(tool.port, fresh={"keeps": False}, kept={"keeps": True}) as clients:
        for number in (1, 2):
            release(project, str(number))
            tool.event("restarted", times=number)
            assert tool.get() == str(number)
    assert clients["fresh"].failures == clients["kept"].failures == []


def test_a_factory_is_followed_by_a_worker_beside_it(start: Start, project: Path, until: Until) -> None:
    (project / "made.py").write_text("def create_app():\n    import main\n    return main.app\n")
    tool = start(*SERVE, "made:create_app")
    tool.serves("0")
    release(project, "1")
    tool.serves("1")
    until(lambda: "down 0" in log(project), "the old one's end")
    assert log(project) == ["up 0", "up 1", "down 0"]
