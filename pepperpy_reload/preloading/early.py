"""Modules of the project's own that are imported before anything is asked of a process, and put out of sight again.

Only those that would be the same whenever and wherever they are imported: that is watched, and one that is not so makes
the process useless for this purpose.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import is_not
from types import ModuleType
from typing import Any

from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.importing.taken import take
from pepperpy_reload.preloading.ahead import Ahead
from pepperpy_reload.preloading.calls import Calls
from pepperpy_reload.preloading.tracker import Tracker
from pepperpy_reload.preloading.world import World

_OURS = __name__.partition(".")[0]
_UNWATCHED = ("__main__", "typing", "warnings", "sys")


@dataclass(frozen=True, slots=True)
class Spoiled:
    """Why this process is good for nothing: `module` has done it, or it is not known which one has."""

    module: str
    reason: str


class _Tracker(Tracker):
    """Knows besides at which offset of its code a module has begun to import another one."""

    def __init__(self) -> None:
        super().__init__()
        self.offsets: dict[str, dict[str, int]] = {}

    def _require(self, name: str) -> None:
        super()._require(name)
        stack = recorder.watch.stack
        if stack and self._stack and stack[-1].module == self._stack[-1]:
            self.offsets.setdefault(stack[-1].module, {}).setdefault(name, stack[-1].offset)


class Early:
    """Imports modules of the project's own in a fork that has settled in, with its recorder armed.

    `before` are the modules that were in sight, `held` those that were not, before this one was imported.
    """

    def __init__(
        self, ahead: Ahead, before: frozenset[str], held: Mapping[str, ModuleType], *, careful: bool = False
    ) -> None:
        self._veil, self._effects = ahead.veil, ahead.effects
        self._before, self._held = before, held
        self._careful = careful
        self._tables: dict[str, tuple[dict[str, Any], list[str], list[Any]]] = {}
        self._spaces: list[str] = []
        """Packages without a file of their own: nothing is run for them."""
        self._world = World()
        self._tracker = _Tracker()

    def run(self, groups: Sequence[Sequence[str]]) -> Spoiled | None:
        """Import these groups, in this order, and put them out of sight; what has gone wrong, or None."""
        veil = self._veil
        veil.begin()
        graph, importers = recorder.graph.copy(), set(sys.path_importer_cache)
        outside = set(recorder.outside)
        for name, module in (*sys.modules.items(), *self._held.items()):
            if name not in _UNWATCHED and name.partition(".")[0] != _OURS and type(module) is ModuleType:
                self._know(name, module)
        self._effects.try_out()
        with Calls(recorder.roots.__contains__) as calls, self._tracker:
            self._world.changes()
            for members in groups:
                name = members[-1]
                reason = self._import(name, members, calls)
                recorder.outside.discard(name)
                if not reason and recorder.outside - outside:
                    reason = f"{min(recorder.outside - outside)} is imported by a library"
                if not reason and self._careful:
                    reason = self._disturbed() or self._effects.tried()
                if reason:
                    return Spoiled(name, reason)
            reason = self._disturbed()
        reason = reason or self._effects.end_trial() or veil.doubt
        if reason:
            return Spoiled("", reason)
        names = [name for members in groups for name in members]
        taken = take(names, self._tracker.offsets, graph, self._held, calls.looks)
        veil.put_back(self._held, [*names, *self._spaces], self._tracker.requires, taken)
        for name in sys.modules.keys() - self._before:  # what this needs itself
            del sys.modules[name]
        for entry in sys.path_importer_cache.keys() - importers:
            del sys.path_importer_cache[entry]
        return None

    def _import(self, name: str, members: Sequence[str], calls: Calls) -> str:
        begun, held = len(recorder.rank), len(self._veil.held)
        known = set(sys.modules)
        try:
            importlib.import_module(name)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the worker will meet it again
            if calls.fault:
                return f"it {calls.fault}"
            return f"it cannot be imported alone ({type(error).__name__})"
        came = [one for one in sys.modules if one not in known]
        own = [one for one in came if one in recorder.by_name]
        if own != list(members) or len(recorder.rank) != begun + len(members):
            return "other modules are imported with it than before"
        if calls.fault:
            return f"it {calls.fault}"
        spaces = [one for one in came if one not in self._tables and _is_own_namespace(sys.modules[one])]
        self._spaces += spaces
        if len(came) != len(members) + len(spaces) + held - len(self._veil.held):
            strangers = [one for one in came if one not in self._tables and one not in (*members, *spaces)]
            return f"it imports {strangers[0] if strangers else 'others'}, which cannot be imported ahead"
        self._effects.new_loggers(name)
        return next(filter(None, map(self._fault_of, members)), "")

    def _fault_of(self, name: str) -> str:
        """What is wrong with a module by itself, or ""."""
        if self._tracker.missing:
            return f"it looks for {min(self._tracker.missing)} in vain"
        loaded, module = recorder.modules[name], sys.modules[name]
        if b"modules" in loaded.source and b"sys" in loaded.source:
            return "it may look at sys.modules"
        if loaded.files:
            return f"it reads {min(loaded.files)}"
        if loaded.ran is None:
            return "what it runs is not recorded"
        if type(module) is not ModuleType:
            return "it is no plain module"
        self._know(name, module)
        return ""

    # -- what may not change ------------------------------------------------------------------------------------------

    def _know(self, name: str, module: ModuleType) -> None:
        table = vars(module)
        self._tables[name] = table, list(table), list(table.values())

    def _disturbed(self) -> str:
        """What the modules have done besides being there, or ""."""
        for deed in self._world.changes():
            return deed.value
        for name, (table, names, values) in self._tables.items():
            now = list(table.values())
            if len(now) == len(values) and not any(map(is_not, now, values)):
                continue
            before = dict(zip(names, values, strict=True))
            changed = [one for one in table.keys() | before.keys() if table.get(one) is not before.get(one)]
            for one in changed:
                if not self._may_change(name, one, table):
                    return f"the name {one} of {name} is bound again"
        return ""

    def _may_change(self, module: str, name: str, table: Mapping[str, Any]) -> bool:
        """Whether the import system has done that, or nobody else asks for such a name."""
        if table.get(name) is not None and sys.modules.get(f"{module}.{name}") is table[name]:
            return True
        return module not in recorder.by_name and name[:1] == "_"


def _is_own_namespace(module: ModuleType) -> bool:
    """Whether a module is a package without a file of its own, and only of the project's directories."""
    spec = getattr(module, "__spec__", None)
    places = list(getattr(spec, "submodule_search_locations", None) or ())
    is_bare = type(module) is ModuleType and getattr(module, "__file__", None) is None
    return is_bare and bool(places) and all(os.path.join(place, "a.py") in recorder.roots for place in places)
