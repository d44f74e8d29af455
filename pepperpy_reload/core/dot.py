"""An import graph in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from pepperpy_reload.core.diagram import Diagram, Node
from pepperpy_reload.core.palette import LIGHT, OTHER, colours

_CYCLE = "#c8321f"


def dot(drawn: Diagram) -> str:
    """A digraph with a cluster for each package of several modules; links of cycles are red, late ones dashed."""
    shade = colours(drawn.groups)
    groups: dict[str, list[Node]] = {}
    for node in drawn.nodes:
        groups.setdefault(node.group, []).append(node)
    lines = ["digraph imports {", "  rankdir=TB;", '  node [shape=box, style="rounded,filled", fontname="monospace"];']
    for number, (group, nodes) in enumerate(groups.items()):
        lines += _cluster(number, group, nodes, LIGHT[shade[group]] if shade[group] >= 0 else OTHER[0])
    for link in drawn.links:
        wishes = []
        if link.cycle:
            wishes += [f'color="{_CYCLE}"', "penwidth=2"]
        if not link.early:
            wishes.append("style=dashed")
        if link.file and link.line:
            wishes.append(f"tooltip={_quoted(f'{link.file}:{link.line}')}")
        rest = f" [{', '.join(wishes)}]" if wishes else ""
        lines.append(f"  {_quoted(link.importer)} -> {_quoted(link.imported)}{rest};")
    return "\n".join([*lines, "}", ""])


def _cluster(number: int, group: str, nodes: list[Node], colour: str) -> Iterator[str]:
    several = len(nodes) > 1
    if several:
        yield f"  subgraph cluster_{number} {{"
        yield f"    label={_quoted(group)}; style=rounded; color=gray;"
    for node in nodes:
        yield f'  {"  " if several else ""}{_quoted(node.name)} [fillcolor="{colour}"];'
    if several:
        yield "  }"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
