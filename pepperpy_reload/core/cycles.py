"""Import cycles of one run and of the sources: what each does, the shortest way round it, and where to cut it.

A submodule that takes another submodule from its own package (`from . import other`) does not need the package for
that, and makes no cycle with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from pepperpy_reload.core.costs import Costs
from pepperpy_reload.core.graph import strong_components
from pepperpy_reload.core.imports import Import, Place, Source

_RANK = {place: number for number, place in enumerate(Place)}


class Harm(StrEnum):
    """What an import cycle does, the worst first."""

    NOW = "harmful now"
    """A name was asked of a module before it was bound."""
    IMPORT = "import-time"
    DEFERRED = "deferred"
    """One of its imports is inside a function."""
    TYPING = "typing only"


@dataclass(frozen=True, slots=True)
class Step:
    """An import on the way round. `missing` are names that were asked for and not bound yet."""

    importer: str
    imported: str
    file: str
    line: int
    place: Place = Place.MODULE
    missing: tuple[str, ...] = ()
    ran: bool = False
    back: bool = False
    """What it imports was itself being loaded: the cycle closed here."""

    @property
    def _goodness(self) -> tuple[object, ...]:
        return (bool(self.missing), -_RANK[self.place], self.back, self.ran)

    def as_json(self) -> dict[str, Any]:
        """A dict of plain values; `from_json` is the way back."""
        place = {"file": self.file, "line": self.line, "place": self.place.value}
        return {"importer": self.importer, "imported": self.imported, **place, "missing": list(self.missing)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The step that `as_json` turned into `data`."""
        place, missing = Place(data["place"]), tuple(data["missing"])
        return cls(data["importer"], data["imported"], data["file"], data["line"], place, missing)


class Remedy(StrEnum):
    """Where an import can go, so that it closes no cycle when modules load."""

    TYPING = "under TYPE_CHECKING"
    FUNCTION = "into the functions that use it"
    AWAY = "away: nothing uses it"


