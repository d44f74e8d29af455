"""One `apply` in generated packages of several sizes; no server, no watcher."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import sizes
from tests.bench.served import environment, rows, spread

SIZES = (10, 100, 300, 1000)
EDITS = {
    "a function": ("handlers.py", "def body():\n    return {}\n"),
    "a constant, ten layers": ("leaf.py", "VERSION = {}\n"),
    "a new function": ("handlers.py", "def body():\n    return 0\n\n\ndef added{0}():\n    return {0}\n"),
    "a hub": ("hub.py", "LIMIT = {}\n\n\ndef ask():\n    return LIMIT\n"),
}
APPLY = """
import importlib, json, pathlib, sys, time
folder, rounds, edits = pathlib.Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
sys.path.insert(0, str(folder))

def own():
    return [name for name, one in sys.modules.items() if str(getattr(one, "__file__", "")).startswith(str(folder))]

def timed(work):
    began, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - used

def again():
    for name in own():
        del sys.modules[name]
    importlib.invalidate_caches()
    importlib.import_module("main")

import main
figures = {"import again": [timed(again) for _ in range(rounds)]}
for name in own():
    del sys.modules[name]
from pepperpy_reload import ImportOptimizer, ModuleManager, Reloader
optimizer = ImportOptimizer(ModuleManager()).install()
reloader = Reloader(optimizer, roots=[folder], on_report=lambda report: None)
importlib.import_module("main")
reports = []
for kind, (file, text) in edits.items():
    figures[kind] = []
    for number in range(1, rounds + 1):
        (folder / file).write_text(text.format(number))
        figures[kind].append(timed(lambda: reports.append(reloader.apply(folder / file))))
        assert reports[-1].status == "reloaded", reports[-1]
print(json.dumps(figures))
"""


def write(folder: Path, modules: int) -> Path:
    """The app of `sizes`, in which every module of a layer asks a hub, too."""
    sizes.write(folder, modules)
    (folder / "hub.py").write_text(EDITS["a hub"][1].format(0))
    for path in folder.glob("layer*.py"):
        path.write_text(f"import hub\n{path.read_text()}\n\ndef ask():\n    return hub.ask()\n")
    return folder


async def measure(rounds: int) -> dict[str, Any]:
    """Edits by the size of the package."""
    with tempfile.TemporaryDirectory() as base:
        return {str(size): _applied(write(Path(base, f"of-{size}"), size), max(rounds, 20)) for size in SIZES}


def _applied(folder: Path, rounds: int) -> dict[str, Any]:
    found = json.loads(_run(folder, APPLY, str(folder), str(rounds), json.dumps(EDITS)))
    return {
        kind: {**spread(wall for wall, _ in times), "processor": spread(used for _, used in times)["median"]}
        for kind, times in found.items()
    }


def _run(folder: Path, code: str, *arguments: str) -> str:
    where = environment() | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, env=where, capture_output=True, text=True, check=True).stdout.strip()


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    head = ("modules", *EDITS, "all imported again, ms")
    body = [_row(size, found) for size, found in figures.items()]
    note = "One `apply`: median / 95 %, ms; in brackets, processor time as a part of importing all again.\n\n"
    return f"## Apply\n\n{note}{rows(head, body)}"


def _row(size: str, found: dict[str, Any]) -> tuple[object, ...]:
    again = found["import again"]
    shown = [
        f"{found[kind]['median']:g} / {found[kind]['p95']:g} ({found[kind]['processor'] / again['processor']:.2f})"
        for kind in EDITS
    ]
    return (size, *shown, f"{again['median']:g}")
