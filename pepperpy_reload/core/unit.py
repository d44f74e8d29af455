"""A module as units: its top-level statements, an import one unit per alias, each with what it binds and reads."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pepperpy_reload.core.deeds import Deed, deeds
from pepperpy_reload.core.doings import NONE, Alias, Doings, aliases
from pepperpy_reload.core.effects import Chain, Mutation
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.names import (
    annotated_names,
    bound_names,
    hints_of,
    read_inside,
    readings,
)
from pepperpy_reload.core.statement import Statement, chain, import_time, postpones_annotations, read_statements
from pepperpy_reload.core.texts import Text, makers, notes
from pepperpy_reload.core.tree import walk
from pepperpy_reload.core.words import has_word, words_of


class Kind(StrEnum):
    """What sort of statement a unit is."""

    IMPORT = "import"
    FUNCTION = "function"
    CLASS = "class"
    OTHER = "other"
    INERT = "inert"
    """Nothing of it is executed when the module is imported."""


@dataclass(slots=True)
class Unit:
    """A statement and what it does when it is executed at import."""

    index: int
    statement: Statement
    kind: Kind
    binds: frozenset[str] = frozenset()
    alias: Alias | None = None
    same_as: str = ""
    """For `X = Y`: the name Y."""
    decorated: bool = False
    package: str = ""
    """What its relative imports are relative to."""
    postponed: bool = False
    """Whether annotations in its module stay text (PEP 563)."""
    said: tuple[frozenset[str], frozenset[str]] | None = field(default=None, compare=False, repr=False)
    """For a definition, where it is known: the names in a class's body, and those in its module outside such bodies."""
    computes: bool | None = field(default=None, compare=False, repr=False)
    """What `only_computes` says of it, once it has been asked; so do the other four of themselves."""
    calls: bool | None = field(default=None, compare=False, repr=False)
    plain: bool | None = field(default=None, compare=False, repr=False)
    gathers: bool | None = field(default=None, compare=False, repr=False)
    keeps: bool | None = field(default=None, compare=False, repr=False)
    sure: frozenset[str] | bool | None = field(default=None, compare=False, repr=False)
    """What `surely_bound` says of it, once it has been asked; False if that is not known."""
    _doings: Doings | None = field(default=None, compare=False, repr=False)
    _label: str = field(default="", compare=False, repr=False)
    _firsts: frozenset[str] | None = field(default=None, compare=False, repr=False)
    _names: frozenset[str] | None = field(default=None, compare=False, repr=False)
    _inside: frozenset[str] | None = field(default=None, compare=False, repr=False)
    _deeds: tuple[Deed, ...] | None = field(default=None, compare=False, repr=False)
    _evaluated: frozenset[Chain] | None = field(default=None, compare=False, repr=False)
    _notes: frozenset[Chain] | None = field(default=None, compare=False, repr=False)

    @property
    def doings(self) -> Doings:
        """What it does, by its tree: most units of a package are never asked."""
        if self._doings is None:
            if self.alias is not None:
                self._doings = Doings()
            elif self.kind is Kind.INERT:
                never = self.statement.never
                self._doings = Doings(annotates=() if never else tuple(annotated_names([self.statement.node])))
            else:
                self._doings = Doings.of(self.statement.node, self.package, postponed=self.postponed)
        return self._doings

    @property
    def reads(self) -> frozenset[Chain]:
        """The longest chains of names that it reads."""
        return self.doings.reads

    @property
    def tells(self) -> bool:
        """Whether it may read the documentation of a function."""
        return self.doings.tells

    @property
    def imports(self) -> tuple[Alias, ...]:
        """What import statements inside it bind (in a `try`, an `if`, a class)."""
        return self.doings.imports if self._doings is not None or b"import" in self.statement.text else ()

    @property
    def mutations(self) -> tuple[Mutation, ...]:
        """The objects that it may change."""
        return self.doings.mutations

    @property
    def lent(self) -> frozenset[Chain]:
        """What it may change of what calls have given it."""
        return self.doings.lent

    @property
    def opaque(self) -> str:
        """Why it cannot be executed alone, or ""."""
        return self.doings.opaque

    @property
    def entries(self) -> frozenset[str]:
        """The entries of sys.modules that it asks for, or sets, if nothing else makes it opaque."""
        return self.doings.entries

    @property
    def listed(self) -> frozenset[Chain]:
        """What it asks for all names of (`dir(x)`), if nothing else makes it opaque."""
        return self.doings.listed

    @property
    def called(self) -> frozenset[Chain]:
        """All that it calls, or has called by a function of Python's own."""
        return self.doings.called

    @property
    def bases(self) -> tuple[Chain, ...]:
        """For a class: its bases and keyword values."""
        return self.doings.bases

    @property
    def heads(self) -> frozenset[Chain]:
        """For a class: all that its bases, keyword values and decorators read."""
        return self.doings.heads

    @property
    def computes_bases(self) -> bool:
        """For a class: whether its bases and keyword values are more than names, and items of what these mean."""
        return self.doings.computes_bases

    @property
    def notes(self) -> frozenset[Chain]:
        """The names in its annotations that stay text."""
        if self._notes is None:
            text = self.statement.text
            may_stay = self.kind in (Kind.FUNCTION, Kind.CLASS) and (self.postponed or b"'" in text or b'"' in text)
            nodes = import_time(self.statement.node) if may_stay else ()
            self._notes = frozenset(notes(nodes, postponed=self.postponed)) or NONE
        return self._notes

    @property
    def makers(self) -> tuple[Chain, ...]:
        """Of a definition: its bases, metaclass and decorators; `("()",)` for what has no name."""
        return tuple(makers(self.statement.node)) if self.kind in (Kind.FUNCTION, Kind.CLASS) else ()

    @property
    def calls_nameless(self) -> bool:
        """Whether it calls what has no name, or what it has just been given by another call."""
        nodes = import_time(self.statement.node)
        return any(isinstance(node, ast.Call) and not chain(node.func) for node in nodes)

    @property
    def evaluated(self) -> frozenset[Chain]:
        """What it reads itself: annotations apart that stay text."""
        if self._evaluated is None:
            self._evaluated = self._without_hints() if self.postponed else self.reads
        return self._evaluated

    def _without_hints(self) -> frozenset[Chain]:
        node = self.statement.shell
        without = {identity(item) for inner in import_time(node) for item in hints_of(inner)}
        found = frozenset(readings(node, bodies=False, without=without))
        return self.reads if found == self.reads else found

    @property
    def passed_on(self) -> frozenset[Chain]:
        """What it reads itself and does not call: it may hand that to what it calls."""
        return self.evaluated - self.called if self.called else frozenset()

    @property
    def sweeping(self) -> str:
        """Why it can be executed at its own time in a start only, or ""."""
        return self.doings.sweeping

    @property
    def annotates(self) -> tuple[str, ...]:
        """The names that it annotates, in their order."""
        return self.doings.annotates

    @property
    def sets(self) -> frozenset[Chain]:
        """The attributes that it sets or deletes, as chains of names (the last one `*`: any)."""
        return self.doings.sets

    @property
    def texts(self) -> tuple[Text, ...]:
        """Its annotations that are text when it is executed."""
        return self.doings.texts

    @property
    def naming_itself(self) -> list[Text]:
        """Those of them that name what it binds itself."""
        return [text for text in self.texts if any(names[0] in self.binds for names in text.names)]

    def note_names(self) -> None:
        """Have ready what may be asked for with every plan: what it does, `firsts` and `names`, and its `deeds`."""
        _ = self.firsts, self.names, self.evaluated, self.notes, self.deeds if self.alias is None else ()

    def may_name(self, name: str) -> bool:
        """Whether `name` could be one of its `names`; False without a look at its tree if its text does not have it."""
        if self._names is None and self.alias is None and (name.isascii() or self.said is not None):
            return self.may_say((name,)) and name in self.names
        return name in self.names

    def may_say(self, names: Collection[str]) -> bool:
        """Whether one of these could be among the names in it, or in what it reads; an import says what it names."""
        if self.alias is not None:
            return self.alias.name in names
        text = self.statement.said  # letters beyond ASCII can be written in several ways
        if self.said is not None:
            inside, outside = self.said
            if not inside.isdisjoint(names):
                return True
            names = outside.intersection(names)
        return bool(names) and (not text.isascii() or any(has_word(text, name.encode()) for name in names))

    @property
    def words(self) -> frozenset[str] | None:
        """All for which `may_say` is true; None if that cannot be told."""
        if self.alias is not None:
            return frozenset({self.alias.name})
        text = self.statement.said
        if self.said is not None and not self.said[1]:
            return self.said[0]
        if not text.isascii():
            return None
        words = frozenset(word.decode() for word in words_of(text))
        return words if self.said is None else self.said[0] | (self.said[1] & words)

    @property
    def firsts(self) -> frozenset[str]:
        """The names with which what it reads, or has looked up, begins."""
        if self._firsts is None:
            self._firsts = frozenset([chain[0] for chain in self._chains()]) or NONE
        return self._firsts

    @property
    def names(self) -> frozenset[str]:
        """All names in what it reads, has looked up and imports: it reads nothing that is called otherwise."""
        if self._names is None:
            aliases = self.imports if self.alias is None else (self.alias,)
            names = (name for chain in self._chains() for name in chain)
            found = frozenset([*(one.name for one in aliases), *names])
            self._names = self.firsts if found == self.firsts else found
        return self._names

    def _chains(self) -> Iterator[Chain]:
        """All that it may read itself, or have looked up."""
        yield from self.reads
        for text in self.texts:
            yield from (names for names in text.names if names[0] not in self.binds)

    def read_inside(self, *, postponed: bool) -> frozenset[str]:
        """The names that it reads, when it is executed, in scopes inside it; see `names.read_inside`."""
        if self._inside is None:
            self._inside = frozenset(read_inside(self.statement.node, postponed=postponed))
        return self._inside

    @property
    def deeds(self) -> tuple[Deed, ...]:
        """What it does to objects that it reaches through names."""
        if self._deeds is None:
            found = deeds(import_time(self.statement.node))
            self._deeds = tuple(one if one.by[:1] and one.by[0] in self.binds else one.nameless() for one in found)
        return self._deeds

    @property
    def all_deeds(self) -> tuple[Deed, ...]:
        """The same with what is done when its functions are called."""
        return tuple(deeds(walk(self.statement.node)))

    @property
    def label(self) -> str:
        """A few words for people."""
        if not self._label:
            self._label = _label(self)
        return self._label

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.statement.line

    @property
    def last_line(self) -> int:
        """Where it ends."""
        return self.statement.last_line

    def of_same_outline(self, statement: Statement) -> Unit:
        """The unit of another statement that is the same when it is executed."""
        return replace(self, statement=statement, _deeds=None)

    def moved(self, places: int, lines: int) -> Unit:
        """The same unit so many places and lines below."""
        if not places and not lines:
            return self
        return replace(self, index=self.index + places, statement=self.statement.moved(lines))


