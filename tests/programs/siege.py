"""One server for a long time, saved at, broken, killed and restarted at random while clients ask all the time.

`scripts/soak --siege --minutes 60`; 1 if a save was lost, if an answer was older than what had been served a while
before, if a request failed that nobody had been killed over, or if threads, descriptors, processes or memory grew.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.e2e.conftest import Tool, alive, children, until
from tests.programs.saves import BREAKS, environment, say

GRACE = 1.0
PATIENCE = 30.0
MOST = 12  # parts
_LAST_WORDS = 0.5
MAIN = """
import json, os
import pinned, sums
{imports}

def versions():
    return {{"value": sums.VALUE, "pinned": pinned.NUMBER{calls}}}

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = json.dumps({{"pid": os.getpid(), "versions": versions()}}).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({{"type": "http.response.start", "status": 200, "headers": headers}})
    await send({{"type": "http.response.body", "body": body}})
"""
SUMS = "from values import NUMBER\n\nVALUE = NUMBER + 0\n"
TEXTS = {"value": "NUMBER = {}\n", "pinned": "__reload__ = 'restart'\nNUMBER = {}\n"}
PART = "# {}\ndef word():\n    return {}\n"
FILES = {"value": "values.py", "pinned": "pinned.py"}
Versions = dict[str, int]


class Ledger:
    """What has been seen to be served, and since when."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, Versions]] = [(0.0, {})]
        self.excused = False
        """Whether somebody has been killed, and nobody has been seen to serve what is saved since."""
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()

    def add(self, versions: Versions) -> None:
        self._seen = [*self._seen[-50:], (time.monotonic(), dict(versions))]

    def judge(self, asked: float, versions: Versions) -> None:
        """An answer to a request of that time: nothing in it may be older than what had been served a while before."""
        known = next(seen for at, seen in reversed(self._seen) if at + GRACE <= asked or at == 0.0)
        for name in versions.keys() & known.keys():
            if versions[name] < known[name]:
                self.faults.append(f"stale: {name} was {versions[name]} a while after it had been {known[name]}")


class Client(threading.Thread):
    """Asks all the time, over new connections or over one that it keeps."""

    def __init__(self, port: int, ledger: Ledger, *, keeps: bool) -> None:
        super().__init__(daemon=True)
        self._port, self._ledger, self._keeps = port, ledger, keeps
        self._over = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        while not self._over.wait(0.003):
            asked, excused = time.monotonic(), self._ledger.excused
            try:
                connection.request("GET", "/", headers={} if self._keeps else {"Connection": "close"})
                answer = connection.getresponse()
                body = answer.read()
                wrong = "" if answer.status == 200 else f"status {answer.status}"
            except (OSError, http.client.HTTPException) as error:
                wrong = repr(error)
                connection.close()
            self._ledger.counts["requests"] += 1
            if not wrong:
                self._ledger.judge(asked, json.loads(body)["versions"])
            elif excused or self._ledger.excused:
                self._ledger.counts["failed because of a kill"] += 1
            else:
                self._ledger.faults.append(f"failed: {wrong}")
        connection.close()

    def end(self) -> None:
        self._over.set()
        self.join(PATIENCE)


