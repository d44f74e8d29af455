"""What the files looked like when we last looked: the truth that events are measured against.

A file has changed when its *content* has: the hash decides, `stat` only says whether looking is worth while.
At the first look only `stat` is taken (20,000 files in a fraction of a second); the contents of all files that are
small, or text and not huge, are learnt afterwards, in small portions while nothing else is to do (`learn`). A file
whose content is not known (it is huge, or not learnt yet) counts as changed when its time, size or inode differ;
so does one that may not be read. Change times within `YOUNG` of the look are not trusted: such a file is read again.
"""

from __future__ import annotations

import os
import stat
import time
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from pepperpy_reload.core.batch import Change
from pepperpy_reload.watching.ignore import IgnoreRules

try:
    from _blake2 import blake2b  # the same as hashlib's, which would load OpenSSL first, and a start waits for us
except ImportError:
    from hashlib import blake2b

YOUNG = 2_000_000_000  # ns; the coarsest clock of a file system (FAT)
HUGE = 2 * 1024 * 1024  # never read: what is written all the time would cost too much
TEXT = 1024 * 1024  # learnt when idle, if the name says that it is text
SMALL = 64 * 1024  # learnt when idle, whatever it is
AT_ONCE = 200  # so many young files are read at the first look
TEXT_ENDINGS = (
    *(".py", ".pyi", ".toml", ".json", ".yaml", ".yml", ".ini", ".cfg", ".env", ".txt", ".md", ".rst", ".html"),
    *(".htm", ".jinja", ".jinja2", ".j2", ".css", ".scss", ".js", ".ts", ".mjs", ".tsx", ".jsx", ".vue", ".svelte"),
    *(".sql", ".xml", ".svg", ".csv", ".graphql", ".proto", ".po", ".tmpl", ".tpl", ".mako", ".ipynb", ".lock"),
)
UNREADABLE = b""


def _hash(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


EMPTY = _hash(b"")


class Entry(NamedTuple):
    """One file at one look. `content` is a hash, None if unknown, `UNREADABLE` if it may not be read."""

    modified: int
    changed: int
    size: int
    inode: int
    content: bytes | None
    young: bool

    @property
    def fingerprint(self) -> bytes:
        """What stands for the content: its hash, or else what `stat` said."""
        return self.content or b"%d:%d:%d" % (self.modified, self.size, self.inode)

    def is_as_in(self, status: os.stat_result) -> bool:
        """Whether `stat` says the same as before."""
        return (
            self.modified == status.st_mtime_ns
            and self.changed == status.st_ctime_ns
            and self.size == status.st_size
            and self.inode == status.st_ino
        )

    def differs_from(self, other: Entry) -> bool:
        """Whether the content is, for all that is known, another one."""
        if self.content and other.content:
            return self.content != other.content
        if other.content == UNREADABLE and self.content:
            return True
        return (self.modified, self.size, self.inode) != (other.modified, other.size, other.inode)


@dataclass(slots=True)
class Directory:
    """One directory: its files, and the names of the directories in it."""

    files: dict[str, Entry] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)


