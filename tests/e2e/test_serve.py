"""`pepperpy-reload serve` from the outside: saves, errors, crashes, signals."""

from __future__ import annotations

import fcntl
import http.client
import os
import shutil
import signal
import socket
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.ports import free_port, is_free

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

Until = Callable[..., Any]
Alive = Callable[[int], bool]
SERVE = ("serve", "--port", "0", "--json", "--no-access-log")


@pytest.fixture
def tool(start: Start) -> Tool:
    """The project of two modules, being served."""
    tool = start(*SERVE, "main:app")
    tool.event("ready")
    tool.serves("v0")
    return tool


# -- saves --


def test_a_save_is_served_by_the_same_worker(tool: Tool, project: Path) -> None:
    for number in range(1, 6):
        (project / "helper.py").write_text(f"WORD = 'v{number}'\n")
        tool.serves(f"v{number}")
    assert tool.events("restarted") == []
    assert tool.event("reloaded")["paths"] == [str(project / "helper.py")]


def test_it_is_told_where_the_time_of_a_save_went(start: Start, project: Path) -> None:
    tool = start(*SERVE, "main:app", "--timings")
    tool.serves("v0")
    (project / "main.py").write_text((project / "main.py").read_text().replace("helper.WORD", "helper.WORD + '!'"))
    tool.serves("v0!")
    report, phases = tool.event("reloaded"), tool.event("timings")["phases"]
    assert report["patched"] == ["main.answer"]
    assert list(phases)[:3] == ["event", "batch", "channel"]
    assert {"read", "parse", "plan", "wait", "patch", "report"} <= report["phases"].keys() == {*list(phases)[3:]}
    assert sum(report["phases"].values()) == pytest.approx(report["duration"])
    (project / "helper.py").write_text("WORD = 'v1'\n")
    tool.serves("v1!")
    tool.event("timings", 2)
    assert {"run", "settle"} <= tool.event("reloaded", 2)["phases"].keys()


def test_a_cycle_that_an_edit_brings_is_told(start: Start, project: Path) -> None:
    (project / "old.py").write_text("import older\n")
    (project / "older.py").write_text("import old\n")
    main = (project / "main.py").read_text()
    (project / "main.py").write_text(f"import old\n{main}")
    tool = start(*SERVE, "main:app")
    tool.serves("v0")
    (project / "helper.py").write_text("import main\nWORD = 'v1'\ndef later(): return main\n")
    tool.serves("v1")
    cycle = tool.event("cycle")
    assert (cycle["class"], cycle["modules"]) == ("import-time", ["main", "helper"])
    assert [(Path(one["file"]).name, one["line"]) for one in cycle["imports"]] == [("main.py", 2), ("helper.py", 1)]
    assert (cycle["cut"]["importer"], cycle["cut"]["move"]) == ("main", "into the functions that use it")
    (project / "helper.py").write_text("import main\nWORD = 'v2'\ndef later(): return main\n")
    tool.serves("v2")
    (project / "helper.py").write_text("WORD = 'v3'\n")
    tool.serves("v3")
    (project / "helper.py").write_text("from main import app\nWORD = 'v4'\n")
    assert "partially initialized module 'main'" in tool.event("unstarted")["error"]["text"]
    assert tool.event("cycle", 2)["modules"] == ["main", "helper"], "and so it is when it cannot be started"
    assert len(tool.events("cycle")) == 2, "old and older were there before"


def test_a_lifespan_goes_on_while_what_it_ran_is_untouched(start: Start, project: Path) -> None:
    (project / "numbers_.py").write_text("NUMBER = 1\nBEGIN = 10\n")
    (project / "web.py").write_text(
        "from contextlib import asynccontextmanager\nfrom fastapi import FastAPI\nimport numbers_\nlog = []\n"
        "@asynccontextmanager\nasync def lifespan(app):\n    log.append(numbers_.BEGIN)\n    yield\n"
        "app = FastAPI(lifespan=lifespan)\n@app.get('/')\nasync def index():\n    return [log, numbers_.NUMBER]\n"
    )
    tool = start(*SERVE, "web:app")
    tool.serves("[[10],1]")
    (project / "numbers_.py").write_text("NUMBER = 2\nBEGIN = 10\n")
    tool.serves("[[10],2]")
    (project / "numbers_.py").write_text("NUMBER = 2\nBEGIN = 20\n")
    tool.serves("[[10,20],2]")
    assert tool.events("restarted") == []


