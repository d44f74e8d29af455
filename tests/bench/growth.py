"""What grows with a project, and how fast: first-party modules, and files in what is watched.

A real tree on the disk, a process that imports it and watches it, real saves. `--modules` and `--files` say which
sizes; `--svg FILE` draws them. 100 and 1,000 modules, 1,000 and 20,000 files take two minutes; 10,000 modules and
200,000 files ten more, 1.5 GB of memory and 1.5 GB on the disk for as long as it runs.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench import forest
from tests.bench.plot import Panel, plot
from tests.bench.served import environment, rows

MODULES = (100, 1000)
FILES = (1000, 20_000)
AMONG_FILES = 100  # modules, where the files are counted
DRAWN = {
    "modules": {
        "import": "import",
        "start to watch": "start to watch",
        "leaf, a function": "function in a leaf",
        "hub, a function": "function in a hub",
        "leaf, a constant": "constant in a leaf",
        "hub, a constant": "constant in a hub",
    },
    "files": {
        "start to watch": "start to watch",
        "learn contents, idle": "contents, when idle",
        "leaf, a function": "function in a leaf",
    },
}
"""What the plot shows, and how that is called there."""
Measures = dict[str, float | None]


async def measure(rounds: int, *, modules: Sequence[int] = MODULES, files: Sequence[int] = FILES) -> dict[str, Any]:
    """Each size in a tree and a process of its own."""
    found: dict[str, Any] = {"modules": {}, "files": {}}
    for count in modules:
        found["modules"][str(count)] = _grown(count, 0, rounds, forest.EDITS)
    for count in files:
        found["files"][str(count)] = _grown(AMONG_FILES, count, rounds, ["leaf, a function"])
    found["exponents"] = {axis: _exponents(found[axis]) for axis in ("modules", "files")}
    return found


def _grown(modules: int, files: int, rounds: int, kinds: Iterable[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as base:
        folder = forest.plant(Path(base, "tree"), modules, files)
        edits = {kind: (forest.EDITS[kind][0], [forest.text(kind, n + 1) for n in range(rounds)]) for kind in kinds}
        for with_us in (False, True):  # bytecode is written
            _asked(folder, with_us=with_us)
        without = _asked(folder, with_us=False)
        found = _asked(folder, with_us=True, edits=edits)
    return {"without": without, **found}


def _asked(folder: Path, *, with_us: bool, edits: Mapping[str, object] | None = None) -> dict[str, Any]:
    order = json.dumps({"folder": str(folder), "with us": with_us, "edits": edits or {}})
    where = environment() | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", "from tests.bench.embedded import main; main()"]
    run = subprocess.run(command, cwd=folder, env=where, input=order, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)  # type: ignore[no-any-return]


def measures(found: Mapping[str, Any]) -> Measures:
    """The figures of one size by name: milliseconds, megabytes."""
    shown: Measures = {
        "import without us": 1000 * found["without"]["import"],
        "import": 1000 * found["import"],
        "read ahead, idle": 1000 * found["read ahead"],
        "start to watch": 1000 * found["start"],
        "start to watch, wall": 1000 * found["start, wall"],
        "learn contents, idle": 1000 * found["learn"],
    }
    for kind, edits in found["edits"].items():
        done = [edit for edit in edits if edit["status"] == "reloaded"]
        later = done[1:] or done
        shown |= {
            kind: _ms(later, "processor"),
            f"{kind}: of that the plan": 1000 * found["plans"][kind],
            f"{kind}: to the report, wall": _ms(later, "wall"),
            f"{kind}: statements": statistics.median(edit["executed"] for edit in later) if later else None,
        }
    shown |= {
        "memory without us, MB": found["without"]["memory"] / 1e6,
        "memory, imported, MB": found["memory, imported"] / 1e6,
        "memory, watched and read ahead, MB": found["memory"] / 1e6,
        "memory after the edits, MB": found["memory, edited"] / 1e6,
        "watches": found["watches"],
        "idle, % of a processor": 100 * found["idle"],
    }
    return shown


def _ms(found: Sequence[Mapping[str, float]], name: str) -> float | None:
    return 1000 * statistics.median(one[name] for one in found) if found else None


def exponent(sizes: Sequence[float], values: Sequence[float | None]) -> float | None:
    """The power of the size that the values grow with: the slope of the straight line nearest to their logarithms."""
    points = [(math.log(size), math.log(value)) for size, value in zip(sizes, values, strict=True) if value]
    if len({x for x, _ in points}) < 2:
        return None
    return statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope


def _exponents(found: Mapping[str, Any]) -> dict[str, float | None]:
    sizes = [float(size) for size in found]
    by_size = [measures(one) for one in found.values()]
    return {name: exponent(sizes, [one[name] for one in by_size]) for name in (by_size[0] if by_size else ())}


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    return "## Growth\n\n" + "\n".join(
        _table(axis, figures[axis], figures["exponents"][axis]) for axis in ("modules", "files") if figures[axis]
    )


def _table(axis: str, found: Mapping[str, Any], exponents: Mapping[str, float | None]) -> str:
    by_size = [measures(one) for one in found.values()]
    head = (f"{axis}; ms of processor time", *(f"{int(size):,}" for size in found), "exponent")
    body = [(name, *(_shown(one[name]) for one in by_size), _shown(exponents[name])) for name in by_size[0]]
    return rows(head, body)


def picture(figures: dict[str, Any]) -> str:
    """The figures as a plot."""
    return plot(
        "Milliseconds of processor time, by the size of the project",
        [
            _panel(axis, title, figures[axis], figures["exponents"][axis])
            for axis, title in (("modules", "first-party modules"), ("files", "files that are watched, 100 modules"))
            if figures[axis]
        ],
    )


def _panel(axis: str, title: str, found: Mapping[str, Any], exponents: Mapping[str, float | None]) -> Panel:
    by_size = [measures(one) for one in found.values()]
    lines = {label: [one[name] for one in by_size] for name, label in DRAWN[axis].items()}
    powers = {label: exponents[name] for name, label in DRAWN[axis].items()}
    return Panel(title, [float(size) for size in found], lines, powers)


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
