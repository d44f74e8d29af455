"""Forks that wait with modules of the project's own imported already, one with many and one with fewer of them.

Which modules that may be is for a good run to tell. A fork is used if no file of what it holds has been touched since;
that is a hint: the worker itself looks at their content.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pepperpy_reload.core.snapshots import Group, groups, usable, without
from pepperpy_reload.drawing.news import Happening, Resumed, Snapshotted
from pepperpy_reload.supervising.memory import is_scarce
from pepperpy_reload.supervising.newborn import Adopted, Newborn

if TYPE_CHECKING:  # it brings along what a worker needs
    from pepperpy_reload.preloading.loads import Source

MOST = 2
_PATIENCE = 30.0  # seconds for the modules to be imported
_TRIES = 4
Bear = Callable[[Sequence[Group], bool], tuple[Newborn, Adopted] | None]
"""Has a fork import these, looking at what each of them does if it is told to be careful."""
Signature = tuple[int, int, int]


@dataclass(slots=True)
class _Snapshot:
    born: Newborn
    guard: Adopted
    groups: tuple[Group, ...]
    files: Mapping[str, Signature | None]
    """As they were before they were read."""
    is_ready: bool = False


@dataclass(frozen=True, slots=True)
class _Run:
    """What a good run has imported."""

    groups: tuple[Group, ...] = ()
    imports: Mapping[str, Sequence[str]] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)


class Snapshots:
    """Keeps such forks as long as they can be used. `bear` makes one; `put_away` ends one."""

    def __init__(
        self, bear: Bear, put_away: Callable[[Newborn, Adopted], None], on_news: Callable[[Happening], None]
    ) -> None:
        self._bear = bear
        self._put_away = put_away
        self._on_news = on_news
        self._lock = threading.Lock()
        self._kept: list[_Snapshot] = []
        self._run = _Run()
        self._edited: frozenset[str] = frozenset()
        self._barred: dict[str, tuple[Signature | None, str]] = {}
        """By module that must not be imported early: its file then, and why."""
        self._limits: dict[frozenset[str], frozenset[str]] = {}
        """By what was edited: the modules before which another one did more than to bind names."""
        self._used: frozenset[str] = frozenset()
        self._age = 0

    def learn(self, sources: Sequence[Source]) -> None:
        """A good run was through with these modules in this order."""
        named = [(path, name, needed) for path, name, needed in sources if name]
        imports = {name: needed for _, name, needed in named}
        found = groups([name for _, name, _ in named], imports)
        self._run = _Run(tuple(found), imports, {name: path for path, name, _ in named})

    def take(self) -> Newborn | None:
        """The fork with the most modules that nothing has touched; it is the caller's then."""
        with self._lock:
            touched = {path for one in self._kept for path, before in one.files.items() if _signature(path) != before}
            names = {path: name for name, path in self._run.paths.items()}
            if touched:
                self._edited = frozenset(names[path] for path in touched if path in names)
            for one in [one for one in self._kept if not touched.isdisjoint(one.files) or not one.guard.is_alive]:
                self._end(one)
            ready = [one for one in self._kept if one.is_ready]
            number = usable([tuple(one.files) for one in ready], touched)
            if number is None:
                return None
            chosen = ready[number]
            self._kept.remove(chosen)
            self._used = self._edited
        self._on_news(Resumed(len(chosen.files)))
        return chosen.born

    def renew(self) -> None:
        """Make those that are wanted and not there; in a thread of its own, for it takes a while."""
        with self._lock:
            self._age += 1
            age = self._age
        for _ in range(_TRIES):
            wanted = self._wanted()
            with self._lock:
                for one in [one for one in self._kept if one.groups not in wanted or not self._is_good(one)]:
                    self._end(one)
                missing = [one for one in wanted if all(one != kept.groups for kept in self._kept)]
            if not missing or is_scarce():
                return
            if self._age != age or not self._make(missing[0]):
                return

    def doubt(self, culprit: str) -> None:
        """One was not what a fresh start is: with the same edit, this module and what follows is left out."""
        if culprit:
            self._limits[self._used] = self._limits.get(self._used, frozenset()) | {culprit}

    def drop(self) -> None:
        """End all of them."""
        with self._lock:
            self._age += 1
            for one in list(self._kept):
                self._end(one)

    # -- which ones ---------------------------------------------------------------------------------------------------

    def _wanted(self) -> list[tuple[Group, ...]]:
        """One for the next edit of what was edited last, and one with the first half."""
        run = self._run
        edited = self._edited & run.paths.keys() or self._latest()
        barred = {name for name, (before, _) in self._barred.items() if _signature(run.paths.get(name, "")) == before}
        possible = _until(run.groups, barred)
        limits = self._limits.get(self._edited, frozenset())
        first = _until(without(possible, run.imports, edited), limits)
        half = _until(possible[: len(possible) // 2], limits)
        found = [tuple(first), tuple(half)]
        return list(dict.fromkeys(one for one in found if one))[:MOST]

    def _latest(self) -> frozenset[str]:
        """The module that was saved last: it is the likeliest to be saved again."""
        times = {name: (_signature(path) or (0, 0, 0))[0] for name, path in self._run.paths.items()}
        return frozenset((max(times, key=times.__getitem__),)) if times else frozenset()

    def _make(self, wanted: tuple[Group, ...]) -> bool:
        """Have a fork import these; whether it is worth while to go on."""
        paths = [self._run.paths[name] for group in wanted for name in group.members]
        files = {path: _signature(path) for path in paths}
        for careful in (False, True):
            made = self._bear(wanted, careful)
            if made is None:
                return False
            one = _Snapshot(*made, wanted, files)
            with self._lock:
                self._kept.append(one)
            message = one.born.channel.hear()[0] if one.born.channel.wait(_PATIENCE) else None
            if message is not None and message["type"] == "early":
                one.is_ready = True
                self._on_news(Snapshotted(sum(len(group.members) for group in wanted), self._reasons()))
                return True
            with self._lock:
                if one in self._kept:
                    self._end(one)
            if message is None:  # nobody waits for it again
                self._run = _Run()
                return False
            if message["module"]:
                name = str(message["module"])
                self._barred[name] = _signature(self._run.paths.get(name, "")), str(message["text"])
                return True
        return False

    def _reasons(self) -> dict[str, str]:
        return {name: reason for name, (_, reason) in self._barred.items()}

    def _is_good(self, one: _Snapshot) -> bool:
        return one.guard.is_alive and all(_signature(path) == before for path, before in one.files.items())

    def _end(self, one: _Snapshot) -> None:
        self._kept.remove(one)
        self._put_away(one.born, one.guard)


def _until(found: Sequence[Group], names: Collection[str]) -> list[Group]:
    """The groups before the first that has one of these."""
    for place, group in enumerate(found):
        if not set(names).isdisjoint(group.members):
            return list(found[:place])
    return list(found)


def _signature(path: str) -> Signature | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
