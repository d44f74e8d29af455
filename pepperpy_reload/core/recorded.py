"""The import cycles of a running program: from the edges that were recorded, and from as few sources as possible.

Reading a source takes milliseconds. A module without an import inside a block has all of its imports at module level,
where they have been recorded: its source is read only if one of them may be to move.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from pepperpy_reload.core.cycles import CycleGraph, Step, targets
from pepperpy_reload.core.graph import Edge
from pepperpy_reload.core.imports import Import, Place, Source

_INSIDE = re.compile(rb"(?:^[ \t]+|[:;][ \t]*)(?:from|import)\b", re.MULTILINE)


def has_inner_imports(text: bytes) -> bool:
    """Whether a source may have an import statement that is no line of its own at module level."""
    return _INSIDE.search(text) is not None


def recorded(
    edges: Iterable[Edge],
    sources: Mapping[str, Source],
    read: Collection[str],
    within: Collection[str] | None = None,
) -> CycleGraph:
    """The graph of the recorded `edges`, and of the imports that did not run of the sources in `read`.

    With `within` it has only imports between these modules.
    """
    of_statements = [edge for edge in edges if edge.file]
    importers = {edge.importer for edge in of_statements}
    known = {*importers, *read, *(edge.imported for edge in of_statements if not edge.failed)}
    graph = CycleGraph(sources, known)
    if within is not None:
        of_statements = [edge for edge in of_statements if edge.importer in within and edge.imported in within]
    for step in chain(_steps(of_statements, importers, known, sources, read), _missing(of_statements)):
        graph.add(step)
    for name in read:
        graph.add_source(sources[name])
    return graph


def _steps(
    edges: Sequence[Edge],
    importers: Collection[str],
    known: Collection[str],
    sources: Mapping[str, Source],
    read: Collection[str],
) -> Iterator[Step]:
    for edge in edges:
        if edge.failed and edge.imported not in importers:
            continue
        is_inside = f"{edge.importer}.".startswith(f"{edge.imported}.")
        source = sources.get(edge.importer) if is_inside or edge.importer in read else None
        statements = _at(source, edge.line) if source is not None else []
        if is_inside and not _is_needed(edge, statements, known):
            continue
        place = Place.MODULE if edge.at_import else Place.FUNCTION
        written = next((one.place for one in statements if one.place is not Place.TYPING), place)
        yield Step(edge.importer, edge.imported, edge.file, edge.line, written, ran=True, back=edge.back)


def _at(source: Source, line: int) -> list[Import]:
    return [one for one in source.imports if one.line <= line <= one.last_line]


def _is_needed(edge: Edge, statements: Iterable[Import], known: Collection[str]) -> bool:
    """Whether a module inside a package takes anything of that package itself."""
    return any(
        edge.imported in targets(edge.importer, one.module, [name.asked for name in one.names if name.asked], known)
        for one in statements
    )


def _missing(edges: Sequence[Edge]) -> Iterator[Step]:
    """The imports of names that a module which was still being executed had not bound: they have failed."""
    back = {(edge.importer, edge.imported) for edge in edges if edge.back}
    for edge in edges:
        module, _, name = edge.imported.rpartition(".")
        if edge.failed and (edge.importer, module) in back:
            yield Step(edge.importer, module, edge.file, edge.line, missing=(name,), ran=True, back=True)
