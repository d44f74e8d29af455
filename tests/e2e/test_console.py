"""The tool on a real terminal: keys, Ctrl-C, Ctrl-Z, and prompts in the worker that a person types at."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

Until = Callable[..., Any]
SERVE = ("serve", "--port", "0", "--no-access-log", "--grace", "0.5")
TYPING = termios.ICANON | termios.ECHO

APP = """
import helper, os

def ask():
    return input("your name? ")

def stop():
    word = helper.WORD
    breakpoint()
    return word

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    answer = {"/ask": ask, "/stop": stop, "/pid": lambda: str(os.getpid())}.get(scope["path"], helper.word)()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": answer.encode()})
"""
HELPER = """
WORD = {!r}

def word():
    first = WORD
    return first
"""


class Screen:
    """A terminal with the tool on it, as a person sees it."""

    def __init__(self, begin: Callable[..., Tool], until: Until) -> None:
        self.ours, theirs = os.openpty()
        self._until = until
        self.found = termios.tcgetattr(theirs)
        self._seen = bytearray()
        self._from = 0
        self.tool = begin(
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=_on_this_terminal
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):
            while data := os.read(self.ours, 4096):
                self._seen += data

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self._seen.decode(errors="replace"))

    def says(self, what: str) -> str:
        """Wait until that is written after what was waited for last; returns the line."""
        try:
            at = self._until(lambda: self.text.find(what, self._from) + 1, repr(what)) - 1
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen:\n{self.text[self._from :]}") from None
        self._from = at + len(what)
        return self.text[at:].partition("\r\n")[0]

    def types(self, text: str) -> None:
        os.write(self.ours, text.encode())

    @property
    def is_fit_for_typing(self) -> bool:
        return bool(termios.tcgetattr(self.ours)[3] & TYPING == TYPING)

    @property
    def port(self) -> int:
        return int(re.findall(r"serving main:app on http://127.0.0.1:(\d+)", self.text)[0])

    def close(self) -> None:
        self.tool.close()
        os.close(self.ours)
        self._reader.join(5)


def _on_this_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def screen(start: Start, project: Path, until: Until, environment: dict[str, str]) -> Iterator[Callable[..., Screen]]:
    screens: list[Screen] = []
    environment["TERM"] = "xterm"

    def begin(*arguments: str, **more: str) -> Screen:
        (project / "main.py").write_text(APP)
        save(project, "v0")
        screens.append(Screen(partial(start, *SERVE, *arguments, "main:app", environment=environment | more), until))
        screens[-1].says("serving main:app")
        screens[-1].tool.known_port = screens[-1].port
        return screens[-1]

    yield begin
    for one in screens:
        one.close()


def save(project: Path, word: str) -> None:
    (project / "helper.py").write_text(HELPER.format(word))


class Request(threading.Thread):
    """A request under way."""

    def __init__(self, tool: Tool, path: str) -> None:
        super().__init__(daemon=True)
        self._tool, self._path = tool, path
        self.body: str | BaseException = ""
        self.start()

    def run(self) -> None:
        try:
            self.body = self._tool.get(self._path)
        except Exception as error:  # noqa: BLE001 - the test will look at it
            self.body = error

    def answer(self) -> str | BaseException:
        self.join(15)
        return self.body


def test_keys(screen: Callable[..., Screen], project: Path, until: Until) -> None:
    browser = project.parent / "browser"
    browser.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(project.parent / 'url')!r}, 'w').write(sys.argv[1])\n"
    )
    browser.chmod(0o755)
    one = screen(BROWSER=f"{browser} %s")
    one.says("press h for help")
    assert not one.is_fit_for_typing
    one.types("h")
    one.says("r restart")
    one.types("e")
    one.says("there has been no error")
    (project / "helper.py").write_text("WORD = = 1\n")
    one.says("failed helper.py:1: SyntaxError")
    one.types("e")
    one.says("failed helper.py:1: SyntaxError")
    one.types("p")
    one.says("paused")
    save(project, "v1")
    save(project, "v2")
    assert one.tool.get() == "v0"
    one.types("p")
    one.says("going on")
    one.tool.serves("v2")
    one.types("r")
    one.says("r was pressed")
    one.tool.serves("v2")
    one.types("o")
    url = project.parent / "url"
    until(lambda: url.exists() and url.read_text(), "the browser")
    assert url.read_text() == f"http://127.0.0.1:{one.port}"
    one.types("q")
    assert one.tool.ends(5) == 0
    assert termios.tcgetattr(one.ours) == one.found
    assert "Traceback" not in one.text


def test_several_workers_have_one_terminal(screen: Callable[..., Screen], project: Path, until: Until) -> None:
    one = screen("--workers", "2")
    one.says("rolled 2 workers serve it")
    one.types("r")
    one.says("restarted in")
    one.says("rolled 2 workers serve it")
    asleep = Request(one.tool, "/stop")
    one.says("(Pdb) ")
    save(project, "v1")
    one.tool.serves("v1")
    save(project, "v2")
    one.tool.serves("v2")
    one.types("word\n")
    one.says("'v0'")
    one.types("c\n")
    assert asleep.answer() == "v0"
    until(lambda: not one.is_fit_for_typing, "keys to be read again")
    one.types("\x03")
    assert one.tool.ends(5) == 130


def test_no_keys(screen: Callable[..., Screen], project: Path) -> None:
    one = screen("--no-keys")
    one.types("q")
    save(project, "v1")
    one.tool.serves("v1")
    assert one.is_fit_for_typing
    assert "press h" not in one.text
    one.types("\x03")
    assert one.tool.ends(5) == 130


def test_a_debugger(screen: Callable[..., Screen], project: Path, until: Until) -> None:
    one = screen()
    one.says("press h for help")
    pressed = time.monotonic()
    for turn in ("first", "after a restart"):
        request = Request(one.tool, "/stop")
        one.says("(Pdb) ")
        one.types("40 + 2\n")
        one.says("40 + 2")
        one.says("42")
        one.says("(Pdb) ")
        one.types("\x1b[A\n")  # the line before it: there is a history
        one.says("42")
        one.says("(Pdb) ")
        before = (project / "helper.py").read_text()
        save(project, turn)
        one.says("helper.py saved: that waits until nobody is at the prompt")
        until(lambda: time.monotonic() > pressed + 1.0, "a second since the last time: twice within one means us")  # noqa: B023
        one.types("\x03")
        one.says("KeyboardInterrupt")
        pressed = time.monotonic()  # it has been handled by now
        one.types("word\n")
        one.says(repr(re.findall("'(.*)'", before)[0]))
        one.types("c\n")
        assert request.answer() == re.findall("'(.*)'", before)[0]
        one.tool.serves(turn)
        until(lambda: not one.is_fit_for_typing, "keys to be read again")
        if turn == "first":
            one.types("r")
            one.says("r was pressed")
    one.types("\x03")  # pdb has its own idea of Ctrl-C by now
    assert one.tool.ends(5) == 130
    assert termios.tcgetattr(one.ours) == one.found


def test_a_restart_waits_for_a_debugger(screen: Callable[..., Screen], project: Path) -> None:
    one = screen("--restart-on", "settings")
    request = Request(one.tool, "/stop")
    one.says("(Pdb) ")
    (project / "settings").write_text("1")
    one.says("settings changed, as --restart-on says: that waits until nobody is at the prompt")
    one.tool.send(signal.SIGHUP)
    one.says("the new worker is ready, and waits until nobody is at the old one's prompt")
    one.types("word\n")
    one.says("'v0'")
    one.types("c\n")
    assert request.answer() == "v0"
    one.says("restarted")
    one.tool.serves("v0")


def test_a_question(screen: Callable[..., Screen], project: Path, until: Until) -> None:
    one = screen()
    one.says("press h for help")
    request = Request(one.tool, "/ask")
    one.says("your name? ")
    save(project, "v1")
    one.says("helper.py saved: that waits")
    one.types("querty\n")  # q would be a key
    one.says("querty")
    assert request.answer() == "querty"
    one.tool.serves("v1")
    until(lambda: not one.is_fit_for_typing, "keys to be read again")


@pytest.mark.skipif(sys.platform != "linux", reason="only there workers are forked")
def test_a_forked_worker_has_the_terminal(
    screen: Callable[..., Screen], project: Path, until: Until, workers: Callable[[int], list[int]]
) -> None:
    one = screen("--verbose", PEPPERPY_RELOAD_ZYGOTE="1")
    until(lambda: "need no import at a restart" in one.text and "press h" in one.text, "all to be ready")
    until(lambda: len(workers(one.tool.process.pid)) == 2, "a fork that waits")
    one.types("r")
    one.says("restarted in")
    pid = int(one.tool.get("/pid"))
    assert "zygote" in Path(f"/proc/{pid}/cmdline").read_text(), "it is the fork"
    request = Request(one.tool, "/ask")
    one.says("your name? ")
    one.types("querty\n")
    one.says("querty")
    assert request.answer() == "querty"
    request = Request(one.tool, "/stop")
    one.says("(Pdb) ")
    one.types("40 + 2\n")
    one.says("42")
    one.says("(Pdb) ")
    one.types("\x1b[A\n")
    one.says("42")
    one.types("c\n")
    assert request.answer() == "v0"
    until(lambda: not one.is_fit_for_typing, "keys to be read again")
    one.types("q")
    assert one.tool.ends(5) == 0


def test_a_breakpoint_by_line_is_hit_after_a_patch(screen: Callable[..., Screen], project: Path) -> None:
    one = screen()
    request = Request(one.tool, "/stop")
    one.says("(Pdb) ")
    one.types("b helper.py:6\n")
    one.says("Breakpoint 1")
    one.types("c\n")
    assert request.answer() == "v0"
    helper = (project / "helper.py").read_text()
    (project / "helper.py").write_text(helper.replace("first = WORD", "first = WORD + ' patched'"))
    one.says("patched 1 function")
    request = Request(one.tool, "/")
    one.says("helper.py(6)")
    one.says("(Pdb) ")
    one.types("first\n")
    one.says("'v0 patched'")
    one.types("cl 1\nc\n")
    assert request.answer() == "v0 patched"


def test_the_debugger_of_ipython(screen: Callable[..., Screen], project: Path) -> None:
    one = screen(PYTHONBREAKPOINT="IPython.core.debugger.set_trace")
    request = Request(one.tool, "/stop")
    one.says("ipdb> ")
    save(project, "v1")
    one.says("helper.py saved: that waits")
    one.types("word\n")
    one.says("'v0'")
    one.says("ipdb> ")
    one.types("c\n")
    assert request.answer() == "v0"
    one.tool.serves("v1")


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_ctrl_z(
    screen: Callable[..., Screen], project: Path, until: Until, workers: Callable[[int], list[int]]
) -> None:
    one = screen()
    one.says("press h for help")
    everybody = [one.tool.process.pid, *workers(one.tool.process.pid)]
    one.types("\x1a")
    until(lambda: [_state(pid) for pid in everybody] == ["T", "T"], "both to stand still")
    assert termios.tcgetattr(one.ours) == one.found
    save(project, "v1")
    one.tool.send(signal.SIGCONT)
    one.tool.serves("v1")
    until(lambda: not one.is_fit_for_typing, "keys to be read again")
    assert workers(one.tool.process.pid) == everybody[1:]


def test_ctrl_c_at_a_question_of_a_program_ends_it(start: Start, project: Path, until: Until) -> None:
    (project / "job.py").write_text("import helper\ninput(helper.WORD + '? ')\n")
    one = Screen(partial(start, "run", "--restart-on", "settings", "job.py"), until)
    one.says("v0? ")
    (project / "settings").write_text("1")
    one.says("v0? ")  # nobody waits for an answer, and who is quick asks before the restart is told
    until(lambda: "settings changed" in one.text, "the restart to be told")
    one.types("\x03")
    assert one.tool.ends(5) == 130
    assert "Traceback" not in one.text
    one.close()


def test_a_job_in_the_background_leaves_the_terminal_alone(
    start: Start, project: Path, until: Until, environment: dict[str, str]
) -> None:
    (project / "main.py").write_text(APP)
    save(project, "v0")
    shell = [
        "bash",
        "-mc",
        "trap 'kill $!; wait' TERM; \"$@\" & wait",
        "shell",
        sys.executable,
        "-m",
        "pepperpy_reload",
    ]
    one = Screen(partial(start, *SERVE, "main:app", command=shell), until)
    one.says("serving main:app")
    one.tool.known_port = one.port
    save(project, "v1")
    one.tool.serves("v1")
    assert termios.tcgetattr(one.ours) == one.found
    assert "press h" not in one.text
    one.close()
