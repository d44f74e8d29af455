"""What calling a function may read and change."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from pepperpy_reload.core.deeds import Deed, attributes_set, deeds
from pepperpy_reload.core.doings import Alias, aliases, called, tells
from pepperpy_reload.core.effects import COMPLETING, Chain, Mutation, mutations, reflections, surveys
from pepperpy_reload.core.freshness import fresh_names
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.lending import given_away, lent
from pepperpy_reload.core.lookups import lookups, only_executes
from pepperpy_reload.core.names import (
    Function,
    body_of,
    changeable_defaults,
    comprehension_names,
    given,
    global_names,
    local_names,
    nonlocal_names,
    readings,
)
from pepperpy_reload.core.operands import alters, is_kept
from pepperpy_reload.core.statement import chain, import_time
from pepperpy_reload.core.tree import walk

_HANDLING = (ast.Try, ast.TryStar, ast.With, ast.AsyncWith)


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """What calling a function may read and change through module-level names."""

    reads: frozenset[Chain]
    tells: bool
    """Whether it may read the documentation of a function."""
    mutations: tuple[Mutation, ...]
    changes_parameters: bool
    changes_first: bool
    """Whether it may change its first parameter: the object or the class that a method is called for."""
    completes: bool
    """Whether it completes classes of a library that it is given."""
    reaches_through: bool
    """Whether it changes what can be reached from its parameters, not only themselves."""
    reached: frozenset[str]
    """The attributes of its parameters, and of local names of functions around it, whose objects it may change."""
    set_on_first: frozenset[str]
    """The attributes of its first parameter that it sets."""
    imports: tuple[Alias, ...] = ()
    opaque: str = ""
    surveys: bool = False
    """Whether it finds out what names its module has: in a start these are as many as are bound by then."""
    binds: frozenset[str] = frozenset()
    """The names of its module that it binds."""
    called: frozenset[Chain] = frozenset()
    handles: bool = False
    """Whether it may go on when something inside it raises."""
    keeps_state: bool = False
    """Whether it changes what it keeps itself: a variable of a function around it, a default value."""
    sets: frozenset[Chain] = frozenset()
    """The attributes that it sets or deletes."""
    marks: frozenset[str] = frozenset()
    """Those of them that are of local names and parameters, but the first one (`*`: any)."""
    alters: bool = False
    """Whether it changes what its parameters hold by itself, not by their methods."""
    executes: bool = False
    """Whether it reads any name that it does not say only if code does that it has executed."""
    lent: frozenset[Chain] = frozenset()
    """What it may change of what calls have given it (see core.lending)."""
    gives: frozenset[Chain] = frozenset()
    """What it may return that it has not made."""
    own: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    nodes: Iterable[ast.AST] = field(default=(), compare=False, repr=False)
    names: frozenset[str] = field(init=False, compare=False, repr=False)
    """All names in what it reads and imports."""

    def __post_init__(self) -> None:
        imported = (alias.name for alias in self.imports)
        names = frozenset([*imported, *(name for chain in self.reads for name in chain)])
        object.__setattr__(self, "names", names)

    @property
    def deeds(self) -> tuple[Deed, ...]:
        """What calling it does to objects that it reaches through names that are not its own."""
        return tuple(deed.nameless() for deed in deeds(self.nodes) if deed.path[0] not in self.own)


def function_facts(node: Function, package: str, outer: frozenset[str] = frozenset()) -> FunctionFacts:
    """What calling a function does with names that are not its own, nor local ones of functions around it (`outer`).

    Functions inside it are functions of their own: what they do counts when they run.
    """
    body = body_of(node)
    inner = [item for statement in body for item in import_time(statement)]
    own = local_names(node, outer)
    imported = [item for item in inner if isinstance(item, ast.Import | ast.ImportFrom)]
    changes, passing = mutations(inner, given(node) | outer), own | comprehension_names(inner)
    fresh = fresh_names(node, inner)
    first = next((item.arg for item in (*node.args.posonlyargs, *node.args.args)), "")
    notes = set(_local_notes(inner))
    reads = (found for statement in body for found in readings(statement, bodies=False, hidden=own, without=notes))
    changes_parameters = any(
        item.chain[0] in passing and (item.chain[1:] or item.chain[0] not in fresh)
        for item in changes
        if not item.called
    )
    return FunctionFacts(
        frozenset(reads) | frozenset(lookups(inner)),
        tells(inner),
        (*(item for item in changes if item.chain[0] not in passing), *_on_defaults(node, changes, outer)),
        changes_parameters,
        is_kept(node) or any(item.chain[:1] == (first,) for item in changes if not item.called),
        any(isinstance(item, ast.Attribute) and item.attr in COMPLETING for item in inner),
        any(item.chain[0] in passing and len(item.chain) > 1 for item in changes if not item.called),
        frozenset(
            item.chain[1]
            for item in changes
            if len(item.chain) > 1 and not item.called and (item.chain[0] in passing or item.chain[0] in outer)
        ),
        frozenset(found[1] for found in attributes_set(inner) if len(found) > 1 and found[0] == first),
        tuple(alias for item in imported for alias in aliases(item, package)),
        next(reflections(inner, inside=True), ""),
        surveys(inner),
        global_names(node),
        frozenset(found for found in called(inner) if found[0] not in own),
        any(isinstance(item, _HANDLING) for item in inner),
        _keeps_state(node, changes, outer),
        frozenset(found for found in attributes_set(inner) if found and found[0] not in own),
        frozenset(found[1] for found in attributes_set(inner) if len(found) == 2 and found[0] in own - fresh - {first}),
        is_kept(node) or (changes_parameters and alters(inner, passing, fresh)),
        only_executes(inner),
        lent(inner, own | outer),
        given_away(inner if not isinstance(node, ast.Lambda) else [*inner, ast.Return(node.body)]),
        own,
        inner,
    )


def _local_notes(nodes: Collection[ast.AST]) -> Iterator[int]:
    """The annotations that are never evaluated, by their ids: those of a function's own names and attributes."""
    inside = {identity(item) for node in nodes if isinstance(node, ast.ClassDef) for item in walk(node)}
    for node in nodes:
        if isinstance(node, ast.AnnAssign) and identity(node) not in inside:
            yield identity(node.annotation)


def _keeps_state(node: Function, changes: Iterable[Mutation], outer: frozenset[str]) -> bool:
    own = local_names(node) - outer
    changed = {item.chain[0] for item in changes if not item.called}
    defaults = changeable_defaults(node)
    return bool(nonlocal_names(node)) or bool(changed & (outer - own)) or not changed.isdisjoint(defaults)


def _on_defaults(node: Function, changes: Iterable[Mutation], outer: frozenset[str]) -> Iterator[Mutation]:
    """What it changes of objects that a parameter has by default under another name: `def add(item, table=TABLE)`."""
    named = {name: found for name, default in changeable_defaults(node).items() if (found := chain(default))}
    for item in changes if named else ():
        found = named.get(item.chain[0], ())
        if found and found[0] not in outer:
            yield replace(item, chain=(*found, *item.chain[1:]))
