"""The project's own modules that were imported before anything was asked of this process, taken out of the recorder.

Each comes back when it is imported, with all that was recorded of it, as if it was being run then. That is what a fresh
start gives if its file is what it was, if the modules come in the order in which they were run, and if what has been
executed before them does nothing but bind names.
"""

from __future__ import annotations

import builtins
import logging  # noqa: F401 - see MAKERS
import os
import re  # noqa: F401
import sys
import typing  # noqa: F401
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from types import ModuleType

from pepperpy_reload.core.graph import Edge, ImportGraph
from pepperpy_reload.core.inert import MAKERS, Step, steps
from pepperpy_reload.importing.bytecode import read_file
from pepperpy_reload.importing.loaded import Loaded
from pepperpy_reload.importing.looks import Look, answer_to
from pepperpy_reload.importing.recorder import recorder

_PLAIN = frozenset({int, float, complex, str, bytes, bool, type(None)})
_CODECS = "encodings."
"""Modules that are loaded when a text is decoded, whoever does so first."""
_MAKERS = tuple(vars(sys.modules[one[0]])[one[2]] for one in (text.rpartition(".") for text in MAKERS))
_SUFFIXES = (".py", ".so", ".pyc", ".pyd")


@dataclass(frozen=True, slots=True)
class TakenModule:
    """What was recorded of a module, and at which offset of its code it began to import each other one."""

    loaded: Loaded
    edges: tuple[Edge, ...]
    offsets: Mapping[str, int]
    within: tuple[str, int] | None
    """Where it was imported, if another one that was taken was being run."""


def take(
    names: Iterable[str],
    offsets: Mapping[str, Mapping[str, int]],
    graph: ImportGraph,
    libraries: Iterable[str],
    looks: Mapping[Look, object],
) -> Taken:
    """Take what is known of modules that have just been imported out of the recorder; `graph` is its graph before.

    `libraries` are the other modules that come into sight when they are imported, `looks` what was asked about paths.
    """
    names = list(names)
    found = {}
    for name in names:
        edges = tuple(edge for one in recorder.graph.all_imports_of(name) if (edge := recorder.graph.edge(name, one)))
        loaded = recorder.by_name.pop(name)
        found[name] = TakenModule(loaded, edges, offsets.get(name, {}), loaded.trigger)
        recorder.rank.pop(name)
        recorder.importers.discard(name)
        recorder.outside.discard(name)
    recorder.graph.become(graph)
    return Taken(found, libraries, looks)


