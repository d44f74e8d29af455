"""A new version of a source is read by what has changed, and comes to the same as if all of it were read."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from functools import partial
from types import CodeType

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pepperpy_reload.core.difference import align
from pepperpy_reload.core.revision import revise_units
from pepperpy_reload.core.statement import same_docstrings
from pepperpy_reload.core.unit import Unit, read_units


def read(source: str) -> list[Unit]:
    return read_units(source.encode(), ast.parse(source), "pkg")


def seen(units: Sequence[Unit]) -> list[object]:
    """All of them, with the places of their trees."""
    return [
        (repr(unit), repr(unit.doings), unit.line, ast.dump(unit.statement.node, include_attributes=True))
        for unit in units
    ]


def revised(before: str, after: str) -> list[Unit]:
    units = revise_units(read(before), before.encode(), after.encode(), "pkg", partial(function_at, before))
    for unit in units:
        unit.statement.twin = None
    return units


def function_at(source: str, line: int) -> tuple[int, int] | None:
    """The outermost function that has a line, as its code tells."""
    found = None
    waiting = [compile(source, "source", "exec")]
    while waiting:
        for inner in codes_in(waiting.pop()):
            if inner.co_firstlineno <= line and not inner.co_flags & inspect.CO_OPTIMIZED:
                waiting.append(inner)
            elif inner.co_firstlineno <= line and (found is None or found.co_firstlineno < inner.co_firstlineno):
                found = inner
    return None if found is None else (found.co_firstlineno, last_line(found))


def codes_in(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def last_line(code: CodeType) -> int:
    return max([*(end or 0 for _, end, _, _ in code.co_positions()), *map(last_line, codes_in(code))])


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


MEMBERS = (
    "class A:", "    class B(C):", "    x = 1", "    @d", "    def f(self, x=1):", "        def f(self, x=1):",
    "        return x", "        yield x", "        '''words'''", "        # a remark", "            return 1",
    "        pass", "    # a remark", "    def g(self): return [", "1]", "        text = '''", "    def h(self): pass",
    "    '''", "", "    if x:", "async def f(): pass", "        x: int",
)  # fmt: skip
PARTS = (
    ("    x = 1",), ("    # a remark",), ("    def h(self): pass",), ("    def f(self, x=1):", "        return x"),
    ("    @d", "    def g(self):", "        '''words'''", "        yield x", "        # a remark"),
    ("    class B(C):", "        def f(self, x=1):", "            return 1", "            # a remark", "        pass"),
    ("    def k(self):", "        def f(self, x=1):", "            return 1"),
)  # fmt: skip
CLASSES = st.lists(st.sampled_from(PARTS), max_size=5).map(
    lambda parts: "\n".join(["class A:", "    x = 1", *(line for part in parts for line in part)])
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.filter_too_much], deadline=None)
@example("class A:\n    x = 1\n    def f(self, x=1):\n        return x\n    x = 1", 4, 0, ["        # a remark"])
@given(CLASSES, st.integers(0, 15), st.integers(0, 2), st.lists(st.sampled_from(MEMBERS), max_size=2))
def test_other_lines_in_a_class(before: str, place: int, gone: int, new: list[str]) -> None:
    lines = before.split("\n")
    after = "\n".join([*lines[:place], *new, *lines[place + gone :]])
    if is_source(after):
        assert seen(revised(before, after)) == seen(read(after))
        old = read(before)
        known = revise_units(old, before.encode(), after.encode(), "pkg", partial(function_at, before))
        assert outcome(old, known) == outcome(old, read(after))


def outcome(old: list[Unit], new: list[Unit]) -> list[object]:
    found = align(old, new)
    pairs = [(old[index].statement, new[at].statement) for at, index in enumerate(found.olds) if index >= 0]
    return [found.fates, found.olds, [same_docstrings(one, other) for one, other in pairs]]


def test_a_change_inside_a_method_is_seen_without_its_class() -> None:
    before = "class A:\n    x = 1\n\n    def f(self):\n        return 1\n\n    def g(self): pass\n"
    old = read(before)

    (unit,) = revise_units(
        old, before.encode(), before.replace("return 1", "return 2").encode(), "pkg", lambda _: (4, 5)
    )

    assert unit.statement.twin is not None
    assert unit.statement._node is None
