"""The order of a cold start: which names are out of place."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.start import displaced

NAMES = list("abcdef")


@given(st.permutations(NAMES))
def test_without_what_is_displaced_the_order_is_the_same_and_no_fewer_would_do(after: list[str]) -> None:
    found = displaced(NAMES, after)

    assert [name for name in NAMES if name not in found] == [name for name in after if name not in found]
    for fewer in combinations(NAMES, len(found) - 1) if found else ():
        assert [name for name in NAMES if name not in fewer] != [name for name in after if name not in fewer]


def test_names_that_are_only_in_one_list_are_not_displaced() -> None:
    assert displaced(["a", "b", "c"], ["b", "new", "c"]) == []
    assert displaced([], ["a"]) == displaced(["a"], []) == []
