"""The line of an instruction, from the table that compiled code has of them, in the format of Python 3.11 to 3.14.

For somebody who has a table and no code: asking a frame for its line walks the same table, each time from the start.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

_UNIT = 2  # bytes of an instruction
_NONE, _LONG, _NO_COLUMNS, _LINES = 15, 14, 13, range(10, 13)


class LineTable:
    """The lines of one code object: `table` is its `co_linetable`, `first` its `co_firstlineno`."""

    def __init__(self, table: bytes, first: int) -> None:
        self._starts: list[int] = []
        self._lines: list[int] = []
        for start, line in _entries(table, first):
            self._starts.append(start)
            self._lines.append(line)

    def line(self, instruction: int) -> int:
        """The line of the instruction at this offset in bytes, as `f_lasti` has it; 0 if it has none."""
        place = bisect_right(self._starts, instruction) - 1
        return self._lines[place] if place >= 0 else 0


def _entries(table: bytes, line: int) -> Iterator[tuple[int, int]]:
    """Where each entry begins, and its line."""
    place, start = 0, 0
    while place < len(table):
        kind, units = table[place] >> 3 & 15, (table[place] & 7) + 1
        place += 1
        if kind in (_LONG, _NO_COLUMNS):
            change, place = _signed(table, place)
            line += change
            for _ in range(3 if kind == _LONG else 0):  # the last line, the columns
                _, place = _unsigned(table, place)
        elif kind in _LINES:
            line += kind - _LINES.start
            place += 2
        elif kind != _NONE:
            place += 1
        yield start, 0 if kind == _NONE else line
        start += units * _UNIT


def _unsigned(table: bytes, place: int) -> tuple[int, int]:
    """A number in groups of six bits, the lowest first, and where it ends."""
    value, shift = table[place] & 63, 6
    while table[place] & 64:
        place += 1
        value |= (table[place] & 63) << shift
        shift += 6
    return value, place + 1


def _signed(table: bytes, place: int) -> tuple[int, int]:
    value, place = _unsigned(table, place)
    return (-(value >> 1) if value & 1 else value >> 1), place
