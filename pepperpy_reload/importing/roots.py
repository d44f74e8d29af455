"""Which files are the user's own: first-party code, the only code that is ever reloaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress

_OURS = os.path.realpath(os.path.join(os.path.dirname(__file__), os.pardir))
_NOTHING: frozenset[str] = frozenset()
_FOREIGN_PARTS = frozenset({"site-packages", "dist-packages", "node_modules", "__pypackages__"})


class Roots:
    """The directories whose modules are first-party.

    By default: the working directory and every entry of `sys.path` that is not the standard library, site-packages or
    a virtual environment, looked up when a module is found. `narrow` replaces that by fixed directories. A virtual
    environment inside a root is never first-party.
    """

    def __init__(self) -> None:
        self._fixed: tuple[str, ...] | None = None
        self.known: dict[str, bool] = {}
        """By file: what has been answered, as long as it holds."""
        self._seen: list[str] = []
        self._real: dict[str, str] = {}
        self._looked_up: tuple[object, tuple[str, ...]] | None = None
        self._verdicts: dict[str, bool] = {}
        """By directory: whether what lies in it, and is no link, is first-party. Only what cannot change by itself."""
        self._plain: dict[str, frozenset[str]] = {}
        """By directory of others: what in it is no link."""
        self._lasting: set[str] = set()
        """Those of which it is true wherever we are."""
        self._absolute: tuple[str, ...] | None = None
        """Real paths of the entries of the search path that do not depend on the working directory."""
        self._foreign = tuple({os.path.realpath(path) + os.sep for path in _library_directories()})

    @property
    def fixed(self) -> tuple[str, ...] | None:
        """The directories given to `narrow`, None where the default rule is in force."""
        return self._fixed

    def narrow(self, directories: Iterable[str | os.PathLike[str]] | None) -> None:
        """Take only what lies under `directories` (relative ones: to the working directory); None: the default."""
        self._fixed = None if directories is None else tuple(os.path.realpath(path) for path in directories)
        self._forget()

    def _forget(self) -> None:
        self.known, self._real, self._looked_up = {}, {}, None
        self._verdicts.clear()
        self._plain.clear()
        self._lasting.clear()
        self._absolute = None

    def directories(self) -> tuple[str, ...]:
        """The roots as they are now, real paths."""
        if self._fixed is not None:
            return self._fixed
        found = dict.fromkeys(os.path.realpath(path) for path in search_path(working_directory(), *sys.path))
        return tuple(path for path in found if os.path.isdir(path) and not self._is_foreign(path + os.sep))

    def __contains__(self, file: str) -> bool:
        """Whether `file` is first-party. Answers are remembered until the search path changes."""
        if self._fixed is None and self._seen != sys.path:
            self._seen = list(sys.path)
            self._forget()
        answer = self.known.get(file)
        if answer is None:
            answer = self.known[file] = self._decide(file)
        return answer

    def surround(self, path: str) -> bool:
        """Whether an absolute path lies below one of the directories, as it is written: no link is followed."""
        return _is_below(path, self._known_directories())

    def has_unless_link(self, file: str) -> bool:
        """Whether `file` is first-party if it is no link, as far as that is known without a look at the disk."""
        if self._fixed is None and self._seen != sys.path:
            return False
        return file.rpartition(os.sep)[0] in self._lasting

    def _decide(self, file: str) -> bool:
        if file.startswith("<"):
            return False
        directory, _, name = file.rpartition(os.sep)
        known = self._verdict(directory)
        if known is not None and name not in ("", os.curdir, os.pardir):
            if not known and name in self._plain_in(directory):
                return False
            if not os.path.islink(file):
                return known
        real = self._real_path(file)
        is_plain = os.path.isabs(directory) and real == os.path.join(self._real.get(directory, ""), name)
        directories = self._known_directories()
        if self._is_foreign(real) or real.startswith(_OURS + os.sep):
            if is_plain:
                self._verdicts[directory] = False
            return False
        if _is_below(real, directories):
            if is_plain:
                self._verdicts[directory] = True
                if _is_below(real, self._directories_anywhere()):
                    self._lasting.add(directory)
            return True
        return _is_below(real, self.directories())  # looked for once more: directories come into being

    def _verdict(self, directory: str) -> bool | None:
        """Whether what lies in a directory is first-party unless it is a link, if that is known."""
        known = self._verdicts.get(directory)
        if known and self._fixed is None:
            self._known_directories()  # the working directory may be another one by now
            known = self._verdicts.get(directory)
        return known

    def _plain_in(self, directory: str) -> frozenset[str]:
        """What is no link in a directory of others: once it is asked for again, all of it is looked at at one go."""
        if directory not in self._plain:
            self._plain[directory] = _NOTHING
        elif self._plain[directory] is _NOTHING:
            with suppress(OSError), os.scandir(directory) as entries:
                self._plain[directory] = frozenset([entry.name for entry in entries if not entry.is_symlink()])
        return self._plain[directory]

    def _real_path(self, file: str) -> str:
        """The same as of os.path: that of a directory is asked for once."""
        directory, name = os.path.split(file)
        if name in ("", os.curdir, os.pardir):
            return os.path.realpath(file)
        real = os.path.join(self._real_directory(directory), name)
        return os.path.realpath(real) if os.path.islink(real) else real

    def _real_directory(self, directory: str) -> str:
        """Packages lie in each other: of one in a known directory only the last part has to be looked at."""
        if directory not in self._real:
            above, name = os.path.split(directory)
            if above in self._real and name not in ("", os.curdir, os.pardir):
                real = os.path.join(self._real[above], name)
                self._real[directory] = os.path.realpath(real) if os.path.islink(real) else real
            else:
                self._real[directory] = os.path.realpath(directory)
        return self._real[directory]

    def _known_directories(self) -> tuple[str, ...]:
        """The roots as they were when a file was last looked for in this working directory."""
        where = working_directory()
        if self._looked_up is None or self._looked_up[0] != where:
            self._looked_up = (where, self.directories())
            self._verdicts.clear()
        return self._looked_up[1]

    def _directories_anywhere(self) -> tuple[str, ...]:
        """The roots as they are in any working directory."""
        if self._absolute is None:
            absolute = tuple(os.path.realpath(entry) for entry in sys.path if os.path.isabs(entry))
            self._absolute = absolute if self._fixed is None else self._fixed
        return self._absolute

    def _is_foreign(self, path: str) -> bool:
        if not _FOREIGN_PARTS.isdisjoint(path.split(os.sep)):
            return True
        # A project may well lie *above* its virtual environment, and an interpreter below the project's directory.
        return path.startswith(self._foreign)


def working_directory() -> str:
    """The current directory; "" if it has been removed."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def search_path(*entries: str) -> list[str]:
    """Entries of `sys.path` as directories: an empty one is the current directory, if there is one."""
    return [path for entry in entries if (path := entry or working_directory())]


def _is_below(path: str, directories: Iterable[str]) -> bool:
    return any(path.startswith(root.rstrip(os.sep) + os.sep) for root in directories)


def standard_library() -> tuple[str, ...]:
    """Its directories. `sysconfig` knows them too, and site-packages, which go by their name; it takes long to load."""
    below = os.path.join(sys.platlibdir, f"python{sys.version_info.major}.{sys.version_info.minor}")
    return os.path.dirname(os.__file__), os.path.join(sys.base_exec_prefix, below), os.path.join(sys.exec_prefix, below)


def _library_directories() -> Iterable[str]:
    yield from standard_library()
    if sys.prefix != sys.base_prefix:
        yield sys.prefix
