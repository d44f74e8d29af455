"""What the tool costs while nothing changes, against plain uvicorn: start-up, idle processor time, throughput."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import projects
from tests.bench.served import HOST, Served, rows, spread

IDLE = 10.0
LOAD = 3.0
CONNECTIONS = 4
REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
BARE = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
"""
Start = Callable[[Path, str], Served]
TOOLS: dict[str, Start] = {"pepperpy-reload": Served.tool, "uvicorn": Served.uvicorn}


async def measure(rounds: int) -> dict[str, Any]:
    """Start-up and throughput interleaved, so that a busy moment of the machine meets both."""
    with tempfile.TemporaryDirectory() as base:
        folders = {name: projects.write(name, Path(base, name)) for name in ("FastAPI",)}
        bare = folders["bare ASGI"] = Path(base, "bare")
        bare.mkdir()
        (bare / "main.py").write_text(BARE)
        figures: dict[str, Any] = {"start-up, ms": {}, "requests per second": {}}
        for name, folder in folders.items():
            figures["start-up, ms"][name] = await _start_up(folder, rounds // 2)
            figures["requests per second"][name] = await _throughput(folder, max(3, rounds // 4))
        figures["idle, % of a processor"] = {
            tool: await _idle(start, folders["FastAPI"]) for tool, start in TOOLS.items()
        }
        return figures


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


async def _throughput(folder: Path, rounds: int) -> dict[str, float]:
    running = {tool: start(folder, "main:app") for tool, start in TOOLS.items()}
    found: dict[str, list[float]] = {tool: [] for tool in TOOLS}
    try:
        for served in running.values():
            await served.up()
            await _load(served.port, 0.5)
        for number in range(rounds):
            for tool in list(running) if number % 2 else reversed(list(running)):
                found[tool].append(await _load(running[tool].port, LOAD))
    finally:
        for served in running.values():
            served.end()
    return {tool: round(statistics.median(values)) for tool, values in found.items()}


async def _load(port: int, seconds: float) -> float:
    """Answers per second over a few connections that are kept."""
    deadline = time.perf_counter() + seconds
    counts = await asyncio.gather(*(_ask_on(port, deadline) for _ in range(CONNECTIONS)))
    return sum(counts) / seconds


async def _ask_on(port: int, deadline: float) -> int:
    reader, writer = await asyncio.open_connection(HOST, port)
    answers = 0
    while time.perf_counter() < deadline:
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        answers += 1
    writer.close()
    return answers


async def _idle(start: Start, folder: Path) -> float:
    served = start(folder, "main:app")
    try:
        await served.up()
        await asyncio.sleep(2.0)
        pids = served.pids()
        before, begun = _ticks(pids), time.perf_counter()
        await asyncio.sleep(IDLE)
        used = (_ticks(pids) - before) / os.sysconf("SC_CLK_TCK")
        return round(100 * used / (time.perf_counter() - begun), 2)
    finally:
        served.end()


def _ticks(pids: list[int]) -> int:
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields)


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    body: list[tuple[object, ...]] = []
    for name, found in figures["start-up, ms"].items():
        ours, theirs = (found[tool]["median"] for tool in TOOLS)
        body.append((f"start to first answer, {name}, ms", ours, theirs, f"+{ours - theirs:.0f} ms"))
    for name, found in figures["requests per second"].items():
        ours, theirs = (found[tool] for tool in TOOLS)
        body.append((f"requests per second, {name}", ours, theirs, f"{ours / theirs:.2f}"))
    idle = figures["idle, % of a processor"]
    body.append((f"idle for {IDLE:g} s, % of a processor", *(idle[tool] for tool in TOOLS), ""))
    return "## Cost\n\n" + rows(("", *TOOLS, ""), body)
