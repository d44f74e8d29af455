"""What distinguishes a module's new source from its old one."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import IntEnum

from pepperpy_reload.core.statement import Statement, read_statements


class Change(IntEnum):
    """How much of a module an edit concerns, least first."""

    LAYOUT = 0
    """Comments, blank lines, quotes: what runs is the same, line numbers may differ."""
    BODIES = 1
    """Only code inside functions, which runs when they are called."""
    STATEMENTS = 2
    """What is executed when the module is imported."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The kind of change, and the first line of the new source (or the old one, at its end) where it shows."""

    change: Change
    line: int = 0


def compare(old: bytes, new: bytes) -> Difference:
    """Compare two versions of a module. Raises SyntaxError or ValueError if one of them is no Python source."""
    if old == new:
        return Difference(Change.LAYOUT)
    before = read_statements(ast.parse(old), old)
    after = read_statements(ast.parse(new), new)
    worst = Difference(Change.LAYOUT)
    for one, other in zip(before, after, strict=False):
        change = _change(one, other)
        if change is Change.STATEMENTS:
            return Difference(change, other.line)
        if change > worst.change:
            worst = Difference(change, other.line)
    if len(after) > len(before):
        return Difference(Change.STATEMENTS, after[len(before)].line)
    if len(before) > len(after):
        return Difference(Change.STATEMENTS, before[len(after)].line)
    return worst


def _change(one: Statement, other: Statement) -> Change:
    if one.text == other.text or one.shape == other.shape:
        return Change.LAYOUT
    return Change.BODIES if one.outline == other.outline else Change.STATEMENTS