def test_a_thread_whose_loop_was_edited_gets_a_new_process(start: Start, project: Path) -> None:
    text = (
        "import threading, time\nfrom fastapi import FastAPI\nlast = []\n"
        "def loop():\n    while True:\n        last[:] = ['old']\n        time.sleep(0.001)\n"
        "threading.Thread(target=loop, daemon=True, name='worker').start()\n"
        "app = FastAPI()\n@app.get('/')\ndef index():\n    return last\n"
    )
    (project / "web.py").write_text(text)
    tool = start(*SERVE, "web:app")
    tool.serves('["old"]')
    (project / "web.py").write_text(text.replace("old", "new"))
    tool.serves('["new"]')
    assert "web.loop is running (web.py:" in tool.event("restarted")["reason"]


def test_a_save_that_breaks_the_code_changes_nothing(tool: Tool, project: Path) -> None:
    (project / "helper.py").write_text("WORD = 'v1'\nWORD = = 2\n")
    failed = tool.event("failed")
    assert (failed["error"]["file"], failed["error"]["line"]) == (str(project / "helper.py"), 2)
    assert tool.get() == "v0"
    (project / "helper.py").write_text("WORD = 'v2'\n")
    tool.serves("v2")


def test_a_save_that_takes_an_error_back_is_told(tool: Tool, project: Path) -> None:
    text = (project / "helper.py").read_text()
    (project / "helper.py").write_text("WORD = = 2\n")
    tool.event("failed")
    (project / "helper.py").write_text(text)
    assert tool.event("unchanged")["notes"] == ["helper.py: well again, and what runs is what was saved"]


def test_a_saved_template_is_live_without_a_restart(tool: Tool, project: Path) -> None:
    (project / "templates").mkdir()
    (project / "templates" / "page.html").write_text("<p>")
    assert "page.html is live" in tool.event("note")["text"]
    assert tool.events("restart") == []


def test_output_that_goes_to_a_watched_file_is_no_save(start: Start, project: Path, until: Until) -> None:
    with (project / "out.txt").open("w") as out:
        start("serve", "--port", "0", "-v", "main:app", stderr=out)
        written = project / "out.txt"
        until(lambda: "serving main:app" in written.read_text(), "the start")
        (project / "unused.txt").write_text("x")
        until(lambda: "unchanged unused.txt" in written.read_text(), "the save")
        (project / "unused.txt").write_text("y")
        until(lambda: written.read_text().count("unchanged unused.txt") == 2, "the second save")
    assert "unchanged out.txt" not in written.read_text()


def test_an_error_is_not_told_again_because_data_was_saved(tool: Tool, project: Path) -> None:
    (project / "helper.py").write_text("WORD = 1 / 0\n")
    tool.event("failed")
    for number in range(5):
        (project / "data.txt").write_text(str(number))
        (project / "templates").mkdir(exist_ok=True)
        (project / "templates" / "page.html").write_text(str(number))
        tool.event("note", times=number + 1)
    assert len(tool.events("failed")) == 1
    (project / "helper.py").write_text("WORD = 1 / 0\n# again\n")
    tool.event("failed", times=2)


def test_a_restart_refuses_nobody(tool: Tool) -> None:
    failures: list[BaseException] = []
    answers: list[str] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            try:
                answers.append(tool.get())
            except Exception as error:  # noqa: BLE001 - each of them is a failure
                failures.append(error)

    client = threading.Thread(target=ask)
    client.start()
    try:
        for number in range(1, 4):
            tool.send(signal.SIGHUP)
            tool.event("restarted", times=number)
    finally:
        enough.set()
        client.join()
    assert failures == []
    assert set(answers) == {"v0"}
    assert tool.event("restarted")["reason"] == "SIGHUP"


