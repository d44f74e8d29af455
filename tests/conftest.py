"""What all tests share: no threads left over, and scripts run by a Python of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("patient", deadline=None)  # what a machine is busy with is no fault of the example
settings.load_profile("patient")
PATIENCE = 5.0
ARMED = """
import os, pathlib, sys
from pepperpy_reload import ImportOptimizer, ModuleManager
from pepperpy_reload.importing.recorder import recorder

def save(name, text):
    "Write a file; one that is there already keeps its times."
    path = pathlib.Path(name)
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns) if path.exists() else None
    path.write_text(text)
    if times:
        os.utime(path, ns=times)

optimizer = ImportOptimizer(ModuleManager())
sys.meta_path.insert(0, optimizer)
"""

SHARED = (
    *("warm", "faults", "patience", "sockets", "pictures"),
    *("programs_that_run_long", "console", "graph", "suggest", "saves", "backoff"),
    *("audit", "replay", "profile", "overlap", "sessions", "workers", "snapshots"),
    *("serve", "unavailable", "explain", "security", "run", "budget", "install"),
    *("watching_trouble", "debugpy", "watching", "repl", "single", "siege"),
    *("reloader_outside", "plain_sessions", "reloader_kept", "cli", "own_writes", "standin"),
    *("mutations", "reloader_exits", "reloader_lookups", "reloader_memory", "endurance"),
    *("growth", "planner", "difference", "reloader_cascades", "portrait", "revision", "reloader_lenders", "cascade"),
    *("reloader_bystanders", "reloader_annotated", "reloader_bases", "reloader_operators", "reloader_left_alone"),
)
"""Files of tests that take long and hardly depend on the Python: where several are tested, each takes its share."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--share", metavar="NUMBER/COUNT", default="0/1", help="which of the shared files are to be run")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    number, count = map(int, config.getoption("--share").split("/"))
    others = {f"test_{name}" for index, name in enumerate(SHARED) if index % count != number}
    left_out = [item for item in items if item.path.stem in others]
    if left_out:
        items[:] = [item for item in items if item.path.stem not in others]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(autouse=True)
def _no_threads_are_left() -> Iterator[None]:
    """Every thread that a test starts has ended soon after the test."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + PATIENCE
    for thread in set(threading.enumerate()) - before:
        thread.join(max(0.0, deadline - time.monotonic()))
        assert not thread.is_alive(), f"{thread} is still running"


@dataclass(frozen=True)
class Ended:
    """A Python that has come to its end."""

    status: int
    stdout: str
    stderr: str


class Python:
    """Runs scripts in a directory of their own, by this Python, with bytecode on."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")

    def __call__(
        self,
        *arguments: str,
        files: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        status: int = 0,
    ) -> Ended:
        """Run `python *arguments`; the test fails if it ends with another status."""
        __tracebackhide__ = True
        self.write(files or {})
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        finished = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.path,
            env={**environment, **(env or {})},
            capture_output=True,
            encoding="utf-8",
            timeout=30,
            check=False,
        )
        if finished.returncode != status:
            pytest.fail(f"status {finished.returncode}\n{finished.stdout}\n{finished.stderr}")
        return Ended(finished.returncode, finished.stdout, finished.stderr)

    def plain(
        self,
        script: str,
        files: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        status: int = 0,
    ) -> Ended:
        """Run a script that asserts for itself."""
        __tracebackhide__ = True
        return self("script.py", files={**(files or {}), "script.py": script}, env=env, status=status)

    def armed(
        self,
        script: str,
        files: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        status: int = 0,
    ) -> Ended:
        """The same with an `optimizer` in front of `sys.meta_path`, the `recorder` at hand, and `save(name, text)`."""
        __tracebackhide__ = True
        return self.plain(ARMED + textwrap.dedent(script), files, env, status)


@pytest.fixture
def python(tmp_path: Path) -> Python:
    """A Python in an empty directory."""
    path = Path(os.path.realpath(tmp_path), "here")
    path.mkdir()
    return Python(path)
