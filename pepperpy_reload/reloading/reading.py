"""A batch read: what its files are to this process, and what their new content asks for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, SourceFileLoader
from types import CodeType

from pepperpy_reload.core.difference import Change, compare
from pepperpy_reload.core.plan import Demand
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.recorder import Loaded, recorder
from pepperpy_reload.reloading.live import LiveWorld
from pepperpy_reload.reloading.patch import Pair, pair_codes, unpatchable
from pepperpy_reload.reloading.usercode import calling_user_code


@dataclass(slots=True)
class Edited:
    """A loaded module whose file has new content; `pairs` are its functions before and after."""

    name: str
    path: str
    source: bytes
    code: CodeType
    pairs: list[Pair] = field(default_factory=list)

    @property
    def patched(self) -> list[Pair]:
        """The functions that an importer could tell from the old ones."""
        return [pair for pair in self.pairs if pair.changed]


@dataclass(slots=True)
class Reading:
    """What a batch means here."""

    edited: dict[str, Edited] = field(default_factory=dict)
    patch: dict[str, str] = field(default_factory=dict)
    run: dict[str, str] = field(default_factory=dict)
    drop: dict[str, str] = field(default_factory=dict)
    restart: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def demand(self) -> Demand:
        """The same for the planner."""
        return Demand(self.patch, self.run, self.drop)


def read_batch(paths: Iterable[str]) -> Reading:
    """Read the files of a batch. Changes nothing.

    Raises UserCodeError if a loaded module's new content does not compile.
    """
    reading = Reading()
    by_path: dict[str, list[str]] = {}
    for name, loaded in recorder.modules.items():
        by_path.setdefault(os.path.realpath(loaded.path), []).append(name)
    for path in sorted({os.path.realpath(path) for path in paths}):
        names = [name for name in by_path.get(path, []) if _wants_reload(name)]
        if names:
            _read_loaded(reading, path, names)
        elif path not in by_path:
            _read_other(reading, path)
    _follow_patches(reading)
    return reading


def _wants_reload(name: str) -> bool:
    return getattr(sys.modules.get(name), "__dict__", {}).get("__reload__") != "never"


def _read_loaded(reading: Reading, path: str, names: Sequence[str]) -> None:
    """The file of loaded modules: it is compared with what they were made of."""
    shown = os.path.basename(path)
    for name in names:
        loaded = recorder.modules[name]
        if not os.path.isfile(path):
            if locate(name) is None:
                reading.drop[name] = f"{shown} is gone"
            else:
                reading.run[name] = f"{shown} is gone and {name} is now found elsewhere"
            continue
        with calling_user_code():
            source = _read(path)
        if source != loaded.source:
            _read_edited(reading, loaded, source)


def _read_edited(reading: Reading, loaded: Loaded, source: bytes) -> None:
    shown = os.path.basename(loaded.path)
    with calling_user_code():
        code = SourceFileLoader(loaded.name, loaded.path).source_to_code(source, loaded.path)  # type: ignore[arg-type]
        difference = compare(loaded.source, source)
    edited = Edited(loaded.name, loaded.path, source, code, list(pair_codes(loaded.code, code)))
    reading.edited[loaded.name] = edited
    if difference.change is Change.STATEMENTS:
        reading.run[loaded.name] = f"{shown}:{difference.line} changed"
    elif any(unpatchable(pair) for pair in edited.pairs):
        reading.run[loaded.name] = f"{shown}:{difference.line} changed what a function closes over"
    else:
        reading.patch[loaded.name] = f"{shown}:{difference.line} changed inside functions"


def _read_other(reading: Reading, path: str) -> None:
    """A file that no loaded module was made of."""
    shown = os.path.basename(path)
    for name in LiveWorld({}).modules_that_read(path):
        reading.run.setdefault(name, f"reads {shown}")
    if path.endswith(tuple(EXTENSION_SUFFIXES)) and (name := _loaded_from(path)):
        reading.restart = f"extension module {name} has changed ({shown})"
    elif path.endswith(".py"):
        _read_unknown_source(reading, path)


def _read_unknown_source(reading: Reading, path: str) -> None:
    shown = os.path.basename(path)
    if path not in recorder.roots:
        name = _loaded_from(path)
        if name:
            reading.restart = f"{shown} belongs to {name.partition('.')[0]}, which is not the project's own code"
        else:
            reading.notes.append(f"{path} lies outside the roots and is not followed")
        return
    used = False
    for name in candidate_names(path):
        if name in recorder.modules and os.path.realpath(recorder.modules[name].path) != path:
            spec = locate(name)
            if spec is not None and os.path.realpath(spec.origin or "") == path:
                reading.run[name] = f"{shown} now comes first on the path"
                used = True
        for importer in recorder.graph.importers_of(name):
            edge = recorder.graph.edge(importer, name)
            if edge is not None and edge.failed and edge.at_import and importer in recorder.modules:
                reading.run.setdefault(importer, f"failed to import {name}, and {shown} is there now")
                used = True
    if not used and os.path.exists(path) and shown != "__init__.py":
        reading.notes.append(f"{shown} was saved, but nothing that runs has loaded it")


def _follow_patches(reading: Reading) -> None:
    """Whoever ran a function while it was executed has to run again if the function is another one now."""
    keys: dict[CodeKey, str] = {}
    for name in reading.patch:
        for pair in reading.edited[name].patched:
            keys[CodeKey.of(pair.old)] = pair.old.co_qualname
    if keys:
        for name, key in LiveWorld({}).modules_that_ran(keys).items():
            reading.run.setdefault(name, f"called {keys[key]}, which has changed, while it was imported")


def candidate_names(path: str) -> list[str]:
    """The names under which `path` could be imported, by the search path as it is."""
    stem = path.removesuffix(".py")
    if os.path.basename(stem) == "__init__":
        stem = os.path.dirname(stem)
    names = []
    for entry in dict.fromkeys(os.path.realpath(entry or os.getcwd()) for entry in sys.path):
        if stem.startswith(entry.rstrip(os.sep) + os.sep):
            parts = stem[len(entry.rstrip(os.sep)) + 1 :].split(os.sep)
            if all(part.isidentifier() for part in parts):
                names.append(".".join(parts))
    return names


def locate(name: str) -> ModuleSpec | None:
    """Where the module would be found now, by the finders on sys.meta_path; None if nowhere."""
    package = name.rpartition(".")[0]
    path = getattr(sys.modules.get(package), "__path__", None) if package else None
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


def _loaded_from(path: str) -> str:
    """The loaded module, of whatever kind, whose file this is, or ""."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(file, str) and file.endswith(os.path.basename(path)) and os.path.realpath(file) == path:
            return name
    return ""


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def sources(reading: Reading) -> Mapping[str, bytes]:
    """The new content of each edited module."""
    return {name: edited.source for name, edited in reading.edited.items()}
