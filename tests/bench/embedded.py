"""A process of `scripts/bench growth`: it imports a tree, watches it, edits it, and waits for each reload.

It loads nothing else: what it takes of memory is its own, the tree's and ours.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pepperpy_reload
from pepperpy_reload import ReloadReport, ReloadStatus

PATIENCE = 120.0
STEP, STEPS = 0.06, 4  # so often in succession so many seconds without work: the process rests, and waits for no disk
IDLE = 5.0
Report = tuple[float, ReloadReport]


def plain(folder: Path) -> dict[str, float]:
    """What it takes to import the tree without us."""
    before = memory()
    used = timed(lambda: __import__("main"))[1]
    return {"import": used, "memory": memory() - before}


def watched(folder: Path, edits: dict[str, tuple[str, list[str]]]) -> dict[str, Any]:
    """What it takes to import it, to begin to watch it, and each edit: seconds, bytes."""
    found: dict[str, Any] = {}
    before = memory()
    reports: SimpleQueue[Report] = SimpleQueue()
    optimizer = pepperpy_reload.ImportOptimizer(pepperpy_reload.ModuleManager()).install()
    reloader = pepperpy_reload.Reloader(
        optimizer, roots=[folder], on_report=lambda report: reports.put((time.perf_counter(), report))
    )
    found["import"] = timed(lambda: __import__("main"))[1]
    found["memory, imported"] = memory() - before
    if not edits:
        return found
    found["read ahead"] = timed(lambda: list(reloader.read_ahead()))[1]
    found["plans"] = {kind: _plan(reloader, folder / file, texts[0]) for kind, (file, texts) in edits.items()}
    found["start, wall"], found["start"] = timed(reloader.start)
    found["learn"] = rested()
    found["watches"] = watches()
    found["memory"] = memory() - before
    found["idle"] = timed(lambda: time.sleep(IDLE))[1] / IDLE
    found["edits"] = {kind: _edits(folder / file, texts, reports) for kind, (file, texts) in edits.items()}
    found["memory, edited"] = memory() - before
    reloader.stop()
    return found


def _plan(reloader: pepperpy_reload.Reloader, path: Path, text: str) -> float:
    """What it takes to read an edit and to plan it; nobody is watching yet."""
    before = path.read_text()
    path.write_text(text)
    reloader.explain(path)
    times = [timed(lambda: reloader.explain(path))[1] for _ in range(3)]
    path.write_text(before)
    return min(times)


def _edits(path: Path, texts: list[str], reports: SimpleQueue[Report]) -> list[dict[str, Any]]:
    """Save one text after the other, each when the one before is done with; a restart is the last."""
    found: list[dict[str, Any]] = []
    for text in texts:
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(text)
        began, used = time.perf_counter(), time.process_time()
        temporary.replace(path)
        at, report = reports.get(timeout=PATIENCE)
        while report.status is ReloadStatus.UNCHANGED:
            at, report = reports.get(timeout=PATIENCE)
        rested()
        found.append(
            {
                "status": report.status.value,
                "why": report.reason or str(report.error or ""),
                "wall": at - began,
                "processor": time.process_time() - used,
                "executed": len(report.ran),
                "patched": len(report.patched),
                "phases": dict(report.phases),
            }
        )
        if report.status is not ReloadStatus.RELOADED:
            break
    return found


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, of the wall's clock and of the processor's."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - used


def rested() -> float:
    """Wait until the process works no more; the seconds of processor time that this took it."""
    began = before = time.process_time()
    quiet = 0
    while quiet < STEPS:
        time.sleep(STEP)
        now = time.process_time()
        quiet = quiet + 1 if now - before < STEP / 100 else 0
        before = now
    return before - began


def memory() -> int:
    """Bytes that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def watches() -> int:
    """The inotify watches of this process."""
    found = 0
    for file in Path("/proc/self/fdinfo").iterdir():
        try:
            found += file.read_text().count("inotify wd:")
        except OSError:  # that of the listing itself
            continue
    return found


def main() -> None:
    """Do what is asked on standard input, and answer on standard output."""
    order = json.loads(sys.stdin.read())
    folder = Path(order["folder"])
    sys.path.insert(0, str(folder))
    found = watched(folder, order["edits"]) if order["with us"] else plain(folder)
    print(json.dumps(found))  # noqa: T201
