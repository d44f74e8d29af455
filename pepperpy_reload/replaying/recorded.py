"""What the recorder of this process knows of the project's own modules, as plain values that can be compared."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from pepperpy_reload.importing.recorder import recorder


def recorded() -> dict[str, Any]:
    """By what it is about: all that a later reload is planned by."""
    modules = recorder.modules
    graph = recorder.graph
    return {
        "modules that are known": list(modules),
        "ranks": sorted(recorder.rank.items(), key=lambda item: item[1]),
        "importers": sorted(recorder.importers),
        "imported from outside": sorted(recorder.outside),
        "triggers": [[name, one.trigger] for name, one in modules.items()],
        "sources": [[name, one.path, hash(one.source)] for name, one in modules.items()],
        "functions that ran": [[name, _plain(one.ran)] for name, one in modules.items()],
        "files that were read": [[name, _plain(one.reads)] for name, one in modules.items()],
        "imports": [[name, [list(map(str, edge)) for edge in _edges(name)]] for name in modules],
        "nodes": [name for name in graph if name in modules],
        "runners": sorted([str(key), sorted(names)] for key, names in recorder.runners.items()),
        "settled": sorted((name, sorted(found)) for name, found in recorder.settled._prints.items()),
    }


def _edges(name: str) -> list[Any]:
    """Without what a module gives when it is asked for: others may have asked for it before."""
    edges = [recorder.graph.edge(name, other) for other in recorder.graph.all_imports_of(name)]
    return [edge for edge in edges if edge is not None and not (edge.failed and _gives(edge.imported))]


def _gives(name: str) -> bool:
    return "__getattr__" in vars(sys.modules.get(name.rpartition(".")[0], recorder))


def _plain(table: Mapping[int, set[Any]] | None) -> Any:
    return None if table is None else sorted([place, sorted(map(str, found))] for place, found in table.items())
