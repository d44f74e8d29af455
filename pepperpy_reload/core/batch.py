"""File events coalesced into batches. Time is an argument: the caller owns the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

SILENCE = 0.050  # a change after so long without one is a `first` one
SETTLE = 0.015  # a batch is complete after so long without an event ...
DOUBT = 0.100  # ... or after so long, while a file of it is missing or empty: editors save by unlinking and truncating
CAP = 0.500  # ... and at the latest so long after its first event
BUSY_CAP = 10.0  # ... unless somebody (git) has said that there is more to come; no longer than this


class Hint(NamedTuple):
    """These files have just changed, and more may follow.

    `first` says that it is the first change after a silence: a plan that only patches may be applied at once.
    """

    paths: frozenset[str]
    first: bool = False
    at: float = 0.0
    """When the first event of the batch came, by the caller's clock."""


class Quiet(NamedTuple):
    """The batch is complete: everything that has changed since the last `Quiet`; `at` is as in `Hint`."""

    paths: frozenset[str]
    at: float = 0.0


class Change(NamedTuple):
    """What one look at a file has shown: its content is not what it was.

    `before` and `after` stand for contents and are compared only; None is a file that is not there.
    `doubtful` marks what may be half of a save: a file that had content and is empty now.
    """

    path: str
    before: bytes | None
    after: bytes | None
    doubtful: bool = False


class Batcher:
    """Collects changes into batches: `Hint`s at once, one `Quiet` when nothing has happened for a while.

    A new file, a missing one and an emptied one make no `Hint`: they may be half of a save, or an editor's
    temporary file. They are told by `Quiet`, if they still are so then. What a `Hint` has told is always in the
    next `Quiet`, even if the file is back as it was: who has acted on the hint must look again.
    """

    def __init__(
        self,
        *,
        silence: float = SILENCE,
        settle: float = SETTLE,
        doubt: float = DOUBT,
        cap: float = CAP,
        busy_cap: float = BUSY_CAP,
    ) -> None:
        self._silence = silence
        self._settle = settle
        self._doubt = doubt
        self._cap = cap
        self._busy_cap = busy_cap
        self._last_hint = float("-inf")
        self._before: dict[str, bytes | None] = {}
        self._after: dict[str, bytes | None] = {}
        self._doubtful: set[str] = set()
        self._hinted: set[str] = set()
        self._opened: float | None = None
        self._latest = 0.0
        self._held_until = float("-inf")

    @property
    def paths(self) -> frozenset[str]:
        """The files of the open batch, those included that are back as they were."""
        return frozenset(self._before)

    @property
    def due(self) -> float | None:
        """The time at which to ask `ready`; None while no batch is open."""
        if self._opened is None:
            return None
        wait = self._doubt if self._doubtful else self._settle
        return max(min(self._latest + wait, self._opened + self._cap), self._held_until)

    def changed(self, changes: Iterable[Change], now: float, *, busy: bool = False) -> Hint | None:
        """Take changes that were seen together at `now`; the answer is what is to be told at once, if anything.

        The hint is a `first` one if no hint was given for a while, nobody is busy, and nothing else is half done.
        """
        seen = list(changes)
        if not seen:
            return None
        self._opened = now if self._opened is None else self._opened
        self._latest = max(self._latest, now)
        fresh = frozenset(change.path for change in seen if self._take(change))
        if not fresh:
            return None
        first = not busy and not self._doubtful and now - self._last_hint >= self._silence
        self._hinted |= fresh
        self._last_hint = now
        return Hint(fresh, first, self._opened)

    def _take(self, change: Change) -> bool:
        """Book one change; true if it is sure enough for a hint."""
        path = change.path
        before = self._before.setdefault(path, change.before)
        self._after[path] = change.after
        if before is None:
            return False
        if change.after is None or change.doubtful:
            self._doubtful.add(path)
            return False
        self._doubtful.discard(path)
        return change.after != before or path in self._hinted

    def stirred(self, now: float) -> None:
        """Something happened that changed no content: it opens no batch, but an open one waits for it."""
        if self._opened is not None:
            self._latest = max(self._latest, now)

    def ready(self, now: float, *, busy: bool = False) -> bool:
        """Whether the open batch is complete. `busy` holds it back, up to a bound."""
        due = self.due
        if self._opened is None or due is None or now < due:
            return False
        if busy and now < self._opened + self._busy_cap:
            self._held_until = now + self._settle
            return False
        return True

    def close(self, finals: Mapping[str, bytes | None] | None = None) -> Quiet | None:
        """End the batch; `finals` are the contents as they are now, where somebody has looked once more.

        None if nothing is worth telling: all is as it was before the batch.
        """
        after = {**self._after, **(finals or {})}
        paths = frozenset(
            path for path, before in self._before.items() if path in self._hinted or before != after[path]
        )
        self._before.clear()
        self._after.clear()
        self._doubtful.clear()
        self._hinted.clear()
        opened, self._opened = self._opened or 0.0, None
        self._held_until = float("-inf")
        return Quiet(paths, opened) if paths else None
