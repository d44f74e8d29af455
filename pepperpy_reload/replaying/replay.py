"""A repository's last commits replayed through the engine, each against fresh interpreters."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from pepperpy_reload.comparing.compare import first_difference
from pepperpy_reload.comparing.portrait import Portrait
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.replaying.history import Commit, Layout, Repository, Tree, guess_package
from pepperpy_reload.replaying.process import Child, ChildError
from pepperpy_reload.replaying.restarts import Restarts
from pepperpy_reload.replaying.steadiness import difference


class Verdict(StrEnum):
    """What became of a commit."""

    EQUAL = "equal"
    """The process is what a fresh start is."""
    RESTART = "restart"
    """A restart was asked for, and nothing was changed."""
    DIFFERENT = "different"
    """The process is something else than it says."""
    REFUSED = "refused"
    """The new code does not import in a fresh start either: nothing was changed."""
    ERROR = "error"
    """The reload failed where a fresh start does not, or we have a fault."""
    SKIPPED = "skipped"
    """Nothing can be said: the old version does not import, or nothing of it that the commit changes."""


_GOES_ON = (Verdict.EQUAL, Verdict.REFUSED, Verdict.SKIPPED)
"""After these the process is as good as before."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One commit replayed. `text` is the reason, the first difference or the error.

    `planted` is where an exception was planted to have the commit fail first, `rollback` the first thing that was not
    put back then, or that it did not fail; both are "" if nothing was planted.
    """

    commit: str
    subject: str
    verdict: Verdict
    text: str = ""
    seconds: float = 0.0
    kept: int = 0
    common: int = 0
    planted: str = ""
    rollback: str = ""

    def as_json(self) -> dict[str, Any]:
        """A dict of plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be replayed: the last commits of a package, `chain` of them in one process after the other.

    With `rollback` each is applied with an exception planted in it before: that has to leave everything as it was.
    """

    repository: str
    package: str = ""
    last: int = 30
    chain: int = 1
    roots: tuple[str, ...] = ()
    skip: int = 0
    rollback: bool = False
    restart: bool = False
    """Compare processes that are forked with their libraries, not reloads."""


class Replay:
    """The commits that a wish comes to, and their replay one by one."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._repository = Repository(wish.repository)
        files = self._repository.files("HEAD")
        self.package = wish.package or guess_package(files, Path(self._repository.top).name)
        layout = Layout.find(files, self.package, wish.roots)
        folder = "" if layout is None else f"{layout.root}/{self.package}".lstrip("/")
        self.commits = self._repository.commits(wish.last, [folder], skip=wish.skip)
        self.left_out: dict[str, str] = {}
        """The modules that could not be imported and are not compared, each with the last line of the error."""

    def run(self) -> Iterator[Outcome]:
        """The outcome of each commit, oldest first."""
        with tempfile.TemporaryDirectory(prefix="pepperpy-reload-replay-") as folder:
            stage = _Stage(self._repository, Path(folder).resolve(), self.package, self._wish, self.left_out)
            if self._wish.restart:
                yield from map(stage.restart, self.commits)
                return
            for start in range(0, len(self.commits), self._wish.chain):
                yield from stage.play(self.commits[start : start + self._wish.chain])


