"""How we hear of changes: by events where the machine gives them, by looking where it does not."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from pepperpy_reload.watching import surroundings
from pepperpy_reload.watching.coverage import plan, survey
from pepperpy_reload.watching.root import Root

POLL = 0.5  # seconds between two looks at what gives no events


class Source(Protocol):
    """What tells of changes. `open` and `watch` raise OSError when the machine refuses."""

    def open(self) -> None:
        """Start, with nothing watched."""

    def close(self) -> None:
        """Stop all threads, dead or alive."""

    def watch(self, directory: str, *, recursive: bool) -> None:
        """Watch a directory, anew if it was watched before."""

    def unwatch(self, directory: str) -> None:
        """Stop watching it, if it is watched."""

    def lapsed(self) -> list[str]:
        """The directories that have lost their watch."""

    def is_healthy(self) -> bool:
        """Whether the common threads are alive."""

    def really_watched(self) -> set[str] | None:
        """The directories that the system watches; None if that cannot be known."""


class Reach:
    """What is watched and what is polled of some roots. Without a source everything is polled."""

    def __init__(
        self, roots: Sequence[Root], source: Source | None, on_notice: Callable[[str], None], poll: float | None
    ) -> None:
        self._roots = roots
        self._source = source
        self._notice = on_notice
        self.interval = poll if poll is not None else POLL
        self.polled: dict[str, bool] = {}  # directory -> with all below
        self._limit_told = False

    def open(self) -> None:
        """Watch all roots, as far as that is possible."""
        self.polled.clear()
        if self._source is None:
            self.polled.update((root.path, True) for root in self._roots)
            return
        mounted = surroundings.mounts()
        for root in self._roots:
            root.watches.clear()
            for path, kind in surroundings.without_events(root.path, mounted).items():
                if not root.rules.prunes(path):
                    self.poll_instead(path, f"{path} is on {kind}, which tells of no changes")
        try:
            self._source.open()
        except OSError as error:
            self._source.close()
            self._source = None
            for root in self._roots:
                self.poll_instead(root.path, f"No file events for {root.path} ({error.strerror or error})")
            return
        for root in self._roots:
            self.cover(root)

    def close(self) -> None:
        """Stop all threads of the source."""
        if self._source is not None:
            self._source.close()

    def poll_instead(self, directory: str, because: str) -> None:
        """Look at a directory and all below it from now on, and say so."""
        if not self.polled.get(directory):
            self.polled[directory] = True
            self._notice(f"{because}: looking every {self.interval:g} s.")

    def add(self, root: Root) -> None:
        """Watch one more root."""
        if self._source is None:
            self.polled[root.path] = True
        self.cover(root)

    def remove(self, root: Root) -> None:
        """Watch a root no more."""
        self.uncover(root, root.path)
        self.polled.pop(root.path, None)

    def cover(self, root: Root) -> None:
        """Watch what is to be watched of a root and is not yet; nothing if the root is not there."""
        if self._source is None or self.polled.get(root.path):
            return
        wanted = plan(survey(root.path, root.rules)) if os.path.isdir(root.path) else {}  # noqa: PTH112
        for path in root.watches.keys() - wanted.keys():
            self._source.unwatch(path)
            del root.watches[path]
        for path, recursive in wanted.items():
            if root.watches.get(path) == recursive:
                continue
            try:
                self._source.watch(path, recursive=recursive)
                root.watches[path] = recursive
            except OSError as error:  # the limit, or it has just gone
                root.watches.pop(path, None)
                if error.errno in (errno.ENOSPC, errno.EMFILE):
                    self._poll_too({path: recursive})

    def uncover(self, root: Root, below: str) -> bool:
        """Take the watches off a directory that came, went or was replaced; whether to cover the root anew."""
        if self._source is None:
            return False
        stale = [each for each in root.watches if each == below or each.startswith(below + os.sep)]
        for each in stale:
            self._source.unwatch(each)
            del root.watches[each]
        return bool(stale) or root.watches.get(below.rpartition(os.sep)[0]) is False

    def move(self, root: Root, before: str) -> None:
        """Watch a root anew that was at `before`."""
        if before in self.polled and before != root.path:
            self.polled[root.path] = self.polled.pop(before)
        for each in list(root.watches):
            if self._source is not None:
                self._source.unwatch(each)
        root.watches.clear()
        self.cover(root)

    def repair(self) -> list[tuple[Root, str]]:
        """Watch again where a thread has died; the directories where something may have been missed."""
        if self._source is None:
            return []
        if not self._source.is_healthy():
            self._source.close()
            self.open()
            return [(root, root.path) for root in self._roots]
        missed: list[tuple[Root, str]] = []
        for path in self._source.lapsed():
            self._source.unwatch(path)
            for root in self._roots:
                if root.watches.pop(path, None) is not None:
                    missed.append((root, path))
        for root in {root for root, _ in missed}:
            self.cover(root)
        return missed

    def verify(self, directories: Iterable[str]) -> list[Root]:
        """Poll those of the directories that are not watched although they should be: watchdog does not tell.

        The roots that were watched anew on the way: something may have been missed there.
        """
        missing = self._missing(directories)
        renewed = [root for root in self._roots if any(root.holds(path) for path in missing)]
        for root in renewed:  # lost in moves of directories, perhaps
            self.move(root, root.path)
        if missing:
            self._poll_too(dict.fromkeys(self._missing(directories), False))
        return renewed

    def _missing(self, directories: Iterable[str]) -> list[str]:
        watched = self._source.really_watched() if self._source is not None else None
        if watched is None:
            return []
        return [path for path in set(directories) - watched if not self._is_polled(path) and _is_open(path)]

    def _is_polled(self, path: str) -> bool:
        if path in self.polled:
            return True
        return any(deep and path.startswith(top.rstrip(os.sep) + os.sep) for top, deep in self.polled.items())

    def _poll_too(self, directories: dict[str, bool]) -> None:
        self.polled.update(directories)
        if directories and not self._limit_told:
            self._limit_told = True
            limit = surroundings.most_watches()
            self._notice(
                f"The limit of inotify watches is reached (fs.inotify.max_user_watches={limit}), some directories are "
                f"looked at every {self.interval:g} s instead; to raise it: "
                f"sudo sysctl fs.inotify.max_user_watches={max(524288, 2 * (limit or 0))}"
            )


def _is_open(path: str) -> bool:
    return os.access(path, os.R_OK | os.X_OK)
