"""The server is loaded before the user's code, unless something of the user's could be meant by one of its imports."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pepperpy_reload.serving.headstart import is_app
from pepperpy_reload.supervising.channel import Channel
from pepperpy_reload.supervising.newborn import settle
from pepperpy_reload.supervising.orders import Orders, Task
from pepperpy_reload.supervising.worker import UNSTARTED

LOOK = """
import json, sys
from pathlib import Path
from pepperpy_reload.serving.headstart import HeadStart
folder = Path(sys.argv[1])
started = HeadStart([str(folder)])
for name in sys.argv[2].split():
    (folder / name).write_text("")
started.begin()
for name in sys.argv[3].split():
    (folder / name).write_text("")
there = [name for name in ("uvicorn", "h11", "ssl", "pepperpy_reload.serving.asgi") if name in sys.modules]
print(json.dumps([started.is_possible, len(started.names) > 100, there, started.is_overtaken, len(sys.meta_path)]))
"""
ALL = ["uvicorn", "h11", "ssl", "pepperpy_reload.serving.asgi"]


def looked(folder: Path, meanwhile: str = "", later: str = "") -> list[Any]:
    done = subprocess.run([sys.executable, "-c", LOOK, str(folder), meanwhile, later], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_all_of_it_is_loaded(tmp_path: Path) -> None:
    for name in ("main.py", "helper.py", "README.md"):
        (tmp_path / name).touch()
    *found, finders = looked(tmp_path, later="other.py")
    assert found == [True, True, ALL, False]
    assert finders == len(sys.meta_path) or finders < 6, "nobody is left at the door"


NAMES = ["click.py", "h11/__init__.py", "email.py", "yaml.cpython-313-x86_64-linux-gnu.so", "uvicorn/__init__.pyc"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_where_a_file_has_such_a_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert not looked(tmp_path)[0]


def test_what_cannot_be_meant_is_no_reason(tmp_path: Path) -> None:
    for name in ("venv/bin", "site/__init__", "email", "http"):
        (tmp_path / name).mkdir(parents=True)
    assert looked(tmp_path)[:3] == [True, True, ALL]


@pytest.mark.parametrize("name", ["h11.py", "websockets.py", "_ssl.py"])
def test_what_turns_up_meanwhile_ends_it_as_if_it_had_not_begun(tmp_path: Path, name: str) -> None:
    assert looked(tmp_path, meanwhile=name)[:4] == [True, False, [], False]


def test_what_cannot_be_meant_is_no_reason_later(tmp_path: Path) -> None:
    (tmp_path / "http").mkdir()
    assert looked(tmp_path, later="http/README.md")[3:4] == [False]
    if sys.platform == "linux":  # where it is looked for in vain, also such a directory would have been found
        (tmp_path / "msvcrt").mkdir()
        assert looked(tmp_path)[:3] == [True, False, []]


def test_what_turns_up_later_is_noticed(tmp_path: Path) -> None:
    assert looked(tmp_path, later="h11.py")[:4] == [True, True, ALL, True]


@pytest.mark.skipif(not hasattr(socket, "send_fds"), reason="a worker gets its place with descriptors")
@pytest.mark.parametrize("name", ["h11.py", "other.py"])
def test_a_worker_looks_again_when_it_has_its_place(tmp_path: Path, name: str) -> None:
    (tmp_path / "main.py").write_text("async def app(scope, receive, send):\n    raise OSError\n1 / 0\n")
    ours, theirs = socket.socketpair()
    code = "from pepperpy_reload.supervising.worker import main; main(None, lambda: print('begun', flush=True))"
    worker = subprocess.Popen(
        [sys.executable, "-P", "-c", code, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stdout=subprocess.PIPE,
        text=True,
    )
    theirs.close()
    channel = Channel(ours)
    channel.send(Orders(Task.SERVE, "main:app", (str(tmp_path),), search=(str(tmp_path),)).as_json())
    assert worker.stdout is not None
    assert worker.stdout.readline() == "begun\n"
    (tmp_path / name).touch()
    settle(channel, None)
    kinds = [message["type"] for message in channel.messages()]
    assert kinds[:2] == ["born", "doubt" if name == "h11.py" else "unstarted"]
    assert worker.wait(20) == UNSTARTED
    worker.stdout.close()
    channel.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("async def app(scope, receive, send):\n    pass\n", True),
        ("def app(environ, start_response): pass", True),
        ("class app:\n    pass", True),
        ("from other import app", True),
        ("app = FastAPI()", True),
        ("def app():\n    pass", False),
        ("async def app(*arguments, **more): pass", False),
        ("def app(first=1, second=2, third=3): pass", False),
        ("if True:\n    def app(): pass", True),
        ("", False),
    ],
)
def test_what_looks_like_an_app(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "package").mkdir()
    for path in ("main.py", "package/__init__.py", "package/web.py"):
        (tmp_path / path).write_text(text)
    for module in ("main", "package", "package.web"):
        assert is_app(module, "app", [str(tmp_path / "nowhere"), str(tmp_path)]) is expected
    assert not is_app("other", "app", [str(tmp_path)])
