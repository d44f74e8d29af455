"""What the imports of this process have cost, from the times and the edges that were recorded."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from pepperpy_reload.core.costs import Costs, Load, Use
from pepperpy_reload.core.import_tree import ImportTree, import_tree
from pepperpy_reload.importing.profile import ImportProfile
from pepperpy_reload.importing.recorder import recorder


def profile_tree(profiles: Iterable[ImportProfile]) -> ImportTree:
    """The recorded imports as a tree."""
    began = sorted(_all(profiles), key=lambda profile: (profile.started, -profile.duration))
    threads = list(dict.fromkeys(profile.thread for profile in began))
    return import_tree(Costs(list(_loads(began, threads)), list(_uses())), threads)


def _all(profiles: Iterable[ImportProfile]) -> Iterator[ImportProfile]:
    for profile in profiles:
        one: ImportProfile | None = profile
        while one is not None:
            yield one
            one = one.inner


def _loads(began: Iterable[ImportProfile], threads: list[str]) -> Iterator[Load]:
    open_: dict[str, list[tuple[int, float]]] = {thread: [] for thread in threads}
    importers: list[str] = []
    for number, profile in enumerate(began):
        stack, ended = open_[profile.thread], profile.started + profile.duration
        while stack and stack[-1][1] < ended:
            stack.pop()
        importer = profile.importer
        if stack and importer.startswith(f"{profile.module}."):  # a package is loaded for whoever wants what is in it
            importer = importers[stack[-1][0]]
        importers.append(importer)
        edge = recorder.graph.edge(importer, profile.module)
        file, line = (edge.file, edge.line) if edge is not None else ("", 0)
        has_failed = bool(profile.errors) and profile.module not in sys.modules
        yield Load(
            profile.module,
            threads.index(profile.thread),
            stack[-1][0] if stack else -1,
            importer,
            file,
            line,
            profile.started,
            ended,
            profile.memory_delta,
            profile.errors[-1] if has_failed else "",
        )
        stack.append((number, ended))


def _uses() -> Iterator[Use]:
    for edge in recorder.graph.edges():
        if not edge.failed:
            function = "" if edge.at_import else "function"
            yield Use(edge.importer, edge.file, edge.line, function, edge.imported, time=float("inf"))
