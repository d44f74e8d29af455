"""Restarts of a repository's commits: a process forked from one that has the libraries, beside one that was started."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pepperpy_reload.comparing.compare import first_difference
from pepperpy_reload.comparing.portrait import Portrait
from pepperpy_reload.core.preload import choose
from pepperpy_reload.core.snapshots import Group, groups, without
from pepperpy_reload.preloading.verdicts import Environment, Verdicts
from pepperpy_reload.replaying.history import Commit, Layout
from pepperpy_reload.replaying.process import Child, ChildError, environment_of_children

_PROBE = """\
import sys
from pepperpy_reload.preloading.probe import main
main()
"""
_PATIENCE = 120.0


class _Own(NamedTuple):
    """A module of the repository's."""

    path: str
    name: str


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
        libraries, found, needed = self._run(root, modules)
        contents = {one.path: Path(one.path).read_bytes() for one in found}
        order = self._order(libraries, root)
        after = self._stage.open(commit.name)
        if after is None or after[1].root != layout.root:
            return "skipped", f"{commit.name[:10]} does not import", 0.0
        edited = {one.name for one in found if _is_other(one.path, contents[one.path])}
        early, since = without(groups([one.name for one in found], needed), needed, edited), commit.parent
        if not early:  # all hangs on what was edited: the libraries alone, and then the same again, with no edit
            verdict, text, took, _ = self._compare(commit, since, root, after[2], order, [])
            if verdict != "equal":
                return verdict, text, took
            libraries, found, needed = self._run(root, after[2])
            early, since, order = groups([one.name for one in found], needed), commit.name, self._order(libraries, root)
        while True:
            verdict, text, took, limit = self._compare(commit, since, root, after[2], order, early)
            if limit is None:
                return verdict, text, took
            places = [place for place, group in enumerate(early) if limit in group.members]
            early = early[: places[0] if places else len(early) // 2]

    def _run(self, root: Path, modules: Sequence[str]) -> tuple[list[str], list[_Own], dict[str, list[str]]]:
        """What a run imports: the libraries, own modules, and what each of these imports."""
        with self._stage.child(root, armed=True) as last:
            last.ask("load", modules=modules)
            libraries, sources = last.ask("libraries")["names"], last.ask("sources")["sources"]
        named = [_Own(path, name) for path, name, _ in sources if name]
        return libraries, named, {name: needed for _, name, needed in sources if name}

    def _compare(
        self, commit: Commit, since: str, root: Path, modules: Sequence[str], order: dict[str, Any], early: list[Group]
    ) -> tuple[str, str, float, str | None]:
        """Also the own module before which to stop importing ahead, None if that is not what is wrong."""
        with self._stage.child(root, armed=True) as cold, self._stage.child(root, armed=True) as warm:
            found = self._fork(warm, commit, since, order, early)
            if found["fault"]:
                return "restart", f"it would be started cold: {found['fault']}", 0.0, None
            if found["spoiled"]:
                return "", str(found["spoiled"]), 0.0, found["spoiled"][0]
            cold.tell("load", modules=modules)
            began = time.perf_counter()
            failed = warm.ask("load", modules=modules)["failed"]
            took = time.perf_counter() - began
            doubt = warm.ask("settle")
            expected = cold.hear()["failed"]
            if doubt["early"] and early:
                return "", str(doubt["doubt"]), 0.0, doubt["culprit"]
            if doubt["doubt"]:
                return "restart", f"it would be started cold: {doubt['doubt']}", took, None
            if only := failed.keys() ^ expected.keys():
                name = min(only)
                return "different", f"{name} can be imported in one of them only", took, None
            difference = first_difference(self._stage.portrait(warm, hot=True), self._stage.portrait(cold))
            around = self._difference_around(warm, cold)
        if difference is None and not around:
            there = f"{len(order['names'])} modules were there before"
            if early:
                there += f", and {sum(len(one.members) for one in early)} own ones"
                there += ", with no edit" if since == commit.name else ""
            return "equal", there, took, None
        if what := self._unsteady(root, modules):
            return "skipped", f"two fresh starts differ: {what}"[:200], took, None
        if difference is not None:
            around = f"{difference.path}: {difference.one}; in a fresh start: {difference.other}"
        return "different", around, took, None

    def _fork(
        self, warm: Child, commit: Commit, since: str, order: dict[str, Any], early: list[Group]
    ) -> dict[str, Any]:
        """Have it import ahead what there was before the edit."""
        if early:
            self._stage.open(since)
        found = warm.ask("fork", early=[one.members for one in early], **order)
        if early:
            self._stage.open(commit.name)
        return found

    def _unsteady(self, root: Path, modules: Sequence[str]) -> str:
        """What is not the same in two fresh starts, or ""."""
        with self._stage.child(root, armed=True) as one, self._stage.child(root, armed=True) as other:
            for child in (one, other):
                child.ask("load", modules=modules)
            found = first_difference(self._stage.portrait(one, hot=True), self._stage.portrait(other))
            return self._difference_around(one, other) if found is None else found.path

    def _difference_around(self, one: Child, other: Child) -> str:
        return _first_of(one.ask("surroundings"), other.ask("surroundings")) or _first_of(
            one.ask("recorded"), other.ask("recorded")
        )

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


def _is_other(path: str, content: bytes) -> bool:
    try:
        return Path(path).read_bytes() != content
    except OSError:
        return True


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
