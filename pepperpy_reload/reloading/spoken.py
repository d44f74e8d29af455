"""Who could read a name, or a module as a whole: told from what sources, their code and the live names say."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, partial
from types import ModuleType
from typing import Any

from pepperpy_reload.core.difference import Alignment
from pepperpy_reload.core.graph import EdgeKind
from pepperpy_reload.core.mentions import Mentions
from pepperpy_reload.core.reflection import SWEEPING
from pepperpy_reload.core.words import words_of
from pepperpy_reload.core.world import Cell
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.footing import latest_footing

_MANY = 50  # questions for a name: from here on it pays to have read all words
_OFTEN = 300  # from here on, to have an index of them


class Spoken:
    """The loaded modules, as far as it matters who speaks of what; `alignments` are those of the edited ones."""

    def __init__(self, alignments: Mapping[str, Alignment]) -> None:
        self._alignments = dict(alignments)
        self._edited = frozenset(self._alignments)
        self._times = 0
        """How often it has been asked who speaks of a name."""
        self._above: dict[str, list[str]] = {}
        self._reading: dict[Cell, list[str]] = {}
        self._said: dict[str, frozenset[bytes]] = {}
        self._sets_above: dict[str, frozenset[str]] = {}
        self._names_of: dict[str, frozenset[str]] = {}
        self._names_imported: dict[str, frozenset[str]] = {}
        self._words, self._names = Mentions(often=_OFTEN), Mentions(often=_OFTEN)

    def alignment(self, module: str) -> Alignment | None:
        """The units of a module, old and new."""
        if module not in self._alignments:
            page = ledger.page(module)
            if page is None:
                return None
            self._alignments[module] = page.alignment
        return self._alignments[module]

    def knows(self, module: str) -> bool:
        """Whether it is a loaded first-party module."""
        return module in self._alignments or module in recorder.modules

    def mentioning(self, cell: Cell) -> list[str]:
        """The modules that could read a cell: they import its module, however indirectly, and name it."""
        if cell.module not in self._above:
            above = recorder.graph.dependents([cell.module])
            package = cell.module
            while package := package.rpartition(".")[0]:
                above |= recorder.graph.dependents([package])
            above |= {cell.module, *self._lookers}
            self._above[cell.module] = [name for name in recorder.modules if name in above]
        if cell.name == "*":
            return self._above[cell.module]
        self._times += 1
        text = cell.name.encode()
        if not text.isascii():  # Python reads other letters as the same name
            return self._above[cell.module]
        found = self._words.of(frozenset({cell.name}), partial(map, self._all_words, self._modules))
        if found is None:
            return [name for name in self._above[cell.module] if self._says(name, text)]
        return self._those_above(cell.module, found)

    def reading(self, cell: Cell) -> list[str]:
        """The modules with statements that could read a cell when they are executed themselves."""
        if cell not in self._reading:
            names = self._above_saying(cell)
            self._reading[cell] = [name for name in names if name in self._edited or self._may_read(name, cell)]
        return self._reading[cell]

    def _above_saying(self, cell: Cell) -> list[str]:
        """The modules that import a cell's module and may say its name as they are executed, and all edited ones."""
        names = self.mentioning(Cell(cell.module, "*"))
        found = self._names.of(frozenset({cell.name}), self._all_names) if cell.name != "*" else None
        return names if found is None else self._those_above(cell.module, found)

    def _those_above(self, module: str, places: Iterable[int]) -> list[str]:
        names, above = (self._modules[place] for place in places), self._all_above(module)
        return [name for name in names if name in above]

    def _all_above(self, module: str) -> frozenset[str]:
        if module not in self._sets_above:
            self._sets_above[module] = frozenset(self.mentioning(Cell(module, "*")))
        return self._sets_above[module]

    @cached_property
    def _modules(self) -> list[str]:
        return list(recorder.modules)

    def _all_words(self, module: str) -> frozenset[str]:
        """Those for which `_says` is true."""
        words = ledger.words(module) | (self._new_words(module) if module in self._edited else frozenset())
        return frozenset(word.decode() for word in words if word.isascii())

    def _all_names(self) -> Iterator[frozenset[str] | None]:
        """By module: what it says in the code that is executed with it."""
        return (None if name in self._edited else ledger.said(name).all for name in self._modules)

    def saying(self, name: str) -> list[str]:
        """The modules that may say a name as they are executed, or mean a module as a whole; all edited ones."""
        if name != "*":
            return [one for one in self._modules if one in self._edited or ledger.said(one).has(name)]
        whole = {"*", *self.names_of_all(), *SWEEPING}
        others = {edge.importer for edge in recorder.graph.edges() if edge.kind is EdgeKind.IMPORT_MODULE}
        others |= self._edited
        return [one for one in self._modules if one in others or not whole.isdisjoint(ledger.said(one).loaded)]

    def speaking(self, name: str) -> list[str]:
        """The modules whose source says a name; all of them for `*`."""
        text = name.encode()
        if name == "*" or not text.isascii():
            return self._modules
        self._times += 1
        return [one for one in self._modules if self._says(one, text)]

    def could_read(self, module: str, cell: Cell) -> bool:
        """Whether a module that says a cell's name as it is executed could read the cell then."""
        return (module in self._edited or self._may_read(module, cell)) and self.imports(module, cell.module)

    def imports(self, module: str, other: str) -> bool:
        """Whether a module imports another one, however indirectly, or may look it up."""
        edge = recorder.graph.edge(module, other)
        return module == other or (edge is not None and edge.at_import) or module in self._all_above(other)

    def _may_read(self, module: str, cell: Cell) -> bool:
        """Whether a module says a cell's name, and has it from a module that it imports or says as well."""
        said = ledger.said(module)
        if cell.name != "*" and not said.has(cell.name):
            return False
        if module == cell.module or (cell.name != "*" and self.has_imported(module, cell.module)):
            return True
        loaded = said.loaded
        if "*" in loaded or not self.names_of(cell.module).isdisjoint(loaded) or not SWEEPING.isdisjoint(loaded):
            return True
        return self._imports_it_otherwise(module, cell.module)

    def may_set(self, module: str, names: frozenset[str]) -> bool:
        """Whether statements of a module could set an attribute by one of these names."""
        return module in self._edited or not names.isdisjoint(ledger.said(module).set)

    @staticmethod
    def _imports_it_otherwise(importer: str, imported: str) -> bool:
        edge = recorder.graph.edge(importer, imported)
        return edge is not None and edge.kind is EdgeKind.IMPORT_MODULE

    def names_of(self, module: str) -> frozenset[str]:
        """By what names modules hold a module."""
        if module not in self._names_of:
            held = self._names_of_modules.get(module, ())
            self._names_of[module] = frozenset((*held, module.rpartition(".")[2]))
        return self._names_of[module]

    def names_of_all(self) -> frozenset[str]:
        """By what names modules hold modules."""
        held = {name for names in self._names_of_modules.values() for name in names}
        return frozenset(held.union(name.rpartition(".")[2] for name in self._modules))

    @cached_property
    def changed(self) -> set[str] | None:
        """The modules that have been edited since it was last looked how all is; None if more than that has changed."""
        footing = latest_footing()
        return footing.changed() if footing is not None else None

    @cached_property
    def _names_of_modules(self) -> dict[str, set[str]]:
        """By what names modules hold, or are going to hold, a module."""
        found: dict[str, set[str]] = {}
        if (footing := latest_footing()) is not None and self.changed is not None:
            found = {name: set(bound) for name, bound in footing.names_of_modules().items()}
        else:
            for name in recorder.modules:
                for bound in self.modules_held(name):
                    found.setdefault(self.module_value(Cell(name, bound)), set()).add(bound)
        for alignment in self._alignments.values():
            for unit in alignment.units:
                if unit.alias is not None:
                    found.setdefault(unit.alias.target, set()).add(unit.alias.bound)
        return found

    def setting(self, cell: Cell) -> list[str]:
        """The modules that name a cell behind a dot where something is set, or set by name."""
        found = [one for one in self.setting_any(cell.name) if self.imports(one, cell.module)]
        return found and [one for one in self.mentioning(cell) if one in found]

    def sets_behind_dot(self, module: str, name: str) -> bool:
        """Whether a module names an attribute behind a dot where something is set."""
        return name.encode() in ledger.set_by(module) or module in self._edited or not name.isascii()

    def deletes_attributes(self, module: str) -> bool:
        """Whether a module may have `del` statements with attributes."""
        return module in self._edited or ledger.deletes_attributes(module)

    def setting_any(self, name: str) -> list[str]:
        """All that do so for a cell of that name in some module."""
        return [*self._setters.get(name.encode(), ()), *self._setters.get(b"", ())]

    @cached_property
    def _setters(self) -> Mapping[bytes, list[str]]:
        return ledger.setters()

    @cached_property
    def _lookers(self) -> list[str]:
        return [name for name in recorder.modules if ledger.looks_up_modules(name)]

    def _says(self, module: str, word: bytes) -> bool:
        """Whether a module may speak of something, before or after the edit."""
        if word in ledger.words(module) if self._times > _MANY else ledger.says(module, word):
            return True
        if module in self._edited and module not in self._said:
            self._said[module] = self._new_words(module)
        return module in self._edited and word in self._said[module]

    def _new_words(self, module: str) -> frozenset[bytes]:
        return words_of(b"\n".join(unit.statement.text for unit in self._alignments[module].units))

    def has_imported(self, importer: str, imported: str) -> bool:
        """Whether there is an edge between two modules."""
        return recorder.graph.edge(importer, imported) is not None

    def value(self, cell: Cell) -> Any:
        """What a cell holds; None if nothing."""
        return getattr(sys.modules.get(cell.module), "__dict__", {}).get(cell.name)

    def module_held(self, cell: Cell) -> str | None:
        """The first-party module that a cell of a module without edits holds, or "".

        What has been deleted (`import parts` and, at the end, `del parts`), or is something else by now, only the
        source knows.
        """
        if cell.module in self._edited or cell.module not in recorder.by_name:
            return None
        found = self.module_value(cell)
        return None if not found and self._was_a_module(cell) else found

    def _was_a_module(self, cell: Cell) -> bool:
        """Whether a cell that holds no module may have held one while its module was executed."""
        names = getattr(sys.modules.get(cell.module), "__dict__", None)
        if names is None or cell.name not in self._imported_as(cell.module):  # or it is just being run again
            return False
        if cell.name not in names:
            return True
        alignment = self.alignment(cell.module)
        return alignment is not None and sum(cell.name in unit.binds for unit in alignment.units) > 1

    def _imported_as(self, module: str) -> frozenset[str]:
        """The names that its imports may have bound to modules that are the project's own."""
        if module not in self._names_imported:
            names = (edge.imported for edge in recorder.graph.edges_from(module))
            self._names_imported[module] = frozenset(part for name in names for part in name.split("."))
        return self._names_imported[module]

    def module_value(self, cell: Cell) -> str:
        """The first-party module that a cell holds."""
        value = self.value(cell)
        if not issubclass(type(value), ModuleType):
            return ""
        name = vars(value).get("__name__")
        return name if isinstance(name, str) and name in recorder.by_name else ""

    def modules_held(self, module: str) -> list[str]:
        """The names of a module that hold first-party modules."""
        names = getattr(sys.modules.get(module), "__dict__", {})
        held = [name for name, value in list(names.items()) if issubclass(type(value), ModuleType)]
        return [name for name in held if self.module_value(Cell(module, name))]
