"""What a program writes itself and is reloaded for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.ownwrites import RECENT, ROUNDS, WITHIN, OwnWrites

PATH = "/project/data.json"


def rounds(own: OwnWrites, times: list[float]) -> list[str]:
    """The program writes the file and is reloaded for it, at these times; what is said of it."""
    said = []
    for at in times:
        own.wrote(PATH, at)
        said.append(own.acted(own.heeded([PATH], at + 0.1), at + 0.2))
    return said


def test_a_circle_is_broken_and_told_once() -> None:
    own = OwnWrites()
    said = rounds(own, [0.0, 1.0, 2.0, 3.0, 4.0])
    assert [bool(text) for text in said] == [False, False, True, False, False]
    assert said[ROUNDS - 1].startswith("data.json: ")


def test_who_writes_now_and_then_is_reloaded_for_ever() -> None:
    assert not any(rounds(OwnWrites(), [at * (WITHIN / 2 + 1) for at in range(20)]))


def test_what_others_save_always_counts_and_begins_anew() -> None:
    own = OwnWrites()
    assert rounds(own, [0.0, 1.0, 2.0])[-1]
    own.wrote(PATH, 3.0)
    assert own.heeded([PATH, "/project/main.py"], 3.1) == {"/project/main.py"}
    assert own.heeded([PATH], 3.0 + RECENT) == {PATH}
    own.wrote(PATH, 10.0)
    assert own.heeded([PATH], 10.1) == {PATH}


def test_one_write_that_several_processes_are_reloaded_for_counts_once() -> None:
    own = OwnWrites()
    own.wrote(PATH, 0.0)
    assert not any(own.acted([PATH], 0.1) for _ in range(10))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 3)), max_size=60))
def test_what_nobody_but_others_write_always_counts(saves: list[tuple[str, float]]) -> None:
    own, now = OwnWrites(), 0.0
    for path, pause in saves:
        now += pause
        own.wrote("/own", now)
        assert own.heeded([path, "/own"], now) >= {path}
        assert path not in own.acted([path, "/own"], now).partition(":")[0]


@given(st.integers(1, 5000))
def test_what_is_remembered_has_a_bound(count: int) -> None:
    own = OwnWrites()
    for number in range(count):
        own.wrote(str(number), 0.0)
        own.acted([str(number)], 0.0)
    assert max(len(table) for table in vars(own).values()) <= 1000
