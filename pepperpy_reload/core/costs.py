"""What the imports of one run cost: as a tree by who came first, and as what would really be saved without them.

Cumulative time is paid by whoever imports a module first; taking that import away often saves next to nothing, as the
next one pays then. *Exclusive* time is what is no longer reached in the recorded graph if a module, a package or one
import is taken out: the self times of what it dominates (Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pepperpy_reload.core.graph import Edge, EdgeKind
from pepperpy_reload.core.statement import absolute

ROOT = ""
"""The node that stands for the target itself: what it imports has no importer that was loaded."""


@dataclass(frozen=True, slots=True)
class Load:
    """A module that was loaded. `start` and `end` are seconds since the run began, without what recording took.

    `parent` is the number of the load inside of which it happened on its thread, -1 at the top; `file:line` is where
    it was asked for, by module `importer`; `memory` are bytes by which the process grew; `error` is "" if it worked.
    """

    name: str
    thread: int = 0
    parent: int = -1
    importer: str = ""
    file: str = ""
    line: int = 0
    start: float = 0.0
    end: float = 0.0
    memory: int = 0
    error: str = ""
    kind: str = "source"
    """source, bytecode, extension, built-in, frozen, namespace or other."""
    origin: str = ""
    """Its file, "" if it has none."""
    deeds: tuple[str, ...] = ()
    """What it was seen to do to the whole process, such as starting threads."""

    @property
    def duration(self) -> float:
        """Seconds, with all that it imported first."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Use:
    """An import statement that ran, or a call that imports by name; the module may have been loaded long before.

    `function` is the one it stands in, "" at module level. `missing` are the names that it asked for and that the
    module, which was still being executed, had not bound. `inside` is the number of the load that it happened in, -1 if
    there was none, None if nobody knows.
    """

    importer: str
    file: str
    line: int
    function: str
    name: str
    names: tuple[str, ...] = ()
    level: int = 0
    package: str = ""
    thread: int = 0
    time: float = 0.0
    missing: tuple[str, ...] = ()
    ended: float = 0.0
    inside: int | None = None

    @property
    def module(self) -> str:
        """The full name of the module that it names."""
        return absolute(self.name, self.level, self.package)


@dataclass(frozen=True, slots=True)
class Group:
    """What a top-level package costs: the sum of its modules, and what would be saved without it. Seconds, bytes."""

    name: str
    modules: int
    self_time: float
    exclusive: float
    memory: int


