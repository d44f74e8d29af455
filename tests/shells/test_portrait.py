"""What portraits of two processes say of text that tells where objects live."""

from __future__ import annotations

import sys
import textwrap
from types import ModuleType

import pytest

from pepperpy_reload.auditing.places import differing
from pepperpy_reload.comparing.compare import first_difference
from pepperpy_reload.comparing.objects import describe_table
from pepperpy_reload.comparing.portrait import Painter, Portrait

SOURCE = """
class One: pass
class Two: pass
NUMBER = 1234567890123
"""


def portrait(text: str) -> Portrait:
    """Of a process whose only module makes a text of its two classes."""
    module = ModuleType("module")
    exec(f"{SOURCE}TEXT = {text}\n", vars(module))
    modules = {"module": module}
    return Painter(lambda file: False, modules).paint(modules, describe_table)


@pytest.mark.parametrize("form", ["", ":#x"])
def test_a_text_that_tells_of_the_same_objects_is_the_same_in_every_process(form: str) -> None:
    text = f'f"the class at {{id(One){form}}}, {{NUMBER}}"'
    assert first_difference(portrait(text), portrait(text)) is None
    other = portrait(text.replace("One", "Two"))
    assert str(first_difference(portrait(text), other)).startswith("module.TEXT")


def test_a_number_is_where_an_object_lives_only_as_long_as_it_does() -> None:
    found = first_difference(portrait('f"{NUMBER}"'), portrait('f"{NUMBER + 1}"'))
    assert str(found).startswith("module.TEXT: ")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there is no type statement")
@pytest.mark.parametrize("value", ["'One' | 'Two'", "Unknown", "One.unknown", "1 / 0"])
def test_an_alias_that_cannot_be_evaluated_is_portrayed_all_the_same(value: str) -> None:
    text = f"1\ntype Alias = {value}"
    assert first_difference(portrait(text), portrait(text)) is None
    assert first_difference(portrait(text), portrait("1\ntype Alias = Two")) is not None


def annotated(text: str) -> Portrait:
    """Of a process whose module has parametrised types with metadata."""
    made = "from typing import Annotated\nclass Doc:\n    def __init__(self, text): self.text = text\n"
    return portrait(f"''\n{made}{text}\n")


def test_which_of_two_equal_objects_metadata_has_says_nothing_unless_it_has_a_name() -> None:
    one = annotated("A, B = (lambda doc: (Annotated[int, doc], Annotated[str, doc]))(Doc('x'))")
    two = annotated("A, B = Annotated[int, Doc('x')], Annotated[str, Doc('x')]")
    for walk in (first_difference, lambda left, right: next(differing(left, right), None)):
        assert walk(one, two) is None
        assert walk(two, one) is None
        other = annotated("A, B = Annotated[int, Doc('x')], Annotated[str, Doc('y')]")
        assert "metadata" in str(walk(one, other))
        named = annotated("D = Doc('x')\nA, B = Annotated[int, D], Annotated[str, D]")
        stale = annotated("D = Doc('x')\nA, B = Annotated[int, D], Annotated[str, Doc('x')]")
        assert "metadata" in str(walk(named, stale))


def test_a_librarys_function_goes_by_where_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "__import__('textwrap').dedent"
    first = portrait(text)
    monkeypatch.setattr(textwrap.dedent, "__qualname__", "Model.dedent")
    monkeypatch.setattr(textwrap.dedent, "__module__", "module")
    assert first_difference(first, portrait(text)) is None
    assert first_difference(first, portrait("__import__('textwrap').indent")) is not None


def test_how_many_pools_there_have_been_says_nothing() -> None:
    made = "(lambda pools: pools.ThreadPoolExecutor(1{}))(__import__('concurrent.futures').futures)"
    first = portrait(made.format(""))
    assert first_difference(first, portrait(made.format(""))) is None
    assert "_thread_name_prefix" in str(first_difference(first, portrait(made.format(", thread_name_prefix='mine'"))))


def rules(names: str, shift: int, made: str = "Rule(Test(make(name)))") -> Portrait:
    """Of a process whose module has a set of objects that only what they hold tells apart, wherever they lie."""
    text = f"""
class Test:
    def __init__(self, check): self.check = check
    def __hash__(self): return HASHES.pop()
class Rule(Test): pass
def make(name):
    def check(given): return given == name
    return check
HASHES = [{shift} * number % 11 for number in range(1, 30)]
RULES = {{{made} for name in {names.split()}}}
HASHES.clear()
"""
    return portrait(f"''\n{text}")


@pytest.mark.parametrize(
    "made", ["Rule(Test(make(name)))", "Rule({'test': [make(name)]})", "Rule(frozenset([Test(name), Rule(name)]))"]
)
def test_the_members_of_a_set_are_told_apart_by_what_they_hold_however_deep(made: str) -> None:
    first = rules("one two three four", 1, made)
    for shift in range(2, 8):
        again = rules("one two three four", shift, made)
        for walk in (first_difference, lambda left, right: next(differing(left, right), None)):
            assert walk(first, again) is None
    assert first_difference(first, rules("one two three five", 1, made)) is not None


def test_members_that_go_round_in_circles_are_told_too() -> None:
    """None tells one from the other: any order is right."""
    made = "(lambda one: [one, setattr(one, 'check', one)][0])(Rule(name))"
    assert first_difference(rules("one one one", 1, made), rules("one one one", 2, made)) is None


def weak(text: str) -> Portrait:
    """Of a process whose module has classes, and a dictionary that knows them weakly."""
    return portrait(f"''\nimport weakref\nclass A: ...\nclass B: ...\nKNOWN = weakref.WeakKeyDictionary()\n{text}\n")


def test_where_an_entry_that_goes_with_its_key_stands_says_nothing() -> None:
    one, two = weak("KNOWN[A] = [1]\nKNOWN[B] = [2]"), weak("KNOWN[B] = [2]\nKNOWN[A] = [1]")
    assert first_difference(one, two) is None
    for other in ("KNOWN[A] = [2]\nKNOWN[B] = [1]", "KNOWN[A] = [1]", "KNOWN[A] = [1]\nKNOWN[B] = [2, 3]"):
        assert first_difference(one, weak(other)) is not None
