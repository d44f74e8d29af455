"""A new version of a source: only what lies between the lines that have changed is read again."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import compress, count, pairwise
from operator import ne

from pepperpy_reload.core.likeness import alike
from pepperpy_reload.core.statement import (
    FunctionExtent,
    Twin,
    docstrings,
    first_line,
    read_statements,
    says_no_encoding,
)
from pepperpy_reload.core.unit import Unit, read_units, units_of

Extent = tuple[int, int]
"""The first and the last line of something."""


def revise_units(
    old: Sequence[Unit],
    before: bytes,
    after: bytes,
    package: str,
    function_at: Callable[[int], Extent | None] = lambda _: None,
) -> list[Unit]:
    """The units of source `after`, where `old` are those of `before`: the same as if all of it were read.

    `function_at` tells where the outermost function is, in `before`, that has a line; what comes after its last piece
    of code may be left out.
    Their trees are kept until all are forgotten. Raises SyntaxError or ValueError if it cannot be parsed.
    """
    found = _revised(old, before, after, package, function_at)
    return found if found is not None else read_units(after, ast.parse(after), package, keep=True)


def _revised(
    old: Sequence[Unit], before: bytes, after: bytes, package: str, function_at: Callable[[int], Extent | None]
) -> list[Unit] | None:
    """The same; None if it takes the whole source to tell.

    A statement begins where the one before has ended. If the lines between two statements parse alone, they are whole
    statements too: nothing in them goes on with the one above, nor is left open for the one below.
    """
    if not says_no_encoding(before) or not says_no_encoding(after):
        return None
    ones, others = before.splitlines(keepends=True), after.splitlines(keepends=True)
    postponed = any(unit.alias and (unit.alias.module, unit.alias.name) == _POSTPONING for unit in old)
    found: list[Unit] = []
    done, lines = 0, 0
    for part in _parts(old, _regions(ones, others), len(ones)):
        found += [
            unit.moved(len(found) + number - unit.index, lines) for number, unit in enumerate(old[done : part.above])
        ]
        known = _with_other_functions(old[part.above], ones, others, part, lines, function_at) if part.is_one else None
        if known is not None:
            found.append(known.moved(len(found) - known.index, 0))
        else:
            middle = _read_again(part, ones, others, lines, package, len(found), postponed=postponed)
            if middle is None:
                return None
            found += middle
        done, lines = part.below, lines + part.lines
    return found + [unit.moved(len(found) + number - unit.index, lines) for number, unit in enumerate(old[done:])]


@dataclass(frozen=True, slots=True)
class _Region:
    """Lines that are others: those from `start` to before `end` have become `new` ones."""

    start: int
    end: int
    new: int


@dataclass(frozen=True, slots=True)
class _Part:
    """Units that have to be read again, all that is in the lines from `start` to before `end`."""

    above: int
    below: int
    start: int
    end: int
    regions: tuple[_Region, ...]

    @property
    def is_one(self) -> bool:
        """Whether it is one unit."""
        return self.below == self.above + 1

    @property
    def lines(self) -> int:
        """By how many lines it grows."""
        return sum(region.new - (region.end - region.start) for region in self.regions)


def _regions(ones: Sequence[bytes], others: Sequence[bytes]) -> list[_Region]:
    head, tail = _common(ones, others)
    matcher = SequenceMatcher(None, ones[head : len(ones) - tail], others[head : len(others) - tail])
    opcodes = (code for code in matcher.get_opcodes() if code[0] != "equal")
    return [_Region(head + start, head + end, to - since) for _, start, end, since, to in opcodes]


def _parts(old: Sequence[Unit], regions: Sequence[_Region], count: int) -> list[_Part]:
    """What has to be read again: from a statement that ends above what has changed to one that begins below."""
    cuts = [0, *(one.index for two, one in pairwise(old) if two.statement.extent[1] < one.line), len(old)]
    found: list[_Part] = []
    for region in regions:
        above = max(cut for cut in cuts if not cut or old[cut - 1].last_line <= region.start)
        # The first statement of a module is special: its place is never taken by one from below.
        below = min(cut for cut in cuts if cut == len(old) or (cut >= max(above, 1) and old[cut].line > region.end))
        start = old[above - 1].last_line if above else 0
        earlier: tuple[_Region, ...] = ()
        if found and (above < found[-1].below or region.start < found[-1].end or start < found[-1].regions[-1].end):
            part = found.pop()
            above, below, start, earlier = part.above, max(below, part.below), part.start, part.regions
        end = old[below].line - 1 if below < len(old) else count
        found.append(_Part(above, below, start, end, (*earlier, region)))
    return found


def _read_again(
    part: _Part,
    ones: Sequence[bytes],
    others: Sequence[bytes],
    moved: int,
    package: str,
    place: int,
    *,
    postponed: bool,
) -> list[Unit] | None:
    """The new units of a part, the first of which is at a place in its module; None if it takes all of that to tell."""
    start = part.start + moved
    gone, new = b"".join(ones[part.start : part.end]), b"".join(others[start : part.end + moved + part.lines])
    if b"__future__" in gone or b"__future__" in new:
        return None
    try:
        tree = ast.parse(b"\n" * start + new)
    except (SyntaxError, ValueError):
        return None
    if not place and not tree.body:
        return None
    return units_of(read_statements(tree, new, start), package, place, postponed=postponed, keep=True)


def _with_other_functions(
    unit: Unit,
    ones: Sequence[bytes],
    others: Sequence[bytes],
    part: _Part,
    moved: int,
    function_at: Callable[[int], Extent | None],
) -> Unit | None:
    """A unit of which only the insides of functions have changed: the same when it is executed. None if that is not so.

    The lines around a function are the same. If its lines are one function before and after, so is all else.
    """
    if not unit.statement.is_alone:
        return None
    grown: dict[Extent, int] = {}
    for region in part.regions:
        extent = function_at(region.start)
        if extent is None or not unit.line <= extent[0] <= region.start or region.end > extent[1]:
            return None
        grown[extent] = grown.get(extent, 0) + region.new - (region.end - region.start)
    lines, same, same_documentation, columns, head = moved, True, True, unit.statement.columns, unit.statement.head
    functions: dict[int, tuple[int, int]] = {}
    for (first, last), more in grown.items():
        begin, end = first + lines, last + lines + more
        one, other = one_function(ones[first - 1 : last], first), one_function(others[begin - 1 : end], begin)
        if one is None or other is None or not alike(one, other, bodies=False):
            return None
        functions[first - unit.line] = first_line(other.body[0]) - begin, more
        if first == unit.line:
            head = first_line(other.body[0]) - begin
        if last >= unit.last_line:
            if other.end_lineno != end or other.end_col_offset is None:
                return None  # it has come to end with a remark
            columns = columns[0], other.end_col_offset
        same = same and alike(one, other, bodies=True)
        same_documentation = same_documentation and docstrings(one) == docstrings(other)
        lines += more
    line, last_line = unit.line + moved, unit.last_line + lines
    text = b"".join(others[line - 1 : last_line])
    twin = Twin(unit.statement, same, same_documentation)
    statement = replace(
        unit.statement,
        text=text,
        line=line,
        last_line=last_line,
        columns=columns,
        head=head,
        methods=_moved(unit.statement.methods, functions),
        twin=twin,
        _node=None,
        _beside=None,
    )
    statement.keep()
    return unit.of_same_outline(statement)


def _moved(methods: Sequence[FunctionExtent], functions: Mapping[int, tuple[int, int]]) -> tuple[FunctionExtent, ...]:
    """Where the functions of a class are if some of them are others.

    These are told by their first lines, each with the lines above its body, and by how many it grows.
    """
    found, lines = [], 0
    waiting = sorted(functions)
    for first, body, last in methods:
        while waiting and waiting[0] < first:
            lines += functions[waiting.pop(0)][1]
        above, more = functions.get(first, (body - first, 0))
        if above:
            found.append((first + lines, first + lines + above, last + lines + more))
    return tuple(found)


def one_function(lines: Sequence[bytes], first: int) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """What some lines define, the `first` of which has that number, if that is one function and nothing else."""
    text = b"".join(lines)
    is_inside = text[:1] in (b" ", b"\t")
    try:
        tree = ast.parse(b"\n" * (first - 2) + b"if 1:\n" + text if is_inside else b"\n" * (first - 1) + text)
    except (SyntaxError, ValueError):
        return None
    body = tree.body[0].body if is_inside and isinstance(tree.body[0], ast.If) else tree.body
    if len(tree.body) != 1 or len(body) != 1 or not isinstance(body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    return body[0]


def _common(ones: Sequence[bytes], others: Sequence[bytes]) -> tuple[int, int]:
    """How many lines are the same at the beginning, and of the others how many at the end."""
    shorter = min(len(ones), len(others))
    head = next(compress(count(), map(ne, ones, others)), shorter)
    rest = shorter - head
    return head, min(rest, next(compress(count(), map(ne, reversed(ones), reversed(others))), rest))


_POSTPONING = ("__future__", "annotations")