class _Stage:
    """The temporary directory in which commits are played."""

    def __init__(
        self, repository: Repository, folder: Path, package: str, wish: Wish, left_out: dict[str, str]
    ) -> None:
        self._repository = repository
        self.left_out = left_out
        self._tree = Tree(repository, folder / "tree")
        self._hot_file, self._cold_file = folder / "hot.json", folder / "cold.json"
        self._package = package
        self._roots = wish.roots
        self.rollback = wish.rollback
        self._importable: dict[str, tuple[str, ...]] = {}
        self._restarts = Restarts(self)

    def restart(self, commit: Commit) -> Outcome:
        """Begin a commit twice: as a fork of a process with the libraries, and afresh."""
        try:
            verdict, text, seconds = self._restarts.play(commit)
        except ChildError as error:
            return Outcome(commit.name, commit.subject, Verdict.ERROR, str(error))
        return Outcome(commit.name, commit.subject, Verdict(verdict), text, seconds)

    def play(self, commits: Sequence[Commit]) -> Iterator[Outcome]:
        """One process, from the parent of the first commit through all of them; a new one after a restart."""
        hot: _Hot | None = None
        before = commits[0].parent
        try:
            for commit in commits:
                try:
                    if hot is None:
                        hot = self._open(before)
                    outcome = hot.play(commit) if isinstance(hot, _Hot) else None
                except ChildError as error:
                    outcome = Outcome(commit.name, commit.subject, Verdict.ERROR, str(error))
                before = commit.name
                yield outcome or Outcome(commit.name, commit.subject, Verdict.SKIPPED, f"{before[:10]} does not import")
                if hot is not None and (outcome is None or outcome.verdict not in _GOES_ON):
                    hot.close()
                    hot = None
        finally:
            if hot is not None:
                hot.close()

    def _open(self, commit: str) -> _Hot | None:
        found = self.open(commit)
        return None if found is None else _Hot(self, *found)

    def open(self, commit: str) -> tuple[Path, Layout, Sequence[str]] | None:
        """Write a commit's files: where the package is in them, and its modules that can be imported."""
        self._tree.show(commit)
        layout = self.layout(commit)
        if layout is None:
            return None
        root = self._tree.path / layout.root
        self._tree.complete(f"{layout.root}/{self._package}".lstrip("/"))
        if commit not in self._importable:
            self._importable[commit] = self._find_importable(root, layout)
        modules = self._importable[commit]
        return (root, layout, modules) if modules else None

    def _find_importable(self, root: Path, layout: Layout) -> tuple[str, ...]:
        """The modules that can be imported if only they are.

        One that fails may have loaded others on its way, and some of those cannot be imported without that.
        """
        modules = tuple(layout.modules)
        while modules:
            with Child(root, cwd=self._tree.path) as child:
                failed = child.ask("load", modules=modules)["failed"]
            if not failed:
                break
            modules = tuple(name for name in modules if name not in failed)
            self.left_out.update((name, text.strip().splitlines()[-1]) for name, text in failed.items())
        return modules

    def layout(self, commit: str) -> Layout | None:
        """Where the package is in a commit."""
        return Layout.find(self._repository.files(commit), self._package, self._roots)

    def left_out_of(self, layout: Layout, paths: Sequence[str], compared: Sequence[str]) -> str:
        """The first module that these files change, if none of those could be imported; else ""."""
        top = str(self._tree.path) + os.sep
        changed = layout.modules_in(path.removeprefix(top) for path in paths)
        is_one = any(name in compared or name not in self.left_out for name in changed)
        return changed[0] if changed and not is_one else ""

    def show(self, commit: str) -> list[str]:
        """Write a commit's files; the paths that changed."""
        return self._tree.show(commit)

    def child(self, root: Path, *, armed: bool = False) -> Child:
        """A new interpreter in the tree."""
        return Child(root, armed=armed, cwd=self._tree.path)

    def portrait(self, child: Child, *, hot: bool = False) -> Portrait:
        """The portrait of a child."""
        file = self._hot_file if hot else self._cold_file
        child.ask("portray", to=str(file))
        return Portrait.from_json(file.read_text(encoding="utf-8"))