def test_the_last_save_wins_while_a_worker_starts(start: Start, project: Path, until: Until) -> None:
    mark = project.parent / "started"
    (project / "helper.py").write_text(
        f"import pathlib, time\nWORD = 'v0'\npathlib.Path({str(mark)!r}).touch()\ntime.sleep(1)\n"
    )
    tool = start(*SERVE, "main:app")
    until(mark.exists, "the import to begin")
    (project / "helper.py").write_text("WORD = 'v1'\n")
    (project / "helper.py").write_text("WORD = 'v2'\n")
    tool.serves("v2")


def test_a_file_that_asks_for_a_restart(start: Start, project: Path) -> None:
    (project / "data.yaml").write_text("a: 1\n")
    tool = start(*SERVE, "--restart-on", "*.yaml", "main:app")
    tool.event("ready")
    (project / "data.yaml").write_text("a: 2\n")
    assert tool.event("restarted")["reason"] == "data.yaml changed, as --restart-on says"


def test_the_environment_file_is_read_anew(start: Start, project: Path) -> None:
    (project / "main.py").write_text(
        (project / "main.py").read_text() + "\nimport os\ndef answer():\n    return os.environ['WORD']\n"
    )
    (project / ".gitignore").write_text(".env\n")
    (project / ".env").write_text("WORD=one\n")
    tool = start(*SERVE, "--env-file", ".env", "main:app")
    tool.serves("one")
    (project / ".env").write_text("WORD=two\n")
    tool.serves("two")
    assert ".env changed" in tool.event("restarted")["reason"]


def test_a_directory_with_blanks_and_other_letters(start: Start, project: Path) -> None:
    odd = project.parent / "mein schönes проект"
    project.rename(odd)
    tool = start(*SERVE, folder=odd)
    tool.serves("v0")
    (odd / "helper.py").write_text("WORD = 'größer'\n", encoding="utf-8")
    tool.serves("größer")


def test_a_root_that_goes_and_comes_back(tool: Tool, project: Path) -> None:
    kept = project.parent / "kept"
    shutil.copytree(project, kept, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(project)
    assert tool.get() == "v0"
    (kept / "helper.py").write_text("WORD = 'v1'\n")
    kept.rename(project)
    tool.serves("v1")


# -- code that does not load --


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        (b"WORD = = 1\n", 1, "SyntaxError"),
        (b"\nimport no_such_thing\n", 2, "No module named 'no_such_thing'"),
        (b"import sys\n\nsys.exit('not today')\n", 3, "not today"),
        (b"WORD = 'caf\xe9'\n", None, "utf-8"),
        (b"WORD = 'v0'\n1 / 0\n", 2, "ZeroDivisionError"),
    ],
    ids=["syntax", "import", "exit", "encoding", "exception"],
)
def test_a_start_that_fails_is_shown_and_the_next_save_tries_again(
    start: Start, project: Path, source: bytes, line: int | None, says: str
) -> None:
    (project / "helper.py").write_bytes(source)
    tool = start(*SERVE, "main:app")
    error = tool.event("unstarted")["error"]
    assert error["file"] == str(project / "helper.py")
    assert line is None or error["line"] == line
    assert says in error["text"]
    (project / "helper.py").write_text("WORD = 'v1'\n")
    tool.serves("v1")
    assert "pepperpy_reload" not in error["text"], "a traceback is the user's, without our frames"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(start: Start, project: Path) -> None:
    (project / "helper.py").chmod(0)
    tool = start(*SERVE, "main:app")
    assert "helper.py" in tool.event("unstarted")["error"]["text"]
    (project / "helper.py").chmod(0o644)
    (project / "helper.py").write_text("WORD = 'v1'\n")
    tool.serves("v1")


def test_the_error_as_a_person_reads_it(start: Start, project: Path) -> None:
    (project / "helper.py").write_text("WORD = 'v0'\nif True\n    pass\n")
    tool = start("serve", "--port", "0")
    tool.says("the next save tries again")
    text = tool.text()
    assert "failed helper.py:2: SyntaxError: expected ':'" in text
    assert "  > 2 | if True\n" in text
    assert "      |        ^\n" in text
    assert "Traceback" not in text


# -- processes --