@dataclass(frozen=True)
class Costs:
    """One run. `modules` are the names of all that was loaded at its end, whoever loaded it."""

    loads: Sequence[Load]
    uses: Sequence[Use] = ()
    modules: frozenset[str] = frozenset()
    _exclusive: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def children(self) -> Mapping[int, Sequence[int]]:
        """The numbers of the loads inside each one, in their order; those at the top are under -1."""
        found: dict[int, list[int]] = {}
        for number, load in enumerate(self.loads):
            found.setdefault(load.parent, []).append(number)
        return found

    @cached_property
    def self_times(self) -> Sequence[float]:
        """Seconds of each load without those inside of it."""
        inner = [0.0] * len(self.loads)
        for load in self.loads:
            if load.parent >= 0:
                inner[load.parent] += load.duration
        return [max(0.0, load.duration - other) for load, other in zip(self.loads, inner, strict=True)]

    @cached_property
    def by_name(self) -> Mapping[str, int]:
        """The number of each module's load: the one that worked, or else the last one."""
        found: dict[str, int] = {}
        for number, load in enumerate(self.loads):
            if load.name not in found or self.loads[found[load.name]].error:
                found[load.name] = number
        return found

    @cached_property
    def own_times(self) -> Mapping[str, float]:
        """Seconds of each module itself: it has several loads if its package loads it while being loaded for it."""
        found = dict.fromkeys(self.by_name, 0.0)
        for number, load in enumerate(self.loads):
            found[load.name] += self.self_times[number]
        return found

    def loads_of(self, name: str) -> Sequence[Load]:
        """All loads of a module: one that failed may have been tried again."""
        return self._by_name.get(name, ())

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[Load]]:
        found: dict[str, list[Load]] = {}
        for load in self.loads:
            found.setdefault(load.name, []).append(load)
        return found

    @cached_property
    def total(self) -> float:
        """Seconds of all imports; what threads did side by side counts as often as it was done."""
        return sum(self.self_times)

    @cached_property
    def edges(self) -> Mapping[tuple[str, str], Edge]:
        """Who imported whom, at the line where that was first done; the target itself is `ROOT`."""
        found: dict[tuple[str, str], Edge] = {}
        for use in self.uses:
            if use.importer not in self.by_name and use.importer != "__main__":
                continue  # a function of what was there before; what it has loaded is known by the load
            kind = EdgeKind.STAR if "*" in use.names else EdgeKind.FROM if use.names else EdgeKind.IMPORT
            for imported in self.imported_by(use):
                importer = self.node(use.importer)
                edge = Edge(
                    importer, imported, use.file, use.line, kind, not use.function, self.is_under_way(imported, use)
                )
                known = found.get((importer, imported))
                if importer != imported and (known is None or edge.at_import > known.at_import):
                    found[importer, imported] = edge
        for load in self.loads:
            importer = load.importer if load.importer in self.by_name else self._name_of(load.parent)
            if importer != load.name:
                edge = Edge(importer, load.name, load.file, load.line, failed=bool(load.error))
                found.setdefault((importer, load.name), edge)
        return found

    def _name_of(self, number: int) -> str:
        return self.loads[number].name if number >= 0 else ROOT

    def node(self, name: str) -> str:
        """The node of a module in the graph: the target itself for a script."""
        return name if name in self.by_name else ROOT

    def imported_by(self, use: Use) -> Iterator[str]:
        """The loaded modules that an import statement gives: packages on the way, and submodules among its names."""
        parts = use.module.split(".")
        names = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
        names += [f"{use.module}.{name}" for name in use.names]
        for name in names:
            number = self.by_name.get(name)
            if number is None or self.loads[number].error:
                continue
            load = self.loads[number]
            if (
                load.start <= max(use.time, use.ended)
                or (load.importer, load.line) == (use.importer, use.line)
                or name == use.module
            ):
                yield name

    def is_under_way(self, name: str, use: Use) -> bool:
        """Whether a module was being executed at a use; if its package loads it meanwhile, that is when it is."""
        loads = [load for load in self.loads_of(name) if load.thread == use.thread]
        around = [load for load in loads if load.start < use.time < load.end]
        innermost = max((load.start for load in around), default=0.0)
        return bool(around) and not any(innermost < load.start < around[-1].end for load in loads)

    @cached_property
    def reaches(self) -> Mapping[str, Sequence[str]]:
        """Each module with what would be loaded by it: by its own statements, and by functions that run meanwhile."""
        found: dict[str, dict[str, None]] = {}
        for (importer, imported), edge in self.edges.items():
            if edge.at_import:
                found.setdefault(importer, {})[imported] = None
        for use in self.uses:
            if use.function and (use.importer in self.by_name or use.importer == "__main__"):
                for imported in self.imported_by(use):
                    who = self._above(imported, use) if use.inside is None else self._name_of(use.inside)
                    found.setdefault(who, {})[imported] = None
        return {importer: list(row) for importer, row in found.items()}

    def _above(self, imported: str, use: Use) -> str:
        """The module that was being loaded when a function imported another one for the first time."""
        load = self.loads[self.by_name[imported]]
        return self._name_of(load.parent) if load.importer == use.importer else self.node(use.importer)

    def exclusive(self, name: str) -> float:
        """Seconds that would be saved if nobody imported a module, and with a package all modules in it."""
        if name not in self._exclusive:
            inside = [other for other in self.by_name if other.startswith(f"{name}.")]
            saved = self._unreached({name, *inside}) if inside else self._dominated.get(name, 0.0)
            self._exclusive[name] = saved
        return self._exclusive[name]

    def saved_without(self, importer: str, imported: str) -> float:
        """Seconds that would be saved if one module did not import another."""
        return self._unreached(set(), cut={(importer, imported)})

    def groups(self) -> list[Group]:
        """The top-level packages, those without which most would be saved first."""
        numbers: dict[str, list[int]] = {}
        for name, number in self.by_name.items():
            numbers.setdefault(name.partition(".")[0], []).append(number)
        found = [
            Group(
                name,
                len(members),
                sum(self.own_times[self.loads[number].name] for number in members),
                self.exclusive(name),
                sum(self.loads[number].memory - self._memory_inside(number) for number in members),
            )
            for name, members in numbers.items()
        ]
        return sorted(found, key=lambda group: group.exclusive, reverse=True)

    def _memory_inside(self, number: int) -> int:
        return sum(self.loads[child].memory for child in self.children.get(number, ()))

    def memory_of(self, number: int) -> int:
        """Bytes by which the process grew in a load, without those inside of it."""
        return self.loads[number].memory - self._memory_inside(number)

    def gone_without(self, cut: Collection[tuple[str, str]]) -> set[str]:
        """The modules that would not be loaded without some edges."""
        return self._gone(set(), cut)

    def _unreached(self, without: set[str], cut: Collection[tuple[str, str]] = ()) -> float:
        """The self times of what is not reached if some modules, or edges, are taken out."""
        gone = self._gone(without, cut)
        return sum(own for name, own in self.own_times.items() if name in gone)

    def _gone(self, without: set[str], cut: Collection[tuple[str, str]]) -> set[str]:
        reached, waiting = {ROOT}, [ROOT]
        while waiting:
            one = waiting.pop()
            for other in self.reaches.get(one, ()):
                if other not in reached and other not in without and (one, other) not in cut:
                    reached.add(other)
                    waiting.append(other)
        return {*self.by_name} - reached

    @cached_property
    def _dominated(self) -> Mapping[str, float]:
        """By module: the self times of what it dominates, itself too."""
        order, parents = _depth_first(ROOT, self.reaches)
        above = _dominators(order, parents)
        sums = {name: self.own_times[name] for name in order if name != ROOT}
        sums[ROOT] = 0.0
        for name in order[:-1]:  # those that are dominated come before their dominators
            sums[above[name]] += sums[name]
        return sums

    def chains(self, name: str) -> list[tuple[Edge, ...]]:
        """For each module that imports `name`, the shortest chain of imports from the target to it; shortest first.

        What is reached through `name` alone, or through what is inside it, is no reason for it.
        """
        first = self._shortest(name)
        found = []
        for (importer, imported), edge in self.edges.items():
            if imported == name and (importer == ROOT or importer in first):
                found.append((*_way(first, importer), edge))
        return sorted(found, key=len)

    def _shortest(self, without: str) -> Mapping[str, Edge]:
        """The last edge of the shortest chain to each module that does not lead through one."""
        rows: dict[str, list[Edge]] = {}
        for (importer, _), edge in self.edges.items():
            rows.setdefault(importer, []).append(edge)
        found: dict[str, Edge] = {}
        waiting = deque([ROOT])
        while waiting:
            for edge in rows.get(waiting.popleft(), ()):
                if edge.imported not in found and not f"{edge.imported}.".startswith(f"{without}."):
                    found[edge.imported] = edge
                    waiting.append(edge.imported)
        return found


