"""Real apps served on a real socket, and touched while they are."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.errors import ReloadError, RestartNeeded, SurroundingsError, UserCodeError
from pepperpy_reload.serving.kinds import Kind
from pepperpy_reload.serving.session import ServeOptions, Session, open_session
from pepperpy_reload.serving.target import Target, load_target

PATIENCE = 10.0
REPORT = ReloadReport(ReloadStatus.RELOADED)
OPTIONS = ServeOptions(log_level="warning", access_log=False, grace=1.0)

FASTAPI = """
import asyncio, threading, time
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

log = globals().get("log", [])
go_on = threading.Event()
entered = threading.Event()

@asynccontextmanager
async def lifespan(app):
    log.append("up VERSION")
    yield {"number": 7}
    log.append("down VERSION")

app = FastAPI(lifespan=lifespan)

@app.get("/")
async def index(request: Request):
    return {"version": "VERSION", "number": request.state.number}

@app.get("/thread")
def thread():
    entered.set()
    go_on.wait(20)
    return "done"

@app.get("/nap")
async def nap():
    entered.set()
    while not go_on.is_set():
        await asyncio.sleep(0.01)
    return "done"

@app.get("/block")
async def block():
    entered.set()
    go_on.wait(20)
    return "done"

@app.get("/stream")
async def stream():
    async def ticks():
        while True:
            yield b"tick\\n"
            await asyncio.sleep(0.02)
    return StreamingResponse(ticks())
"""

FLASK = """
import threading
from flask import Flask, render_template

go_on = threading.Event()
entered = threading.Event()
app = Flask(__name__)

@app.get("/")
def index():
    return {"version": "VERSION"}

@app.get("/page")
def page():
    return render_template("page.html")

@app.get("/thread")
def thread():
    entered.set()
    go_on.wait(20)
    return ["done"]