@dataclass(frozen=True, slots=True)
class Circle:
    """One cycle: `steps[0].importer` is `steps[-1].imported`. `cut` is the import that can move, if one can."""

    harm: Harm
    steps: tuple[Step, ...]
    cut: Step | None = None
    remedy: Remedy | None = None

    @property
    def modules(self) -> tuple[str, ...]:
        """The members in the order of the chain."""
        return tuple(step.importer for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        """A dict of plain values; `from_json` is the way back."""
        return {
            "class": self.harm.value,
            "modules": list(self.modules),
            "imports": [step.as_json() for step in self.steps],
            "cut": None if self.cut is None else self.cut.as_json() | {"move": str(self.remedy)},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The circle that `as_json` turned into `data`."""
        cut, steps = data["cut"], tuple(map(Step.from_json, data["imports"]))
        remedy = Remedy(cut["move"]) if cut else None
        return cls(Harm(data["class"]), steps, Step.from_json(cut) if cut else None, remedy)


def circles(costs: Costs, sources: Mapping[str, Source]) -> list[Circle]:
    """The cycles that a run went through or that its sources have; see `CycleGraph.circles`."""
    known = {*costs.by_name, *sources}
    graph = CycleGraph(sources, known)
    for step in _ran(costs, sources, known):
        graph.add(step)
    for source in sources.values():
        graph.add_source(source)
    for load in costs.loads:
        if load.error:
            graph.add_error(load.name, load.error)
    return graph.circles()


_HARM = {Place.MODULE: Harm.IMPORT, Place.FUNCTION: Harm.DEFERRED, Place.TYPING: Harm.TYPING}
_PARTIAL = re.compile(
    r"module '([^']+)'.* has no attribute '([^']+)' "
    r"\((?:most likely due to a circular import|consider renaming '.*' if)"
)
"""What Python says of a module that is still being executed; the second since 3.13, of one beside the script."""


def targets(importer: str, module: str, names: Collection[str], known: Collection[str]) -> Iterator[str]:
    """The modules that an import statement really needs: of packages that it is inside of, only what it names."""
    inside = [f"{module}.{name}" for name in names if f"{module}.{name}" in known]
    wanted = [*inside, *([module] if len(inside) < len(names) or not names else [])]
    parts = module.split(".")
    above = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
    needed = [one for one in above if not f"{importer}.".startswith(f"{one}.")]
    yield from (one for one in dict.fromkeys([*wanted, *needed]) if one in known)


def _ran(costs: Costs, sources: Mapping[str, Source], known: Collection[str]) -> Iterator[Step]:
    for use in costs.uses:
        if use.importer not in costs.by_name:
            continue
        source = sources.get(use.importer)
        statement = source.at(use.line) if source is not None else None
        place = Place.FUNCTION if use.function else Place.MODULE
        if statement is not None and statement.place is not Place.TYPING:
            place = statement.place
        for name in targets(use.importer, use.module, use.names, known):
            missing = use.missing if name == use.module else ()
            back = costs.is_under_way(name, use)
            yield Step(use.importer, name, use.file, use.line, place, missing, ran=True, back=back)
    for load in costs.loads:
        if load.error and load.importer in costs.by_name:  # the statement never ended
            yield Step(load.importer, load.name, load.file, load.line, ran=True)


@dataclass
class CycleGraph:
    """Imports that ran or that sources have, to be looked through for cycles once all are there.

    `known` are the modules that there are. `sources` are asked only for what is needed of them: where an import is to
    move.
    """

    sources: Mapping[str, Source]
    known: Collection[str]
    rows: dict[str, dict[str, Step]] = field(default_factory=dict)

    def add(self, step: Step) -> None:
        """Add an import; of several between the same two modules the one that says most is kept."""
        row = self.rows.setdefault(step.importer, {})
        known = row.get(step.imported)
        if step.importer != step.imported and (known is None or step._goodness > known._goodness):
            row[step.imported] = step

    def add_source(self, source: Source) -> None:
        """Add all imports of a source."""
        for one in source.imports:
            for name in self._targets(source, one):
                self.add(Step(source.module, name, source.path, one.line, one.place))

    def add_error(self, name: str, error: str) -> None:
        """A module raised this when it was loaded."""
        told = _PARTIAL.search(error)
        known = self.rows.get(name, {}).get(told[1]) if told else None
        if told and known is not None:
            self.add(replace(known, missing=(told[2],)))

    def _targets(self, source: Source, one: Import) -> Iterator[str]:
        return targets(source.module, one.module, [name.asked for name in one.names if name.asked], self.known)

    def circles(self) -> list[Circle]:
        """All cycles, the worst and shortest first.

        Those of other people's modules count only if they do harm.
        Each import that closes one counts once, by its shortest way round.
        """
        found: dict[frozenset[tuple[str, str]], Circle] = {}
        for place in Place:
            for chain in self._chains(place):
                key = frozenset((step.importer, step.imported) for step in chain)
                if key not in found and (one := self._circle(chain, place)) is not None:
                    found[key] = one
        order = list(Harm)
        return sorted(found.values(), key=lambda one: (order.index(one.harm), len(one.steps)))

    def circles_through(self, pairs: Iterable[tuple[str, str]]) -> list[Circle]:
        """For each of some imports at module level the shortest cycle that it is in, if there is one."""
        rows = self._rows(Place.MODULE)
        found: dict[frozenset[Step], Circle] = {}
        for importer, imported in pairs:
            step = rows.get(importer, {}).get(imported)
            back = _way(rows, imported, importer, self.known) if step is not None else ()
            if step is not None and back and (one := self._circle((*back, step), Place.MODULE)) is not None:
                found.setdefault(frozenset(one.steps), one)
        return list(found.values())

    def _circle(self, chain: tuple[Step, ...], place: Place) -> Circle | None:
        harm = Harm.NOW if any(step.missing for step in chain) else _HARM[place]
        if harm is not Harm.NOW and not any(step.importer in self.sources for step in chain):
            return None
        cut, remedy = self._cut(chain) if harm in (Harm.NOW, Harm.IMPORT) else (None, None)
        return Circle(harm, chain, cut, remedy)

    def _rows(self, place: Place) -> dict[str, dict[str, Step]]:
        """The imports of this kind, and those that run earlier."""
        rank = _RANK[place]
        return {
            name: {other: step for other, step in row.items() if _RANK[step.place] <= rank}
            for name, row in self.rows.items()
        }

    def _chains(self, place: Place) -> Iterator[tuple[Step, ...]]:
        """The shortest way round for each import of this kind that closes a cycle."""
        rows = self._rows(place)
        for group in strong_components(list(rows), lambda name: rows.get(name, ())):
            inside = set(group)
            steps = [step for name in group for step in rows.get(name, {}).values() if step.imported in inside]
            closing = [step for step in steps if step.place is place]
            if place is Place.MODULE:
                closing = [*(step for step in steps if step.back), *_not_seen_closing(steps)]
            for step in closing:
                if back := _way(rows, step.imported, step.importer, inside):
                    yield (*back, step)

    def _cut(self, chain: tuple[Step, ...]) -> tuple[Step | None, Remedy | None]:
        """The import on the way round that can move, and where to."""
        found = [(step, remedy) for step in chain if (remedy := self._remedy(step)) is not None]
        return min(found, key=lambda one: list(Remedy).index(one[1]), default=(None, None))

    def _remedy(self, step: Step) -> Remedy | None:
        source = self.sources.get(step.importer)
        if source is None or step.place is not Place.MODULE or source.is_package:
            return None
        statements = [
            one for one in source.imports if one.place is Place.MODULE and step.imported in self._targets(source, one)
        ]
        remedies = [self._remedy_of(source, one) for one in statements]
        if not remedies or None in remedies:
            return None
        return max((one for one in remedies if one), key=list(Remedy).index) if len(set(remedies)) == 1 else None

    def _remedy_of(self, source: Source, one: Import) -> Remedy | None:
        if one.is_star or one.guarded:
            return None
        reads = [source.reads_of(name.bound) for name in one.names]
        if any(each.loading or each.exported or each.rebound for each in reads):
            return None
        if any(self._is_taken(source.module, name.bound) for name in one.names):
            return None
        if any(each.functions for each in reads):
            return Remedy.FUNCTION
        return Remedy.TYPING if any(each.annotations for each in reads) else Remedy.AWAY

    def _is_taken(self, module: str, name: str) -> bool:
        """Whether another module takes a name from a module."""
        sources = (self.sources.get(one) for one in self._importers.get(module, ()))
        statements = (one for source in sources if source is not None for one in source.by_module.get(module, ()))
        return any(taken.asked == name for one in statements for taken in one.names)

    @cached_property
    def _importers(self) -> Mapping[str, Collection[str]]:
        found: dict[str, set[str]] = {}
        for importer, row in self.rows.items():
            for imported in row:
                found.setdefault(imported, set()).add(importer)
        return found


def _not_seen_closing(steps: Sequence[Step]) -> Iterator[Step]:
    """The imports of cycles that nobody saw closing: of modules that did not run, or that were edited since."""
    rows: dict[str, list[str]] = {}
    rest = [step for step in steps if not step.back]
    for step in rest:
        rows.setdefault(step.importer, []).append(step.imported)
    groups = strong_components(list(rows), lambda name: rows.get(name, ()))
    number = {name: place for place, group in enumerate(groups) for name in group}
    yield from (step for step in rest if number[step.importer] == number.get(step.imported))


def _way(rows: Mapping[str, Mapping[str, Step]], start: str, end: str, inside: Collection[str]) -> tuple[Step, ...]:
    """The shortest chain of imports from one module to another, among some."""
    came: dict[str, Step] = {}
    waiting = [start]
    for name in waiting:
        if name == end:
            break
        for other, step in rows.get(name, {}).items():
            if other in inside and other != start and other not in came:
                came[other] = step
                waiting.append(other)
    chain: list[Step] = []
    while end != start:
        if end not in came:
            return ()
        chain.append(came[end])
        end = chain[-1].importer
    return tuple(reversed(chain))
