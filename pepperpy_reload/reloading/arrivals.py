"""Submodules that a package does not have as attributes yet while it is run again from an empty namespace."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

from pepperpy_reload.importing.recorder import recorder

Turn = tuple[object, ...]
"""When a cold start begins to run a module; see `Scope.order`."""


class Arrivals:
    """Who looks at the namespace of a package as such finds the submodules that a cold start has loaded by then.

    The import system binds a submodule when it has loaded it. What is loaded already is bound here, as soon as what
    leads to it is imported.
    """

    def __init__(self, turn: Callable[[str], Turn]) -> None:
        self._turn = turn
        self._awaited: dict[str, dict[str, ModuleType]] = {}
        """By package that is being run: the submodules that it has had, by name."""

    def begin(self, package: ModuleType) -> None:
        """Take the submodules out of a package's namespace that are loaded while it runs, or after it."""
        name, namespace = package.__name__, vars(package)
        found = {}
        for attribute, value in list(namespace.items()):
            submodule = f"{name}.{attribute}"
            if submodule in recorder.modules and sys.modules.get(submodule) is value:
                found[attribute] = namespace.pop(attribute)
        self._awaited[name] = found

    def see(self, imported: str) -> None:
        """A module is about to be imported from: with it has come what a cold start loads before it, or for it."""
        for package, found in self._awaited.items():
            if not found or imported not in recorder.modules:
                continue
            namespace, begin = vars(sys.modules[package]), self._turn(package)
            now = self._turn(imported)[: len(begin) + 1]
            for attribute in [one for one in found if self._turn(f"{package}.{one}")[: len(begin) + 1] <= now]:
                namespace.setdefault(attribute, found.pop(attribute))

    def end(self, package: ModuleType) -> None:
        """It has been run: the others come later in a start, and are there nevertheless."""
        for attribute, submodule in self._awaited.pop(package.__name__, {}).items():
            vars(package).setdefault(attribute, submodule)
