"""The import cycles that an edit brings: looked for once it has been told what became of it."""

from __future__ import annotations

import ast
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress

from pepperpy_reload.core.cycles import Circle
from pepperpy_reload.core.effects import static_imports
from pepperpy_reload.core.graph import Edge, ImportGraph
from pepperpy_reload.core.recorded import recorded
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.circular import current_sources, read_text

_DONE = (ReloadStatus.RELOADED, ReloadStatus.UNCHANGED)
Texts = dict[str, bytes]


class CycleWatch:
    """Knows the texts of the modules before the edits; `texts` are those at the beginning, by module."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._told: set[frozenset[tuple[str, str]]] = set()

    def know(self) -> None:
        """A batch is going to be applied: what has been loaded since the last one is no edit."""
        for name, loaded in list(recorder.modules.items()):
            self._texts.setdefault(name, loaded.source)

    def look(self, reports: Sequence[ReloadReport]) -> list[Circle]:
        """The cycles that have come since the last look, through imports that are new in the reports' files.

        An edit that could not be applied counts as well: what it would bring is told once.
        """
        is_done = reports[-1].status in _DONE
        edited = dict(self._edited({path for report in reports for path in report.paths}, is_done=is_done))
        pairs = [(name, other) for name, text in edited.items() for other in self._new_imports(name, text)]
        found = [one for one in _circles(pairs, {} if is_done else edited) if _key(one) not in self._told]
        self._told = set() if is_done else {*self._told, *map(_key, found)}
        if is_done:
            self._texts |= edited
        return found

    def _edited(self, paths: Collection[str], *, is_done: bool) -> Iterator[tuple[str, bytes]]:
        """The modules whose texts are others than before, and their new texts."""
        files = {*paths, *map(os.path.realpath, paths)}
        for name, loaded in list(recorder.modules.items()):
            if loaded.path in files or name not in self._texts:
                text = loaded.source if is_done else read_text(loaded.path)
                if text != self._texts.get(name):
                    yield name, text

    def _new_imports(self, name: str, text: bytes) -> set[str]:
        before = self._texts.get(name)
        return _imports(name, text) - (_imports(name, before) if before is not None else set())


def _key(circle: Circle) -> frozenset[tuple[str, str]]:
    return frozenset((step.importer, step.imported) for step in circle.steps)


def _imports(name: str, text: bytes) -> set[str]:
    """The modules that a text may import when it is executed."""
    loaded = recorder.by_name[name]
    package = name if os.path.basename(loaded.path) == "__init__.py" else name.rpartition(".")[0]
    with suppress(SyntaxError, ValueError, RecursionError):
        return {imported for imported, _ in static_imports(ast.parse(text), package)}
    return set()


def _circles(pairs: Sequence[tuple[str, str]], texts: Mapping[str, bytes]) -> list[Circle]:
    """The cycles through some imports; `texts` are those of modules that did not come to be executed."""
    graph = recorder.graph.copy() if pairs else ImportGraph()
    for importer, imported in pairs:
        if imported in graph:
            graph.add(Edge(importer, imported))
    inside: set[str] = set()
    for importer, imported in pairs:
        if imported in (above := graph.dependents([importer])):
            inside |= above & {imported, *graph.dependencies(imported)}
    if not inside:
        return []
    sources = current_sources(texts)
    edges = (edge for edge in recorder.graph.edges() if edge.importer not in texts)
    read = [name for name in texts if name in inside and sources.get(name) is not None]
    return recorded(edges, sources, read, inside).circles_through(pairs)
