"""The page that shows what imports cost: bars over time, every figure, every importer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from pepperpy_reload.core.costs import Costs
from pepperpy_reload.core.palette import colours
from pepperpy_reload.core.timeline import lanes
from pepperpy_reload.drawing.excerpt import place_of
from pepperpy_reload.drawing.webpage import webpage


def costs_page(costs: Costs, target: str, error: str = "", runs: Sequence[float] = ()) -> str:
    """One file of HTML. `runs` are the seconds of each run, if there were several."""
    return webpage("costs", f"Imports of {target}", _data(costs, target, error, runs))


def _data(costs: Costs, target: str, error: str, runs: Sequence[float]) -> dict[str, Any]:
    groups = costs.groups()
    shade = colours([group.name for group in groups], sys.stdlib_module_names)
    lines, bars = [], {}
    for place, lane in enumerate(lanes(costs)):
        lines.append({"name": lane.name, "rows": lane.rows})
        bars.update({bar.number: (place, bar) for bar in lane.bars})
    modules = []
    for number, load in enumerate(costs.loads):
        place, bar = bars[number]
        first = costs.by_name[load.name] == number
        modules.append(
            {
                "name": load.name,
                "lane": place,
                "depth": bar.depth,
                "parent": load.parent,
                "start": _short(bar.start),
                "end": _short(bar.end),
                "self": _short(costs.self_times[number]),
                "saved": _short(costs.exclusive(load.name)) if first else 0,
                "memory": costs.memory_of(number),
                "kind": load.kind,
                "colour": shade[load.name.partition(".")[0]],
                "importer": load.importer,
                "at": place_of(load.file, load.line) if load.file and load.line else "",
                "file": place_of(load.origin, 1).rpartition(":")[0] if load.origin else "",
                "error": load.error,
            }
        )
    return {
        "target": target,
        "python": ".".join(map(str, sys.version_info[:3])),
        "error": error,
        "runs": list(runs),
        "total": costs.total,
        "count": len(costs.by_name),
        "memory": sum(costs.loads[number].memory for number in costs.children.get(-1, ())),
        "lanes": lines or [{"name": "main thread", "rows": 1}],  # a script may import nothing
        "modules": modules,
        "packages": [
            [
                group.name,
                shade[group.name],
                group.modules,
                _short(group.exclusive),
                _short(group.self_time),
                group.memory,
            ]
            for group in groups
        ],
        "edges": [
            [
                edge.importer,
                edge.imported,
                place_of(edge.file, edge.line) if edge.file and edge.line else "",
                int(edge.at_import),
            ]
            for edge in costs.edges.values()
        ],
    }


def _short(seconds: float) -> float:
    return round(seconds, 7)
