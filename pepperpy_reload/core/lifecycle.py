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
HANGING = 10.0
"""Seconds that the first start still has once code was saved; later ones have two graces, or three times the last."""


class State(StrEnum):
    """Where the supervisor stands: with no worker, with one, or with one and the *heir* that is to take its place.

    A worker whose place was taken is told to end and forgotten here: it has until the end of its grace period.
    """

    NEW = "new"
    STARTING = "starting"
    """A worker imports the user's code."""
    STALE = "stale"
    """The same, and a file was saved meanwhile: if the start fails, or never ends, it is tried again."""
    SERVING = "serving"
    SUCCEEDING = "succeeding"
    """The worker serves, and an heir imports the user's code."""
    SUCCEEDING_STALE = "succeeding, stale"
    """The same, and a file was saved meanwhile: if the heir fails, or is never ready, another one is tried."""
    HANDING_OVER = "handing over"
    """The heir is ready; the worker was asked to accept no more."""
    HANDING_OVER_STALE = "handing over, stale"
    """The same, and yet another worker was asked for meanwhile."""
    OVERDUE = "overdue"
    """The worker serves though another one was asked for, which did not start; the next save tries again."""
    RETRYING = "retrying"
    """The same, and the next heir is started at a known time."""
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
    """Someone asked for a new worker: a setting, a signal, a report."""
    ASKED = "asked"
    """The same, of the worker's own report on files that it keeps as pending: it will say so again, or be healed."""
    SUCCESSION = "succession"
    """A new worker was asked for, and may be started beside the old one. `Lifecycle` makes it out of these two."""
    HEALED = "healed"
    """The worker has brought itself up to date after all, with everything that was pending."""
    HEIR_READY = "heir ready"
    """The heir could take over: its app has been started, and it has what was saved meanwhile."""
    HEIR_UNSTARTED = "heir unstarted"
    """The heir said that the user's code does not load."""
    HEIR_BARRED = "heir barred"
    """The same, and the reason is something that only one process can have."""
    HEIR_OUTDATED = "heir outdated"
    """The heir cannot take up what was saved while it started."""
    HEIR_ENDED = "heir ended"
    """The heir's process is gone, and starting it again would end the same way."""
    HEIR_CRASHED = "heir crashed"
    """The heir's process is gone, and another try may help."""
    YIELDED = "yielded"
    """The worker accepts no more."""
    DUE = "due"
    """The time that was waited for has come."""
    INTERRUPT = "interrupt"
    """We were asked to end."""


class Action(StrEnum):
    """What the supervisor has to do. `Lifecycle.due` says when to report DUE."""

    NOTHING = "nothing"
    SPAWN = "spawn"
    SPAWN_HEIR = "spawn heir"
    """Start an heir; if there is one already, it is dismissed."""
    YIELD = "yield"
    """Ask the worker to accept no more: a grace period begins."""
    PROMOTE = "promote"
    """The heir is the worker now, and accepts as soon as it can. The old one, if it is still there, has to end."""
    OUST = "oust"
    """The same, and the old one is killed: it has not answered."""
    RECALL = "recall"
    """Dismiss the heir, if it is still there; the worker goes on accepting."""
    DISMISS = "dismiss"
    """Have the heir end; it has never served."""
    END = "end"
    """Ask the worker, and an heir, to end: a grace period begins."""
    KILL = "kill"
    """End the worker, an heir, and all they started, now."""
    LEAVE = "leave"
    """There is no worker any more: the supervisor ends."""


Step = tuple[State, Action]
_GONE = (Event.ENDED, Event.CRASHED, Event.WORN_OUT)

