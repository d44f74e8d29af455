"""What goes wrong on real machines: lost events, limits, roots that come and go, threads that die."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.watching.observer import Watcher
from pepperpy_reload.watching.surroundings import git_locks, read_mounts, without_events

if TYPE_CHECKING:
    from tests.shells.conftest import Watch

ALL = {"app.py", "pkg/__init__.py", "pkg/mod.py", "pkg/sub/page.html"}


@pytest.mark.parametrize("poll", [None, 0.02], ids=["events", "polling"])
def test_a_root_that_is_deleted_and_made_again(project: Path, watch: Watch, poll: float | None) -> None:
    watched = watch(poll=poll)
    aside = project.parent / "aside"
    shutil.copytree(project, aside)
    shutil.rmtree(project)
    watched.wait(lambda: watched.paths == ALL)
    watched.told.clear()
    shutil.copytree(aside, project)
    watched.wait(lambda: watched.paths == ALL)
    watched.settled()
    (project / "pkg" / "mod.py").write_text("again")
    assert watched.settled() == [{"pkg/mod.py"}]


def test_a_root_that_is_replaced_by_another(project: Path, watch: Watch) -> None:
    watched = watch()
    other = project.parent / "other"
    shutil.copytree(project, other)
    (other / "app.py").write_text("other")
    project.rename(project.parent / "aside")
    other.rename(project)
    watched.wait(lambda: watched.paths == {"app.py"})
    watched.settled()
    (project / "pkg" / "mod.py").write_text("again")
    assert watched.settled() == [{"pkg/mod.py"}]


def test_a_root_that_does_not_exist_yet(project: Path, watch: Watch) -> None:
    watched = watch(project / "later")
    (project / "later").mkdir()
    assert watched.settled() == []
    (project / "later" / "x.py").write_text("x")
    assert watched.settled() == [{"x.py"}]


def test_a_root_that_is_a_link(project: Path, watch: Watch) -> None:
    link = project.parent / "link"
    link.symlink_to(project)
    watched = watch(roots=[link])
    (link / "app.py").write_text("1")
    assert watched.settled() == [{"app.py"}]
    other = project.parent / "other"
    other.mkdir()
    (other / "new.py").write_text("1")
    link.unlink()
    link.symlink_to(other)
    watched.wait(lambda: f"{other}/new.py" in watched.paths)
    (other / "new.py").write_text("2")
    watched.wait(lambda: sum(f"{other}/new.py" in batch for batch in watched.quiets) == 2)


def test_links_in_the_tree_are_not_followed_round_and_round(project: Path, watch: Watch) -> None:
    (project / "pkg" / "up").symlink_to(project)
    (project / "alias.py").symlink_to(project / "app.py")
    (project / "broken.py").symlink_to(project / "nowhere.py")
    watched = watch()
    (project / "app.py").write_text("1")
    assert watched.settled() == [{"app.py"}]
    (project / "alias.py").unlink()
    (project / "alias.py").symlink_to(project / "pkg" / "__init__.py")
    assert watched.settled() == [{"alias.py"}]


@pytest.mark.parametrize("poll", [None, 0.02], ids=["events", "polling"])
def test_a_link_to_a_directory_elsewhere_is_followed(project: Path, watch: Watch, poll: float | None) -> None:
    one, two = project.parent / "one", project.parent / "two"
    for place in (one, two):
        place.mkdir()
        (place / "x.py").write_text("0")
    (project / "pkg" / "link").symlink_to(one)
    (one / "round").symlink_to(project)
    (one / "up").symlink_to("/")
    watched = watch(poll=poll)
    (one / "x.py").write_text("1")
    watched.wait(lambda: f"{one}/x.py" in watched.paths)  # each directory has a watch of its own, and its own time
    assert watched.settled() == [{f"{one}/x.py"}]
    (project / "pkg" / "link").unlink()
    (project / "pkg" / "link").symlink_to(two)
    watched.wait(lambda: f"{two}/x.py" in watched.paths)
    watched.settled()
    (two / "x.py").write_text("1")
    watched.wait(lambda: f"{two}/x.py" in watched.paths)
    assert watched.settled() == [{f"{two}/x.py"}]
    (project / "pkg" / "link").unlink()
    watched.wait(lambda: f"{two}/x.py" in watched.paths)
    watched.settled()
    (two / "x.py").write_text("2")
    assert watched.settled() == []
    (project / "again").symlink_to(one)
    watched.wait(lambda: f"{one}/x.py" in watched.paths)


def test_a_root_within_another_is_not_told_twice(project: Path, watch: Watch) -> None:
    (project / ".venv" / "src" / "lib").mkdir(parents=True)
    (project / ".venv" / "src" / "lib" / "x.py").write_text("0")
    watched = watch(roots=[project, project / "pkg", project / ".venv" / "src" / "lib", project])
    (project / "pkg" / "mod.py").write_text("1")
    assert watched.settled() == [{"pkg/mod.py"}]
    (project / ".venv" / "src" / "lib" / "x.py").write_text("1")
    assert watched.settled() == [{".venv/src/lib/x.py"}]


def test_what_may_not_be_read_has_changed_when_its_time_has(project: Path, watch: Watch) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    watched = watch()
    secret = project / "secret.txt"
    secret.write_text("0")
    assert watched.settled() == [{"secret.txt"}]
    secret.chmod(0)
    assert watched.settled() == []
    os.utime(secret)
    assert watched.settled() == [{"secret.txt"}]
    secret.chmod(0o600)
    assert watched.settled() == [{"secret.txt"}]


def test_odd_files_do_no_harm(project: Path, watch: Watch) -> None:
    os.mkfifo(project / "fifo")
    watched = watch()
    os.mkfifo(project / "fifo2")
    (project / "\udcff.py").write_text("odd name")
    (project / "app.py").unlink()
    (project / "app.py").mkdir()
    (project / "app.py" / "x.py").write_text("x")
    assert set[str]().union(*watched.settled()) == {"\udcff.py", "app.py", "app.py/x.py"}


@pytest.mark.parametrize("name", ["pepperpy-reload inotify", "pepperpy-reload observer", "pepperpy-reload events of"])
def test_a_dead_thread_is_noticed(project: Path, watch: Watch, name: str) -> None:
    if sys.platform != "linux":
        pytest.skip("the threads of Linux")
    watched = watch()
    (victim,) = (thread for thread in threading.enumerate() if thread.name.startswith(name))
    victim.stop()  # type: ignore[attr-defined]
    victim.join()
    (project / "pkg" / "mod.py").write_text("while dead")
    watched.wait(lambda: watched.paths == {"pkg/mod.py"})
    watched.told.clear()
    (project / "pkg" / "mod.py").write_text("alive again")
    watched.wait(lambda: watched.quiets == [{"pkg/mod.py"}])


def test_a_failing_callback_does_not_end_the_watching(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Hint | Quiet] = []
    twice = threading.Event()

    def fail(event: Hint | Quiet) -> None:
        heard.append(event)
        if sum(isinstance(each, Quiet) for each in heard) == 2:
            twice.set()
        raise ZeroDivisionError

    with caplog.at_level(logging.CRITICAL), Watcher([os.fspath(project)], on_event=fail) as watcher:
        (project / "app.py").write_text("1")
        while not any(isinstance(event, Quiet) for event in heard):
            threading.Event().wait(0.01)
        (project / "app.py").write_text("2")
        assert twice.wait(10)
        assert watcher.alive


def test_stopping_from_the_callback(project: Path) -> None:
    stopped = threading.Event()

    def stop(event: Hint | Quiet) -> None:
        watcher.stop()
        stopped.set()

    watcher = Watcher([os.fspath(project)], on_event=stop).start()
    (project / "app.py").write_text("1")
    assert stopped.wait(10)
    watcher.stop()
    assert not watcher.alive


CHILD = """
import os, pathlib, sys
from pepperpy_reload.core.batch import Quiet
from pepperpy_reload.watching.observer import Watcher
def tell(event):
    if isinstance(event, Quiet):
        print(*sorted(event.paths), sep=os.pathsep, flush=True)
