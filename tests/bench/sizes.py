"""A small and a medium app: save to served, and what two seconds of a syntax error cost, beside `uvicorn --reload`."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.served import PATIENCE, Served, get, rows, save, spread

LAYERS = 10
SIZES = {"small": 10, "medium": 300}
LIMIT = 3.0  # seconds after which an edit counts as never served
BROKEN = 2.0  # seconds for which a syntax error stands on the disk
AFTERWARDS = 0.3  # seconds for which every answer after the first new one has to be new
TOOLS: dict[str, Callable[[Path], Served]] = {
    "pepperpy-reload": lambda folder: Served.tool(folder, "main:app"),
    "uvicorn --reload": lambda folder: Served.uvicorn(folder, "main:app", "--reload"),
}
MAIN = """
import json
import os

import handlers
import state
{imports}

MODULES = ({names},)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    state.COUNTER["n"] += 1
    values = {{module.VERSION for module in MODULES}} | {{module.DERIVED // 10 for module in MODULES}}
    answer = {{"pid": os.getpid(), "counter": state.COUNTER["n"], "body": handlers.body(), "value": sorted(values)}}
    body = json.dumps(answer).encode()
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


@dataclass
class Poll:
    """A client that asks over fresh connections, a millisecond after each answer."""

    port: int
    failed: int = 0
    stale: int = 0
    pids: set[int] = field(default_factory=set)

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
        with suppress(OSError, TimeoutError):
            answer = await asyncio.wait_for(get(self.port, "/"), PATIENCE)
            if answer.status == 200:
                values = answer.json()
                self.pids.add(values.get("pid", 0))
                return values, answer.at
        self.failed += 1
        return None


async def measure(rounds: int) -> dict[str, Any]:
    """Each size with each tool."""
    return {size: {tool: await _measure(tool, modules, rounds) for tool in TOOLS} for size, modules in SIZES.items()}


async def _measure(tool: str, modules: int, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as base:
        folder = write(Path(base, "project"), modules)
        served = TOOLS[tool](folder)
        try:
            await served.up()
            poll = Poll(served.port)
            await asyncio.sleep(1.0)
            body = [
                await _edit(poll, folder / "handlers.py", "def body():\n    return {}\n", "body", n + 1)
                for n in range(rounds)
            ]
            lost = poll.failed
            value = [await _edit(poll, folder / "leaf.py", "VERSION = {}\n", "value", n + 1) for n in range(rounds)]
            down, healed = await _broken(poll, folder)
            return {
                "body": _times(body),
                "value": _times(value),
                "failed, body": lost,
                "failed": poll.failed,
                "stale": poll.stale,
                "processes": len(poll.pids),
                "down": round(down, 2),
                "healed": round(healed * 1000, 1) if healed is not None else None,
            }
        finally:
            served.end()


async def _edit(poll: Poll, path: Path, text: str, name: str, number: int) -> float | None:
    def is_new(values: dict[str, Any]) -> bool:
        return bool(values[name] == ([number] if name == "value" else number))

    since = save(path, text.format(number), atomic=True)
    took = await poll.until(is_new, since, LIMIT)
    end = time.perf_counter() + AFTERWARDS
    while time.perf_counter() < end:
        answer = await poll.ask()
        poll.stale += answer is not None and not is_new(answer[0])
    return took


async def _broken(poll: Poll, folder: Path) -> tuple[float, float | None]:
    """Seconds without an answer while an error stands on the disk, and the time that the next good save takes."""
    path = folder / "handlers.py"
    since = save(path, "def body(:\n    return 0\n", atomic=True)
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
    fixed = save(path, "def body():\n    return -1\n", atomic=True)
    return down, await poll.until(lambda values: bool(values["body"] == -1), fixed, PATIENCE)


def _times(found: list[float | None]) -> dict[str, Any]:
    return {**spread(one for one in found if one is not None), "served": sum(one is not None for one in found)}


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    head = ("", "body, ms", "value, ms", "failed", "stale", "processes", "down of 2 s", "healed, ms")
    body = [
        (
            f"{tool}, {size} ({SIZES[size]} modules)",
            _shown(one["body"]),
            _shown(one["value"]),
            *(one[name] for name in ("failed", "stale", "processes", "down", "healed")),
        )
        for size, tools in figures.items()
        for tool, one in tools.items()
    ]
    note = "Save to served: median / 95 % / max. Atomic saves; a client asks a millisecond after each answer.\n\n"
    return "## Sizes\n\n" + note + rows(head, body)


def _shown(one: dict[str, Any]) -> str:
    return f"{one['median']:g} / {one['p95']:g} / {one['max']:g}" if one["n"] else "never"
