"""What `profile` tells, beside what others tell: `-X importtime`, grimp, and what is left once an import is taken out.

Times of two programs are compared by the least of each module over the rounds: what else the machine does only adds.
"""

from __future__ import annotations

import ast
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pepperpy_reload.core.costs import ROOT
from pepperpy_reload.profiling import run
from pepperpy_reload.profiling.run import IMPORTING, child_command, profile
from tests.bench.served import environment, rows

TARGETS = {
    "django": "import django.core.handlers.wsgi, django.db.models, django.contrib.auth.hashers",
    "fastapi": "import fastapi",
    "pandas": "import pandas",
    "sqlalchemy": "import sqlalchemy",
}
GRAPHS = ("rich", "fastapi", "sqlalchemy")
REMOVED = (
    "numpy",
    "pandas",
    "sqlalchemy",
    "fastapi",
    "starlette",
    "pydantic",
    "asyncio",
    "django.http",
    "email.message",
)
_OF_THE_INTERPRETER = ("linecache", "gc")
"""What 3.13 imports itself, before a script and after it."""
NOTABLE = 0.002  # seconds: below it a time says nothing
THREADS = """
import threading
threads = [threading.Thread(target=__import__, args=(name,)) for name in ("sqlalchemy", "pandas")]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
EVERYTHING = """
import importlib, json, pkgutil, sys
seen, package = set(), sys.argv[1]
def line(code, number):
    seen.add((code.co_filename, number))
    return sys.monitoring.DISABLE
def start(code, offset):
    if code.co_name == "<module>":
        sys.monitoring.set_local_events(3, code, sys.monitoring.events.LINE)
    return sys.monitoring.DISABLE
if len(sys.argv) > 2:
    sys.monitoring.use_tool_id(3, "lines")
    sys.monitoring.register_callback(3, sys.monitoring.events.LINE, line)
    sys.monitoring.register_callback(3, sys.monitoring.events.PY_START, start)
    sys.monitoring.set_events(3, sys.monitoring.events.PY_START)
home = importlib.import_module(package)
for one in pkgutil.walk_packages(home.__path__, package + "."):
    if not one.name.endswith("__main__"):
        try:
            importlib.import_module(one.name)
        except BaseException:
            pass
if len(sys.argv) > 2:
    print(json.dumps(sorted(seen)), file=open(sys.argv[2], "w"))
