"""What has changed since the user was last waited for: told by a watcher, and seen at the loaded files themselves."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.importing.cache import content_of
from pepperpy_reload.importing.recorder import recorder


class Collected:
    """What a watcher has told and nobody has taken yet."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._complete: set[str] = set()
        self._open: set[str] = set()

    def hear(self, event: Hint | Quiet) -> None:
        """Take an event; called by the watcher's thread."""
        with self._news:
            if isinstance(event, Quiet):
                self._complete |= event.paths
                self._open -= event.paths
            else:
                self._open |= event.paths
            self._news.notify_all()

    def take(self, seen: Collection[str], patience: float) -> set[str]:
        """All changed files; what the caller has `seen` to be changed is among them, before the watcher tells of it.

        While a batch is not complete it is waited for, as long as `patience`. With a patience of 0 an incomplete batch
        is not taken at all: the answer is empty.
        """
        with self._news:
            self._open |= set(seen) - self._complete
            if not self._news.wait_for(lambda: not self._open, patience) and not patience:
                return set()
            paths = self._complete | self._open
            self._complete.clear()
            self._open.clear()
        return paths


class LoadedFiles:
    """Notices at once, without a watcher, that the file of a loaded module has another content than the module.

    One `stat` for each file; it is read only if that tells something new.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, ...]] = {}
        self._troubled: dict[str, bytes | None] = {}

    def suspect(self, path: str) -> None:
        """`path` belongs to a module that could not be loaded: notice when it changes, too."""
        if path:
            self._troubled = {path: content_of(path)}
            self._seen[path] = _signature(path)

    def is_as_tried(self, path: str) -> bool:
        """Whether a file is what was loaded of it, or could not be, whatever a watcher tells of it by now."""
        names = recorder.modules.at_real(path)
        return self.is_in_vain(path) or any(recorder.modules[name].source == content_of(path) for name in names)

    def is_in_vain(self, path: str) -> bool:
        """Whether a file is what could not be loaded of it."""
        return path in self._troubled and self._troubled[path] == content_of(path)

    def changed(self) -> set[str]:
        """The files that have changed since they were looked at last."""
        return {os.path.realpath(path) for path, source in self._sources() if self._differs(path, source)}

    def _sources(self) -> Iterator[tuple[str, bytes | None]]:
        yield from ((loaded.path, loaded.source) for loaded in list(recorder.modules.values()))
        yield from self._troubled.items()

    def _differs(self, path: str, source: bytes | None) -> bool:
        signature = _signature(path)
        if self._seen.get(path) == signature:
            return False
        self._seen[path] = signature
        return content_of(path) != source


def _signature(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)  # noqa: PTH116 - done for every module before every input
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
