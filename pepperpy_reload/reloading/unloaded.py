"""Modules that nobody has loaded yet: where they are, and what their files say that they import."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.machinery import ModuleSpec
from typing import Any

from pepperpy_reload.core.effects import static_imports
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.circular import read_text


def locate(name: str, path: Any = None) -> ModuleSpec | None:
    """Where the module would be found now, by the finders on sys.meta_path; None if nowhere.

    `path` is that of its package, if this is not loaded either.
    """
    package = name.rpartition(".")[0]
    if package and path is None:
        path = getattr(sys.modules.get(package), "__path__", None)
    if package and path is None:
        return None
    for finder in list(sys.meta_path):
        invalidate = getattr(finder, "invalidate_caches", None)
        if invalidate is not None:
            invalidate()
    for finder in list(sys.meta_path):
        spec = finder.find_spec(name, path, None)
        if spec is not None:
            return spec if spec.loader is not None else None
    return None


class Unloaded:
    """What modules will import as they are loaded for the first time; each is looked for once."""

    def __init__(self) -> None:
        self._specs: dict[str, ModuleSpec | None] = {}

    def imported_by(self, name: str) -> Iterator[str]:
        """The modules that loading a module imports, and that those import which are not loaded either, in order."""
        seen = {name}
        waiting = [self._imports(name)]  # no recursion: deep chains of imports are no reason to fail
        while waiting:
            inner = next(waiting[-1], None)
            if inner is None:
                waiting.pop()
            elif inner not in seen:
                seen.add(inner)
                yield inner
                waiting.append(self._imports(inner))

    def _imports(self, name: str) -> Iterator[str]:
        spec = self._locate(name)
        path = os.path.realpath(spec.origin or "") if spec is not None else ""
        if spec is None or not path.endswith(".py") or path not in recorder.roots:
            return
        package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
        with suppress(SyntaxError, ValueError, RecursionError):  # who imports it is told
            for imported, _ in static_imports(ast.parse(read_text(path)), package):
                parts = imported.split(".")
                yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))

    def _locate(self, name: str) -> ModuleSpec | None:
        """Where a module is that is not loaded; None if it is, or is nowhere."""
        if name in sys.modules:
            return None
        if name not in self._specs:
            package = self._locate(name.rpartition(".")[0]) if "." in name else None
            self._specs[name] = locate(name, package.submodule_search_locations if package is not None else None)
        return self._specs[name]
