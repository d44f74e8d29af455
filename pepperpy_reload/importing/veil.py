"""Modules that have been imported ahead and lie behind a veil: out of `sys.modules` until somebody imports them.

So a process that was forked with them looks to the user's code like one that has imported nothing yet, and the modules
come into it in the order in which a fresh process would have loaded them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

from pepperpy_reload.importing.recorder import lift_nothing, recorder

Signature = tuple[int, int, int]
_SOURCE = ".py"
_EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of the modules that are veiled.

    `requires` is what each one's import brings along, in order; `keys` the environment variables that it looked at,
    "*" being all of them; `missing` what was looked for in vain; `files` what else was read meanwhile; `vouched` what
    may be there though nobody imports it.
    """

    requires: Mapping[str, Iterable[str]]
    keys: Mapping[str, Iterable[str]] = field(default_factory=dict)
    missing: Iterable[str] = ()
    files: Iterable[str] = ()
    vouched: Container[str] = ()


class Effects(Protocol):
    """What importing the modules did besides, taken back."""

    def begin(self) -> None:
        """The modules are going to be imported."""

    def end(self) -> None:
        """None is any more."""

    def redo(self, module: str) -> str:
        """Do again what a module did; why that is not what a fresh import would do, or ""."""
        ...


class Own(Protocol):
    """Modules of the user's own among those that are veiled; see `taken.Taken`."""

    doubt: str
    culprit: str

    def __contains__(self, name: str) -> bool: ...

    def begin(self) -> None:
        """The user's code is about to run."""

    def look(self, name: str, lifted: int) -> None:
        """One is going to be imported by what is not among them; so many modules of libraries have been."""

    def begins(self, name: str, importer: str) -> None:
        """One would be run now, imported by another of them, or by whoever it is."""

    def ends(self, name: str) -> None:
        """It would have been run by now."""


