"""A throw-away process that imports third-party modules and notes what each of them does meanwhile.

It is told the names on its standard input, as a JSON object in one line, and writes one on its standard output as it
was at the start.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pepperpy_reload.core.preload import Deed
from pepperpy_reload.preloading.places import is_library, is_library_path
from pepperpy_reload.preloading.renewal import RENEWED
from pepperpy_reload.preloading.tracker import Tracker
from pepperpy_reload.preloading.world import Functions, World

_CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
_CODE = (".py", ".pyc", ".so", ".pyd", ".pth", ".zip")
_SYSTEM = ("/proc/", "/dev/", "/sys/", "/usr/share/zoneinfo/")


class Probe:
    """Watches imports in this process, which is good for nothing else afterwards."""

    def __init__(self) -> None:
        self.deeds: dict[str, set[Deed]] = {}
        self.keys: dict[str, set[str]] = {}
        """By module: the environment variables that it looked at."""
        self.files: set[str] = set()
        """Files that were read and are no code."""
        self._libraries: set[str] = set()
        self._tracker = Tracker(self)
        self._world = World()
        self._functions = Functions()
        self._ran: set[str] = set()
        """The packages of which something ran since functions were last looked at."""
        self._watches = True

    def look_at(self, names: Sequence[str]) -> dict[str, Any]:
        """Import the modules, one after the other; what was seen, as plain values."""
        self._watch_calls()
        self._functions.replaced(())
        self._world.changes()
        with self._tracker:
            for name in names:
                if name not in sys.modules:
                    self._import(name)
        for name in self._tracker.requires:
            if name not in self._tracker.planted and name in sys.modules and not is_library(sys.modules[name]):
                self._note(name, Deed.FOREIGN)
        for name in names:  # here before anything was looked at, and in a worker not: of the standard library
            if name in sys.modules and is_library(sys.modules[name]):
                self._tracker.requires.setdefault(name, {})
        modules = {
            name: [sorted(self.deeds.get(name, ())), list(required), sorted(self.keys.get(name, ()))]
            for name, required in self._tracker.requires.items()
            if name in sys.modules or name in self.deeds
        }
        return {"modules": modules, "files": sorted(self.files)}

    def _import(self, name: str) -> None:
        try:
            importlib.import_module(name)
        except BaseException:  # noqa: BLE001 - whatever it is, this one is imported by the worker
            self._tracker.requires.setdefault(name, {})
            self._note(name, Deed.RAISES)

    def step(self, current: str, following: str) -> None:
        """See LoadWatcher."""
        self._watches = False
        for deed in self._world.changes():
            if deed is Deed.THREADS and _threads_end_before_a_fork():
                self._world.changes()
                continue
            self._note(current, deed)
        package, is_left = current.partition(".")[0], current.partition(".")[0] != following.partition(".")[0]
        self._ran.add(package)
        if is_left and package not in sys.stdlib_module_names:
            if self._functions.replaced(self._ran):
                self._note(current, Deed.PATCHES)
            self._ran.clear()
        self._watches = True

    def _note(self, name: str, deed: Deed) -> None:
        if name and not (deed in RENEWED and name.startswith(RENEWED[deed])):
            self.deeds.setdefault(name, set()).add(deed)

    # -- calls --------------------------------------------------------------------------------------------------------

    def _watch_calls(self) -> None:
        os.urandom = self._noting(Deed.RANDOM, os.urandom)
        random._urandom = os.urandom  # type: ignore[attr-defined]
        os.getpid = self._noting(Deed.CLOCK, os.getpid)
        for name in _CLOCKS:
            setattr(time, name, self._noting(Deed.CLOCK, getattr(time, name)))
        kind: Any = type(os.environ)
        plain = kind.__getitem__, kind.__iter__
        probe = self

        def __getitem__(environment: Any, key: str) -> Any:  # noqa: N807
            probe._read_variable(key)
            return plain[0](environment, key)

        def __iter__(environment: Any) -> Any:  # noqa: N807
            probe._read_variable("*")
            return plain[1](environment)

        kind.__getitem__, kind.__iter__ = __getitem__, __iter__
        sys.addaudithook(self._heard)

    def _noting(self, deed: Deed, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **named: Any) -> Any:
            if self._watches:
                self._note(self._tracker.current, deed)
            return function(*arguments, **named)

        return noted

    def _read_variable(self, key: str) -> None:
        if self._watches and self._tracker.current:
            self.keys.setdefault(self._tracker.current, set()).add(str(key))

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not self._watches or not self._tracker.current:
            return
        path = arguments[0]
        if not isinstance(path, str) or path.endswith(_CODE) or path.startswith(_SYSTEM) or path in self._libraries:
            return
        if is_library_path(path):  # what is installed there is looked at as a whole
            self._libraries.add(path)
        else:
            self.files.add(os.path.abspath(path))


def _threads_end_before_a_fork() -> bool:
    """Whether the threads that have been started are of a library that ends them before a fork: OpenBLAS does."""
    if sys.platform != "linux":
        return False
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    return len(os.listdir("/proc/self/task")) == 1


def main() -> None:
    """The process's whole life."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    order: Mapping[str, Any] = json.loads(sys.stdin.readline())
    with tempfile.TemporaryFile() as written:
        for descriptor in (1, 2):
            os.dup2(written.fileno(), descriptor)
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, 0)
        os.close(nowhere)
        sys.path[:0] = order["search"]
        sys.argv = list(order["argv"])
        answers.write(json.dumps(Probe().look_at(order["names"])) + "\n")
        answers.flush()
    os._exit(0)
