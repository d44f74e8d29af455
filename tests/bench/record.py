"""What recording costs at import: 1,000 modules of several shapes and two libraries, with and without an optimizer."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.bench import apply
from tests.bench.served import environment, rows

MODULES = 1000
WIDTH = 100  # modules of a layer; each imports from the layer below
LIBRARIES = ("pandas", "sqlalchemy")
WAYS = ("without", "with us")
IMPORT = """
import json, sys, time
import pepperpy_reload  # on both ways: what it has loaded is there already for whoever is timed
sys.path.insert(0, sys.argv[1])
optimizer = pepperpy_reload.ImportOptimizer(pepperpy_reload.ModuleManager())
if sys.argv[3] == "with us":
    optimizer.install()
began = time.process_time()
__import__(sys.argv[2])
imported = time.process_time()
optimizer.get_import_profiles()
print(json.dumps([imported - began, time.process_time() - imported]))
"""
HEAD = '''"""Module {number} of the layer {layer}: what it does is told here, in a few words."""

from __future__ import annotations

import logging
import os
{imports}

logger = logging.getLogger(__name__)

LIMIT_{number} = {number} + 1
NAMES_{number} = ("first", "second", "third")
TABLE_{number} = {{"path": os.sep, "limit": LIMIT_{number}}}
'''
FUNCTIONS = '''

def read_{number}(path: str, limit: int = LIMIT_{number}) -> list[str]:
    """The lines of a file, not more than so many."""
    with open(path) as file:
        return [line.rstrip() for line, _ in zip(file, range(limit))]


def check_{number}(values: list[int], *, strict: bool = False) -> bool:
    """Whether all values are below the limit."""
    if strict and not values:
        raise ValueError("there is nothing to be checked")
    return all(value < LIMIT_{number} for value in values)


def total_{number}(values: list[int]) -> int:
    """The sum of all that are positive."""
    result = 0
    for value in values:
        if value > 0:
            result += value
        else:
            logger.debug("left out: %s", value)
    return result


class Thing{number}:
    """Something that is asked for its name."""

    kind = "thing"

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked = 0

    def ask(self) -> str:
        """The name."""
        self.asked += 1
        return self.name

    def __repr__(self) -> str:
        return f"Thing{number}({{self.name!r}})"
'''
CLASSES = '''

def field_of(name: str, *, wide: bool = False) -> dict[str, object]:
    """What is said of a field."""
    return {{"name": name, "wide": wide}}


def registered(kind: type) -> type:
    """A class decorator that runs while the module does."""
    REGISTRY[kind.__name__] = kind
    return kind


REGISTRY: dict[str, type] = {{}}
FIELDS_{number} = [field_of(name) for name in NAMES_{number}]
PATTERN_{number} = re.compile(r"(\\w+)-(\\d+)")


@dataclass
class Point{number}:
    """Where something is."""

    x: int = 0
    y: int = 0
    names: list[str] = field(default_factory=list)

    def moved(self, by: int) -> Point{number}:
        """The same place, further on."""
        return Point{number}(self.x + by, self.y + by, self.names)


class Colour{number}(Enum):
    """Which one."""

    RED = 1
    GREEN = 2


@registered
class Handler{number}:
    """Does what it is told."""

    fields = FIELDS_{number}

    @property
    def pattern(self) -> re.Pattern[str]:
        """What is looked for."""
        return PATTERN_{number}

    @staticmethod
    def make(name: str) -> Point{number}:
        """A new one."""
        return Point{number}(names=[name])


DEFAULT_{number} = Handler{number}.make("default")
'''
CLASS_IMPORTS = "import re\nfrom dataclasses import dataclass, field\nfrom enum import Enum"
SHAPES = {"functions": (FUNCTIONS,), "classes": (CLASSES,), "both in turn": (FUNCTIONS, CLASSES)}
TINY = "a few lines each"


def write(folder: Path, bodies: tuple[str, ...]) -> Path:
    """An app of a thousand modules in packages, a layer each; a module imports five of the layer below, in all ways."""
    folder.mkdir()
    for number in range(MODULES):
        layer, place = divmod(number, WIDTH)
        package = folder / "app" / f"layer{layer}"
        package.mkdir(parents=True, exist_ok=True)
        body = bodies[number % len(bodies)]
        imports = [] if body is FUNCTIONS else [CLASS_IMPORTS]
        if layer:
            below = [(place + step) % WIDTH for step in (0, 1, 7, 31, 63)]
            first, second, third, fourth, fifth = (f"part{one}" for one in below)
            at = (layer - 1) * WIDTH
            imports += [
                f"from app.layer{layer - 1} import {first}, {second}",
                f"from app.layer{layer - 1}.{third} import LIMIT_{at + below[2]}, NAMES_{at + below[2]}",
                f"from ..layer{layer - 1}.{fourth} import TABLE_{at + below[3]}",
                f"import app.layer{layer - 1}.{fifth} as other",
            ]
        text = (HEAD + body).format(number=number, layer=layer, imports="\n".join(imports))
        (package / f"part{place}.py").write_text(text)
    top = f"layer{(MODULES - 1) // WIDTH}"
    for package in (folder / "app").iterdir():
        (package / "__init__.py").write_text('"""A layer."""\n')
    (folder / "app" / "__init__.py").write_text('"""The app."""\n')
    (folder / "main.py").write_text("\n".join(f"from app.{top} import part{place}" for place in range(WIDTH)) + "\n")
    return folder


async def measure(rounds: int) -> dict[str, Any]:
    """Each shape and library in turn; of the packages each way has its own, for bytecode is not the same."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as base:
        for index, shape in enumerate((TINY, *SHAPES)):
            folders = {way: Path(base, f"{way} {index}") for way in WAYS}
            for folder in folders.values():
                if shape == TINY:
                    apply.write(folder, MODULES)
                else:
                    write(folder, SHAPES[shape])
            found[f"{MODULES} modules: {shape}"] = _measure(folders, "main", rounds)
        for name in LIBRARIES:
            if find_spec(name) is not None:
                found[name] = _measure(dict.fromkeys(WAYS, Path(base)), name, rounds)
    return found


