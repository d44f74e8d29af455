"""The supervisor's table: every pair, and the ways through it that matter."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pepperpy_reload.core.lifecycle import DELAYS, HEALTHY, TABLE, Action, Event, Lifecycle, State

WITH_WORKER = {
    State.STARTING,
    State.STALE,
    State.SERVING,
    State.BROKEN,
    State.BROKEN_STALE,
    State.REPLACING,
    State.CLOSING,
}
GONE = {Event.ENDED, Event.CRASHED, Event.WORN_OUT}


def walk(*events: Event, now: float = 100.0, code: bool = True) -> Lifecycle:
    life = Lifecycle()
    for event in events:
        life, _ = life.advance(event, now, code=code)
    return life


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_pair_is_defined_and_its_action_fits_its_state(state: State, event: Event) -> None:
    after, action = TABLE[state, event]
    if action is Action.SPAWN:
        assert after is State.STARTING
        assert state not in WITH_WORKER or event in GONE, "there is never a second worker"
    if action in (Action.END, Action.KILL):
        assert state in WITH_WORKER
    if state in WITH_WORKER and event not in GONE:
        assert after in WITH_WORKER, "a worker is not forgotten"
    if action is Action.LEAVE:
        assert after is State.CLOSED


@pytest.mark.parametrize("state", [state for state in State if state not in (State.CLOSED, State.CLOSING)])
def test_an_interrupt_always_leads_to_the_end(state: State) -> None:
    life, _ = Lifecycle(state=state).advance(Event.INTERRUPT, 0.0)
    if life.state is State.CLOSING:
        life, action = life.advance(Event.ENDED, 1.0)
        assert action is Action.LEAVE
    assert life.state is State.CLOSED


@given(st.lists(st.tuples(st.sampled_from(Event), st.floats(0, 20), st.booleans())))
@example([(event, 0.0, False) for event in (Event.BEGIN, Event.UNSTARTED, Event.DUE, Event.INTERRUPT)])
def test_whatever_happens_a_place_that_waits_knows_until_when(steps: list[tuple[Event, float, bool]]) -> None:
    life, now, killed = Lifecycle(), 0.0, False
    for event, later, code in steps:
        now += later
        life, action = life.advance(event, now, code=code)
        killed = action is Action.KILL or (killed and action is Action.NOTHING)
        if life.state is State.BACKOFF:
            assert life.due is not None
        if life.state in (State.BROKEN, State.BROKEN_STALE, State.REPLACING, State.CLOSING):
            assert killed or life.due is not None
        if life.state in (State.SERVING, State.STARTING, State.STALE, State.WAITING, State.CLOSED):
            assert life.due is None


def test_a_save_while_a_start_fails_is_tried_at_once() -> None:
    life = walk(Event.BEGIN, Event.SAVED, Event.UNSTARTED, Event.ENDED)
    assert (life.state, life.due) == (State.BACKOFF, 100.0)


def test_a_failed_start_waits_for_a_save() -> None:
    life = walk(Event.BEGIN, Event.UNSTARTED, Event.ENDED)
    assert (life.state, life.due) == (State.WAITING, None)
    life, _ = life.advance(Event.SAVED, 200.0)
    assert (life.state, life.due) == (State.BACKOFF, 200.0)
    assert life.advance(Event.DUE, 200.0)[1] is Action.SPAWN


def test_a_file_that_is_no_code_is_tried_with_a_delay_that_grows() -> None:
    life = walk(Event.BEGIN, Event.UNSTARTED, Event.ENDED)
    now = 100.0
    for delay in (*DELAYS, DELAYS[-1]):
        life, _ = life.advance(Event.SAVED, now, code=False)
        assert life.due == pytest.approx(now + delay)
        now += 10.0
        for event in (Event.DUE, Event.UNSTARTED, Event.ENDED):
            life, _ = life.advance(event, now)
    life, _ = life.advance(Event.SAVED, now)
    assert life.due == now, "code is tried at once, and the delays begin anew"
    assert life.tries == 0


def test_code_that_follows_data_is_tried_at_once() -> None:
    life = walk(Event.BEGIN, Event.UNSTARTED, Event.ENDED)
    life, _ = life.advance(Event.SAVED, 200.0, code=False)
    life, _ = life.advance(Event.SAVED, 200.1)
    assert life.due == 200.1
    life, _ = life.advance(Event.SAVED, 200.2, code=False)
    assert life.due == 200.1


def test_crashes_are_tried_again_ever_later_and_then_not() -> None:
    life = walk(Event.BEGIN, Event.READY)
    now, waited = 100.0, []
    while life.state is not State.WAITING:
        now += 1.0
        life, _ = life.advance(Event.CRASHED, now)
        if life.due is not None:
            waited.append(round(life.due - now, 3))
            now = life.due
            life, action = life.advance(Event.DUE, now)
            assert action is Action.SPAWN
            life, _ = life.advance(Event.READY, now)
    assert waited == list(DELAYS)


def test_a_worker_that_was_healthy_has_outlived_its_crashes() -> None:
    life = walk(Event.BEGIN, Event.READY, Event.CRASHED, Event.DUE, Event.READY)
    assert life.tries == 1
    life, _ = life.advance(Event.CRASHED, 100.0 + HEALTHY)
    assert life.due == pytest.approx(100.0 + HEALTHY + DELAYS[0])


def test_a_worker_that_does_not_end_is_killed_after_the_grace_period() -> None:
    life = walk(Event.BEGIN, Event.READY, Event.RESTART)
    assert life.due == 102.0
    life, action = life.advance(Event.DUE, 102.0)
    assert action is Action.KILL
    life, action = life.advance(Event.CRASHED, 102.1)
    assert (life.state, action) == (State.STARTING, Action.SPAWN)


def test_a_second_interrupt_kills() -> None:
    life = walk(Event.BEGIN, Event.READY, Event.INTERRUPT)
    assert life.advance(Event.INTERRUPT, 100.1)[1] is Action.KILL


def test_an_interrupt_does_not_ask_a_worker_twice() -> None:
    life = walk(Event.BEGIN, Event.READY, Event.RESTART)
    after, action = life.advance(Event.INTERRUPT, 100.5)
    assert (after.state, action, after.due) == (State.CLOSING, Action.NOTHING, life.due)


def test_late_words_of_a_worker_that_is_to_end_change_nothing() -> None:
    life = walk(Event.BEGIN, Event.READY, Event.RESTART)
    for event in (Event.READY, Event.UNSTARTED, Event.SAVED, Event.RESTART):
        after, action = life.advance(event, 100.5)
        assert (after.state, after.due, action) == (State.REPLACING, life.due, Action.NOTHING)
