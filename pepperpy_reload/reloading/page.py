"""One loaded module unit by unit."""

from __future__ import annotations

import ast
import bisect
import os
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field
from itertools import chain
from types import CodeType

from pepperpy_reload.core.difference import Alignment
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.statement import Statement, first_line
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.loaded import Loaded
from pepperpy_reload.reloading.functions import facts_in, functions_on, last_line, names_fetched

_NO_FUNCTIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


@dataclass(slots=True)
class Page:
    """One module: its units, and the functions and files that each of them used when it was executed.

    No tree is kept: it would be as large as all that the module makes, and be gone through in every collection.
    """

    loaded: Loaded
    units: list[Unit]
    ran: list[Set[CodeKey]]
    reads: list[Set[str]]
    footprint: Mapping[int, set[CodeKey]] | None = field(init=False, repr=False)
    """The table that it was made of: a module that was half-way then has got its own since."""
    _facts: dict[CodeKey, FunctionFacts | None] = field(default_factory=dict, repr=False)
    _lines: list[int] = field(default_factory=list, repr=False)
    _offsets: list[list[int]] | None = field(default=None, repr=False)
    """By instruction (two bytes each): the units that cover it."""
    _alignment: Alignment | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.footprint = self.loaded.ran

    @property
    def alignment(self) -> Alignment:
        """Its units as those of a module that is not edited: what becomes known of them is known with the next plan."""
        if self._alignment is None or self._alignment.units is not self.units:
            self._alignment = Alignment.of_unchanged(self.units)
        return self._alignment

    def facts(self, key: CodeKey) -> FunctionFacts | None:
        """The facts of a function in the source, None if there is no such function."""
        if key not in self._facts:
            self._facts[key] = None
            for index in self.units_at(key.line):
                if self.units[index].alias is None and not key.qualname.endswith(_NO_FUNCTIONS):
                    self._read_function(self.units[index].statement, key)
        return self._facts[key]

    def _read_function(self, statement: Statement, wanted: CodeKey) -> None:
        """Find the facts of a function in a statement."""
        for qualname, nodes in functions_on(ast.Module([statement.node], []), "", (), wanted.line):
            if qualname == wanted.qualname and first_line(nodes[-1]) == wanted.line:
                self._facts[wanted] = facts_in(nodes, package_of(self.loaded))

    def units_at(self, line: int, column: int = -1) -> list[int]:
        """The units that cover a place of the source."""
        if not self._lines:
            self._lines = [unit.line for unit in self.units]
        last = first = bisect.bisect_right(self._lines, line)
        while first and self.units[first - 1].last_line >= line:
            first -= 1
        found = list(range(first, last))
        if column >= 0 and len(found) > 1:
            exact = [index for index in found if _covers(self.units[index], line, column)]
            return exact or found
        return found

    def units_running(self, line: int) -> Collection[int]:
        """The units that may have executed a line: which cover it, or which ran the function that it is in."""
        found = self.function_at(line)
        if found is None or not found[0] < line <= found[1]:
            return self.units_at(line)
        path, lines = self.loaded.path, range(found[0], line + 1)
        return {
            index for index, keys in enumerate(self.ran) if any(key.line in lines and key.file == path for key in keys)
        }

    def units_at_offset(self, offset: int) -> list[int]:
        """The units that cover an offset of the module's bytecode."""
        if self._offsets is None:
            self._offsets = []
            known: dict[tuple[int, int], list[int]] = {}
            same: dict[tuple[int, ...], list[int]] = {}
            for line, _, column, _ in self.loaded.code.co_positions():
                place = (line or 0, -1 if column is None else column)
                if place not in known:
                    found = self.units_at(*place)
                    known[place] = same.setdefault(tuple(found), found)
                self._offsets.append(known[place])
            self._tell_names_apart(self._offsets)
        return self._offsets[offset // 2] if 0 <= offset // 2 < len(self._offsets) else []

    def _tell_names_apart(self, offsets: list[list[int]]) -> None:
        """An import statement fetches its names one after the other: a package's `__getattr__` runs for one of them."""
        left: dict[int, list[int]] = {}
        for offset, name in names_fetched(self.loaded.code):
            found = offsets[offset // 2]
            waiting = left.setdefault(found[0], list(found)) if len(found) > 1 else []
            named = (index for index in waiting if (alias := self.units[index].alias) and alias.name == name)
            index = next(named, None)
            if index is not None:
                waiting.remove(index)
                offsets[offset // 2] = [index]

    def function_at(self, line: int) -> tuple[int, int] | None:
        """The lines from the first to the last with code of the outermost function that has a line."""
        found: CodeType | None = None
        waiting = [self.loaded.code]
        while waiting:
            for inner in waiting.pop().co_consts:
                if isinstance(inner, CodeType) and inner.co_firstlineno <= line:
                    if not inner.co_flags & 0x1:  # CO_OPTIMIZED: a function, not a class body
                        waiting.append(inner)
                    elif found is None or found.co_firstlineno < inner.co_firstlineno:
                        found = inner
        return (found.co_firstlineno, last_line(found)) if found is not None else None

    def offset_of(self, unit: int) -> int:
        """The first offset of a unit in the module's bytecode, or of the import statement of which it is a part.

        -1 if there is none.
        """
        self.units_at_offset(0)
        places = self._offsets or []
        alone = (2 * place for place, found in enumerate(places) if found == [unit])
        return next(chain(alone, (2 * place for place, found in enumerate(places) if unit in found)), -1)


def package_of(loaded: Loaded) -> str:
    """What a module's relative imports are relative to."""
    return loaded.name if os.path.basename(loaded.path) == "__init__.py" else loaded.name.rpartition(".")[0]


def _covers(unit: Unit, line: int, column: int) -> bool:
    first, last = unit.statement.columns
    return (line > unit.line or column >= first) and (line < unit.last_line or column < last)
