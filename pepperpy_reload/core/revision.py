"""A new version of a source: only what lies between the lines that have changed is read again."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import pairwise

from pepperpy_reload.core.statement import read_statements, says_no_encoding
from pepperpy_reload.core.unit import Unit, read_units, units_of


def revise_units(old: Sequence[Unit], before: bytes, after: bytes, package: str) -> list[Unit]:
    """The units of source `after`, where `old` are those of `before`: the same as if all of it were read.

    Raises SyntaxError or ValueError if it cannot be parsed.
    """
    found = _revised(old, before, after, package)
    return found if found is not None else read_units(after, ast.parse(after), package)


def _revised(old: Sequence[Unit], before: bytes, after: bytes, package: str) -> list[Unit] | None:
    """The same; None if it takes the whole source to tell.

    A statement begins where the one before has ended. If the lines between two statements parse alone, they are whole
    statements too: nothing in them goes on with the one above, nor is left open for the one below.
    """
    ones, others = before.splitlines(keepends=True), after.splitlines(keepends=True)
    head, tail = _common(ones, others)
    cuts = [0, *(one.index for two, one in pairwise(old) if two.last_line < one.line), len(old)]
    above = max(cut for cut in cuts if not cut or old[cut - 1].last_line <= head)
    # The first statement of a module is special: its place is never taken by one from below.
    below = min(cut for cut in cuts if cut == len(old) or (cut >= max(above, 1) and old[cut].line > len(ones) - tail))
    start = old[above - 1].last_line if above else 0
    end = old[below].line - 1 if below < len(old) else len(ones)
    gone, new = b"".join(ones[start:end]), b"".join(others[start : end + len(others) - len(ones)])
    if any(b"__future__" in text or b"coding" in text for text in (gone, new)):
        return None
    if not says_no_encoding(before) or not says_no_encoding(after):
        return None
    try:
        tree = ast.parse(b"\n" * start + new)
    except (SyntaxError, ValueError):
        return None
    if not above and not tree.body:
        return None
    postponed = any(unit.alias and (unit.alias.module, unit.alias.name) == _POSTPONING for unit in old)
    middle = units_of(read_statements(tree, new, start), package, above, postponed=postponed)
    places, lines = above + len(middle) - below, len(others) - len(ones)
    return [*old[:above], *middle, *(unit.moved(places, lines) for unit in old[below:])]


def _common(ones: Sequence[bytes], others: Sequence[bytes]) -> tuple[int, int]:
    """How many lines are the same at the beginning, and of the others how many at the end."""
    shorter = min(len(ones), len(others))
    head = next((index for index in range(shorter) if ones[index] != others[index]), shorter)
    rest = shorter - head
    return head, next((index for index in range(rest) if ones[-1 - index] != others[-1 - index]), rest)


_POSTPONING = ("__future__", "annotations")
