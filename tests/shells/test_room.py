"""Room for the frames of imports within imports."""

from __future__ import annotations

import sys

import pytest

from pepperpy_reload.importing.room import call_with_room

CALLS = 300


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted")
def test_no_depth_takes_memory_from_the_system_at_each_call() -> None:
    import resource

    def leaf() -> None: ...

    leaf.__code__ = leaf.__code__.replace(co_stacksize=100)  # larger than the frames that it is called from

    def faults_at(depth: int) -> int:
        if depth:
            return faults_at(depth - 1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(CALLS):
            leaf()
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    def worst() -> int:
        return max(faults_at(depth) for depth in range(400))

    found: list[int] = []
    call_with_room(lambda: found.append(worst()))
    assert found[0] < CALLS / 10, found
    assert worst() >= CALLS, "without it there is such a depth: else this test shows nothing"


def test_what_is_raised_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        call_with_room(lambda: 1 / 0)
