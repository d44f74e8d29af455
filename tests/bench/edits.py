"""Edits of a served app while a client asks it something every 5 ms, each time over a new connection."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import defaultdict
from itertools import count
from pathlib import Path
from typing import Any

from tests.bench import projects
from tests.bench.projects import Edit
from tests.bench.served import PATIENCE, Answer, Served, get, rows, save, spread

PERIOD = 0.005
SILENCE = 0.25  # seconds between an edit that is served and the next one
KEPT = ("connection", "pid")
GROWING = ("hits", "visits")


class Client:
    """Asks for `path` every 5 ms, whether the last answer has come or not, and keeps count."""

    def __init__(self, port: int) -> None:
        self.path = "/"
        self.sent = 0
        self.failed: list[str] = []
        self.kept: dict[str, set[object]] = defaultdict(set)
        self.resets = 0
        self._port = port
        self._most: dict[str, int] = {}
        self._asked: set[asyncio.Task[None]] = set()
        self._answers: asyncio.Queue[tuple[str, Answer]] = asyncio.Queue()

    async def run(self) -> None:
        """Until cancelled."""
        begun = time.perf_counter()
        for number in count(1):
            task = asyncio.create_task(self._ask(self.path))
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)
            await asyncio.sleep(max(0.0, begun + number * PERIOD - time.perf_counter()))

    async def served(self, edit: Edit, since: float) -> float | None:
        """Seconds until the edit was in an answer, or None."""
        self.path = edit.path
        while (left := since + PATIENCE - time.perf_counter()) > 0:
            try:
                path, answer = await asyncio.wait_for(self._answers.get(), left)
            except TimeoutError:
                return None
            if path == edit.path and answer.at > since and _holds(answer, edit):
                return answer.at - since
        return None

    async def rest(self) -> None:
        """Wait for the answers that are still to come."""
        await asyncio.gather(*self._asked)

    async def _ask(self, path: str) -> None:
        self.sent += 1
        try:
            answer = await asyncio.wait_for(get(self._port, path), PATIENCE)
        except (OSError, TimeoutError) as error:
            self.failed.append(repr(error))
            return
        if answer.status >= 500:
            self.failed.append(f"{answer.status}: {answer.body[:80]}")
            return
        self._answers.put_nowait((path, answer))
        self._watch(answer.json())

    def _watch(self, values: dict[str, Any]) -> None:
        for name in KEPT:
            if name in values:
                self.kept[name].add(values[name])
        for name in GROWING:  # several requests are under way: a little less than the most is no reset
            if name in values:
                self.resets += values[name] < self._most.get(name, 0) - 100
                self._most[name] = max(values[name], self._most.get(name, 0))


def _holds(answer: Answer, edit: Edit) -> bool:
    return answer.json().get(edit.field) == edit.wanted if edit.field else str(edit.wanted) in answer.body


async def measure(rounds: int) -> dict[str, Any]:
    """Both apps, `rounds` edits each."""
    return {name: await _measure(name, rounds) for name in projects.PROJECTS}


async def _measure(framework: str, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as base:
        folder = projects.write(framework, Path(base, "project"))
        served = Served.tool(folder, "main:app")
        try:
            await served.up()
            client = Client(served.port)
            polling = asyncio.create_task(client.run())
            await asyncio.sleep(1.0)
            times = await _edit(framework, folder, client, rounds)
            polling.cancel()
            await client.rest()
            return _figures(served, client, times)
        finally:
            served.end()


async def _edit(framework: str, folder: Path, client: Client, rounds: int) -> dict[str, list[float | None]]:
    times: dict[str, list[float | None]] = defaultdict(list)
    every = [edit for number in range(1, rounds // 5 + 2) for edit in projects.edits(framework, number)]
    for number, edit in enumerate(every[:rounds]):
        path = folder / edit.file
        text = path.read_text()
        assert edit.old in text
        text = text.replace(edit.old, edit.new) if edit.old else text + edit.new
        client.path = edit.path
        since = save(path, text, atomic=number % 2 == 0)
        times[edit.kind].append(await client.served(edit, since))
        client.path = "/"
        await asyncio.sleep(SILENCE)
    return dict(times)


def _figures(served: Served, client: Client, times: dict[str, list[float | None]]) -> dict[str, Any]:
    every = [one for kind in times.values() for one in kind]
    return {
        "edits": len(every),
        "served": sum(one is not None for one in every),
        "requests": client.sent,
        "failed": len(client.failed),
        "failures": client.failed[:5],
        "restarts": [event["reason"] for event in served.events("restarted")],
        "counters reset": client.resets,
        "connections": len(client.kept["connection"]),
        "processes": len(client.kept["pid"]),
        "ms": {kind: spread(one for one in found if one is not None) for kind, found in times.items()},
        "ms, all": spread(one for one in every if one is not None),
        "ms, reload alone": spread(event["duration"] for event in served.events("reloaded")),
        "lines": [line for line in served.text().splitlines() if not line.startswith('{"event"')][:5],
    }


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    kinds = list(next(iter(figures.values()))["ms"])
    names = ("served", "requests", "failed", "restarts", "state kept", *kinds, "all")
    body = []
    for framework, one in figures.items():
        kept = one["connections"] == one["processes"] == 1 and not one["counters reset"]
        spreads = [_spread(one["ms"][kind]) for kind in kinds]
        head = (f"{one['served']} of {one['edits']}", one["requests"], one["failed"], len(one["restarts"]))
        body.append((framework, *head, "yes" if kept else "NO", *spreads, _spread(one["ms, all"])))
    note = "Save to served, in ms: median / 95 % / max. A client asks every 5 ms over a new connection.\n\n"
    return "## Edits\n\n" + note + rows(("", *names), body)


def _spread(one: dict[str, float]) -> str:
    return f"{one['median']:g} / {one['p95']:g} / {one['max']:g}" if one["n"] else "-"
