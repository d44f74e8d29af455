"""Thousands of edits in one process: what it holds, and the time that an edit takes, do not grow.

`python -m tests.programs.endurance --edits 10000`, or `scripts/soak --edits 10000`; 1 if either does.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import linecache
import random
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import Counter, deque
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from pepperpy_reload import ImportOptimizer, ModuleManager, Reloader
from pepperpy_reload.core.report import ReloadReport
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger, table
from tests.programs.memory import observed

SETTLED = 500
"""Edits after which everything has been seen once."""
ALLOWED = 0.05
PATIENCE = 1.5
"""How much longer edits may take at the end than at the beginning: the machine has other things to do."""

FILES = {
    "values": "LIMIT = {number}\nNAMES = [{number}, 'a']\nTABLE = {{'limit': LIMIT}}\ndef scaled(x):\n    return x * LIMIT + {body}\n",
    "decorating": """
import functools
calls = {{}}
def counted(function):
    @functools.wraps(function)
    def wrapper(*args):
        calls[function.__name__] = calls.get(function.__name__, 0) + 1 + {body}
        return function(*args)
    return wrapper
def registered(function):
    registry.append(function)
    return function
registry = []
""",
    "shapes": """
import abc, enum, functools
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from values import LIMIT
T = TypeVar("T")
class Shape(abc.ABC):
    size = {number}
    @abc.abstractmethod
    def area(self): ...
    def scaled(self):
        return self.area() * LIMIT + {body}
class Square(Shape):
    def area(self):
        return {body}
    {member}
class Colour(enum.Enum):
    RED = {number}
    BLUE = "b"
@dataclass
class Point(Generic[T]):
    x: int = {number}
    y: list[int] = field(default_factory=list)
    def length(self):
        return self.x + {body}
class Keeping:
    made = []
    def __init_subclass__(cls):
        Keeping.made.append(cls)
class Kept(Keeping):
    value = {number}
Shape.register(Kept)
point = Point()
square = Square()
boxes = Generic[T], Point[int], list[Point]
@functools.singledispatch
def shown(thing):
    return {body}
@shown.register
def _(thing: Square):
    return LIMIT
@functools.lru_cache
def cached(x):
    return x + {body}
cached(1)
""",
    "using": """
import decorating, values, shapes
from decorating import counted, registered
from values import LIMIT, TABLE, scaled
from shapes import Point, Square
{extra}
@counted
def answer(x={number}):
    return scaled(x) + {body}
@registered
def other():
    return LIMIT
def made():
    return lambda: {body}
class Special(Square):
    limit = LIMIT
    def __init__(self):
        super().__init__()
TOTAL = answer(1) + TABLE["limit"]
special, kept = Special(), made()
points = [Point(number) for number in range(3)]
""",
    "main": "import using\nfrom using import TOTAL, answer, special\nSUM = TOTAL + {number}\ndef main():\n    return answer(SUM) + {body}\n",
}
MEMBERS = (
    "",
    "def more(self):\n        return 1",
    "colour = 'red'",
    "@property\n    def half(self):\n        return self.size / 2",
)
EXTRAS = ("", "def extra():\n    return 1", "import added\nfrom added import THING", "EXTRA = [LIMIT]", "import json")
BREAKS = (
    "raise RuntimeError",
    "def (:",
    "import nowhere",
    "from values import MISSING",
    "registry = 1; 1 / 0",
    "raise SystemExit",
)


class Edits:
    """A small program that is edited again and again, always in one of the same ways."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.chance = random.Random(seed)
        self.parts: dict[str, dict[str, Any]] = {
            name: {"number": 1, "body": 1, "member": "", "extra": ""} for name in FILES
        }
        self.names = itertools.count()
        for name in FILES:
            self.write(name)

    def write(self, name: str, broken: str = "") -> str:
        """Write one module as it is now; its path."""
        text = "\n" * self.chance.randrange(300) + FILES[name].format(**self.parts[name])
        path = self.root / f"{name}.py"
        path.write_text(f"{text}\n{broken}\n", encoding="utf-8")
        return str(path)

    def next(self) -> tuple[list[str], bool]:
        """Make an edit: the paths that it concerns, and whether it is broken."""
        name = self.chance.choice(list(FILES))
        part = self.chance.choice(("number", "body", "body", "member", "extra", "both", "broken"))
        if part == "broken":
            return [self.write(name, self.chance.choice(BREAKS))], True
        parts = self.parts[name]
        if part in ("number", "body"):
            parts[part] = int(parts[part]) % 9 + 1
        elif part == "both":
            other = self.chance.choice(list(FILES))
            parts["number"], self.parts[other]["number"] = self.chance.sample(range(1, 10), 2)
            return [self.write(name), self.write(other)], False
        else:
            name = {"member": "shapes", "extra": "using"}[part]
            self.parts[name][part] = self.chance.choice(MEMBERS if part == "member" else EXTRAS)
        added = self.root / "added.py"
        if "added" in str(self.parts["using"]["extra"]):
            added.write_text(
                f"from values import LIMIT\nclass THING:\n    limit = LIMIT + {self.chance.randrange(9)}\n"
            )
        elif added.exists():
            added.unlink()
        return [self.write(name), str(added)], False

    def heal(self) -> list[str]:
        """Write all modules as they should be."""
        return [self.write(name) for name in FILES]


