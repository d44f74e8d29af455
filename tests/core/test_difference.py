"""Two versions of a module aligned: a table of edits, and the laws that hold for all of them."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pepperpy_reload.core.difference import Alignment, Fate, align, equal
from pepperpy_reload.core.likeness import same_statement
from pepperpy_reload.core.unit import Kind, Unit, read_units

SAME, BODY, CHANGED, NEW = Fate.SAME, Fate.BODY, Fate.CHANGED, Fate.NEW


def units(source: str) -> list[Unit]:
    return read_units(source.encode(), ast.parse(source), "pkg")


def aligned(before: str, after: str) -> Alignment:
    return align(units(before), units(after))


@pytest.mark.parametrize(
    ("before", "after", "fates", "gone"),
    [
        pytest.param("x = 1\ny = 2", "x = 1\ny = 2", [SAME, SAME], [], id="nothing"),
        pytest.param("x = 1\ny = 2", "# why\n\nx  =  1\n\n\ny = (2)", [SAME, SAME], [], id="layout"),
        pytest.param("x = 1\ny = 2", "x = 1\ny = 3", [SAME, CHANGED], [], id="value"),
        pytest.param("x = 1", "x = 1\ny = 2", [SAME, NEW], [], id="new at the end"),
        pytest.param("x = 1", "y = 2\nx = 1", [NEW, SAME], [], id="new at the beginning"),
        pytest.param("x = 1\ny = 2", "y = 2", [SAME], [0], id="gone"),
        pytest.param("x = 1", "", [], [0], id="all gone"),
        pytest.param("", "x = 1", [NEW], [], id="all new"),
        pytest.param("def f(): return 1", "def f(): return 2", [BODY], [], id="body of a function"),
        pytest.param("class A:\n def f(self): return 1", "class A:\n def f(self): return 2", [BODY], [], id="method"),
        pytest.param("@d\ndef f(): return 1", "@d\ndef f(): return 2", [BODY], [], id="body of a decorated one"),
        pytest.param("x = lambda: 1", "x = lambda: 2", [BODY], [], id="body of a lambda"),
        pytest.param("f(lambda: 1)", "f(lambda: 2)", [BODY], [], id="body of a lambda in a call"),
        pytest.param("def f(): return 1", "def f(a): return 1", [CHANGED], [], id="signature"),
        pytest.param("def f(): return 1", "@d\ndef f(): return 1", [CHANGED], [], id="decorator added"),
        pytest.param("def f(): return 1", "async def f(): return 1", [CHANGED], [], id="made async"),
        pytest.param("class A: x = 1", "class A: x = 2", [CHANGED], [], id="class attribute"),
        pytest.param("def f(): pass", "class f: pass", [CHANGED], [], id="def to class"),
        pytest.param("def f(): pass", "f = 1", [NEW], [0], id="def to assignment"),
        pytest.param("def f(): pass", "def g(): pass", [NEW], [0], id="renamed"),
        pytest.param("x = 1", "from a import x", [CHANGED], [], id="assignment to import"),
        pytest.param("from a import x, y", "from a import y, x", [SAME, SAME], [], id="aliases in another order"),
        pytest.param("from a import x", "from a import x, y", [SAME, NEW], [], id="alias added"),
        pytest.param("from a import x", "from b import x", [CHANGED], [], id="imported from elsewhere"),
        pytest.param("import a\nimport b", "import b\nimport a", [SAME, SAME], [], id="moved imports"),
        pytest.param("def f(): pass\ndef g(): pass", "def g(): pass\ndef f(): pass", [SAME, SAME], [], id="moved defs"),
        pytest.param("def f(): return 1\nx = 1", "x = 1\ndef f(): return 2", [SAME, BODY], [], id="moved and body"),
        pytest.param("a()\nb()", "a()\nb()\na()", [SAME, SAME, NEW], [], id="said again"),
        pytest.param("a()\na()\na()", "a()\na()", [SAME, SAME], [2], id="said once less"),
    ],
)
def test_fates(before: str, after: str, fates: Sequence[Fate], gone: Sequence[int]) -> None:
    alignment = aligned(before, after)

    assert list(alignment.fates) == list(fates)
    assert [unit.index for unit in alignment.gone] == list(gone)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("x = []\nx.append(1)\ny = 2", "y = 2\nx = []\nx.append(1)", id="assignment over a pair"),
        pytest.param("@d\ndef f(): pass\n@d\ndef g(): pass", "@d\ndef g(): pass\n@d\ndef f(): pass", id="decorated"),
        pytest.param("a()\nb()", "b()\na()", id="calls"),
        pytest.param("x = 1\nx = 2", "x = 2\nx = 1", id="two assignments to a name"),
        pytest.param("x = 1\nif x: del x", "if x: del x\nx = 1", id="over an if"),
    ],
)
def test_what_is_not_a_definition_is_not_the_same_when_it_moves(before: str, after: str) -> None:
    assert set(aligned(before, after).fates) != {SAME}


def test_the_nearest_definition_of_a_name_is_its_old_version() -> None:
    alignment = aligned("def f(): return 1\ndef f(): return 2\n", "def f(): return 1\ndef f(): return 3\n")

    assert list(alignment.fates) == [SAME, BODY]
    assert list(alignment.olds) == [0, 1]


def test_who_says_a_word_is_known_of_what_stays_the_same() -> None:
    before = "import os\nA = os.sep\nclass C:\n    x = A\ndef f(): return A\nB = f()\n"
    after = "import os\nB = f()\nZ = A\nclass C:\n    x = B\nA = os.sep\n"
    known = Alignment.of_unchanged(units(before))
    alignment = align(known.units, units(after))
    alignment.succeed(known)
    assert alignment.mentioning(frozenset({"A"})) is None
    known.mentions.prepare(known.words)
    alignment = align(known.units, units(after))
    alignment.succeed(known)
    for word in ("os", "A", "B", "C", "f", "x", "Z", "sep", "none"):
        said = [unit.index for unit in alignment.units if unit.may_say(frozenset({word}))]
        assert alignment.mentioning(frozenset({word})) == said, word


def test_a_module_that_was_not_edited() -> None:
    these = units("x = 1\ndef f(): pass\n")
    alignment = Alignment.of_unchanged(these)

    assert alignment.changed == []
    assert list(alignment.olds) == [0, 1]


# --- laws

STATEMENTS = [
    "import a", "import b.c as d", "from a import x, y", "from a import *", "x = 1", "x = 2", "y = x", "x, y = 1, 2",
    "x += 1", "f(x)", "f(y)", "x.append(1)", "del x", "pass", "'text'", "def f(): return 1", "def f(): return 2",
    "def f(a): return 1", "@d\ndef f(): return 1", "@d\ndef f(): return 2", "async def g(): pass",
    "class A:\n    x = 1", "class A:\n    x = 2", "class A:\n    def m(self): return 1",
    "class A:\n    def m(self): return 2", "g = lambda: 1", "g = lambda: 2", "if x:\n    y = 1\nelse:\n    y = 2",
    "for i in x:\n    f(i)", "try:\n    import a\nexcept ImportError:\n    a = None",
]  # fmt: skip
PROGRAM = st.lists(st.sampled_from(STATEMENTS), max_size=12)
LAYOUT = st.lists(
    st.sampled_from(["", "\n", "# a comment\n", "\n\n    # indented\n\n", "\f\n"]), min_size=13, max_size=13
)
LAWS = settings(derandomize=True, deadline=None, max_examples=200)


def joined(statements: Sequence[str]) -> str:
    return "".join(f"{statement}\n" for statement in statements)


@LAWS
@given(PROGRAM, PROGRAM)
def test_every_unit_has_exactly_one_place(before: Sequence[str], after: Sequence[str]) -> None:
    old, new = units(joined(before)), units(joined(after))
    alignment = align(old, new)
    paired = [index for index in alignment.olds if index >= 0]

    assert len(alignment.units) == len(alignment.fates) == len(alignment.olds) == len(new)
    assert sorted([*paired, *(unit.index for unit in alignment.gone)]) == list(range(len(old)))
    for unit, fate, index in zip(new, alignment.fates, alignment.olds, strict=True):
        assert (fate is NEW) == (index < 0)
        if fate is SAME:
            assert equal(old[index], unit)
        if fate is BODY:
            assert not equal(old[index], unit)
            assert same_statement(old[index].statement, unit.statement, bodies=False)
        if fate is CHANGED:
            assert old[index].binds == unit.binds


@LAWS
@given(PROGRAM, PROGRAM)
def test_the_same_stand_in_the_same_order_unless_they_are_definitions(
    before: Sequence[str], after: Sequence[str]
) -> None:
    alignment = aligned(joined(before), joined(after))
    fixed = [
        index
        for unit, fate, index in zip(alignment.units, alignment.fates, alignment.olds, strict=True)
        if fate is SAME and (unit.decorated or unit.kind not in (Kind.FUNCTION, Kind.IMPORT, Kind.CLASS))
    ]

    assert fixed == sorted(fixed)


@LAWS
@given(PROGRAM)
def test_a_module_is_the_same_as_itself(statements: Sequence[str]) -> None:
    alignment = aligned(joined(statements), joined(statements))

    assert set(alignment.fates) <= {SAME}
    assert list(alignment.olds) == list(range(len(alignment.units)))
    assert not alignment.gone
    assert not alignment.changed


@LAWS
@given(PROGRAM, LAYOUT)
def test_layout_changes_nothing(statements: Sequence[str], layout: Sequence[str]) -> None:
    spaced = "".join(f"{space}{statement}  # end\n" for statement, space in zip(statements, layout, strict=False))
    alignment = aligned(joined(statements), spaced)

    assert not alignment.changed
    assert not alignment.gone


@LAWS
@given(PROGRAM, st.sampled_from(STATEMENTS), st.integers(0, 12))
def test_one_statement_put_in_concerns_no_other(statements: Sequence[str], extra: str, where: int) -> None:
    after = [*statements[:where], extra, *statements[where:]]
    alignment = aligned(joined(statements), joined(after))

    assert not alignment.gone
    assert len(alignment.changed) == len(units(extra))
    back = aligned(joined(after), joined(statements))
    assert not back.changed
    assert len(back.gone) == len(units(extra))
