"""The first-party modules that have been run, so that nobody has to go through all of them for the sake of one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from weakref import ref

from pepperpy_reload.importing.backlog import Backlog
from pepperpy_reload.importing.loaded import Loaded

Trigger = tuple[str, int] | None


def _sorter(known: Known) -> Callable[[str], None]:
    """Sorts a module in, and holds nothing that holds it: what is known is replaced when a batch is taken back."""
    held = ref(known)

    def sort(name: str) -> None:
        if (now := held()) is not None:
            now.sort(name)

    return sort


class Known(dict[str, Loaded]):
    """What is known of each module, by name; also by file, by who has loaded it, and what of it is news.

    It is written to by single items only (`known[name] = loaded`, `pop`, `hand_on`). Modules are loaded in any
    thread, each in one at a time.
    """

    def __init__(self, news: Iterable[dict[str, None]] = ()) -> None:
        super().__init__()
        self._news = list(news)
        self._fresh = Backlog(1, _sorter(self))
        """Modules that are found by their names alone as yet."""
        self._names: dict[str, dict[str, None]] = {}
        """By path: the modules made from it. What has been a path stays one."""
        self._unsorted: list[str] = []
        """Paths of which nobody knows the real one yet."""
        self._paths: dict[str, list[str]] = {}
        """By real path."""
        self._directories: dict[str, str] = {}
        self._loaded_by: dict[str, dict[str, None]] = {}

    def news(self) -> dict[str, None]:
        """All names, and later those of modules that have been written to; whoever has it takes them out."""
        found = dict.fromkeys(self)
        self._news.append(found)
        return found

    def __setitem__(self, name: str, loaded: Loaded) -> None:
        before = self.get(name)
        if before is not None:
            self._fresh.settle()
        super().__setitem__(name, loaded)
        if before is None:
            self._fresh.items.append(name)
        else:
            self._move(name, before, loaded)
        for news in self._news:
            news[name] = None

    def sort(self, name: str) -> None:
        """Have a module found by its file, too, and by who has loaded it."""
        loaded = self.get(name)
        if loaded is not None:
            self._move(name, None, loaded)

    def _move(self, name: str, before: Loaded | None, loaded: Loaded) -> None:
        if before is None or before.path != loaded.path:
            if before is not None:
                self._names[before.path].pop(name, None)
            if loaded.path not in self._names:
                self._names[loaded.path] = {}
                self._unsorted.append(loaded.path)
            self._names[loaded.path][name] = None
        old = before.trigger[0] if before is not None and before.trigger is not None else None
        new = loaded.trigger[0] if loaded.trigger is not None else None
        if old != new:
            if old is not None and old in self._loaded_by:
                self._loaded_by[old].pop(name, None)
            if new is not None:
                self._loaded_by.setdefault(new, {})[name] = None

    def pop(self, name: str, *default: Any) -> Any:
        """Forget a module: what was known of it."""
        self._fresh.settle()
        loaded = super().pop(name, None)
        if loaded is None:
            return super().pop(name, *default)
        self._names[loaded.path].pop(name, None)
        if loaded.trigger is not None and loaded.trigger[0] in self._loaded_by:
            self._loaded_by[loaded.trigger[0]].pop(name, None)
        for news in self._news:
            news[name] = None
        return loaded

    def at(self, path: str) -> list[str]:
        """The modules made from a file, as it was called when they were."""
        self._fresh.settle()
        return list(self._names.get(path, ()))

    def at_real(self, path: str) -> list[str]:
        """The modules made from a file, given by its real path."""
        self._fresh.settle()
        while self._unsorted:
            other = self._unsorted.pop()
            self._paths.setdefault(self._real(other), []).append(other)
        return [name for other in self._paths.get(path, ()) for name in self.at(other)]

    def _real(self, path: str) -> str:
        directory, name = os.path.split(path)
        if directory not in self._directories:
            self._directories[directory] = os.path.realpath(directory)
        real = os.path.join(self._directories[directory], name)
        return os.path.realpath(real) if os.path.islink(real) else real

    def loaded_by(self, name: str) -> list[str]:
        """The modules that were loaded because of an import statement of another one."""
        self._fresh.settle()
        return list(self._loaded_by.get(name, ()))

    def hand_on(self, failed: str, trigger: Trigger) -> None:
        """What a module had loaded before it failed stays: it is there because of who wanted that module."""
        self._fresh.settle()
        for name in self._loaded_by.pop(failed, {}):
            self[name].trigger = trigger
            if trigger is not None:
                self._loaded_by.setdefault(trigger[0], {})[name] = None

    def become(self, others: Mapping[str, Loaded]) -> Known:
        """One that knows these instead; who follows the news is told of all."""
        found = Known(self._news)
        for name, loaded in others.items():
            found[name] = loaded
        for news in self._news:
            news.update(dict.fromkeys(self))
        return found
