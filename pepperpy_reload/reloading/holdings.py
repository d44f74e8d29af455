"""What a process holds apart from its modules: seen before statements are executed again, and compared after."""

from __future__ import annotations

import copyreg
import os
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.importing.roots import working_directory
from pepperpy_reload.reloading.looking import is_a

_signals: Any = sys.modules.get("_signal")
_environment: Any = getattr(os.environ, "_data", os.environ)  # as it is kept: decoding it costs more than all else
Read = Callable[[], object]

WATCHED = frozenset(
    "os.chdir warnings.filterwarnings warnings.simplefilter logging.basicConfig sys.setrecursionlimit signal.signal "
    "socket.setdefaulttimeout copyreg.pickle".split()
)
"""The functions of which nothing more is needed to be known than what they leave here."""


def _reads() -> dict[str, Read]:
    """How each of them is read; what is not loaded holds nothing."""
    found: dict[str, Read] = {
        "os.environ": lambda: dict(_environment),
        "sys.path": lambda: list(sys.path),
        "sys.meta_path": lambda: list(sys.meta_path),
        "sys.path_hooks": lambda: list(sys.path_hooks),
        "sys.argv": lambda: list(sys.argv),
        "sys.excepthook": lambda: sys.excepthook,
        "sys.displayhook": lambda: sys.displayhook,
        "sys.stdout": lambda: sys.stdout,
        "sys.stderr": lambda: sys.stderr,
        "the recursion limit": sys.getrecursionlimit,
        "the working directory": working_directory,
        "warnings.filters": lambda: list(warnings.filters),
        "copyreg.dispatch_table": lambda: dict(copyreg.dispatch_table),
        "the default timeout of sockets": socket.getdefaulttimeout,
    }
    if _signals is not None:
        found["signal handlers"] = lambda: [_signals.getsignal(number) for number in range(1, _signals.NSIG)]
    return found


def is_watched(thing: object) -> bool:
    """Whether a change of an object shows here."""
    tables = (os.environ, sys.path, sys.meta_path, sys.path_hooks)
    return is_a(thing, loggers()) or any(thing is one for one in tables)


def loggers() -> tuple[type, ...]:
    """The type of loggers, which belong to the whole process, whoever has made them."""
    logging = sys.modules.get("logging")
    return (logging.Logger,) if logging is not None else ()


def is_plain_logger(thing: object) -> bool:
    """Whether it is one that logging itself has made: to ask for it again gives the same one, as it is."""
    return type(thing).__module__ == "logging" and is_a(thing, loggers())


def is_silent(name: str) -> bool:
    """Whether the logger of that name has a handler of Python's own that does nothing."""
    logging = sys.modules.get("logging")
    known = logging.Logger.manager.loggerDict.get(name) if logging is not None else None
    return logging is not None and any(type(one) is logging.NullHandler for one in getattr(known, "handlers", ()))


class Holdings:
    """The settings of the process, its environment and its loggers, as they are now."""

    def __init__(self) -> None:
        self._reads = _reads()
        self._held = {name: read() for name, read in self._reads.items()}
        self._loggers = dict(_loggers())

    def check(self, where: str) -> None:
        """Raises RestartNeeded if something is other than it was: what has been executed at `where` has done that."""
        for name, read in self._reads.items():
            if read() != self._held[name]:
                raise RestartNeeded(f"{where} changes {name}, which lives outside the project")

    def check_loggers(self) -> None:
        """The same for loggers: asked once, at the end. A logger that has come meanwhile is as it came."""
        now = dict(_loggers())
        for name, held in self._loggers.items():
            if now.get(name, held) != held:
                raise RestartNeeded(f"the logger {name!r} is set up otherwise when statements are executed again")

    def renew(self) -> None:
        """Modules have been loaded for the first time: what they have changed they change at every start."""
        self._held = {name: read() for name, read in self._reads.items()}
        self._loggers = {**dict(_loggers()), **self._loggers}


def _loggers() -> Iterator[tuple[str, object]]:
    logging = sys.modules.get("logging")
    if logging is None:
        return
    root = logging.getLogger()
    for name, logger in [("root", root), *logging.Logger.manager.loggerDict.items()]:
        if isinstance(logger, logging.Logger):
            handlers = [(id(handler), handler.level, id(handler.formatter)) for handler in logger.handlers]
            filters = [id(one) for one in logger.filters]
            yield name, (logger.level, handlers, filters, logger.propagate, logger.disabled)
