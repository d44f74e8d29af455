"""What the planner may ask about the live process."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pepperpy_reload.core.deeds import Deed
from pepperpy_reload.core.difference import Alignment
from pepperpy_reload.core.doings import Alias
from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.facts import FunctionFacts

Key = Hashable
"""A function of the source, as footprints know it."""


def qualname_of(key: Key) -> str:
    """The qualified name of the function that a key stands for."""
    return str(getattr(key, "qualname", key))


class Cell(NamedTuple):
    """A name of a module."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Place(NamedTuple):
    """A unit of a module, by its index among the new units."""

    module: str
    index: int  # type: ignore[assignment]  # nobody looks for items in it


@dataclass(frozen=True, slots=True)
class Reach:
    """What a piece of code does to what is not the project's own: `what`, at the file and line `where`."""

    where: str
    what: str
    twice: bool = False
    """Whether doing it again would do more than doing it once."""
    seen: bool = True
    """Whether others may go by it."""
    fixed: bool = True
    """Whether it does the same as long as its own source is the same."""
    watched: bool = False
    """Whether it can be seen that what it does has changed nothing."""
    library: bool = False
    """Whether it is a call of a library's function, of which nothing more is known."""
    undone: bool = False
    """Whether it can be taken back before the statement that does it is executed again."""
    about: tuple[Chain, ...] = ()
    """What it is about: if that is made again, it is done for another one, and it can be seen whether the old one is
    still known there."""
    home: str = ""
    """The library that does it."""

    def __str__(self) -> str:
        return f"{self.where} {self.what}"


@dataclass(frozen=True, slots=True)
class Given:
    """Names of a module that its `__getattr__` has found and kept: as long as they are there it is not asked again."""

    names: tuple[str, ...]
    origins: frozenset[Cell]
    """The cells that their values come from; the cell `*` of a module is any of its names."""
    keys: tuple[Key, ...]
    """The function, if it is the project's own."""