"""


async def measure(rounds: int) -> dict[str, Any]:
    """All of it."""
    with tempfile.TemporaryDirectory(prefix="pepperpy-reload-bench-") as folder:
        there = {name: text for name, text in TARGETS.items() if find_spec(name)}
        return {
            "agreement": {name: _agreement(text, Path(folder), rounds) for name, text in there.items()},
            "threads": _negative(THREADS, Path(folder)) if {"sqlalchemy", "pandas"} <= there.keys() else None,
            "by name": _missing_root("import importlib; importlib.import_module('sqlalchemy')", Path(folder)),
            "removed": _removals(Path(folder), rounds),
            "grimp": {name: _beside_grimp(name, Path(folder)) for name in GRAPHS if find_spec(name)},
            "overhead": {name: _overhead(name, rounds) for name in ("pandas", "sqlalchemy") if find_spec(name)},
        }


def _importtime(script: Path) -> list[tuple[str, float, float]]:
    """What `-X importtime` tells: name, self and cumulative seconds, in its order."""
    line = [sys.executable, "-P", "-X", "importtime", str(script)]
    told = subprocess.run(line, env=environment(), capture_output=True, text=True, check=True).stderr
    found = []
    for row in told.splitlines():
        if row.startswith("import time:") and "[us]" not in row:
            own, cumulative, name = row.removeprefix("import time:").split("|")
            found.append((name.strip(), int(own) / 1e6, int(cumulative) / 1e6))
    begun = [name for name, _, _ in found].index("site") + 1
    return [one for one in found[begun:] if one[0] not in _OF_THE_INTERPRETER]


def _profile(script: Path) -> dict[str, Any]:
    line = [sys.executable, "-m", "pepperpy_reload", "profile", "--json", str(script)]
    done = subprocess.run(line, env=environment(), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _agreement(text: str, folder: Path, rounds: int) -> dict[str, Any]:
    script = folder / "script.py"
    script.write_text(f"{text}\n")
    theirs: list[dict[str, float]] = []
    ours: list[dict[str, float]] = []
    for _ in range(rounds):
        theirs.append({name: cumulative for name, _, cumulative in _importtime(script)})
        seen: dict[str, float] = {}
        for one in _profile(script)["modules"]:
            seen.setdefault(one["module"], one["cumulative"])
        ours.append(seen)
    compared = [_least(ours, name) / least for name in theirs[0] if (least := _least(theirs, name)) >= NOTABLE]
    halves = [
        _least(theirs[::2], name) / least for name in theirs[0] if (least := _least(theirs[1::2], name)) >= NOTABLE
    ]
    return {
        "modules": len(theirs[0]),
        "only importtime": sorted(theirs[0].keys() - ours[0].keys()),
        "only ours": sorted(ours[0].keys() - theirs[0].keys()),
        "ratio": statistics.median(compared),
        "ratios": _spread(compared),
        "noise": _spread(halves),
        "compared": len(compared),
    }


def _least(times: Sequence[dict[str, float]], name: str) -> float:
    return min((one[name] for one in times if name in one), default=0.0)


def _spread(ratios: Sequence[float]) -> list[float]:
    """Where the middle nine tenths lie."""
    cut = statistics.quantiles(ratios, n=20)
    return [cut[0], cut[-1]]


def _negative(text: str, folder: Path) -> dict[str, int]:
    """How many modules have a negative time of their own."""
    script = folder / "threads.py"
    script.write_text(text)
    ours = _profile(script)["modules"]
    inside = {one["module"]: ours[one["parent"]]["module"].partition(".")[0] for one in ours if one["parent"] >= 0}
    return {
        "importtime": sum(own < 0 or cumulative < 0 for _, own, cumulative in _importtime(script)),
        "ours": sum(one["self"] < 0 for one in ours),
        "sqlalchemy inside pandas": sum(
            name.startswith("sqlalchemy") and top in ("pandas", "numpy") for name, top in inside.items()
        ),
    }


def _missing_root(text: str, folder: Path) -> dict[str, bool]:
    """Whether a module that is imported by name is told."""
    script = folder / "named.py"
    script.write_text(text)
    return {
        "importtime": "sqlalchemy" in [name for name, _, _ in _importtime(script)],
        "ours": "sqlalchemy" in [one["module"] for one in _profile(script)["modules"]],
    }


def _removals(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """A program of several imports, and the same without one of them: promised, cumulative, and really saved.

    All three are processor time: the profile is given that clock.
    """
    chosen = [name for name in REMOVED if find_spec(name.partition(".")[0])]
    whole = folder / "whole.py"
    whole.write_text("".join(f"import {name}\n" for name in chosen))
    others = {name: folder / f"without_{name.replace('.', '_')}.py" for name in chosen}
    for name, path in others.items():
        path.write_text("".join(f"import {other}\n" for other in chosen if other != name))
    promised: dict[str, list[float]] = {name: [] for name in chosen}
    cumulative: dict[str, list[float]] = {name: [] for name in chosen}
    took: dict[str, list[float]] = {name: [] for name in ("", *chosen)}
    with _processor_clock(folder):
        for _ in range(rounds):
            for name, path in others.items():
                took[name].append(profile(str(path), [], environment()).costs.total)
            costs = profile(str(whole), [], environment()).costs
            took[""].append(costs.total)
            for name in chosen:
                cumulative[name].append(costs.loads[costs.by_name[name]].duration)
                promised[name].append(costs.saved_without(ROOT, name))
    return [
        {
            "module": name,
            "cumulative": min(cumulative[name]),
            "promised": min(promised[name]),
            "saved": min(took[""]) - min(took[name]),
        }
        for name in chosen
    ]


@contextmanager
def _processor_clock(folder: Path) -> Iterator[None]:
    """Profiles tell processor time meanwhile."""
    before, run.CHILD = run.CHILD, folder / "child.py"
    text = before.read_text()
    assert "time.perf_counter_ns" in text
    run.CHILD.write_text(text.replace("time.perf_counter_ns", "time.thread_time_ns"))
    try:
        yield
    finally:
        run.CHILD = before


def _beside_grimp(package: str, folder: Path) -> dict[str, Any]:
    """Edges that grimp finds at module level, whose line was executed, and what we tell of them; and the other way."""
    import grimp  # the only one who needs it

    script = folder / "everything.py"
    script.write_text(EVERYTHING)
    lines = folder / "lines.json"
    subprocess.run(
        [sys.executable, str(script), package, str(lines)], env=environment(), check=True, capture_output=True
    )
    executed = {(file, line) for file, line in json.loads(lines.read_text())}
    named = folder / "all_of_it.py"
    named.write_text(EVERYTHING.replace("sys.argv[1]", repr(package)).replace("len(sys.argv) > 2", "False"))
    ours = {(one["importer"], one["imported"]): one for one in _profile(named)["edges"]}
    graph = grimp.build_graph(package, include_external_packages=False)
    theirs = {
        (one["importer"], one["imported"]): (_file_of(one["importer"]), one["line_number"])
        for module in sorted(graph.modules)
        for imported in graph.find_modules_directly_imported_by(module)
        for one in graph.get_import_details(importer=module, imported=imported)
    }
    ran = {edge for edge, place in theirs.items() if place in executed}
    worked = {edge for edge, one in ours.items() if not one["failed"]}
    own = {edge for edge in worked if all(one.partition(".")[0] == package for one in edge)}
    extra = own - theirs.keys()
    above = {edge for edge in extra if f"{edge[0]}.".startswith(f"{edge[1]}.") or _is_on_the_way(edge, own)}
    by_name = {edge for edge in extra - above if not _is_statement(ours[edge]["file"], ours[edge]["line"])}
    return {
        "grimp": len(theirs),
        "ran": len(ran),
        "found": len(ran & worked),
        "found, but it failed": sorted(map(list, ran & (ours.keys() - worked))),
        "missing": sorted(map(list, ran - ours.keys())),
        "extra": len(extra),
        "packages on the way": len(above),
        "by name": len(by_name),
        "unexplained": sorted(
            [*edge, f"{ours[edge]['file']}:{ours[edge]['line']}"] for edge in extra - above - by_name
        ),
    }


def _is_on_the_way(edge: tuple[str, str], edges: set[tuple[str, str]]) -> bool:
    """Whether the same module imports something inside what it imports: that loads its package first."""
    return any(one == edge[0] and other.startswith(f"{edge[1]}.") for one, other in edges)


def _is_statement(file: str, line: int) -> bool:
    """Whether an import statement stands in a line: what is imported by a name that is made up has none."""
    nodes = (
        one for one in ast.walk(ast.parse(Path(file).read_bytes())) if isinstance(one, ast.Import | ast.ImportFrom)
    )
    return any(one.lineno <= line <= (one.end_lineno or one.lineno) for one in nodes)


def _file_of(module: str) -> str:
    package, *rest = module.split(".")
    spec = find_spec(package)
    path = Path((spec.origin if spec is not None else None) or "").parent.joinpath(*rest)
    return str(path / "__init__.py" if path.is_dir() else path.with_suffix(".py"))


def _overhead(name: str, rounds: int) -> dict[str, float]:
    """Processor time of a process that imports it, to that of a plain one, in the same rounds."""
    ways = {"plain": [sys.executable, "-P", "-c", IMPORTING, name]}
    for how in ("timed", "watched"):
        ways[how] = child_command(name, 3, how)
    took: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, line in ways.items():
            took[way].append(_processor_time(line))
    return {
        "plain": min(took["plain"]),
        **{way: min(took[way]) / min(took["plain"]) for way in ("timed", "watched")},
        **{
            f"{way}, median of pairs": statistics.median(
                one / plain for one, plain in zip(took[way], took["plain"], strict=True)
            )
            for way in ("timed", "watched")
        },
    }


def _processor_time(line: list[str]) -> float:
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, 3)]
        pid = os.posix_spawn(line[0], line, environment(), file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
    finally:
        os.close(null)
    assert status == 0, line
    return usage.ru_utime + usage.ru_stime


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    return "\n".join(_tables(found))


def _tables(found: dict[str, Any]) -> Iterator[str]:
    head = ("target", "modules", "only importtime", "only ours", "cumulative, ours / theirs", "90 % of them", "noise")
    yield "## Imports, beside -X importtime\n"
    yield rows(
        head,
        (
            (
                name,
                one["modules"],
                ", ".join(one["only importtime"]) or "none",
                ", ".join(one["only ours"]) or "none",
                f"{one['ratio']:.2f} (median of {one['compared']})",
                _range(one["ratios"]),
                _range(one["noise"]),
            )
            for name, one in found["agreement"].items()
        ),
    )
    yield f"Two threads, negative times: {found['threads']}. Imported by name, is it told: {found['by name']}.\n"
    yield "## An import taken out of a program of several, ms\n"
    figures = ("cumulative", "promised", "saved")
    yield rows(
        ("import", *figures),
        ((one["module"], *(f"{1000 * one[figure]:.1f}" for figure in figures)) for one in found["removed"]),
    )
    yield "## Edges, beside grimp\n"
    names = [*"grimp|ran|found|found, but it failed|missing|extra|packages on the way|by name|unexplained".split("|")]
    yield rows(
        ("package", *names),
        (
            (name, *(len(one[key]) if isinstance(one[key], list) else one[key] for key in names))
            for name, one in found["grimp"].items()
        ),
    )
    for name, one in found["grimp"].items():
        yield from (f"* {name}, missing: {' '.join(edge)}" for edge in one["missing"])
        yield from (f"* {name}, extra: {' '.join(edge)}" for edge in one["unexplained"][:30])
    yield "\n## Processor time of a process that is profiled, to that of a plain one\n"
    ways = ("timed", "watched", "timed, median of pairs", "watched, median of pairs")
    yield rows(
        ("target", "plain, s", *ways),
        (
            (name, f"{one['plain']:.2f}", *(f"{one[way]:.3f}" for way in ways))
            for name, one in found["overhead"].items()
        ),
    )


def _range(ends: Sequence[float]) -> str:
    return f"{ends[0]:.2f}-{ends[1]:.2f}"