def read_units(source: bytes, tree: ast.Module, package: str, *, keep: bool = False) -> list[Unit]:
    """The units of a module; `package` is what its relative imports are relative to.

    With `keep` their trees are kept until all are forgotten.
    """
    postponed = any(postpones_annotations(node) for node in tree.body)
    return units_of(read_statements(tree, source), package, 0, postponed=postponed, keep=keep)


def units_of(
    statements: Iterable[Statement], package: str, start: int, *, postponed: bool, keep: bool = False
) -> list[Unit]:
    """The units of statements, the first of which is number `start` in its module."""
    units: list[Unit] = []
    for number, statement in enumerate(statements, start):
        for part in _parts(statement):
            units.append(_unit(start + len(units), part, package, first=number == 0, postponed=postponed))
        if keep:
            statement.keep()
        else:
            statement.forget()
    return units


def may_handle(unit: Unit, error: BaseException) -> bool:
    """Whether a statement itself may go on when something inside it raises `error`."""
    for node in import_time(unit.statement.shell):
        if isinstance(node, ast.With | ast.AsyncWith):
            return True
        if isinstance(node, ast.Try | ast.TryStar) and any(_may_catch(one.type, error) for one in node.handlers):
            return True
    return False


def _may_catch(kind: ast.expr | None, error: BaseException) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(_may_catch(item, error) for item in kind.elts)
    known = getattr(builtins, kind.id, None) if isinstance(kind, ast.Name) else None
    return isinstance(error, known) if isinstance(known, type) else True


