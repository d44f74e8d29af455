"""Which members of a class are made again: told by its trees alone, and by its lines first."""

from __future__ import annotations

import ast
import textwrap

import pytest

from pepperpy_reload.core.classbody import ClassChange
from pepperpy_reload.core.likeness import Texts
from pepperpy_reload.core.unit import Unit, read_units


def unit(body: str) -> Unit:
    source = f"\nclass Thing:\n{textwrap.indent(body, '    ')}\n"
    (found,) = read_units(source.encode(), ast.parse(source), "")
    return found


@pytest.mark.parametrize(
    ("old", "new", "dirty", "made", "gone"),
    [
        pytest.param("def f(self): 0", "def f(self): 1", "", ["f"], [], id="a method"),
        pytest.param("def f(self): 0", "\n\ndef f(self): 0", "", [], [], id="only its lines"),
        pytest.param("A = 1\ndef f(a=A): 0", "A = 2\ndef f(a=A): 0", "", ["A", "f"], [], id="who reads another"),
        pytest.param("def g(): 0\ndef f(a=g): 0", "def g(): 0\ndef f(a=g): 1", "", ["g", "f"], [], id="what it reads"),
        pytest.param("def f(a=B): 0\ndef g(): B", "def f(a=B): 0\ndef g(): B", "B", ["f"], [], id="the module's"),
        pytest.param(
            "def f(a=(n := 1)): 0\ndef g(a=n): 0",
            "def f(a=(n := 2)): 0\ndef g(a=n): 0",
            "",
            ["f", "n", "g"],
            [],
            id="one bound in a default",
        ),
        pytest.param("ﬁ = 1\ndef f(a=ﬁ): 0", "fi = 2\ndef f(a=ﬁ): 0", "", ["fi", "f"], [], id="other letters"),
        pytest.param("def f(): 0\ndef g(): 0", "def g(): 0", "", [], ["f"], id="one that goes"),
    ],
)
def test_a_member_is_made_again_if_it_is_another_or_reads_one(
    old: str, new: str, dirty: str, made: list[str], gone: list[str]
) -> None:
    before, after = unit(old).statement, unit(new).statement
    nodes = before.node, after.node
    assert isinstance(nodes[0], ast.ClassDef)
    assert isinstance(nodes[1], ast.ClassDef)
    by_trees = ClassChange(nodes[0], nodes[1], dirty.split())
    by_lines = ClassChange(nodes[0], nodes[1], dirty.split(), texts=Texts(before, after))
    assert (by_lines.made, by_lines.gone) == (made, gone)
    assert vars(by_lines) == vars(by_trees)
