"""Which modules have run which functions: noted when a module has been executed, put in order when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pepperpy_reload.importing.backlog import Backlog
from pepperpy_reload.importing.footprint import CodeKey, footprint_of
from pepperpy_reload.importing.loaded import Loaded


class Runners:
    """By function: the modules that may have run it while they were executed; `Loaded.ran` is the truth."""

    def __init__(self) -> None:
        self._backlog = Backlog(2, self._take)
        self.noted = self._backlog.items
        """Modules whose `ran` is not known yet, each followed by what its activity has noted."""
        self._found: dict[CodeKey, set[str]] = {}
        self._tidied = 0

    def note(self, loaded: Loaded, noted: tuple[Any, ...]) -> None:
        """A module has run functions while it was executed."""
        self.noted += (loaded, noted)

    def sort(self) -> None:
        """Let `Loaded.ran` be known of all modules."""
        self._backlog.settle()

    def _take(self, loaded: Loaded, noted: tuple[Any, ...]) -> None:
        loaded.ran = footprint_of(noted)
        self.add(loaded.name, loaded.footprint)

    def add(self, module: str, functions: Iterable[CodeKey]) -> None:
        """`module` ran these functions while it was executed."""
        for key in functions:
            self._found.setdefault(key, set()).add(module)

    def found(self) -> dict[CodeKey, set[str]]:
        """All that is known."""
        if self.noted:
            self.sort()
        return self._found

    def forget(self, functions: Iterable[CodeKey], modules: Mapping[str, Loaded]) -> None:
        """Forget that these were run by modules of which that is not true any more."""
        footprints: dict[str, set[CodeKey]] = {}
        for key in functions:
            for name in self.found().get(key, ()):
                if name not in footprints and name in modules:
                    footprints[name] = modules[name].footprint
            left = {name for name in self._found.pop(key, ()) if key in footprints.get(name, ())}
            if left:
                self._found[key] = left

    def tidy(self, modules: Mapping[str, Loaded]) -> None:
        """Forget of functions that no module ran any more that they were run: they have moved, or are gone."""
        if len(self.found()) > self._tidied:
            self._found = {}
            for name, loaded in modules.items():
                self.add(name, loaded.footprint)
            self._tidied = len(self._found)
