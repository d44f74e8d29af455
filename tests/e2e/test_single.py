"""`--single-process`: what serves is the process that was started, and nothing takes its place."""

from __future__ import annotations

import http.client
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import ASGI, until
from tests.e2e.editor import Editor
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool

SERVE = ("serve", "--single-process", "--port", "0", "--json", "--grace", "0.5")
HELPER = "import os\n\nWORD = {!r}\n\ndef word():\n    first = WORD\n    return f'{{first}} {{os.getpid()}}'\n"


def app(project: Path, word: str) -> None:
    """An app that answers with a word and the number of its process."""
    (project / "main.py").write_text("import helper\n\ndef answer():\n    return helper.word()\n" + ASGI)
    (project / "helper.py").write_text(HELPER.format(word))


def save(path: Path, text: str) -> None:
    """Save in one step: what is emptied and written may be told of twice, if that takes long."""
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").replace(path)


def served(tool: Tool, word: str) -> None:
    """Wait until that word comes, from the process that was started."""
    tool.serves(f"{word} {tool.process.pid}")


def test_saves_are_taken_up_by_the_process_that_was_started(start: Start, project: Path) -> None:
    app(project, "v0")
    tool = start(*SERVE, "main:app")
    assert tool.event("ready")["pid"] == tool.process.pid
    served(tool, "v0")
    (project / "helper.py").write_text(HELPER.format("v1"))
    served(tool, "v1")
    (project / "helper.py").write_text(HELPER.format("v2").replace("first = WORD", "first = WORD + '!'"))
    served(tool, "v2!")
    (project / "helper.py").write_text("1 +\n")
    assert tool.event("failed")["error"]["line"] == 1
    served(tool, "v2!")
    (project / "helper.py").write_text(HELPER.format("v3"))
    served(tool, "v3")
    tool.send(signal.SIGINT)
    assert tool.ends() == 128 + signal.SIGINT
    assert not tool.events("restart")


def test_what_needs_a_new_process_is_told_with_every_save(start: Start, project: Path) -> None:
    app(project, "v0")
    tool = start(*SERVE, "main:app", "--restart-on", "*.yaml")
    tool.event("ready")
    own = "__reload__ = 'restart'\n"
    save(project / "helper.py", own + HELPER.format("v1"))
    served(tool, "v1")
    save(project / "helper.py", own + HELPER.format("v2"))
    reasons = tool.event("outdated")["reasons"]
    assert [one for one in reasons if "helper" in one and "__reload__" in one], reasons
    served(tool, "v1")
    save(project / "some.yaml", "a: 1\n")
    yaml = "some.yaml changed, as --restart-on says"
    until(lambda: tool.events("outdated")[-1]["reasons"] == [yaml, *reasons], "both reasons")
    save(project / "helper.py", own + HELPER.format("v1"))
    tool.event("unchanged")
    save(project / "main.py", "import helper\n\ndef answer():\n    return 'new ' + helper.word()\n" + ASGI)
    tool.serves(f"new v1 {tool.process.pid}")
    until(lambda: tool.events("outdated")[-1]["reasons"] == [yaml], "the one that is left")
    tool.send(signal.SIGTERM)
    assert tool.ends() == 128 + signal.SIGTERM


def test_code_that_does_not_load_is_told_and_is_the_end(start: Start, project: Path) -> None:
    (project / "main.py").write_text("x = 1\n\n1 / 0\n")
    tool = start(*SERVE, "main:app")
    assert tool.ends() == 1
    assert tool.event("unstarted")["error"]["line"] == 3
    tool = start("serve", "--single-process", "--port", "0", "main:app")
    assert tool.ends() == 1
    assert "main.py:3" in tool.text()
    assert "save" not in tool.text(), "nobody waits for one"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--workers", "2"), "--workers 2 needs other processes than this one"),
        (("--audit",), "--audit needs other processes than this one"),
        (("main:missing",), "missing"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    start: Start, project: Path, more: tuple[str, ...], sentence: str
) -> None:
    app(project, "v0")
    tool = start(*SERVE, *(more if more[-1].startswith("main:") else ("main:app", *more)))
    assert tool.ends() == 2
    assert sentence in tool.text()
    assert "Traceback" not in tool.text()


def test_the_environment_file_counts(start: Start, project: Path) -> None:
    app(project, "v0")
    (project / "helper.py").write_text(HELPER.format("v0").replace("first = WORD", "first = os.environ['GREETING']"))
    (project / "settings.env").write_text("GREETING=hello\n")
    tool = start(*SERVE, "--env-file", "settings.env", "main:app")
    served(tool, "hello")


def test_a_script_is_run_and_taken_up(start: Start, project: Path, until: Callable[..., Any]) -> None:
    (project / "job.py").write_text("import helper\nwhile True:\n    helper.work()\n")
    work = "import os, time\n\ndef work():\n    print({!r}, os.getpid(), flush=True)\n    time.sleep(0.02)\n"
    (project / "helper.py").write_text(work.format("one"))
    tool = start("run", "--single-process", "--json", "job.py")
    tool.says(f"one {tool.process.pid}")
    (project / "helper.py").write_text(work.format("two"))
    tool.says(f"two {tool.process.pid}")
    tool.send(signal.SIGINT)
    assert tool.ends() == 128 + signal.SIGINT


def test_an_editor_that_launches_it_stops_at_its_breakpoints(
    start: Start, project: Path, environment: dict[str, str], until: Callable[..., Any]
) -> None:
    """Debuggers follow into no process that they have not started themselves."""
    app(project, "v0")
    port = free_port()
    debugger = ("-X", "frozen_modules=off", "-m", "debugpy", "--listen", f"127.0.0.1:{port}", "--wait-for-client")
    command = (sys.executable, *debugger, "-m", "pepperpy_reload")
    tool = start(*SERVE, "main:app", command=command, environment=environment | {"PYDEVD_DISABLE_FILE_VALIDATION": "1"})
    with closing(until(lambda: _attached(port, project / "helper.py"), "the debugger")) as editor:
        tool.event("ready")
        for there, saved in (("v0", "v0!"), ("v0!", "")):
            answers: list[str] = []
            request = threading.Thread(target=_ask, args=(tool, answers), daemon=True)
            request.start()
            thread = editor.stopped()
            if saved:  # it may be that the threads that would hear of it stand still, too
                (project / "helper.py").write_text(HELPER.format("v0").replace("first = WORD", "first = WORD + '!'"))
            editor.send("continue", threadId=thread)
            request.join(15)
            assert answers == [f"{there} {tool.process.pid}"]
            if saved:
                assert tool.event("reloaded")["patched"] == ["helper.word"]


def _attached(port: int, file: Path) -> Editor | None:
    """An editor that debugs; a debugger hangs up as long as the program has not come to it."""
    editor = None
    try:
        editor = Editor(port)
        editor.attach(file, 7)
    except (OSError, StopIteration):
        if editor is not None:
            editor.close()
        return None
    return editor


def _ask(tool: Tool, answers: list[str]) -> None:
    with suppress(OSError, http.client.HTTPException):
        answers.append(tool.get())
