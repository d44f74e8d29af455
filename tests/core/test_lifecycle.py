"""The supervisor's table: every pair, and the ways through it that matter."""

from __future__ import annotations

import runpy
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pepperpy_reload.core.lifecycle import DELAYS, HANGING, HEALTHY, SERVED, TABLE, Action, Event, Lifecycle, State

WITH_WORKER = {
    *SERVED,
    State.STARTING,
    State.STALE,
    State.BROKEN,
    State.BROKEN_STALE,
    State.REPLACING,
    State.CLOSING,
}
WITH_HEIR = {State.SUCCEEDING, State.SUCCEEDING_STALE, State.HANDING_OVER, State.HANDING_OVER_STALE}
HEIR_GONE = {Event.HEIR_ENDED, Event.HEIR_CRASHED}
TAKES_PLACE = {Action.PROMOTE, Action.OUST}
GONE = {Event.ENDED, Event.CRASHED, Event.WORN_OUT}


def walk(*events: Event, now: float = 100.0, code: bool = True, overlap: bool = False) -> Lifecycle:
    life = Lifecycle()
    for event in events:
        life, _ = life.advance(event, now, code=code, overlap=overlap)
    return life


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_pair_is_defined_and_its_action_fits_its_state(state: State, event: Event) -> None:
    after, action = TABLE[state, event]
    if action is Action.SPAWN:
        assert after is State.STARTING
        assert state not in WITH_WORKER or event in GONE, "an only worker is started when there is none"
    if action in (Action.END, Action.KILL):
        assert state in WITH_WORKER
    if state in WITH_WORKER and event not in GONE:
        assert after in WITH_WORKER, "a worker is not forgotten"
    if action is Action.LEAVE:
        assert after is State.CLOSED


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_pair_knows_of_an_heir(state: State, event: Event) -> None:
    after, action = TABLE[state, event]
    if action is Action.SPAWN_HEIR:
        assert after is State.SUCCEEDING
        assert state in SERVED, "an heir starts beside a worker that serves"
    elif after in WITH_HEIR:
        assert state in WITH_HEIR, "there is no heir that was not started"
    if action in {*TAKES_PLACE, Action.RECALL, Action.YIELD}:
        assert state in WITH_HEIR
        assert event not in HEIR_GONE or action is Action.RECALL
    if state in WITH_HEIR and after not in WITH_HEIR and event not in HEIR_GONE:
        dealt_with = {*TAKES_PLACE, Action.RECALL, Action.DISMISS, Action.END, Action.KILL}
        assert action in dealt_with, "an heir is not forgotten"
    if state in WITH_HEIR and event in GONE:
        assert action in TAKES_PLACE, "who is left serves"
    if state in (State.HANDING_OVER, State.HANDING_OVER_STALE) and after not in (state, State.HANDING_OVER_STALE):
        assert action in {*TAKES_PLACE, Action.RECALL, Action.END}, "somebody accepts again"


@pytest.mark.parametrize("state", sorted(SERVED))
@pytest.mark.parametrize("event", [event for event in Event if event not in GONE | {Event.UNSTARTED, Event.INTERRUPT}])
def test_who_serves_goes_on_until_the_next_one_is_ready(state: State, event: Event) -> None:
    after, action = TABLE[state, event]
    one_at_a_time = {Event.RESTART, Event.ASKED} if state is State.SERVING else {Event.HEIR_BARRED}
    assert after in SERVED or (event in one_at_a_time and (after, action) == (State.REPLACING, Action.END))


@pytest.mark.parametrize("state", [state for state in State if state not in (State.CLOSED, State.CLOSING)])
def test_an_interrupt_always_leads_to_the_end(state: State) -> None:
    life, _ = Lifecycle(state=state).advance(Event.INTERRUPT, 0.0)
    if life.state is State.CLOSING:
        life, action = life.advance(Event.ENDED, 1.0)
        assert action is Action.LEAVE
    assert life.state is State.CLOSED


