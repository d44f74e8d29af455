"""The heap is gone through for what is alive and cannot be found otherwise, and for nothing else."""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType

import pytest

from pepperpy_reload.reloading.instances import Census
from pepperpy_reload.reloading.pairs import pair_codes
from pepperpy_reload.reloading.patch import live_functions

SOURCE = """
import functools, typing
class lazy(property):
    pass
def plain(): return 1
class A:
    def method(self): return 1
    @lazy
    def attribute(self): return 1
    sort = property(lambda self: 1)
@typing.overload
def many(a: int) -> int: ...
@typing.overload
def many(a: str) -> str: ...
def many(a): return a
@functools.lru_cache
def cached(): return 1
def never_called():
    def inside(): return 1
    return inside
"""
CLOSURE = "def make():\n    def inside(): return 1\n    return inside\n"


def load(source: str) -> tuple[ModuleType, CodeType]:
    module = ModuleType("made")
    code = compile(source, "made.py", "exec")
    exec(code, vars(module))
    return module, code


def found(module: ModuleType, code: CodeType, source: str) -> set[str]:
    pairs = list(pair_codes(code, compile(f"\n{source}", "made.py", "exec")))
    functions, _ = live_functions([(module, pairs)])
    return {function.__code__.co_qualname for several in functions.values() for function in several}


def refuse(*_: object) -> list[object]:
    raise AssertionError("the heap has been gone through")


def test_what_can_be_found_by_names_is(monkeypatch: pytest.MonkeyPatch) -> None:
    module, code = load(SOURCE)
    monkeypatch.setattr(gc, "get_objects", refuse)
    monkeypatch.setattr(gc, "get_referrers", refuse)

    names = found(module, code, SOURCE)

    assert names == {"plain", "A.method", "A.attribute", "A.<lambda>", "many", "cached", "never_called"}


def test_all_functions_of_one_name_are_found() -> None:
    module, code = load(SOURCE)
    pairs = list(pair_codes(code, compile(f"\n{SOURCE}", "made.py", "exec")))

    functions, _ = live_functions([(module, pairs)])

    assert len([one for several in functions.values() for one in several if one.__name__ == "many"]) == 3


@pytest.mark.parametrize("hide", [lambda function: lambda: function, lambda function: [[[function]]]])
def test_a_closure_is_found_wherever_it_is(hide: Callable[[FunctionType], object]) -> None:
    module, code = load(CLOSURE)
    somewhere = hide(module.make())

    assert found(module, code, CLOSURE) == {"make", "make.<locals>.inside"}
    assert somewhere


def test_a_function_that_has_lost_its_name_is_found() -> None:
    module, code = load(CLOSURE)
    lost = [module.make]
    del module.make

    assert found(module, code, CLOSURE) == {"make"}
    assert lost


class _Thing:
    pass


class _Other:
    pass


def test_instances_that_are_made_after_the_count_are_taken_too() -> None:
    census = Census()
    census.expect(_Thing)
    census.expect(_Other)
    first, other = _Thing(), _Other()

    assert census.take(_Other) == [other]
    second = _Thing()
    things = census.take(_Thing)

    assert len(things) == 2
    assert {id(one) for one in things} == {id(first), id(second)}


def test_instances_that_have_grown_old_meanwhile_are_taken_too() -> None:
    census = Census()
    census.expect(_Thing)
    other = _Other()
    assert census.take(_Other) == [other]
    thing = _Thing()
    gc.collect()

    assert census.take(_Thing) == [thing]
