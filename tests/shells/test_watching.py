"""Real saves, as editors and tools do them: what is told, and what is not."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pepperpy_reload.core.batch import DOUBT, Quiet

if TYPE_CHECKING:
    from tests.shells.conftest import Watch, Watched

NEW = "value = 1\n"


def in_place(target: Path) -> None:
    target.write_text(NEW)


def temp_in_same_directory(name: str) -> Callable[[Path], None]:
    def save(target: Path) -> None:
        temporary = target.with_name(name)
        temporary.write_text(NEW)
        temporary.replace(target)

    return save


def temp_from_outside(target: Path) -> None:
    outside = target.parents[1] / "outside-the-root"
    outside.write_text(NEW)
    outside.replace(target)


def vim_backup_by_rename(target: Path) -> None:
    probe = target.with_name("4913")
    probe.touch()
    probe.unlink()
    backup = target.with_name(target.name + "~")
    target.rename(backup)
    target.write_text(NEW)
    backup.unlink()


def vim_backup_by_copy(target: Path) -> None:
    backup = target.with_name(target.name + "~")
    shutil.copy2(target, backup)
    target.write_text(NEW)
    backup.unlink()


def unlink_and_create(target: Path) -> None:
    target.unlink()
    target.write_text(NEW)


def unlink_and_create_slowly(target: Path) -> None:
    target.unlink()
    threading.Event().wait(0.03)
    target.write_text(NEW)


def truncate_and_write_slowly(target: Path) -> None:
    with target.open("w") as file:
        file.flush()
        threading.Event().wait(0.03)
        file.write(NEW)


def jetbrains(target: Path) -> None:
    temporary = target.with_name(target.name + "___jb_tmp___")
    old = target.with_name(target.name + "___jb_old___")
    temporary.write_text(NEW)
    target.rename(old)
    temporary.rename(target)
    old.unlink()


SAVES = {
    "in place": in_place,
    "temp .x.tmp": temp_in_same_directory(".app.py.tmp"),
    "temp x~": temp_in_same_directory("app.py~"),
    "temp 4913": temp_in_same_directory("4913"),
    "temp with any name": temp_in_same_directory("tmpa1b2c3"),
    "temp from outside": temp_from_outside,
    "vim backupcopy=no": vim_backup_by_rename,
    "vim backupcopy=yes": vim_backup_by_copy,
    "unlink and create": unlink_and_create,
    "unlink and create, slowly": unlink_and_create_slowly,
    "truncate and write, slowly": truncate_and_write_slowly,
    "JetBrains": jetbrains,
}


@pytest.mark.parametrize("poll", [None, 0.02], ids=["events", "polling"])
@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES.keys())
def test_each_way_to_save_makes_one_batch(
    project: Path, watch: Watch, save: Callable[[Path], None], poll: float | None
) -> None:
    watched = watch(poll=poll)
    began = time.monotonic()
    save(project / "app.py")
    took = time.monotonic() - began
    watched.wait(lambda: bool(watched.quiets))
    assert watched.hints[:1] == [({"app.py"}, True)]
    batches = watched.settled()
    # On a machine that stands still in the middle of a save, half a save is the truth.
    assert batches == [{"app.py"}] if took < DOUBT / 2 else set().union(*batches) == {"app.py"}


def same_content(target: Path) -> None:
    target.write_text(target.read_text())


def same_content_replaced(target: Path) -> None:
    temporary = target.with_name("other")
    shutil.copy(target, temporary)
    temporary.replace(target)


def chmod(target: Path) -> None:
    target.chmod(0o600)


def make_and_remove(target: Path) -> None:
    other = target.with_name("other.py")
    other.write_text("x")
    other.unlink()


def read(target: Path) -> None:
    target.read_text()
    list(target.parent.rglob("*"))


@pytest.mark.parametrize("poll", [None, 0.02], ids=["events", "polling"])
@pytest.mark.parametrize(
    "do", [Path.touch, same_content, same_content_replaced, chmod, make_and_remove, read], ids=lambda do: do.__name__
)
def test_what_changes_no_content_is_not_told(
    project: Path, watch: Watch, do: Callable[[Path], None], poll: float | None
) -> None:
    watched = watch(poll=poll)
    watched.settled()  # contents have been learnt by now
    do(project / "app.py")
    assert watched.settled() == []
    assert watched.hints == []


@pytest.mark.parametrize("poll", [None, 0.02], ids=["events", "polling"])
def test_same_size_same_time_is_a_change_all_the_same(project: Path, watch: Watch, poll: float | None) -> None:
    before = (project / "app.py").stat()
    watched = watch(poll=poll)
    for at in range(1, 6):
        (project / "app.py").write_text(f"value = {at}\n")
        os.utime(project / "app.py", ns=(before.st_atime_ns, before.st_mtime_ns))
        assert watched.settled() == [{"app.py"}]


def test_an_edit_is_told_within_milliseconds(project: Path, watch: Watch) -> None:
    watched = watch()
    took: list[float] = []
    for at in range(15):
        began = time.perf_counter()
        (project / "app.py").write_text(f"value = '{at}'\n")
        watched.wait(lambda: bool(watched.hints))
        took.append(time.perf_counter() - began)
        assert watched.hints[0] == ({"app.py"}, True)
        watched.wait(lambda: bool(watched.quiets))
        threading.Event().wait(0.06)
        watched.told.clear()
    assert statistics.median(took) < 0.05  # about 0.001 on an idle machine


@pytest.mark.parametrize("poll", [None, 0.02], ids=["events", "polling"])
def test_creation_deletion_and_renaming(project: Path, watch: Watch, poll: float | None) -> None:
    watched = watch(poll=poll)
    (project / "new.py").write_text("x")
    assert watched.settled() == [{"new.py"}]
    (project / "new.py").rename(project / "pkg" / "renamed.py")
    assert set().union(*watched.settled()) == {"new.py", "pkg/renamed.py"}
    (project / "pkg" / "renamed.py").unlink()
    assert watched.settled() == [{"pkg/renamed.py"}]


def edits_in(watched: Watched, *names: str) -> None:
    """Edits in these files are seen."""
    for name in names:
        (watched.root / name).write_text(f"{time.perf_counter()}")
        assert watched.settled() == [{name}]


@pytest.mark.parametrize("poll", [None, 0.02], ids=["events", "polling"])
def test_new_trees_made_by_another_process(project: Path, watch: Watch, poll: float | None) -> None:
    watched = watch(poll=poll)
    program = """
