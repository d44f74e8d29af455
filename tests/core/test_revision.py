"""A new version of a source is read by what has changed, and comes to the same as if all of it were read."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.revision import revise_units
from pepperpy_reload.core.unit import Unit, read_units


def read(source: str) -> list[Unit]:
    return read_units(source.encode(), ast.parse(source), "pkg")


def seen(units: Sequence[Unit]) -> list[object]:
    """All of them, with the places of their trees."""
    return [(repr(unit), unit.line, ast.dump(unit.statement.node, include_attributes=True)) for unit in units]


def revised(before: str, after: str) -> list[Unit]:
    return revise_units(read(before), before.encode(), after.encode(), "pkg")


LINES = (
    "x = 1", "y = 2; z = 3", "'words'", "import a, b", "from c import (d,", "    e)", "def f():", "    return 1",
    "    # a remark", "else:", "if x:", "@f", "class A:", "    y = [", "]", "x = '''", "'''", "x = 1 \\", "",
    "from __future__ import annotations", "# coding: latin-1", "def g(a: x) -> y: pass", "    '''text'''",
)  # fmt: skip
SOURCES = st.lists(st.sampled_from(LINES), max_size=12).map("\n".join).filter(lambda text: is_source(text))


def is_source(text: str) -> bool:
    try:
        compile(text, "source", "exec")
    except SyntaxError:
        return False
    return True


@given(SOURCES, SOURCES)
def test_it_comes_to_the_same_as_if_all_were_read(before: str, after: str) -> None:
    assert seen(revised(before, after)) == seen(read(after))


@given(st.lists(st.sampled_from(LINES), max_size=8), st.integers(0, 8), st.sampled_from(LINES))
def test_one_line_more(lines: list[str], place: int, line: str) -> None:
    before, after = "\n".join(lines), "\n".join([*lines[:place], line, *lines[place:]])
    if is_source(before) and is_source(after):
        assert seen(revised(before, after)) == seen(read(after))
        assert seen(revised(after, before)) == seen(read(before))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("def f():\n    a\nx = 1\n", "def f():\n    a\n    b\nx = 1\n", id="the body above goes on"),
        pytest.param("if a:\n    b\nx = 1\n", "if a:\n    b\nelse:\n    c\nx = 1\n", id="a branch more"),
        pytest.param("'words'\n'more'\n", "'more'\n", id="another docstring"),
        pytest.param("x = 1\ny = 2\n", "x = '''\ny = 2\n'''\n", id="a string swallows what follows"),
        pytest.param("x = 1; y = 2\nz = 3\n", "\nx = 1; y = 2\nz = 3\n", id="two on a line move"),
    ],
)
def test_where_the_lines_alone_do_not_tell(before: str, after: str) -> None:
    assert seen(revised(before, after)) == seen(read(after))


def test_what_has_not_changed_is_not_read_again() -> None:
    before = "def f():\n    return 1\ndef g():\n    return 2\ndef h():\n    return 3\n"
    old = read(before)

    new = revise_units(old, before.encode(), before.replace("2", "20").encode(), "pkg")

    assert new[0] is old[0]
    assert new[1] is not old[1]
    assert new[2] is old[2]