class Taken:
    """Modules that are to come back."""

    def __init__(self, modules: dict[str, TakenModule], libraries: Iterable[str], looks: Mapping[Look, object]) -> None:
        self._modules = modules
        self._coming = list(modules)
        """Those that have not come back, the last one first: the order in which they were run."""
        self._coming.reverse()
        self.doubt = ""
        """Why this process is not what a fresh start would be, or ""."""
        self.culprit = ""
        """The first module that is better not among them, if that is known."""
        self._giver = next((name for name in modules if "__getattr__" in vars(sys.modules[name])), "")
        self._back = 0
        self._listings = {place: _listed(place) for place in _places(modules.values())}
        self._expected = 0
        self._base: frozenset[str] = frozenset()
        self._libraries = frozenset(libraries)
        self._looks = looks
        self._others: list[str] = []
        self._seen = 0
        self._steps: dict[str, list[Step]] = {}
        self._passed: dict[str, int] = {}
        self._path: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self._modules

    def begin(self) -> None:
        """The user's code is about to run."""
        self._path = list(sys.path)
        self._base = frozenset(sys.modules)
        self._expected = len(sys.modules)
        for place, before in self._listings.items():
            if other := _listed(place) ^ before:
                self._note(f"{min(other)} has come or gone", "")

        for look, told in self._looks.items():
            if answer_to(look) != told:
                self._note(f"{look[1]} has come or gone", "")

    def look(self, name: str, lifted: int) -> None:
        """`name` is imported by what has not been taken; `lifted` modules of libraries have come so far."""
        if self.doubt:
            return
        if sys.path != self._path:
            self._note("sys.path has been changed", name)
        stack = recorder.watch.stack
        if len(recorder.rank) != self._seen + self._back:
            self._find_others()
        if self._others and self._giver:
            self._note(f"{self._giver} runs code when it is asked for a name", name)
        self._look_at_others(name, {one.module: one.line for one in stack}, lifted)

    def _look_at_others(self, name: str, running: Mapping[str, int], lifted: int) -> None:
        """What has been executed until now, and is not among them."""
        if "" in running:
            self._note("a function imports it", name)
        for other in list(self._others):
            line = running.get(other)
            reason = "it has failed" if line is None and other not in recorder.by_name else self._deed(other, line)
            if reason:
                self._note(f"{other} comes before it: {reason}", name)
            elif line is None:
                self._others.remove(other)
                self._expected += 1
        there = self._expected + lifted + self._back + len(running)
        if len(sys.modules) != there and not self.doubt:
            known = {*self._base, *self._libraries, *self._modules, *recorder.by_name}
            strangers = [one for one in sys.modules if one not in known]
            if not strangers or not all(one.startswith(_CODECS) for one in strangers):
                stranger = strangers[0] if strangers else "another module"
                self._note(f"{stranger} has been loaded before it, of which nothing is known", name)
            self._base |= {*strangers}
            self._expected += len(strangers)

    def begins(self, name: str, importer: str) -> None:
        """`name` would be run now, imported by another one that was taken; or by whoever it is."""
        taken = self._modules[name]
        stack = recorder.watch.stack
        trigger: tuple[str, int] | None = None
        if taken.within is not None:
            trigger = taken.within
            if importer != trigger[0]:
                self._note(f"it is not imported by {trigger[0]}", name)
        elif importer:
            trigger = importer, self._modules[importer].offsets.get(name, -1)
            if trigger[1] < 0:
                self._note(f"it is not known where {importer} imports it", name)
        elif stack and stack[-1].module:
            trigger = stack[-1].module, stack[-1].offset
        try:
            same = read_file(taken.loaded.path) == taken.loaded.source
        except OSError:
            same = False
        if not same:
            self._note("its file has changed", name)
        recorder.importers.add(name)
        recorder.rank[name] = len(recorder.rank)
        recorder.graph.begin(name)
        taken.loaded.trigger = trigger
        recorder.by_name[name] = taken.loaded

    def ends(self, name: str) -> None:
        """It would have been run by now."""
        self._back += 1
        if not self._coming or self._coming.pop() != name:
            self._note("modules are imported in another order", name)
        for edge in self._modules[name].edges:
            recorder.graph.note(edge)
        recorder.graph.end(name)

    def _find_others(self) -> None:
        """Modules that were not taken have begun to run."""
        fresh = [name for name in recorder.rank if name not in self._modules]
        self._others += islice(fresh, self._seen, None)
        self._seen = len(fresh)

    def _deed(self, name: str, line: int | None) -> str:
        """What a module has done up to a line that is more than to bind names."""
        if name not in self._steps:
            self._steps[name] = steps(recorder.by_name[name].source)
            self._passed[name] = 0
        known = self._steps[name]
        names = vars(sys.modules[name])
        while self._passed[name] < len(known):
            step = known[self._passed[name]]
            if line is not None and step.line >= line:
                break
            if step.deed:
                return step.deed
            if not all(one in names and type(names[one]) in _PLAIN for one in step.values):
                return f"line {step.line} computes with objects"
            if not all(_is_plain_module(names.get(one)) for one in step.modules):
                return f"line {step.line} reads an attribute"
            if not all(_only_makes(names, one) for one in step.calls):
                return f"line {step.line} calls something"
            self._passed[name] += 1
        return ""

    def _note(self, reason: str, name: str) -> None:
        if not self.doubt:
            self.doubt = f"{name}: {reason}" if name else reason
            self.culprit = self._coming[-1] if name and self._coming else name  # the first that has not come back


def _is_plain_module(thing: object) -> bool:
    """Whether to read an attribute runs nothing."""
    return type(thing) is ModuleType and "__getattr__" not in vars(thing)


def _only_makes(names: Mapping[str, object], called: tuple[str, ...]) -> bool:
    """Whether what is called is one of those that only make something."""
    found = names.get(called[0], vars(builtins).get(called[0]))
    if len(called) > 1:
        found = vars(found).get(called[1]) if type(found) is ModuleType else None
    return any(found is one for one in _MAKERS)


def _places(modules: Iterable[TakenModule]) -> set[str]:
    """The directories in which own modules were looked for."""
    searched = {entry or os.curdir for entry in sys.path if os.path.join(entry, "a.py") in recorder.roots}
    return searched | {os.path.dirname(one.loaded.path) for one in modules}


def _listed(place: str) -> frozenset[str]:
    """What of a directory's content may be a module."""
    try:
        with os.scandir(place) as entries:
            return frozenset(one.name for one in entries if _may_be_module(one))
    except OSError:
        return frozenset()


def _may_be_module(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    return name.endswith(_SUFFIXES) or (name.isidentifier() and name != "__pycache__" and entry.is_dir())
