"""Which modules of libraries a worker has imported until it was ready, in the order in which their imports began."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.preloading.places import is_library


class Names(Protocol):
    """What was imported ahead."""

    names: tuple[str, ...]


class Loads:
    """Listens to a recorder; after what had been imported ahead, if there was something."""

    def __init__(self, ahead: Names | None) -> None:
        self._begun: dict[str, None] = dict.fromkeys(() if ahead is None else ahead.names)
        self._first = 0
        self._aside = 0

    def load_begins(self, name: str) -> None:
        """See LoadListener."""
        if threading.get_ident() != self._aside:
            self._begun[name] = None

    def load_ends(self, name: str, error: BaseException | None) -> None:
        """See LoadListener."""

    @contextmanager
    def unnoted(self) -> Iterator[None]:
        """What is imported meanwhile counts as not imported."""
        begun = dict(self._begun)
        yield
        self._begun = begun

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What this thread imports meanwhile counts as not imported, whatever others import."""
        self._aside = threading.get_ident()
        try:
            yield
        finally:
            self._aside = 0

    def mark(self) -> None:
        """What has begun by now is what is imported first."""
        self._first = len(self._begun)

    def libraries(self, *, first: bool = False) -> list[str]:
        """Those that are there; or only those that were imported first. It takes a while: each file is looked at."""
        names = list(self._begun)
        here = ((name, sys.modules.get(name)) for name in (names[: self._first] if first else names))
        return [name for name, module in here if module is not None and is_library(module)]


Source = tuple[str, str, list[str]]
"""A file of the project's own, the module that was made of it, and which others that has imported meanwhile."""


def own_sources(*, named: bool) -> list[Source]:
    """The project's own modules in the order in which their imports ended; their names only if they are wanted."""
    known = dict(recorder.by_name)
    ended = [name for name in list(sys.modules) if name in known]
    if not named:
        return [(known[name].path, "", []) for name in ended]
    graph = recorder.graph
    edges = ((name, graph.edge(name, other), other) for name in ended for other in graph.imports_of(name))
    needs: dict[str, list[str]] = {}
    for name, edge, other in edges:
        if edge is not None and edge.at_import and other in known:
            needs.setdefault(name, []).append(other)
    return [(known[name].path, "" if known[name].adopted else name, needs.get(name, [])) for name in ended]
