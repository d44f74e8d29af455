"""What a reload has made of each module is written down, so that the next one starts from the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from weakref import ref

from pepperpy_reload.core.graph import Edge
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.plan import Action, ReloadPlan
from pepperpy_reload.core.world import Place
from pepperpy_reload.importing.footprint import Activity, CodeKey
from pepperpy_reload.importing.loaded import Loaded
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.page import Page
from pepperpy_reload.reloading.pairs import unpatchable
from pepperpy_reload.reloading.reading import Edited

Undo = Callable[[Callable[[], None]], None]
Executed = Mapping[str, Mapping[int, Activity]]


class Writing:
    """Made before a plan is carried out, when the pages still hold; `write` when it has been."""

    def __init__(self, edited: Mapping[str, Edited], plan: ReloadPlan) -> None:
        gone = {*plan.modules(Action.RUN), *(step.module for step in plan.steps if _is_gone(step.name, step.action))}
        self._edited = {name: one for name, one in edited.items() if name not in gone}
        self._whole = gone
        executed: dict[str, set[int]] = {}
        for step in plan.steps:
            if step.index >= 0 and step.module not in gone:
                executed.setdefault(step.module, set()).add(step.index)
        self._runs = set(plan.modules(Action.RUN))
        self._start = plan.start
        started = list(self._started())
        loaders = {place.module for name, place in started if not _is_loaded_by(name, place.module)}
        self._pages = {name: ledger.page(name) for name in {*self._edited, *executed, *(loaders - gone)}}
        self._triggers = self._trigger_units(edited)
        known = {name: recorder.modules.get(name) for name in self._triggers}
        self._once = {name: loaded.trigger for name, loaded in known.items() if loaded is not None}
        for name, one in self._edited.items():
            self._move_edges(name, one, executed.get(name, set()))

    def write(self, executed: Executed, undo: Undo) -> None:
        """Write down the new sources, and what the executed statements ran and read."""
        renames = {
            CodeKey.of(pair.old): CodeKey.of(pair.new)
            for one in self._edited.values()
            for pair in one.pairs
            if CodeKey.of(pair.old) != CodeKey.of(pair.new)
        }
        recorder.rename(renames)
        undo(partial(recorder.rename, {new: old for old, new in renames.items()}))
        idle = {name for name in self._pages if self._is_idle(name, executed.get(name, {}), renames)}
        for name, page in self._pages.items():
            if page is not None and name in recorder.modules and name not in idle:
                _put(name, self._rewritten(page, executed.get(name, {}), renames), undo)
                recorder.note_runner(name, recorder.modules[name].footprint)
        others = {name for key in renames for name in recorder.runners.get(key, ())} - self._pages.keys() - self._whole
        for name in others & recorder.modules.keys():
            loaded = recorder.modules[name]
            ran = {place: {renames.get(key, key) for key in found} for place, found in (loaded.ran or {}).items()}
            _put(name, replace(loaded, ran=ran), undo)
            recorder.note_runner(name, recorder.modules[name].footprint)
        for name, (importer, unit) in self._triggers.items():
            known = recorder.modules.get(name)
            if known is None or importer not in recorder.modules or known.trigger != self._once.get(name):
                continue  # gone, or loaded again by somebody meanwhile
            if importer in idle:
                continue  # its statements are known by what they were known by
            place = ledger.offset_of(recorder.modules[importer], unit) if importer in self._runs else unit
            _put(name, replace(known, trigger=(importer, place)), undo)
        if self._start is not None:
            later = [name for name in recorder.rank if name not in self._start.keys]
            recorder.rank = {name: rank for rank, name in enumerate([*self._start.sequence, *later])}

    def _is_idle(self, name: str, activities: Mapping[int, Activity], renames: Mapping[CodeKey, CodeKey]) -> bool:
        """Whether nothing is known of a module that was not known before: no statement ran anything, or had done so."""
        page = self._pages[name]
        if (
            page is None
            or name in self._edited
            or self._start is not None
            or recorder.modules.get(name) is not page.loaded
        ):
            return False
        if renames and any(not renames.keys().isdisjoint(ran) for ran in page.ran):
            return False
        return not any(
            page.ran[index] or page.reads[index] or one.opened or any(one.noted()) for index, one in activities.items()
        )

    def _rewritten(self, page: Page, activities: Mapping[int, Activity], renames: Mapping[CodeKey, CodeKey]) -> Loaded:
        one = self._edited.get(page.loaded.name)
        olds = list(one.alignment.olds) if one is not None else list(range(len(page.units)))
        ran: dict[int, set[CodeKey]] = {}
        reads: dict[int, set[str]] = {}
        for index, old in enumerate(olds):
            if index in activities:
                ran[index] = set().union(*activities[index].ran.values())
                reads[index] = set().union(*activities[index].opened.values())
            elif old >= 0 and page.ran[old]:
                ran[index] = {renames.get(key, key) for key in page.ran[old]}
            if index not in activities and old >= 0 and page.reads[old]:
                reads[index] = set(page.reads[old])
        loaded = replace(page.loaded, ran=ran, reads=reads, by_unit=True)
        if one is None:
            return loaded
        kept = {
            identity(pair.new): tuple(map(ref, pair.olds))
            for pair in one.pairs
            if not pair.moved and not unpatchable(pair)
        }
        return replace(loaded, source=one.source, code=one.code, in_force=kept)

    def _started(self) -> Iterator[tuple[str, Place]]:
        """Who loads what in a cold start now, where that is known."""
        triggers = self._start.triggers if self._start is not None else {}
        yield from ((name, place) for name, place in triggers.items() if place is not None)

    def _trigger_units(self, edited: Mapping[str, Edited]) -> dict[str, tuple[str, int]]:
        """The triggers that stand in a module whose units are renumbered: by the new number."""
        found = {}
        for importer in {*self._pages, *self._runs}:
            one = edited.get(importer)
            olds = list(one.alignment.olds) if one is not None else None
            for name in recorder.modules.loaded_by(importer):
                old = ledger.trigger_unit(recorder.modules[name])
                new = old if olds is None else olds.index(old) if old in olds else -1
                found[name] = (importer, new)
        for name, place in self._started():
            if place.module in self._pages or place.module in self._runs:
                found[name] = (place.module, place.index)
        return found

    def _move_edges(self, name: str, one: Edited, executed: set[int]) -> None:
        """Imports of statements that are gone are forgotten, those of moved ones get their new lines."""
        page = self._pages[name]
        edges = [
            edge for imported in recorder.graph.all_imports_of(name) if (edge := recorder.graph.edge(name, imported))
        ]
        recorder.graph.drop_imports(name)
        new_of_old = {old: new for new, old in enumerate(one.alignment.olds) if old >= 0}
        for edge in edges:
            for old in page.units_at(edge.line) if page is not None else ():
                new = new_of_old.get(old, -1)
                if new < 0 or new in executed:
                    continue
                shift = one.alignment.units[new].line - one.alignment.old[old].line
                recorder.graph.add(_moved(edge, shift))


def _put(name: str, loaded: Loaded, undo: Undo) -> None:
    undo(partial(recorder.modules.__setitem__, name, recorder.modules[name]))
    recorder.modules[name] = loaded


def _is_loaded_by(name: str, importer: str) -> bool:
    known = recorder.modules.get(name)
    return known is not None and known.trigger is not None and known.trigger[0] == importer


def _moved(edge: Edge, shift: int) -> Edge:
    return edge._replace(line=edge.line + shift)


def _is_gone(name: str, action: Action) -> bool:
    return action is Action.DROP and not name
