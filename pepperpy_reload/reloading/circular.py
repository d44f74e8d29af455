"""The import cycles of this process, as it has recorded its imports."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from pepperpy_reload.core.cycles import Circle
from pepperpy_reload.core.imports import Source
from pepperpy_reload.core.reading import read_source
from pepperpy_reload.core.recorded import has_inner_imports, recorded
from pepperpy_reload.importing.recorder import recorder


class _Sources(Mapping[str, Source]):
    """The sources of first-party modules, each read when it is asked for, and kept until it is another one."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[bytes, Source | None]] = {}
        self._failed: dict[str, str] = {}

    def refresh(self) -> None:
        """Look at what is loaded now."""
        for name in [name for name in self._kept if name not in recorder.by_name]:
            self._kept.pop(name, None)
        edges = (edge for edge in recorder.graph.edges() if edge.importer not in recorder.by_name)
        self._failed = {edge.importer: edge.file for edge in edges if edge.file.endswith(".py")}

    def __getitem__(self, name: str) -> Source:
        loaded = recorder.by_name.get(name)
        path = loaded.path if loaded is not None else self._failed[name]
        text = loaded.source if loaded is not None else read_text(path)
        kept = self._kept.get(name)
        if kept is None or kept[0] != text:
            kept = self._kept[name] = text, _read(name, path, text)
        if kept[1] is None:
            raise KeyError(name)
        return kept[1]

    def __contains__(self, name: object) -> bool:
        return name in recorder.by_name or name in self._failed

    def __iter__(self) -> Iterator[str]:
        return iter([*recorder.by_name, *self._failed])

    def __len__(self) -> int:
        return len(recorder.by_name) + len(self._failed)


class _Patched(Mapping[str, Source]):
    """Sources, some of them replaced."""

    def __init__(self, instead: Mapping[str, Source], sources: Mapping[str, Source]) -> None:
        self._instead, self._sources = instead, sources

    def __getitem__(self, name: str) -> Source:
        return self._instead[name] if name in self._instead else self._sources[name]

    def __contains__(self, name: object) -> bool:
        return name in self._instead or name in self._sources

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def read_text(path: str) -> bytes:
    """What a file has now, nothing if it cannot be read."""
    with suppress(OSError), open(path, "rb") as file:
        return file.read()
    return b""


def _read(name: str, path: str, text: bytes) -> Source | None:
    with suppress(SyntaxError, ValueError, RecursionError):
        return read_source(name, path, text, is_package=os.path.basename(path) == "__init__.py")
    return None


_sources = _Sources()


def current_sources(texts: Mapping[str, bytes]) -> Mapping[str, Source]:
    """The sources of this process's modules, some of them with another text."""
    _sources.refresh()
    others = {name: _read(name, recorder.by_name[name].path, text) for name, text in texts.items()}
    return _Patched({name: source for name, source in others.items() if source is not None}, _sources)


def cycles_here(error_of: Callable[[str], str]) -> list[Circle]:
    """The import cycles of this process, the worst and shortest first.

    `error_of` tells what a module raised that could not be loaded, "" if nobody knows.
    """
    _sources.refresh()
    edges = list(recorder.graph.edges())
    read = [name for name, loaded in list(recorder.modules.items()) if has_inner_imports(loaded.source)]
    graph = recorded(edges, _sources, [name for name in read if _sources.get(name) is not None])
    for name in {edge.importer for edge in edges if edge.importer not in recorder.by_name}:
        graph.add_error(name, error_of(name))
    return graph.circles()
