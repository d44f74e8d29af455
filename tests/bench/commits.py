"""One `apply` on each of the last commits of a repository, in one process: processor time of its thread, by phase.

`scripts/bench commits REPOSITORY PACKAGE`; beside it what it costs to forget the package and to import it again.
"""

from __future__ import annotations

import functools
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pepperpy_reload.replaying.history import Commit, Layout, Repository, Tree
from tests.bench.served import environment, rows

ENDS = ("restart", "failed", "fault")
"""What is no longer asked for another commit."""
WAYS = {
    "at once": "a process each, at once",
    "idle before": "a process each, read ahead",
    "in a row": "one process, read ahead",
}
Times = dict[str, float]


class Clock:
    """The processor time of this thread, by phase; a phase inside another one is no part of it."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}
        self._phases = ["rest"]
        self._since = time.thread_time()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What is done inside belongs to it."""
        self._turn()
        self._phases.append(name)
        try:
            yield
        finally:
            self._turn()
            self._phases.pop()

    def watch(self, home: Any, name: str, phase: str) -> None:
        """Every call of a function is a phase from now on."""
        inner = getattr(home, name)

        @functools.wraps(inner)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.phase(phase):
                return inner(*args, **kwargs)

        setattr(home, name, timed)

    def taken(self) -> Times:
        """Milliseconds by phase since the last time that this was asked."""
        self._turn()
        found = {name: 1000 * seconds for name, seconds in self.times.items()}
        self.times.clear()
        return found

    def _turn(self) -> None:
        now = time.thread_time()
        self.times[self._phases[-1]] = self.times.get(self._phases[-1], 0.0) + now - self._since
        self._since = now


def watched(clock: Clock) -> None:
    """Have the clock tell the phases of a reload."""
    from pepperpy_reload.reloading import attempt, contents, engine, execute, performance, writing

    clock.watch(engine, "read_batch", "read")
    clock.watch(engine, "_plan", "plan")
    clock.watch(engine, "_stale_caches", "plan")
    clock.watch(engine, "Transaction", "journal")
    clock.watch(contents.Contents, "__init__", "contents")
    clock.watch(engine, "swap_codes", "patch")
    clock.watch(performance.Performance, "run", "watch")
    clock.watch(execute.Executor, "take", "execute")
    clock.watch(performance, "import_again", "execute")
    clock.watch(writing.Writing, "write", "write")
    clock.watch(attempt.Attempt, "commit", "commit")


def serve() -> None:
    """A process that applies what it is told: orders are lines of JSON on standard input, answers on its output."""
    root, package = sys.argv[1:]
    answers = sys.stdout
    sys.stdout = sys.stderr
    sys.path.insert(0, root)
    from pepperpy_reload import ImportOptimizer, ModuleManager, Reloader

    clock = Clock()
    if package == "":
        reloader = Reloader(ImportOptimizer(ModuleManager()).install(), roots=[root], on_report=lambda _: None)
        watched(clock)
    for line in sys.stdin:
        order = json.loads(line)
        answer: dict[str, Any] = {}
        if order["do"] == "load":
            answer["failed"] = [name for name in order["modules"] if not _imports(name)]
        elif order["do"] == "ahead":
            for _ in reloader.read_ahead():
                pass
        elif order["do"] == "again":
            answer = _again(package, order["modules"])
        else:
            clock.taken()
            report = reloader.apply(order["paths"])
            answer = {"times": clock.taken(), "status": report.status, "why": report.reason or str(report.error or "")}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _imports(name: str) -> bool:
    try:
        importlib.import_module(name)
    except BaseException:  # noqa: BLE001 - whatever the code of others raises
        return False
    return True


def _again(package: str, modules: Sequence[str]) -> dict[str, Any]:
    """Forget a package and import it again."""
    began = time.thread_time()
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    fine = min(map(_imports, modules), default=True)
    return {"ms": 1000 * (time.thread_time() - began), "fine": fine}


class Child:
    """Such a process; for `package` it forgets and imports, for none it reloads."""

    def __init__(self, root: Path, package: str) -> None:
        where = environment() | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-c", "from tests.bench.commits import serve; serve()", str(root), package]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, cwd=root, env=where, text=True
        )

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """Give an order and wait for the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"times": {}, "status": "fault"}')
        assert isinstance(answer, dict)
        return answer

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


class Stage:
    """A directory in which the commits are shown one after the other."""

    def __init__(self, repository: Repository, folder: Path, package: str) -> None:
        self._repository, self._package = repository, package
        self.tree = Tree(repository, folder.resolve() / "tree")

    def play(self, commits: Sequence[Commit], chain: int, *, ahead: bool) -> list[dict[str, Any]]:
        """Apply each of them; after so many, and after a restart, in a new process."""
        found: list[dict[str, Any]] = []
        hot: Child | None = None
        cold: Child | None = None
        played = 0
        try:
            for commit in commits:
                layout = self._layout(commit.parent)
                if layout is None:
                    continue
                if hot is None:
                    self.tree.show(commit.parent)
                    hot, played = Child(self.tree.path / layout.root, ""), 0
                    hot.ask("load", modules=layout.modules)
                    if cold is None:
                        cold = Child(self.tree.path / layout.root, self._package)
                        cold.ask("again", modules=layout.modules)
                if ahead:
                    hot.ask("ahead")
                paths = self.tree.show(commit.name)
                answer = hot.ask("apply", paths=paths)
                found.append({"commit": commit.name, "subject": commit.subject, **answer})
                if cold is not None:
                    found[-1]["again"] = cold.ask("again", modules=layout.modules).get("ms", 0.0)
                played += 1
                if played >= chain or answer["status"] in ENDS:
                    hot.end()
                    hot = None
        finally:
            for child in (hot, cold):
                if child is not None:
                    child.end()
        return found

    def _layout(self, commit: str) -> Layout | None:
        return Layout.find(self._repository.files(commit), self._package)


def measure(path: str, package: str, last: int) -> dict[str, Any]:
    """Each commit in a process of its own, also with its modules read while it was idle; then all in one."""
    repository = Repository(path)
    found: dict[str, Any] = {"package": package}
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout.find(repository.files("HEAD"), package)
        home = "" if layout is None else f"{layout.root}/{package}".lstrip("/")
        commits = repository.commits(last, [home])
        for way in WAYS:
            chain = last if way == "in a row" else 1
            found[way] = Stage(repository, Path(folder, way), package).play(commits, chain, ahead=way != "at once")
    return found


def table(figures: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    names = list(dict.fromkeys(name for way in WAYS for one in figures[way] for name in one["times"]))
    body = []
    for way, words in WAYS.items():
        done = [one for one in figures[way] if one["status"] not in ENDS]
        if not done:
            continue
        totals = [sum(one["times"].values()) for one in done]
        again = [one["again"] for one in done]
        phases = [_shown(statistics.median(one["times"].get(name, 0.0) for one in done)) for name in names]
        quarters = statistics.quantiles(totals, n=4) if len(totals) > 1 else totals * 3
        shown = map(_shown, [*quarters, max(totals)])
        body.append((words, f"{len(done)} of {len(figures[way])}", *shown, *phases, _shown(statistics.median(again))))
    head = ("", "commits", "25 %", "median", "75 %", "most", *names, "forgotten and imported again")
    note = "Processor time of one `apply`, ms, and the median of each phase; commits that ask for a restart left out."
    return f"## Commits of {figures['package']}\n\n{note}\n\n" + rows(head, body)


def _shown(value: float) -> str:
    return f"{value:.1f}"
