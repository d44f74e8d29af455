"""ModuleManager: answers questions about modules and what they import."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from types import ModuleType
from typing import Any

from pepperpy_reload.core.graph import Cycle, Edge, ImportGraph


class ModuleManager:
    """Knows modules and their imports: those registered by hand and, once an optimizer has it, all recorded ones."""

    def __init__(self) -> None:
        self._graph = ImportGraph()
        self._modules: dict[str, ModuleType | None] = {}
        self._recorded: ImportGraph | None = None

    def follow(self, recorded: ImportGraph) -> None:
        """Answer from `recorded` too."""
        self._recorded = recorded

    @property
    def graph(self) -> ImportGraph:
        """Everything that is known, as one graph."""
        if self._recorded is None:
            return self._graph
        graph = self._recorded.copy()
        for name in self._graph:
            graph.add_node(name)
        for edge in self._graph.edges():
            graph.add(edge)
        return graph

    def register_module(
        self, name: str, module: ModuleType | None = None, dependencies: Iterable[str] | None = None
    ) -> None:
        """Make `name` known, with what it imports. Registering it again replaces what it imports."""
        self._modules[name] = module
        self._graph.add_node(name)
        self._graph.drop_imports(name)
        for imported in dependencies or ():
            self._graph.add(Edge(name, imported))

    def unregister_module(self, name: str) -> bool:
        """Forget a module that was registered; whether it was."""
        known = name in self._modules
        self._modules.pop(name, None)
        self._graph.drop(name)
        return known

    def get_module_info(self, name: str) -> dict[str, Any] | None:
        """`name`, `path`, `loaded`, `dependencies`, `reverse_dependencies`; None if the module is not known."""
        graph = self.graph
        module = self._modules.get(name) or sys.modules.get(name)
        if name not in graph and name not in self._modules:
            return None
        return {
            "name": name,
            "path": getattr(module, "__file__", None),
            "loaded": name in sys.modules,
            "dependencies": graph.imports_of(name),
            "reverse_dependencies": graph.importers_of(name),
        }

    def get_dependencies(self, name: str) -> set[str]:
        """What `name` imports itself."""
        return set(self.graph.imports_of(name))

    def get_reverse_dependencies(self, name: str) -> set[str]:
        """Who imports `name` itself."""
        return set(self.graph.importers_of(name))

    def get_all_dependencies(self, name: str) -> set[str]:
        """What `name` imports, directly or through others."""
        return self.graph.dependencies(name)

    def get_dependency_order(self, modules: Collection[str] | None = None) -> list[str]:
        """`modules` (default: all that are known), imported before importer.

        The members of an import cycle stand together, in the order in which they were first loaded.
        """
        graph = self.graph
        names = list(graph) if modules is None else modules
        return [name for group in graph.order(names) for name in group]

    def check_circular_imports(self, name: str) -> list[str]:
        """The shortest import cycle that `name` is in, as a chain that begins and ends with it; [] if there is none.

        Cycles are legal and nothing refuses them.
        """
        cycle = self.graph.cycle_through(name)
        return [*cycle.modules, name] if cycle else []

    def get_cycles(self) -> list[Cycle]:
        """One shortest cycle for every group of modules that import each other while they load."""
        return self.graph.cycles()

    def list_modules(self) -> list[str]:
        """The names of all known modules."""
        return list(self.graph)

    def get_module_graph(self) -> dict[str, list[str]]:
        """What each known module imports, in the order of its imports."""
        graph = self.graph
        return {name: graph.imports_of(name) for name in graph}

    def clear(self) -> None:
        """Forget what was registered."""
        self._graph = ImportGraph()
        self._modules = {}
