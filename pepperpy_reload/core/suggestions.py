"""Imports that are worth making lazy: what that saves, whether the run used them, and what speaks against it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pepperpy_reload.core.costs import Costs
from pepperpy_reload.core.imports import Import, Name, Place, Source

Edges = set[tuple[str, str]]
_OURS = "from pepperpy_reload import lazy_import"


@dataclass(frozen=True, slots=True)
class Change:
    """One import statement, and what would stand in its place. `against` is "" if nothing speaks against it.

    `used` says whether a function ran that reads its names; None if that is not known. `today` are lines with
    `lazy_import`, none if they cannot say it; `future` is the statement of PEP 810 (Python 3.15). Where annotations
    name what is imported, `today` leaves the import to type checkers; `needs` are lines that have to come before.
    """

    statement: Import
    path: str
    against: str
    used: bool | None
    today: tuple[str, ...]
    future: str
    needs: tuple[str, ...] = (_OURS,)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """All imports of one package, or of one module of one's own and of those that the same statements import.

    `name` has all of them. `saved` are the seconds without all `changes`.

    `deeds` are sentences: what the `modules` that would not be loaded do to others when they are. `blocked` are the
    statements that would have to change as well, and cannot.
    """

    name: str
    saved: float
    modules: int
    changes: tuple[Change, ...]
    blocked: tuple[Change, ...] = ()
    deeds: tuple[str, ...] = ()

    @property
    def is_safe(self) -> bool:
        """Whether nothing is known that speaks against it."""
        return not self.blocked and not self.deeds

    @property
    def used(self) -> bool | None:
        """Whether the run used it, None if that is not known."""
        seen = [one.used for one in self.changes]
        return True if True in seen else None if None in seen else False


def suggestions(
    costs: Costs,
    sources: Mapping[str, Source],
    called: Collection[tuple[str, int]] | None,
    standard: Collection[str] = (),
    least: float = 0.001,
) -> list[Suggestion]:
    """What would save at least so many seconds, the most first. `standard` are the names of the standard library."""
    made = _Maker(costs, sources, called, standard)
    found = [one for name, group in made.groups().items() if (one := made.suggestion(name, group, least)) is not None]
    return sorted(found, key=lambda one: (not one.is_safe, bool(one.used), -one.saved))


class _Maker:
    def __init__(
        self,
        costs: Costs,
        sources: Mapping[str, Source],
        called: Collection[tuple[str, int]] | None,
        standard: Collection[str],
    ) -> None:
        self._costs, self._sources, self._called, self._standard = costs, sources, called, standard
        self._taken = {(one.module, name.asked): source.module for source in sources.values() for one in source.imports
                       for name in one.names}  # fmt: skip
        self._by_site: dict[tuple[str, int], Edges] = {}
        for use in costs.uses:
            edges = self._by_site.setdefault((use.importer, use.line), set())
            edges.update((costs.node(use.importer), imported) for imported in costs.imported_by(use))

    def groups(self) -> dict[str, list[Import]]:
        """The statements at module level that ran, by the package or the own module that they import."""
        found: dict[str, list[Import]] = {}
        for source in self._sources.values():
            for one in source.imports:
                if one.place is Place.MODULE and self._edges(one) and one.module != "__future__":
                    own = self._own(one)
                    found.setdefault(own[0] if own else one.module.partition(".")[0], []).append(one)
        return found

    def _own(self, one: Import) -> list[str]:
        """The modules of one's own that a statement is there for."""
        inside = [f"{one.module}.{name.asked}" for name in one.names if f"{one.module}.{name.asked}" in self._sources]
        return inside or [name for name in (one.module,) if name in self._sources]

    def _edges(self, one: Import) -> Edges:
        lines = range(one.line, one.last_line + 1)
        return {edge for line in lines for edge in self._by_site.get((one.importer, line), ())}

    def suggestion(self, name: str, group: Iterable[Import], least: float) -> Suggestion | None:
        """What making these statements lazy would do, None if it saves too little."""
        changes = [self._change(one) for one in group]
        title = ", ".join(dict.fromkeys([name, *(own for one in changes for own in self._own(one.statement))]))
        free = [one for one in changes if not one.against]
        saved, gone = self._without(free)
        blocked: list[Change] = []
        if saved < least:
            blocked = [one for one in changes if one.against]
            saved, gone = self._without(changes)
        if saved < least:
            return None
        return Suggestion(title, saved, len(gone), tuple(free), tuple(blocked), tuple(self._deeds(gone)))

    def _without(self, changes: Iterable[Change]) -> tuple[float, set[str]]:
        """The seconds that are saved, and the modules that are not loaded."""
        chosen = {(one.statement.importer, one.statement.line) for one in changes}
        cut: Edges = set()
        kept: Edges = set()
        spans = {(one.statement.importer, line) for one in changes
                 for line in range(one.statement.line, one.statement.last_line + 1)}  # fmt: skip
        for site, edges in self._by_site.items():
            (cut if site in spans else kept).update(edges)
        gone = self._costs.gone_without(cut - kept) if chosen else set()
        return sum(self._costs.own_times[name] for name in gone), gone

    def _deeds(self, gone: Collection[str]) -> Iterator[str]:
        for name in gone:
            source = self._sources.get(name)
            if source is not None and source.deeds:
                deed = source.deeds[0]
                yield f"{name} {deed.text} (line {deed.line})"
            elif source is None and name.partition(".")[0] not in self._standard:
                yield from (f"{name} {deed}" for load in self._costs.loads_of(name) for deed in load.deeds)

    def _change(self, one: Import) -> Change:
        source = self._sources[one.importer]
        today = tuple(self._today(one))
        used: bool | None = None
        functions = {line for name in one.names for line in source.reads_of(name.bound).functions}
        if self._called is not None:
            used = any((source.path, line) in self._called for line in functions)
        against = self._against(source, one, today)
        needs: tuple[str, ...] = (_OURS,)
        if today and any(source.reads_of(name.bound).annotations for name in one.names):
            today = ("if TYPE_CHECKING:", f"    {text_of(one)}", "else:", *(f"    {line}" for line in today))
            if not _has_flag(source, one.line):
                needs = ("from typing import TYPE_CHECKING", *needs)
        return Change(one, source.path, against, used, today, f"lazy {text_of(one)}", needs)

    def _against(self, source: Source, one: Import, today: tuple[str, ...]) -> str:
        if one.guarded:
            return "it stands inside a try, if, with or loop"
        if one.is_star:
            return "it takes all names"
        if one.parts > 1:
            return "it is one statement with other imports"
        if source.is_package:
            return "names in a package's __init__ are there for others"
        for name in one.names:
            if reason := self._against_name(source, name.bound):
                return reason
        return "" if today else f"it binds {one.names[0].bound}, which lazy_import cannot; lazy import can"

    def _against_name(self, source: Source, name: str) -> str:
        reads = source.reads_of(name)
        if reads.loading:
            return f"{name} is read at module level, line {reads.loading}"
        if reads.exported:
            return f"{name} is exported"
        if reads.rebound:
            return f"{name} is bound again, line {reads.rebound}"
        if reads.awkward:
            return f"line {reads.awkward} needs the very object that {name} is"
        if (other := self._taken.get((source.module, name))) is not None:
            return f"{other} takes {name} from here"
        return ""

    def _today(self, one: Import) -> Iterator[str]:
        for name in one.names:
            if not name.asked:
                if "." not in one.module or name.bound != one.module.partition(".")[0]:
                    yield f'{name.bound} = lazy_import("{one.module}")'
            elif f"{one.module}.{name.asked}" in self._costs.by_name:
                joint = "" if one.written.endswith(".") else "."
                package = ", package=__package__" if one.written.startswith(".") else ""
                yield f'{name.bound} = lazy_import("{one.written}{joint}{name.asked}"{package})'
            else:
                package = ", __package__" if one.written.startswith(".") else ""
                yield f'{name.bound} = lazy_import("{one.written}", "{name.asked}"{package})'


def _has_flag(source: Source, line: int) -> bool:
    """Whether a module has imported TYPE_CHECKING before a line."""
    above = (one for one in source.imports if one.place is Place.MODULE and one.last_line < line and not one.guarded)
    return any(name.bound == "TYPE_CHECKING" for one in above for name in one.names)


def text_of(one: Import) -> str:
    """An import statement in one line."""
    if one.names[0].asked:
        names = ", ".join(_alias(name, name.asked) for name in one.names)
        return f"from {one.written} import {names}"
    bound = one.names[0].bound
    plain = bound == one.module.partition(".")[0]
    return f"import {one.module}" if plain else f"import {one.module} as {bound}"


def _alias(name: Name, asked: str) -> str:
    return asked if name.bound == asked else f"{asked} as {name.bound}"