class Siege:
    """One server, and what is done to it."""

    def __init__(self, folder: Path, seed: int, environment: dict[str, str]) -> None:
        self.ledger = Ledger()
        self._chance = random.Random(seed)
        self._folder, self._environment = folder, environment
        self._versions: Versions = dict.fromkeys(("value", "pinned", "part0", "part1", "part2"), 0)
        self._broken: set[str] = set()
        self._made = 3
        self._last = ""
        self._frozen: list[int] = []
        (folder / "sums.py").write_text(SUMS)
        for name in self._versions:
            self._write(name)
        self._write_main()

    def lay(self, seconds: float) -> None:
        """Go on so long, or until something is wrong."""
        arguments = ["serve", "main:app", "--port", "0", "--json", "--no-access-log", "--grace", "0.5"]
        tool = Tool(arguments, self._folder, self._environment)
        interval = sys.getswitchinterval()
        sys.setswitchinterval(0.0005)  # a file that is being saved is not left empty while clients ask
        try:
            tool.event("ready")
            clients = [Client(tool.port, self.ledger, keeps=keeps) for keeps in (False, True)]
            for client in clients:
                client.start()
            try:
                self._go_on(tool, time.monotonic() + seconds)
            finally:
                for client in clients:
                    client.end()
            for name in ("restarted", "reloaded"):
                self.ledger.counts[name] = len(tool.events(name))
        except AssertionError as error:
            self.ledger.faults.append(f"after {self._last}: {error}")
        finally:
            sys.setswitchinterval(interval)
            tool.close()
            if self.ledger.faults:
                say("".join([*tool.err[-40:], *tool.out[-40:]]))

    def _go_on(self, tool: Tool, end: float) -> None:
        weights: dict[Callable[[Tool], None], int] = {
            self._save: 40, self._save_several: 12, self._break: 14, self._touch: 4, self._make: 6, self._remove: 5,
            self._rename: 5, self._check_out: 4, self._restart: 4, self._kill: 4, self._freeze: 1,
        }  # fmt: skip
        figures: list[Counter[str]] = []
        sampled = 0.0
        self._see(tool)
        while time.monotonic() < end and not self.ledger.faults:
            act = self._chance.choices([*weights], [*weights.values()])[0]
            self._last = act.__name__.strip("_")
            self.ledger.counts[self._last] += 1
            act(tool)
            time.sleep(self._chance.choice((0.0, 0.02, 0.1, 0.3)) * self._chance.random())
            if not self._broken or self._chance.random() < 0.4:
                self._mend()
                self._see(tool)
            if time.monotonic() > sampled + min(5.0, (end - time.monotonic()) / 20):
                sampled = time.monotonic()
                figures.append(_figures(tool.process.pid))
        self._mend()
        self._see(tool)
        self._see_that_nothing_has_grown(tool.process.pid, figures)

    def _see_that_nothing_has_grown(self, pid: int, figures: list[Counter[str]]) -> None:
        """At rest it holds little more than in the second third of the siege.

        Who is being replaced, and by whom, comes and goes, and takes its time where the machine is slow: only what
        stays is a leak.
        """
        if not (middle := figures[len(figures) // 3 : 2 * len(figures) // 3]):
            return
        usual = Counter({name: int(statistics.median(one[name] for one in middle)) for name in middle[0]})
        end = time.monotonic() + PATIENCE
        while (grown := _grown(usual, last := _figures(pid))) and time.monotonic() < end:
            time.sleep(0.1)
        for name in last:
            below = " and below" if name == "processes" else ""
            say(f"{name} of the supervisor{below}: {usual[name]}, then {last[name]}")
        self.ledger.faults += grown

    def _see(self, tool: Tool) -> None:
        """Wait until what is saved is what is served."""
        seen: Versions = {}

        def served() -> bool:
            nonlocal seen
            with suppress(OSError, ValueError, http.client.HTTPException):
                seen = json.loads(tool.get())["versions"]
            return seen == self._versions

        until(served, f"{self._versions}, not {seen}", PATIENCE)
        until(lambda: not any(map(alive, self._frozen)), f"the end of {self._frozen}", PATIENCE)
        self._frozen.clear()
        if self.ledger.excused:  # who has answered in a dead worker's place may still have somebody to answer
            time.sleep(_LAST_WORDS)
        self.ledger.add(self._versions)
        self.ledger.excused = False

    # -- what is done --------------------------------------------------------------------------------------------------

    def _save(self, _tool: Tool) -> None:
        self._raise(self._any())

    def _save_several(self, _tool: Tool) -> None:
        for name in self._chance.sample([*self._versions], min(len(self._versions), self._chance.randint(2, 4))):
            self._raise(name)
            time.sleep(self._chance.choice((0.0, 0.001, 0.02)))

    def _break(self, _tool: Tool) -> None:
        name = self._any()
        self._broken.add(name)
        self._put(self._path(name), self._chance.choice(BREAKS))

    def _touch(self, _tool: Tool) -> None:
        self._path(self._any()).touch()

    def _make(self, _tool: Tool) -> None:
        if len(self._versions) < MOST:
            name = f"part{self._made}"
            self._made += 1
            self._versions[name] = 1
            self._in_some_order(lambda: self._write(name), self._write_main)

    def _remove(self, _tool: Tool) -> None:
        name = self._part()
        if name:
            del self._versions[name]
            self._broken.discard(name)
            self._in_some_order(self._path(name).unlink, self._write_main)

    def _rename(self, _tool: Tool) -> None:
        old = self._part()
        if old and old not in self._broken:
            new = f"part{self._made}"
            self._made += 1
            self._versions[new] = self._versions.pop(old)
            self._in_some_order(lambda: self._path(old).rename(self._path(new)), self._write_main)

    def _check_out(self, _tool: Tool) -> None:
        """All files at once, as another branch has them."""
        lock = self._folder / ".git" / "index.lock"
        lock.parent.mkdir(exist_ok=True)
        lock.touch()
        for name in self._versions:
            self._raise(name)
        self._broken.clear()
        lock.unlink()

    def _restart(self, tool: Tool) -> None:
        tool.send(signal.SIGHUP)

    def _kill(self, tool: Tool) -> None:
        """The worker is dead: another one is started, if that has been often, when something is saved."""
        self._strike(tool, signal.SIGKILL)

    def _freeze(self, tool: Tool) -> None:
        """The worker does nothing any more: the next save has it replaced, after the grace period."""
        self._frozen += self._strike(tool, signal.SIGSTOP)

    def _strike(self, tool: Tool, number: int) -> list[int]:
        self.ledger.excused = True
        with suppress(OSError, ValueError, http.client.HTTPException):
            pid = int(json.loads(tool.get())["pid"])
            os.kill(pid, number)
            self._raise("value")
            return [pid]
        return []

    # -- files ---------------------------------------------------------------------------------------------------------

    def _any(self) -> str:
        return self._chance.choice([*self._versions])

    def _part(self) -> str:
        parts = [name for name in self._versions if name not in FILES]
        return self._chance.choice(parts) if len(parts) > 1 else ""

    def _raise(self, name: str) -> None:
        self._versions[name] += 1
        self._write(name)

    def _mend(self) -> None:
        for name in sorted(self._broken):
            self._write(name)

    def _in_some_order(self, *steps: Callable[[], object]) -> None:
        for step in self._chance.sample(steps, len(steps)):
            step()
            time.sleep(self._chance.choice((0.0, 0.0, 0.01, 0.05)))

    def _path(self, name: str) -> Path:
        return self._folder / FILES.get(name, f"{name}.py")

    def _write(self, name: str) -> None:
        self._broken.discard(name)
        number = self._versions[name]
        text = TEXTS[name].format(number) if name in TEXTS else PART.format("." * self._chance.randrange(4), number)
        self._put(self._path(name), text)

    def _write_main(self) -> None:
        parts = [name for name in self._versions if name not in FILES]
        calls = "".join(f', "{name}": {name}.word()' for name in parts)
        imports = "\n".join(f"import {name}" for name in parts)
        self._put(self._folder / "main.py", MAIN.format(imports=imports, calls=calls))

    def _put(self, path: Path, text: str) -> None:
        """As editors do: in place, over a temporary file, or aside and anew."""
        way = self._chance.randrange(3)
        if way == 0:
            path.write_text(text)
            return
        temporary = path.with_suffix(".tmp")
        temporary.write_text(text)
        if way == 2 and path.exists():
            path.rename(path.with_suffix(".bak"))
        temporary.replace(path)


def _figures(pid: int) -> Counter[str]:
    """What a supervisor holds, and how many processes there are below it."""
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    below, waiting = 0, [pid]
    while waiting:
        waiting += (found := children(waiting.pop()))
        below += len(found)
    return Counter({
        "threads": int(fields["Threads"]), "kilobytes": int(fields["VmRSS"].split()[0]),
        "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())), "processes": below,
    })  # fmt: skip


def _grown(usual: Counter[str], last: Counter[str]) -> list[str]:
    """What is more than it was; a zygote, what it takes with it, and a few others may be there or not."""
    return [
        f"{name} grew from {usual[name]} to {last[name]}"
        for name in usual
        if last[name] > usual[name] * 1.1 + (4096 if name == "kilobytes" else 4)
    ]


def main(arguments: list[str] | None = None) -> int:
    """Print what was found; 1 if something was wrong."""
    parser = argparse.ArgumentParser(prog="scripts/soak --siege", description=__doc__)
    parser.add_argument("--siege", action="store_true", help="this one")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same seed, the same deeds")
    parser.add_argument("--no-zygote", action="store_true", help="no worker is forked from a process with libraries")
    options = parser.parse_args(arguments)
    say(f"seed {options.seed}")
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base).resolve() / "project"
        folder.mkdir()
        siege = Siege(folder, options.seed, environment(Path(base, "cache"), warm=not options.no_zygote))
        siege.lay(60 * options.minutes)
    for fault in siege.ledger.faults[:10]:
        say(fault)
    say(f"{dict(siege.ledger.counts)}; {len(siege.ledger.faults)} faults; --seed {options.seed}")
    return 1 if siege.ledger.faults else 0


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        raise SystemExit(main())