def _measure(folders: dict[str, Path], name: str, rounds: int) -> dict[str, float]:
    """Processor time in milliseconds, each in a process of its own, in turn; the first round writes bytecode."""
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    asked: list[float] = []
    for number in range(rounds + 1):
        for way in WAYS if number % 2 else reversed(WAYS):
            imported, answered = _import(folders[way], name, way)
            if number:
                times[way].append(1000 * imported)
                if way == WAYS[1]:
                    asked.append(1000 * answered)
    ratios = [ours / plain for plain, ours in zip(*times.values(), strict=True)]
    return {
        **{way: round(statistics.median(one), 1) for way, one in times.items()},
        "ratio": round(statistics.median(times[WAYS[1]]) / statistics.median(times[WAYS[0]]), 3),
        "ratio in a round": round(statistics.median(ratios), 3),
        "asked": round(statistics.median(asked), 1),
    }


def _import(folder: Path, name: str, way: str) -> list[float]:
    where = environment() | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", IMPORT, str(folder), name, way]
    run = subprocess.run(command, cwd=folder, env=where, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)  # type: ignore[no-any-return]


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    version = ".".join(map(str, sys.version_info[:2]))
    head = (f"Python {version}", *WAYS, "", "round by round", "first question, ms")
    body = [
        (name, one["without"], one["with us"], _more(one["ratio"]), _more(one["ratio in a round"]), one["asked"])
        for name, one in figures.items()
    ]
    note = (
        "Imports in fresh processes, bytecode warm: median processor time, ms. The first question is for all profiles\n"
        "and the graph: what is recorded is put in order only then.\n\n"
    )
    return f"## Recording\n\n{note}" + rows(head, body)


def _more(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f} %"
