"""A batch read: what its files are to this process, and what their new content asks for."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.machinery import EXTENSION_SUFFIXES, SourceFileLoader
from types import CodeType

from pepperpy_reload.core.difference import Alignment, Fate, align
from pepperpy_reload.core.plan import Demand
from pepperpy_reload.core.revision import revise_units
from pepperpy_reload.core.world import Place
from pepperpy_reload.errors import UserCodeError
from pepperpy_reload.importing.bytecode import read_saved
from pepperpy_reload.importing.loaded import Loaded
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.importing.roots import search_path
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.live import LiveWorld
from pepperpy_reload.reloading.page import package_of
from pepperpy_reload.reloading.pairs import Pair, codes_in_force, pair_codes
from pepperpy_reload.reloading.stopwatch import stopwatch
from pepperpy_reload.reloading.table import FUTURES
from pepperpy_reload.reloading.unloaded import locate
from pepperpy_reload.reloading.usercode import reading_user_code

_PATIENCE = 4.0
"""Seconds of processor time that a plan may take: with what it plans it would be more than a new process does."""


@dataclass(slots=True)
class Edited:
    """A loaded module whose file has new content; `pairs` are its functions before and after."""

    loaded: Loaded
    source: bytes
    code: CodeType
    alignment: Alignment
    pairs: list[Pair]

    @property
    def name(self) -> str:
        """The module's name."""
        return self.loaded.name

    @property
    def path(self) -> str:
        """Its file."""
        return self.loaded.path


@dataclass(slots=True)
class Reading:
    """What a batch means here."""

    edited: dict[str, Edited] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    whole: dict[str, str] = field(default_factory=dict)
    drop: dict[str, str] = field(default_factory=dict)
    read: dict[str, str] = field(default_factory=dict)
    """Files that are no modules, and the reason to run again what read them."""
    wanted: dict[str, str] = field(default_factory=dict)
    """Names of modules that could not be imported and now can."""
    broken: dict[str, UserCodeError] = field(default_factory=dict)
    """Modules whose new content does not compile."""
    restart: str = ""
    notes: list[str] = field(default_factory=list)

    def world(self) -> LiveWorld:
        """This process with the edits in view."""
        alignments = {name: edited.alignment for name, edited in self.edited.items()}
        return LiveWorld(alignments, {name: edited.pairs for name, edited in self.edited.items()})

    def demand(self, world: LiveWorld) -> Demand:
        """What the batch asks for, for the planner."""
        units: dict[Place, str] = {}
        for path, reason in self.read.items():
            units.update(dict.fromkeys(world.readers_of_file(path), reason))
        for name, reason in {**self.wanted, **self.drop}.items():
            units.update(dict.fromkeys(world.importing(name), f"imports {name}: {reason}"))
        until = time.thread_time() + _PATIENCE
        return Demand(self.reasons, units, self.whole, self.drop, lambda: time.thread_time() > until)


def read_batch(paths: Iterable[str]) -> Reading:
    """Read the files of a batch. Changes nothing."""
    reading = Reading()
    for path in sorted({os.path.realpath(path) for path in paths}):
        known = recorder.modules.at_real(path)
        names = [name for name in known if _wants_reload(name)]
        if names:
            _read_loaded(reading, path, names)
        elif not known:
            _read_other(reading, path)
    stopwatch.lap("read")
    return reading


def _wants_reload(name: str) -> bool:
    return getattr(sys.modules.get(name), "__dict__", {}).get("__reload__") != "never"


def _read_loaded(reading: Reading, path: str, names: Sequence[str]) -> None:
    """The file of loaded modules: it is compared with what they were made of."""
    shown = os.path.basename(path)
    for name in names:
        if not os.path.isfile(path):
            if locate(name) is None:
                reading.drop[name] = f"{shown} is gone"
                if left := _left_below(name):
                    reading.restart = f"{name} has no {shown} any more, and {left} is still there"
            else:
                reading.whole[name] = f"{shown} is gone and {name} is now found elsewhere"
            continue
        loaded = recorder.modules[name]
        with reading_user_code():
            source = read_saved(path, loaded.source)
        stopwatch.lap("read")
        if source != loaded.source:
            try:
                with reading_user_code():
                    _read_edited(reading, loaded, source)
            except UserCodeError as error:
                reading.broken[name] = error
            stopwatch.lap("parse")


