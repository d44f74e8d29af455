"""What the fresh process has told of its imports, made readable; how it is written stands in `child`."""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pepperpy_reload.core.costs import Costs, Load, Use
from pepperpy_reload.core.linetable import LineTable

_KEYS = ("began", "loads", "uses", "called", "modules", "births", "error", "page")
"""What the child tells, in its order."""
_ITEMS = 7
"""Of each use, one after the other."""
_DEEDS = (
    "starts threads", "adds import hooks", "sets environment variables", "adds filters for warnings",
    "registers exit handlers",
)  # fmt: skip
"""What the counts count that the child takes before and after each load."""


@dataclass(frozen=True, slots=True)
class Testimony:
    """One run. `error` is what the target raised, "" if nothing; `called` the functions that ran, by file and line."""

    costs: Costs
    called: frozenset[tuple[str, int]]
    error: str


class _Lines:
    """The lines of instructions; a table is read once."""

    def __init__(self) -> None:
        self._tables: dict[tuple[bytes, int], LineTable] = {}

    def line(self, table: bytes, first: int, instruction: int) -> int:
        found = self._tables.get((table, first))
        if found is None:
            found = self._tables[table, first] = LineTable(table, first)
        return found.line(instruction)


def read(data: bytes) -> Testimony:
    """What a process has told. Raises ValueError, EOFError or TypeError if that is not all of it."""
    seen = dict(zip(_KEYS, marshal.loads(data), strict=True))
    lines = _Lines()
    loads = tuple(_loads(seen, lines))
    called = seen["called"]
    costs = Costs(loads, tuple(_uses(seen, loads, lines)), frozenset(seen["modules"]))
    return Testimony(costs, frozenset(zip(called[::2], called[1::2], strict=True)), seen["error"])


def _loads(seen: Mapping[str, Any], lines: _Lines) -> Iterator[Load]:
    began, places = seen["began"], _places(seen)
    deeds = _deeds([row for _, row in seen["loads"]], places)
    for (_, row), done in zip(seen["loads"], deeds, strict=True):
        name, thread, parent, importer, code, start, end, memory, error, _, _, _, kind, origin = row
        file, *where = code or ("", b"", 0, 0)
        end = max(start, end)  # it may not have come to its end
        yield Load(
            name, thread, places.get(parent, -1), importer, file, lines.line(*where), (start - began) / 1e9,
            (end - began) / 1e9, memory * seen["page"], error, kind, origin, done,
        )  # fmt: skip


def _places(seen: Mapping[str, Any]) -> Mapping[int, int]:
    """The place of each load among those that are told, by its number."""
    return {number: place for place, (number, _) in enumerate(seen["loads"])}


def _deeds(rows: Sequence[Sequence[Any]], places: Mapping[int, int]) -> Iterator[tuple[str, ...]]:
    """What each module did itself, without those that were loaded inside of it."""
    own = [[after - before for before, after in zip(row[10], row[11], strict=True)] for row in rows]
    whole = [list(counts) for counts in own]
    for place, row in enumerate(rows):
        if row[2] in places:
            above = own[places[row[2]]]
            above[:] = [count - inner for count, inner in zip(above, whole[place], strict=True)]
    for counts in own:
        yield tuple(text for text, count in zip(_DEEDS, counts, strict=False) if count > 0)  # nothing if nobody watched


def _uses(seen: Mapping[str, Any], loads: Sequence[Load], lines: _Lines) -> Iterator[Use]:
    places, births = _places(seen), {ident: (born - seen["began"]) / 1e9 for ident, born in reversed(seen["births"])}

    def moment(told: int | None, thread: int) -> float:
        """Just behind the beginning or the end of a load."""
        if told is None:
            return float(births.get(thread, 0.0))
        load = loads[places[told >> 1]]
        return (load.end if told & 1 else load.start) + 1e-9

    told_uses = chain.from_iterable(map(marshal.loads, seen["uses"]))
    for place, instruction, told, names, level, before, after in zip(*[told_uses] * _ITEMS, strict=True):
        importer, file, table, first, function, package, thread, inside = place
        name, missing = told if type(told) is tuple else (told, ())
        yield Use(
            importer, file, lines.line(table, first, instruction), function, name, tuple(names or ()), level,
            package if level else "", thread, moment(before, thread), tuple(missing), moment(after, thread),
            places.get(inside, -1),
        )  # fmt: skip
