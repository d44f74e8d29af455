"""The supervisor's states as a table: (state, event) -> (state, action). Time is an argument.

The supervisor reports events and performs the actions; what is right to do next is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from types import MappingProxyType

DELAYS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between a crash and the next try; after the last one only a save helps."""
HEALTHY = 10.0
"""A worker that served this long has outlived the crashes before it."""


class State(StrEnum):
    """Where the supervisor stands. There is at most one worker."""

    NEW = "new"
    STARTING = "starting"
    """A worker imports the user's code."""
    STALE = "stale"
    """The same, and a file was saved meanwhile: if the start fails, it is tried again."""
    SERVING = "serving"
    BROKEN = "broken"
    """The worker said that it cannot start, and is about to end."""
    BROKEN_STALE = "broken, stale"
    """The same, and a file was saved meanwhile."""
    REPLACING = "replacing"
    """The worker was asked to end; another one takes its place."""
    BACKOFF = "backoff"
    """No worker; the next one is started at a known time."""
    WAITING = "waiting"
    """No worker; the next save starts one."""
    CLOSING = "closing"
    """The worker was asked to end, and then we do."""
    CLOSED = "closed"


class Event(StrEnum):
    """What happens to a supervisor."""

    BEGIN = "begin"
    READY = "ready"
    """The worker serves."""
    UNSTARTED = "unstarted"
    """The worker said that the user's code does not load."""
    ENDED = "ended"
    """The worker's process is gone, and starting it again would end the same way."""
    CRASHED = "crashed"
    """The worker's process is gone, and another try may help."""
    WORN_OUT = "worn out"
    """The worker crashed, and that too often. `Lifecycle` makes it out of CRASHED."""
    SAVED = "saved"
    """A batch of files was saved."""
    RESTART = "restart"
    """Someone asked for a new worker: a report, a setting, a signal."""
    DUE = "due"
    """The time that was waited for has come."""
    INTERRUPT = "interrupt"
    """We were asked to end."""


class Action(StrEnum):
    """What the supervisor has to do. `Lifecycle.due` says when to report DUE."""

    NOTHING = "nothing"
    SPAWN = "spawn"
    END = "end"
    """Ask the worker to end: a grace period begins."""
    KILL = "kill"
    """End the worker and all it started, now."""
    LEAVE = "leave"
    """There is no worker any more: the supervisor ends."""


Step = tuple[State, Action]
_GONE = (Event.ENDED, Event.CRASHED, Event.WORN_OUT)

_ROWS: Mapping[State, Mapping[Event, Step]] = {
    State.NEW: {
        Event.BEGIN: (State.STARTING, Action.SPAWN),
        Event.INTERRUPT: (State.CLOSED, Action.LEAVE),
    },
    State.STARTING: {
        Event.READY: (State.SERVING, Action.NOTHING),
        Event.UNSTARTED: (State.BROKEN, Action.NOTHING),
        Event.ENDED: (State.WAITING, Action.NOTHING),
        Event.CRASHED: (State.BACKOFF, Action.NOTHING),
        Event.WORN_OUT: (State.WAITING, Action.NOTHING),
        Event.SAVED: (State.STALE, Action.NOTHING),
        Event.RESTART: (State.REPLACING, Action.END),
        Event.INTERRUPT: (State.CLOSING, Action.END),
    },
    State.STALE: {
        Event.READY: (State.SERVING, Action.NOTHING),  # the worker catches up by itself
        Event.UNSTARTED: (State.BROKEN_STALE, Action.NOTHING),
        **dict.fromkeys(_GONE, (State.BACKOFF, Action.NOTHING)),
        Event.RESTART: (State.REPLACING, Action.END),
        Event.INTERRUPT: (State.CLOSING, Action.END),
    },
    State.SERVING: {
        Event.UNSTARTED: (State.BROKEN, Action.NOTHING),
        Event.ENDED: (State.WAITING, Action.NOTHING),
        Event.CRASHED: (State.BACKOFF, Action.NOTHING),
        Event.WORN_OUT: (State.WAITING, Action.NOTHING),
        Event.RESTART: (State.REPLACING, Action.END),
        Event.INTERRUPT: (State.CLOSING, Action.END),
    },
    State.BROKEN: {
        **dict.fromkeys(_GONE, (State.WAITING, Action.NOTHING)),
        Event.SAVED: (State.BROKEN_STALE, Action.NOTHING),
        Event.RESTART: (State.BROKEN_STALE, Action.NOTHING),
        Event.DUE: (State.BROKEN, Action.KILL),
        Event.INTERRUPT: (State.CLOSING, Action.END),
    },
    State.BROKEN_STALE: {
        **dict.fromkeys(_GONE, (State.BACKOFF, Action.NOTHING)),
        Event.DUE: (State.BROKEN_STALE, Action.KILL),
        Event.INTERRUPT: (State.CLOSING, Action.END),
    },
    State.REPLACING: {
        **dict.fromkeys(_GONE, (State.STARTING, Action.SPAWN)),  # the new process reads what was saved meanwhile
        Event.DUE: (State.REPLACING, Action.KILL),
        Event.INTERRUPT: (State.CLOSING, Action.NOTHING),  # it has been asked already: a second signal would mean "now"
    },
    State.BACKOFF: {
        Event.SAVED: (State.BACKOFF, Action.NOTHING),
        Event.RESTART: (State.STARTING, Action.SPAWN),
        Event.DUE: (State.STARTING, Action.SPAWN),
        Event.INTERRUPT: (State.CLOSED, Action.LEAVE),
    },
    State.WAITING: {
        Event.SAVED: (State.BACKOFF, Action.NOTHING),
        Event.RESTART: (State.STARTING, Action.SPAWN),
        Event.INTERRUPT: (State.CLOSED, Action.LEAVE),
    },
    State.CLOSING: {
        **dict.fromkeys(_GONE, (State.CLOSED, Action.LEAVE)),
        Event.DUE: (State.CLOSING, Action.KILL),
        Event.INTERRUPT: (State.CLOSING, Action.KILL),
    },
    State.CLOSED: {},
}