class Veil:
    """Everything that was loaded since `base` was taken of `sys.modules`, out of sight until it is imported."""

    def __init__(
        self,
        base: Iterable[str],
        names: Iterable[str],
        knowledge: Knowledge,
        effects: Effects,
        since: float,
        libraries: Iterable[str],
    ) -> None:
        self._knowledge = knowledge
        self._effects = effects
        self.names = tuple(names)
        """What was to be imported, in this order."""
        known = frozenset(base)
        self._held: dict[str, ModuleType] = {
            name: module for name, module in sys.modules.items() if name not in known and name in knowledge.requires
        }
        self._gone = [name for name in sys.modules if name not in known and name not in self._held]
        self._loose: dict[str, ModuleType] = {}
        """By module: the package to which the import system gave it as an attribute when it had been loaded."""
        paths = [str(path) for module in self._held.values() if (path := getattr(module, "__file__", None))]
        files = [*paths, *knowledge.files, *libraries]
        self._signatures = {path: _signature(path) for path in files}
        newest = max((one[0] for one in self._signatures.values() if one is not None), default=0)
        self.fault = "" if newest < since * 1e9 else "a library is being changed"
        """Why these modules cannot be used at all, or ""."""
        self.doubt = ""
        """Why this process is not what a fresh start would be, or ""."""
        self.culprit = ""
        """The module that is better not preloaded, if that is known."""
        self._environment: Mapping[Any, Any] = {}
        self._path: list[str] = []
        self._taken: Own | None = None
        self._of_own: Mapping[str, Iterable[str]] = {}
        self._lifted = 0
        self.is_early = False
        """Whether the doubt is about modules of the user's own."""
        self._known_names = self._names_in(sys.path)

    def draw(self) -> None:
        """Take the modules out of sight."""
        for name, module in self._held.items():
            parent, _, leaf = name.rpartition(".")
            package = sys.modules.get(parent)
            if package is not None and vars(package).get(leaf) is module:
                self._loose[name] = package
        for name in (*self._held, *self._gone):
            del sys.modules[name]
        for name, package in self._loose.items():
            delattr(package, name.rpartition(".")[2])

    @property
    def held(self) -> Mapping[str, ModuleType]:
        """The modules that are out of sight."""
        return self._held

    def put_back(
        self, held: Mapping[str, ModuleType], own: Sequence[str], requires: Mapping[str, Iterable[str]], taken: Own
    ) -> None:
        """Have out of sight again what was `held`, and modules of the user's own that have been imported since."""
        self._held.clear()
        self._held.update(held)
        self._held.update((name, sys.modules[name]) for name in own)
        self._taken, self._of_own = taken, {name: requires[name] for name in own}
        loose: list[tuple[ModuleType, str]] = []
        for name in [name for name in sys.modules if name in self._held]:
            parent, _, leaf = name.rpartition(".")
            package = sys.modules.get(parent)
            if package is not None and vars(package).get(leaf) is self._held[name]:
                self._loose[name] = package
                loose.append((package, leaf))
        for name in self._held:
            sys.modules.pop(name, None)
        for package, leaf in loose:
            delattr(package, leaf)

    def hang(self) -> None:
        """In the process that is to use them: from now on imports find the modules."""
        self._environment = _environment()
        self._effects.begin()
        recorder.held, recorder.lift = self._held, self.lift

    def begin(self) -> None:
        """The user's code is about to run: look at what there is besides the modules."""
        self._path = list(sys.path)
        self._check_names()
        if self._taken is not None:
            self._lifted = 0
            self._taken.begin()

    def lift(self, name: str) -> None:
        """Bring a module into sight with all that its import brings along, as if that was being imported now."""
        if sys.path != self._path:
            self._path = list(sys.path)
            self._check_names()
        before = len(self._held)
        lifted: list[str] = []
        if self._taken is not None and name in self._taken and name in self._held:
            self._taken.look(name, self._lifted)
        self._raise(name, lifted)
        self._lifted += len(lifted) if self._taken is None else sum(one not in self._taken for one in lifted)
        if before != len(self._held) and self._environment != (now := _environment()):
            self._check_environment(name, lifted, now)

    def is_doubtful(self) -> bool:
        """Whether something is wrong already, before the process is ready."""
        return bool(self.doubt or (self._taken is not None and self._taken.doubt) or self._stale())

    def settle(self) -> str:
        """The process is ready: why it is not what a fresh start would be, or "". Nothing is veiled any more."""
        recorder.held, recorder.lift = {}, lift_nothing
        self._effects.end()
        if not self.doubt and self._taken is not None:
            self.doubt, self.culprit = self._taken.doubt, self._taken.culprit
            self.is_early = bool(self.doubt)
        if not self.doubt:
            self.doubt = self._stale() or self._surplus()
        self._held.clear()
        return self.doubt

    def _raise(self, name: str, lifted: list[str], importer: str = "") -> None:
        held = self._held
        module = held.get(name)
        if module is None:
            return
        parent = name.rpartition(".")[0]
        if parent in held:
            self._raise(parent, lifted, importer)
        if held.pop(name, None) is None:  # its package has brought it along
            return
        sys.modules[name] = module
        lifted.append(name)
        taken = self._taken if self._taken is not None and name in self._taken else None
        if taken is not None:
            taken.begins(name, importer)
        for required in self._of_own[name] if name in self._of_own else self._knowledge.requires[name]:
            if required in held:
                self._raise(required, lifted, "" if taken is None else name)
        sys.modules[name] = sys.modules.pop(name)  # as the import system does when a module has been run
        if taken is not None:
            taken.ends(name)
        if (fault := self._effects.redo(name)) and not self.doubt:
            self.doubt, self.culprit = fault, name
        package = sys.modules.get(parent)
        if package is not None and self._loose.get(name) is package:
            setattr(package, name.rpartition(".")[2], module)

    # -- doubts -------------------------------------------------------------------------------------------------------

    def _check_environment(self, root: str, lifted: Iterable[str], now: Mapping[Any, Any]) -> None:
        before = self._environment
        changed = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
        names = {os.fsdecode(key) for key in changed}
        for name in lifted:
            keys = set(self._knowledge.keys.get(name, ()))
            concerned = sorted(names if _EVERYTHING in keys else names & keys) or _mentioned(name, names)
            if concerned and not self.doubt:
                self.doubt = f"{concerned[0]} was set before {root} was imported, which may look at it"
                self.culprit = root

    def _check_names(self) -> None:
        new = self._names_in(self._path) - self._known_names
        if new and not self.doubt:
            self.culprit = min(new)
            self.doubt = f"there is another module {self.culprit!r} now"

    def _names_in(self, path: Iterable[str]) -> frozenset[str]:
        """Which of the modules that are there, or were missed, could be others in the user's own directories."""
        tops = {name.partition(".")[0] for name in (*self._held, *self._knowledge.missing) if name not in self._of_own}
        found: set[str] = set()
        for entry in path:
            if entry in self._signatures:  # a library's directory: looked at as a whole
                continue
            try:
                found.update(name.partition(".")[0] for name in os.listdir(entry or os.curdir))
            except OSError:
                continue
        return frozenset(tops & found)

    def _stale(self) -> str:
        changed = next((path for path, before in self._signatures.items() if _signature(path) != before), "")
        return changed and f"{changed} has changed"

    def _surplus(self) -> str:
        name = next((name for name in self._held if name not in self._knowledge.vouched), "")
        self.is_early = name in self._of_own
        return name and f"{name} is imported no more"


def _signature(path: str) -> Signature | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _mentioned(module: str, names: Iterable[str]) -> list[str]:
    """Which of these variables compiled code may look at: nobody sees that it does, but their names are in the file."""
    file = str(getattr(sys.modules[module], "__file__", None) or _SOURCE)
    if file.endswith(_SOURCE):
        return []
    place, top = os.path.dirname(file), module.partition(".")[0]
    for _ in range(module.count(".")):
        place = os.path.dirname(place)
    files = [file]
    found: set[str] = set()
    with suppress(OSError):  # where wheels keep the libraries that their modules are linked with
        files += [entry.path for entry in os.scandir(os.path.join(place, f"{top}.libs"))]
    for path in files:
        with suppress(OSError), open(path, "rb") as binary:
            data = binary.read()
            found.update(name for name in names if os.fsencode(name) in data)
    return sorted(found)


def _environment() -> dict[Any, Any]:
    return dict(getattr(os.environ, "_data", os.environ))