with Watcher([sys.argv[1]], on_event=tell, on_notice=lambda text: print("notice", text, flush=True)):
    print("live", flush=True)
    sys.stdin.read()
"""


class Child:
    """A watcher in a process of its own, which can be stopped and limited."""

    def __init__(self, root: Path, *before: str) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [*before, sys.executable, "-c", CHILD, os.fspath(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait("live")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()

    def wait(self, *texts: str) -> None:
        with self._news:
            found = self._news.wait_for(lambda: all(any(text in line for line in self.lines) for text in texts), 20)
            assert found, f"waited in vain for {texts}; lines: {self.lines}"

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self._reader.join(10)
        self.process.stdout.close()


def test_lost_events_are_made_up_for(project: Path) -> None:
    try:
        most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    except OSError:
        pytest.skip("no inotify")
    if most > 100_000:
        pytest.skip(f"the queue holds {most} events")
    with Child(project) as child:
        child.process.send_signal(signal.SIGSTOP)
        os.waitpid(child.process.pid, os.WUNTRACED)
        try:
            for at in range(most + 10):  # closing what was open for writing is an event; in turn, or they are one
                os.close(os.open(project / ("app.py", "pkg/mod.py")[at % 2], os.O_WRONLY))
            (project / "pkg" / "mod.py").write_text("1")
            (project / "new" / "deep").mkdir(parents=True)
            (project / "new" / "deep" / "x.py").write_text("x")
            (project / "last.py").write_text("x")
        finally:
            child.process.send_signal(signal.SIGCONT)
        child.wait("notice There were more file events", "new/deep/x.py", "last.py", "pkg/mod.py")
        child.lines.clear()
        (project / "new" / "deep" / "x.py").write_text("later")
        child.wait("new/deep/x.py")


def may_limit_watches() -> bool:
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-Ur", "sh", "-c", "echo 20 > /proc/sys/user/max_inotify_watches"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_directories_beyond_the_limit_are_polled(project: Path) -> None:
    if not may_limit_watches():
        pytest.skip("the limit cannot be set here")
    for at in range(60):
        (project / f"d{at}").mkdir()
        (project / f"d{at}" / "x.py").write_text("0")
    limited = ("unshare", "-Ur", "sh", "-c", 'echo 20 > /proc/sys/user/max_inotify_watches; exec "$@"', "-")
    with Child(project, *limited) as child:
        for at in range(60):
            (project / f"d{at}" / "x.py").write_text("1")
        (project / "d59" / "new").mkdir()
        (project / "d59" / "new" / "y.py").write_text("1")
        child.wait(*(f"/d{at}/x.py" for at in range(60)), "/d59/new/y.py")
        child.wait("sudo sysctl fs.inotify.max_user_watches=")
        assert sum(line.startswith("notice") for line in child.lines) == 1
        child.lines.clear()
        (project / "d59" / "new" / "y.py").write_text("2")
        child.wait("/d59/new/y.py")


MOUNTS = r"""
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:50 / /mnt/c rw,noatime - 9p drvfs rw
31 22 0:51 / /work/with\040space rw - virtiofs tag rw
32 22 0:52 / /work/local rw - tmpfs tmpfs rw
33 22 0:53 / /home/me/s rw - fuse.sshfs host: rw
34 22 0:54 / /disk rw - fuseblk /dev/sdb rw
35 30 0:55 / /mnt/c/fast rw - ext4 /dev/vdb rw
36 22 0:56 / /nfs rw shared:1 master:2 - nfs4 host:/ rw
"""


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ("/srv/app", {}),
        ("/mnt/c/app", {"/mnt/c/app": "9p"}),
        ("/mnt/c/fast/app", {}),
        ("/mnt/cd", {}),
        ("/work", {"/work/with space": "virtiofs"}),
        ("/work/local/app", {}),
        ("/home/me/s", {"/home/me/s": "fuse.sshfs"}),
        ("/disk", {}),
        ("/nfs/x", {"/nfs/x": "nfs4"}),
    ],
)
def test_file_systems_without_events_are_known(root: str, expected: dict[str, str]) -> None:
    assert without_events(root, read_mounts(MOUNTS)) == expected


def test_the_lock_of_git_is_found(project: Path) -> None:
    assert git_locks(str(project)) == [str(project / ".git" / "index.lock")]
    (project.parent / ".git").mkdir()
    assert git_locks(str(project / "pkg")) == [str(project.parent / ".git" / "index.lock")]
    (project / ".git").write_text("gitdir: /else/where\n")
    assert git_locks(str(project / "pkg")) == ["/else/where/index.lock"]