def test_a_killed_worker_is_started_again(tool: Tool, alive: Alive) -> None:
    pid = tool.event("ready")["pid"]
    os.kill(pid, signal.SIGKILL)
    died = tool.event("died")
    assert (died["how"], died["retry"]) == ("the worker was killed by SIGKILL", 0.2)
    restarted = tool.event("restarted")
    assert restarted["pid"] != pid
    assert not alive(pid)
    tool.serves("v0")


def test_an_app_that_leaves_by_itself_is_started_again(start: Start, project: Path) -> None:
    (project / "main.py").write_text((project / "main.py").read_text().replace("return helper.WORD", "os._exit(7)"))
    (project / "main.py").write_text("import os\n" + (project / "main.py").read_text())
    tool = start(*SERVE, "main:app")
    tool.event("ready")
    with pytest.raises((OSError, http.client.HTTPException)):
        tool.get()
    assert tool.event("died")["how"] == "the worker ended with status 7"
    tool.event("restarted")


def test_what_the_app_has_started_goes_with_it(start: Start, project: Path, until: Until, alive: Alive) -> None:
    (project / "main.py").write_text(
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\ndef answer():\n    return child.pid\n"
        + (project / "main.py").read_text().partition("helper.WORD")[2]
    )
    tool = start(*SERVE, "main:app")
    tool.event("ready")
    child = int(tool.get())
    assert alive(child)
    tool.send(signal.SIGHUP)
    tool.event("restarted")
    until(lambda: not alive(child), "the old worker's child to be gone")
    second = int(tool.get())
    tool.send(signal.SIGINT)
    assert tool.ends() == 130
    assert not alive(second)


def test_a_worker_that_cannot_answer_is_replaced(start: Start, project: Path) -> None:
    tool = start(*SERVE, "--grace", "0.2", "main:app")
    os.kill(tool.event("ready")["pid"], signal.SIGSTOP)
    tool.send(signal.SIGHUP)
    tool.event("restarted")
    tool.serves("v0")


def test_nothing_is_left_when_the_supervisor_is_killed(start: Start, project: Path, until: Until, alive: Alive) -> None:
    (project / "main.py").write_text(
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\ndef answer():\n    return child.pid\n"
        + (project / "main.py").read_text().partition("helper.WORD")[2]
    )
    port = free_port()
    tool = start(*SERVE, "--port", str(port), "main:app")
    worker = tool.event("ready")["pid"]
    child = int(tool.get())
    tool.send(signal.SIGKILL)
    until(lambda: not alive(worker) and not alive(child), "worker and grandchild to be gone", 3.0)
    until(lambda: is_free(port), "the port", 1.0)


# -- signals --


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_everything(tool: Tool, alive: Alive, number: int, status: int) -> None:
    worker = tool.event("ready")["pid"]
    tool.send(number)
    assert tool.ends(3.0) == status
    assert not alive(worker)
    assert "Traceback" not in tool.text()
    assert tool.event("stopped")["status"] == status


def test_a_terminal_that_is_closed_ends_everything(
    start: Start, project: Path, environment: dict[str, str], until: Until, alive: Alive
) -> None:
    (project / "main.py").write_text((project / "main.py").read_text().replace("helper.WORD", "os.getpid()"))
    (project / "main.py").write_text("import os\n" + (project / "main.py").read_text())
    ours, theirs = os.openpty()

    def on_a_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    tool = start(*SERVE[:-1], "main:app", stdin=theirs, stderr=theirs, start_new_session=True, preexec_fn=on_a_terminal)
    os.close(theirs)
    worker = tool.event("ready")["pid"]
    assert tool.get() == str(worker)
    os.close(ours)
    assert tool.ends(4.0) == 129
    assert not alive(worker)


def test_ctrl_c_while_an_app_is_imported(start: Start, project: Path, until: Until) -> None:
    mark = project.parent / "started"
    (project / "helper.py").write_text(f"import pathlib, time\npathlib.Path({str(mark)!r}).touch()\ntime.sleep(60)\n")
    tool = start(*SERVE, "main:app")
    until(mark.exists, "the import to begin")
    tool.send(signal.SIGINT)
    assert tool.ends(3.0) == 130
    assert "Traceback" not in tool.text()


