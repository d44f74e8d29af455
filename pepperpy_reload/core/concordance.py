"""Who reads a cell: an index, made as soon as cells of the same name are asked for often.

An import statement that is executed again binds its name in its own module, and the next one may read it there: of a
name that everybody imports, every module has a cell. Going through all modules for each would take the square of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pepperpy_reload.core.reflection import SWEEPING
from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.world import Cell, Key, Place, World

_OFTEN = 8
"""Cells of one name: from here on it pays to have read all units and functions that say it."""

Units = dict[Cell, dict[str, list[tuple[int, frozenset[str] | None]]]]
"""By cell: the units that read it, by module, in the order of all; each with its words, of a module as a whole."""

_NOWHERE: dict[str, int] = {}
Functions = dict[Cell, dict[str, int]]
"""By cell: the modules with functions that read it, each with its place among all."""


class Concordance(Scope):
    """A scope that answers the same, and looks only at the modules in which there is something to be found."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._times: Counter[tuple[str, str]] = Counter()
        self._units: dict[str, Units] = {}
        self._functions: dict[str, Functions] = {}

    def readers(self, cell: Cell) -> Iterable[Place]:
        """The units that read a cell when they are executed themselves, not in the functions that they call."""
        index = self._units_reading(cell.name)
        if index is None:
            yield from super().readers(cell)
            return
        found = index.get(cell, {})
        words = self.world.names_of(cell.module) | SWEEPING if found and cell.name == "*" else frozenset[str]()
        for name, units in found.items():
            if self.world.could_read(name, cell):
                module = self.module(name)
                taking = self._taking(name, module) if words and module is not None else ()
                for number, said in units:
                    if not words or said is None or number in taking or not said.isdisjoint(words):
                        yield Place(name, number)
        yield from self._fetched.get(cell, ())

    def callers(self, cell: Cell) -> Iterable[tuple[Place, Key]]:
        """The units that ran a function which reads a cell, each with the function."""
        index = self._functions_reading(cell.name)
        if index is None:
            yield from super().callers(cell)
            return
        whole = Cell(cell.module, "*")
        found = {**index.get(cell, _NOWHERE), **index.get(whole, _NOWHERE)}
        names = [name for name in sorted(found, key=found.__getitem__) if self.world.imports(name, cell.module)]
        yield from self._callers_in(names, cell) if names else ()

    def _units_reading(self, word: str) -> Units | None:
        """The units that read the cells of a name; None if few have been asked for."""
        if word not in self._units:
            if not self._is_often("units", word):
                return None
            self._units[word] = self._as_wholes(word) if word == "*" else self._in_units(word)
        return self._units[word]

    def _functions_reading(self, word: str) -> Functions | None:
        """The functions, likewise."""
        if word not in self._functions:
            if not self._is_often("functions", word):
                return None
            self._functions[word] = self._in_functions(word)
        return self._functions[word]

    def _is_often(self, of: str, word: str) -> bool:
        self._times[of, word] += 1
        return self._times[of, word] > _OFTEN

    def _in_units(self, word: str) -> Units:
        found: Units = {}
        for name in self.world.saying(word):
            module = self.module(name)
            for unit in module.perhaps_saying(frozenset({word})) if module is not None else ():
                if module is not None and unit.may_name(word):
                    for cell in self._read_by(name, module, unit):
                        if cell.name == word:
                            found.setdefault(cell, {}).setdefault(name, []).append((unit.index, None))
        return found

    def _as_wholes(self, word: str) -> Units:
        found: Units = {}
        words = self.world.names_of_all() | SWEEPING
        for name in self.world.saying(word):
            module = self.module(name)
            taking = self._taking(name, module) if module is not None else ()
            for unit in module.alignment.units if module is not None else ():
                said = unit.words
                if module is not None and (said is None or unit.index in taking or not said.isdisjoint(words)):
                    for cell in self._read_by(name, module, unit):
                        if cell.name == word:
                            found.setdefault(cell, {}).setdefault(name, []).append((unit.index, said))
        return found

    def _in_functions(self, word: str) -> Functions:
        """Of functions that read a module as a whole, too, where the name is said."""
        found: Functions = {}
        for place, name in enumerate(self.world.speaking(word)):
            for key, facts in self.world.functions(name, None).items():
                for cell in self._read_in_function(name, key, facts):
                    if cell.name in (word, "*"):
                        found.setdefault(cell, {})[name] = place
        return found
