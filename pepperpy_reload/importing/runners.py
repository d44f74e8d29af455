"""Which modules have run which functions: noted when a module has been executed, put in order when somebody asks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from pepperpy_reload.importing.footprint import CodeKey, footprint_of
from pepperpy_reload.importing.loaded import Loaded


class Runners:
    """By function: the modules that may have run it while they were executed; `Loaded.ran` is the truth."""

    def __init__(self) -> None:
        self.noted: deque[Any] = deque()
        """Modules whose `ran` is not known yet, each followed by what its activity has noted."""
        self._found: dict[CodeKey, set[str]] = {}
        self._tidied = 0
        self._lock = threading.RLock()  # held while notes are put in order, never while anything is imported
        self._sorting = False

    def note(self, loaded: Loaded, noted: tuple[Any, ...]) -> None:
        """A module has run functions while it was executed."""
        self.noted += (loaded, noted)

    def sort(self) -> None:
        """Let `Loaded.ran` be known of all modules."""
        with self._lock:
            if self._sorting:  # a signal's handler, on the same thread
                return
            self._sorting = True
            try:
                while self.noted:
                    loaded, noted = self.noted[0], self.noted[1]
                    loaded.ran = footprint_of(noted)
                    self.add(loaded.name, loaded.footprint)
                    self.noted.popleft()  # only now: who finds nothing to do here finds all of it there
                    self.noted.popleft()
            finally:
                self._sorting = False

    def add(self, module: str, functions: Iterable[CodeKey]) -> None:
        """`module` ran these functions while it was executed."""
        for key in functions:
            self._found.setdefault(key, set()).add(module)

    def found(self) -> dict[CodeKey, set[str]]:
        """All that is known."""
        if self.noted:
            self.sort()
        return self._found

    def tidy(self, modules: Mapping[str, Loaded]) -> None:
        """Forget of functions that no module ran any more that they were run: they have moved, or are gone."""
        if len(self.found()) > self._tidied:
            self._found = {}
            for name, loaded in modules.items():
                self.add(name, loaded.footprint)
            self._tidied = len(self._found)
