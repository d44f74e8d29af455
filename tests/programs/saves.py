"""Saves at random moments, while workers take long to start: in the end the last saves are what is served.

`python -m tests.programs.saves --saves 30`, or `scripts/soak --saves 30`; 1 if something else was served, if a request
failed, or if a worker was left over.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Tool, until, workers

PARTS = ("first", "second", "third")
PATIENCE = 30.0
MAIN = """
import json, os
import first
import slow
import second
from third import WORD as third

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = json.dumps({"first": first.word(), "second": second.WORD, "third": third})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body.encode()})
"""
TEXTS = {
    "first": "def word():\n    return {!r}\n",
    "second": "WORD = {!r}\n",
    "third": "__reload__ = 'restart'\nWORD = {!r}\n",
}
BREAKS = ("def (:\n", "raise RuntimeError('unwell')\n", "import nowhere\n")


class Client(threading.Thread):
    """Asks all the time, over new connections."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._over = threading.Event()
        self.last: dict[str, str] = {}
        self.asked = 0
        self.failures: list[str] = []

    def run(self) -> None:
        while not self._over.wait(0.02):
            self.asked += 1
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
            try:
                connection.request("GET", "/", headers={"Connection": "close"})
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 200:
                    self.last = json.loads(body)
                else:
                    self.failures.append(f"status {answer.status}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
            finally:
                connection.close()

    def end(self) -> None:
        self._over.set()
        self.join(PATIENCE)


class Round:
    """One server, and some saves."""

    def __init__(self, folder: Path, seed: int, takes: float) -> None:
        self.chance = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self._folder, self._takes = folder, takes
        self._numbers: dict[str, int] = dict.fromkeys(PARTS, 0)
        self._broken: set[str] = set()
        (folder / "main.py").write_text(MAIN)
        (folder / "slow.py").write_text(f"import time\ntime.sleep({takes})\n")
        for name in PARTS:
            self._write(name)

    def play(self, saves: int, environment: dict[str, str]) -> str:
        """What was wrong, or ""."""
        arguments = ["serve", "main:app", "--port", "0", "--json", "--no-access-log", "--grace", "0.5"]
        tool = Tool(arguments, self._folder, environment)
        try:
            tool.event("ready")
            return self._play(tool, saves)
        except AssertionError as error:
            return str(error)
        finally:
            tool.close()

    def _play(self, tool: Tool, saves: int) -> str:
        client = Client(tool.port)
        client.start()
        try:
            for _ in range(saves):
                self._save()
                self._pause()
            for name in sorted(self._broken):
                self._write(name)
            wanted = {name: str(number) for name, number in self._numbers.items()}
            until(lambda: client.last == wanted, f"{wanted} and not {client.last}; it wrote:\n{tool.text()}", PATIENCE)
            until(lambda: self._is_alone(tool), f"the other workers to go; it wrote:\n{tool.text()}", PATIENCE)
        finally:
            client.end()
        self.counts["restarts"] += len(tool.events("restarted"))
        self.counts["reloads"] += len(tool.events("reloaded"))
        self.counts["requests"] += client.asked
        if client.last != wanted:
            return f"{client.last} was served after {wanted}"
        return (
            f"{len(client.failures)} requests failed, the first one so: {client.failures[0]}" if client.failures else ""
        )

    def _is_alone(self, tool: Tool) -> bool:
        """Whether there is one worker, and at most a fork that waits to become the next one."""
        return len(workers(tool.process.pid)) <= 1 + bool(tool.events("warm"))

    def _save(self) -> None:
        name = self.chance.choice(PARTS)
        if self.chance.random() < 0.3:
            self._broken.add(name)
            self._put(name, self.chance.choice(BREAKS))
            self.counts["broken saves"] += 1
        else:
            self._numbers[name] += 1
            self._write(name)
            self.counts["saves"] += 1

    def _pause(self) -> None:
        """None, or one in which a worker may have started, or begun to."""
        longest = self.chance.choice((0.0, 0.1, self._takes, 1.5 * self._takes))
        time.sleep(self.chance.uniform(0.0, longest))

    def _write(self, name: str) -> None:
        self._broken.discard(name)
        self._put(name, TEXTS[name].format(str(self._numbers[name])))

    def _put(self, name: str, text: str) -> None:
        """As an editor does: over a temporary file, or in place."""
        path = self._folder / f"{name}.py"
        if self.chance.random() < 0.5:
            path.write_text(text)
        else:
            temporary = path.with_suffix(".tmp")
            temporary.write_text(text)
            temporary.replace(path)


def play(seed: int, *, saves: int, takes: float, warm: bool, home: Path) -> tuple[str, Counter[str]]:
    """One round: what was wrong, or "", and what was done. A start takes so many seconds."""
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base).resolve() / "project"
        folder.mkdir()
        one = Round(folder, seed, takes)
        return one.play(saves, environment(home, warm=warm)), one.counts


def environment(home: Path, *, warm: bool) -> dict[str, str]:
    """Ours, with nothing set for the tool but whether it forks workers, and where it keeps what it finds out."""
    left_out = ("PEPPERPY_RELOAD_", "PYTHON", "PYTEST_")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return ours | {"XDG_CACHE_HOME": str(home), "PEPPERPY_RELOAD_ZYGOTE": str(int(warm))}


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Print what was found; 1 if something was wrong."""
    parser = argparse.ArgumentParser(prog="scripts/soak --saves", description=__doc__)
    parser.add_argument("--saves", type=int, default=30, metavar="SERVERS", help="one after another")
    parser.add_argument("--each", type=int, default=8, help="how many saves for each")
    parser.add_argument("--takes", type=float, default=2.0, help="seconds that a start takes")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same seed, the same saves")
    options = parser.parse_args(arguments)
    total: Counter[str] = Counter()
    failures = 0
    with tempfile.TemporaryDirectory() as home:
        for seed in range(options.seed, options.seed + options.saves):
            warm = bool(seed % 2)
            fault, counts = play(seed, saves=options.each, takes=options.takes, warm=warm, home=Path(home))
            total += counts
            if fault:
                failures += 1
                say(f"--seed {seed} --saves 1 --each {options.each} --takes {options.takes}: {fault}\n")
    figures: dict[str, Any] = dict(total)
    say(f"from seed {options.seed}: {options.saves} servers, {figures}; {failures} with a fault")
    return 1 if failures else 0


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        raise SystemExit(main())
