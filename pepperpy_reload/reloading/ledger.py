"""What is known of each loaded module unit by unit: made when it is first asked for, and kept while it holds."""

from __future__ import annotations

import ast
import bisect
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pepperpy_reload.core.names import Function, local_names
from pepperpy_reload.core.statement import first_line
from pepperpy_reload.core.unit import FunctionFacts, Unit, function_facts, read_units
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.recorder import Loaded, recorder


@dataclass(slots=True)
class Page:
    """One module: its units, and the functions and files that each of them used when it was executed."""

    loaded: Loaded
    tree: ast.Module
    units: list[Unit]
    ran: list[set[CodeKey]]
    reads: list[set[str]]
    _nodes: dict[CodeKey, tuple[Function, ...]] | None = field(default=None, repr=False)
    _facts: dict[CodeKey, FunctionFacts] = field(default_factory=dict, repr=False)

    def facts(self, key: CodeKey) -> FunctionFacts | None:
        """The facts of a function in the source, None if there is no such function."""
        if self._nodes is None:
            path = self.loaded.path
            self._nodes = {
                CodeKey(path, qualname, first_line(nodes[-1])): nodes
                for qualname, nodes in _functions(self.tree, "", ())
            }
        if key not in self._facts and key in self._nodes:
            *around, node = self._nodes[key]
            outer: frozenset[str] = frozenset()
            for function in around:
                outer = local_names(function, outer)
            self._facts[key] = function_facts(node, package_of(self.loaded), outer)
        return self._facts.get(key)

    def units_at(self, line: int, column: int = -1) -> list[int]:
        """The units that cover a place of the source."""
        return _covering(self.units, line, column)


_pages: dict[str, Page] = {}
_said: dict[tuple[str, bytes], tuple[bytes, bool]] = {}


def page(name: str) -> Page | None:
    """The page of a loaded module; None if it is not known or its source does not parse."""
    loaded = recorder.modules.get(name)
    if loaded is None:
        return None
    known = _pages.get(name)
    if known is None or known.loaded is not loaded:
        known = _make(loaded, known)
        if known is not None:
            _pages[name] = known
    return known


def captures_code(name: str) -> bool:
    """Whether a module's source speaks of the code objects of functions: it may have put them somewhere."""
    return _says(name, b"__code__")


def looks_up_modules(name: str) -> bool:
    """Whether a module may read from modules that it does not import: by the table of modules, or in `exec`."""
    return any(_says(name, text) for text in (b"sys.modules", b"exec(", b"eval("))


def _says(name: str, text: bytes) -> bool:
    loaded = recorder.modules[name]
    known = _said.get((name, text))
    if known is None or known[0] is not loaded.source:
        known = _said[name, text] = (loaded.source, text in loaded.source)
    return known[1]


def package_of(loaded: Loaded) -> str:
    """What a module's relative imports are relative to."""
    return loaded.name if os.path.basename(loaded.path) == "__init__.py" else loaded.name.rpartition(".")[0]


def _make(loaded: Loaded, known: Page | None) -> Page | None:
    if known is not None and known.loaded.source is loaded.source:
        tree, units = known.tree, known.units
    else:
        try:
            tree = ast.parse(loaded.source)
        except (SyntaxError, ValueError):
            return None
        units = read_units(loaded.source, tree, package_of(loaded))
    if loaded.by_unit:
        ran = [set((loaded.ran or {}).get(index, ())) for index in range(len(units))]
        reads = [set(loaded.reads.get(index, ())) for index in range(len(units))]
    else:
        ran, reads = [set() for _ in units], [set() for _ in units]
        positions = list(loaded.code.co_positions())
        for table, per_unit in ((loaded.ran or {}, ran), (loaded.reads, reads)):
            for offset, found in table.items():
                for index in _at_offset(units, positions, offset):
                    per_unit[index].update(found)  # type: ignore[arg-type]
    return Page(loaded, tree, units, ran, reads)


def trigger_unit(loaded: Loaded) -> int:
    """The index of the unit whose import loaded a module, in its importer; -1 if it is not known."""
    if loaded.trigger is None:
        return -1
    importer, place = loaded.trigger
    known = page(importer)
    if known is None or place < 0 or known.loaded.by_unit:
        return place if known is not None else -1
    found = _at_offset(known.units, list(known.loaded.code.co_positions()), place)
    return found[0] if found else -1


def offset_of(loaded: Loaded, unit: int) -> int:
    """Where a unit begins, as triggers and footprints of its module name it; -1 if that is not known."""
    known = page(loaded.name)
    if known is None or unit < 0 or loaded.by_unit:
        return unit
    positions = list(loaded.code.co_positions())
    offsets = range(0, 2 * len(positions), 2)
    return next((offset for offset in offsets if _at_offset(known.units, positions, offset) == [unit]), -1)


def _at_offset(units: Sequence[Unit], positions: Sequence[tuple[int | None, ...]], offset: int) -> list[int]:
    if not 0 <= offset // 2 < len(positions):
        return []
    line, _, column, _ = positions[offset // 2]
    return _covering(units, line or 0, -1 if column is None else column)


def _covering(units: Sequence[Unit], line: int, column: int) -> list[int]:
    lines = [unit.line for unit in units]
    last = bisect.bisect_right(lines, line)
    found = [index for index in range(last) if units[index].last_line >= line]
    if column >= 0 and len(found) > 1:
        exact = [index for index in found if _covers(units[index], line, column)]
        return exact or found
    return found


def _covers(unit: Unit, line: int, column: int) -> bool:
    node = unit.statement.node
    after_start = line > unit.line or column >= node.col_offset or unit.line < node.lineno
    before_end = line < unit.last_line or column < (node.end_col_offset or 0)
    return after_start and before_end


def _functions(node: ast.AST, prefix: str, around: tuple[Function, ...]) -> Iterator[tuple[str, tuple[Function, ...]]]:
    """Every function of a tree with its qualified name (PEP 3155), the functions around it before it."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.ClassDef):
            yield from _functions(inner, f"{prefix}{inner.name}.", around)
        elif isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            name = prefix + getattr(inner, "name", "<lambda>")
            yield name, (*around, inner)
            yield from _functions(inner, f"{name}.<locals>.", (*around, inner))
        else:
            yield from _functions(inner, prefix, around)
