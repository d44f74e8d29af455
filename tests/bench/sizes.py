"""Three apps, and all tools that reload one: save to served, what an error costs, what is kept, requests per second.

One tool runs at a time, and they take turns: each is started `TURNS` times for each app, and has its share of the
edits then.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.bench.load import load
from tests.bench.peers import PLAIN, TOOLS, installed
from tests.bench.served import PATIENCE, Served, get, rows, save, spread

LAYERS = 10
APPS = {"small": 10, "medium": 300, "heavy": 10}
LIBRARIES = ("numpy", "pandas", "sqlalchemy", "pydantic")
TURNS = 3
LIMIT = 3.0  # seconds after which an edit counts as never served
BROKEN = 2.0  # seconds for which a syntax error stands on the disk
AFTERWARDS = 0.3  # seconds for which every answer after the first new one has to be new
LOADED = 1.5  # seconds for which as many requests as possible are made
HANDLER = "def body():\n    return {}\n"
LEAF = "VERSION = {}\n"
MAIN = """
import json
import os

import handlers
import state
{imports}

MODULES = ({names},)


def answer():
    state.COUNTER["n"] += 1
    values = {{module.VERSION for module in MODULES}} | {{module.DERIVED // 10 for module in MODULES}}
    return {{"pid": os.getpid(), "counter": state.COUNTER["n"], "body": handlers.body(), "value": sorted(values)}}


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = json.dumps(answer()).encode()
    length = str(len(body)).encode()
    await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}})
    await send({{"type": "http.response.body", "body": body}})
"""


def write(folder: Path, modules: int) -> Path:
    """An app of so many modules: a leaf whose constant is imported by name through ten layers, a handler, state."""
    folder.mkdir()
    width = max(1, (modules - 4) // LAYERS)
    names = [f"layer{index // width:02}_{index % width:02}" for index in range(modules - 4)]
    for index, name in enumerate(names):
        first = names[max(0, index - width)] if index >= width else "leaf"
        second = names[(index - width + 1) // width * width] if index >= width else "leaf"
        (folder / f"{name}.py").write_text(
            f"from {first} import VERSION\nimport {second}\n\nDERIVED = VERSION * 10 + {index % 10}\n\n\n"
            f"class Thing{index}:\n    def value(self):\n        return {second}.VERSION\n\n\n"
            f"def work(number):\n    return [Thing{index}() for _ in range(number)]\n"
        )
    (folder / "leaf.py").write_text("VERSION = 0\n")
    (folder / "state.py").write_text("COUNTER = {'n': 0}\n")
    (folder / "handlers.py").write_text("def body():\n    return 0\n")
    imports = "\n".join(f"import {name}" for name in names)
    (folder / "main.py").write_text(MAIN.format(imports=imports, names=", ".join(names)).lstrip())
    return folder


def write_app(folder: Path, app: str) -> Path:
    """One of the three: small, medium, or small and with heavy libraries."""
    write(folder, APPS[app])
    if app == "heavy":
        main = folder / "main.py"
        main.write_text("".join(f"import {name}\n" for name in LIBRARIES) + main.read_text())
    return folder


def can_be_served(app: str) -> bool:
    """Whether all that it imports is installed."""
    return app != "heavy" or all(map(find_spec, LIBRARIES))


@dataclass
class Poll:
    """A client that asks over fresh connections, a millisecond after each answer."""

    port: int
    failed: int = 0
    stale: int = 0
    reset: int = 0
    pids: set[int] = field(default_factory=set)
    _most: int = 0

    async def until(self, wanted: Callable[[dict[str, Any]], bool], since: float, limit: float) -> float | None:
        """Seconds from `since` to the first answer that is `wanted`; None if there is none within `limit`."""
        while time.perf_counter() < since + limit:
            answer = await self.ask()
            if answer is not None and wanted(answer[0]) and answer[1] > since:
                return answer[1] - since
        return None

    async def ask(self) -> tuple[dict[str, Any], float] | None:
        """One answer, and when it came."""
        await asyncio.sleep(0.001)
        with suppress(OSError, ValueError, IndexError, TimeoutError):
            answer = await asyncio.wait_for(get(self.port, "/"), PATIENCE)
            if answer.status == 200:
                values = answer.json()
                self.pids.add(values.get("pid", 0))
                self.reset += values.get("counter", 0) < self._most
                self._most = values.get("counter", 0)
                return values, answer.at
        self.failed += 1
        return None


@dataclass
class Found:
    """What one tool has shown with one app."""

    atomic: bool = True
    body: list[float | None] = field(default_factory=list)
    value: list[float | None] = field(default_factory=list)
    healed: list[float | None] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    lost: int = 0
    failed: int = 0
    stale: int = 0
    reset: int = 0
    silent: int = 0

    def figures(self) -> dict[str, Any]:
        """As the table and JSON have it."""
        return {
            "atomic": self.atomic,
            "body": _times(self.body),
            "value": _times(self.value),
            "healed": _times(self.healed),
            "down": round(statistics.mean(self.down), 2) if self.down else None,
            "failed, body": self.lost,
            "failed": self.failed,
            "stale": self.stale,
            "counter reset": self.reset,
            "never answered": self.silent,
            "requests per second": round(statistics.median(self.rate)) if self.rate else None,
        }


async def measure(rounds: int) -> dict[str, Any]:
    """Each app with each tool that is installed."""
    return {app: await _measure(app, max(1, rounds // TURNS)) for app in filter(can_be_served, APPS)}


async def _measure(app: str, edits: int) -> dict[str, Any]:
    found: dict[str, Found] = defaultdict(Found)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as base:
        for turn in range(TURNS):
            for number, tool in enumerate(installed()):
                folder = write_app(Path(base, f"project{turn}_{number}"), app)
                served = TOOLS[tool](folder)
                try:
                    await served.up()
                    await _take(found[tool], served, edits if tool != PLAIN else 0)
                except TimeoutError:
                    found[tool].silent += 1
                finally:
                    served.end()
    return {tool: one.figures() for tool, one in found.items()}


async def _take(found: Found, served: Served, edits: int) -> None:
    poll = Poll(served.port)
    await asyncio.sleep(1.0)
    with suppress(OSError, EOFError, ValueError, TimeoutError):  # some close each connection, or never answer twice
        found.rate.append(await asyncio.wait_for(load(served.port, LOADED), PATIENCE))
    if not edits:
        return
    if not found.body and await _edit(poll, served.folder, Edit("handlers.py", HANDLER, "body", -2)) is None:
        found.atomic = False  # some see only what is written in place
    for number in range(1, edits + 1):
        found.body.append(await _edit(poll, served.folder, Edit("handlers.py", HANDLER, "body", number, found.atomic)))
    found.lost, found.reset = found.lost + poll.failed, found.reset + poll.reset
    for number in range(1, edits + 1):
        found.value.append(await _edit(poll, served.folder, Edit("leaf.py", LEAF, "value", number, found.atomic)))
    down, healed = await _broken(poll, served.folder, atomic=found.atomic)
    found.down.append(down)
    found.healed.append(healed)
    found.failed, found.stale = found.failed + poll.failed, found.stale + poll.stale


@dataclass(frozen=True)
class Edit:
    """A number that is saved in a file, and the answer's part that tells it."""

    file: str
    text: str
    name: str
    number: int
    atomic: bool = True

    def is_in(self, answer: dict[str, Any]) -> bool:
        """Whether this answer is new."""
        return bool(answer.get(self.name) == ([self.number] if self.name == "value" else self.number))