class _Hot:
    """An armed process that commits are applied to."""

    def __init__(self, stage: _Stage, root: Path, layout: Layout, modules: Sequence[str]) -> None:
        self._stage = stage
        self._root = root
        self._layout = layout
        self._modules = modules
        self._child = stage.child(root, armed=True)
        self._child.ask("load", modules=modules)
        self._portrait = stage.portrait(self._child, hot=True)

    def close(self) -> None:
        """End the process."""
        self._child.close()

    def play(self, commit: Commit) -> Outcome | None:
        """Apply a commit and compare; None if the package is somewhere else in it."""
        layout = self._stage.layout(commit.name)
        paths = self._stage.show(commit.name)
        if layout is None or layout.root != self._layout.root:
            return None
        modules = [name for name in self._modules if name in layout.modules]
        planted, failure, changed = self._fail(paths, commit) if self._stage.rollback else ("", None, "")
        with self._stage.child(self._root) as cold:
            cold.tell("load", modules=modules)
            answer = self._child.ask("apply", paths=paths)
            if answer["report"]["status"] == ReloadStatus.RELOADED:  # what no import leads to any more was unloaded
                self._child.ask("load", modules=modules)
            hot = self._stage.portrait(self._child, hot=True)
            failed = cold.hear()["failed"]
            report = ReloadReport.from_json(answer["report"])
            verdict, text = self._judge(report, hot, cold, failed, modules)
        self._portrait = hot
        undone = _rollback_fault(failure, changed, report, planted)
        if undone and verdict not in (Verdict.DIFFERENT, Verdict.ERROR):
            verdict, text = Verdict.DIFFERENT, undone
        if verdict is Verdict.EQUAL and (name := self._stage.left_out_of(layout, paths, modules)):
            verdict, text = Verdict.SKIPPED, f"{name} did not import before: {self._stage.left_out[name]}"
        kept, common = answer["kept"], answer["common"]
        return Outcome(commit.name, commit.subject, verdict, text, answer["seconds"], kept, common, planted, undone)

    def _fail(self, paths: Sequence[str], commit: Commit) -> tuple[str, ReloadReport | None, str]:
        """Apply the commit with an exception in it: where that is, what became of it, and what is not as it was."""
        answer = self._child.ask("fail", paths=paths, seed=commit.name)
        if not answer["planted"]:
            return "", None, ""
        found = first_difference(self._stage.portrait(self._child, hot=True), self._portrait)
        changed = answer["changed"] or ("" if found is None else str(found))
        return answer["planted"], ReloadReport.from_json(answer["report"]), changed

    def _judge(
        self, report: ReloadReport, hot: Portrait, cold: Child, failed: dict[str, str], modules: Sequence[str]
    ) -> tuple[Verdict, str]:
        if report.status in (ReloadStatus.RESTART, ReloadStatus.FAILED):
            found = first_difference(hot, self._portrait)
            if found is not None:
                return Verdict.DIFFERENT, f"after {report.status} it is not what it was: {found}"
        if report.status is ReloadStatus.RESTART:
            return Verdict.RESTART, report.reason
        if report.status is ReloadStatus.FAILED:
            return (Verdict.REFUSED if failed else Verdict.ERROR), str(report.error)
        if failed:
            name, text = next(iter(failed.items()))
            return Verdict.DIFFERENT, f"a fresh start cannot import {name}: {text.strip().splitlines()[-1]}"
        fresh = self._stage.portrait(cold)
        found = first_difference(hot, fresh)
        if found is None:
            return Verdict.EQUAL, ""
        text = difference(fresh, hot, partial(self._start, modules))
        return (Verdict.DIFFERENT, text) if text else (Verdict.EQUAL, "")

    def _start(self, modules: Sequence[str], again: bool) -> Portrait:
        """Another fresh start; see `steadiness`."""
        with self._stage.child(self._root) as second:
            second.ask("load", modules=modules)
            if again:
                second.ask("forget")
                second.ask("load", modules=modules)
            return self._stage.portrait(second)


def _rollback_fault(failure: ReloadReport | None, changed: str, report: ReloadReport, planted: str) -> str:
    """What is wrong with how a planted exception ended; `report` is what became of the same commit without it."""
    if failure is None:
        return ""
    begin = f"with an exception planted in {planted}"
    # Where it takes the statements themselves to find that only a new process will do, that may be found before.
    both_restart = failure.status is report.status is ReloadStatus.RESTART
    if failure.status is not ReloadStatus.FAILED and not both_restart:
        return f"{begin} it is {failure.status}: {failure.reason}"
    return f"{begin} it is {failure.status}, and not what it was: {changed}" if changed else ""
