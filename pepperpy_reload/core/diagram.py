"""The import graph of one run as it is drawn: modules or packages, links, and which of these close a cycle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pepperpy_reload.core.costs import ROOT, Costs
from pepperpy_reload.core.graph import Edge, strong_components


@dataclass(frozen=True, slots=True)
class Node:
    """A module, or a package with all that is drawn of it. `group` is the package by which it is coloured."""

    name: str
    group: str
    modules: int = 1
    self_time: float = 0.0
    saved: float = 0.0
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """`importer` imports `imported`, at first at `file:line`; `count` modules of one do so with modules of the other.

    `early`: it ran when the importer was loaded, and not later in a function. `back`: the imported module was being
    loaded itself. `cycle`: it is part of a cycle of early links, or a late one that closes one. `follows`: a longer
    way from one to the other is drawn as well.
    """

    importer: str
    imported: str
    file: str = ""
    line: int = 0
    early: bool = True
    back: bool = False
    count: int = 1
    cycle: bool = False
    follows: bool = False

    @property
    def leads_down(self) -> bool:
        """Whether what is imported is drawn below: such links have no cycle in one run."""
        return self.early and not self.back


@dataclass(frozen=True, slots=True)
class Diagram:
    """Nodes in the order in which they were loaded, and the links between them."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    @property
    def groups(self) -> list[str]:
        """The packages by which nodes are coloured, those with the most nodes first."""
        return [group for group, _ in Counter(node.group for node in self.nodes).most_common()]


def diagram(costs: Costs, chosen: Collection[str], target: str, *, grouped: bool = False) -> Diagram:
    """The graph of the modules in `chosen`, or of their packages; a script is a node of its own, called `target`.

    An import of a submodule from inside its own package is no import of that package: it was there before.
    """
    loaded = {
        name: number for name, number in costs.by_name.items() if name in chosen and not costs.loads[number].error
    }
    is_script, meant = target.partition(":")[0] not in costs.by_name, _meant(costs)
    edges = [
        edge
        for edge in costs.edges.values()
        if _is_drawn(edge, loaded, is_script)
        and (not edge.importer.startswith(f"{edge.imported}.") or (edge.importer, edge.imported) in meant)
    ]
    group = groups(list(loaded))
    nodes = [
        Node(
            name,
            group[name],
            1,
            costs.self_times[costs.by_name[name]],
            costs.exclusive(name),
            costs.loads[costs.by_name[name]].origin,
        )
        for name in loaded
    ]
    if any(edge.importer == ROOT for edge in edges):
        nodes.insert(0, Node(target, target))
    links = [
        Link(edge.importer or target, edge.imported, edge.file, edge.line, edge.at_import, edge.back) for edge in edges
    ]
    if grouped:
        nodes, links = _folded(nodes, links, costs)
    return Diagram(tuple(nodes), tuple(_told([node.name for node in nodes], links)))


def _is_drawn(edge: Edge, chosen: Collection[str], is_script: bool) -> bool:
    importer = edge.importer in chosen or (is_script and edge.importer == ROOT)
    return importer and edge.imported in chosen and not edge.failed


def _meant(costs: Costs) -> Collection[tuple[str, str]]:
    """Who names a module for its own sake, and not on the way to a submodule."""
    return {
        (use.importer, use.module)
        for use in costs.uses
        if not use.names or any(f"{use.module}.{name}" not in costs.by_name for name in use.names)
    }


def groups(names: Sequence[str]) -> Mapping[str, str]:
    """The package of each module at the first level at which there are several of them."""
    depth = 1
    while len({".".join(name.split(".")[:depth]) for name in names}) < 2:
        if all(name.count(".") < depth for name in names):
            break
        depth += 1
    return {name: ".".join(name.split(".")[:depth]) for name in names}


def _folded(nodes: Sequence[Node], links: Sequence[Link], costs: Costs) -> tuple[list[Node], list[Link]]:
    group = {node.name: node.group for node in nodes}
    found: dict[str, Node] = {}
    for node in nodes:
        known = found.get(node.group)
        if known is None:
            saved = costs.exclusive(node.group) if node.group in costs.by_name else node.saved
            found[node.group] = Node(node.group, node.group, 1, node.self_time, saved)
        else:
            time = known.self_time + node.self_time
            found[node.group] = replace(known, modules=known.modules + 1, self_time=time)
    joined: dict[tuple[str, str], Link] = {}
    for link in links:
        ends = group[link.importer], group[link.imported]
        if ends[0] == ends[1]:
            continue
        first = joined.get(ends)
        if first is None:
            joined[ends] = replace(link, importer=ends[0], imported=ends[1])
        else:
            joined[ends] = replace(
                first, count=first.count + 1, early=first.early or link.early, back=first.back and link.back
            )
    return list(found.values()), list(joined.values())


def _told(names: Sequence[str], links: Sequence[Link]) -> list[Link]:
    """The links with what they are to each other."""
    early, every = _homes(names, [link for link in links if link.early]), _homes(names, links)
    places = {name: place for place, name in enumerate(names)}
    reach, steps = _reach(names, [link for link in links if link.leads_down])

    def told(link: Link) -> Link:
        home = early if link.early else every
        cycle = home[link.importer] == home[link.imported]
        ways = (other for other in steps[link.importer] if other != link.imported)
        place = places[link.imported] if link.leads_down else -1
        return replace(link, cycle=cycle, follows=place >= 0 and any(reach[other] >> place & 1 for other in ways))

    return [told(link) for link in links]


def _homes(names: Sequence[str], links: Iterable[Link]) -> Mapping[str, int]:
    """Which names are in a cycle together: those with the same number."""
    below = _below(names, links)
    return {name: number for number, group in enumerate(strong_components(names, below.__getitem__)) for name in group}


def _below(names: Sequence[str], links: Iterable[Link]) -> dict[str, list[str]]:
    below: dict[str, list[str]] = {name: [] for name in names}
    for link in links:
        below[link.importer].append(link.imported)
    return below


def _reach(names: Sequence[str], links: Iterable[Link]) -> tuple[Mapping[str, int], Mapping[str, Sequence[str]]]:
    """What can be come to from each name, itself too, as bits in the order of the names; and the first steps."""
    below = _below(names, links)
    bit = {name: 1 << place for place, name in enumerate(names)}
    reach: dict[str, int] = {}
    for group in strong_components(names, below.__getitem__):  # the imported ones first
        bits = 0
        for name in group:
            bits |= bit[name]
            for other in below[name]:
                bits |= reach.get(other, 0)
        reach.update(dict.fromkeys(group, bits))
    return reach, below
