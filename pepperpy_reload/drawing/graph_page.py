"""The page that shows an import graph: packages that open and close, neighbourhoods, cycles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pepperpy_reload.core.cycles import Circle
from pepperpy_reload.core.diagram import Diagram
from pepperpy_reload.core.palette import colours
from pepperpy_reload.drawing.excerpt import place_of
from pepperpy_reload.drawing.webpage import webpage


def graph_page(drawn: Diagram, target: str, cycles: Sequence[Circle], *, folded: bool = False) -> str:
    """One file of HTML. With `folded` no package is open at first; otherwise as many as can be taken in at a glance."""
    shade = colours(drawn.groups)
    number = {node.name: place for place, node in enumerate(drawn.nodes)}
    data: dict[str, Any] = {
        "target": target,
        "folded": folded,
        "groups": [[group, place] for group, place in shade.items()],
        "nodes": [
            [
                node.name,
                shade[node.group],
                round(node.self_time, 7),
                round(node.saved, 7),
                place_of(node.origin, 1).rpartition(":")[0] if node.origin else "",
            ]
            for node in drawn.nodes
        ],
        "links": [
            [
                number[link.importer],
                number[link.imported],
                place_of(link.file, link.line) if link.file and link.line else "",
                int(link.early),
                int(link.leads_down),
                int(link.cycle),
            ]
            for link in drawn.links
        ],
        "cycles": [
            {
                "harm": str(circle.harm),
                "steps": [
                    [step.importer, step.imported, place_of(step.file, step.line) if step.file else ""]
                    for step in circle.steps
                ],
            }
            for circle in cycles
            if all(name in number for name in circle.modules)
        ],
    }
    return webpage("graph", f"What {target} imports", data)
