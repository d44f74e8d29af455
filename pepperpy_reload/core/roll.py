"""Several workers brought to what was saved, one after the other: whose turn it is, and what that one is given.

What is saved has a number, one more each time; 0 is the start. A *place* is where one worker runs, or none. Who serves
tries first what is new, and only what it has taken is given to the others: what does not load stays with one of them,
which goes on with what it had, as the others do. Who cannot have from the files what others serve, because they are
wrong by now, begins with what one of these *lends* it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Standing(StrEnum):
    """How it is with a place."""

    NEW = "new"
    """It has never had a worker."""
    UNWANTED = "unwanted"
    """The same, and it is not to have one."""
    DOWN = "down"
    """It has none, and gets one only if something is saved."""
    STARTING = "starting"
    """Nobody serves there, and somebody is about to: it reads the files as they are by then."""
    BUSY = "busy"
    """Its worker serves, and has not dealt with all that it was given; or another one is to take its place."""
    WRONG = "wrong"
    """Its worker serves, but not what it was given: that does not load, or could not be started."""
    FINE = "fine"
    """Its worker serves all that it was given."""


_SERVING = (Standing.FINE, Standing.WRONG, Standing.BUSY)
_SETTLED = (Standing.FINE, Standing.WRONG, Standing.DOWN)
_IDLE = (Standing.NEW, Standing.DOWN)


@dataclass(frozen=True, slots=True)
class Stand:
    """A place as it is at the moment."""

    standing: Standing
    has: int = -1
    """The number of what its worker is known to serve; -1 if nobody serves."""
    asks: bool = False
    """It wants another worker for a reason of its own."""
    asleep: bool = False
    """Somebody is at a prompt in its worker, which deals with nothing until that has ended; nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A place is to be given all that has a number above `after`, up to `upto`.

    `asked`: it is to get the worker it has asked for. With a `lender` it gets one that serves what that place does.
    """

    place: int
    after: int
    upto: int
    asked: bool = False
    lender: int | None = None


@dataclass(frozen=True, slots=True)
class Roll:
    """The order of things. `tried` is, by place, the number up to which it was given what was saved."""

    tried: tuple[int, ...]
    newest: int = 0
    turn: int | None = None
    """Who serves and has not come to an end with what it was given; nobody else who serves is given anything then."""
    bad: int = -1
    """What somebody was given and could not take, while nobody has it."""
    lent: tuple[int, ...] = ()
    """By place, what was the newest when it was lent something: once is enough."""

    @classmethod
    def of(cls, places: int) -> Roll:
        """That of so many places, before the first one has a worker."""
        return cls((-1,) * places, lent=(-1,) * places)

    def saved(self) -> Roll:
        """With one more thing that was saved."""
        return replace(self, newest=self.newest + 1)

    def first(self, stands: Sequence[Stand]) -> int:
        """Who would be given now what is saved next."""
        serving = [place for place, stand in enumerate(stands) if stand.standing in _SERVING]
        if self.turn is not None and self.turn in serving:
            return self.turn
        return min(serving or range(len(stands)), key=lambda place: _rank(stands, place))

    def is_over(self, stands: Sequence[Stand]) -> bool:
        """Whether nobody is at work with anything."""
        resting = (*_SETTLED, Standing.NEW, Standing.UNWANTED)
        return self.turn is None and all(stand.asleep or stand.standing in resting for stand in stands)

    def advance(self, stands: Sequence[Stand]) -> tuple[Roll, list[Turn]]:
        """The roll as it goes on, and what is to be given now; to be asked whenever a place has changed."""
        good = max(stand.has for stand in stands)
        roll = self._judged(stands, good)
        limit = good if roll.bad == roll.newest else roll.newest
        turns: list[Turn] = []
        for place, stand in enumerate(stands):
            begun = stand.standing is Standing.STARTING or (place == roll.turn and stand.standing is Standing.BUSY)
            if begun and roll.tried[place] < roll.newest:  # it is at work, and the last save wins
                roll = roll._given(place, roll.newest, turns)
        if roll.turn is None:
            wanted = [
                place
                for place, stand in enumerate(stands)
                if stand.standing in _SERVING and (roll.tried[place] < limit or stand.asks)
            ]
            if wanted:
                place = min(wanted, key=lambda place: _rank(stands, place))
                roll = roll._given(place, max(limit, roll.tried[place]), turns, asked=stands[place].asks)
                roll = replace(roll, turn=place)
        roll = roll._with_a_start(stands, good, turns)
        return (roll if turns or roll.turn is not None else roll._with_a_loan(stands, good, turns)), turns

    def _judged(self, stands: Sequence[Stand], good: int) -> Roll:
        """With the end of a turn, and with what is known of the newest."""
        over = self.turn is not None and (stands[self.turn].asleep or stands[self.turn].standing in _SETTLED)
        bad = self.bad if good < self.bad else -1
        failed = (Standing.WRONG, Standing.DOWN)
        if good < self.newest and any(
            stand.standing in failed and tried == self.newest for stand, tried in zip(stands, self.tried, strict=True)
        ):
            bad = self.newest
        return replace(self, turn=None if over else self.turn, bad=bad)

    def _with_a_start(self, stands: Sequence[Stand], good: int, turns: list[Turn]) -> Roll:
        """With one place more that gets a worker, if another one has shown that it would start."""
        idle = [
            place for place, stand in enumerate(stands) if stand.standing in _IDLE and self.tried[place] < self.newest
        ]
        serves = any(stand.standing in _SERVING for stand in stands)
        starts = any(stand.standing is Standing.STARTING for stand in stands)
        if not idle or starts or self.bad == self.newest or (serves and good < self.newest):
            return self
        return self._given(min(idle, key=lambda place: _rank(stands, place)), self.newest, turns)

    def _with_a_loan(self, stands: Sequence[Stand], good: int, turns: list[Turn]) -> Roll:
        """With one place that is helped to what others serve."""
        resting = (Standing.FINE, Standing.WRONG)
        lenders = [place for place, stand in enumerate(stands) if stand.standing in resting and stand.has == good >= 0]
        starts = any(stand.standing is Standing.STARTING for stand in stands)
        needy = [
            place
            for place, stand in enumerate(stands)
            if self.lent[place] < self.newest
            and (
                (stand.standing is Standing.WRONG and stand.has < good)
                or (stand.standing in _IDLE and self.bad == self.newest)
            )
        ]
        if starts or not lenders or not needy:
            return self
        place = needy[0]
        turns.append(Turn(place, self.tried[place], good, lender=lenders[0]))
        return replace(
            self,
            tried=(*self.tried[:place], self.newest, *self.tried[place + 1 :]),
            lent=(*self.lent[:place], self.newest, *self.lent[place + 1 :]),
            turn=place if stands[place].standing is Standing.WRONG else None,
        )

    def _given(self, place: int, upto: int, turns: list[Turn], *, asked: bool = False) -> Roll:
        turns.append(Turn(place, self.tried[place], upto, asked))
        return replace(self, tried=(*self.tried[:place], upto, *self.tried[place + 1 :]))


_RANKS = {Standing.BUSY: 1, Standing.STARTING: 2, Standing.DOWN: 3, Standing.NEW: 4, Standing.UNWANTED: 5}


def _rank(stands: Sequence[Stand], place: int) -> tuple[int, int, int]:
    """Who comes first: who is free, has the most, and stands first."""
    stand = stands[place]
    return max(_RANKS.get(stand.standing, 0), int(stand.asleep)), -stand.has, place