class Snapshot:
    """All files that are not ignored, by directory. Not thread-safe: it belongs to one thread."""

    def __init__(self) -> None:
        self.directories: dict[str, Directory] = {}
        self.links: set[str] = set()  # to directories: found, not followed; whoever does takes them out
        self._unlearnt: deque[str] = deque()
        self._read_at_once = 0

    def __contains__(self, path: str) -> bool:
        parent, _, name = path.rpartition(os.sep)
        directory = self.directories.get(parent)
        return directory is not None and name in directory.files

    @property
    def is_learnt(self) -> bool:
        """Whether nothing is left for `learn`."""
        return not self._unlearnt

    def fingerprint(self, path: str) -> bytes | None:
        """What stands for the content of `path` as last seen; None if there is no such file."""
        parent, _, name = path.rpartition(os.sep)
        directory = self.directories.get(parent)
        entry = directory.files.get(name) if directory is not None else None
        return entry.fingerprint if entry is not None else None

    def check(self, path: str) -> Change | None:
        """Look at one file: a change if its content is not what it was, or if it appeared or vanished."""
        parent, _, name = path.rpartition(os.sep)
        directory = self.directories.get(parent)
        known = directory.files.get(name) if directory is not None else None
        status = _status(path)
        if status is None:
            if directory is None or known is None:
                if os.path.isdir(path):  # noqa: PTH112
                    self.links.add(path)
                return None
            del directory.files[name]
            return Change(path, known.fingerprint, None)
        if directory is None:
            directory = self.directories[parent] = Directory()
        return self._compare(directory, name, path, known, status)

    def recheck(self, path: str) -> Change | None:
        """Look at one file that was looked at a moment ago: it is read again only if `stat` differs."""
        parent, _, name = path.rpartition(os.sep)
        directory = self.directories.get(parent)
        known = directory.files.get(name) if directory is not None else None
        status = _status(path)
        return None if known is not None and status is not None and known.is_as_in(status) else self.check(path)

    def link(self, path: str, root: str) -> None:
        """Make a directory that was scanned by itself known to those that it lies in, up to the root."""
        while path in self.directories and path != root:
            parent, _, name = path.rpartition(os.sep)
            known = self.directories.setdefault(parent, Directory())
            if name in known.directories:
                return
            known.directories.add(name)
            path = parent

    def _compare(
        self, directory: Directory, name: str, path: str, known: Entry | None, status: os.stat_result
    ) -> Change | None:
        if known is not None and not known.young and known.is_as_in(status) and known.content is not None:
            return None
        entry = _read(path, status)
        if known is None or entry.differs_from(known):
            directory.files[name] = entry
            before = known.fingerprint if known is not None else None
            return Change(path, before, entry.fingerprint, doubtful=entry.content == EMPTY)
        # The content is what it was. What was known of it stays known, though it may not be read just now.
        directory.files[name] = entry if entry.content else entry._replace(content=known.content)
        return None

    def scan(
        self, path: str, rules: IgnoreRules, *, first: bool = False, deep: bool = True
    ) -> tuple[list[Change], list[str]]:
        """Look at one directory: the changes in it, and the directories in it to go on with (not `deep`: new ones).

        Directories that have vanished are reported with everything that was below them. `first` takes what is found
        for what has always been there.
        """
        try:
            with os.scandir(path) as listing:
                entries = list(listing)
        except OSError:
            return self.drop(path), []
        directory = self.directories.setdefault(path, Directory())
        changes: list[Change] = []
        files: set[str] = set()
        below: dict[str, str] = {}
        for entry in entries:
            if _is_directory(entry):
                if not rules.prunes(entry.path):
                    below[entry.name] = entry.path
            elif entry.name in directory.files or not rules.ignores(entry.path):
                files.add(entry.name)
                change = self._look(directory, entry, first=first)
                if change is not None:
                    changes.append(change)
        for name in directory.files.keys() - files:
            changes.append(Change(_below(path, name), directory.files.pop(name).fingerprint, None))
        for name in directory.directories - below.keys():
            changes += self.drop(_below(path, name))
        directory.directories = set(below)
        return changes, [each for each in below.values() if deep or each not in self.directories]

    def _look(self, directory: Directory, entry: os.DirEntry[str], *, first: bool) -> Change | None:
        known = directory.files.get(entry.name)
        try:
            status = entry.stat()
        except OSError:
            status = None
        if status is None or not stat.S_ISREG(status.st_mode):
            if status is not None and stat.S_ISDIR(status.st_mode):
                self.links.add(entry.path)
            return None if known is None else self.check(entry.path)
        if known is not None and not known.young and known.is_as_in(status):
            return None
        if first and known is None:
            self._remember(directory, entry, status)
            return None
        return self._compare(directory, entry.name, entry.path, known, status)

    def _remember(self, directory: Directory, entry: os.DirEntry[str], status: os.stat_result) -> None:
        """The first look at a file: as little as possible now."""
        young = _is_young(status)
        if young and self._read_at_once < AT_ONCE:
            self._read_at_once += 1
            directory.files[entry.name] = _read(entry.path, status)
            return
        directory.files[entry.name] = Entry(
            status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, None, young
        )
        if status.st_size <= SMALL or (status.st_size <= TEXT and entry.name.endswith(TEXT_ENDINGS)):
            if young or entry.name.endswith(".py"):
                self._unlearnt.appendleft(entry.path)
            else:
                self._unlearnt.append(entry.path)

    def learn(self, until: float) -> list[Change]:
        """Read files whose content is not known yet, until `time.monotonic()` says `until`; what has changed."""
        changes: list[Change] = []
        while self._unlearnt and time.monotonic() < until:
            path = self._unlearnt.popleft()
            if path in self and (change := self.check(path)) is not None:
                changes.append(change)
        return changes

    def drop(self, path: str) -> list[Change]:
        """Forget a directory and all below it: one change for each file that was there."""
        directory = self.directories.pop(path, None)
        if directory is None:
            return []
        changes = [Change(_below(path, name), entry.fingerprint, None) for name, entry in directory.files.items()]
        for name in directory.directories:
            changes += self.drop(_below(path, name))
        return changes

    def prune(self, root: str, rules: IgnoreRules) -> None:
        """Forget, without a word, what is ignored by now."""
        prefix = root.rstrip(os.sep) + os.sep
        for path in [path for path in self.directories if path.startswith(prefix) and rules.prunes(path)]:
            self.drop(path)
        for path, directory in self.directories.items():
            if path == root or path.startswith(prefix):
                for name in [name for name in directory.files if rules.ignores(_below(path, name))]:
                    del directory.files[name]


def _below(directory: str, name: str) -> str:
    return f"{directory.rstrip(os.sep)}{os.sep}{name}"


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _status(path: str) -> os.stat_result | None:
    """What `stat` says of a regular file; None for anything else. (A FIFO must not even be opened.)"""
    try:
        status = os.stat(path)  # noqa: PTH116 - a Path costs more than the call
    except (OSError, ValueError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _is_young(status: os.stat_result) -> bool:
    """Whether the file was changed so recently that another change could bear the same time."""
    # The kernel's own time cannot be set back by `cp -p`; on Windows st_ctime is the time of creation.
    moment = status.st_mtime_ns if os.name == "nt" else status.st_ctime_ns
    return time.time_ns() - moment < YOUNG


def _read(path: str, status: os.stat_result) -> Entry:
    young = _is_young(status)
    content: bytes | None = None
    if status.st_size <= HUGE:
        try:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path costs more than the call
                content = _hash(file.readall())
        except OSError:
            content = UNREADABLE
    return Entry(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, content, young)
