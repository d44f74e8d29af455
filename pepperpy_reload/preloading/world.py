"""What an import may change outside its own module, as values that can be compared before and after."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal's own makes an enum of every answer
import builtins
import faulthandler
import gc
import locale
import logging
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from operator import is_not
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from pepperpy_reload.core.preload import Deed, is_part

_TASKS = "/proc/self/task"
_DESCRIPTORS = "/proc/self/fd"
_SIGNALS = tuple(map(int, signal.valid_signals()))
_UNWATCHED = ("__main__", "typing")  # typing_extensions changes that one, which can be taken back
_KINDS = (FunctionType, BuiltinFunctionType, type)


def _tasks() -> object:
    with suppress(OSError):
        return len(os.listdir(_TASKS))
    return threading.active_count()


def _children() -> object:
    with suppress(OSError), open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:
        return file.read()  # as it is: to decode it might load a module
    return b""


def _descriptors() -> object:
    with suppress(OSError):
        return len(os.listdir(_DESCRIPTORS))
    return 0


def _signals() -> object:
    return [_signal.getsignal(number) for number in _SIGNALS]


def _directory() -> object:
    umask = os.umask(0)
    os.umask(umask)
    with suppress(OSError):
        return umask, os.getcwd()
    return umask, ""


def _search() -> object:
    return list(sys.path), list(map(id, sys.meta_path)), list(map(id, sys.path_hooks))


def _streams() -> object:
    return [id(getattr(sys, name)) for name in ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")]


def _written() -> object:
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    return [os.fstat(number).st_size for number in (1, 2)]


def _hooks() -> object:
    asyncio = sys.modules.get("asyncio.events")
    return (
        *map(id, (sys.excepthook, sys.displayhook, sys.unraisablehook, sys.breakpointhook, threading.excepthook)),
        *map(id, (sys.gettrace(), sys.getprofile(), builtins.__import__, builtins.open, builtins.print)),
        *(sys.getrecursionlimit(), sys.getswitchinterval(), sys.getdlopenflags(), faulthandler.is_enabled()),
        *(gc.isenabled(), gc.get_threshold(), len(gc.callbacks), len(vars(builtins)), sys.get_asyncgen_hooks()),
        id(getattr(asyncio, "_event_loop_policy", None)),
    )


def _logging() -> object:
    root = logging.getLogger()
    return root.level, list(map(id, root.handlers)), root.manager.disable, logging.raiseExceptions, logging._levelToName


def _random() -> object:
    return hash(random.getstate())


_ASPECTS: tuple[tuple[Deed, Callable[[], object]], ...] = (
    (Deed.THREADS, _tasks),
    (Deed.CHILDREN, _children),
    (Deed.DESCRIPTORS, _descriptors),
    (Deed.SIGNALS, _signals),
    (Deed.ENVIRONMENT, lambda: dict(os.environ)),
    (Deed.DIRECTORY, _directory),
    (Deed.IMPORTS, _search),
    (Deed.STREAMS, _streams),
    (Deed.STREAMS, _written),
    (Deed.HOOKS, _hooks),
    (Deed.LOCALE, lambda: locale.setlocale(locale.LC_ALL)),
    (Deed.LOGGING, _logging),
    (Deed.RANDOM, _random),
)


class World:
    """The process's state as it was when it was last looked at."""

    def __init__(self) -> None:
        self._last = [look() for _, look in _ASPECTS]

    def changes(self) -> set[Deed]:
        """What is not as it was at the last look."""
        now = [look() for _, look in _ASPECTS]
        found = {deed for (deed, _), before, after in zip(_ASPECTS, self._last, now, strict=True) if before != after}
        self._last = now
        return found


class Functions:
    """The functions and classes that packages had when they were last looked at."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[Mapping[str, Any], list[Any], list[Any]]] = {}
        """By module and class ("" for the module itself): its names, and what they stood for."""

    def replaced(self, packages: Collection[str]) -> bool:
        """Whether one has been replaced since the last look, in another package than these."""
        found = False
        for key, (namespace, names, values) in list(self._known.items()):
            now = list(namespace.values())
            if len(now) == len(values) and not any(map(is_not, now, values)):
                continue
            if not is_part(key[0], packages):
                before = zip(names, values, strict=True)
                found = found or any(isinstance(one, _KINDS) and namespace.get(name) is not one for name, one in before)
            self._know(*key, namespace)
        known = {module for module, _ in self._known}
        for name, module in list(sys.modules.items()):
            if name not in known and type(module) is ModuleType and name not in _UNWATCHED:
                self._know(name, "", vars(module))
        return found

    def _know(self, module: str, inside: str, namespace: Mapping[str, Any]) -> None:
        self._known[module, inside] = namespace, list(namespace), list(namespace.values())
        if not inside:
            for name, value in list(namespace.items()):
                if isinstance(value, type) and value.__module__ == module and (module, name) not in self._known:
                    self._know(module, name, vars(value))
