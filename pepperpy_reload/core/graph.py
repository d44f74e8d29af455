"""The import graph: edges importer -> imported, their order, their cycles, and what depends on what."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple, Self


class EdgeKind(StrEnum):
    """How a module came to import another."""

    IMPORT = "import"
    FROM = "from"
    STAR = "star"
    IMPORT_MODULE = "import_module"
    STATIC = "static"
    """Read from the source of a module that was loaded before we were."""


class Edge(NamedTuple):
    """`importer` imports `imported` at `file:line`.

    `at_import` says that a module was being run when it happened: only then does the importer depend on what the
    imported module *was*. `back` says that the imported module was itself still being run: an import cycle closes
    here. `failed` says that nothing of that name could be imported.
    """

    importer: str
    imported: str
    file: str = ""
    line: int = 0
    kind: EdgeKind = EdgeKind.IMPORT
    at_import: bool = True
    back: bool = False
    failed: bool = False


class Cycle(NamedTuple):
    """An import cycle as its shortest chain: `edges[0].importer` is `edges[-1].imported`."""

    edges: tuple[Edge, ...]

    @property
    def modules(self) -> tuple[str, ...]:
        """The members in the order of the chain."""
        return tuple(edge.importer for edge in self.edges)

    def __str__(self) -> str:
        steps = [f"{edge.importer} ({edge.file}:{edge.line})" if edge.file else edge.importer for edge in self.edges]
        return " -> ".join([*steps, self.edges[0].importer])


class ImportGraph:
    """Who imports whom. Nodes keep the order in which they were first heard of."""

    def __init__(self, edges: Iterable[Edge] = ()) -> None:
        self._out: dict[str, dict[str, Edge]] = {}
        self._in: dict[str, dict[str, None]] = {}
        for edge in edges:
            self.add(edge)

    @classmethod
    def of(cls, imports: Mapping[str, Iterable[str]]) -> Self:
        """The graph in which each key imports the modules of its value."""
        graph = cls()
        for importer, imported in imports.items():
            graph.add_node(importer)
            for name in imported:
                graph.add(Edge(importer, name))
        return graph

    def __contains__(self, name: str) -> bool:
        return name in self._out

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._out))

    def add_node(self, name: str) -> None:
        """Know of `name`, whether or not anything imports it."""
        if name not in self._out:
            self._out[name] = {}
            self._in.setdefault(name, {})

    def add(self, edge: Edge) -> None:
        """Add an edge; of several between the same two modules an import-time one that worked is kept."""
        self.add_node(edge.importer)
        self.add_node(edge.imported)
        row = self._out[edge.importer]
        known = row.get(edge.imported)
        if known is None or (edge.at_import, not edge.failed) > (known.at_import, not known.failed):
            row[edge.imported] = edge
            self._in[edge.imported][edge.importer] = None

    def is_settled(self, importer: str, imported: str) -> bool:
        """Whether there is an edge between two modules that no other one can replace."""
        known = self._out.get(importer, {}).get(imported)
        return known is not None and known.at_import and not known.failed

    def drop(self, name: str) -> None:
        """Forget a module and every edge of it."""
        self.drop_imports(name)
        for importer in self._in.pop(name, {}):
            self._out.get(importer, {}).pop(name, None)
        self._out.pop(name, None)

    def drop_imports(self, importer: str) -> None:
        """Forget what `importer` imports: it is about to be run again."""
        for imported in self._out.get(importer, {}):
            self._in[imported].pop(importer, None)
        if importer in self._out:
            self._out[importer] = {}

    def edges(self) -> Iterator[Edge]:
        """Every edge, by importer."""
        for row in list(self._out.values()):
            yield from list(row.values())

    def edge(self, importer: str, imported: str) -> Edge | None:
        """The edge between two modules, if there is one."""
        return self._out.get(importer, {}).get(imported)

    def imports_of(self, importer: str) -> list[str]:
        """What `importer` imports, in the order in which it first did; failed imports are left out."""
        return [name for name, edge in list(self._out.get(importer, {}).items()) if not edge.failed]

    def all_imports_of(self, importer: str) -> list[str]:
        """The same with the failed ones."""
        return list(self._out.get(importer, {}))

    def importers_of(self, imported: str, *, deferred: bool = True) -> list[str]:
        """Who imports `imported`; with `deferred=False` only who did so while modules were being run."""
        return [
            importer for importer in self._in.get(imported, {}) if deferred or self._out[importer][imported].at_import
        ]

    def dependents(self, names: Iterable[str]) -> set[str]:
        """`names` and everything that hangs on them through imports made while modules were being run."""
        return _reach(names, lambda name: self.importers_of(name, deferred=False))

    def dependencies(self, name: str) -> set[str]:
        """All that `name` imports, directly or through others, without itself."""
        return _reach(self.imports_of(name), self.imports_of) - {name}

    def order(self, names: Collection[str], rank: Mapping[str, int] | None = None) -> list[list[str]]:
        """`names` as groups, imported before importer; the members of a cycle are one group.

        Only imports made while modules were being run count: an import inside a function that ran later orders
        nothing. Inside a group, and where the graph leaves it open, `rank` decides (lower first); without it the order
        in which the modules were first heard of.
        """
        place = rank if rank is not None else {name: index for index, name in enumerate(self._out)}
        chosen = sorted(set(names), key=lambda name: (place.get(name, len(place)), name))
        inside = set(chosen)

        def needs(name: str) -> list[str]:
            row = self._out.get(name, {})
            found = [other for other, edge in row.items() if other in inside and edge.at_import and not edge.failed]
            return sorted(found, key=lambda other: (place.get(other, len(place)), other))

        groups = strong_components(chosen, needs)
        return [sorted(group, key=lambda name: (place.get(name, len(place)), name)) for group in groups]

    def cycles(self, *, deferred: bool = False) -> list[Cycle]:
        """One shortest cycle for every group of modules that import each other.

        With `deferred` the imports made later, inside functions, count as well.
        """

        def needs(name: str) -> list[str]:
            row = self._out.get(name, {})
            return [other for other, edge in row.items() if not edge.failed and (deferred or edge.at_import)]

        groups = [set(group) for group in strong_components(list(self._out), needs) if len(group) > 1]
        return [Cycle(_shortest_cycle(self, group, deferred)) for group in groups]

    def cycle_through(self, name: str, *, deferred: bool = False) -> Cycle | None:
        """The shortest cycle that `name` is a member of."""
        chain = _shortest_chain_back(self, name, set(self._out), deferred)
        return Cycle(chain) if chain else None

    def copy(self) -> ImportGraph:
        """An independent graph with the same nodes and edges."""
        graph = ImportGraph()
        graph.become(self)
        return graph

    def edges_from(self, importer: str) -> list[Edge]:
        """The edges to all that `importer` imports, or has failed to."""
        return list(self._out.get(importer, {}).values())

    def replace_imports(self, importer: str, edges: Iterable[Edge]) -> None:
        """Have `importer` import by these edges, and by no others."""
        self.drop_imports(importer)
        for edge in edges:
            self.add(edge)

    def become(self, other: ImportGraph) -> None:
        """Take over the nodes and edges of `other`, in place: who holds this graph sees them."""
        self._out = {name: dict(row) for name, row in list(other._out.items())}
        self._in = {name: dict(row) for name, row in list(other._in.items())}


def strong_components(nodes: Iterable[str], needs: Callable[[str], Iterable[str]]) -> list[list[str]]:
    """The strongly connected groups of a graph, each after all that it needs.

    Tarjan's algorithm (SIAM J. Comput. 1, 1972) without recursion: deep import chains are no reason to fail.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    on_path: set[str] = set()
    path: list[str] = []
    groups: list[list[str]] = []
    for root in nodes:
        if root in index:
            continue
        work = [(root, _open_node(root, index, low, path, on_path, needs))]
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in index:
                    work.append((other, _open_node(other, index, low, path, on_path, needs)))
                    break
                if other in on_path:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    groups.append(_close_group(node, path, on_path))
    return groups


