"""The same file saved twice within one second, at the same size: is the second one what runs?"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.bench.served import Served, environment, get, rows

APP = """
import word

async def app(scope, receive, send):
    if scope["type"] == "http":
        body = word.WORD.encode()
        length = str(len(body)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": body})
"""
APPLY = """
import pathlib, sys, time
from pepperpy_reload import ImportOptimizer, ModuleManager, Reloader
optimizer = ImportOptimizer(ModuleManager())
optimizer.install()
sys.path.insert(0, "")
time.sleep(1 - time.time() % 1)
path = pathlib.Path("word.py")
path.write_text("WORD = 'aaa'")
import word
reloader = Reloader(optimizer)
seconds, right = {int(path.stat().st_mtime)}, word.WORD == "aaa"
for text in ("bbb", "ccc"):
    path.write_text(f"WORD = {text!r}")
    reloader.apply(path)
    seconds.add(int(path.stat().st_mtime))
    right = right and word.WORD == text
print(len(seconds), int(right))
"""
Try = Callable[[Path, int], Awaitable[tuple[bool, bool]]]
TRIES_PER_ROUND = 3


async def measure(rounds: int) -> dict[str, Any]:
    """Each way, `rounds` times; a round whose two saves did not fall into one second is done again."""
    ways: dict[str, Try] = {"plain Python, two processes": _plain, "Reloader.apply": _apply}
    figures = {name: await _repeat(way, rounds) for name, way in ways.items()}
    with tempfile.TemporaryDirectory() as base:
        folder = _project(Path(base, "project"))
        served = Served.tool(folder, "main:app", "--restart-on", "again.txt")
        try:
            await served.up()
            figures["serve"] = await _repeat(lambda _, n: _hot(served, folder, n), rounds)
            figures["serve, across a restart"] = await _repeat(lambda _, n: _restarted(served, folder, n), rounds)
        finally:
            served.end()
    return figures


async def _repeat(way: Try, rounds: int) -> dict[str, int]:
    right = done = tried = 0
    while done < rounds and tried < rounds * TRIES_PER_ROUND:
        with tempfile.TemporaryDirectory() as base:
            in_time, was_right = await way(Path(base), tried)
        tried += 1
        done += in_time
        right += in_time and was_right
    return {"rounds": done, "right": right, "tried": tried}


def _project(folder: Path) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(APP)
    (folder / "word.py").write_text("WORD = 'xxx'")
    (folder / "again.txt").write_text("")
    return folder


async def _second_begins() -> None:
    await asyncio.sleep(1 - time.time() % 1)


async def _plain(folder: Path, _number: int) -> tuple[bool, bool]:
    """For comparison: what Python does by itself."""
    path = folder / "word.py"
    await _second_begins()
    seconds = set()
    said = ""
    for text in ("aaa", "bbb"):
        path.write_text(f"WORD = {text!r}")
        seconds.add(int(path.stat().st_mtime))
        said = _run(folder, "import sys; sys.path.insert(0, ''); import word; print(word.WORD)")
    return len(seconds) == 1, said == "bbb"


async def _apply(folder: Path, _number: int) -> tuple[bool, bool]:
    seconds, right = _run(folder, APPLY).split()
    return seconds == "1", right == "1"


def _run(folder: Path, code: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    return done.stdout.strip()


async def _hot(served: Served, folder: Path, number: int) -> tuple[bool, bool]:
    path = folder / "word.py"
    words = (f"a{number:03}", f"b{number:03}")
    await _second_begins()
    seconds = set()
    for word in words:
        path.write_text(f"WORD = {word!r}")
        seconds.add(int(path.stat().st_mtime))
        await _is_served(served, word)
    await asyncio.sleep(0.3)  # and it stays
    return len(seconds) == 1, (await get(served.port, "/")).body == words[1]


async def _restarted(served: Served, folder: Path, number: int) -> tuple[bool, bool]:
    path, again = folder / "word.py", folder / "again.txt"
    words = (f"c{number:03}", f"d{number:03}")
    times = len(served.events("restarted"))
    await _second_begins()
    seconds = set()
    for turn, word in enumerate(words):
        path.write_text(f"WORD = {word!r}")
        seconds.add(int(path.stat().st_mtime))
        again.write_text(f"{word}")
        await served.event("restarted", times + turn + 1)
    return len(seconds) == 1, (await get(served.port, "/")).body == words[1]


async def _is_served(served: Served, word: str) -> None:
    """Wait for it, in vain for a second at most: a stale answer is a result."""
    deadline = time.perf_counter() + 1.0
    while time.perf_counter() < deadline and (await get(served.port, "/")).body != word:
        await asyncio.sleep(0.005)


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    body = [(name, f"{one['right']} of {one['rounds']}", one["tried"]) for name, one in figures.items()]
    return "## Two saves within a second, same size, bytecode on\n\n" + rows(("", "right", "tried"), body)
