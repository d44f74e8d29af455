"""What the tests of one process share."""

from __future__ import annotations

import os
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.watching.observer import Watcher
from tests.programs.player import Player

if TYPE_CHECKING:
    from tests.conftest import Ended, Python

DEADLINE = 10.0
RELOADING = """
from pepperpy_reload import Reloader, ReloadStatus, handle_file_change, keep, on_dispose
reloader = Reloader(optimizer, roots=["."])

def change(name, old, new):
    "Save a file with `old => new` replaced, and apply that."
    text = pathlib.Path(name).read_text()
    assert old in text, (old, text)
    save(name, text.replace(old, new))
    return reloader.apply([name])

def done(report):
    return report.patched, report.ran, report.dropped, report.imported
"""


class Watched:
    """A watcher of a directory, and what it has told."""

    def __init__(self, root: Path, **options: Any) -> None:
        self.root = root
        self.told: list[Hint | Quiet] = []
        self.notices: list[str] = []
        self._news = threading.Condition()
        roots = options.pop("roots", [root])
        self.watcher = Watcher(
            [os.fspath(each) for each in roots], on_event=self._hear, on_notice=self.notices.append, **options
        )
        self._marks = 0

    def _hear(self, event: Hint | Quiet) -> None:
        with self._news:
            self.told.append(event)
            self._news.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds; looked at after each event, and now and then."""
        end = time.monotonic() + DEADLINE
        with self._news:
            while not condition():
                assert time.monotonic() < end, f"waited in vain; told: {self.told}; notices: {self.notices}"
                self._news.wait(0.02)

    @property
    def quiets(self) -> list[set[str]]:
        """The batches so far; paths below the root are relative to it."""
        return [self._short(event) for event in self.told if isinstance(event, Quiet)]

    @property
    def hints(self) -> list[tuple[set[str], bool]]:
        return [(self._short(event), event.first) for event in self.told if isinstance(event, Hint)]

    @property
    def paths(self) -> set[str]:
        """All paths of all batches."""
        return set[str]().union(*self.quiets)

    def _short(self, event: Hint | Quiet) -> set[str]:
        return {path.removeprefix(f"{self.root}{os.sep}") for path in event.paths}

    def settled(self) -> list[set[str]]:
        """What was told in batches until now: makes a change of its own and waits for it."""
        self._marks += 1
        mark = f"mark{self._marks}.txt"
        (self.root / mark).write_text("here")
        self.wait(lambda: mark in self.paths)
        batches = [{path for path in batch if not path.startswith("mark")} for batch in self.quiets]
        self.told.clear()
        return [batch for batch in batches if batch]


class Watch(Protocol):
    """The fixture `watch`: starts to watch the project, or other roots."""

    def __call__(self, root: Path = ..., **options: Any) -> Watched: ...


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with a package, a module and a template."""
    root = Path(os.path.realpath(tmp_path), "project")
    (root / "pkg" / "sub").mkdir(parents=True)
    (root / "app.py").write_text("value = 0\n")
    (root / "pkg" / "__init__.py").write_text("")
    (root / "pkg" / "mod.py").write_text("value = 0\n")
    (root / "pkg" / "sub" / "page.html").write_text("<p>0</p>")
    return root


@pytest.fixture
def watch(project: Path) -> Iterator[Watch]:
    started: list[Watched] = []

    def start(root: Path = project, **options: Any) -> Watched:
        watched = Watched(root, **options)
        started.append(watched)
        watched.watcher.start()
        return watched

    yield start
    for watched in started:
        watched.watcher.stop()


class Reloads(Protocol):
    """The fixture `reloads`: `Python.armed` with a `reloader`, `change(name, old, new)` and `done(report)`."""

    def __call__(self, script: str, files: Mapping[str, str] | None = None, *, status: int = 0) -> Ended: ...


@pytest.fixture
def reloads(python: Python) -> Reloads:
    """Runs scripts that reload."""

    def run(script: str, files: Mapping[str, str] | None = None, *, status: int = 0) -> Ended:
        __tracebackhide__ = True
        return python.armed(RELOADING + textwrap.dedent(script), files, status=status)

    return run


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    """Plays made-up programs and their edits, each against a fresh start."""
    with Player() as player:
        yield player
