"""An `if` at the top of a module is the statements in it where that comes to the same."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.branches import INTERPRETER, answer
from pepperpy_reload.core.difference import Fate, align
from pepperpy_reload.core.revision import revise_units
from pepperpy_reload.core.statement import read_statements
from pepperpy_reload.core.unit import Kind, Unit, read_units


def units(source: str) -> list[Unit]:
    return read_units(source.encode(), ast.parse(source), "")


def guards(source: str) -> list[tuple[tuple[str, ...], int, int]]:
    return [(one.guards, one.line, one.last_line) for one in read_statements(ast.parse(source), source.encode())]


def test_each_statement_has_its_conditions_and_its_lines() -> None:
    source = (
        "if sys.platform == 'x':\n    a = 1\n    b = 2\n"
        "elif FLAG:\n\n    c = 3\n"
        "else:\n    if hasattr(os, 'x'):\n        d = 4\n    e = 5\n"
    )
    first, second, third = "(sys.platform == 'x')", "(FLAG)", "(hasattr(os, 'x'))"
    assert guards(source) == [
        ((first,), 1, 2),
        ((first,), 3, 3),
        ((f"not {first}", second), 4, 6),
        ((f"not {first}", f"not {second}", third), 8, 9),
        ((f"not {first}", f"not {second}"), 10, 10),
    ]


@pytest.mark.parametrize(
    "source",
    [
        "if A:\n    x = 1",
        "if f():\n    x = 1\n    y = 2",
        "if TYPE_CHECKING:\n    x = 1\nelse:\n    x = 2",
        "if __name__ == '__main__':\n    x = 1\n    y = 2",
        "if A:\n    A = 1\n    y = 2",
        "if A:\n    A.clear()\n    y = 2",
        "if A:\n    from m import *\n    y = 2",
        "if sys.flag:\n    import sys\n    y = 2",
        "if (A := 1):\n    x = 1\n    y = 2",
    ],
)
def test_what_could_answer_otherwise_stays_whole(source: str) -> None:
    assert [one for one, _, _ in guards(source)] == [()]


KNOWN = {"sys.platform": "linux", "sys.version_info": (3, 11, 7), "os.name": "posix"}
CONDITIONS = st.sampled_from(["A", "B", "not A", "A and B", "C.x", "C.x == 1", "hasattr(C, 'x')", "hasattr(C, 'y')"])
STATEMENTS = st.sampled_from(["p += 1", "q = q * 2 + p", "def f(): return p", "pass", "import math"])
BLOCKS = st.recursive(
    st.lists(STATEMENTS, min_size=1, max_size=3),
    lambda inner: st.lists(st.tuples(CONDITIONS, inner, st.none() | inner), min_size=1, max_size=2),
    max_leaves=8,
)  # fmt: skip


def written(block: Any, indent: str = "") -> str:
    lines = []
    for one in block:
        if isinstance(one, str):
            lines.append(indent + one)
        else:
            test, body, other = one
            lines += [f"{indent}if {test}:", written(body, indent + "  ").rstrip("\n")]
            if other is not None:
                lines += [f"{indent}else:", written(other, indent + "  ").rstrip("\n")]
    return "\n".join(lines) + "\n"


def executed(*codes: Any, start: dict[str, bool]) -> dict[str, Any]:
    space = {**start, "p": 1, "q": 1, "C": type("C", (), {"x": start["A"]})}
    for code in codes:
        exec(code, space)
    return {name: space.get(name) for name in ("p", "q", "math")} | {"f": eval("f()", space) if "f" in space else None}


@given(BLOCKS, st.booleans(), st.booleans())
def test_one_after_the_other_they_do_what_the_whole_does(block: Any, a: bool, b: bool) -> None:
    source, start = written(block), {"A": a, "B": b}
    found = read_statements(ast.parse(source), source.encode())
    parts = [compile(ast.Module([one.node], []), "m", "exec") for one in found]
    assert executed(*parts, start=start) == executed(source, start=start)
    places = [(one.line, one.last_line) for one in found]
    assert places == sorted(places)


@given(BLOCKS, BLOCKS)
def test_revised_they_are_what_they_are_read_anew(before: Any, after: Any) -> None:
    head, tail = "top = 1\n", "end = 2\n"
    old, new = (head + written(block) + tail for block in (before, after))
    revised = revise_units(units(old), old.encode(), new.encode(), "")
    assert [(one.label, one.line, one.last_line, one.statement.guards) for one in revised] == [
        (one.label, one.line, one.last_line, one.statement.guards) for one in units(new)
    ]


def test_an_edit_concerns_one_of_them() -> None:
    old = units("if A:\n    x = 1\n    y = 2\nelse:\n    x = 3\n")
    assert align(old, units("if A:\n    x = 1\n\n    y = 3\nelse:\n    x = 3\n")).fates == [
        Fate.SAME,
        Fate.CHANGED,
        Fate.SAME,
    ]
    changed = align(old, units("if B:\n    x = 1\n    y = 2\nelse:\n    x = 3\n")).fates
    assert Fate.SAME not in changed
    assert len(changed) == 3


def test_of_two_branches_only_one_is_executed() -> None:
    one, two, three, four = units("if A:\n    if B: x = 1\n    y = 2\nelse:\n    x = 3\nif A: z = 1\nelse: z = 2\n")[:4]
    assert one.statement.excludes(three.statement)
    assert three.statement.excludes(two.statement)
    assert not one.statement.excludes(two.statement)
    assert not four.statement.excludes(three.statement)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("sys.version_info >= (3, 0)", True),
        ("sys.version_info[0] == 2", False),
        ("sys.platform == 'amiga'", False),
        ("not sys.platform.startswith('amiga')", True),
        ("TYPE_CHECKING or os.name == 'amiga'", False),
        ("not TYPE_CHECKING and FLAG", None),
        ("TYPE_CHECKING and FLAG", False),
        ("sys.version_info > 'x'", None),
        ("sys.version_info >= LEAST", None),
        ("FLAG", None),
    ],
)
def test_what_a_condition_comes_to_here(test: str, expected: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KNOWN.items():
        monkeypatch.setitem(INTERPRETER, name, value)
    assert answer(ast.parse(test, mode="eval").body) is expected


def test_what_is_for_another_version_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(INTERPRETER, "sys.version_info", (3, 11))
    old, new, both = units("if sys.version_info < (3, 0):\n    exec(x)\nelse:\n    y = 1\n    z = 2\n")
    assert (old.kind, new.binds, both.binds) == (Kind.INERT, frozenset("y"), frozenset("z"))
