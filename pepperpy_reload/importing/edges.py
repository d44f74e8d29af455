"""Imports as edges: noted in passing while modules are executed, put into the graph when somebody asks it something."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import CodeType, FrameType
from typing import Any

from pepperpy_reload.core.graph import Edge, EdgeKind, ImportGraph
from pepperpy_reload.importing.backlog import Backlog

_ITEMS = 5
_MANY = 50_000 * _ITEMS
"""So many notes are put into the graph without being asked: a module may import in a loop that never ends."""


class RecordedGraph(ImportGraph):
    """The graph of the imports of this process, as of all that has been noted.

    Notes come from all threads, and are taken in the order in which they came. What was being executed when an import
    was noted follows from that order.
    """

    def __init__(self) -> None:
        self._backlog = Backlog(_ITEMS, self._take)
        self.notes = self._backlog.items
        """Five items each:

        Importer, imported, what was named of it that is a module (None for `import x.y`), the code of the importer and
        the offset in it: an import statement that a module has executed itself, and that has worked. Without a code: a
        module, and whether its execution begins or ends; or an Edge.
        """
        self._known = ImportGraph()
        self._running: set[str] = set()
        super().__init__()

    @property
    def _out(self) -> dict[str, dict[str, Edge]]:
        if self.notes:
            self._backlog.settle()
        return self._known._out

    @_out.setter
    def _out(self, rows: dict[str, dict[str, Edge]]) -> None:
        with self._backlog.lock:
            self.notes.clear()
            self._known._out = rows

    @property
    def _in(self) -> dict[str, dict[str, None]]:
        if self.notes:
            self._backlog.settle()
        return self._known._in

    @_in.setter
    def _in(self, rows: dict[str, dict[str, None]]) -> None:
        self._known._in = rows

    def settle(self) -> None:
        """Take all notes now."""
        self._backlog.settle()

    def begin(self, name: str) -> None:
        """Module `name` begins to be executed: what it imported before counts no more."""
        self.notes += (name, True, None, None, 0)

    def note(self, edge: Edge) -> None:
        """The same as `add`, when somebody asks."""
        self.notes += (edge, None, None, None, 0)

    def end(self, name: str) -> None:
        """It has been executed, or has failed."""
        self.notes += (name, False, None, None, 0)
        if len(self.notes) > _MANY:
            self._backlog.settle()

    def _take(
        self, importer: Any, imported: Any, submodules: tuple[str, ...] | None, code: CodeType | None, offset: int
    ) -> None:
        if code is not None:
            self._add_statement(importer, imported, submodules, code, offset)
        elif type(importer) is Edge:
            self._known.add(importer)
        elif imported:
            self._known.add_node(importer)
            self._known.drop_imports(importer)
            self._running.add(importer)
        else:
            self._running.discard(importer)

    def _add_statement(
        self, importer: str, imported: str, submodules: tuple[str, ...] | None, code: CodeType, offset: int
    ) -> None:
        kind = EdgeKind.IMPORT if submodules is None else EdgeKind.FROM
        line = 0
        for name in with_packages(imported) if submodules is None else (imported, *submodules):
            if name != importer and not self._known.is_settled(importer, name):
                line = line or line_at(code, offset)
                self._known.add(Edge(importer, name, code.co_filename, line, kind, True, name in self._running))


def line_at(code: CodeType, offset: int) -> int:
    """The line of an instruction."""
    for start, end, line in code.co_lines():
        if start <= offset < end:
            return line or 0
    return code.co_firstlineno


def with_packages(name: str) -> list[str]:
    """The module and the packages that it is in, outermost first."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def frame_of(namespace: Mapping[str, Any], frame: FrameType) -> FrameType:
    """The innermost frame of that namespace: somebody else may have wrapped `__import__` as well."""
    found: FrameType | None = frame
    while found is not None and found.f_globals is not namespace:
        found = found.f_back
    return found or frame


def is_initializing(name: str) -> bool:
    """Whether a module is being executed by the import system."""
    return bool(getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False))


def absolute(namespace: Mapping[str, Any], name: str, level: int) -> str:
    """The absolute name that a relative import means (PEP 328, PEP 366)."""
    package = namespace.get("__package__")
    if package is None:
        package = namespace["__name__"]
        if "__path__" not in namespace:
            package = package.rpartition(".")[0]
    base = package.rsplit(".", level - 1)[0] if level > 1 else package
    return f"{base}.{name}" if name else base


def targets(full: str, fromlist: tuple[str, ...] | None, *, failed: bool) -> list[tuple[str, bool]]:
    """The modules that an import statement reaches, and whether each could not be had."""
    if not fromlist:
        return [(name, name not in sys.modules) for name in with_packages(full)]
    module = sys.modules.get(full)
    found = [(full, module is None)]
    for name in fromlist if "*" not in fromlist else getattr(module, "__all__", ()):
        submodule = f"{full}.{name}"
        if submodule in sys.modules:
            found.append((submodule, False))
        elif failed or (module is not None and name not in vars(module) and not hasattr(type(module), name)):
            found.append((submodule, True))
    return found
