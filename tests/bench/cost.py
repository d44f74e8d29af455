"""What the tool costs while nothing changes, against plain uvicorn: start-up, idle processor time, throughput."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import projects
from tests.bench.load import load
from tests.bench.served import Served, rows, spread

IDLE = 20.0
SETTLED = 8.0  # seconds after the first answer, within which what is read ahead is read
FILES = 20_000
LOAD = 3.0
BARE = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
"""
FASTAPI = """
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def index():
    return {"answer": 42}
"""
ATTRIBUTES = """
import values
from values import Thing


async def app(scope, receive, send):
    if scope["type"] == "http":
        for _ in range(500):
            values.total = values.total + values.step * Thing.limit - values.added(values.step)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
"""
VALUES = "total, step = 0, 1\n\n\nclass Thing:\n    limit = 2\n\n\ndef added(number):\n    return number + step\n"
APPS = {
    "bare ASGI": {"main.py": BARE},
    "FastAPI": {"main.py": FASTAPI},
    "attributes of modules": {"main.py": ATTRIBUTES, "values.py": VALUES},
}
"""Apps whose requests all take the same: no table grows with them."""
Start = Callable[[Path, str], Served]
TOOLS: dict[str, Start] = {"pepperpy-reload": Served.tool, "uvicorn": Served.uvicorn}


async def measure(rounds: int) -> dict[str, Any]:
    """Start-up and throughput interleaved, so that a busy moment of the machine meets both."""
    with tempfile.TemporaryDirectory() as base:
        folders = {name: projects.write(name, Path(base, name)) for name in ("FastAPI",)}
        bare = folders["bare ASGI"] = Path(base, "bare")
        bare.mkdir()
        (bare / "main.py").write_text(BARE)
        figures: dict[str, Any] = {"start-up, ms": {}, "requests per second": {}, "us per request": {}}
        for name, folder in folders.items():
            figures["start-up, ms"][name] = await _start_up(folder, rounds // 2)
        for name, files in APPS.items():
            rates, costs = await _throughput(_written(files, Path(base, f"app {name}")), max(4, rounds // 4))
            figures["requests per second"][name], figures["us per request"][name] = rates, costs
        figures["idle"] = {"FastAPI": await _idle(folders["FastAPI"])}
        _crowd(folders["FastAPI"], FILES)
        figures["idle"][f"FastAPI among {FILES:,} files"] = await _idle(folders["FastAPI"])
        return figures


def _written(files: dict[str, str], folder: Path) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


async def _start_up(folder: Path, rounds: int) -> dict[str, Any]:
    found: dict[str, list[float]] = {tool: [] for tool in TOOLS}
    for number in range(rounds + 1):
        for tool, start in TOOLS.items():
            served = start(folder, "main:app")
            try:
                duration = await served.up()
            finally:
                served.end()
            if number:  # the first one writes bytecode
                found[tool].append(duration)
    return {tool: spread(values) for tool, values in found.items()}


async def _throughput(folder: Path, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Once all has settled: answers per second, and processor time for each, which other work disturbs less."""
    running = {tool: start(folder, "main:app") for tool, start in TOOLS.items()}
    rates: dict[str, list[float]] = {tool: [] for tool in TOOLS}
    costs: dict[str, list[float]] = {tool: [] for tool in TOOLS}
    try:
        for served in running.values():
            await served.up()
            await load(served.port, 0.5)
        await asyncio.sleep(SETTLED)
        for number in range(rounds):
            for tool in list(running) if number % 2 else reversed(list(running)):
                before = running[tool].spent()
                rates[tool].append(await load(running[tool].port, LOAD))
                costs[tool].append((running[tool].spent() - before) * 1e6 / (rates[tool][-1] * LOAD))
    finally:
        for served in running.values():
            served.end()
    per_second: dict[str, float] = {tool: round(statistics.median(values)) for tool, values in rates.items()}
    return per_second, {tool: round(statistics.median(values), 1) for tool, values in costs.items()}


async def _idle(folder: Path) -> dict[str, dict[str, float]]:
    """Of each tool alone, some seconds after its first answer: what it spends, and what it holds."""
    found: dict[str, dict[str, float]] = {}
    for tool, start in TOOLS.items():
        served = start(folder, "main:app")
        try:
            await served.up()
            await asyncio.sleep(SETTLED)
            before, begun = served.spent(), time.perf_counter()
            await asyncio.sleep(IDLE)
            share = 100 * (served.spent() - before) / (time.perf_counter() - begun)
            found[tool] = {
                "share": round(share, 2),
                "memory": round(served.memory(), 1),
                "processes": len(served.pids()),
            }
        finally:
            served.end()
    return found


def _crowd(folder: Path, files: int) -> None:
    """So many files beside the app that nobody imports."""
    for number in range(files // 100):
        package = folder / "data" / f"part{number}"
        package.mkdir(parents=True)
        for one in range(100):
            (package / f"file{one}.txt").write_text(f"{number} {one}\n")


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    body: list[tuple[object, ...]] = []
    for name, found in figures["start-up, ms"].items():
        ours, theirs = (found[tool]["median"] for tool in TOOLS)
        body.append((f"start to first answer, {name}, ms", ours, theirs, f"+{ours - theirs:.0f} ms"))
    for name, found in figures["requests per second"].items():
        ours, theirs = (found[tool] for tool in TOOLS)
        body.append((f"requests per second, {name}", ours, theirs, f"{ours / theirs:.2f}"))
    for name, found in figures["us per request"].items():
        ours, theirs = (found[tool] for tool in TOOLS)
        body.append((f"processor time for a request, {name}, µs", ours, theirs, f"{ours / theirs:.2f}"))
    for name, tools in figures["idle"].items():
        for what in ("share", "memory", "processes"):
            title = {"share": f"idle for {IDLE:g} s, % of a processor", "memory": "memory, MB"}.get(what, what)
            body.append((f"{title}, {name}", *(tools[tool][what] for tool in TOOLS), ""))
    return "## Cost\n\n" + rows(("", *TOOLS, ""), body)