def _open_node(
    node: str,
    index: dict[str, int],
    low: dict[str, int],
    path: list[str],
    on_path: set[str],
    needs: Callable[[str], Iterable[str]],
) -> Iterator[str]:
    index[node] = low[node] = len(index)
    path.append(node)
    on_path.add(node)
    return iter(list(needs(node)))


def _close_group(node: str, path: list[str], on_path: set[str]) -> list[str]:
    group = []
    while True:
        member = path.pop()
        on_path.discard(member)
        group.append(member)
        if member == node:
            return group


def _reach(names: Iterable[str], step: Callable[[str], Iterable[str]]) -> set[str]:
    found = set(names)
    waiting = list(found)
    while waiting:
        for name in step(waiting.pop()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def _shortest_cycle(graph: ImportGraph, group: set[str], deferred: bool) -> tuple[Edge, ...]:
    """The shortest chain of edges inside `group` that comes back to where it started."""
    best: tuple[Edge, ...] = ()
    for start in sorted(group):
        chain = _shortest_chain_back(graph, start, group, deferred)
        if chain and (not best or len(chain) < len(best)):
            best = chain
    return best


def _shortest_chain_back(graph: ImportGraph, start: str, group: set[str], deferred: bool) -> tuple[Edge, ...]:
    came: dict[str, Edge] = {}
    waiting = [start]
    for name in waiting:
        for imported in graph.imports_of(name):
            edge = graph.edge(name, imported)
            if edge is None or imported not in group or not (deferred or edge.at_import):
                continue
            if imported == start:
                return _walk_back(came, start, edge)
            if imported not in came:
                came[imported] = edge
                waiting.append(imported)
    return ()


def _walk_back(came: Mapping[str, Edge], start: str, last: Edge) -> tuple[Edge, ...]:
    chain = [last]
    while chain[-1].importer != start:
        chain.append(came[chain[-1].importer])
    return tuple(reversed(chain))
