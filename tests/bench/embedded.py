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
STEP = 0.06  # seconds without work after which a process rests: a batch is complete after less
IDLE = 5.0
Report = tuple[float, ReloadReport]


def plain(folder: Path) -> dict[str, float]:
    """What the tree takes without us."""
    sys.path.insert(0, str(folder))
    before = memory()
    wall, used = timed(lambda: __import__("main"))
    return {"import": wall, "import, processor": used, "memory": memory() - before}


def watched(folder: Path, rounds: int, edits: dict[str, tuple[str, list[str]]]) -> dict[str, Any]:
    """What it takes to import it, to begin to watch it, and each edit: seconds, bytes."""
    sys.path.insert(0, str(folder))
    found: dict[str, Any] = {}
    before = memory()
    reports: SimpleQueue[Report] = SimpleQueue()
    optimizer = pepperpy_reload.ImportOptimizer(pepperpy_reload.ModuleManager()).install()
    reloader = pepperpy_reload.Reloader(
        optimizer, roots=[folder], on_report=lambda report: reports.put((time.perf_counter(), report))
    )
    found["import"], found["import, processor"] = timed(lambda: __import__("main"))
    found["memory, imported"] = memory() - before
    found["start"], found["start, processor"] = timed(reloader.start)
    found["learn, processor"] = rested()
    found["memory"] = memory() - before
    found["watches"] = watches()
    found["idle, processor"] = timed(lambda: time.sleep(IDLE))[1] / IDLE
    found["edits"] = {kind: _edits(folder / file, texts, reports) for kind, (file, texts) in edits.items()}
    found["memory, edited"] = memory() - before
    reloader.stop()
    found["plans"] = {kind: _plan(reloader, folder / file, texts[-1]) for kind, (file, texts) in edits.items()}
    return found


def _plan(reloader: pepperpy_reload.Reloader, path: Path, text: str) -> float:
    """What it takes to read an edit that is the opposite of the last one, and to plan it; nobody is watching."""
    before = path.read_text()
    path.write_text(text if text != before else text.replace("= 1", "= 0").replace("return 1", "return 0"))
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
    while True:
        time.sleep(STEP)
        now = time.process_time()
        if now - before < STEP / 20:
            return before - began
        before = now


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
    found = watched(folder, order["rounds"], order["edits"]) if order["edits"] else plain(folder)
    print(json.dumps(found))  # noqa: T201
