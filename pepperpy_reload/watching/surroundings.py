"""What the machine says about a directory: does it give events, how many watches are left, is git at work."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

WITHOUT_EVENTS = re.compile(r"(9p|drvfs|virtiofs|nfs\d?|cifs|smb3|smbfs|vboxsf|prl_fs|afs|ncpfs|fuse\..+)\Z")
STALE_LOCK = 10.0  # seconds; git has died and left its lock


def mounts() -> dict[str, str]:
    """The mounted file systems: where, and of what type. Empty where there is no `/proc`."""
    try:
        return read_mounts(Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return {}


def read_mounts(text: str) -> dict[str, str]:
    """The mount points and types in the text of a `mountinfo` file; of two at one place the later one counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, types = before.split(), after.split()
        if len(fields) >= 5 and types:
            place = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
            found[place] = types[0]
    return found


def without_events(root: str, mounted: dict[str, str]) -> dict[str, str]:
    """The parts of `root` (itself, or mount points below it) whose file system tells of no changes, and its type."""
    found: dict[str, str] = {}
    home = max((place for place in mounted if _contains(place, root)), key=len, default=None)
    if home is not None and WITHOUT_EVENTS.match(mounted[home]):
        found[root] = mounted[home]
    for place, kind in mounted.items():
        if place != root and _contains(root, place) and WITHOUT_EVENTS.match(kind):
            found[place] = kind
    return found


def _contains(directory: str, path: str) -> bool:
    return path == directory or path.startswith(directory.rstrip(os.sep) + os.sep)


def most_watches() -> int | None:
    """How many inotify watches a user may have; None where there is no such limit."""
    try:
        return int(Path("/proc/sys/fs/inotify/max_user_watches").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def git_locks(root: str) -> list[str]:
    """The files that exist while git rewrites the tree that `root` belongs to."""
    for directory in [root, *map(str, Path(root).parents)]:
        git = Path(directory, ".git")
        if git.is_dir():
            return [str(git / "index.lock")]
        if git.is_file():
            return [str(Path(directory, gitdir) / "index.lock") for gitdir in _gitdirs(git)]
    return [str(Path(root, ".git", "index.lock"))]


def _gitdirs(file: Path) -> Iterator[str]:
    """Where the `.git` *file* of a worktree points to."""
    try:
        for line in file.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            if line.startswith("gitdir:"):
                yield line.removeprefix("gitdir:").strip()
    except OSError:
        return


def is_held(lock: str) -> bool:
    """Whether the lock is there, and not left over from a process that died."""
    try:
        return time.time() - os.stat(lock).st_mtime < STALE_LOCK  # noqa: PTH116 - called on the way of every save
    except OSError:
        return False
