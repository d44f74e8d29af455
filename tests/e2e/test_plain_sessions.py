"""Programs that serve nothing, each in a process of its own: how they start, are patched, stopped, and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

PATIENCE = 20.0

# What the worker does, in little: signals stop the session, lines on stdin make "reloads".
DRIVER = """
import signal, socket, sys, threading
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.errors import ReloadError, RestartNeeded
from pepperpy_reload.serving.script import ScriptSession
from pepperpy_reload.serving.asgi import ServerSession
from pepperpy_reload.serving.plain import FunctionSession
from pepperpy_reload.serving.session import ServeOptions, open_session
from pepperpy_reload.serving.target import load_target

def say(text): print(text, flush=True)

def commands():
    for line in sys.stdin:
        what, _, rest = line.strip().partition(" ")
        if what == "stop":
            session.stop(1.0)
        else:
            report = ReloadReport(ReloadStatus.RELOADED, **{what: (rest,)})
            try:
                with session.gate.closed():
                    thread = session.gate.call(threading.current_thread)
                    why = session.settle.refuse(report)
                    if why:
                        raise RestartNeeded(why)
                    if session.gate.call(session.settle.has_to_follow):
                        session.settle(report)
            except ReloadError as error:
                say(f"{type(error).__name__}: {error}")
            else:
                say(f"settled in {'main' if thread is threading.main_thread() else 'another'} thread")

def begin():
    if kind != "default":
        signal.signal(signal.SIGINT, lambda *_: session.stop(1.0))
    if kind != "hasty-and-quiet":  # there the program reads the lines itself
        threading.Thread(target=commands, daemon=True).start()

kind, *rest = sys.argv[1:]
try:
    if kind == "script":
        session = ScriptSession(rest[0], rest[1:])
    elif kind == "module":
        session = ScriptSession(module=rest[0], arguments=rest[1:])
    else:
        sys.path.insert(0, "")
        target = load_target(rest[0])
        session = open_session(target, None)
        if kind.startswith("hasty"):
            sock = socket.create_server(("127.0.0.1", 0))
            options = ServeOptions(log_level="critical")
            session = FunctionSession(target, lambda: ServerSession(target, sock, options, bool), patience=0.05)
    begin()
    status = session.run(lambda: say(f"ready {session.kind}"))
    say(f"ended with {status}")
except ReloadError as error:
    say(f"{type(error).__name__}: {error}")
"""


class Child:
    """A driver at work, and what it says line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def rest(self) -> list[str]:
        return self.process.communicate(timeout=PATIENCE)[0].splitlines()

    def command(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()


Start = Callable[..., Child]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with ExitStack() as stack:

        def begin(files: dict[str, str], *arguments: str) -> Child:
            for name, text in files.items():
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_text(text)
            process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, *arguments],
                cwd=tmp_path,
                env=environment,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return Child(process)

        yield begin


SLEEPS = """
import sys, time
def main():
    try:
        print("begun", flush=True)
        while True:  # a signal that comes just before a sleep does not end it: Python's own race
            time.sleep(0.05)
    finally:
        print("cleaned up", flush=True)
"""
SLEEPS_ASYNC = """
import asyncio
async def main():
    try:
        print("begun", flush=True)
        await asyncio.sleep(100)
    finally:
        await asyncio.sleep(0.01)
        print("cleaned up", flush=True)
"""


@pytest.mark.parametrize(("source", "kind"), [(SLEEPS, "function"), (SLEEPS_ASYNC, "coroutine")])
@pytest.mark.parametrize("how", ["command", "signal"])
def test_a_main_runs_until_it_is_stopped(start: Start, source: str, kind: str, how: str) -> None:
    child = start({"job.py": source}, "target", "job:main")
    assert [child.line(), child.line()] == [f"ready {kind}", "begun"]
    if how == "command":
        child.command("stop")
    else:
        child.process.send_signal(signal.SIGINT)
    assert child.rest() == ["cleaned up", "ended with 130"]


@pytest.mark.parametrize("awaited", ["asyncio.sleep(100)", "asyncio.sleep(0, spin())"])
def test_a_coroutine_main_takes_the_default_ctrl_c(start: Start, awaited: str) -> None:
    source = SLEEPS_ASYNC.replace("asyncio.sleep(100)", awaited) + "def spin():\n    while True: pass\n"
    child = start({"job.py": source}, "default", "job:main")
    assert [child.line(), child.line()] == ["ready coroutine", "begun"]
    child.process.send_signal(signal.SIGINT)
    assert child.rest() == ["cleaned up", "ended with 130"]


@pytest.mark.parametrize(("source", "where"), [(SLEEPS, "another"), (SLEEPS_ASYNC, "main")])
def test_what_a_reload_may_do_under_a_running_main(start: Start, source: str, where: str) -> None:
    child = start({"job.py": source}, "target", "job:main")
    assert [child.line(), child.line()][1] == "begun"
    child.command("patched job.helper")
    assert child.line() == f"settled in {where} thread"
    child.command("imported helper")
    assert child.line() == "RestartNeeded: job.main is running and may hold objects of helper"
    child.command("patched job.main")
    assert child.line() == "RestartNeeded: job.main is running and would go on with its old code"


