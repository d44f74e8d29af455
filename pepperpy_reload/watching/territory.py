"""The watched roots together: what is in them, and what has changed when something says that something has.

Everything here runs in the consumer's thread. Nothing raises for what a file system may do.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pepperpy_reload.core.batch import Change
from pepperpy_reload.watching.reach import Reach, Source
from pepperpy_reload.watching.root import Root, follow, open_roots
from pepperpy_reload.watching.snapshot import Snapshot
from pepperpy_reload.watching.surroundings import is_held

POLL_SHARE = 5  # a poll comes at the earliest after so many times as long as the last one took
INSPECTION = 1.0  # seconds between two looks at the threads and roots
ABSENT = 0.2  # ... while a root is missing
RESCAN = 60.0  # seconds between two looks at everything, for what no event told
RESCAN_SHARE = 1000  # ... but at least so many times as long as one takes
LONG_AGO = 5.0  # seconds after which an event that has not come does not come
ASLEEP = 5.0  # seconds that the wall clock is ahead of ours after the machine has slept
RULE_FILES = frozenset({".gitignore", "pyvenv.cfg"})
NEVER = float("inf")


class Touched(NamedTuple):
    """Something may have happened to these paths."""

    paths: tuple[str, ...]
    is_directory: bool
    at: float


class Territory:
    """All roots. `poll` without a source looks at everything every so many seconds."""

    def __init__(
        self,
        roots: Sequence[str],
        *,
        source: Source | None,
        on_notice: Callable[[str], None],
        include: Sequence[str],
        exclude: Sequence[str],
        poll: float | None,
    ) -> None:
        self._globs = (include, exclude)
        self._roots = open_roots(roots, include, exclude)
        self._reach = Reach(self._roots, source, on_notice, poll)
        self._snapshot = Snapshot()
        self._waiting: deque[tuple[str, bool]] = deque()  # directories to look at, with all below or not
        self._scan_began = 0.0
        self._auditing = False
        self._mixed_up: set[Root] = set()
        self._verified = -1
        self._clock_ahead = time.time() - time.monotonic()
        self._next_rescan = NEVER
        self.next_poll = NEVER
        self.next_inspection = 0.0

    def open(self) -> None:
        """Start watching, then look at everything for the first time: nothing can fall in between."""
        self._reach.open()
        began = time.monotonic()
        new = list(self._roots)
        while new:
            for root in new:
                waiting = [root.path]
                while waiting:
                    waiting += self._snapshot.scan(waiting.pop(), root.rules, first=True)[1]
            new = self._follow_links()
        now = time.monotonic()
        self._next_rescan = now + max(RESCAN, RESCAN_SHARE * (now - began))
        self._plan_poll(now, now - began)
        self.next_inspection = now

    def close(self) -> None:
        """Stop all threads."""
        self._reach.close()

    def _follow_links(self) -> list[Root]:
        """Watch what links to directories point to, if nobody does yet. The paths that are told are the real ones."""
        new: list[Root] = []
        while self._snapshot.links:
            root = follow(self._snapshot.links.pop(), self._roots, *self._globs)
            if root is not None:
                new.append(root)
                self._roots.append(root)
                self._reach.add(root)
        return new

    def _root_of(self, path: str) -> Root | None:
        return next((root for root in self._roots if root.holds(path)), None)

    def _concerns(self, path: str) -> bool:
        if path in self._snapshot:
            return True
        root = self._root_of(path)
        return root is not None and path != root.path and not root.rules.ignores(path)

    # What has just happened

    def heed(self, touched: Iterable[Touched]) -> tuple[list[Change], bool]:
        """Look where something may have happened: what has changed, and whether any of it is of interest."""
        files: dict[str, None] = {}
        directories: dict[str, None] = {}
        for each in touched:
            (directories if each.is_directory else files).update(dict.fromkeys(each.paths))
        changes: list[Change] = []
        relevant = False
        for path in files:
            if path in self._snapshot.directories:
                directories[path] = None
            elif self._concerns(path):
                relevant = True
                change = self._snapshot.check(path)
                if change is not None:
                    changes.append(change)
        if directories:
            changes += self._heed_directories(list(directories))
        self._look_at((root.path, True) for root in self._follow_links())
        self._notice(changes)
        return changes, relevant or bool(changes)

    def _heed_directories(self, paths: list[str]) -> list[Change]:
        concerned = [(root, path) for path in paths if (root := self._root_of(path)) and not root.rules.prunes(path)]
        for root in {root for root, path in concerned if self._reach.uncover(root, path)}:
            self._reach.cover(root)
        changes: list[Change] = []
        done: set[str] = set()
        for root, path in sorted(concerned, key=lambda each: each[1]):
            if path == root.path:
                self.next_inspection = 0.0
            if path in self._snapshot.directories and not os.path.isdir(path):  # noqa: PTH112
                self._mixed_up.add(root)
            waiting = [path]
            while waiting:
                each = waiting.pop()
                if each not in done:
                    done.add(each)
                    found, below = self._snapshot.scan(each, root.rules)
                    changes += found
                    waiting += below
            self._snapshot.link(path, root.path)
        self._verified = -1
        return changes

    def _notice(self, changes: Iterable[Change]) -> None:
        """Rules about what is ignored may be among what has changed."""
        for change in changes:
            root = self._root_of(change.path)
            if root is not None:
                if not self._auditing:
                    root.heard = True
                if change.path.rpartition(os.sep)[2] in RULE_FILES:
                    root.rules.forget()
                    self._snapshot.prune(root.path, root.rules)
                    self._reach.cover(root)
                    self._look_at([(root.path, True)])

    def _watch_anew(self) -> None:
        """Watch roots anew in which directories have gone or were moved.

        watchdog then has paths that are not true any more, so that changes would be told of the wrong files or none.
        """
        for root in self._mixed_up:
            self._reach.move(root, root.path)
            self._look_at([(root.path, True)])
        self._mixed_up.clear()

    def look_again(self, paths: Iterable[str]) -> list[Change]:
        """Look at the files of a batch at its end: what has changed in the meantime."""
        found = [self._snapshot.recheck(path) for path in paths if self._concerns(path)]
        return [change for change in found if change is not None]

    def contents(self, paths: Iterable[str]) -> dict[str, bytes | None]:
        """What stands for the contents of files, at the end of a batch."""
        self._watch_anew()
        return {path: self._snapshot.fingerprint(path) for path in paths}

    def is_busy(self) -> bool:
        """Whether git is at work in one of the roots."""
        return any(is_held(lock) for root in self._roots for lock in root.locks)

    # What is done now and then

    def inspect(self, now: float) -> None:
        """Repair what is broken: dead threads, roots that went, came back or are another directory now."""
        self.next_inspection = now + (ABSENT if any(root.identity is None for root in self._roots) else INSPECTION)
        for root in list(self._roots):
            before = root.path
            if root.is_link and not os.path.islink(root.given):  # noqa: PTH114
                self._roots.remove(root)
                self._reach.remove(root)
                self._look_at([(before, True)])
            elif root.has_moved():
                self._reach.move(root, before)
                self._look_at([(before, True), (root.path, True)])
        self._watch_anew()
        self._look_at((path, True) for _, path in self._reach.repair())
        if self._verified != len(self._snapshot.directories) and not self._waiting:
            self._look_at((root.path, True) for root in self._reach.verify(self._snapshot.directories))
            self._verified = len(self._snapshot.directories)
        ahead = time.time() - time.monotonic()
        if now >= self._next_rescan or ahead - self._clock_ahead > ASLEEP:
            self.rescan()
            self._auditing = True
        self._clock_ahead = ahead
        if self._reach.polled and self.next_poll == NEVER and not self._waiting:
            self.next_poll = now + self._reach.interval

    def rescan(self, *, again: bool = False) -> None:
        """Look at everything, in small portions. `again`: once more in a moment."""
        self._verified = -1
        self._look_at((root.path, True) for root in self._roots)
        self._next_rescan = time.monotonic() + INSPECTION if again else NEVER

    def _look_at(self, directories: Iterable[tuple[str, bool]]) -> None:
        """Look at directories when there is time; true: at all below them, too."""
        if not self._waiting:
            self._scan_began = time.monotonic()
        self._waiting.extend(directories)

    def poll(self) -> None:
        """Look at what gives no events, in small portions."""
        self.next_poll = NEVER
        for path, deep in list(self._reach.polled.items()):
            if not deep and path not in self._snapshot.directories:
                del self._reach.polled[path]
        self._look_at(self._reach.polled.items())

    def _plan_poll(self, now: float, took: float) -> None:
        if self._reach.polled:
            self.next_poll = now + max(self._reach.interval, POLL_SHARE * took)

    @property
    def has_chores(self) -> bool:
        """Whether there is something to do when nothing else is."""
        return bool(self._waiting) or not self._snapshot.is_learnt

    def chores(self, until: float) -> list[Change]:
        """Do a portion of the work that can wait, until `time.monotonic()` says `until`: what has changed."""
        changes: list[Change] = []
        scanning = bool(self._waiting)
        while self._waiting and time.monotonic() < until:
            path, deep = self._waiting.popleft()
            root = self._root_of(path)
            if root is None:
                changes += self._snapshot.drop(path)
            else:
                found, below = self._snapshot.scan(path, root.rules, deep=deep)
                changes += found
                self._waiting.extend((each, True) for each in below)
        self._look_at((root.path, True) for root in self._follow_links())
        if self._auditing:
            self._doubt_events(changes)
        if scanning and not self._waiting:
            self._scan_done()
        elif not scanning:
            changes += self._snapshot.learn(until)
        self._notice(changes)
        return changes

    def _scan_done(self) -> None:
        now = time.monotonic()
        took = now - self._scan_began
        self._auditing = False
        if self.next_poll == NEVER:
            self._plan_poll(now, took)
        if self._next_rescan == NEVER:
            self._next_rescan = now + max(RESCAN, RESCAN_SHARE * took)

    def _doubt_events(self, changes: Iterable[Change]) -> None:
        """A change of which no event told, below a root from which none has ever come: its file system gives none."""
        for change in changes:
            root = self._root_of(change.path)
            if root is not None and not root.heard and _is_old(change.path):
                self._reach.poll_instead(root.path, f"{root.path} tells of no changes")


def _is_old(path: str) -> bool:
    try:
        return time.time() - os.stat(path).st_ctime > LONG_AGO  # noqa: PTH116
    except OSError:
        return False