"""


class Running:
    """A session in a thread of its own."""

    def __init__(self, session: Session, port: int, target: Target) -> None:
        self.session = session
        self.target = target
        self.ready = threading.Event()
        self.failure: ReloadError | None = None
        self.status: int | None = None
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE)
        self.thread = threading.Thread(target=self._run, daemon=True)

    @property
    def module(self) -> Any:
        return sys.modules[self.target.module]

    def get(self, path: str) -> Any:
        return self.client.get(path).json()

    def in_background(self, path: str) -> Callable[[], Any]:
        """Begin a request; what is returned waits for its answer."""
        answers: list[Any] = []

        def ask() -> None:
            try:
                response = httpx.get(f"{self.client.base_url}{path}", timeout=20)
            except httpx.TransportError as error:
                answers.append(error)
            else:
                answers.append(response.json() if response.is_success else response)

        thread = threading.Thread(target=ask)
        thread.start()

        def answer() -> Any:
            thread.join(PATIENCE)
            return answers[0]

        return answer

    def replace(self, source: str, *, settle: bool = True) -> str | None:
        """Do as a reload does: run `source` in the live module inside the gate, settle, put it back if that fails."""
        before = dict(vars(self.module))
        with self.session.gate.closed():
            self.session.gate.call(lambda: exec(compile(source, self.module.__file__, "exec"), vars(self.module)))
            try:
                follows = settle and self.session.gate.call(self.session.settle.has_to_follow)
                return self.session.settle(REPORT) if follows else None
            except ReloadError:
                vars(self.module).update(before)
                self.session.settle.undo()
                raise

    def _run(self) -> None:
        try:
            self.status = self.session.run(self.ready.set)
        except ReloadError as error:
            self.failure = error
        self.ready.set()


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Running]]:
    monkeypatch.syspath_prepend(tmp_path)
    counter = iter(range(100))
    with ExitStack() as stack:

        def start(source: str, attribute: str = "app", options: ServeOptions = OPTIONS) -> Running:
            name = f"served_{next(counter)}_{tmp_path.name}"
            (tmp_path / f"{name}.py").write_text(source)
            sock = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = sock.getsockname()[1]
            target = load_target(f"{name}:{attribute}")
            running = Running(open_session(target, sock, options), port, target)
            running.thread.start()
            stack.callback(finish, running)
            assert running.ready.wait(PATIENCE)
            return running

        yield start


def finish(running: Running) -> None:
    vars(running.module).get("go_on", threading.Event()).set()
    running.client.close()
    running.session.stop(1.0)
    running.thread.join(PATIENCE)
    assert not running.thread.is_alive()
    del sys.modules[running.target.module]


@contextmanager
def streaming(running: Running) -> Iterator[Iterator[str]]:
    with httpx.stream("GET", f"{running.client.base_url}/stream", timeout=PATIENCE) as response:
        lines = response.iter_lines()
        next(lines)
        yield lines


Serve = Callable[..., Running]


def test_a_fastapi_app_is_served_with_its_lifespan(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    assert running.session.kind is Kind.ASGI
    assert running.get("/") == {"version": "1", "number": 7}
    running.session.stop(1.0)
    running.thread.join(PATIENCE)
    assert running.status == 0
    assert running.module.log == ["up 1", "down 1"]


def test_a_flask_app_is_served(serve: Serve) -> None:
    running = serve(FLASK.replace("VERSION", "1"))
    assert running.session.kind is Kind.WSGI
    assert running.get("/") == {"version": "1"}


def test_a_factory_is_served(serve: Serve) -> None:
    running = serve(FLASK.replace("VERSION", "1") + "def create_app():\n    return app\n", "create_app")
    assert running.session.kind is Kind.WSGI
    assert running.get("/") == {"version": "1"}


def test_a_main_that_returns_an_app_is_served_too(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1") + "def main():\n    return app\n", "main")
    assert running.get("/")["version"] == "1"
    assert running.session.kind is Kind.ASGI


def test_the_same_app_is_left_alone(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    with streaming(running):
        assert running.replace("extra = 1") is None
    assert running.module.log == ["up 1"]


def test_a_replaced_app_has_its_lifespan_restarted(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    note = running.replace(FASTAPI.replace("VERSION", "2"))
    assert note == f"{running.target.text} is a new object, so its lifespan was restarted"
    assert running.get("/") == {"version": "2", "number": 7}
    assert running.module.log == ["up 1", "down 1", "up 2"]


def test_an_app_may_turn_from_wsgi_to_asgi(serve: Serve) -> None:
    running = serve(FLASK.replace("VERSION", "1"))
    running.replace(FASTAPI.replace("VERSION", "2"))
    assert running.get("/")["version"] == "2"
    running.replace(FLASK.replace("VERSION", "3"))
    assert running.session.kind is Kind.WSGI
    assert running.get("/") == {"version": "3"}


def test_a_start_up_that_fails_brings_the_old_app_back(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    broken = FASTAPI.replace('    log.append("up VERSION")', '    raise OSError("no database")')
    with pytest.raises(UserCodeError, match="no database"):
        running.replace(broken)
    assert running.get("/") == {"version": "1", "number": 7}
    assert running.module.log == ["up 1", "down 1", "up 1"]


def test_an_old_app_that_cannot_start_again_means_a_restart(serve: Serve) -> None:
    once = FASTAPI.replace('    log.append("up VERSION")', '    if log: raise OSError("only once")\n    log.append(1)')
    running = serve(once)
    with pytest.raises(RestartNeeded, match="old app's lifespan could not be started again: OSError: only once"):
        running.replace(once.replace("if log:", "if True:"))


def test_code_that_ran_at_start_up_restarts_the_lifespan(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    running.target.touches = lambda footprint: "lifespan" in {key.qualname for key in footprint.functions}
    note = running.replace("extra = 1")
    assert note == f"code that ran when {running.target.text} started has changed, so its lifespan was restarted"
    assert running.module.log == ["up 1", "down 1", "up 1"]


def test_a_touched_factory_builds_a_new_app(serve: Serve) -> None:
    running = serve(FLASK.replace("VERSION", "1") + "def create_app():\n    return Flask('x')\n", "create_app")
    first = running.target.app
    running.target.touches = lambda footprint: "create_app" in {key.qualname for key in footprint.functions}
    note = running.replace("extra = 1")
    assert note == f"code that {running.target.text} runs has changed, so it was called again"
    assert running.target.app is not first


def test_a_broken_factory_leaves_the_old_app(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1") + "def create_app():\n    return app\n", "create_app")
    with pytest.raises(UserCodeError, match="ZeroDivisionError"):
        running.replace("def create_app():\n    return 1 / 0\n")
    assert running.get("/")["version"] == "1"
    assert running.module.log == ["up 1"]


def test_new_requests_wait_while_the_gate_is_closed(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    with running.session.gate.closed():
        answer = running.in_background("/")
        running.session.gate.call(lambda: setattr(running.module, "seen", threading.current_thread()))
        assert running.module.seen is running.thread
        slot: Any = running.session.slot  # type: ignore[attr-defined]
        assert slot.in_flight == 0
    assert answer()["version"] == "1"


def test_user_code_in_a_thread_is_waited_for(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    answer = running.in_background("/thread")
    assert running.module.entered.wait(PATIENCE)
    threading.Timer(0.2, running.module.go_on.set).start()
    begun = time.monotonic()
    running.replace("extra = 1", settle=False)
    assert time.monotonic() - begun >= 0.19
    assert answer() == "done"


@pytest.mark.parametrize("source", [FASTAPI, FLASK])
def test_user_code_that_stays_in_a_thread_means_a_restart(serve: Serve, source: str) -> None:
    running = serve(source.replace("VERSION", "1"))
    answer = running.in_background("/thread")
    assert running.module.entered.wait(PATIENCE)
    line = 1 + source.splitlines().index("    go_on.wait(20)")
    where = rf"a request has been running in a thread for 1 s \({running.module.__file__}:{line}\)"
    with pytest.raises(RestartNeeded, match=where):
        running.replace("extra = 1")
    assert not hasattr(running.module, "extra")
    running.module.go_on.set()
    assert answer() in ("done", ["done"])
    assert running.get("/")["version"] == "1"


def test_a_request_that_waits_on_the_loop_does_not_hinder_a_patch(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    answer = running.in_background("/nap")
    assert running.module.entered.wait(PATIENCE)
    assert running.replace("extra = 1") is None
    running.module.go_on.set()
    assert answer() == "done"


def test_a_request_under_way_is_drained_before_the_app_is_replaced(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    answer, old = running.in_background("/nap"), running.module
    assert old.entered.wait(PATIENCE)
    threading.Timer(0.2, old.go_on.set).start()
    running.replace(FASTAPI.replace("VERSION", "2").replace("go_on =", "new ="))
    assert answer() == "done"
    assert running.get("/")["version"] == "2"


def test_a_stream_that_stays_open_means_a_restart_for_a_new_app(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    with streaming(running) as lines:
        with pytest.raises(RestartNeeded, match=r"is a new object, and a request has been running for 1 s \(.+\)$"):
            running.replace(FASTAPI.replace("VERSION", "2"))
        next(lines)
    assert running.get("/")["version"] == "1"
    assert running.module.log == ["up 1"]


def test_a_loop_that_is_blocked_means_a_restart(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    answer = running.in_background("/block")
    assert running.module.entered.wait(PATIENCE)
    with pytest.raises(RestartNeeded, match="event loop has been busy for 1 s"):
        running.replace("extra = 1")
    running.module.go_on.set()
    assert answer() == "done"
    assert not hasattr(running.module, "extra")
    assert running.get("/")["version"] == "1"


def test_a_lifespan_that_fails_at_the_start_is_the_users_error(serve: Serve) -> None:
    running = serve(FASTAPI.replace('    log.append("up VERSION")', "    1 / 0"))
    assert isinstance(running.failure, UserCodeError)
    assert running.failure.file == running.module.__file__
    assert running.failure.line == 1 + FASTAPI.splitlines().index('    log.append("up VERSION")')
    with pytest.raises(RestartNeeded, match="still being started"):
        running.replace("extra = 1")


def test_stopping_lets_a_request_finish(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    answer = running.in_background("/nap")
    assert running.module.entered.wait(PATIENCE)
    running.session.stop(5.0)
    running.module.go_on.set()
    assert answer() == "done"
    running.thread.join(PATIENCE)
    assert running.module.log == ["up 1", "down 1"]


def test_stopping_does_not_wait_for_a_stream(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    with streaming(running):
        begun = time.monotonic()
        running.session.stop(0.3)
        running.thread.join(PATIENCE)
        assert time.monotonic() - begun < 2.0
    assert running.module.log == ["up 1", "down 1"]
    assert capfd.readouterr() == ("", "")


def test_the_second_stop_is_at_once(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    answer = running.in_background("/thread")
    assert running.module.entered.wait(PATIENCE)
    running.session.stop(60.0)
    begun = time.monotonic()
    running.session.stop(60.0)
    running.thread.join(PATIENCE)
    assert time.monotonic() - begun < 2.5
    running.module.go_on.set()
    assert answer() != "done"


def test_who_resigns_accepts_no_more_until_it_stays(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "1"))
    resigned = threading.Event()
    running.session.resign(resigned.set)
    assert resigned.wait(PATIENCE)
    answer = running.in_background("/")
    with httpx.Client(base_url=running.client.base_url, timeout=0.2) as client, pytest.raises(httpx.ReadTimeout):
        client.get("/")
    running.session.stay()
    assert answer()["version"] == "1"
    response = running.client.get("/")
    assert "connection" not in response.headers


def test_a_saved_template_is_live(serve: Serve, tmp_path: Path) -> None:
    from pepperpy_reload.serving.templates import refresh_templates

    page = tmp_path / "templates" / "page.html"
    page.parent.mkdir()
    page.write_text("one")
    running = serve(FLASK)
    assert running.client.get("/page").text == "one"
    page.write_text("two")  # the same size within the same second
    (note,) = refresh_templates([str(page), str(tmp_path / "data.db")])
    assert note.endswith("page.html is live, no restart needed")
    assert running.client.get("/page").text == "two"


def test_files_for_tls_that_are_missing_are_one_sentence(serve: Serve) -> None:
    running = serve(FASTAPI, options=ServeOptions(ssl_certfile="/nowhere.pem", ssl_keyfile="/nowhere.key"))
    assert isinstance(running.failure, SurroundingsError)
    assert "TLS" in str(running.failure)


def test_no_request_is_lost_while_apps_are_replaced(serve: Serve) -> None:
    running = serve(FASTAPI.replace("VERSION", "0"))
    served: list[int] = []
    over = threading.Event()

    def poll() -> None:
        with httpx.Client(base_url=running.client.base_url, timeout=PATIENCE) as client:
            while not over.is_set():
                served.append(int(client.get("/").raise_for_status().json()["version"]))

    pollers = [threading.Thread(target=poll) for _ in range(3)]
    for poller in pollers:
        poller.start()
    for version in range(1, 21):
        running.replace((FLASK if version % 2 else FASTAPI).replace("VERSION", str(version)))
        assert int(running.get("/")["version"]) == version
    over.set()
    for poller in pollers:
        poller.join(PATIENCE)
    assert set(served) <= set(range(21))
    assert len(served) > 20


@pytest.mark.parametrize(("package", "source"), [("uvicorn", FASTAPI), ("a2wsgi", FLASK)])
def test_a_missing_package_is_one_sentence(tmp_path: Path, package: str, source: str) -> None:
    (tmp_path / "web.py").write_text(source)
    script = f"""
import socket, sys
sys.path.insert(0, "")
sys.modules["{package}"] = None  # what makes an import of it fail
from pepperpy_reload.errors import SurroundingsError
from pepperpy_reload.serving.session import open_session
from pepperpy_reload.serving.target import load_target
try:
    open_session(load_target("web:app"), socket.create_server(("127.0.0.1", 0))).run(print)
except SurroundingsError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True).stdout
    assert said.endswith(f'needs {package}: pip install "pepperpy-reload[serve]"\n')
