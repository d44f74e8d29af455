"""Watches statements being executed again, for what a cold start would have found otherwise."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping

from pepperpy_reload.core.difference import Fate
from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.traces import set_by
from pepperpy_reload.core.unit import FunctionFacts, Unit
from pepperpy_reload.core.world import Cell, Place
from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.importing.footprint import Activity, CodeKey
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.reading import Edited

Stale = Mapping[str, Collection[str]]
"""The names that are still going to be bound, by module."""


class Witness:
    """`planned` are the cells that are bound again, or hold something else, as far as the plan knows."""

    def __init__(self, scope: Scope, edited: Mapping[str, Edited], planned: Collection[Cell]) -> None:
        self._scope = scope
        self._planned = planned
        self._edited = {one.path: one for one in edited.values()}
        self._pages: dict[str, ledger.Page] = {}
        self._unchanged: dict[str, set[CodeKey]] = {}

    def before(self, place: Place, unit: Unit, stale: Stale) -> None:
        """A statement is about to be executed. Raises RestartNeeded if it would find what is not there yet."""
        read = {Cell(unit.alias.module, unit.alias.name)} if unit.alias is not None else set()
        read |= {Cell(alias.module, alias.name) for alias in unit.imports}
        read |= {self._scope.cell(place.module, chain)[0] for chain in unit.reads}
        for cell in sorted(read):
            if cell.module != place.module and cell.name in stale.get(cell.module, ()):
                raise RestartNeeded(f"{place.module}:{unit.line} reads {cell} before it is bound again")

    def after(self, place: Place, unit: Unit, activity: Activity, stale: Stale) -> None:
        """It has been. Raises RestartNeeded if a function that it called saw, or did, what the plan does not know."""
        is_new = self._scope.fate(place) in (Fate.NEW, Fate.CHANGED)
        for key in sorted(set().union(*activity.ran.values())):
            if not is_new and self._is_unchanged(key):
                continue
            for home, facts in self._facts(key):
                self._judge(place, unit, key, home, facts, stale)
                if is_new and key not in recorder.runners:
                    self._see_outside(place, unit, home, facts)

    def _see_outside(self, place: Place, unit: Unit, home: str, facts: FunctionFacts) -> None:
        """A function has been called that no start had called: others may have missed what it does outside."""
        for deed in facts.deeds:
            one = self._scope.world.reach(home, deed, facts.imports)
            if one is not None and one.seen and not one.watched and not one.library:
                raise RestartNeeded(f"{one}, called by {place.module}:{unit.line}, which was not so from the start")

    def _judge(
        self, place: Place, unit: Unit, key: CodeKey, home: str, facts: FunctionFacts, stale: Stale
    ) -> None:  # fmt: skip
        where = f"{place.module}:{unit.line} calls {key.qualname}, which"
        for chain in sorted(facts.reads):
            cell, _ = self._scope.cell(home, chain)
            if cell.name in stale.get(cell.module, ()) or self._is_bound_later(cell, place):
                raise RestartNeeded(f"{where} reads {cell} before it is bound")
        for cell in sorted({*(Cell(home, name) for name in facts.binds), *set_by(self._scope, home, facts)}):
            if cell not in self._planned and self._is_known(cell):
                raise RestartNeeded(f"{where} binds {cell}")

    def _is_bound_later(self, cell: Cell, place: Place) -> bool:
        indexes = [other.index for other in self._scope.binders(cell) if other.module == place.module]
        return bool(indexes) and all(index > place.index for index in indexes)

    def _is_known(self, cell: Cell) -> bool:
        return bool(self._scope.binders(cell)) or any(True for _ in self._scope.readers(cell))

    def _is_unchanged(self, key: CodeKey) -> bool:
        edited = self._edited.get(key.file)
        if edited is None:
            return True
        if key.file not in self._unchanged:
            self._unchanged[key.file] = {CodeKey.of(pair.new) for pair in edited.pairs if not pair.changed}
        return key in self._unchanged[key.file]

    def _facts(self, key: CodeKey) -> Iterator[tuple[str, FunctionFacts]]:
        edited = self._edited.get(key.file)
        found: Iterable[tuple[str, FunctionFacts] | None]
        if edited is None:
            found = [self._scope.world.facts(key)]
        else:
            facts = self._page(edited).facts(key)
            found = [(edited.name, facts)] if facts is not None else []
        yield from (one for one in found if one is not None)

    def _page(self, edited: Edited) -> ledger.Page:
        if edited.path not in self._pages:
            units = list(edited.alignment.units)
            self._pages[edited.path] = ledger.Page(edited.loaded, ast.parse(edited.source), units, [], [])
        return self._pages[edited.path]
