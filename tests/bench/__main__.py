"""`scripts/bench`: figures as a Markdown report, and with `--json FILE` as JSON.

`scripts/bench commits REPOSITORY PACKAGE` takes the last commits of a repository, as many as `--rounds` says.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench import apply, commits, cost, edits, growth, imports, record, replaced, restarts, sizes, stale, switches

PACKAGES = ("pepperpy-reload", "uvicorn", "fastapi", "flask", "a2wsgi", "watchdog")
MODULES = {
    "edits": edits,
    "sizes": sizes,
    "apply": apply,
    "record": record,
    "imports": imports,
    "stale": stale,
    "cost": cost,
    "restarts": restarts,
    "switches": switches,
    "replaced": replaced,
    "growth": growth,
}
PARTS = {name: module.measure for name, module in MODULES.items()}
TABLES = {name: module.table for name, module in MODULES.items()}


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; without one: all")
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file, too; - is standard output")
    parser.add_argument("--rounds", type=int, default=20, help="how often everything is repeated (default: 20)")
    parser.add_argument("--workers", type=int, default=1, help="of switches: how many workers serve (default: 1)")
    parser.add_argument("--modules", type=_sizes, default=growth.MODULES, help="of growth: numbers of modules")
    parser.add_argument("--files", type=_sizes, default=growth.FILES, help="of growth: numbers of files")
    parser.add_argument("--svg", metavar="FILE", help="of growth: draw the figures")
    given = parser.parse_args()
    history = given.parts[1:] if given.parts[:1] == ["commits"] else []
    if history:
        if len(history) != 2:
            parser.error("commits of which repository, and of which package?")
        found = commits.measure(history[0], history[1], given.rounds)
        say(commits.table(found))
        write(found, given.json)
        return
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    figures: dict[str, Any] = {"machine": machine()}
    say("".join(f"* {name}: {value}\n" for name, value in figures["machine"].items()))
    more = {"switches": {"workers": given.workers}, "growth": {"modules": given.modules, "files": given.files}}
    for name in given.parts or PARTS:
        figures[name] = asyncio.run(PARTS[name](given.rounds, **more.get(name, {})))
        say(TABLES[name](figures[name]))
    write(figures, given.json)
    if given.svg and "growth" in figures:
        Path(given.svg).write_text(growth.picture(figures["growth"]))


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",") if size]


def write(figures: dict[str, Any], to: str | None) -> None:
    """The figures as JSON, to a file or to standard output."""
    if to == "-":
        say(json.dumps(figures, indent=1))
    elif to:
        Path(to).write_text(json.dumps(figures, indent=1) + "\n")


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
