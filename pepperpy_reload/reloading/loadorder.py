"""In which order the modules of this process were loaded, by which statements, and where these stand now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from pepperpy_reload.core.difference import Alignment
from pepperpy_reload.core.graph import EdgeKind
from pepperpy_reload.core.world import Place
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.spoken import Spoken
from pepperpy_reload.reloading.unloaded import Unloaded

_NONE: Sequence[str] = ()


class LoadOrder(Spoken):
    """The loaded modules, as far as it matters who has loaded them, and when; `alignments` are of the edited ones."""

    def __init__(self, alignments: Mapping[str, Alignment]) -> None:
        super().__init__(alignments)
        self._orders: dict[str, tuple[object, ...]] = {}
        self._triggers: dict[str, tuple[str, int] | None] = {}
        self._triggered_by: dict[str, dict[int, list[str]]] = {}
        self._triggered: dict[str, list[str]] | None = None
        self._found_later: dict[str, list[tuple[str, Collection[int]]]] = {}
        self._unloaded = Unloaded()

    def sequence(self) -> list[str]:
        """All modules in the order in which they were loaded."""
        return sorted(recorder.modules, key=self._rank)

    def _rank(self, module: str) -> int:
        return recorder.rank.get(module, len(recorder.rank))

    def order(self, module: str) -> tuple[object, ...]:
        """Where a cold start begins to run a module: just before the unit whose import loads it."""
        if module not in self._orders:
            rank = self._rank(module)
            self._orders[module] = (rank,)
            trigger = self.trigger(module)
            if trigger is not None:
                importer, unit = trigger
                place = self.place(importer, unit)
                index = place.index if place is not None else unit
                self._orders[module] = (*self.order(importer), index - 0.5, rank)
        return self._orders[module]

    def loader(self, module: str) -> Place | None:
        """The new place of the unit whose import loaded a module; None for a root."""
        trigger = self.trigger(module)
        return self.place(*trigger) if trigger is not None else None

    def trigger(self, module: str) -> tuple[str, int] | None:
        """The old unit whose import loaded a module."""
        if module not in self._triggers:
            loaded = recorder.modules.get(module)
            known = loaded is not None and loaded.trigger is not None and loaded.trigger[0] in recorder.modules
            self._triggers[module] = None
            if known and loaded is not None and loaded.trigger is not None:
                self._triggers[module] = loaded.trigger[0], ledger.trigger_unit(loaded)
        return self._triggers[module]

    def triggered_by(self, module: str, old: int) -> Sequence[str]:
        """The modules that were loaded while an old unit was executed."""
        if self._triggered is None:
            self._triggered = {}
            for name in self.sequence():
                trigger = recorder.modules[name].trigger
                if trigger is not None:
                    self._triggered.setdefault(trigger[0], []).append(name)
        if module not in self._triggered_by:
            found = self._triggered_by[module] = {}
            for name in self._triggered.get(module, ()):
                trigger = self.trigger(name)
                if trigger is not None:
                    found.setdefault(trigger[1], []).append(name)
        return self._triggered_by[module].get(old, _NONE)

    def _is_loaded_by(self, module: str, other: str) -> bool:
        """Whether `other` is the module itself or one whose import statements, one inside the other, load it."""
        seen: set[str] = set()
        while module not in seen:
            if module == other:
                return True
            seen.add(module)
            place = self.loader(module)
            module = place.module if place is not None else module
        return False

    def roots(self) -> list[str]:
        """The modules that were imported by a program, a library or a prompt."""
        return [name for name in self.sequence() if name in recorder.outside or self._is_root(self.trigger(name))]

    @staticmethod
    def _is_root(trigger: tuple[str, int] | None) -> bool:
        return trigger is None or trigger[0] == "__main__"

    def place(self, module: str, old: int) -> Place | None:
        """The new place of an old unit."""
        alignment = self.alignment(module)
        if alignment is None:
            return None
        if module not in self._edited:  # its units are what they were, see `Alignment.of_unchanged`
            return Place(module, old) if 0 <= old < len(alignment.olds) else None
        return Place(module, alignment.olds.index(old)) if old in alignment.olds else None

    def importing(self, imported: str) -> Iterator[Place]:
        """The units that import a module, or failed to, by their new indexes."""
        for importer in recorder.graph.importers_of(imported, deferred=False):
            page = ledger.page(importer)
            edge = recorder.graph.edge(importer, imported)
            for index in page.units_at(edge.line) if page is not None and edge is not None else ():
                if (place := self.place(importer, index)) is not None:
                    yield place

    def imported_by(self, module: str, old: int) -> Sequence[str]:
        """The modules that an old unit imported in ways that its source does not show."""
        if module not in self._found_later:
            self._found_later[module] = list(self._find_later(module))
        return [name for name, units in self._found_later[module] if old in units]

    @staticmethod
    def _find_later(module: str) -> Iterator[tuple[str, Collection[int]]]:
        """What a module imported in such ways while a start was under way, each with the units that may have done so.

        Of what a function imports these are the units that ran it: who else called it has imported that by itself.
        """
        edges = ((name, recorder.graph.edge(module, name)) for name in recorder.graph.imports_of(module))
        for name, edge in edges:
            if edge is None or edge.kind is not EdgeKind.IMPORT_MODULE or not edge.at_import:
                continue
            page = ledger.page(module) if name in recorder.modules else None
            if page is not None:
                yield name, page.units_running(edge.line)

    def imported_by_unloaded(self, module: str) -> Iterator[str]:
        """The modules that loading a module would import, which is not loaded yet, as far as files tell; in order."""
        return self._unloaded.imported_by(module)

    def imported_later_by(self, module: str) -> Iterator[str]:
        """The modules with functions that have imported it."""
        for importer in recorder.graph.importers_of(module):
            edge = recorder.graph.edge(importer, module)
            if edge is not None and not edge.at_import:
                yield importer
