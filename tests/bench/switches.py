"""Clients at full speed, over new connections and over kept ones, through reloads, restarts and broken edits.

A round is a hot reload and a forced restart; before every tenth of them the edit is broken first. No request may fail,
and a grace period after a version was seen, or has gone round among several workers, no request may be answered by an
older one.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import tempfile
import time
from array import array
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.bench.served import HOST, PATIENCE, Served, get, rows, save, spread

APP = """
import pin, word

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = str(max(pin.NUMBER, word.NUMBER)).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
"""
HOT = "NUMBER = {}\n"
COLD = "__reload__ = 'restart'\nNUMBER = {}\n"
BROKEN = {"word.py": "NUMBER = = {}\n", "pin.py": COLD + "raise RuntimeError('broken')\n"}
GRACE = 0.5
EVERY = 10  # of the edits, one is broken first
CLIENTS = {"fresh": False, "kept": True}
EACH = 2  # clients of a kind


class Client:
    """Asks without a pause; notes when it asked, and what number it got."""

    def __init__(self, port: int, *, kept: bool) -> None:
        self.asked = array("d")
        self.got = array("l")
        self.failed: list[str] = []
        self._port, self._kept = port, kept
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            began = time.perf_counter()
            try:
                number = await asyncio.wait_for(self._ask(), PATIENCE)
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                self.failed.append(f"{time.perf_counter():.3f}: {error!r}")
                self._close()
            else:
                self.asked.append(began)
                self.got.append(number)

    async def _ask(self) -> int:
        if self._line is None:
            self._line = await asyncio.open_connection(HOST, self._port)
        reader, writer = self._line
        close = b"" if self._kept else b"Connection: close\r\n"
        writer.write(b"GET / HTTP/1.1\r\nHost: bench\r\n" + close + b"\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
        if b"connection: close" in head:
            self._close()
        if head.split(b" ", 2)[1] != b"200":
            raise ValueError(f"{head[:40]!r}: {body[:60]!r}")
        return int(body)

    def _close(self) -> None:
        if self._line is not None:
            self._line[1].close()
        self._line = None


def _ask_all_the_time(port: int, line: Connection) -> None:
    """The process of the clients: until something comes along the line; then it sends what they have noted."""

    async def crowd() -> dict[str, list[Client]]:
        clients = {name: [Client(port, kept=kept) for _ in range(EACH)] for name, kept in CLIENTS.items()}
        running = [asyncio.create_task(client.run()) for some in clients.values() for client in some]
        await asyncio.to_thread(line.recv)
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        return clients

    clients = asyncio.run(crowd())
    line.send({name: [(one.asked, one.got, one.failed) for one in some] for name, some in clients.items()})


class _Log:
    """The tool's events, each read once."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open()
        self._rest = ""

    def _new(self) -> Iterator[dict[str, Any]]:
        *lines, self._rest = (self._rest + self._stream.read()).split("\n")
        yield from (json.loads(line) for line in lines if line.startswith('{"event"'))

    async def until(self, *names: str) -> dict[str, Any]:
        """Wait for the next event of one of these names."""
        deadline = time.perf_counter() + PATIENCE
        while time.perf_counter() < deadline:
            for event in self._new():
                if event["event"] in names:
                    return event
            await asyncio.sleep(0.002)
        raise TimeoutError(f"none of the events {names}")

    def close(self) -> None:
        self._stream.close()


async def measure(rounds: int, workers: int = 1) -> dict[str, Any]:
    """`rounds` hot reloads and as many restarts, of one worker or several."""
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base, "project")
        folder.mkdir()
        (folder / "main.py").write_text(APP)
        (folder / "word.py").write_text(HOT.format(0))
        (folder / "pin.py").write_text(COLD.format(0))
        served = Served.tool(folder, "main:app", "--grace", str(GRACE), "--workers", str(workers))
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        crowd = multiprocessing.get_context("spawn").Process(target=_ask_all_the_time, args=(served.port, theirs))
        log = _Log(Path(served.text_file))
        try:
            await served.up()
            await log.until("ready" if workers == 1 else "rolled")
            crowd.start()
            times, switched = await _edit(served, log, folder, rounds, workers)
            ours.send("enough")
            noted = await asyncio.to_thread(ours.recv)
            crowd.join(PATIENCE)
        finally:
            if crowd.is_alive():
                crowd.kill()
            log.close()
            served.end()
    return _judged(noted, switched, times, rounds) | {"workers": workers}


async def _edit(
    served: Served, log: _Log, folder: Path, rounds: int, workers: int
) -> tuple[dict[str, list[float]], list[float]]:
    times: dict[str, list[float]] = {"word.py": [], "pin.py": []}
    switched = [time.perf_counter()]  # by number: when it was first seen, or had gone round
    await asyncio.sleep(0.5)
    for number in range(1, 2 * rounds + 1):
        name, text = ("pin.py", COLD) if number % 2 == 0 else ("word.py", HOT)
        if number % EVERY in (0, 5):
            save(folder / name, BROKEN[name].format(number), atomic=False)
            await log.until("failed", "unstarted")
        since = save(folder / name, text.format(number), atomic=number % 4 < 2)
        while int((await get(served.port, "/")).body) < number:
            if time.perf_counter() > since + PATIENCE:
                raise TimeoutError(f"{number} is not served; the tool wrote:\n{served.text()[-3000:]}")
            await asyncio.sleep(0.002)
        if workers > 1 and (rolled := await log.until("rolled"))["behind"]:
            raise RuntimeError(f"{rolled}; the tool wrote:\n{served.text()[-3000:]}")
        switched.append(time.perf_counter())
        times[name].append(switched[-1] - since)
    await asyncio.sleep(2 * GRACE)
    return times, switched


def _judged(
    noted: dict[str, list[Any]], switched: list[float], times: dict[str, list[float]], rounds: int
) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "reloads": spread(times["word.py"]),
        "restarts": spread(times["pin.py"]),
        "rounds": rounds,
        "broken": sum(number % EVERY in (0, 5) for number in range(1, 2 * rounds + 1)),
        "clients": {},
    }
    for name, some in noted.items():
        stale = 0
        for asked, got, _ in some:
            newest = 0  # that had been seen a grace period before a request was sent
            for began, number in zip(asked, got, strict=True):
                while newest + 1 < len(switched) and switched[newest + 1] + GRACE <= began:
                    newest += 1
                stale += number < newest
        failed = [text for _, _, failures in some for text in failures]
        figures["clients"][name] = {
            "requests": sum(len(got) for _, got, _ in some) + len(failed),
            "failed": len(failed),
            "stale": stale,
            "failures": failed[:5],
        }
    return figures


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""

    def ms(one: dict[str, float]) -> str:
        return f"{one['median']:g} / {one['p95']:g} / {one['max']:g}" if one["n"] else "-"

    body = [(name, one["requests"], one["failed"], one["stale"]) for name, one in figures["clients"].items()]
    note = (
        f"{figures['rounds']} hot reloads ({ms(figures['reloads'])} ms: median / 95 % / max), as many forced restarts "
        f"({ms(figures['restarts'])} ms), {figures['broken']} of the edits broken first; {EACH} clients of each kind "
        f"without a pause; workers: {figures['workers']}.\n"
        f"Stale: answered by an older version {GRACE:g} s after a newer one was seen, or had gone round.\n\n"
    )
    return "## Switches\n\n" + note + rows(("connections", "requests", "failed", "stale"), body)
