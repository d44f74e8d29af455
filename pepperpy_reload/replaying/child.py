"""A fresh interpreter that imports what it is told, applies edits if it is armed, and portrays itself.

Orders are lines of JSON on its standard input, answers lines of JSON on its standard output as it was at the start;
what the imported code prints goes nowhere.
"""

from __future__ import annotations

import atexit
import importlib
import json
import logging
import os
import sys
import time
import traceback
import warnings
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

from pepperpy_reload.comparing.objects import describe_table
from pepperpy_reload.comparing.portrait import own_modules, take_portrait
from pepperpy_reload.core.plan import Action
from pepperpy_reload.errors import UserCodeError
from pepperpy_reload.importing.modules import ModuleManager
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.preloading.ahead import Ahead
from pepperpy_reload.preloading.early import Early
from pepperpy_reload.preloading.loads import Loads, own_sources
from pepperpy_reload.reloading.engine import prepare
from pepperpy_reload.reloading.looking import is_a
from pepperpy_reload.reloading.optimizer import ImportOptimizer
from pepperpy_reload.reloading.reloader import Reloader
from pepperpy_reload.reloading.usercode import calling_user_code
from pepperpy_reload.replaying import planting
from pepperpy_reload.replaying.recorded import recorded

Answer = dict[str, Any]
_OURS = __name__.partition(".")[0]
_PREPARED = (describe_table,)  # imported before anything is portrayed, in every child alike