def test_a_function_that_might_be_a_factory_and_does_not_return_is_a_program(start: Start) -> None:
    source = SLEEPS.replace("def main()", "def work()").replace("True", "sys") + "    return time.time()\n"
    child = start({"job.py": source}, "hasty", "job:work")
    assert [child.line(), child.line()] == ["begun", "ready function"]
    child.command("patched job.helper")
    assert child.line() == "RestartNeeded: job.work has not returned yet, and may be building an app"
    child.command("stop")
    assert child.rest() == ["cleaned up", "ended with 130"]


def test_a_slow_factory_is_served_in_the_end(start: Start) -> None:
    source = "import sys\nfrom flask import Flask\ndef make_app():\n    sys.stdin.readline()\n    return Flask('x')\n"
    child = start({"job.py": source}, "hasty-and-quiet", "job:make_app")
    assert child.line() == "ready function"
    child.command("go on")
    assert child.line() == "ready wsgi"
    child.process.send_signal(signal.SIGINT)
    assert child.rest() == ["ended with 0"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def main(): print('x')", ["ready function", "x", "ended with 0"]),
        ("def main(): return 3", ["ready function", "ended with 3"]),
        ("import sys\ndef main(): sys.exit(4)", ["ready function", "ended with 4"]),
        ("async def main(): print('x')", ["ready coroutine", "x", "ended with 0"]),
        ("import sys\nasync def main(): sys.exit(4)", ["ready coroutine", "ended with 4"]),
        ("async def inner(): return 5\ndef main(): return inner()", ["ready function", "ended with 5"]),
        ("import sys\ndef main(): sys.exit('no')", ["ready function", "no", "ended with 1"]),
    ],
)
def test_how_a_main_ends(start: Start, source: str, said: list[str]) -> None:
    assert start({"job.py": source}, "target", "job:main").rest() == said


@pytest.mark.parametrize("source", ["def main(): 1 / 0", "async def main(): 1 / 0"])
def test_a_main_that_raises_is_the_users_error(start: Start, source: str) -> None:
    said = start({"job.py": source}, "target", "job:main").rest()
    assert said[1] == "UserCodeError: Traceback (most recent call last):"
    assert said[-1] == "ZeroDivisionError: division by zero"
    assert 'job.py", line 1, in main' in "".join(said)
    assert "serving" not in "".join(said)


def test_an_app_needs_a_socket(start: Start) -> None:
    (said,) = start({"web.py": "from flask import Flask\napp = Flask('x')"}, "target", "web:app").rest()
    assert said == "UsageError: web:app is an app that needs a socket to be served on"


SHOWS = """
import sys, os, helper
print(__name__, sys.argv, os.path.basename(__file__), __package__, __spec__ and __spec__.name, helper.NAME)
assert sys.modules["__main__"].__dict__ is globals()
assert __builtins__ is sys.modules["builtins"]
import pickle
class Thing: pass
assert type(pickle.loads(pickle.dumps(Thing()))) is Thing
sys.exit(7)
"""


def as_python_does(path: Path, *arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], cwd=path, capture_output=True, text=True).stdout.rstrip("\n")


@pytest.mark.parametrize(
    ("files", "arguments", "python"),
    [
        (["größe dir/tool.py", "größe dir/helper.py"], ["script", "größe dir/tool.py", "-x", "a b"], []),
        (["tool/__main__.py", "tool/helper.py"], ["script", "tool", "-x"], []),
        (["pkg/tool.py", "pkg/__init__.py", "helper.py"], ["module", "pkg.tool", "-x"], ["-m"]),
        (["pkg/__main__.py", "pkg/__init__.py", "helper.py"], ["module", "pkg", "-x"], ["-m"]),
    ],
)
def test_a_script_runs_as_python_runs_it(
    start: Start, tmp_path: Path, files: list[str], arguments: list[str], python: list[str]
) -> None:
    texts = {name: "NAME = 'me'" if "helper" in name else "" if "init" in name else SHOWS for name in files}
    child = start(texts, *arguments)
    expected = as_python_does(tmp_path, *python, *arguments[1:])
    assert expected.startswith("__main__ [")
    assert child.rest() == ["ready function", expected, "ended with 7"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["script", "none.py"], "UsageError: there is no file none.py"),
        (["script", "empty"], "UsageError: the directory empty has no __main__.py to run"),
        (["module", "none.at.all"], "UsageError: there is no module 'none' to run"),
        (["module", "empty"], "UsageError: there is no module 'empty' to run, or it is a package without __main__.py"),
        (["module", "sys"], "UsageError: 'sys' is not a Python source file (built-in) and cannot be run"),
    ],
)
def test_what_cannot_be_run(start: Start, arguments: list[str], said: str) -> None:
    assert start({"empty/__init__.py": ""}, *arguments).rest() == [said]


def test_a_script_that_is_broken_is_the_users_error(start: Start) -> None:
    said = start({"tool.py": "def x(:\n"}, "script", "tool.py").rest()
    assert said[0].startswith("UserCodeError: ")
    assert said[-1] == "SyntaxError: invalid syntax"


def test_a_script_is_stopped_and_may_not_be_re_imported(start: Start) -> None:
    child = start({"tool.py": SLEEPS + "main()\n"}, "script", "tool.py")
    assert [child.line(), child.line()] == ["ready function", "begun"]
    child.command("imported helper")
    assert child.line() == "RestartNeeded: __main__ is running and may hold objects of helper"
    child.process.send_signal(signal.SIGINT)
    assert child.rest() == ["cleaned up", "ended with 130"]