@given(st.lists(st.tuples(st.sampled_from(Event), st.floats(0, 20), st.booleans())), st.booleans())
@example([(event, 0.0, False) for event in (Event.BEGIN, Event.UNSTARTED, Event.DUE, Event.INTERRUPT)], False)
def test_whatever_happens_a_place_that_waits_knows_until_when(
    steps: list[tuple[Event, float, bool]], overlap: bool
) -> None:
    life, now, killed = Lifecycle(), 0.0, False
    for event, later, code in steps:
        now += later
        life, action = life.advance(event, now, code=code, overlap=overlap)
        killed = action is Action.KILL or (killed and action is Action.NOTHING)
        if life.state in (State.BACKOFF, State.RETRYING, State.HANDING_OVER, State.HANDING_OVER_STALE):
            assert life.due is not None
        if life.state in (State.BROKEN, State.BROKEN_STALE, State.REPLACING, State.CLOSING):
            assert killed or life.due is not None
        resting = {State.SERVING, State.STARTING, State.SUCCEEDING, State.WAITING, State.CLOSED, State.OVERDUE}
        if life.state in resting:
            assert life.due is None
        if life.state in SERVED:
            assert life.down_since is None


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


def test_a_worker_that_dies_of_its_last_try_just_after_a_save_is_started_once_more() -> None:
    life, now = walk(Event.BEGIN, Event.READY), 100.0
    for _ in DELAYS:
        life, _ = life.advance(Event.CRASHED, now)
        now = life.due or 0.0
        life, _ = life.advance(Event.DUE, now)
        life, _ = life.advance(Event.READY, now)
    life, _ = life.advance(Event.SAVED, now)
    life, _ = life.advance(Event.CRASHED, now)  # of before the save, for all we know
    assert life.state is State.BACKOFF
    assert life.due is not None


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


# -- one beside the other --

SERVING = (Event.BEGIN, Event.READY)


def succeeding(*events: Event, now: float = 100.0) -> Lifecycle:
    return walk(*SERVING, Event.RESTART, *events, now=now, overlap=True)


def test_a_new_worker_takes_over_when_it_is_ready() -> None:
    life = walk(*SERVING)
    steps = [
        (Event.RESTART, State.SUCCEEDING, Action.SPAWN_HEIR),
        (Event.HEIR_READY, State.HANDING_OVER, Action.YIELD),
        (Event.YIELDED, State.SERVING, Action.PROMOTE),
    ]
    for event, state, action in steps:
        life, done = life.advance(event, 105.0, overlap=True)
        assert (life.state, done) == (state, action)
    assert (life.due, life.ready_at, life.owed) == (None, 105.0, False)


def test_without_overlap_the_old_worker_ends_first() -> None:
    assert walk(*SERVING, Event.RESTART).state is State.REPLACING


def test_a_worker_that_does_not_yield_is_ousted_after_the_grace_period() -> None:
    life = succeeding(Event.HEIR_READY)
    assert life.due == 102.0
    assert life.advance(Event.DUE, 102.0)[1] is Action.OUST


def test_an_heir_that_does_not_start_leaves_the_old_worker_and_the_next_save_tries_again() -> None:
    life = succeeding(Event.HEIR_UNSTARTED)
    assert (life.state, life.due) == (State.OVERDUE, None)
    life, _ = life.advance(Event.SAVED, 200.0)
    assert (life.state, life.due) == (State.RETRYING, 200.0)
    assert life.advance(Event.DUE, 200.0)[1] is Action.SPAWN_HEIR


def test_a_file_that_is_no_code_has_an_heir_tried_with_a_delay() -> None:
    life = succeeding(Event.HEIR_UNSTARTED)
    life, _ = life.advance(Event.SAVED, 200.0, code=False)
    assert life.due == pytest.approx(200.0 + DELAYS[0])


def test_a_save_while_an_heir_fails_is_tried_at_once() -> None:
    life = succeeding(Event.SAVED, Event.HEIR_UNSTARTED)
    assert (life.state, life.due) == (State.RETRYING, 100.0)


def test_a_start_that_hangs_while_its_code_was_mended_is_begun_anew() -> None:
    life, _ = walk(Event.BEGIN).advance(Event.SAVED, 110.0)
    assert life.due == 110.0 + HANGING
    life, action = life.advance(Event.DUE, 120.0)
    assert (life.state, action) == (State.REPLACING, Action.END)
    life, _ = succeeding().advance(Event.SAVED, 110.0)
    assert life.advance(Event.DUE, 120.0)[1] is Action.SPAWN_HEIR