def _way(first: Mapping[str, Edge], name: str) -> list[Edge]:
    found: list[Edge] = []
    while name != ROOT:
        found.append(first[name])
        name = first[name].importer
    return found[::-1]


def _depth_first(root: str, rows: Mapping[str, Sequence[str]]) -> tuple[list[str], dict[str, list[str]]]:
    """The nodes that are reached, those that are left last first, the root last; and who leads to each of them."""
    order: list[str] = []
    parents: dict[str, list[str]] = {root: []}
    waiting = [(root, iter(rows.get(root, ())))]
    while waiting:
        name, rest = waiting[-1]
        for other in rest:
            known = other in parents
            parents.setdefault(other, []).append(name)
            if not known:
                waiting.append((other, iter(rows.get(other, ()))))
                break
        else:
            waiting.pop()
            order.append(name)
    return order, parents


def _dominators(order: Sequence[str], parents: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """By node: the nearest one without which it is not reached."""
    place = {name: number for number, name in enumerate(order)}
    root = order[-1]
    found = {root: root}
    changed = True
    while changed:
        changed = False
        for name in reversed(order[:-1]):
            known = [parent for parent in parents[name] if parent in found]
            nearest = known[0]
            for other in known[1:]:
                nearest = _meet(nearest, other, found, place.__getitem__)
            if found.get(name) != nearest:
                found[name], changed = nearest, True
    return found


def _meet(one: str, other: str, above: Mapping[str, str], place: Callable[[str], int]) -> str:
    while one != other:
        while place(one) < place(other):
            one = above[one]
        while place(other) < place(one):
            other = above[other]
    return one
