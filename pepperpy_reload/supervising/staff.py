"""All places of a supervisor's: what is saved goes round among them as the roll has it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.core.lifecycle import SERVED, Action, Event, State
from pepperpy_reload.core.roll import Roll, Stand, Standing, Turn
from pepperpy_reload.drawing.news import Note, Part, Rolled
from pepperpy_reload.drawing.recall import Recall
from pepperpy_reload.supervising.numbered import Numbered
from pepperpy_reload.supervising.place import Place
from pepperpy_reload.supervising.process import WorkerProcess
from pepperpy_reload.supervising.timings import Timings

_DOUBT = 0.2  # seconds until one is lent something: what is being saved may well be right
_PATIENCE = 2.0  # seconds for a worker to say what it runs


@dataclass(frozen=True, slots=True)
class _Saved:
    """What has a number: files, or, with a reason, the wish for another worker."""

    paths: frozenset[str]
    reason: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    """What the first worker has of the files that has taken them up."""


@dataclass(frozen=True, slots=True)
class _Loan:
    """What one place waits for from another: to begin with what that one's worker serves."""

    turn: Turn
    lender: WorkerProcess | None
    newest: int
    due: float
    """When it is asked for, and then, when it is waited for no longer."""
    asked: bool = False


class Staff:
    """Gives each place what it is to have, when it is its turn.

    With one place it is always its turn. `make` makes a place from its number, counted from 0, and its display.
    """

    def __init__(
        self, count: int, make: Callable[[int, Numbered | Recall], Place], display: Recall, timings: Timings | None
    ) -> None:
        self._told: set[str] = set()
        self._displays: list[Numbered | Recall] = [display]
        if count > 1:
            self._displays = [Numbered(display, number, self._told) for number in range(1, count + 1)]
        self.places = [make(number, own) for number, own in enumerate(self._displays)]
        self._display = display
        self._timings = timings
        self._roll = Roll.of(count)
        self._saved: dict[int, _Saved] = {}
        self._began: float | None = None
        self._given: set[int] = set()
        self._loan: _Loan | None = None
        self._told_of_program = False

    # -- how it is with them ------------------------------------------------------------------------------------------

    @property
    def was_ready(self) -> bool:
        """Whether there has been a worker that was ready."""
        return any(place.course.was_ready for place in self.places)

    @property
    def plain(self) -> bool:
        """Whether what runs serves nothing."""
        return self.places[0].course.plain

    @property
    def closing(self) -> bool:
        """Whether we are about to end."""
        return any(place.course.life.state in (State.CLOSING, State.CLOSED) for place in self.places)

    @property
    def closed(self) -> bool:
        """Whether all have come to their end."""
        return all(place.course.life.state is State.CLOSED for place in self.places)

    @property
    def down_since(self) -> float | None:
        """Since when nobody serves; None if somebody does, or nobody is to."""
        begun = [place.course.life for place in self.places if place.course.life.state is not State.NEW]
        since = [life.down_since for life in begun]
        return None if not since or None in since else max(one for one in since if one is not None)

    @property
    def due(self) -> float | None:
        """When to call `look` at the latest."""
        return None if self._loan is None or self.closing else self._loan.due

    def others_serve(self, number: int) -> bool:
        """Whether requests are answered without the worker of that place."""
        return any(place.course.life.state in SERVED for other, place in enumerate(self.places) if other != number)

    # -- what they are given ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The first one gets a worker; the others do when that one serves."""
        self.look()

    def hint(self, hint: Hint) -> None:
        """Something is being saved: who would be the first to get it may begin."""
        if self._timings is not None:
            self._timings.saved(hint)
        first = 0 if len(self.places) == 1 else self._roll.first(self._stands())
        self._plays(first, Part.LEADS)
        self.places[first].hint(hint)

    def saved(self, batch: Quiet) -> None:
        """A batch was saved."""
        if self._timings is not None:
            self._timings.saved(batch)
        self._take(_Saved(batch.paths))

    def taken(self, number: int, digests: Mapping[str, str]) -> None:
        """What has that number was taken up by a worker, which runs this of it."""
        saved = self._saved.get(number)
        if saved is not None and not saved.digests:
            self._saved[number] = replace(saved, digests=digests)

    def restart(self, reason: str) -> None:
        """All of them get another worker."""
        self._take(_Saved(frozenset(), reason))

    def interrupt(self) -> bool:
        """End all of them; whether they have only been asked to."""
        actions = [place.course.advance(Event.INTERRUPT) for place in self.places]
        return Action.KILL not in actions and any(action in (Action.END, Action.NOTHING) for action in actions)

    def look(self) -> None:
        """Let the roll go on."""
        is_alone = len(self.places) == 1
        if (is_alone and self._roll.tried[0] == self._roll.newest) or self.closing:
            return
        self._agree()
        self._look_at_the_loan()
        while True:
            stands = self._stands()
            self._roll, turns = self._roll.advance(stands)
            for number, place in enumerate(self.places):
                place.turn = is_alone or self._roll.turn == number
            if not turns:
                break
            for turn in turns:
                self._give(turn, follows=any(stand.has >= turn.upto for stand in stands))
        if self._began is not None and self._roll.is_over(stands):
            self._end(stands)

    def _take(self, saved: _Saved) -> None:
        self._roll = self._roll.saved()
        self._saved[self._roll.newest] = saved
        self.look()

    def _give(self, turn: Turn, *, follows: bool) -> None:
        place = self.places[turn.place]
        self._given.add(turn.place)
        self._began = time.monotonic() if self._began is None else self._began
        if place.stand.standing is not Standing.STARTING:
            self._plays(turn.place, Part.FOLLOWS if follows else Part.LEADS)
        if turn.lender is not None:
            self._ask_for_a_loan(turn, self.places[turn.lender])
            return
        numbers = range(turn.after + 1, turn.upto + 1)
        if place.course.life.state is State.NEW:
            place.crew.version = turn.upto
            place.course.advance(Event.BEGIN)
            return
        some = [self._saved[number] for number in numbers if number in self._saved]
        paths = frozenset[str]().union(*(one.paths for one in some))
        if paths:
            agreed = {path: digest for one in some for path, digest in one.digests.items()}
            place.give(paths, turn.upto, agreed if len(self.places) > 1 else None)
        reasons = [one.reason for one in some if one.reason]
        if reasons:
            place.replace_worker(reasons[-1], turn.upto)
        if turn.asked:
            place.do_as_asked()
        done = min(
            tried
            for tried, other in zip(self._roll.tried, self.places, strict=True)
            if other.course.life.state is not State.NEW
        )
        self._saved = {number: one for number, one in self._saved.items() if number > done}

    def _ask_for_a_loan(self, turn: Turn, lender: Place) -> None:
        self._plays(turn.place, Part.NONE)
        self._loan = _Loan(turn, lender.crew.worker, self._roll.newest, time.monotonic() + _DOUBT)
        self.places[turn.place].promised = True

    def lent(self, number: int, texts: Mapping[str, str]) -> None:
        """The worker of that place has said what another one can begin with."""
        self._look_at_the_loan()
        loan = self._loan
        if loan is not None and loan.asked and loan.turn.lender == number:
            self._loan = None
            self.places[loan.turn.place].borrow(texts, loan.turn.upto)

    def _look_at_the_loan(self) -> None:
        """It comes to nothing if the lender is gone or does not answer, or something newer was saved."""
        loan = self._loan
        if loan is None or loan.turn.lender is None:
            return
        is_there = self.places[loan.turn.lender].crew.worker is loan.lender
        is_due = time.monotonic() >= loan.due
        if is_there and self._roll.newest == loan.newest and is_due and not loan.asked:
            self._loan = replace(loan, asked=True, due=time.monotonic() + _PATIENCE)
            self.places[loan.turn.lender].lend()
        elif not is_there or self._roll.newest > loan.newest or is_due:
            self._loan = None
            self.places[loan.turn.place].promised = False

    def _plays(self, number: int, part: Part) -> None:
        display = self._displays[number]
        if isinstance(display, Numbered):
            display.part = part

    def _stands(self) -> list[Stand]:
        stands = [place.stand for place in self.places]
        if self.plain:  # two of them at a time would be wrong
            stands = [
                Stand(Standing.UNWANTED) if stand.standing is Standing.NEW and number else stand
                for number, stand in enumerate(stands)
            ]
        return stands

    def _agree(self) -> None:
        """What one of them has found out holds for all."""
        if len(self.places) == 1:
            return
        if not all(place.course.overlap for place in self.places):
            for place in self.places:
                place.course.overlap = False
        if self.plain and self.was_ready and not self._told_of_program:
            self._told_of_program = True
            self._display.show(Note(f"this is a program, which runs once and not as {len(self.places)} workers"))

    def _end(self, stands: list[Stand]) -> None:
        """All have what they can have; said if it concerned more than one of them."""
        took, self._began = time.monotonic() - (self._began or 0.0), None
        given, self._given = self._given, set()
        self._told.clear()
        for number in range(len(self.places)):
            self._plays(number, Part.NONE)
        good = max(stand.has for stand in stands)
        if len(given) < 2 or good < 0:
            return
        behind = tuple(
            number
            for number, stand in enumerate(stands, 1)
            if stand.has < good and stand.standing not in (Standing.NEW, Standing.UNWANTED)
        )
        serving = sum(stand.has == good for stand in stands)
        self._display.show(Rolled(serving, behind, took))
