"""A server as a child process, and clients that speak to it over raw sockets."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from tests.ports import free_port

PATIENCE = 20.0
HOST = "127.0.0.1"


def environment() -> dict[str, str]:
    """Ours, with bytecode on and nothing set for the tool."""
    prefixes = ("PYTHON", "PEPPERPY_RELOAD_")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


@dataclass(frozen=True)
class Answer:
    """What a request got, and when it was complete."""

    status: int
    body: str
    at: float

    def json(self) -> dict[str, Any]:
        """The body's values, or none of an error page."""
        with suppress(ValueError):
            values = json.loads(self.body)
            if isinstance(values, dict):
                return values
        return {}


async def get(port: int, path: str) -> Answer:
    """One request on a connection of its own."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    if not head:
        raise ConnectionResetError("no answer")
    return Answer(int(head.split(b" ", 2)[1]), body.decode(), time.perf_counter())


class Served:
    """`pepperpy-reload serve`, or plain uvicorn, with a project."""

    def __init__(self, folder: Path, *arguments: str, tool: str = "pepperpy_reload") -> None:
        self.port = free_port()
        self.folder = folder
        self.began = time.perf_counter()
        self._output: IO[str] = (folder.parent / f"{folder.name}-{self.port}.log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", tool, *arguments, "--port", str(self.port)],
            cwd=folder,
            env=environment(),
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    @classmethod
    def tool(cls, folder: Path, target: str, *more: str) -> Self:
        """Our tool."""
        return cls(folder, "serve", target, "--json", "--no-access-log", *more)

    @classmethod
    def uvicorn(cls, folder: Path, target: str, *more: str) -> Self:
        """Plain uvicorn, which reloads nothing unless it is told to."""
        return cls(folder, target, "--no-access-log", "--log-level", "warning", *more, tool="uvicorn")

    async def up(self, path: str = "/") -> float:
        """Wait for the first answer; seconds since the start."""
        deadline = self.began + PATIENCE
        while time.perf_counter() < deadline:
            with suppress(OSError):
                return (await get(self.port, path)).at - self.began
            await asyncio.sleep(0.002)
        raise TimeoutError(f"{self.process.args!r} does not answer; it wrote:\n{self.text()}")

    @property
    def text_file(self) -> str:
        """Where all goes that it writes."""
        return self._output.name

    def text(self) -> str:
        """All that it has written."""
        return Path(self.text_file).read_text()

    def events(self, name: str) -> list[dict[str, Any]]:
        """The tool's events of that name so far."""
        found = [json.loads(line) for line in self.text().splitlines() if line.startswith('{"event"')]
        return [event for event in found if event["event"] == name]

    async def event(self, name: str, times: int) -> dict[str, Any]:
        """Wait until there are so many events of that name."""
        deadline = time.perf_counter() + PATIENCE
        while time.perf_counter() < deadline:
            if len(found := self.events(name)) >= times:
                return found[times - 1]
            await asyncio.sleep(0.002)
        raise TimeoutError(f"no event {name!r}; it wrote:\n{self.text()}")

    def pids(self) -> list[int]:
        """The process and its children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def spent(self) -> float:
        """Seconds of processor time, of the process and all below it, those that are dead included."""
        total, open_ones = 0, [self.process.pid]
        while open_ones:
            place = Path(f"/proc/{open_ones.pop()}")
            with suppress(OSError):
                total += sum(map(int, (place / "stat").read_text().rpartition(")")[2].split()[11:15]))
                for task in (place / "task").glob("*/children"):
                    open_ones += map(int, task.read_text().split())
        return total / os.sysconf("SC_CLK_TCK")

    async def answer(self) -> dict[str, Any]:
        """The values of one answer."""
        return (await get(self.port, "/")).json()

    def end(self) -> None:
        """End it, and wait for that."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # of the others' tools some do not
            for pid in reversed(self.pids()):
                os.kill(pid, signal.SIGKILL)
            self.process.wait(PATIENCE)
        self._output.close()


def save(path: Path, text: str, *, atomic: bool) -> float:
    """Save as editors do, over a temporary file or in place; returns the time just before."""
    began = time.perf_counter()
    if not atomic:
        path.write_text(text)
        return began
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text)
    temporary.replace(path)
    return began


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum, in milliseconds from seconds."""
    sorted_ = sorted(value * 1000 for value in values)
    if not sorted_:
        return {"n": 0}
    p95 = sorted_[min(len(sorted_) - 1, round(0.95 * (len(sorted_) - 1)))]
    return {
        "n": len(sorted_),
        "median": round(statistics.median(sorted_), 1),
        "p95": round(p95, 1),
        "max": round(sorted_[-1], 1),
    }


def rows(head: Sequence[object], body: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)
