"""`pepperpy-reload run`: scripts and modules that are run again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.conftest import Start


def test_a_script_is_run_with_its_arguments_and_again_after_a_save(start: Start, project: Path) -> None:
    script = project / "job.py"
    script.write_text("import sys, helper\nprint('first', helper.WORD, sys.argv, __name__)\n")
    tool = start("run", "job.py", "--port", "1", "-v", "x y")
    tool.says("first v0 ['job.py', '--port', '1', '-v', 'x y'] __main__")
    tool.says("finished waiting for the next save")
    script.write_text("print('second')\n")
    tool.says("second")
    tool.send(signal.SIGINT)
    assert tool.ends() == 130


def test_a_module_is_run_as_python_does(start: Start, project: Path) -> None:
    package = project / "pack"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import sys\nprint('pack', __spec__.name, sys.argv[1:])\n")
    tool = start("run", "-m", "pack", "--flag")
    tool.says("pack pack.__main__ ['--flag']")


def test_a_script_that_raises_shows_how_it_got_there(start: Start, project: Path) -> None:
    script = project / "job.py"
    script.write_text("def deep():\n    return 1 / 0\n\nprint('begun')\ndeep()\n")
    tool = start("run", "job.py")
    tool.says("the next save tries again")
    assert "failed job.py:2: ZeroDivisionError: division by zero" in tool.text()
    assert "line 5, in <module>" in tool.text()
    script.write_text("print('healed')\n")
    tool.says("healed")


def test_a_script_that_exits_says_its_status(start: Start, project: Path) -> None:
    (project / "job.py").write_text("import sys\nsys.exit(3)\n")
    start("run", "job.py").says("finished with status 3")


def test_ctrl_c_is_the_scripts_keyboard_interrupt(start: Start, project: Path) -> None:
    (project / "job.py").write_text(
        "import time\ntry:\n    print('working', flush=True)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('cleaned up', flush=True)\n    raise\n"
    )
    tool = start("run", "job.py")
    tool.says("working")
    tool.send(signal.SIGINT)
    assert tool.ends() == 130
    assert "cleaned up" in tool.text()
    assert "Traceback" not in tool.text()


def test_a_running_script_is_replaced_when_its_modules_change(
    start: Start, project: Path, until: Callable[..., Any]
) -> None:
    (project / "job.py").write_text(
        "import time, helper\nprint('word', helper.WORD, flush=True)\nwhile True:\n    time.sleep(0.05)\n"
    )
    tool = start("run", "job.py")
    tool.says("word v0")
    (project / "job.py").write_text((project / "job.py").read_text().replace("'word'", "'next word'"))
    tool.says("next word v0")
    tool.says("restarted in")


def test_a_script_reads_our_input(start: Start, project: Path) -> None:
    (project / "job.py").write_text("print('hello', input())\n")
    tool = start("run", "job.py")
    assert tool.process.stdin is not None
    tool.process.stdin.write("you\n")
    tool.process.stdin.flush()
    tool.says("hello you")


def test_there_is_no_such_script(start: Start) -> None:
    tool = start("run", "helper")
    assert tool.ends() == 2
    assert len(tool.err) == 1
    assert "run -m helper" in tool.err[0]


def test_there_is_no_such_module(start: Start) -> None:
    tool = start("run", "-m", "no_such_module")
    assert tool.ends() == 2
    assert "no_such_module" in tool.err[0]


def test_output_that_nobody_reads_hinders_nobody(start: Start, project: Path, until: Callable[..., Any]) -> None:
    """The tool's own lines go to a pipe that is full."""
    (project / "job.py").write_text(
        "import pathlib, time, helper\nwhile True:\n    pathlib.Path('../word').write_text(helper.WORD)\n"
        "    time.sleep(0.01)\n"
    )
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    with suppress(BlockingIOError):
        while os.write(theirs, b"x" * 4096):
            pass
    os.set_blocking(theirs, True)
    tool = start("run", "--json", "--grace", "0.3", "job.py", stdout=theirs)
    os.close(theirs)
    word = project.parent / "word"
    until(lambda: word.exists() and word.read_text() == "v0", "the start")
    (project / "helper.py").write_text("WORD = 'v1'\n")
    until(lambda: word.read_text() == "v1", "the save")
    tool.send(signal.SIGINT)
    assert tool.ends() == 130
    os.close(ours)