def test_a_start_that_always_takes_long_is_left_alone() -> None:
    life = walk(Event.BEGIN)
    for event, at in [(Event.READY, 130.0), (Event.RESTART, 200.0), (Event.SAVED, 201.0)]:
        life, _ = life.advance(event, at, overlap=True)
    assert life.due == 201.0 + 90.0
    life, _ = life.advance(Event.SAVED, 210.0, code=False)
    assert life.due == 291.0, "what the program writes itself is no reason"


def test_heirs_that_crash_are_tried_ever_later_and_then_not() -> None:
    life, now, waited = succeeding(), 100.0, []
    while life.state is not State.OVERDUE:
        life, _ = life.advance(Event.HEIR_CRASHED, now, overlap=True)
        if life.due is not None:
            waited.append(round(life.due - now, 3))
            now = life.due
            life, _ = life.advance(Event.DUE, now, overlap=True)
    assert waited == list(DELAYS)


def test_what_the_worker_asked_for_it_may_heal_itself() -> None:
    for state in (walk(*SERVING, Event.ASKED, overlap=True), walk(*SERVING, Event.ASKED, Event.SAVED, overlap=True)):
        assert state.advance(Event.HEALED, 101.0)[0].state is State.SERVING
    life = walk(*SERVING, Event.ASKED, Event.HEIR_UNSTARTED, overlap=True)
    assert life.advance(Event.HEALED, 101.0)[0].state is State.SERVING


def test_what_somebody_else_asked_for_no_reload_can_heal() -> None:
    for life in (succeeding(), succeeding(Event.HEIR_UNSTARTED), succeeding(Event.HEIR_UNSTARTED, Event.SAVED)):
        after, action = life.advance(Event.HEALED, 101.0)
        assert (after.state, action, after.owed) == (life.state, Action.NOTHING, True)


def test_a_worker_that_asks_while_it_is_overdue_is_not_a_reason_to_try() -> None:
    """It says so of every batch, also of files that the program itself writes."""
    life = walk(*SERVING, Event.ASKED, Event.HEIR_UNSTARTED, overlap=True)
    assert life.advance(Event.ASKED, 101.0, overlap=True) == (life, Action.NOTHING)


def test_a_wish_that_comes_at_the_switch_is_not_lost() -> None:
    life = succeeding(Event.HEIR_READY, Event.RESTART)
    life, action = life.advance(Event.YIELDED, 101.0)
    assert (life.state, action, life.due) == (State.RETRYING, Action.PROMOTE, 101.0)
    assert life.advance(Event.HEALED, 101.0)[0].state is State.RETRYING
    assert life.advance(Event.DUE, 101.0)[1] is Action.SPAWN_HEIR


def test_what_only_one_can_have_is_given_up_first() -> None:
    life, action = succeeding().advance(Event.HEIR_BARRED, 101.0, overlap=True)
    assert (life.state, action, life.due) == (State.REPLACING, Action.END, 103.0)
    assert life.advance(Event.ENDED, 101.5)[1] is Action.SPAWN


def test_when_the_worker_dies_its_heir_is_the_worker() -> None:
    life, action = succeeding().advance(Event.CRASHED, 101.0, overlap=True)
    assert (life.state, action, life.down_since) == (State.STARTING, Action.PROMOTE, 101.0)
    life, action = life.advance(Event.READY, 102.0)
    assert (life.state, life.down_since) == (State.SERVING, None)


def test_it_is_known_since_when_nobody_serves() -> None:
    life = walk(*SERVING)
    for event, at, since in [
        (Event.CRASHED, 10.0, 10.0),
        (Event.DUE, 10.2, 10.0),
        (Event.UNSTARTED, 11.0, 10.0),
        (Event.ENDED, 11.1, 10.0),
        (Event.SAVED, 12.0, 10.0),
        (Event.DUE, 12.0, 10.0),
        (Event.READY, 13.0, None),
    ]:
        life, _ = life.advance(event, at)
        assert life.down_since == since


def test_the_table_for_people_is_the_table() -> None:
    here = Path(__file__).parents[2]
    drawn = runpy.run_path(str(here / "scripts" / "states.py"))["drawn"]
    assert (here / ".assets" / "states.md").read_text(encoding="utf-8") == drawn()
