"""What the garbage collector knows, while tuples are being built."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import pytest

from pepperpy_reload.reloading import heap


class Thing:
    """Something that tuples hold."""


class Heir(Thing):
    """Another one."""


THING = Thing()
ASKED: dict[str, Callable[[], Any]] = {
    "functions": heap.functions,
    "instances": lambda: heap.instances([Thing]),
    "instances of many classes": lambda: heap.instances([Thing, *(type(f"C{n}", (), {}) for n in range(150))]),
    "youngest instances": lambda: heap.youngest_instances(Thing),
    "all but tuples": heap.all_but_tuples,
    "referrers": lambda: heap.referrers([THING]),
}


def build(ask: Callable[[], Any], size: int = 20) -> tuple[object, ...]:
    """A tuple, and what was told when it was half-way lives until it is whole."""
    told: list[object] = []

    def items() -> Iterator[object]:
        for number in range(size):
            if number == size // 2:
                told.append(ask())
            yield THING

    return tuple(items())


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_a_tuple_that_is_being_built_when_the_heap_is_asked_becomes_whole(ask: Callable[[], Any]) -> None:
    assert build(ask) == (THING,) * 20


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="since 3.14 a tuple is begun when its items are there")
@pytest.mark.parametrize("ask", [gc.get_objects, lambda: gc.get_referrers(THING)], ids=["objects", "referrers"])
def test_who_asks_the_collector_itself_breaks_it(ask: Callable[[], Any]) -> None:
    with pytest.raises(SystemError):
        build(ask)


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_other_threads_build_their_tuples_meanwhile(ask: Callable[[], Any]) -> None:
    over, failures, built = threading.Event(), list[BaseException](), 0

    def go_on() -> None:
        nonlocal built
        try:
            while not over.is_set():
                build(bool, 50)
                built += 1
        except SystemError as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        for _ in range(10):
            ask()
    finally:
        over.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert not failures
    assert built


def test_instances_are_of_exactly_these_classes() -> None:
    one, other = Thing(), Heir()
    for few in ([Thing], [Thing, *(type(f"C{n}", (), {}) for n in range(150))]):
        found = heap.instances(few)
        assert any(thing is one for thing in found)
        assert all(type(thing) is Thing for thing in found)
    gc.collect()
    young = Thing()
    assert [thing is young for thing in heap.youngest_instances(Thing)] == [True]
    assert other in heap.instances([Heir])


def test_functions_are_found_wherever_they_are() -> None:
    table = {"key": [lambda: None]}
    found = heap.functions()
    assert any(one is table["key"][0] for one in found)
    assert all(type(one) is FunctionType for one in found)


def test_all_tuples_that_refer_to_something_are_one() -> None:
    thing = Thing()
    assert heap.referrers([thing]) == []
    table, pair = {"key": thing}, (thing, 1)
    found = heap.referrers([thing])
    assert any(one is table for one in found)
    assert () in found
    assert not any(one is pair for one in found)
    assert heap.referrers([]) == []


def test_what_is_not_tracked_itself_is_found_as_well() -> None:
    thing = object()
    for _ in range(3):
        assert heap.referrers([thing]) == []
        gc.collect()
    pair = (thing, Thing())
    for _ in range(3):
        assert heap.referrers([thing]) == [()], pair
        gc.collect()


def test_everything_else_is_told() -> None:
    table, pair = {"key": Thing()}, (Thing(), 1)
    told = {id(thing) for thing in heap.all_but_tuples()}
    assert id(table) in told
    assert id(pair) not in told