class Sitter:
    """Carries out the orders, in a process whose own modules are those under `root`."""

    def __init__(self, root: str, *, armed: bool) -> None:
        self._inside = root.rstrip(os.sep) + os.sep
        self._root, self._armed = root, armed
        self._ahead: Ahead | None = None
        self._loads = Loads(None)
        self._reloader: Reloader | None = None

    def arm(self) -> None:
        """Follow edits, if that was wanted: before the first module is imported, but after a fork."""
        if self._armed and self._reloader is None:
            optimizer = ImportOptimizer(ModuleManager()).install()
            recorder.attach(self._loads)
            self._reloader = Reloader(optimizer, roots=[self._root], on_report=lambda _: None)

    def fork(self, order: Mapping[str, Any]) -> Answer:
        """Import libraries, and go on as a fork of this process; see `restarts`."""
        self._ahead = ahead = Ahead(order, frozenset(sys.modules))
        if ahead.fault:
            return {"fault": ahead.fault}
        child = os.fork()
        if child:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
        ahead.settle_in()
        self.arm()
        early = Early(ahead, frozenset(sys.modules), dict(ahead.veil.held)) if order["early"] else None
        spoiled = None if early is None else early.run(order["early"])
        if spoiled is not None:
            return {"fault": "", "spoiled": [spoiled.module, spoiled.reason]}
        ahead.begin()
        return {"fault": "", "spoiled": None}

    def settle(self, _: Mapping[str, Any]) -> Answer:
        """All has been imported: why this is not what a fresh start is, or ""."""
        veil = None if self._ahead is None else self._ahead.veil
        if veil is None:
            return {"doubt": "", "early": False, "culprit": ""}
        return {"doubt": veil.settle(), "early": veil.is_early, "culprit": veil.culprit}

    def libraries(self, _: Mapping[str, Any]) -> Answer:
        """The modules that were imported and are not the user's own, in the order in which that began."""
        return {"names": self._loads.libraries()}

    def sources(self, _: Mapping[str, Any]) -> Answer:
        """The modules that are the user's own, in the order in which that ended; see `loads.Source`."""
        return {"sources": own_sources(named=True)}

    def recorded(self, _: Mapping[str, Any]) -> Answer:
        """What is known of own modules besides what they are."""
        return recorded()

    def surroundings(self, _: Mapping[str, Any]) -> Answer:
        """What modules may have done to the process, besides what they are."""
        loggers = logging.getLogger().manager.loggerDict
        return {
            "sys.modules": [name for name in sys.modules if not name.startswith(_OURS)],
            "filters of warnings": [str(one) for one in warnings.filters],
            "loggers": sorted(f"{name} {_level_of(one)}" for name, one in loggers.items()),
            "exit handlers": atexit._ncallbacks(),
            "environment": sorted(os.environ),
            "sys.path": sys.path,
            "finders": [type(one).__name__ for one in sys.meta_path],
        }

    def own(self, file: str) -> bool:
        """Whether a file is part of what is portrayed."""
        return file.startswith(self._inside)

    def settle_in(self, order: Mapping[str, Any]) -> Answer:
        """Search these paths first; what else led to a directory that was copied leads to its copy."""
        recorder.roots.narrow(order["roots"])
        moved = [(entry, entry.replace(top, place, 1)) for entry in sys.path[1:] for top, place in order["copies"]]
        copies = {entry: copy for entry, copy in moved if copy != entry and Path(copy).is_dir()}
        sys.path[:] = [*order["paths"], *(copies.get(entry, entry) for entry in sys.path[1:])]
        return {}

    def load(self, order: Mapping[str, Any]) -> Answer:
        """Import modules, one after the other; those that cannot be are told with the reason."""
        failed: dict[str, str] = {}
        for name in order["modules"]:
            package = name.rpartition(".")[0]
            if package in failed:  # what it had imported before it failed is there, but by chance
                failed[name] = failed[package]
                continue
            try:
                with calling_user_code():
                    importlib.import_module(name)
            except UserCodeError as error:
                failed[name] = str(error)
        return {"failed": failed}

    def forget(self, _: Mapping[str, Any]) -> Answer:
        """Have own modules imported once more when they are asked for, by a process whose libraries are loaded."""
        for name in own_modules(self.own):
            del sys.modules[name]
        return {}

    def files(self, _: Mapping[str, Any]) -> Answer:
        """The files that own modules are made of, or have read while they were imported."""
        loaded = recorder.modules.values()
        return {"files": sorted({os.path.realpath(file) for one in loaded for file in (one.path, *one.files)})}

    def explain(self, order: Mapping[str, Any]) -> Answer:
        """What a batch would do; nothing is changed."""
        try:
            prepared = prepare(order["paths"])
        except UserCodeError as error:
            return {"error of theirs": [str(error), error.file, error.line]}
        steps = []
        for step in prepared.plan.steps:
            functions = prepared.patched_in(step.module) if step.action is Action.PATCH else ()
            if functions or step.action is not Action.PATCH:  # else only lines move
                steps.append(step.as_json() | {"functions": functions})
        return {"restart": prepared.plan.restart, "steps": steps, "notes": prepared.reading.notes}

    def portray(self, order: Mapping[str, Any]) -> Answer:
        """Write the portrait of this process to a file."""
        Path(order["to"]).write_text(take_portrait(self.own).as_json(), encoding="utf-8")
        return {}

    def apply(self, order: Mapping[str, Any]) -> Answer:
        """Apply a batch; the report, the time that it took, and how many definitions are the same objects as before."""
        assert self._reloader is not None
        before = self._definitions()
        for _ in self._reloader.read_ahead():  # a served program does so while nobody wants anything
            pass
        started = time.perf_counter()
        report = self._reloader.apply(order["paths"])
        took = time.perf_counter() - started
        after = self._definitions()
        common = before.keys() & after.keys()
        same = [name for name in common if before[name]() is not None and before[name]() is after[name]()]
        return {"report": report.as_json(), "seconds": took, "kept": len(same), "common": len(common)}

    def fail(self, order: Mapping[str, Any]) -> Answer:
        """Apply a batch with an exception planted in it; see `planting.fail`."""
        assert self._reloader is not None
        return planting.fail(self._reloader, order["paths"], order["seed"], self.own)

    def _definitions(self) -> dict[str, weakref.ref[Any]]:
        """The functions and classes that are defined in own modules, by where they are."""
        found: dict[str, weakref.ref[Any]] = {}
        for module in own_modules(self.own).values():
            for name, thing in vars(module).items():
                if not is_a(thing, (FunctionType, type)) or thing.__module__ != module.__name__:
                    continue
                found[f"{module.__name__}.{name}"] = weakref.ref(thing)
                if is_a(thing, type):
                    functions = [item for item in vars(thing).items() if is_a(item[1], FunctionType)]
                    found |= {f"{module.__name__}.{name}.{key}": weakref.ref(item) for key, item in functions}
        return found


def _level_of(logger: object) -> object:
    return getattr(logger, "level", ""), len(getattr(logger, "handlers", ()))


def main(root: str, armed: str) -> None:
    """Read orders until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    orders = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(nowhere, 0)
    sys.path.insert(0, root)
    sys.argv = ["replay"]
    sitter = Sitter(root, armed=armed == "armed")
    carry_out: dict[str, Callable[[Mapping[str, Any]], Answer]] = {
        "settle_in": sitter.settle_in,
        "load": sitter.load,
        "forget": sitter.forget,
        "files": sitter.files,
        "explain": sitter.explain,
        "portray": sitter.portray,
        "apply": sitter.apply,
        "fail": sitter.fail,
        "fork": sitter.fork,
        "settle": sitter.settle,
        "libraries": sitter.libraries,
        "surroundings": sitter.surroundings,
        "sources": sitter.sources,
        "recorded": sitter.recorded,
    }
    for line in orders:
        order = json.loads(line)
        if order["do"] != "fork":
            sitter.arm()
        try:
            answer = carry_out[order["do"]](order)
        except Exception:  # noqa: BLE001 - a fault of ours: it is what the replay is there to find
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
