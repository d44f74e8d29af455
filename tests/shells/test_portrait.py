"""What portraits of two processes say of text that tells where objects live."""

from __future__ import annotations

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