def test_ctrl_c_while_nothing_runs(start: Start, project: Path) -> None:
    (project / "helper.py").write_text("WORD = = 1\n")
    tool = start(*SERVE, "main:app")
    tool.event("unstarted")
    tool.send(signal.SIGINT)
    assert tool.ends(4.0) == 130


def test_a_request_that_never_ends_does_not_hinder_the_end(start: Start, project: Path, until: Until) -> None:
    """Python would wait for the thread of the pool that is in it, for ever."""
    (project / "main.py").write_text(
        "import threading\nentered = threading.Event()\ndef app(environ, start_response):\n"
        "    entered.set()\n    threading.Event().wait()\n"
    )
    tool = start(*SERVE, "--grace", "20", "main:app")
    tool.event("ready")
    with socket.create_connection(("127.0.0.1", tool.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: _threads(tool.event("ready")["pid"]) > 3, "the thread that answers")
        tool.send(signal.SIGINT)
        assert tool.ends(5) == 130


def _threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def test_a_second_ctrl_c_waits_for_nobody(start: Start, project: Path) -> None:
    tool = start(*SERVE, "--grace", "60", "main:app")
    os.kill(tool.event("ready")["pid"], signal.SIGSTOP)
    tool.send(signal.SIGINT)
    tool.event("stopping")
    tool.send(signal.SIGINT)
    assert tool.ends(3.0) == 130


def test_a_background_job_ignores_ctrl_c_and_heeds_the_rest(start: Start, project: Path) -> None:
    def as_a_shell_does() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    tool = start(*SERVE, "main:app", preexec_fn=as_a_shell_does)
    tool.event("ready")  # an app answers a little before: a restart then is a start that takes longer
    tool.serves("v0")
    tool.send(signal.SIGINT)
    tool.send(signal.SIGHUP)
    tool.event("restarted")
    tool.send(signal.SIGTERM)
    assert tool.ends(4.0) == 143


# -- what there is to serve --


def test_a_port_in_use_is_one_line_and_98(tool: Tool, start: Start) -> None:
    other = start("serve", "--port", str(tool.port), "main:app")
    assert other.ends() == 98
    assert len(other.err) == 1
    assert f"port {tool.port} is already in use by pid {tool.process.pid}" in other.err[0]
    third = start(*SERVE, "--port", str(tool.port), "--auto-port", "main:app")
    third.serves("v0")
    assert third.port != tool.port


def test_of_servers_that_start_together_one_gets_the_port(start: Start, project: Path) -> None:
    (project / "factory.py").write_text("import main\n\ndef create_app():\n    return main.app\n")
    port = str(free_port())
    tools = [start("serve", "--port", port, "--json", "factory:create_app") for _ in range(3)]
    losers = [tool for tool in tools if not tool.settles("ready")]
    assert [tool.ends() for tool in losers] == [98, 98]
    assert all(len(tool.err) == 1 for tool in losers)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("mian:app", "did you mean main:app"),
        ("main:apq", "did you mean app"),
        ("main:helper", "cannot be called"),
        ("main.py", "is a file's name"),
        ("main:", "is not a target"),
    ],
)
def test_a_wrong_target_is_one_line(start: Start, target: str, says: str) -> None:
    tool = start("serve", "--port", "0", target)
    assert tool.ends() == 2
    assert len(tool.err) == 1, tool.text()
    assert says in tool.err[0]


def test_a_plain_main_may_use_the_port_itself(start: Start, project: Path) -> None:
    (project / "own.py").write_text(
        "import http.server, sys\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200)\n        self.end_headers()\n        self.wfile.write(b'mine')\n"
        "def main():\n"
        "    port = int(open('port').read())\n"
        "    http.server.HTTPServer(('127.0.0.1', port), Handler).serve_forever()\n"
    )
    port = free_port()
    (project / "port").write_text(str(port))
    tool = start("serve", "--port", str(port), "--json", "own:main")
    tool.serves("mine")
    tool.send(signal.SIGINT)
    assert tool.ends() == 130
    assert "Traceback" not in tool.text()


def test_every_interface_is_worth_a_warning(start: Start) -> None:
    tool = start("serve", "--host", "0.0.0.0", "--port", "0", "main:app")
    tool.says("warning --host 0.0.0.0 lets every machine")
    tool.says("serving main:app on http://127.0.0.1:")
