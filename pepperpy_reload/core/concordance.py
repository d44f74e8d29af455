"""In which modules a cell is read: an index, made as soon as cells of the same name are asked for often.

An import statement that is executed again binds its name in its own module, and the next one may read it there: of a
name that everybody imports, every module has a cell. Going through all modules for each would take the square of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pepperpy_reload.core.lookups import SWEEPING
from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.world import Cell, World

_OFTEN = 8
"""Cells of one name: from here on it pays to have read all functions that say it."""

Index = dict[Cell, dict[str, int]]
"""By cell: the modules in which it is read, each with its place among all."""


class Concordance(Scope):
    """A scope that answers the same, and looks only at the modules in which there is something to be found."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._times: Counter[tuple[str, str]] = Counter()
        self._indexes: dict[tuple[str, str], Index] = {}

    def _reading(self, cell: Cell) -> Iterable[str]:
        index = self._index("units", cell.name)
        if index is None:
            return super()._reading(cell)
        return [name for name in index.get(cell, ()) if self.world.could_read(name, cell)]

    def _mentioning(self, cell: Cell) -> Iterable[str]:
        index = self._index("functions", cell.name)
        if index is None:
            return super()._mentioning(cell)
        found = {**index.get(cell, {}), **index.get(Cell(cell.module, "*"), {})}
        return [name for name in sorted(found, key=found.__getitem__) if self.world.imports(name, cell.module)]

    def _index(self, of: str, word: str) -> Index | None:
        """That of the cells of a name, as units or functions read them; None if few have been asked for."""
        known = self._indexes.get((of, word))
        if known is None:
            self._times[of, word] += 1
            if self._times[of, word] > _OFTEN:
                find = self._in_functions if of == "functions" else self._as_wholes if word == "*" else self._in_units
                known = self._indexes[of, word] = find(word)
        return known

    def _in_units(self, word: str) -> Index:
        found: Index = {}
        for place, name in enumerate(self.world.saying(word)):
            module = self.module(name)
            for unit in module.perhaps_saying(frozenset({word})) if module is not None else ():
                if module is not None and unit.may_name(word):
                    _note(found, name, place, (cell for cell in self._read_by(name, module, unit) if cell.name == word))
        return found

    def _as_wholes(self, word: str) -> Index:
        found: Index = {}
        words = self.world.names_of_all() | SWEEPING
        for place, name in enumerate(self.world.saying(word)):
            module = self.module(name)
            taking = self._taking(name, module) if module is not None else ()
            for unit in module.alignment.units if module is not None else ():
                said = unit.words
                if module is not None and (said is None or unit.index in taking or not said.isdisjoint(words)):
                    _note(found, name, place, (cell for cell in self._read_by(name, module, unit) if cell.name == word))
        return found

    def _in_functions(self, word: str) -> Index:
        """Of functions that read a module as a whole, too, where the name is said."""
        found: Index = {}
        for place, name in enumerate(self.world.speaking(word)):
            for key, facts in self.world.functions(name, None).items():
                read = self._read_in_function(name, key, facts)
                _note(found, name, place, (cell for cell in read if cell.name in (word, "*")))
        return found


def _note(found: Index, name: str, place: int, cells: Iterable[Cell]) -> None:
    for cell in cells:
        found.setdefault(cell, {})[name] = place
