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
    """A server of a project, in a session of its own: Python with these arguments, `{port}` among them."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.port = free_port()
        self.folder = folder
        self.began = time.perf_counter()
        self._output: IO[str] = (folder.parent / f"{folder.name}-{self.port}.log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, *(one.replace("{port}", str(self.port)) for one in arguments)],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @classmethod
    def tool(cls, folder: Path, target: str, *more: str) -> Self:
        """Our tool."""
        return cls(
            folder, "-m", "pepperpy_reload", "serve", target, "--json", "--no-access-log", "--port", "{port}", *more
        )

    @classmethod
    def uvicorn(cls, folder: Path, target: str, *more: str) -> Self:
        """Plain uvicorn, which reloads nothing unless it is told to."""
        fixed = ("--no-access-log", "--log-level", "warning", "--port", "{port}")
        return cls(folder, "-m", "uvicorn", target, *fixed, *more)

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
        """The process and all below it."""
        found, open_ones = [], [self.process.pid]
        while open_ones:
            found.append(open_ones.pop())
            with suppress(OSError):
                for task in Path(f"/proc/{found[-1]}/task").glob("*/children"):
                    open_ones += map(int, task.read_text().split())
        return found

    def spent(self) -> float:
        """Seconds of processor time, of the process and all below it, those that are dead included."""
        total = 0
        for pid in self.pids():
            with suppress(OSError):
                total += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
        return total / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Megabytes that it and all below it have, what they share counted once."""
        total = 0
        for pid in self.pids():
            with suppress(OSError):
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024

    async def answer(self) -> dict[str, Any]:
        """The values of one answer."""
        return (await get(self.port, "/")).json()

    def end(self) -> None:
        """End it, and wait for that."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # of the others' tools some do not
            self.process.kill()
            self.process.wait(PATIENCE)
        with suppress(OSError):  # some leave their servers behind
            os.killpg(self.process.pid, signal.SIGKILL)
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
    """Least, median, 95th percentile and maximum, in milliseconds from seconds."""
    sorted_ = sorted(value * 1000 for value in values)
    if not sorted_:
        return {"n": 0}
    p95 = sorted_[min(len(sorted_) - 1, round(0.95 * (len(sorted_) - 1)))]
    return {
        "n": len(sorted_),
        "min": round(sorted_[0], 1),
        "median": round(statistics.median(sorted_), 1),
        "p95": round(p95, 1),
        "max": round(sorted_[-1], 1),
    }


def rows(head: Sequence[object], body: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)