def _parts(statement: Statement) -> Iterator[Statement]:
    """An import statement alias by alias, any other as it is."""
    node = statement.node
    if not isinstance(node, ast.Import | ast.ImportFrom) or len(node.names) == 1:
        yield statement
        return
    for alias in node.names:
        one: ast.stmt
        if isinstance(node, ast.Import):
            one = ast.Import(names=[alias])
        else:
            one = ast.ImportFrom(module=node.module, names=[alias], level=node.level)
        yield Statement.of(ast.copy_location(one, node), ast.unparse(one).encode())


def _unit(index: int, statement: Statement, package: str, *, first: bool, postponed: bool) -> Unit:
    node = statement.node
    kind = Kind.INERT if statement.never else _kind(node, first=first)
    unit = Unit(index, statement, kind, package=package, postponed=postponed)
    if unit.kind is Kind.INERT:
        return unit
    if isinstance(node, ast.Import | ast.ImportFrom):
        unit.alias = aliases(node, package)[0]
        unit.binds = frozenset({unit.alias.bound}) if unit.alias.bound != "*" else NONE
        return unit
    unit.binds = frozenset(bound_names([node])) or NONE
    if first and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        unit.binds |= {"__doc__"}
    unit.decorated = bool(getattr(node, "decorator_list", []))
    match node:
        case ast.Assign(targets=[ast.Name()], value=ast.Name(id=source)):
            unit.same_as = source
    return unit


def _kind(node: ast.stmt, *, first: bool) -> Kind:
    if isinstance(node, ast.Pass) or next(import_time(node), None) is None:
        return Kind.INERT
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return Kind.OTHER if first and isinstance(node.value.value, str) else Kind.INERT
    if isinstance(node, ast.Import | ast.ImportFrom):
        return Kind.IMPORT
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return Kind.FUNCTION
    return Kind.CLASS if isinstance(node, ast.ClassDef) else Kind.OTHER


def _label(unit: Unit) -> str:
    if name := unit.statement.name:
        return f"{'class' if unit.kind is Kind.CLASS else 'def'} {name}"
    node = unit.statement.node
    for _ in unit.statement.guards:
        node = node.body[0] if isinstance(node, ast.If) else node
    if name := getattr(node, "name", ""):
        return f"{'class' if isinstance(node, ast.ClassDef) else 'def'} {name}"
    text = ast.unparse(node).splitlines()[0]
    return text if len(text) <= 60 else text[:57] + "..."