import pathlib, sys
for tree in range(100):
    directory = pathlib.Path(sys.argv[1], f"t{tree}" if tree % 2 else f"pkg/t{tree}", "a", "b")
    directory.mkdir(parents=True)
    for name in "wxyz":
        (directory / f"{name}.py").write_text(name)
"""
    subprocess.run([sys.executable, "-c", program, os.fspath(project)], check=True)
    files = {os.fspath(path.relative_to(project)) for path in project.rglob("*/a/b/*.py")}
    assert len(files) == 400
    watched.wait(lambda: files <= watched.paths)
    watched.settled()
    for name in files:
        (project / name).write_text("again")
    watched.wait(lambda: files <= watched.paths)
    assert watched.paths - files <= {"mark1.txt"}


@pytest.mark.parametrize("poll", [None, 0.02], ids=["events", "polling"])
@pytest.mark.parametrize("pruned", [False, True], ids=["one watch", "several watches"])
def test_moved_directories(project: Path, watch: Watch, poll: float | None, *, pruned: bool) -> None:
    if pruned:
        (project / ".venv" / "lib").mkdir(parents=True)
    outside = project.parent / "outside"
    inside = {"mod.py", "__init__.py", "sub/page.html"}
    watched = watch(poll=poll)
    (project / "pkg").rename(project / "pkg2")
    both = {f"{name}/{file}" for name in ("pkg", "pkg2") for file in inside}
    watched.wait(lambda: both <= watched.paths)
    watched.settled()
    edits_in(watched, "pkg2/mod.py", "pkg2/sub/page.html")
    (project / "pkg2").rename(outside)
    watched.wait(lambda: {f"pkg2/{file}" for file in inside} <= watched.paths)
    watched.settled()
    (outside / "mod.py").write_text("elsewhere")
    assert watched.settled() == []
    outside.rename(project / "pkg3")
    watched.wait(lambda: {f"pkg3/{file}" for file in inside} <= watched.paths)
    watched.settled()
    edits_in(watched, "pkg3/mod.py", "pkg3/sub/page.html")
    (project / "pkg" / "sub").mkdir(parents=True)
    (project / "pkg" / "sub" / "page.html").write_text("back")
    assert watched.settled() == [{"pkg/sub/page.html"}]
    edits_in(watched, "pkg/sub/page.html")


class Upheaval:
    """Random saves, creations, deletions and moves of files and directories, in and out of the project."""

    def __init__(self, project: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self._project = project
        self._outside = project.parent / "outside"
        self._outside.mkdir()
        self._step = 0

    def contents(self) -> dict[str, str]:
        return {os.fspath(path): path.read_text() for path in self._project.rglob("*.py")}

    def __call__(self) -> None:
        """One step; some are not possible."""
        self._step += 1
        choose = self._random.choice
        file = choose(sorted(self._project.rglob("*.py")) or [self._project / "again.py"])
        directories = sorted(path for path in self._project.rglob("*") if path.is_dir() and ".venv" not in path.parts)
        directory = choose(directories or [self._project])
        target = directory / f"d{self._random.randint(0, 6)}"
        moved = choose([*directories, *sorted(self._outside.iterdir())] or [file])
        steps: list[Callable[[], object]] = [
            *[lambda: file.write_text(f"{self._step}")] * 4,
            lambda: temp_in_same_directory(f"t{self._step}")(file),
            lambda: target.with_suffix(".py").write_text(f"{self._step}"),
            lambda: self._make(target / "e" / "m.py"),
            file.unlink,
            *[lambda: moved.rename(target)] * 2,
            lambda: moved.rename(self._outside / f"o{self._step}"),
            lambda: shutil.rmtree(directory) if directory != self._project else None,
        ]
        with contextlib.suppress(OSError):
            choose(steps)()

    def _make(self, file: Path) -> None:
        file.parent.mkdir(parents=True)
        file.write_text(f"{self._step}")


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_in_the_end_all_is_known(project: Path, watch: Watch, seed: int) -> None:
    if seed % 2:
        (project / ".venv" / "lib").mkdir(parents=True)
    upheaval = Upheaval(project, seed)
    known = upheaval.contents()
    watched = watch()

    def is_known() -> bool:
        for path in set[str]().union(*(event.paths for event in watched.told if isinstance(event, Quiet))):
            try:
                known[path] = Path(path).read_text()
            except OSError:
                known.pop(path, None)
        return {path: text for path, text in known.items() if path.endswith(".py")} == upheaval.contents()

    for _ in range(8):
        for _ in range(20):
            upheaval()
        watched.wait(is_known)
        watched.told.clear()
    assert watched.notices == []


def git(project: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=project, check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_git_checkout_is_one_batch_or_two(project: Path, watch: Watch) -> None:
    git(project, "init", "-b", "one")
    for at in range(200):
        (project / "pkg" / f"m{at}.py").write_text("value = 1")
    git(project, "add", ".")
    git(project, "commit", "-m", "one")
    git(project, "checkout", "-b", "two")
    for at in range(200):
        (project / "pkg" / f"m{at}.py").write_text("value = 2")
    (project / "pkg" / "mod.py").unlink()
    (project / "pkg" / "sub").rename(project / "pkg" / "sub2")
    git(project, "add", ".")
    git(project, "commit", "-m", "two")
    watched = watch()
    git(project, "checkout", "one")
    expected = {f"pkg/m{at}.py" for at in range(200)}
    expected |= {"pkg/mod.py", "pkg/sub/page.html", "pkg/sub2/page.html"}
    watched.wait(lambda: expected <= watched.paths)
    batches = watched.settled()  # a second one if the last events come late, after the lock has gone
    assert len(batches) <= 2
    assert set().union(*batches) == expected


def test_while_git_holds_its_lock_nothing_is_complete(project: Path, watch: Watch) -> None:
    (project / ".git").mkdir()
    lock = project / ".git" / "index.lock"
    watched = watch()
    lock.touch()
    (project / "app.py").write_text(NEW)
    watched.wait(lambda: bool(watched.hints))
    threading.Event().wait(0.1)
    (project / "pkg" / "mod.py").write_text(NEW)
    watched.wait(lambda: len(watched.hints) == 2)
    assert watched.quiets == []
    assert [first for _, first in watched.hints] == [False, False]
    lock.unlink()
    watched.wait(lambda: watched.quiets == [{"app.py", "pkg/mod.py"}])


def test_stopping_leaves_no_thread(project: Path, watch: Watch) -> None:
    before = set(threading.enumerate())
    watched = watch()
    assert watched.watcher.alive
    ours = set(threading.enumerate()) - before
    assert all(thread.daemon and thread.name.startswith("pepperpy-reload ") for thread in ours)
    watched.watcher.stop()
    assert not watched.watcher.alive
    assert set(threading.enumerate()) == before
    watched.watcher.stop()
