"""The submodules of packages, and the names that packages have for them."""

from __future__ import annotations

import sys

from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.world import Place
from pepperpy_reload.importing.recorder import recorder


class Submodules:
    """Knows the submodules of each package, as long as no module is loaded or goes."""

    def __init__(self, scope: Traces) -> None:
        self._scope = scope
        self._known: tuple[int, dict[str, list[str]]] = (-1, {})
        """How many modules there were, and which ones were in each package."""

    def loaded_after(self, place: Place) -> set[str]:
        """The names of submodules of a statement's module that a cold start loads after it: they are bound then."""
        names = vars(sys.modules[place.module])
        return {
            name
            for submodule in self._of(place.module)
            if names.get(name := submodule.rpartition(".")[2]) is sys.modules.get(submodule)
            and self._scope.order(Place(submodule, -1)) > self._scope.order(place)
        }

    def _of(self, package: str) -> list[str]:
        if self._known[0] != len(recorder.modules):
            inside: dict[str, list[str]] = {}
            for name in recorder.modules:
                inside.setdefault(name.rpartition(".")[0], []).append(name)
            self._known = (len(recorder.modules), inside)
        return self._known[1].get(package, [])


def is_held_by_its_package(module: str) -> bool:
    """Whether a module is what its package has by its name."""
    package, _, name = module.rpartition(".")
    return not package or getattr(sys.modules.get(package), "__dict__", {}).get(name) is sys.modules.get(module)
