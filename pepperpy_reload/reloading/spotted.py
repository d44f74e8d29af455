"""The modules that hold something of a kind: looked for in each once after each time that it was executed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

from pepperpy_reload.importing.loaded import Loaded
from pepperpy_reload.importing.recorder import recorder


class Spotted:
    """By module: the names that `find` finds in it. Modules without any cost nothing when they are asked for."""

    def __init__(self, find: Callable[[ModuleType | None], tuple[str, ...]]) -> None:
        self._find = find
        self._news: dict[str, None] | None = None
        self._looked: dict[str, tuple[Loaded, tuple[str, ...]]] = {}
        self._found: dict[str, tuple[str, ...]] = {}

    def look(self, name: str) -> None:
        """Look for names in a module now."""
        loaded = recorder.modules.get(name)
        if loaded is None:
            self._looked.pop(name, None)
            self._found.pop(name, None)
            return
        known = self._looked.get(name)
        if known is None or known[0] is not loaded:
            names = self._find(sys.modules.get(name))
            self._looked[name] = (loaded, names)
            self._found.pop(name, None)
            if names:
                self._found[name] = names

    def found(self) -> list[tuple[str, tuple[str, ...]]]:
        """The modules in which there are some, in the order in which a start begins them."""
        if self._news is None:
            self._news = recorder.modules.news()
        while self._news:
            self.look(self._news.popitem()[0])
        rank = recorder.rank
        return sorted(self._found.items(), key=lambda one: rank.get(one[0], len(rank)))
