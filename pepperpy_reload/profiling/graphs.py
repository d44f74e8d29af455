"""The import graph of a target in all forms in which a person may want it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict

from pepperpy_reload.core.costs import Costs
from pepperpy_reload.core.cycles import Circle, circles
from pepperpy_reload.core.diagram import Diagram, diagram
from pepperpy_reload.core.dot import dot
from pepperpy_reload.drawing.graph_page import graph_page
from pepperpy_reload.drawing.graph_picture import graph_picture
from pepperpy_reload.errors import UsageError
from pepperpy_reload.profiling.files import check_name, write
from pepperpy_reload.profiling.run import Profile, profile
from pepperpy_reload.profiling.sources import own_sources


def draw(target: str, search: Sequence[str], files: Mapping[str, str], *, everything: bool, grouped: bool) -> int:
    """Write a target's import graph to `files`, by kind; returns the exit status: 1 if the target raised.

    It has the user's own modules, or `everything`. Raises UsageError.
    """
    if not files:
        raise UsageError("say what to write: --html, --svg, --dot or --json, with FILE; - is standard output")
    for kind, file in files.items():
        check_name(kind, file)
    seen = profile(target, search, os.environ)
    sources = own_sources(seen.costs, target, search)
    chosen = set(seen.costs.by_name) if everything else _own_modules(seen.costs, target, sources)
    cycles = circles(seen.costs, sources)
    for kind, file in files.items():
        write(kind, file, _file(kind, seen, chosen, cycles, grouped=grouped))
    return int(bool(seen.error))


def _own_modules(costs: Costs, target: str, sources: Collection[str]) -> set[str]:
    """The modules of the packages that are the user's own: of those with `sources`, and of the target's."""
    name = target.partition(":")[0]
    tops = {source.partition(".")[0] for source in sources}
    if not name.endswith(".py") and os.sep not in name:
        tops.add(name.partition(".")[0])
    return {one for one in costs.by_name if one.partition(".")[0] in tops}


def _file(kind: str, seen: Profile, chosen: Collection[str], cycles: Sequence[Circle], *, grouped: bool = False) -> str:
    """The import graph of the modules in `chosen` as svg, dot, json or html; `grouped`: a node for each package.

    The page has all modules in any case, and its packages closed if `grouped`.
    """
    drawn = diagram(seen.costs, chosen, seen.target, grouped=grouped and kind != "html")
    if kind == "html":
        return graph_page(drawn, seen.target, cycles, folded=grouped)
    if kind == "json":
        return json.dumps(_as_plain(drawn, cycles))
    return dot(drawn) if kind == "dot" else graph_picture(drawn, seen.target)


def _as_plain(drawn: Diagram, cycles: Sequence[Circle]) -> dict[str, object]:
    return {
        "nodes": [asdict(node) for node in drawn.nodes],
        "links": [asdict(link) for link in drawn.links],
        "cycles": [[asdict(step) for step in circle.steps] for circle in cycles],
    }
