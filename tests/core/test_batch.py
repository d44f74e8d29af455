"""Batches: what is told at once, what is told when all is quiet. The clock is an argument."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.batch import BUSY_CAP, CAP, DOUBT, SETTLE, SILENCE, Batcher, Change, Hint, Quiet

A = Change("/a.py", b"1", b"2")
MOMENT = 0.001


def hint(*paths: str, first: bool, at: float = 10.0) -> Hint:
    return Hint(frozenset(paths), first, at)


def quiet(*paths: str, at: float = 10.0) -> Quiet:
    return Quiet(frozenset(paths), at)


def test_a_change_is_told_at_once_and_again_when_quiet() -> None:
    batcher = Batcher()
    assert batcher.changed([A], 10.0) == hint("/a.py", first=True)
    assert batcher.due == pytest.approx(10.0 + SETTLE)
    assert not batcher.ready(10.0 + SETTLE - MOMENT)
    assert batcher.ready(10.0 + SETTLE)
    assert batcher.close() == quiet("/a.py")
    assert batcher.due is None
    assert not batcher.ready(99.0)


def test_only_after_a_silence_is_a_change_a_first_one() -> None:
    batcher = Batcher()
    batcher.changed([A], 10.0)
    batcher.close()
    assert batcher.changed([A], 10.0 + SILENCE - MOMENT) == hint("/a.py", first=False, at=10.0 + SILENCE - MOMENT)
    batcher.close()
    assert batcher.changed([A], 10.0 + 2 * SILENCE) == hint("/a.py", first=True, at=10.0 + 2 * SILENCE)


def test_nothing_changed_is_nothing() -> None:
    batcher = Batcher()
    assert batcher.changed([], 10.0) is None
    batcher.stirred(10.0)
    assert batcher.due is None


def test_events_without_a_change_prolong_an_open_batch() -> None:
    batcher = Batcher()
    batcher.changed([A], 10.0)
    batcher.stirred(10.010)
    assert not batcher.ready(10.0 + SETTLE)
    assert batcher.ready(10.010 + SETTLE)


def test_a_batch_does_not_grow_for_ever() -> None:
    batcher = Batcher()
    batcher.changed([A], 10.0)
    batcher.stirred(10.0 + CAP)
    assert batcher.ready(10.0 + CAP)


def test_new_files_wait_for_quiet_and_do_not_take_the_first_hint_away() -> None:
    batcher = Batcher()
    assert batcher.changed([Change("/tmp1", None, b"2")], 10.0) is None
    assert batcher.changed([Change("/tmp1", b"2", None), A], 10.001) == hint("/a.py", first=True)
    assert batcher.ready(10.001 + SETTLE)
    assert batcher.close() == quiet("/a.py")


def test_a_missing_file_waits_longer_and_comes_back_as_a_change() -> None:
    batcher = Batcher()
    assert batcher.changed([Change("/a.py", b"1", None)], 10.0) is None
    assert not batcher.ready(10.0 + SETTLE)
    assert batcher.changed([Change("/a.py", None, b"2")], 10.020) == hint("/a.py", first=True)
    assert batcher.ready(10.020 + SETTLE)
    assert batcher.close() == quiet("/a.py")


def test_a_missing_file_is_told_when_quiet() -> None:
    batcher = Batcher()
    batcher.changed([Change("/a.py", b"1", None)], 10.0)
    assert batcher.ready(10.0 + DOUBT)
    assert batcher.close({"/a.py": None}) == quiet("/a.py")


def test_an_emptied_file_may_be_half_of_a_save() -> None:
    batcher = Batcher()
    assert batcher.changed([Change("/a.py", b"1", b"0", doubtful=True)], 10.0) is None
    assert batcher.changed([Change("/a.py", b"0", b"1")], 10.001) is None
    assert batcher.close() is None


def test_while_something_else_is_half_done_no_change_is_a_first_one() -> None:
    batcher = Batcher()
    batcher.changed([Change("/b.py", b"1", None)], 10.0)
    assert batcher.changed([A], 10.001) == hint("/a.py", first=False)


def test_what_was_hinted_is_told_although_it_is_as_before() -> None:
    batcher = Batcher()
    batcher.changed([A], 10.0)
    assert batcher.changed([Change("/a.py", b"2", b"1")], 10.001) == hint("/a.py", first=False)
    assert batcher.close({"/a.py": b"1"}) == quiet("/a.py")


def test_busy_holds_back_up_to_a_bound() -> None:
    batcher = Batcher()
    assert batcher.changed([A], 10.0, busy=True) == hint("/a.py", first=False)
    assert not batcher.ready(10.0 + CAP, busy=True)
    assert batcher.due == pytest.approx(10.0 + CAP + SETTLE)
    assert not batcher.ready(10.0 + CAP + MOMENT)
    assert batcher.ready(10.0 + CAP + SETTLE)
    assert batcher.ready(10.0 + BUSY_CAP, busy=True)


contents = st.sampled_from([None, b"0", b"1", b"2"])
saves = st.lists(
    st.tuples(st.sampled_from("abc"), contents, st.floats(0.0, 0.2), st.booleans()), min_size=1, max_size=40
)


@given(saves)
def test_no_change_is_lost_and_none_is_told_twice(steps: list[tuple[str, bytes | None, float, bool]]) -> None:
    """Whoever acts on hints and quiets, by looking at the file, knows each file's last content."""
    batcher = Batcher()
    disk: dict[str, bytes | None] = dict.fromkeys("abc", b"0")
    acted_on = dict(disk)
    told_at_last_quiet = dict(disk)
    now = 100.0

    def listen(told: Hint | Quiet | None) -> None:
        for path in told.paths if told is not None else ():
            acted_on[path] = disk[path]

    def settle(at: float) -> None:
        if batcher.ready(at):
            quiet = batcher.close({path: disk[path] for path in batcher.paths})
            listen(quiet)
            for path in "abc":
                if disk[path] != told_at_last_quiet[path]:
                    assert quiet is not None
                    assert path in quiet.paths
            told_at_last_quiet.update(disk)
            assert acted_on == disk

    for path, content, pause, doubtful in steps:
        now += pause
        settle(now)
        before, disk[path] = disk[path], content
        if before != content:
            told = batcher.changed([Change(path, before, content, doubtful=doubtful)], now)
            assert told is None or content is not None
            listen(told)
    assert batcher.due is None or batcher.due <= now + CAP
    settle(now + CAP)
    assert acted_on == disk
    assert batcher.due is None


@given(st.lists(st.floats(0.0, 0.3), min_size=1, max_size=50))
def test_first_hints_are_a_silence_apart(pauses: list[float]) -> None:
    batcher = Batcher()
    now, last = 100.0, float("-inf")
    for at, pause in enumerate(pauses):
        now += pause
        told = batcher.changed([Change("/a.py", b"%d" % at, b"%d" % (at + 1))], now)
        assert told is not None
        assert told.first == (now - last >= SILENCE)
        last = now