async def _edit(poll: Poll, folder: Path, edit: Edit) -> float | None:
    since = save(folder / edit.file, edit.text.format(edit.number), atomic=edit.atomic)
    took = await poll.until(edit.is_in, since, LIMIT)
    end = time.perf_counter() + AFTERWARDS
    while time.perf_counter() < end:
        answer = await poll.ask()
        poll.stale += took is not None and answer is not None and not edit.is_in(answer[0])
    return took


async def _broken(poll: Poll, folder: Path, *, atomic: bool) -> tuple[float, float | None]:
    """Seconds without an answer while an error stands on the disk, and the time that the next good save takes."""
    path = folder / "handlers.py"
    since = save(path, "def body(:\n    return 0\n", atomic=atomic)
    down, before = 0.0, since
    while time.perf_counter() < since + BROKEN:
        asking = asyncio.create_task(poll.ask())
        left = max(0.01, since + BROKEN - time.perf_counter())
        done, _ = await asyncio.wait({asking}, timeout=left)
        now = time.perf_counter()
        answered = bool(done) and asking.result() is not None
        if not answered or now - before > 0.1:
            down += now - before
        before = now
        if not done:
            asking.cancel()
    fixed = save(path, HANDLER.format(-1), atomic=atomic)
    return down, await poll.until(lambda values: bool(values.get("body") == -1), fixed, LIMIT)


def _times(found: list[float | None]) -> dict[str, Any]:
    return {**spread(one for one in found if one is not None), "of": len(found)}


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    head = (
        "",
        "body",
        "value",
        "healed",
        "failed, bodies",
        "failed, all",
        "stale",
        "down",
        "counter reset",
        "throughput",
    )
    body = []
    for app, tools in figures.items():
        usual = tools.get(PLAIN, {}).get("requests per second")
        for tool, one in tools.items():
            if tool == PLAIN:
                continue
            rate = one["requests per second"]
            times = [_shown(one[name]) for name in ("body", "value", "healed")]
            counts = [one[name] for name in ("failed, body", "failed", "stale", "down", "counter reset")]
            name = f"{tool}, {app}" + ("" if one["atomic"] else ", saved in place")
            if one["never answered"]:
                name += f", no answer in {one['never answered']} of {TURNS} starts"
            body.append((name, *times, *counts, f"{rate / usual:.2f}" if rate and usual else "-"))
    note = (
        "Save to first new answer in ms: median / 95 % / max (least), and how many of how many where not all were "
        f"served. Modules: {APPS}; heavy imports {', '.join(LIBRARIES)} besides. Atomic saves, where a tool sees them; "
        f"a client asks a millisecond after each answer, and {AFTERWARDS:g} s on after each edit: stale counts what is "
        f"old then. Down: seconds of {BROKEN:g} without an answer while an error is on the disk. Throughput: that of "
        "plain uvicorn is 1.\n\n"
    )
    return "## Sizes\n\n" + note + rows(head, body)


def _shown(one: dict[str, Any]) -> str:
    if not one["n"]:
        return "never" if one["of"] else "-"
    times = f"{one['median']:g} / {one['p95']:g} / {one['max']:g} ({one['min']:g})"
    return times if one["n"] == one["of"] else f"{times}, {one['n']} of {one['of']}"