TABLE: Mapping[tuple[State, Event], Step] = MappingProxyType(
    {(state, event): _ROWS[state].get(event, (state, Action.NOTHING)) for state, event in product(State, Event)}
)
"""Every pair. What a row does not name changes nothing."""

_ENDING = frozenset({State.BROKEN, State.BROKEN_STALE, State.REPLACING, State.CLOSING})


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """One supervisor's place in the table, and the time at which it wants to hear DUE (None: never)."""

    grace: float = 2.0
    state: State = State.NEW
    due: float | None = None
    tries: int = 0
    ready_at: float | None = None
    code_saved: bool = False
    """Code was saved since the last start began, and no worker has it."""

    def advance(self, event: Event, now: float, *, code: bool = True) -> tuple[Lifecycle, Action]:
        """The place after `event`, and what to do.

        `code=False` says of a save that it may be the program's own doing (a log, a database): it is a reason to try
        again, but not at once, or a program that writes a file and crashes would be started without end.
        """
        before = self
        if event is Event.CRASHED:
            if self.ready_at is not None and now - self.ready_at >= HEALTHY:
                before = replace(self, tries=0, ready_at=None)
            if before.tries >= len(DELAYS):
                event = Event.WORN_OUT
        state, action = TABLE[before.state, event]
        after = replace(before, state=state)
        if event is Event.RESTART or (event is Event.SAVED and code and state is not State.SERVING):
            after = replace(after, tries=0, code_saved=True)
        return after._timed(before.state, event, now, action), action

    def _timed(self, before: State, event: Event, now: float, action: Action) -> Lifecycle:
        """With the time that this place waits for."""
        if action is Action.KILL:
            return replace(self, due=None)
        if self.state in _ENDING:
            begins = action is Action.END or before not in _ENDING
            return replace(self, due=now + self.grace) if begins else self
        if self.state is State.BACKOFF:
            return self._scheduled(before, event, now)
        if event is Event.READY and self.state is State.SERVING and before is not State.SERVING:
            return replace(self, due=None, ready_at=now, code_saved=False)
        if action is Action.SPAWN:
            return replace(self, due=None, ready_at=None, code_saved=False)
        return replace(self, due=None)

    def _scheduled(self, before: State, event: Event, now: float) -> Lifecycle:
        if self.code_saved and (event is Event.SAVED or before in (State.STALE, State.BROKEN_STALE)):
            return replace(self, due=now if self.due is None else min(now, self.due))
        if before is State.BACKOFF:
            return self
        delay = DELAYS[min(self.tries, len(DELAYS) - 1)]
        return replace(self, due=now + delay, tries=self.tries + 1)