class World(Protocol):
    """The live process, as far as it matters to a plan. Tests plan in a made-up one.

    Modules are first-party modules that are loaded; of any other nothing is known.
    """

    def alignment(self, module: str) -> Alignment | None:
        """The module's units, old and new; None if it is not a loaded first-party module."""

    def knows(self, module: str) -> bool:
        """Whether it is a loaded first-party module: no source has to be read for that."""

    def is_of_a_library(self, entry: str) -> bool:
        """Whether an entry of the table of modules is a module of a library, under its own name or another one."""

    def is_a_library(self, module: str, names: Chain) -> bool:
        """Whether names mean, in a module, a module that is none of the project's."""

    def mentioning(self, cell: Cell) -> Iterable[str]:
        """The modules whose source could read the cell: its own, and those that import it, however, and name it."""

    def reading(self, cell: Cell) -> Iterable[str]:
        """Of these, those with statements that could read the cell when they are executed themselves.

        The cell `*` of a module is read by what could mean the module as a whole, or all of its names.
        """

    def saying(self, name: str) -> Iterable[str]:
        """All modules that `reading` names for a cell of that name in some module, and perhaps others."""

    def speaking(self, name: str) -> Iterable[str]:
        """All modules that `mentioning` names for a cell of that name in some module, and perhaps others."""

    def could_read(self, module: str, cell: Cell) -> bool:
        """Whether a module of those that say the cell's name is among `reading(cell)`."""

    def imports(self, module: str, other: str) -> bool:
        """Whether a module is among `mentioning` of any cell of another one that it names."""

    def names_of_all(self) -> frozenset[str]:
        """By what names modules hold modules: all that `names_of` names."""

    def may_set(self, module: str, names: frozenset[str]) -> bool:
        """Whether statements of a module, executed themselves, could set an attribute by one of these names.

        `setattr` and what else is in `SETTING` are said where no name is.
        """

    def names_of(self, module: str) -> frozenset[str]:
        """By what names modules hold a module.

        What means it as a whole says one of these, or one of `SWEEPING`, or is a star import.
        """

    def ran(self, module: str, old: int) -> frozenset[Key]:
        """The functions that ran while the old unit of this index was executed."""

    def runners(self, key: Key) -> Iterable[tuple[str, int]]:
        """The old units (module, index) that ran the function while they were executed."""

    def imported_by(self, module: str, old: int) -> Sequence[str]:
        """The modules that the old unit of this index imported other than by an import statement of its own."""

    def class_state(self, key: Key, facts: FunctionFacts) -> Iterable[Cell]:
        """The classes that hold by themselves what a function may change of its parameters: a list, a counter."""

    def having_parts(self, cell: Cell, names: Collection[str]) -> Iterable[Cell]:
        """The cells that hold, as their values or inside of them, what the cell's live value has as attributes.

        Those attributes count that have one of the names, also of objects inside of the value.
        """

    def has_class_state(self, cell: Cell) -> bool:
        """Whether a cell holds a first-party class that holds by itself what may change."""

    def fetched(self) -> Mapping[Cell, Sequence[Place]]:
        """Where values come from that a module's `__getattr__` has given to import statements, and these (PEP 562)."""

    def given_by_getters(self) -> Mapping[str, Given]:
        """By module: what its `__getattr__` has given and put into the namespace, which no statement binds."""

    def triggered_by(self, module: str, old: int) -> Sequence[str]:
        """The modules that were loaded while the old unit of this index was executed, not inside another's load."""

    def imported_by_unloaded(self, module: str) -> Iterable[str]:
        """The modules that loading a module would import, which is not loaded yet, as far as files tell; in order.

        Those that they import which are not loaded either are among them. Nothing if it is none of the project's.
        """

    def is_silent(self, logger: str) -> bool:
        """Whether the logger of that name has a handler of Python's own that does nothing."""

    def has_imported(self, importer: str, imported: str) -> bool:
        """Whether a module imported another one, at any time."""

    def roots(self) -> Iterable[str]:
        """The modules that no first-party module's import loaded, or that others have imported as well (a program, a
        library, a prompt), in the order in which they were loaded."""

    def sequence(self) -> Iterable[str]:
        """All modules in the order in which they were loaded."""

    def trigger(self, module: str) -> tuple[str, int] | None:
        """The old unit (module, index) whose import loaded a module; None for a root."""

    def imported_later_by(self, module: str) -> Iterable[str]:
        """The modules of which functions have imported it after the start."""

    def callees(self, cell: Cell, rest: Chain) -> Iterable[Key]:
        """The functions that calling what `rest` means on the cell's live value would run first."""

    def operators(self, cell: Cell, rest: Chain) -> Mapping[str, frozenset[Key]]:
        """The methods that run without being called, by name: those of operators, and what is behind attributes.

        They are those of what `rest` means on the cell's live value.
        """

    def told_of_heirs(self, cell: Cell, rest: Chain) -> Iterable[Key]:
        """The functions that a class statement runs by itself which has the value as a base or as its metaclass."""

    def look_up(self, module: str, heads: Iterable[Chain], old: int, *, itself: bool = False) -> bool:
        """Whether one of these bases and decorators may look up what annotations that are text mean.

        They are those of an old unit; -1: of a new one. With `itself`, it is asked about the name of what it makes.
        """

    def asks(self, module: str, called: Iterable[Chain], old: int) -> bool:
        """Whether one of these, which an old unit calls, may look up what annotations of what it is given say.

        So may functions that ran meanwhile, if they look up such things, or have libraries at hand that may.
        """

    def caches(self) -> Iterable[tuple[Cell, Key]]:
        """The cells that hold a function behind a cache, each with the function: it may be called and yet not run."""

    def functions(self, module: str, saying: frozenset[str] | None) -> Mapping[Key, FunctionFacts]:
        """The functions of a module's old source that ran while some module was executed.

        Those that say none of some names may be left out; None: all of them.
        """

    def binding(self, module: str) -> Mapping[Key, FunctionFacts]:
        """Of these, those that bind names of their module, at least."""

    def facts(self, key: Key) -> tuple[str, FunctionFacts] | None:
        """The module and the facts of a function."""

    def changed_keys(self, module: str, index: int) -> Iterable[Key]:
        """The functions inside a new unit whose own code does something else than in the old one, by their old keys."""

    def told_keys(self, module: str, index: int) -> Iterable[Key]:
        """Those of which the docstring alone is another one."""

    def unpatchable(self, module: str, index: int) -> bool:
        """Whether a live function or method of a body-only unit cannot take its new code."""

    def module_held(self, cell: Cell) -> str | None:
        """The first-party module that a cell of a module without edits holds, or ""; None if its source has to tell."""

    def module_value(self, cell: Cell) -> str:
        """The name of the first-party module that is the cell's live value, or ""."""

    def holds(self, cell: Cell, constant: object) -> bool:
        """Whether the cell's live value is a constant."""

    def setting(self, cell: Cell) -> Iterable[str]:
        """The modules whose source could set the cell as an attribute of its module."""

    def sets_behind_dot(self, module: str, name: str) -> bool:
        """Whether a module names an attribute behind a dot where something is set."""

    def deletes_attributes(self, module: str) -> bool:
        """Whether a module may have `del` statements with attributes."""

    def setting_any(self, name: str) -> Iterable[str]:
        """All modules that `setting` names for a cell of that name in some module, and perhaps others."""

    def modules_held(self, module: str) -> Iterable[str]:
        """The names of a module whose live values are first-party modules."""

    def is_mutable(self, cell: Cell, rest: Chain) -> bool:
        """Whether what `rest` means on the cell's live value can be changed by passing it about.

        Numbers, strings, functions, classes and modules cannot; `rest` leads through classes and modules only.
        """

    def marked(self, cell: Cell, rest: Chain, names: Collection[str]) -> Iterable[Cell]:
        """The cells of what `rest` means on the cell's live value, or of what that contains, if it has such attributes.

        That is: by itself, under one of these names; `*` is any name. Without names: whatever may have attributes.
        """

    def is_key(self, cell: Cell, rest: Chain, by: Cell, inner: Chain) -> bool:
        """Whether what `rest` means on the cell's live value has an item under what `inner` means on that of `by`.

        If it is no dict, or nobody knows what it is, it may have.
        """

    def holds_atom(self, cell: Cell) -> bool:
        """Whether the cell's live value is a number, a text or the like, of one of Python's own types.

        It is neither mutable nor an iterator nor a class, and no operator runs code of others for it.
        """

    def is_iterator(self, cell: Cell) -> bool:
        """Whether going through the cell's live value uses it up."""

    def holders(self, cell: Cell, rest: Chain, *, called: bool) -> tuple[Iterable[Cell], Iterable[Cell]]:
        """The cells whose values are what `rest` means on the cell's live value, and those that hold it inside.

        Only what can be changed counts; of what is `called`, what it keeps to itself: the object of a bound method.
        """

    def lent(self, cell: Cell, rest: Chain) -> Iterable[tuple[Iterable[Cell], Iterable[Cell]]]:
        """The same for each object that `rest` may mean, which goes through calls (see core.lending)."""

    def is_asked_for(self, cell: Cell) -> bool:
        """Whether a module has no such name, and its own `__getattr__` is asked for it."""

    def was_left_alone(self, cell: Cell, by: str) -> bool:
        """Whether module `by` has not changed what the cell of another module holds: it is as its own had left it."""

    def keepers(self, key: Key) -> Iterable[Cell]:
        """The cells that hold a live function, however it is wrapped."""

    def can_refit(self, place: Place) -> bool:
        """Whether the live value of a plain def is a function that can take over a new version of itself."""

    def why_not_transplant(self, place: Place) -> str:
        """Why the live class of a class statement cannot take over a new version of itself, or ""."""

    def foreign_bases(self, place: Place) -> tuple[Iterable[Cell], str]:
        """For a class statement: bases that keep a record of their subclasses by foreign means, and why it cannot be
        run again at all, or ""."""

    def is_made_by_a_library(self, cell: Cell) -> bool:
        """Whether a class has a library's metaclass, which may look at the classes that the class names."""

    def kept(self, cell: Cell) -> str:
        """The library that goes on keeping what a cell holds, or ""."""

    def order(self, module: str) -> tuple[object, ...]:
        """Where a cold start begins to run the module: tuples compare as times do."""

    def refusal(self, module: str) -> str:
        """Why no code of `module` can be run again in this process, or ""."""

    def reach(self, module: str, deed: Deed, local: Iterable[Alias]) -> Reach | None:
        """What a deed of code in a module does outside first-party code; `local` are imports of the function that it
        is in."""
