"""The import statements of a module as its source has them, and what it does with the names that they bind.

Said of the source alone: which of the statements run, and when, is for a run to say (see core.costs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple


class Place(StrEnum):
    """Where an import statement stands."""

    MODULE = "module"
    FUNCTION = "function"
    TYPING = "typing"
    """Under `if TYPE_CHECKING:`, which never runs."""


class Name(NamedTuple):
    """What an import statement asks for, "" for the module itself, and the name that it binds."""

    asked: str
    bound: str


@dataclass(frozen=True, slots=True)
class Import:
    """An import statement, or one part of `import a, b`. `guarded` ones stand inside try, if, with or a loop."""

    importer: str
    module: str
    """The full name of the module that it names."""
    names: tuple[Name, ...]
    line: int
    last_line: int
    place: Place = Place.MODULE
    guarded: bool = False
    written: str = ""
    """The module as it is written: with its dots if it is relative."""
    parts: int = 1
    """How many modules its statement names."""

    @property
    def is_star(self) -> bool:
        """Whether it takes all names."""
        return any(name.asked == "*" for name in self.names)


@dataclass(frozen=True, slots=True)
class Reads:
    """Where a module reads a name: at which line while it is being loaded (0: never), in which functions.

    `functions` are the lines at which those begin. `annotations` says that it is read in annotations that nobody
    evaluates. `rebound` is a line at which it is bound again, `awkward` one at which nothing but the very object will
    do: `except`, `is`, `case`.
    """

    loading: int = 0
    functions: tuple[int, ...] = ()
    annotations: bool = False
    exported: bool = False
    rebound: int = 0
    awkward: int = 0


class Deed(NamedTuple):
    """Something that a module does to others when it is loaded."""

    line: int
    text: str


@dataclass(frozen=True)
class Source:
    """What the text of one module says of its imports."""

    module: str
    path: str
    imports: tuple[Import, ...]
    names: Mapping[str, Reads] = field(default_factory=dict)
    attributes: frozenset[tuple[str, str]] = frozenset()
    """Names with the attributes that are looked up on them."""
    deeds: tuple[Deed, ...] = ()
    is_package: bool = False

    @cached_property
    def by_module(self) -> Mapping[str, tuple[Import, ...]]:
        """Its statements by the module that they name."""
        found: dict[str, tuple[Import, ...]] = {}
        for one in self.imports:
            found[one.module] = (*found.get(one.module, ()), one)
        return found

    def at(self, line: int) -> Import | None:
        """The import statement that a line belongs to."""
        return next((one for one in self.imports if one.line <= line <= one.last_line), None)

    def reads_of(self, name: str) -> Reads:
        """Where it reads a name."""
        return self.names.get(name, Reads())