def counted() -> dict[str, int]:
    """What a process holds, by sort."""
    linecache.checkcache()
    kinds = Counter(type(thing) for thing in gc.get_objects())
    codes = {id(code) for thing in gc.get_objects() for code in gc.get_referents(thing) if type(code) is CodeType}
    return {
        "objects": sum(kinds.values()),
        "functions": kinds[FunctionType],
        "classes": sum(count for kind, count in kinds.items() if issubclass(kind, type)),
        "code objects": len(codes),
        "linecache entries": len(linecache.cache),
        "statements compiled alone": sum(len(one.now) + len(one.before) for one in table._plain.values()),
        "pages": len(ledger._pages),
        "footprint keys": len(recorder.runners),
        "edges": sum(1 for name in recorder.modules for _ in recorder.graph.all_imports_of(name)),
        "modules": len(sys.modules),
    }


class Endurance:
    """The edits applied one after the other, and what was measured."""

    def __init__(self, root: Path, seed: int, settled: int = SETTLED) -> None:
        self.edits = Edits(root, seed)
        self.reloader = Reloader(ImportOptimizer(ModuleManager()).install(), roots=[root], on_report=lambda _: None)
        sys.path.insert(0, str(root))
        __import__("main")
        self.statuses: Counter[str] = Counter()
        self.settled = settled
        self.early: list[float] = []
        self.late: deque[float] = deque(maxlen=settled)  # what is measured must not grow itself

    def play(self, count: int) -> None:
        """Apply so many edits. Raises AssertionError if one does not end as it should."""
        for _ in range(count):
            paths, is_broken = self.edits.next()
            self._apply(paths, "failed" if is_broken else "")
            if is_broken:
                self._apply(self.edits.heal(), "")

    def _apply(self, paths: list[str], expected: str) -> ReloadReport:
        started = time.perf_counter()
        report = self.reloader.apply(paths)
        if not expected:
            took = time.perf_counter() - started
            self.late.append(took)
            if len(self.early) < 2 * self.settled:
                self.early.append(took)
        self.statuses[report.status] += 1
        wanted = (expected,) if expected else ("reloaded", "unchanged")
        assert report.status in wanted, (self.statuses, report.status, report.reason, str(report.error), paths)
        return report


def measure(root: Path, edits: int, settled: int, seed: int, *, traced: bool) -> dict[str, Any]:
    """Play; what the process was like after the first edits, and at the end."""
    held = _fill_table_of_names()
    endurance = Endurance(root, seed, settled)
    if traced:
        tracemalloc.start(1)
    found: dict[str, Any] = {"counts": [], "memory": []}
    for count in (settled, edits - settled):
        endurance.play(count)
        seen = observed(counted)
        found["counts"].append(seen["counts"])
        found["memory"].append({"traced": tracemalloc.get_traced_memory()[0]} if traced else seen["memory"])
    found["medians"] = [statistics.median(endurance.early[settled:]), statistics.median(endurance.late)]
    found["statuses"] = dict(endurance.statuses)
    del held
    return found


def _fill_table_of_names() -> list[str]:
    """Have Python's table of interned strings be as large as it is going to be, as long as what this returns is kept.

    Every compilation brings names. When what has died there has filled it, it is made anew for three times as many as
    live, in a power of two: with 22,000 of them, as there are on 3.13, it is by chance one megabyte or two. With so
    many more it is always two.
    """
    held = [sys.intern(f"held_{number}") for number in range(10_000)]
    for number in range(50_000):
        sys.intern(f"name_{number}")
    return held


def faults(found: dict[str, Any], *, timed: bool) -> list[str]:
    """What has grown by more than is allowed."""
    grown = [(f"memory, {name}", value, found["memory"][1][name]) for name, value in found["memory"][0].items()]
    grown += [(name, value, found["counts"][1][name]) for name, value in found["counts"][0].items()]
    said = [f"{name}: {before} -> {after}" for name, before, after in grown if after > before * (1 + ALLOWED) + 20]
    early, late = found["medians"]
    if timed and late > early * PATIENCE:
        said.append(f"an edit took {early * 1000:.1f} ms, and takes {late * 1000:.1f} ms at the end")
    return said


def _in_a_child(options: argparse.Namespace, *, traced: bool) -> dict[str, Any]:
    numbers = [f"--{name}={getattr(options, name)}" for name in ("edits", "settled", "seed")]
    command = [sys.executable, "-m", "tests.programs.endurance", *numbers, "--child", *(["--traced"] if traced else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def _report(found: dict[str, Any], settled: int, *, traced: bool) -> None:
    print(f"{found['statuses']}")
    for name, amount in found["memory"][0].items():
        before, after = amount / 1e6, found["memory"][1][name] / 1e6
        print(
            f"memory, {name}: {before:.2f} MB after {settled} edits, {after:.2f} at the end ({after / before - 1:+.1%})"
        )
    if not traced:
        print(
            f"median of {settled} edits: {found['medians'][0] * 1000:.2f} ms, at the end {found['medians'][1] * 1000:.2f} ms"
        )
        for name, value in found["counts"][0].items():
            print(f"{name}: {value}, at the end {found['counts'][1][name]}")


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; 1 if something grows."""
    parser = argparse.ArgumentParser(prog="scripts/soak --edits", description=__doc__)
    parser.add_argument("--edits", type=int, default=10_000, help="how many")
    parser.add_argument("--settled", type=int, default=SETTLED, help="after how many of them to begin to measure")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--traced", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            print(json.dumps(measure(root, options.edits, options.settled, options.seed, traced=options.traced)))
        return 0
    failed = False
    for traced in (False, True):  # tracing slows everything down: times and resident memory are taken without
        found = _in_a_child(options, traced=traced)
        _report(found, options.settled, traced=traced)
        said = faults(found, timed=not traced)
        print("\n".join(f"GROWS: {one}" for one in said) or "nothing grows", flush=True)
        failed = failed or bool(said)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
