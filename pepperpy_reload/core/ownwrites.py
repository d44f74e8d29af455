"""What a program writes itself and is reloaded for: if it goes on so, that is no save. Time is an argument."""

from __future__ import annotations

from collections.abc import Iterable

ROUNDS = 3
"""So often a program may bring itself to be reloaded by writing a file ..."""
WITHIN = 10.0
"""... within so many seconds: then the file is left alone."""
RECENT = 0.5
"""Seconds after which what happens to a file is not what the program has written: what others save sooner is taken for
that, if the file is left alone."""
_MOST = 1000  # files of which it is remembered that they were written


class OwnWrites:
    """Breaks the circle of a program that writes what it is reloaded for.

    The first reloads are had: an app may well write a source and wait to have it. A file that is left alone is so only
    right after the program itself has written it; saved by somebody else it counts as ever, and begins anew.
    """

    def __init__(self) -> None:
        self._written: dict[str, float] = {}
        self._counted: dict[str, float] = {}
        self._rounds: dict[str, list[float]] = {}
        self._left_alone: set[str] = set()

    def wrote(self, path: str, now: float) -> None:
        """The program has opened this file to write to it, or has moved another one there."""
        self._written.pop(path, None)
        self._written[path] = now
        while len(self._written) > _MOST:
            oldest = next(iter(self._written))
            for table in (self._written, self._counted, self._rounds):
                table.pop(oldest, None)

    def heeded(self, paths: Iterable[str], now: float) -> frozenset[str]:
        """Of files that have changed those that count."""
        found = set()
        for path in paths:
            if path in self._left_alone and not self._is_own(path, now):
                self._left_alone.discard(path)
                self._rounds.pop(path, None)
            if path not in self._left_alone:
                found.add(path)
        return frozenset(found)

    def acted(self, paths: Iterable[str], now: float) -> str:
        """There was a reload, or a restart, because of these files; a sentence if one of them is left alone now.

        What has been written once counts once, however many processes were reloaded for it.
        """
        tired = []
        for path in sorted(paths):
            if not self._is_own(path, now) or self._counted.get(path) == self._written[path]:
                continue
            self._counted[path] = self._written[path]
            rounds = [at for at in self._rounds.get(path, ()) if now - at < WITHIN]
            self._rounds[path] = [*rounds, now]
            if len(rounds) + 1 >= ROUNDS and path not in self._left_alone:
                self._left_alone.add(path)
                tired.append(path)
        if not tired:
            return ""
        names = ", ".join(path.rpartition("/")[2] for path in tired)
        return f"{names}: the program writes that itself, again and again; from now on it counts if others save it"

    def _is_own(self, path: str, now: float) -> bool:
        return now - self._written.get(path, float("-inf")) < RECENT
