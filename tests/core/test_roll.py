"""Whose turn it is: laws of the roll, with places that load, fail, crash and come back as they like."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.roll import Roll, Stand, Standing, Turn

SERVING = (Standing.FINE, Standing.WRONG, Standing.BUSY)


def stands(*of: tuple[Standing, int]) -> list[Stand]:
    return [Stand(standing, has) for standing, has in of]


FINE, WRONG, BUSY = Standing.FINE, Standing.WRONG, Standing.BUSY
NEW, DOWN, STARTING = Standing.NEW, Standing.DOWN, Standing.STARTING


def test_the_others_begin_when_the_first_one_serves() -> None:
    roll, turns = Roll.of(3).advance(stands((NEW, -1), (NEW, -1), (NEW, -1)))
    assert turns == [Turn(0, -1, 0)]
    roll, turns = roll.advance(stands((STARTING, -1), (NEW, -1), (NEW, -1)))
    assert turns == []
    roll, turns = roll.advance(stands((FINE, 0), (NEW, -1), (NEW, -1)))
    assert turns == [Turn(1, -1, 0)]
    roll, turns = roll.advance(stands((FINE, 0), (STARTING, -1), (NEW, -1)))
    assert turns == []
    roll, turns = roll.advance(stands((FINE, 0), (FINE, 0), (NEW, -1)))
    assert turns == [Turn(2, -1, 0)]


def test_nobody_else_begins_what_does_not_start() -> None:
    roll, _ = Roll.of(2).advance(stands((NEW, -1), (NEW, -1)))
    roll, turns = roll.advance(stands((DOWN, -1), (NEW, -1)))
    assert turns == []
    roll, turns = roll.saved().advance(stands((DOWN, -1), (NEW, -1)))
    assert turns == [Turn(0, 0, 1)]


def rolling(places: int) -> Roll:
    """All serve the start."""
    return Roll((0,) * places, lent=(-1,) * places)


def test_one_after_the_other() -> None:
    roll, turns = rolling(3).saved().advance(stands((FINE, 0), (FINE, 0), (FINE, 0)))
    assert turns == [Turn(0, 0, 1)]
    roll, turns = roll.advance(stands((BUSY, 0), (FINE, 0), (FINE, 0)))
    assert turns == []
    roll, turns = roll.advance(stands((FINE, 1), (FINE, 0), (FINE, 0)))
    assert turns == [Turn(1, 0, 1)]
    roll, turns = roll.advance(stands((FINE, 1), (FINE, 1), (FINE, 0)))
    assert turns == [Turn(2, 0, 1)]
    roll, turns = roll.advance(stands((FINE, 1), (FINE, 1), (FINE, 1)))
    assert turns == []
    assert roll.is_over(stands((FINE, 1), (FINE, 1), (FINE, 1)))


def test_what_fails_is_given_to_nobody_else_and_what_mends_it_goes_round() -> None:
    roll, _ = rolling(3).saved().advance(stands((FINE, 0), (FINE, 0), (FINE, 0)))
    broken = stands((WRONG, 0), (FINE, 0), (FINE, 0))
    roll, turns = roll.advance(broken)
    assert turns == []
    assert roll.is_over(broken)
    roll, turns = roll.saved().advance(broken)
    assert turns == [Turn(0, 1, 2)]
    roll, turns = roll.advance(stands((FINE, 2), (FINE, 0), (FINE, 0)))
    assert turns == [Turn(1, 0, 2)], "with what failed before"


def test_what_was_good_goes_round_though_the_next_one_fails() -> None:
    roll, _ = rolling(2).saved().advance(stands((FINE, 0), (FINE, 0)))
    roll, turns = roll.saved().advance(stands((BUSY, 0), (FINE, 0)))
    assert turns == [Turn(0, 1, 2)], "who is at work gets what is saved meanwhile at once"
    roll, turns = roll.advance(stands((WRONG, 1), (FINE, 0)))
    assert turns == [Turn(1, 0, 1)]
    roll, turns = roll.advance(stands((WRONG, 1), (FINE, 1)))
    assert turns == []


def test_who_starts_reads_what_is_there_and_hinders_nobody() -> None:
    roll, turns = rolling(3).saved().advance(stands((FINE, 0), (STARTING, -1), (FINE, 0)))
    assert turns == [Turn(1, 0, 1), Turn(0, 0, 1)]
    roll, turns = roll.advance(stands((FINE, 1), (STARTING, -1), (FINE, 0)))
    assert turns == [Turn(2, 0, 1)]


def test_who_wants_another_worker_waits_for_its_turn() -> None:
    asks = Stand(FINE, 0, asks=True)
    roll, _ = rolling(2).saved().advance([Stand(FINE, 0), Stand(FINE, 0)])
    roll, turns = roll.advance([Stand(BUSY, 0), asks])
    assert turns == []
    roll, turns = roll.advance([Stand(FINE, 1), asks])
    assert turns == [Turn(1, 0, 1, asked=True)]


def test_who_cannot_have_what_others_serve_from_broken_files_is_lent_it() -> None:
    roll, _ = rolling(3).saved().advance(stands((FINE, 0), (FINE, 0), (FINE, 0)))
    roll, _ = roll.advance(stands((FINE, 1), (FINE, 0), (FINE, 0)))
    roll, turns = roll.saved().advance(stands((FINE, 1), (BUSY, 0), (FINE, 0)))
    assert turns == [Turn(1, 1, 2)]
    roll, turns = roll.advance(stands((FINE, 1), (WRONG, 0), (FINE, 0)))
    assert turns == [Turn(2, 0, 1)]
    roll, turns = roll.advance(stands((FINE, 1), (WRONG, 0), (WRONG, 0)))
    assert turns == [Turn(1, 2, 1, lender=0)]
    roll, turns = roll.advance(stands((FINE, 1), (BUSY, 0), (WRONG, 0)))
    assert turns == []
    roll, turns = roll.advance(stands((FINE, 1), (FINE, 1), (WRONG, 0)))
    assert turns == [Turn(2, 1, 1, lender=0)]
    assert roll.tried == (1, 2, 2), "who is lent something leaves what is wrong for the next save"
    roll, turns = roll.advance(stands((FINE, 1), (FINE, 1), (WRONG, 0)))
    assert turns == [], "once is enough"


def test_who_is_at_a_prompt_comes_last_and_holds_nobody_up() -> None:
    asleep = Stand(FINE, 0, asleep=True)
    roll, turns = rolling(2).saved().advance([asleep, Stand(FINE, 0)])
    assert [turn.place for turn in turns] == [1]
    roll, turns = roll.advance([asleep, Stand(FINE, 1)])
    assert [turn.place for turn in turns] == [0]
    asleep = Stand(BUSY, 0, asleep=True)
    roll, turns = roll.advance([asleep, Stand(FINE, 1)])
    assert turns == []
    assert roll.is_over([asleep, Stand(FINE, 1)])
    roll, turns = roll.saved().advance([asleep, Stand(FINE, 1)])
    assert [turn.place for turn in turns] == [1]


@dataclass
class Worker:
    """A made-up place: what it was given, and what it does about it."""

    standing: Standing = NEW
    has: int = -1
    given: int = -1
    lent: int = -1
    """What another one serves and it begins with, whatever the files hold."""
    heir: bool = False
    """What it is busy with needs another process."""
    told: list[int] = field(default_factory=list)

    @property
    def stand(self) -> Stand:
        return Stand(self.standing, self.has if self.standing in SERVING else -1)


class World:
    """Some places, and saves of which some are bad."""

    def __init__(self, places: int) -> None:
        self.roll = Roll.of(places)
        self.workers = [Worker() for _ in range(places)]
        self.bad: set[int] = set()
        self.cold: set[int] = set()

    def go_on(self) -> None:
        while True:
            self.roll, turns = self.roll.advance([worker.stand for worker in self.workers])
            if not turns:
                break
            for turn in turns:
                worker = self.workers[turn.place]
                worker.told += range(turn.after + 1, turn.upto + 1)
                if turn.lender is None:
                    worker.given = turn.upto
                else:
                    assert self.workers[turn.lender].has == turn.upto
                    worker.lent = worker.given = turn.upto
                if worker.standing in (NEW, DOWN):
                    worker.standing = STARTING
                elif worker.standing in SERVING:
                    worker.standing = BUSY
                    worker.heir = worker.heir or any(n in self.cold for n in range(turn.after + 1, turn.upto + 1))
        busy = [worker for worker in self.workers if worker.standing is BUSY]
        assert len(busy) <= 1, "one after the other: never fewer than all but one accept because of us"
        for worker in self.workers:
            assert worker.told == sorted(set(worker.told)), "all once, in order"

    def save(self, *, bad: bool, cold: bool) -> None:
        self.roll = self.roll.saved()
        if bad:
            self.bad.add(self.roll.newest)
        if cold:
            self.cold.add(self.roll.newest)

    def finish(self, place: int) -> None:
        """What is under way at a place comes to its end. A bad save is a bad file, until the next save."""
        worker = self.workers[place]
        on_disk = self.roll.newest
        if worker.standing is STARTING:
            well = on_disk not in self.bad
            worker.standing, worker.has = (FINE, worker.given) if well else (DOWN, -1)
            if worker.lent >= 0 and not well:
                worker.standing, worker.has = WRONG if worker.given > worker.lent else FINE, worker.lent
        elif worker.standing is BUSY:
            worker.has = max(worker.has, worker.lent)
            seen = on_disk if worker.heir and worker.lent < 0 else worker.given
            worker.standing = WRONG if seen in self.bad else FINE
            if worker.standing is FINE:
                worker.has = worker.given
            worker.heir = False
        worker.lent = -1

    def crash(self, place: int) -> None:
        worker = self.workers[place]
        if worker.standing in SERVING:
            worker.standing, worker.has, worker.heir = STARTING, -1, False  # an heir that is lent something goes on

    def settle(self) -> None:
        self.go_on()
        for _ in range(100):
            moving = [n for n, worker in enumerate(self.workers) if worker.standing in (BUSY, STARTING)]
            if not moving:
                return
            self.finish(moving[0])
            self.go_on()
        raise AssertionError("no end")


STEPS = st.one_of(
    st.tuples(st.just("save"), st.booleans(), st.booleans()),
    st.tuples(st.just("finish"), st.integers(0, 3)),
    st.tuples(st.just("crash"), st.integers(0, 3)),
)


@given(st.integers(1, 4), st.lists(STEPS, max_size=30))
def test_whatever_happens_all_end_at_the_newest(places: int, steps: list[tuple[object, ...]]) -> None:
    world = World(places)
    world.go_on()
    for kind, *rest in steps:
        if kind == "save":
            world.save(bad=bool(rest[0]), cold=bool(rest[1]))
        elif kind == "finish":
            world.finish(int(str(rest[0])) % places)
        else:
            world.crash(int(str(rest[0])) % places)
        world.go_on()
    world.settle()
    versions = {worker.has for worker in world.workers if worker.standing in SERVING}
    assert len(versions) <= 1, "no mix stays, whatever was saved while it went round"
    down = [place for place, worker in enumerate(world.workers) if worker.standing not in SERVING]
    assert not versions or all(world.roll.lent[place] == world.roll.newest for place in down), "nor stays anybody down"
    world.save(bad=False, cold=False)
    world.settle()
    assert [(worker.standing, worker.has) for worker in world.workers] == [(FINE, world.roll.newest)] * places
    assert world.roll.is_over([worker.stand for worker in world.workers])


@given(st.integers(2, 4), st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=10))
def test_when_each_save_is_dealt_with_no_mix_stays(places: int, saves: list[tuple[bool, bool]]) -> None:
    world = World(places)
    world.settle()
    for bad, cold in saves:
        before = world.workers[0].has
        world.save(bad=bad, cold=cold)
        world.settle()
        versions = {worker.has for worker in world.workers}
        assert versions == {before if bad else world.roll.newest}
        assert sum(worker.standing is WRONG for worker in world.workers) == int(bad), "one of them has tried it"


@pytest.mark.parametrize("standing", [standing for standing in Standing if standing is not Standing.UNWANTED])
def test_a_place_that_is_alone_gets_everything_at_once(standing: Standing) -> None:
    has = 0 if standing in SERVING else -1
    roll = Roll((-1 if standing is NEW else 0,), lent=(-1,)).saved()
    for asleep in (False, True):
        _, turns = roll.advance([Stand(standing, has, asleep=asleep)])
        assert [(turn.place, turn.upto) for turn in turns] == [(0, 1)]
