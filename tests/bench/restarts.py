"""Edits that need a new process, while clients ask all the time: over new connections, and over kept ones."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.bench.served import HOST, PATIENCE, Answer, Served, get, rows, save, spread

APP = """
from fastapi import FastAPI
import word

app = FastAPI()

@app.get("/")
async def index():
    return {"word": word.WORD}
"""
WORD = "__reload__ = 'restart'\nWORD = {!r}\n"
SILENCE = 0.3  # seconds between an edit that is served and the next one
PERIOD = 0.005  # seconds between an answer and the next request
PAUSE = 0.05  # seconds for which a client that is mostly idle is idle


class Client:
    """Asks again `pause` seconds after each answer; `kept` on one connection for as long as the server keeps it."""

    def __init__(self, port: int, *, kept: bool, pause: float = 0.0) -> None:
        self.sent = 0
        self.failed: list[str] = []
        self.found: dict[str, float] = {}
        self._port, self._kept, self._pause = port, kept, pause
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.sent += 1
            try:
                answer = await asyncio.wait_for(self._ask(), PATIENCE)
            except (OSError, EOFError, TimeoutError) as error:
                self._close()
                self.failed.append(repr(error))
            else:
                if answer.status == 200:
                    self.found.setdefault(answer.json()["word"], answer.at)
                else:
                    self.failed.append(f"{answer.status}: {answer.body[:80]}")
            await asyncio.sleep(self._pause)

    async def _ask(self) -> Answer:
        if not self._kept:
            return await get(self._port, "/")
        if self._line is None:
            self._line = await asyncio.open_connection(HOST, self._port)
        reader, writer = self._line
        writer.write(b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        if b"connection: close" in head:
            self._close()
        return Answer(int(head.split(b" ", 2)[1]), body.decode(), time.perf_counter())

    def _close(self) -> None:
        if self._line is not None:
            self._line[1].close()
        self._line = None


async def measure(rounds: int) -> dict[str, Any]:
    """Us, both ways, and uvicorn, `rounds` edits each."""
    tools: dict[str, Callable[[Path], Served]] = {
        "serve": lambda folder: Served.tool(folder, "main:app"),
        "serve --restart sequential": lambda folder: Served.tool(folder, "main:app", "--restart", "sequential"),
        "uvicorn --reload": lambda folder: Served.uvicorn(folder, "main:app", "--reload"),
    }
    figures = {}
    for name, make in tools.items():
        with tempfile.TemporaryDirectory() as base:
            folder = Path(base, "project")
            folder.mkdir()
            (folder / "main.py").write_text(APP)
            (folder / "word.py").write_text(WORD.format("v0"))
            served = make(folder)
            try:
                await served.up()
                figures[name] = await _edit(served, folder, rounds)
            finally:
                served.end()
    return figures


async def _edit(served: Served, folder: Path, rounds: int) -> dict[str, Any]:
    clients = {
        "fresh": Client(served.port, kept=False, pause=PERIOD),
        "kept": Client(served.port, kept=True, pause=PERIOD),
        "kept, mostly idle": Client(served.port, kept=True, pause=PAUSE),
    }
    running = [asyncio.create_task(client.run()) for client in clients.values()]
    await asyncio.sleep(0.5)
    times: list[float | None] = []
    for number in range(1, rounds + 1):
        since = save(folder / "word.py", WORD.format(f"v{number}"), atomic=number % 2 == 0)
        times.append(await _served(clients["fresh"], f"v{number}", since))
        await asyncio.sleep(SILENCE)
    for task in running:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return {
        "edits": rounds,
        "served": sum(one is not None for one in times),
        "ms": spread(one for one in times if one is not None),
        "requests": {name: client.sent for name, client in clients.items()},
        "failed": {name: len(client.failed) for name, client in clients.items()},
        "failures": {name: client.failed[:3] for name, client in clients.items()},
    }


async def _served(client: Client, word: str, since: float) -> float | None:
    while word not in client.found:
        if time.perf_counter() > since + PATIENCE:
            return None
        await asyncio.sleep(0.001)
    return client.found[word] - since


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    names = list(next(iter(figures.values()))["failed"])
    body = []
    for tool, one in figures.items():
        failed = [f"{one['failed'][name]} of {one['requests'][name]}" for name in names]
        ms = one["ms"]
        times = f"{ms['median']:g} / {ms['p95']:g} / {ms['max']:g}" if ms["n"] else "-"
        body.append((tool, f"{one['served']} of {one['edits']}", times, *failed))
    note = "Edits that need a new process. Save to first new answer, in ms: median / 95 % / max; failed requests.\n\n"
    return "## Restarts\n\n" + note + rows(("", "served", "ms", *names), body)