def _read_edited(reading: Reading, loaded: Loaded, source: bytes) -> None:
    name, shown = loaded.name, os.path.basename(loaded.path)
    loader = SourceFileLoader(name, loaded.path)
    code: CodeType = loader.source_to_code(source, loaded.path)
    page = ledger.page(name)
    package = package_of(loaded)
    if page is None:
        known, units = [], revise_units([], b"", source, package)
    else:
        known, units = page.units, revise_units(page.units, loaded.source, source, package, page.function_at)
    ledger.note_units(name, source, units)
    alignment = align(known, units)
    if page is not None:
        alignment.succeed(page.alignment)
    in_force = {**codes_in_force(loaded.code), **loaded.in_force} if loaded.adopted else loaded.in_force
    pairs = list(pair_codes(loaded.code, code, in_force, alignment if page is not None else None))
    reading.edited[name] = Edited(loaded, source, code, alignment, pairs)
    reading.reasons[name] = shown
    if page is None or (loaded.code.co_flags ^ code.co_flags) & FUTURES:
        reading.whole[name] = f"{shown} changes what it imports from __future__"
    elif loaded.adopted and any(fate is not Fate.BODY for fate in map(alignment.fates.__getitem__, alignment.changed)):
        reading.whole[name] = f"{shown} was loaded before it could be watched"


def _read_other(reading: Reading, path: str) -> None:
    """A file that no loaded module was made of."""
    shown = os.path.basename(path)
    reading.read[path] = f"reads {shown}"
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
    if name := _loaded_from(path):
        why = "is running and cannot be run again" if name == "__main__" else "was not loaded the usual way"
        reading.restart = f"{name} {why} ({shown})"
        return
    used = False
    for name in candidate_names(path):
        if _is_without_a_file(name) and locate(name) is not None:
            reading.restart = f"{name} was a package without a file, and has {shown} now"
            return
        if name in recorder.modules and os.path.realpath(recorder.modules[name].path) != path:
            spec = locate(name)
            if spec is not None and os.path.realpath(spec.origin or "") == path:
                reading.whole[name] = f"{shown} now comes first on the path"
                used = True
        edges = [recorder.graph.edge(importer, name) for importer in recorder.graph.importers_of(name)]
        if any(edge is not None and edge.failed and edge.at_import for edge in edges):
            reading.wanted[name] = f"{shown} is there now"
            used = True
    if not used and os.path.exists(path) and shown != "__init__.py":
        reading.notes.append(f"{shown} was saved, but nothing that runs has loaded it")


def candidate_names(path: str) -> list[str]:
    """The names under which `path` could be imported, by the search path as it is."""
    stem = path.removesuffix(".py")
    if os.path.basename(stem) == "__init__":
        stem = os.path.dirname(stem)
    names = []
    for entry in dict.fromkeys(map(os.path.realpath, search_path(*sys.path))):
        if stem.startswith(entry.rstrip(os.sep) + os.sep):
            parts = stem[len(entry.rstrip(os.sep)) + 1 :].split(os.sep)
            if all(part.isidentifier() for part in parts):
                names.append(".".join(parts))
    return names


def _is_without_a_file(name: str) -> bool:
    """Whether a loaded module is a directory that is a package without an `__init__.py`."""
    namespace = getattr(sys.modules.get(name), "__dict__", {})
    return namespace.get("__file__") is None and "__path__" in namespace


def _left_below(package: str) -> str:
    """A loaded submodule of a package whose own file is gone; "" if they are gone as well."""
    below = (loaded for name, loaded in recorder.modules.items() if name.startswith(f"{package}."))
    return next((loaded.name for loaded in below if os.path.isfile(loaded.path)), "")


def _loaded_from(path: str) -> str:
    """The loaded module, of whatever kind, whose file this is, or ""."""
    last = os.path.basename(path)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(file, str) and file.endswith(last) and os.path.realpath(file) == path:
            return name
    return ""
