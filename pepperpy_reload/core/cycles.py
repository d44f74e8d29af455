"""Import cycles of one run and of the sources: what each does, the shortest way round it, and where to cut it.

A submodule that takes another submodule from its own package (`from . import other`) does not need the package for
that, and makes no cycle with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pepperpy_reload.core.costs import Costs, Use
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


def circles(costs: Costs, sources: Mapping[str, Source]) -> list[Circle]:
    """The cycles that a run went through or that its sources have, the worst and shortest first.

    Those of other people's modules count only if they do harm.
    Each import that closes one counts once, by its shortest way round.
    """
    graph = _Graph(costs, sources)
    found: dict[frozenset[tuple[str, str]], Circle] = {}
    for place in Place:
        for chain in graph.chains(place):
            key = frozenset((step.importer, step.imported) for step in chain)
            if key not in found:
                harm = Harm.NOW if any(step.missing for step in chain) else _HARM[place]
                if harm is not Harm.NOW and not any(step.importer in sources for step in chain):
                    continue
                cut, remedy = graph.cut(chain) if harm in (Harm.NOW, Harm.IMPORT) else (None, None)
                found[key] = Circle(harm, chain, cut, remedy)
    order = list(Harm)
    return sorted(found.values(), key=lambda one: (order.index(one.harm), len(one.steps)))


_HARM = {Place.MODULE: Harm.IMPORT, Place.FUNCTION: Harm.DEFERRED, Place.TYPING: Harm.TYPING}
_PARTIAL = re.compile(r"partially initialized module '([^']+)'.* has no attribute '([^']+)'")


@dataclass
class _Graph:
    costs: Costs
    sources: Mapping[str, Source]
    rows: dict[str, dict[str, Step]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {*self.costs.by_name, *self.sources}
        for step in self._ran():
            self._add(step)
        for source in self.sources.values():
            for one in source.imports:
                for name in self._targets(source.module, one.module, [name.asked for name in one.names if name.asked]):
                    self._add(Step(source.module, name, source.path, one.line, one.place))
        for load in self.costs.loads:
            told = _PARTIAL.search(load.error)
            known = self.rows.get(load.name, {}).get(told[1]) if told else None
            if told and known is not None:
                self._add(replace(known, missing=(told[2],)))
        self._taken = {(one.module, name.asked) for source in self.sources.values() for one in source.imports
                       for name in one.names}  # fmt: skip

    def _add(self, step: Step) -> None:
        row = self.rows.setdefault(step.importer, {})
        known = row.get(step.imported)
        if step.importer != step.imported and (known is None or step._goodness > known._goodness):
            row[step.imported] = step

    def _ran(self) -> Iterator[Step]:
        for use in self.costs.uses:
            if use.importer not in self.costs.by_name:
                continue
            source = self.sources.get(use.importer)
            statement = source.at(use.line) if source is not None else None
            place = Place.FUNCTION if use.function else Place.MODULE
            if statement is not None and statement.place is not Place.TYPING:
                place = statement.place
            for name in self._targets(use.importer, use.module, use.names):
                missing = use.missing if name == use.module else ()
                back = self._is_under_way(name, use)
                yield Step(use.importer, name, use.file, use.line, place, missing, ran=True, back=back)
        for load in self.costs.loads:
            if load.error and load.importer in self.costs.by_name:  # the statement never ended
                yield Step(load.importer, load.name, load.file, load.line, ran=True)

    def _is_under_way(self, name: str, use: Use) -> bool:
        loads = (load for load in self.costs.loads_of(name) if load.thread == use.thread)
        return any(load.start < use.time < load.end for load in loads)

    def _targets(self, importer: str, module: str, names: tuple[str, ...] | list[str]) -> Iterator[str]:
        """The modules that an import statement really needs: of packages that it is inside of, only what it names."""
        inside = [f"{module}.{name}" for name in names if f"{module}.{name}" in self.known]
        wanted = [*inside, *([module] if len(inside) < len(names) or not names else [])]
        parts = module.split(".")
        above = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        needed = [one for one in above if not f"{importer}.".startswith(f"{one}.")]
        yield from (one for one in dict.fromkeys([*wanted, *needed]) if one in self.known)

    def chains(self, place: Place) -> Iterator[tuple[Step, ...]]:
        """The shortest way round for each import of this kind that closes a cycle."""
        rank = _RANK[place]
        rows = {
            name: {other: step for other, step in row.items() if _RANK[step.place] <= rank}
            for name, row in self.rows.items()
        }
        for group in strong_components(list(rows), lambda name: rows.get(name, ())):
            inside = set(group)
            steps = [step for name in group for step in rows.get(name, {}).values() if step.imported in inside]
            closing = [step for step in steps if step.place is place and (place is not Place.MODULE or step.back)]
            if place is Place.MODULE and not closing:
                closing = steps  # of modules that did not run
            for step in closing:
                if back := _way(rows, step.imported, step.importer, inside):
                    yield (*back, step)

    def cut(self, chain: tuple[Step, ...]) -> tuple[Step | None, Remedy | None]:
        """The import on the way round that can move, and where to."""
        found = [(step, remedy) for step in chain if (remedy := self._remedy(step)) is not None]
        return min(found, key=lambda one: list(Remedy).index(one[1]), default=(None, None))

    def _remedy(self, step: Step) -> Remedy | None:
        source = self.sources.get(step.importer)
        if source is None or step.place is not Place.MODULE or source.is_package:
            return None
        statements = [
            one
            for one in source.imports
            if one.place is Place.MODULE
            and step.imported in self._targets(source.module, one.module, [name.asked for name in one.names])
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
        if any((source.module, name.bound) in self._taken for name in one.names):
            return None
        if any(each.functions for each in reads):
            return Remedy.FUNCTION
        return Remedy.TYPING if any(each.annotations for each in reads) else Remedy.AWAY


def _way(rows: Mapping[str, Mapping[str, Step]], start: str, end: str, inside: set[str]) -> tuple[Step, ...]:
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
        chain.append(came[end])
        end = chain[-1].importer
    return tuple(reversed(chain))
