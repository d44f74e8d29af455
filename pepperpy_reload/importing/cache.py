"""ImportCache: modules by name, valid as long as their file's content is what was imported."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any


def content_hash(path: str) -> str:
    """A hash of a file's bytes, "" if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.blake2b(file.read(), digest_size=16).hexdigest()
    except OSError:
        return ""


def _stamp(path: str) -> tuple[int, int, int]:
    """What changes when a file is written by ordinary means: a trigger for looking at the content, no verdict."""
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


@dataclass(slots=True)
class _Entry:
    module: ModuleType
    path: str
    digest: str
    size: int
    dependencies: frozenset[str]
    metadata: dict[str, Any] = field(default_factory=dict)
    stored: float = 0.0


class ImportCache:
    """Loaded modules by name.

    `max_size` bounds the summed size of the modules' files in bytes, `max_entries` their number, `ttl` an entry's age
    in seconds; None is no bound. Least recently used entries go first. Paths are compared as real paths.
    """

    def __init__(
        self, max_size: int | None = None, max_entries: int | None = None, ttl: float | None = None
    ) -> None:
        self.max_size = max_size
        self.max_entries = max_entries
        self.ttl = ttl
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._invalid: dict[str, _Entry] = {}
        self._loading: set[str] = set()
        self.run_again: Callable[[ModuleType], object] = _run_again
        """What `reload` calls; an optimizer puts its own reload here."""
        self._counts = dict.fromkeys(("hits", "misses", "invalidations", "evictions"), 0)

    def set(
        self,
        name: str,
        module: ModuleType,
        dependencies: Iterable[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Remember `module`, as imported from its file's present content."""
        path = os.path.realpath(file) if (file := getattr(module, "__file__", None)) else ""
        size = _stamp(path)[1] if path else 0
        entry = _Entry(
            module, path, content_hash(path), size, frozenset(dependencies or ()), dict(metadata or {}),
            time.monotonic(),
        )
        self._entries[name] = entry
        self._entries.move_to_end(name)
        self._invalid.pop(name, None)
        self._evict()

    def get(self, name: str) -> ModuleType | None:
        """The module, or None if it is not known, too old, or its file's content has changed since `set`.

        A file that was only touched has not changed. The content is read each time: size and times can lie.
        """
        entry = self._entries.get(name)
        if entry is None:
            self._counts["misses"] += 1
            return None
        expired = self.ttl is not None and time.monotonic() - entry.stored > self.ttl
        if expired or (entry.path and content_hash(entry.path) != entry.digest):
            self.invalidate(name)
            self._counts["misses"] += 1
            return None
        self._entries.move_to_end(name)
        self._counts["hits"] += 1
        return entry.module

    def reload(self, name: str) -> ModuleType:
        """Bring the module up to date with its file, whether or not it is cached, and cache it.

        The module object stays the same; raises ImportError if no module of that name is loaded, and whatever its code
        raises (then the module's namespace is what it was). Bytecode is never trusted.
        """
        entry = self._entries.get(name) or self._invalid.get(name)
        module = sys.modules.get(name) or (entry.module if entry else None)
        if module is None:
            raise ImportError(f"module {name!r} is not loaded: import it before it can be reloaded", name=name)
        self._loading.add(name)
        try:
            self.run_again(module)
        finally:
            self._loading.discard(name)
        self.set(name, module, entry.dependencies if entry else None, entry.metadata if entry else None)
        return module

    def invalidate(self, name: str) -> bool:
        """Forget a module; whether there was something to forget. Its path is still known to `get_dependent_modules`."""
        entry = self._entries.pop(name, None)
        if entry is None:
            return False
        self._invalid[name] = entry
        self._counts["invalidations"] += 1
        return True

    def invalidate_path(self, path: str | os.PathLike[str]) -> list[str]:
        """Forget every module that was imported from `path`; their names."""
        real = os.path.realpath(path)
        names = [name for name, entry in self._entries.items() if entry.path == real]
        for name in names:
            self.invalidate(name)
        return names

    def get_path(self, name: str) -> str | None:
        """The real path of the file that `name` was imported from; also after it was invalidated."""
        entry = self._entries.get(name) or self._invalid.get(name)
        return entry.path if entry and entry.path else None

    def get_dependencies(self, name: str) -> frozenset[str]:
        """What was given to `set` as the dependencies of `name`; also after it was invalidated."""
        entry = self._entries.get(name) or self._invalid.get(name)
        return entry.dependencies if entry else frozenset()

    def get_dependent_modules(self, path: str | os.PathLike[str]) -> list[str]:
        """The modules imported from `path`, then those that depend on them, directly or through others."""
        real = os.path.realpath(path)
        known = {**self._invalid, **self._entries}
        found = dict.fromkeys(name for name, entry in known.items() if entry.path == real)
        waiting = list(found)
        for imported in waiting:
            for name, entry in known.items():
                if imported in entry.dependencies and name not in found:
                    found[name] = None
                    waiting.append(name)
        return list(found)

    def is_loading(self, name: str) -> bool:
        """Whether `reload(name)` is under way."""
        return name in self._loading

    def get_cache_stats(self) -> dict[str, Any]:
        """`entries`, `size` (bytes), `hits`, `misses`, `hit_rate`, `invalidations`, `evictions`."""
        asked = self._counts["hits"] + self._counts["misses"]
        return {
            "entries": len(self._entries),
            "size": sum(entry.size for entry in self._entries.values()),
            "hit_rate": self._counts["hits"] / asked if asked else 0.0,
            **self._counts,
        }

    def clear(self) -> None:
        """Forget everything, the counts too."""
        self._entries.clear()
        self._invalid.clear()
        self._counts = dict.fromkeys(self._counts, 0)

    def _evict(self) -> None:
        size = sum(entry.size for entry in self._entries.values())
        while self._entries and (
            (self.max_entries is not None and len(self._entries) > self.max_entries)
            or (self.max_size is not None and size > self.max_size)
        ):
            _, entry = self._entries.popitem(last=False)
            size -= entry.size
            self._counts["evictions"] += 1


def _run_again(module: ModuleType) -> None:
    """Run a module's code again in its own namespace; names that are gone go, an error changes nothing."""
    importlib.invalidate_caches()
    namespace = vars(module)
    saved = dict(namespace)
    spec = module.__spec__
    if spec is None or spec.loader is None:
        raise ImportError(f"module {module.__name__!r} has no loader and cannot be reloaded", name=module.__name__)
    source = getattr(spec.loader, "get_data", None)
    try:
        if source is None or not (spec.origin or "").endswith(".py"):
            raise ImportError(f"module {module.__name__!r} is not Python source: restart to reload it")
        code = compile(source(spec.origin), spec.origin or "", "exec", dont_inherit=True)
        for name in [name for name in namespace if not (name.startswith("__") and name.endswith("__"))]:
            if not isinstance(saved[name], ModuleType) or f"{module.__name__}.{name}" not in sys.modules:
                del namespace[name]
        exec(code, namespace)
    except BaseException:
        namespace.update(saved)
        for name in [name for name in namespace if name not in saved]:
            del namespace[name]
        raise
