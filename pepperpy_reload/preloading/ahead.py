"""Modules imported ahead in a process that is going to be forked: all that its forks need to be like fresh ones."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import threading
import time
from collections.abc import Collection, Mapping
from typing import Any

from pepperpy_reload.importing.veil import Knowledge, Veil
from pepperpy_reload.preloading.effects import Effects
from pepperpy_reload.preloading.renewal import Renewal
from pepperpy_reload.preloading.tracker import Tracker

_OURS = __name__.partition(".")[0]
_TASKS = "/proc/self/task"


class Ahead:
    """The modules that an order names, imported and put out of sight; `fault` says why they cannot be used, or "".

    `base` are the modules that a process has which begins.
    """

    veil: Veil
    effects: Effects

    def __init__(self, order: Mapping[str, Any], base: Collection[str]) -> None:
        self._renew: Renewal
        self.fault = self._import(order, frozenset(base)) or crowd()

    def settle_in(self) -> None:
        """In a fork: be like a process that has just been started. Until the user's code runs it may be long."""
        gc.unfreeze()  # a reload looks for who refers to what it replaces
        self._renew()
        self.veil.hang()

    def begin(self) -> None:
        """In a fork that has settled in: the user's code is about to run."""
        self._renew.start()
        self.veil.begin()

    def _import(self, order: Mapping[str, Any], base: frozenset[str]) -> str:
        since, importers = time.time(), set(sys.path_importer_cache)
        before, argv = list(sys.path), sys.argv
        sys.path[:0] = order["search"]
        sys.argv = list(order["argv"])
        ours = frozenset(sys.modules)
        with Effects() as effects, Tracker(effects) as tracker:
            for name in order["names"]:
                try:
                    importlib.import_module(name)
                except BaseException as error:  # noqa: BLE001 - whatever it is, it was imported once
                    return f"{name} cannot be imported any more ({error!r})"
            for name, names in tracker.lazy.items():
                _forget_what_was_asked_for(name, names)
        loaded = sys.modules.keys() - ours
        if strangers := loaded - {*order["names"], *order["vouched"], *tracker.planted}:
            return f"{min(strangers)} was imported unexpectedly"
        if strangers := {name for name in ours - base if name.partition(".")[0] != _OURS}:
            return f"{min(strangers)} is missing where a worker begins"
        knowledge = Knowledge(
            requires=tracker.requires,
            keys=order["keys"],
            missing=tuple(tracker.missing),
            files=order["files"],
            vouched=frozenset(order["vouched"]),
        )
        self.effects = effects
        self.veil = Veil(base, order["names"], knowledge, effects, since, order["libraries"])
        self._renew = Renewal()
        self.veil.draw()
        effects.take_back()
        for entry in sys.path_importer_cache.keys() - importers:
            del sys.path_importer_cache[entry]
        sys.path[:] = before
        sys.argv = argv
        return self.veil.fault or effects.fault


def _forget_what_was_asked_for(name: str, names: Collection[str]) -> None:
    """A module gives a name when it is first asked for, and keeps it: in a fork it is to be asked again.

    For then it may import something. That it would give the same is tried.
    """
    module = sys.modules.get(name)
    namespace = {} if module is None else vars(module)
    for key in namespace.keys() - set(names):
        value = namespace[key]
        if f"{name}.{key}" in sys.modules:  # the import system has put it there
            continue
        del namespace[key]
        try:
            again = getattr(module, key)
        except Exception:  # noqa: BLE001 - then it was not given so
            again = None
        namespace.pop(key, None)
        if again is not value:
            namespace[key] = value


def crowd() -> str:
    """Why this process must not be forked: it has other threads. A library may end its own before a fork."""
    for last in (False, True):
        count = len(os.listdir(_TASKS)) if os.path.isdir(_TASKS) else threading.active_count()
        if count == 1:
            return ""
        if not last:
            child = os.fork()
            if not child:
                os._exit(0)
            os.waitpid(child, 0)
    return f"it has {count} threads"