_SUCCEEDING: Mapping[Event, Step] = {
    Event.HEIR_READY: (State.HANDING_OVER, Action.YIELD),
    Event.HEIR_BARRED: (State.REPLACING, Action.END),  # in its turn, then
    **dict.fromkeys((*_GONE, Event.UNSTARTED), (State.STARTING, Action.PROMOTE)),
    # What the heir began with is no longer so.
    **dict.fromkeys((Event.RESTART, Event.HEIR_OUTDATED), (State.SUCCEEDING, Action.SPAWN_HEIR)),
    Event.SAVED: (State.SUCCEEDING_STALE, Action.NOTHING),
    Event.HEALED: (State.SERVING, Action.DISMISS),
    Event.INTERRUPT: (State.CLOSING, Action.END),
}
_HANDING_OVER: Mapping[Event, Step] = {
    Event.YIELDED: (State.SERVING, Action.PROMOTE),
    Event.DUE: (State.SERVING, Action.OUST),
    **dict.fromkeys((*_GONE, Event.UNSTARTED), (State.SERVING, Action.PROMOTE)),
    **dict.fromkeys((Event.HEIR_UNSTARTED, Event.HEIR_BARRED), (State.OVERDUE, Action.RECALL)),
    Event.HEIR_ENDED: (State.OVERDUE, Action.RECALL),
    Event.HEIR_CRASHED: (State.RETRYING, Action.RECALL),
    **dict.fromkeys((Event.RESTART, Event.HEIR_OUTDATED), (State.HANDING_OVER_STALE, Action.NOTHING)),
    Event.INTERRUPT: (State.CLOSING, Action.END),
}
_OVERDUE: Mapping[Event, Step] = {
    Event.SAVED: (State.RETRYING, Action.NOTHING),
    Event.RESTART: (State.SUCCEEDING, Action.SPAWN_HEIR),
    Event.HEALED: (State.SERVING, Action.NOTHING),
    Event.UNSTARTED: (State.BROKEN, Action.NOTHING),
    Event.ENDED: (State.WAITING, Action.NOTHING),
    Event.CRASHED: (State.BACKOFF, Action.NOTHING),
    Event.WORN_OUT: (State.WAITING, Action.NOTHING),
    Event.INTERRUPT: (State.CLOSING, Action.END),
}

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
        **dict.fromkeys((Event.RESTART, Event.ASKED), (State.REPLACING, Action.END)),
        Event.INTERRUPT: (State.CLOSING, Action.END),
    },
    State.STALE: {
        Event.READY: (State.SERVING, Action.NOTHING),  # the worker catches up by itself
        Event.UNSTARTED: (State.BROKEN_STALE, Action.NOTHING),
        Event.DUE: (State.REPLACING, Action.END),
        **dict.fromkeys(_GONE, (State.BACKOFF, Action.NOTHING)),
        **dict.fromkeys((Event.RESTART, Event.ASKED), (State.REPLACING, Action.END)),
        Event.INTERRUPT: (State.CLOSING, Action.END),
    },
    State.SERVING: {
        Event.UNSTARTED: (State.BROKEN, Action.NOTHING),
        Event.ENDED: (State.WAITING, Action.NOTHING),
        Event.CRASHED: (State.BACKOFF, Action.NOTHING),
        Event.WORN_OUT: (State.WAITING, Action.NOTHING),
        **dict.fromkeys((Event.RESTART, Event.ASKED), (State.REPLACING, Action.END)),
        Event.SUCCESSION: (State.SUCCEEDING, Action.SPAWN_HEIR),
        Event.INTERRUPT: (State.CLOSING, Action.END),
    },
    State.SUCCEEDING: {
        **_SUCCEEDING,
        Event.HEIR_UNSTARTED: (State.OVERDUE, Action.DISMISS),
        Event.HEIR_ENDED: (State.OVERDUE, Action.NOTHING),
        Event.HEIR_CRASHED: (State.RETRYING, Action.NOTHING),
    },
    State.SUCCEEDING_STALE: {
        **_SUCCEEDING,
        Event.HEIR_UNSTARTED: (State.RETRYING, Action.DISMISS),
        Event.DUE: (State.SUCCEEDING, Action.SPAWN_HEIR),
        **dict.fromkeys((Event.HEIR_ENDED, Event.HEIR_CRASHED), (State.RETRYING, Action.NOTHING)),
        **dict.fromkeys((*_GONE, Event.UNSTARTED), (State.STALE, Action.PROMOTE)),
    },
    State.HANDING_OVER: _HANDING_OVER,
    State.HANDING_OVER_STALE: {
        **_HANDING_OVER,
        Event.YIELDED: (State.RETRYING, Action.PROMOTE),
        Event.DUE: (State.RETRYING, Action.OUST),
        **dict.fromkeys((*_GONE, Event.UNSTARTED), (State.RETRYING, Action.PROMOTE)),
        **dict.fromkeys(
            (Event.HEIR_UNSTARTED, Event.HEIR_BARRED, Event.HEIR_ENDED, Event.HEIR_CRASHED),
            (State.RETRYING, Action.RECALL),
        ),
    },
    State.OVERDUE: _OVERDUE,
    State.RETRYING: {**_OVERDUE, Event.DUE: (State.SUCCEEDING, Action.SPAWN_HEIR)},
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
_YIELDING = frozenset({State.HANDING_OVER, State.HANDING_OVER_STALE})
_SCHEDULED = frozenset({State.BACKOFF, State.RETRYING})
_STALE = frozenset({State.STALE, State.BROKEN_STALE, State.SUCCEEDING_STALE, State.HANDING_OVER_STALE})
_STARTING_STALE = frozenset({State.STALE, State.SUCCEEDING_STALE})
SERVED = frozenset({State.SERVING, State.SUCCEEDING, State.SUCCEEDING_STALE, State.OVERDUE, State.RETRYING}) | _YIELDING
"""There is a worker, and it is or was a moment ago ready."""


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
    owed: bool = False
    """A new worker was asked for by someone other than the worker, which therefore cannot heal it."""
    down_since: float | None = None
    """Since when nobody has served."""
    began_at: float | None = None
    """When the last start began."""
    took: float = 0.0
    """Seconds that the last start took that came to its end."""

    def advance(
        self, event: Event, now: float, *, code: bool = True, overlap: bool = False
    ) -> tuple[Lifecycle, Action]:
        """The place after `event`, and what to do.

        `code=False` says of a save that it may be the program's own doing (a log, a database): it is a reason to try
        again, but not at once, or a program that writes a file and crashes would be started without end.
        `overlap` says that a new worker may be started beside the one that serves.
        """
        before = self._outlived(event, now)
        happened = before._seen_as(event, overlap=overlap)
        state, action = TABLE[before.state, happened]
        after = replace(before, state=state, owed=before.owed or event is Event.RESTART)
        wanted = event in (Event.RESTART, Event.HEIR_OUTDATED)
        saved = event is Event.SAVED and code
        if wanted or saved:
            # Other code than that which has crashed so often; whoever serves has it itself, unless it dies just now.
            after = replace(after, tries=0, code_saved=wanted or after.code_saved or state is not State.SERVING)
        after = after._timed(before.state, happened, now, action)._measured(happened, now, action)
        if saved and state in _STARTING_STALE:
            after = replace(after, due=now + (max(2 * after.grace, 3 * after.took) if after.took else HANGING))
        return replace(after, down_since=after._down(now)), action

    def _outlived(self, event: Event, now: float) -> Lifecycle:
        """Without the crashes of long ago."""
        healthy = self.ready_at is not None and now - self.ready_at >= HEALTHY
        return replace(self, tries=0, ready_at=None) if event is Event.CRASHED and healthy else self

    def _seen_as(self, event: Event, *, overlap: bool) -> Event:
        """The event by the name under which the table has it."""
        worn_out = self.tries >= len(DELAYS)
        if event is Event.CRASHED and worn_out:
            return Event.WORN_OUT
        if event is Event.HEIR_CRASHED and worn_out:
            return Event.HEIR_ENDED
        if event in (Event.RESTART, Event.ASKED) and overlap and self.state is State.SERVING:
            return Event.SUCCESSION
        if event is Event.HEALED and self.owed and self.state in SERVED:
            return Event.READY  # of a worker that serves: it changes nothing
        return event

    def _measured(self, event: Event, now: float, action: Action) -> Lifecycle:
        """With what is known of how long a start takes."""
        if action in (Action.SPAWN, Action.SPAWN_HEIR):
            return replace(self, began_at=now)
        if event in (Event.READY, Event.HEIR_READY) and self.began_at is not None:
            return replace(self, began_at=None, took=now - self.began_at)
        return self

    def _down(self, now: float) -> float | None:
        if self.state in SERVED or self.state in (State.CLOSING, State.CLOSED):
            return None
        return now if self.down_since is None else self.down_since

    def _timed(self, before: State, event: Event, now: float, action: Action) -> Lifecycle:
        """With the time that this place waits for, and what is no longer so once a new worker has the code."""
        if action is Action.KILL:
            return replace(self, due=None)
        if self.state in _ENDING:
            begins = action is Action.END or before not in _ENDING
            return replace(self, due=now + self.grace) if begins else self
        if self.state in _YIELDING:
            return replace(self, due=now + self.grace) if action is Action.YIELD else self
        if self.state in _STARTING_STALE and before in _STARTING_STALE:
            return self
        if self.state in _SCHEDULED:
            return self._scheduled(before, event, now)
        if self.state is State.SERVING and before is not State.SERVING:
            arrived = event is Event.READY or action in (Action.PROMOTE, Action.OUST)
            return replace(self, due=None, code_saved=False, owed=False, ready_at=now if arrived else self.ready_at)
        if action is Action.PROMOTE:
            return replace(self, due=None, ready_at=None)
        if action is Action.SPAWN:
            return replace(self, due=None, ready_at=None, code_saved=False, owed=False)
        if action is Action.SPAWN_HEIR:
            return replace(self, due=None, code_saved=False)
        return replace(self, due=None)

    def _scheduled(self, before: State, event: Event, now: float) -> Lifecycle:
        due = None if before in _YIELDING else self.due  # that was the end of another wait
        if self.code_saved and (event is Event.SAVED or before in _STALE):
            return replace(self, due=now if due is None else min(now, due))
        if before in _SCHEDULED:
            return self
        delay = DELAYS[min(self.tries, len(DELAYS) - 1)]
        return replace(self, due=now + delay, tries=self.tries + 1)
