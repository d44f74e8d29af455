"""The server, loaded before the user's code, as plain uvicorn is: while the worker's place is still being prepared.

What is loaded so early is not recorded, and the user's directories are not searched for it: so it must have nothing to
do with what lies there. That is looked at before, meanwhile, and once more when nothing can be saved unnoticed.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import filterfalse

from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.importing.roots import standard_library

_SERVER = (
    "pepperpy_reload.serving.asgi",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
)
_NAMES = sys.stdlib_module_names | {
    *("uvicorn", "click", "h11", "httptools", "websockets", "wsproto", "uvloop", "zttp", "a2wsgi"),
    *("typing_extensions", "colorama", "dotenv", "yaml", "watchfiles"),
}
"""What the server may ask for: where something else of such a name lies, nothing is begun."""
_LIBRARIES = "-packages"  # site-packages, dist-packages
_SERVED = 2  # arguments of a function that is an app: a WSGI app has two, an ASGI app three


class HeadStart:
    """The server's modules, if nothing in the user's `directories` could be meant by an import of theirs."""

    def __init__(self, directories: Iterable[str]) -> None:
        self._directories = frozenset([*directories, *filterfalse(_is_of_libraries, map(str, sys.path))])
        self._searched: set[str] = set()
        self.is_possible = not any(map(self._may_be_meant, _NAMES & _names_in(self._directories)))
        self.names: tuple[str, ...] = ()
        """What has been loaded, in the order in which that began."""

    def _may_be_meant(self, name: str) -> bool:
        """Whether there is more of that name than directories that are no packages: any other module comes first."""
        for directory in self._directories:
            inside, own = _entries(f"{directory}{os.sep}{name}"), _entries(directory)
            if any(one.startswith("__init__.") for one in inside) or any(one.startswith(f"{name}.") for one in own):
                return True
        return False

    def begin(self) -> None:
        """Load it before imports are recorded, and before the user's directories are searched."""
        theirs = _names_in(self._directories)
        before, sentry = frozenset(sys.modules), _Sentry(lambda name: name in theirs and self._may_be_meant(name))
        sys.meta_path.insert(0, sentry)
        try:
            load()
        except _TheirsError:
            pass
        finally:
            sys.meta_path.remove(sentry)
        came = [name for name in sys.modules if name not in before]
        self._searched = sentry.searched
        if sentry.has_met_theirs or self._would_be_theirs() or _are_first_party(came):
            for name in came:  # who has them knows one another: all or nothing
                del sys.modules[name]
        else:
            self.names = tuple(name for name in sentry.asked if name in sys.modules)

    @property
    def is_overtaken(self) -> bool:
        """Whether a file has come into being since that would be loaded instead."""
        return bool(self.names) and self._would_be_theirs()

    def _would_be_theirs(self) -> bool:
        """Whether another search would find something of theirs, if only where nothing was found."""
        alike = self._searched & _names_in(self._directories)
        return any(name not in sys.modules or self._may_be_meant(name) for name in alike)


def load() -> None:
    """Load the server's modules. What is wrong with one of them will be told when it is needed."""
    with suppress(Exception):
        for name in _SERVER:
            importlib.import_module(name)


def is_app(module: str, attribute: str, search: Sequence[str]) -> bool:
    """Whether a target looks like an app. A program runs without a server, as far as its text tells that it is one."""
    text = _text_of(module, search)
    _, is_function, rest = f"\n{text}".replace("\nasync def ", "\ndef ").partition(f"\ndef {attribute}(")
    if not is_function:
        return bool(text)
    parameters = [one.strip() for one in rest.partition(")")[0].split(",")]
    return sum(bool(one) and "=" not in one and one[0] != "*" for one in parameters) >= _SERVED


def _text_of(module: str, search: Sequence[str]) -> str:
    path = module.replace(".", os.sep)
    for directory in search:
        for end in (f"{path}.py", os.path.join(path, "__init__.py")):  # noqa: PTH118 - strings in and out
            with suppress(OSError), open(os.path.join(directory, end), encoding="utf-8", errors="replace") as file:  # noqa: PTH118, PTH123
                return file.read()
    return ""


def _are_first_party(names: Iterable[str]) -> bool:
    """Whether a finder of somebody's has found them elsewhere than on the search path."""
    tops = (sys.modules[name] for name in names if "." not in name and name not in sys.stdlib_module_names)
    files = (getattr(module, "__file__", None) for module in tops)
    return any(isinstance(file, str) and file in recorder.roots for file in files)


def _is_of_libraries(entry: str) -> bool:
    return _LIBRARIES in entry or f"{entry}{os.sep}".startswith(tuple(f"{path}{os.sep}" for path in standard_library()))


def _names_in(directories: Iterable[str]) -> set[str]:
    """What can be imported from there, and some more."""
    return {name.partition(".")[0] for directory in directories for name in _entries(directory)}


def _entries(directory: str) -> list[str]:
    with suppress(OSError):
        return os.listdir(directory or os.curdir)  # noqa: PTH208 - it is quick
    return []


class _TheirsError(BaseException):
    """Something is imported whose name lies in one of the user's directories; nobody but us is to catch that."""


class _Sentry:
    """Stands before all finders, and looks at each name that is not there yet."""

    def __init__(self, is_theirs: Callable[[str], bool]) -> None:
        self._is_theirs = is_theirs
        self.has_met_theirs = False
        self.searched: set[str] = set()
        """What was looked for on the search path."""
        self.asked: dict[str, None] = {}
        """All that was looked for, in that order: in `sys.modules` modules stand as their imports have ended."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002 - of a finder
        """Find nothing; end all that is going on if it is not to go on."""
        self.asked[name] = None
        if path is None:
            self.searched.add(name)
            if self._is_theirs(name):
                self.has_met_theirs = True
                raise _TheirsError(name)
