"""ImportCache: modules by name, valid as long as their file's content is what was imported."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any


def content_hash(content: bytes | None) -> str:
    """A hash of a file's bytes, "" for a file that cannot be read."""
    return "" if content is None else hashlib.blake2b(content, digest_size=16).hexdigest()


def content_of(path: str) -> bytes | None:
    """What a file holds; None if it is not there, or cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


class _Entry:
    __slots__ = ("content", "dependencies", "hashed", "metadata", "module", "path", "size", "stored")

    def __init__(
        self,
        module: ModuleType,
        path: str,
        content: bytes | None,
        dependencies: frozenset[str],
        metadata: dict[str, Any],
        stored: float,
    ) -> None:
        self.module = module
        self.path = path
        self.content = content
        """What the file held: its hash is made when somebody asks for it."""
        self.size = len(content or b"")
        self.dependencies = dependencies
        self.metadata = metadata
        self.stored = stored
        self.hashed: str | None = None

    @property
    def digest(self) -> str:
        if self.hashed is None:
            self.hashed = content_hash(self.content)
        return self.hashed


class ImportCache:
    """Loaded modules by name.

    `max_size` bounds the summed size of the modules' files in bytes, `max_entries` their number, `ttl` an entry's age
    in seconds; None is no bound. Least recently used entries go first. Paths are compared as real paths.
    """

    def __init__(self, max_size: int | None = None, max_entries: int | None = None, ttl: float | None = None) -> None:
        self.max_size = max_size
        self.max_entries = max_entries
        self.ttl = ttl
        self._present: OrderedDict[str, _Entry] = OrderedDict()
        self._coming: deque[Any] = deque()
        """Name, module, source and time, without a tuple around them: that would be work for garbage collection."""
        self._invalid: dict[str, _Entry] = {}
        self._loading: set[str] = set()
        self.run_again: Callable[[ModuleType], object] = _run_again
        """What `reload` calls; an optimizer puts its own reload here."""
        self.dependencies_of: Callable[[str], Iterable[str]] = _none
        """Tells what a module depends on that `set_later` is given."""
        self._counts = dict.fromkeys(("hits", "misses", "invalidations", "evictions"), 0)
        self._size = 0
        # Imports end in any thread. Held for single dictionary operations only, never while anything is imported.
        self._lock = threading.RLock()

    def set(
        self,
        name: str,
        module: ModuleType,
        dependencies: Iterable[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        source: bytes | None = None,
    ) -> None:
        """Remember `module`, as imported from `source`; without it from its file's present content."""
        self._catch_up()
        self._set(name, module, dependencies, metadata, source, time.monotonic())

    def set_later(self, name: str, module: ModuleType, source: bytes) -> None:
        """The same for somebody in a hurry: the work is done when anything is asked for that depends on it."""
        self._coming += (name, module, source, time.monotonic())
        if self.max_size is not None or self.max_entries is not None:
            self._catch_up()

    def _catch_up(self) -> None:
        with self._lock:
            while self._coming:
                name, module, source, stored = (self._coming[at] for at in range(4))
                self._set(name, module, self.dependencies_of(name), None, source, stored)
                for _ in range(4):  # only now: who finds nothing to do here finds all of it there
                    self._coming.popleft()

    @property
    def _entries(self) -> OrderedDict[str, _Entry]:
        if self._coming:
            self._catch_up()
        return self._present

    def _set(
        self,
        name: str,
        module: ModuleType,
        dependencies: Iterable[str] | None,
        metadata: Mapping[str, Any] | None,
        source: bytes | None,
        stored: float,
    ) -> None:
        path = os.path.realpath(file) if (file := getattr(module, "__file__", None)) else ""
        content = source if source is not None else content_of(path)
        entry = _Entry(
            module,
            path,
            content,
            frozenset(dependencies or ()),
            dict(metadata or {}),
            stored,
        )
        with self._lock:
            self._take(name)
            self._present[name] = entry
            self._size += entry.size
            self._invalid.pop(name, None)
            self._evict()

    def get(self, name: str) -> ModuleType | None:
        """The module, or None if it is not known, too old, or its file's content has changed since `set`.

        A file that was only touched has not changed. The content is read each time: size and times can lie.
        """
        entry = self._entries.get(name)
        current = entry is not None and self._is_current(entry)
        with self._lock:
            if entry is None or not current:
                if entry is not None and self._entries.get(name) is entry:
                    self.invalidate(name)
                self._counts["misses"] += 1
                return None
            if name in self._entries:
                self._entries.move_to_end(name)
            self._counts["hits"] += 1
        return entry.module

    def _is_current(self, entry: _Entry) -> bool:
        if self.ttl is not None and time.monotonic() - entry.stored > self.ttl:
            return False
        return not entry.path or content_hash(content_of(entry.path)) == entry.digest

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
        """Forget a module; whether there was one. Its path is still known to `get_dependent_modules`."""
        with self._lock:
            self._catch_up()
            entry = self._take(name)
            if entry is None:
                return False
            self._invalid[name] = entry
            self._counts["invalidations"] += 1
        return True

    def invalidate_path(self, path: str | os.PathLike[str]) -> list[str]:
        """Forget every module that was imported from `path`; their names."""
        real = os.path.realpath(path)
        names = [name for name, entry in list(self._entries.items()) if entry.path == real]
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
        with self._lock:
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
        with self._lock:
            asked = self._counts["hits"] + self._counts["misses"]
            rate = self._counts["hits"] / asked if asked else 0.0
            return {"entries": len(self._entries), "size": self._size, "hit_rate": rate, **self._counts}

    def clear(self) -> None:
        """Forget everything, the counts too."""
        with self._lock:
            self._entries.clear()
            self._invalid.clear()
            self._size = 0
            self._counts = dict.fromkeys(self._counts, 0)

    def _take(self, name: str) -> _Entry | None:
        entry = self._present.pop(name, None)
        if entry is not None:
            self._size -= entry.size
        return entry

    def _evict(self) -> None:
        while self._present and (
            (self.max_entries is not None and len(self._present) > self.max_entries)
            or (self.max_size is not None and self._size > self.max_size)
        ):
            self._take(next(iter(self._present)))
            self._counts["evictions"] += 1


def _none(_name: str) -> Iterable[str]:
    """Nobody tells."""
    return ()


_IMPORT_ATTRIBUTES = frozenset(
    {"__name__", "__loader__", "__package__", "__spec__", "__path__", "__file__", "__cached__", "__builtins__"}
)


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
        for name in [name for name in namespace if name not in _IMPORT_ATTRIBUTES]:
            if not isinstance(saved[name], ModuleType) or f"{module.__name__}.{name}" not in sys.modules:
                del namespace[name]
        namespace["__doc__"] = None
        exec(code, namespace)
    except BaseException:
        namespace.update(saved)
        for name in [name for name in namespace if name not in saved]:
            del namespace[name]
        raise
