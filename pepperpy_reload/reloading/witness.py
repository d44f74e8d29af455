"""Watches statements being executed again, for what a cold start would have found otherwise."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from pepperpy_reload.core.computing import is_plain
from pepperpy_reload.core.difference import Fate
from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.names import binds_first
from pepperpy_reload.core.operators import Known
from pepperpy_reload.core.plan import Action, ReloadPlan
from pepperpy_reload.core.setters import set_by
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Cell, Key, Place
from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.importing.footprint import Activity, CodeKey
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.importing.settled import Print, print_of_class
from pepperpy_reload.reloading.begun import Begun
from pepperpy_reload.reloading.bystanders import Bystanders
from pepperpy_reload.reloading.contents import Contents
from pepperpy_reload.reloading.heirs import prints, value_of
from pepperpy_reload.reloading.hiding import Turn
from pepperpy_reload.reloading.looking import is_a
from pepperpy_reload.reloading.page import Page
from pepperpy_reload.reloading.reading import Edited
from pepperpy_reload.reloading.tracing import Lines, lines_reading

Stale = Mapping[str, Collection[str]]
"""The names that are still going to be bound, by module."""


class Witness:
    """Knows the plan: the cells that are bound again, or hold something else, and the statements that are executed."""

    def __init__(self, scope: Traces, edited: Mapping[str, Edited], plan: ReloadPlan) -> None:
        self._scope = scope
        self._planned = plan.cells
        self._steps = {(step.module, step.index) for step in plan.steps if step.action is not Action.PATCH}
        self._edited = {one.path: one for one in edited.values()}
        self._pages: dict[str, Page] = {}
        self._moved = {CodeKey.of(pair.old): CodeKey.of(pair.new) for one in edited.values() for pair in one.pairs}
        self._unchanged: dict[str, set[CodeKey]] = {}
        self._unbound: set[Cell] = set()
        """The cells that functions have left alone which it has called, and which may bind them."""
        self._begun = Begun(scope)
        self._bystanders = Bystanders(scope)
        self._own: set[str] = set()
        """The names that the statement which is being executed has to bind, as it reads them itself."""
        self._heirs: list[tuple[Cell, list[tuple[type, Print | None]]]] = []
        """The classes of which it may make heirs, with what they held when it began."""

    def before(self, place: Place, unit: Unit, stale: Stale, *, postponed: bool) -> dict[str, Turn]:
        """A statement is about to be executed; its annotations are not, if they are `postponed`.

        Raises RestartNeeded if it would find what is not there yet; but for the names in its module, which are
        returned with the turn of who binds them, that are only looked up by who makes a class or function of it.
        """
        self._own = set()
        self._heirs = self.presume([place])
        old = self._scope.old_index(place)
        self._unbound = self._scope.left_unbound(place.module, old) - self._planned if old >= 0 else set()
        for cell in self._scope.absent(place):
            raise RestartNeeded(f"{place.module}:{unit.line} reads {cell} before that has been loaded")
        self._see_begun(place, unit)
        imported = {Cell(unit.alias.module, unit.alias.name)} if unit.alias is not None else set()
        imported |= {Cell(alias.module, alias.name) for alias in unit.imports}
        read = imported | {self._scope.cell(place.module, names)[0] for names in unit.reads}
        # What is read inside classes and comprehensions is looked for in the live namespace, where the old value is.
        names = unit.read_inside(postponed=postponed) if _names_any(unit, stale.get(place.module, ())) else ()
        inside = {Cell(place.module, name) for name in names}
        told = {self._scope.cell(place.module, names)[0] for names in self._scope.looked_up(place.module, unit)}
        looked_at = imported | told
        missing = self._missing_itself(place, unit, stale)
        for cell in sorted(read | inside | told):
            theirs = cell.module != place.module or cell in inside or cell in told
            early = theirs and cell.name in stale.get(cell.module, ()) and not self._binds_first(place, unit, cell)
            late = cell in told and self._is_bound_later(cell, place)
            if late and cell.module == place.module and not self._is_evaluated(cell, place, unit, inside):
                missing[cell.name] = min(map(self._scope.order, self._scope.binders(cell)))
                continue
            early = early and not (cell in imported and self._is_bound_to_submodule(cell))
            if early and (cell in looked_at or self._is_evaluated(cell, place, unit, inside)):
                raise RestartNeeded(f"{place.module}:{unit.line} reads {cell} before it is bound again")
            if late:
                raise RestartNeeded(f"{place.module}:{unit.line} looks up {cell} before it is bound")
        return missing

    def see_begun(self, name: str, together: Collection[str]) -> None:
        """Raise RestartNeeded if a module that is run as a whole asks for what a start has not bound by then.

        Those that are run again `together` find each other as they do in a start.
        """
        module = self._scope.module(name)
        for unit in module.alignment.units if module is not None else ():
            self._see_begun(Place(name, unit.index), unit, together)

    def _see_begun(self, place: Place, unit: Unit, together: Collection[str] = ()) -> None:
        if why := self._begun.missed_by(place, unit, together):
            raise RestartNeeded(f"{place.module}:{unit.line} reads {why}")

    def _missing_itself(self, place: Place, unit: Unit, stale: Stale) -> dict[str, Turn]:
        """What a statement binds itself, and nothing before it, if somebody may look that up meanwhile."""
        late = unit.binds.intersection(stale.get(place.module, ())) if unit.texts else ()
        if not late or not self._scope.looks_up_itself(place.module, unit):
            return {}
        return dict.fromkeys(sorted(late), self._scope.order(place))

    def _is_bound_to_submodule(self, cell: Cell) -> bool:
        """Whether import statements bind a package's name to its submodule of that name: it means that at any time."""
        submodule = f"{cell.module}.{cell.name}"
        aliases = [self._scope.unit(one).alias for one in self._scope.binders(cell)]
        is_loaded = getattr(sys.modules.get(cell.module), "__dict__", {}).get(cell.name) is sys.modules.get(submodule)
        return is_loaded and submodule in sys.modules and all(one and one.target == submodule for one in aliases)

    def pause(self) -> tuple[Any, ...]:
        """Others are executed in the midst of a statement; what it is that is known of this one."""
        return self._unbound, self._own, self._heirs

    def resume(self, known: tuple[Any, ...]) -> None:
        """They have been."""
        self._unbound, self._own, self._heirs = known

    def presume(self, places: Iterable[Place]) -> list[tuple[Cell, list[tuple[type, Print | None]]]]:
        """What the classes hold that units may change by making heirs of them, though none has done so until now."""
        cells = sorted({cell for place in places for cell in self._scope.presumed(place)})
        values = ((cell, value_of(cell)) for cell in cells)
        return [(cell, prints(value)) for cell, value in values if is_a(value, type)]

    def confirm(self, where: str, presumed: Iterable[tuple[Cell, list[tuple[type, Print | None]]]]) -> None:
        """They have been executed. Raises RestartNeeded if that has changed one of these classes."""
        for cell, before in presumed:
            if any(one is None or one != print_of_class(cls) for cls, one in before):
                raise RestartNeeded(f"{where} changes {cell} by making an heir of it")

    def _is_evaluated(self, cell: Cell, place: Place, unit: Unit, inside: Collection[Cell]) -> bool:
        """Whether a unit reads a cell itself, besides what its annotations say."""
        return cell in inside or any(self._scope.cell(place.module, names)[0] == cell for names in unit.evaluated)

    def _binds_first(self, place: Place, unit: Unit, cell: Cell) -> bool:
        """Whether a unit itself binds what is read inside it, and does so before: that it has is seen afterwards."""
        if cell.module != place.module or cell.name not in unit.binds:
            return False
        self._own.add(cell.name)
        return binds_first(unit.statement.node, cell.name)

    def lines(self, place: Place, stale: Stale) -> Lines | None:
        """What has to watch which lines run: a function that may be called reads what is not bound again yet.

        Whether it comes to that line is seen then.
        """
        old = self._scope.old_index(place)
        ran = self._scope.world.ran(place.module, old) if old >= 0 else ()
        is_new = self._scope.fate(place) in (Fate.NEW, Fate.CHANGED)
        expected = {*ran, *self._scope.foreseen(place)} if is_new else ran
        keys = {self._moved.get(key, key) for key in expected if isinstance(key, CodeKey)}
        for key in keys:
            is_other = is_new or not self._is_unchanged(key)
            for home, facts in self._facts(key):
                others = facts.reads if is_other else ()
                if any(self._begun.missed_in(home, facts, place)) or any(
                    self._why_not_yet(home, names, place, stale) for names in others
                ):
                    return Lines({*self._edited, *(loaded.path for loaded in recorder.modules.values())})
        return None

    def after(self, place: Place, unit: Unit, activity: Activity, stale: Stale, lines: Lines | None) -> None:
        """It has been. Raises RestartNeeded if a function that it called saw, or did, what the plan does not know."""
        self.confirm(f"{place.module}:{unit.line}", self._heirs)
        for name in sorted(self._own.intersection(stale.get(place.module, ()))):
            raise RestartNeeded(f"{place.module}:{unit.line} reads {place.module}.{name} before it is bound again")
        for cell in sorted(self._unbound):
            if not self._scope.is_as_bound(cell):
                raise RestartNeeded(f"{place.module}:{unit.line} calls a function which binds {cell} now")
        is_new = self._scope.fate(place) in (Fate.NEW, Fate.CHANGED)
        expected = self._scope.foreseen(place) if is_new else ()
        known = {self._moved.get(key, key) for key in expected if isinstance(key, CodeKey)}
        ran = sorted(set().union(*activity.ran.values()))
        self._note(place, unit, ran)
        if is_new and ran:
            self._see_operators(place, unit, ran)
        for key in ran:
            for home, facts in self._facts(key):
                self._see_missed(place, unit, key, home, facts, lines)
                if not is_new and self._is_unchanged(key):
                    continue
                self._judge(place, unit, key, home, facts, stale, lines)
                if is_new and not (key in known and self._is_unchanged(key)):
                    self._see_changes(place, unit, key, home, facts)
                if is_new and key not in recorder.runners:
                    self._see_outside(place, unit, home, facts)

    def _note(self, place: Place, unit: Unit, ran: Iterable[CodeKey]) -> None:
        if ran or not is_plain(unit):
            self._bystanders.note(place, unit, ((key, *found) for key in ran for found in self._facts(key)))

    def see_bystanders(self, contents: Contents | None, remade: Iterable[object]) -> None:
        """Raise RestartNeeded if a statement has changed an object that stays, and the plan does not know of it.

        `contents` are there unless nothing has been executed that could.
        """
        if contents is not None and (why := self._bystanders.why_not(contents, remade)):
            raise RestartNeeded(why)

    def _see_missed(
        self, place: Place, unit: Unit, key: CodeKey, home: str, facts: FunctionFacts, lines: Lines | None
    ) -> None:  # fmt: skip
        for names, why in self._begun.missed_in(home, facts, place):
            if self._is_come_to(key, names[0], lines):
                raise RestartNeeded(f"{place.module}:{unit.line} calls {key.qualname}, which reads {why}")

    def _see_changes(self, place: Place, unit: Unit, key: CodeKey, home: str, facts: FunctionFacts) -> None:
        """A function has been called that the plan could not know of: others use later what it has changed."""
        for cell in sorted(self._scope.changed_by(home, facts) - self._planned):
            self._see_users(place, unit, f"calls {key.qualname}, which changes {cell}", cell)

    def _see_operators(self, place: Place, unit: Unit, ran: Iterable[CodeKey]) -> None:
        """Operators have been used, on what others use later, that the plan could not know of."""
        before = {new: old for old, new in self._moved.items()}  # what is alive is known to the plan by its old keys
        facts: dict[Key, Known] = {}
        for key in ran:
            facts |= {one: found for found in self._facts(key) for one in (key, before.get(key, key))}
        for cell in sorted(self._scope.changed_by_operators(place.module, unit, facts) - self._planned):
            value = getattr(sys.modules.get(cell.module), "__dict__", {}).get(cell.name)
            if cell.module == place.module or not recorder.settled.is_as_left(cell.module, cell.name, value):
                self._see_users(place, unit, f"changes {cell}", cell)

    def _see_users(self, place: Place, unit: Unit, what: str, cell: Cell) -> None:
        """Raise RestartNeeded if others use later what has been changed, and stay as they are."""
        for user in self._scope.users(cell):
            if self._is_left(user) and self._scope.order(user) > self._scope.order(place):
                later = f"{user.module}:{self._scope.unit(user).line} uses later"
                raise RestartNeeded(f"{place.module}:{unit.line} {what}, which {later}")
        self._bystanders.tell(cell)

    def _see_outside(self, place: Place, unit: Unit, home: str, facts: FunctionFacts) -> None:
        """A function has been called that no start had called: others may have missed what it does outside."""
        for deed in facts.deeds:
            one = self._scope.world.reach(home, deed, facts.imports)
            if one is not None and one.seen and not one.watched and not one.library:
                raise RestartNeeded(f"{one}, called by {place.module}:{unit.line}, which was not so from the start")

    def _judge(
        self, place: Place, unit: Unit, key: CodeKey, home: str, facts: FunctionFacts, stale: Stale, lines: Lines | None
    ) -> None:  # fmt: skip
        where = f"{place.module}:{unit.line} calls {key.qualname}, which"
        for names in sorted(facts.reads):
            why = self._why_not_yet(home, names, place, stale)
            if why and self._is_come_to(key, names[0], lines):
                raise RestartNeeded(f"{where} reads {why}")
        for cell in sorted({*(Cell(home, name) for name in facts.binds), *set_by(self._scope, home, facts)}):
            if cell not in self._planned and self._is_known(cell):
                raise RestartNeeded(f"{where} binds {cell}")

    def _why_not_yet(self, home: str, names: Chain, place: Place, stale: Stale) -> str:
        """What names mean that a cold start would find otherwise at this place, and how; or ""."""
        cell, _ = self._scope.cell(home, names)
        if cell.name in stale.get(cell.module, ()) or self._is_bound_later(cell, place):
            return f"{cell} before it is bound"
        return f"{cell} as it is later in a start" if self._is_of_later(cell, place) else ""

    def _is_come_to(self, key: CodeKey, name: str, lines: Lines | None) -> bool:
        """Whether a function may have come to a line where it reads a name."""
        edited = self._edited.get(key.file)
        others = (loaded.code for loaded in recorder.modules.values() if loaded.path == key.file)
        code = edited.code if edited is not None else next(others, None)
        known = lines_reading(code, key, name) if code is not None and lines is not None else ()
        return not known or lines is None or any((key.file, line) in lines for line in known)

    def _is_bound_later(self, cell: Cell, place: Place) -> bool:
        indexes = [other.index for other in self._scope.binders(cell) if other.module == place.module]
        return bool(indexes) and all(index > place.index for index in indexes)

    def _is_of_later(self, cell: Cell, place: Place) -> bool:
        """Whether what a cell holds now has been made of it by statements that a cold start would execute later."""
        binders = self._scope.binders(cell)
        world = self._scope.world
        users = self._scope.users(cell) if world.is_mutable(cell, ()) or world.has_class_state(cell) else ()
        home = self._scope.canonical(cell)
        changers = (other for other in users if home in self._scope.mutated(other, old=True))
        return any(
            self._is_left(other) and self._scope.order(other) > self._scope.order(place)
            for other in chain(binders, changers)
        )

    def _is_left(self, place: Place) -> bool:
        return not {(place.module, place.index), (place.module, -1)} & self._steps

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

    def _page(self, edited: Edited) -> Page:
        if edited.path not in self._pages:
            units = list(edited.alignment.units)
            self._pages[edited.path] = Page(edited.loaded, units, [], [])
        return self._pages[edited.path]


def _names_any(unit: Unit, names: Iterable[str]) -> bool:
    """Whether the source of a unit could name one of these; letters beyond ASCII can be written in several ways."""
    return any(not name.isascii() or name.encode() in unit.statement.text for name in names)
