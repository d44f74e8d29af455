"""One watched directory tree."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pepperpy_reload.watching.ignore import DIRECTORIES, IgnoreRules
from pepperpy_reload.watching.surroundings import git_locks


@dataclass(slots=True, eq=False)
class Root:
    """A root: as it was given, where it really is, and which of its directories are watched (recursively?).

    `identity` is the device and inode of its directory, None while there is none. `heard` says that an event has
    come from below it; `is_link`, that nobody has asked for it but a link in another root.
    """

    given: str
    path: str
    rules: IgnoreRules
    locks: list[str] = field(default_factory=list)
    identity: tuple[int, int] | None = None
    watches: dict[str, bool] = field(default_factory=dict)
    heard: bool = False
    is_link: bool = False

    def holds(self, path: str) -> bool:
        """Whether `path` is the root or lies below it."""
        return path == self.path or path.startswith(self.path.rstrip(os.sep) + os.sep)

    def has_moved(self) -> bool:
        """Whether there is another directory now, or none; a link is followed anew. Asking again answers no."""
        real = os.path.realpath(self.given)
        identity = _identity(real)
        if real == self.path and identity == self.identity:
            return False
        if real != self.path:
            self.path, self.rules = real, self.rules.moved_to(real)
        self.identity = identity
        self.locks = git_locks(real)
        self.rules.forget()
        return True


def open_roots(given: Iterable[str], include: Sequence[str], exclude: Sequence[str]) -> list[Root]:
    """The roots, without those that another one holds anyway; what lies in an ignored directory of another is kept.

    Inner ones come first, so that the first one that holds a path is the right one.
    """
    kept: list[Root] = []
    for path, name in sorted((os.path.realpath(name), name) for name in given):
        if not any(outer.holds(path) and not outer.rules.prunes(path) for outer in kept):
            rules = IgnoreRules(path, include, exclude)
            kept.append(Root(name, path, rules, git_locks(path), _identity(path)))
    return kept[::-1]


def follow(link: str, roots: Iterable[Root], include: Sequence[str], exclude: Sequence[str]) -> Root | None:
    """A root for a directory that a link in another root points to.

    None if it is watched anyway, holds another root (the link leads upwards), or is nobody's source.
    """
    path = os.path.realpath(link)
    rules = IgnoreRules(path, include, exclude)
    root = Root(link, path, rules, git_locks(path), _identity(path), is_link=True)
    if DIRECTORIES.intersection(Path(path).parts) or any(
        other.holds(path) or root.holds(other.path) for other in roots
    ):
        return None
    return root


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - once a second, for ever
    except OSError:
        return None
    return status.st_dev, status.st_ino
