"""Restarts of a repository's commits: a process forked from one that has the libraries, beside one that was started."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from pepperpy_reload.comparing.compare import first_difference
from pepperpy_reload.comparing.portrait import Portrait
from pepperpy_reload.core.preload import choose
from pepperpy_reload.preloading.verdicts import Environment, Verdicts
from pepperpy_reload.replaying.history import Commit, Layout
from pepperpy_reload.replaying.process import Child, ChildError, environment_of_children

_PROBE = """\
import sys
from pepperpy_reload.preloading.probe import main
main()
"""
_PATIENCE = 120.0


class Stage(Protocol):
    """The temporary directory in which commits are played."""

    def layout(self, commit: str) -> Layout | None:
        """Where the package is in a commit."""
        ...

    def open(self, commit: str) -> tuple[Path, Layout, Sequence[str]] | None:
        """Write a commit's files: where the package is in them, and its modules that can be imported."""
        ...

    def child(self, root: Path, *, armed: bool = False) -> Child:
        """A new interpreter in the tree."""
        ...

    def portrait(self, child: Child, *, hot: bool = False) -> Portrait:
        """The portrait of a child."""
        ...


class Restarts:
    """Begins each commit twice, and compares."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._found = Verdicts()

    def play(self, commit: Commit) -> tuple[str, str, float]:
        """The verdict's name, what there is to say, and the seconds from the fork until all was imported.

        The libraries are those of the commit before: what a zygote has that was built after the last good run.
        """
        before = self._stage.open(commit.parent)
        if before is None:
            return "skipped", f"{commit.parent[:10]} does not import", 0.0
        root, layout, modules = before
        with self._stage.child(root, armed=True) as last:
            last.ask("load", modules=modules)
            libraries = last.ask("libraries")["names"]
        order = self._order(libraries, root)
        after = self._stage.open(commit.name)
        if after is None or after[1].root != layout.root:
            return "skipped", f"{commit.name[:10]} does not import", 0.0
        modules = after[2]
        with self._stage.child(root, armed=True) as cold, self._stage.child(root, armed=True) as warm:
            cold.tell("load", modules=modules)
            fault = warm.ask("fork", **order)["fault"]
            if fault:
                return "restart", f"it would be started cold: {fault}", 0.0
            began = time.perf_counter()
            failed = warm.ask("load", modules=modules)["failed"]
            took = time.perf_counter() - began
            doubt = warm.ask("settle")["doubt"]
            expected = cold.hear()["failed"]
            if doubt:
                return "restart", f"it would be started cold: {doubt}", took
            if failed.keys() != expected.keys():
                name = min(failed.keys() ^ expected.keys())
                return "different", f"{name} can be imported in one of them only", took
            found = first_difference(self._stage.portrait(warm, hot=True), self._stage.portrait(cold))
            around = _first_of(warm.ask("surroundings"), cold.ask("surroundings"))
        if found is None and not around:
            return "equal", f"{len(order['names'])} modules were there before", took
        with self._stage.child(root, armed=True) as one, self._stage.child(root, armed=True) as other:
            for child in (one, other):
                child.ask("load", modules=modules)
            unsteady = first_difference(self._stage.portrait(one, hot=True), self._stage.portrait(other))
            if unsteady is not None or _first_of(one.ask("surroundings"), other.ask("surroundings")):
                return "skipped", "two fresh starts differ", took
        text = around if found is None else f"{found.path}: {found.one}; in a fresh start: {found.other}"
        return "different", text, took

    def _order(self, libraries: Sequence[str], root: Path) -> dict[str, Any]:
        if any(name not in self._found.records for name in libraries):
            self._found = _look_at(libraries, root)
        choice = choose(libraries, self._found.records)
        return {
            "names": choice.names,
            "vouched": (),
            "keys": {name: keys for name, keys in self._found.keys.items() if name in choice.names},
            "files": self._found.files,
            "libraries": Environment(()).places,
            "search": (),
            "argv": ("replay",),
        }


def _look_at(names: Sequence[str], root: Path) -> Verdicts:
    order = json.dumps({"search": [str(root)], "argv": ["replay"], "names": names})
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROBE],
        input=order.encode() + b"\n",
        capture_output=True,
        env=environment_of_children(),
        cwd=root,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode or not done.stdout:
        raise ChildError(f"the process that looks at libraries ended with status {done.returncode}")
    return Verdicts.from_json(json.loads(done.stdout))


def _first_of(one: dict[str, Any], other: dict[str, Any]) -> str:
    for what, value in one.items():
        if value != other[what]:
            return f"{what}: {_shown(value, other[what])}"
    return ""


def _shown(value: object, other: object) -> str:
    if isinstance(value, list) and isinstance(other, list):
        pairs = [(here, there) for here, there in zip(value, other, strict=False) if here != there]
        here, there = pairs[0] if pairs else (len(value), len(other))
        return f"{here}; in a fresh start: {there}"
    return f"{value}; in a fresh start: {other}"
