"""What a worker owes an answer to: no save is swallowed by a process that hears nothing, or never comes to an end."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TURNS = 3  # graces that a reload may take: its own waits, which end with a better reason, come first


@dataclass(slots=True)
class _Batch:
    names: str
    at: float
    number: int = 0
    heard: bool = False


class Answers:
    """The batches that a worker was told of and has not dealt with, in order; `due` says when that is too long.

    Nothing is due before it is ready, nor while it is `reading`: a person may think at a debugger's prompt.
    """

    def __init__(self, grace: float) -> None:
        self.reading = False
        self.interruptible = False
        """Whether what reads is a debugger in the main thread: there Ctrl-C means something to it."""
        self._grace = grace
        self._ready_at: float | None = None
        self._open: deque[_Batch] = deque()
        self._complained = False

    @property
    def open(self) -> bool:
        """Whether it owes an answer."""
        return bool(self._open)

    def ask(self, names: str, now: float, number: int = 0) -> None:
        """It is being told of a batch, which has this number."""
        self._open.append(_Batch(names, now, number))

    def take(self, message: Mapping[str, Any], now: float) -> int | None:
        """A message has come from the worker; the number of a batch that is dealt with now."""
        kind = message.get("type")
        if kind == "ready" and self._ready_at is None:
            self._ready_at = now
        elif kind in ("reading", "read"):
            self.reading, self.interruptible = kind == "reading", bool(message.get("debugs"))
            self.again(now)
        elif kind == "heard":
            for batch in self._open:
                if not batch.heard:
                    batch.heard = True
                    break
        elif kind == "done" and self._open:
            done = self._open.popleft()
            self._complained = False
            if self._open:
                self._open[0].at = max(self._open[0].at, now)
            return done.number
        return None

    def again(self, now: float) -> None:
        """All times begin now: it could not answer before."""
        if self._ready_at is not None:
            self._ready_at = now

    @property
    def due(self) -> float | None:
        """When to complain."""
        if self.reading or self._complained or self._ready_at is None or not self._open:
            return None
        first = next((batch for batch in self._open if not batch.heard), self._open[0])
        return max(first.at, self._ready_at) + self._grace * (_TURNS if first.heard else 1)

    def complaint(self) -> str:
        """What is missing, as the beginning of a sentence; it is said once."""
        self._complained = True
        first = next((batch for batch in self._open if not batch.heard), self._open[0])
        if first.heard:
            return f"{first.names} saved, and the worker has not come to an end with it for {self._grace * _TURNS:g} s"
        return f"{first.names} saved, and the worker has not answered for {self._grace:g} s"
