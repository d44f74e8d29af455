"""Which directories to watch, so that what is ignored costs no watches."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from pepperpy_reload.watching.ignore import IgnoreRules

MOST_WATCHES = 20  # each is a thread


@dataclass(frozen=True, slots=True)
class Survey:
    """The directories below a root that are not ignored.

    `burdened` are those with an ignored directory somewhere below that has directories itself (an environment,
    `node_modules`): watching them recursively would watch all of that as well.
    """

    root: str
    below: Mapping[str, tuple[str, ...]]
    burdened: frozenset[str]


def survey(root: str, rules: IgnoreRules) -> Survey:
    """Walk the directories once. What cannot be listed has nothing below it."""
    below: dict[str, tuple[str, ...]] = {}
    burdened: set[str] = set()
    waiting = deque([root])
    while waiting:
        directory = waiting.popleft()
        found = _directories(directory)
        kept = tuple(path for path in found if not rules.prunes(path))
        below[directory] = kept
        waiting.extend(kept)
        if directory not in burdened and any(_is_heavy(path) for path in set(found) - set(kept)):
            _burden(directory, root, burdened)
    return Survey(root, below, frozenset(burdened))


def _burden(directory: str, root: str, burdened: set[str]) -> None:
    while directory not in burdened:
        burdened.add(directory)
        if directory == root:
            return
        directory = directory.rpartition(os.sep)[0] or os.sep


def plan(seen: Survey, most: int = MOST_WATCHES) -> dict[str, bool]:
    """The directories to watch, and whether recursively.

    A burdened directory is watched by itself and its children one by one, from the top down, as long as that makes
    no more than `most` watches.
    """
    chosen = {seen.root: True}
    waiting = deque([seen.root])
    while waiting:
        directory = waiting.popleft()
        children = seen.below[directory]
        if directory in seen.burdened and len(chosen) + len(children) <= most:
            chosen[directory] = False
            chosen.update(dict.fromkeys(children, True))
            waiting.extend(children)
    return chosen


def _directories(path: str) -> list[str]:
    try:
        with os.scandir(path) as listing:
            return [entry.path for entry in listing if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _is_heavy(path: str) -> bool:
    if path.endswith("__pycache__"):
        return False
    try:
        with os.scandir(path) as listing:
            return any(entry.is_dir(follow_symlinks=False) for entry in listing)
    except OSError:
        return False
