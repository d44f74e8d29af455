"""What a statement does when it is executed: what it reads, calls, imports and may change."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pepperpy_reload.core.deeds import attributes_set
from pepperpy_reload.core.effects import HARMLESS, Chain, Mutation, mutations, reflections
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.lending import lent
from pepperpy_reload.core.lookups import lookups
from pepperpy_reload.core.names import annotated_names, readings, unevaluated
from pepperpy_reload.core.reflection import REFLECTION
from pepperpy_reload.core.statement import absolute, chain, import_time
from pepperpy_reload.core.texts import Text, texts

_TAKING = frozenset(
    {"property", "cached_property", "classmethod", "staticmethod"}
    | {"cache", "lru_cache", "contextmanager", "asynccontextmanager", "singledispatch"}
)
"""What takes over the docstring of the one function that it is given."""
_TELLING = frozenset({"__doc__", "getdoc", "wraps", "update_wrapper"}) | _TAKING

NONE: frozenset[Any] = frozenset()
"""One for all: of each statement several sets are kept, and most are empty."""


@dataclass(frozen=True, slots=True)
class Alias:
    """What an import unit binds: `bound` is `module.name`, or the module itself where `name` is empty, or `*`."""

    module: str
    name: str
    bound: str

    @property
    def target(self) -> str:
        """The module that it binds, if it is one."""
        if self.name:
            return f"{self.module}.{self.name}"
        plain = self.bound == self.module.partition(".")[0]
        return self.bound if plain else self.module


@dataclass(frozen=True, slots=True)
class Doings:
    """What becomes known of a statement by going through its tree."""

    reads: frozenset[Chain] = frozenset()
    tells: bool = False
    """Whether it may read the documentation of a function."""
    imports: tuple[Alias, ...] = ()
    """What import statements inside it bind (in a `try`, an `if`, a class)."""
    mutations: tuple[Mutation, ...] = ()
    opaque: str = ""
    """Why it cannot be executed alone, or ""."""
    entries: frozenset[str] = NONE
    """The entries of sys.modules that it asks for, or sets, if nothing else makes it opaque."""
    listed: frozenset[Chain] = NONE
    """What it asks for all names of (`dir(x)`), if nothing else makes it opaque."""
    called: frozenset[Chain] = frozenset()
    """All that it calls, or has called by a function of Python's own."""
    bases: tuple[Chain, ...] = ()
    """For a class: its bases and keyword values."""
    heads: frozenset[Chain] = frozenset()
    """For a class: all that its bases, keyword values and decorators read."""
    computes_bases: bool = False
    """For a class: whether its bases and keyword values are more than names, and items of what these mean."""
    sweeping: str = ""
    """Why it can be executed at its own time in a start only, or ""."""
    annotates: tuple[str, ...] = ()
    """The names that it annotates, in their order."""
    sets: frozenset[Chain] = frozenset()
    """The attributes that it sets or deletes, as chains of names (the last one `*`: any)."""
    lent: frozenset[Chain] = NONE
    """What it may change of what calls have given it (see core.lending)."""
    texts: tuple[Text, ...] = ()
    """Its annotations that are text when it is executed."""

    @classmethod
    def of(cls, node: ast.stmt, package: str, *, postponed: bool) -> Doings:
        """Those of a statement; relative imports are relative to `package`, annotations may be `postponed`."""
        nodes = list(import_time(node))
        read = readings(node, bodies=False, without=set(unevaluated(nodes)) if postponed else ())
        bases, heads, computes_bases = _heads(node)
        return cls(
            frozenset(read).union(lookups(nodes)) or NONE,
            tells(nodes),
            tuple(one for item in nodes if isinstance(item, _IMPORTS) for one in aliases(item, package)),
            mutations(nodes),
            _opacity(nodes),
            _entries(nodes),
            _listed(nodes),
            frozenset(called(nodes)) or NONE,
            bases,
            heads,
            computes_bases,
            _sweeping(nodes),
            tuple(annotated_names([node])),
            frozenset(attributes_set(nodes)) - {()} or NONE,
            lent(nodes) or NONE,
            tuple(texts(nodes, postponed=postponed)),
        )


_IMPORTS = (ast.Import, ast.ImportFrom)


def _heads(node: ast.stmt) -> tuple[tuple[Chain, ...], frozenset[Chain], bool]:
    """The bases and keyword values of a class, all that these and its decorators read, and whether they compute."""
    if not isinstance(node, ast.ClassDef):
        return (), NONE, False
    named = [*node.bases, *(keyword.value for keyword in node.keywords)]
    plain = [item.value if isinstance(item, ast.Subscript) else item for item in named]
    heads = [*node.bases, *node.keywords, *node.decorator_list]
    read = frozenset(found for item in heads for found in readings(item, bodies=False))
    computes = any(isinstance(inner, _COMPUTING) for item in named for inner in ast.walk(item))
    return tuple(found for item in plain if (found := chain(item))), read, computes


_COMPUTING = (ast.Call, ast.IfExp, ast.BoolOp, ast.BinOp, ast.NamedExpr, ast.ListComp, ast.GeneratorExp)


def tells(nodes: Iterable[ast.AST]) -> bool:
    """Whether another function's docstring may be read: by its attribute, or by what copies or looks for it.

    A decorator that takes over what it decorates reads that alone.
    """
    nodes = list(nodes)
    found = []
    for node in nodes:
        kind = type(node)
        if kind is ast.Constant:
            if node.value == "__doc__":  # type: ignore[attr-defined]
                return True
        elif kind is ast.Name or kind is ast.Attribute:
            name = node.id if kind is ast.Name else node.attr  # type: ignore[attr-defined]
            if name in _TELLING and isinstance(node.ctx, ast.Load):  # type: ignore[attr-defined]
                found.append(node)
    taking = {identity(one) for node in nodes for one in _taking(node)} if found else ()
    return any(identity(node) not in taking for node in found)


def _taking(node: ast.AST) -> Iterator[ast.AST]:
    """The decorators of a function that take over that function."""
    for item in getattr(node, "decorator_list", ()):
        made = item.func if isinstance(item, ast.Call) else item
        if chain(made)[-1:] and chain(made)[-1] in _TAKING:
            yield made


def called(nodes: Iterable[ast.AST]) -> Iterator[Chain]:
    """What nodes call, or have called by a function of Python's own."""
    for node in nodes:
        if isinstance(node, ast.Call):
            given = node.args if chain(node.func)[:1] and chain(node.func)[0] in HARMLESS else []
            yield from (found for item in (node.func, *given) if (found := chain(item)))


def aliases(node: ast.Import | ast.ImportFrom, package: str) -> list[Alias]:
    """What an import statement binds; `package` is what it is relative to."""
    if isinstance(node, ast.Import):
        return list(map(_imported, node.names))
    base = absolute(node.module, node.level, package)
    return [Alias(base, item.name, item.asname or item.name) for item in node.names]


def _imported(item: ast.alias) -> Alias:
    """`import a.b as c` gives what `a` has as `b`, as `from a import b as c` does."""
    package, _, last = item.name.rpartition(".")
    if item.asname and package:
        return Alias(package, last, item.asname)
    return Alias(item.name, "", item.asname or item.name.partition(".")[0])


def _opacity(nodes: list[ast.AST]) -> str:
    """Why a statement has to be seen by its whole module: it looks at namespaces as such."""
    for name in reflections(nodes):
        return f"uses {name}()"
    found = _of_sys(nodes, "modules", "_getframe")
    return f"uses sys.{found[0].attr}" if found else ""


def _of_sys(nodes: Iterable[ast.AST], *names: str) -> list[ast.Attribute]:
    """The nodes that are one of these attributes of `sys`, in their order."""
    named = [node for node in nodes if isinstance(node, ast.Attribute) and node.attr in names]
    return [node for node in named if chain(node) == ("sys", node.attr)]


def _entries(nodes: list[ast.AST]) -> frozenset[str]:
    """The entries of sys.modules of which there is talk, if that is all that is opaque and each says its name."""
    tables = _of_sys(nodes, "modules")
    if not tables or _of_sys(nodes, "_getframe") or any(reflections(nodes)):
        return NONE
    keys = {identity(table): key.value for node in nodes for table, key in _looked_up(node)
            if isinstance(key, ast.Constant) and isinstance(key.value, str)}  # fmt: skip
    return frozenset(keys.values()) if all(identity(table) in keys for table in tables) else NONE


def _listed(nodes: list[ast.AST]) -> frozenset[Chain]:
    """What all names are asked of, if that is all that is opaque."""
    calls = (node for node in nodes if isinstance(node, ast.Call) and chain(node.func) == ("dir",))
    asked = {identity(node.func): chain(node.args[0]) for node in calls if len(node.args) == 1}
    names = (node for node in nodes if isinstance(node, ast.Name) and node.id in REFLECTION)
    plain = asked and all(asked.values()) and all(identity(node) in asked for node in names)
    tables = (node for node in nodes if isinstance(node, ast.Attribute) and chain(node)[:1] == ("sys",))
    return frozenset(asked.values()) if plain and not any(tables) else NONE


def _sweeping(nodes: list[ast.AST]) -> str:
    """Whether a statement goes through sys.modules: what it finds there is what has been loaded by then."""
    tables = _of_sys(nodes, "modules")
    single = {identity(part) for node in nodes for part, _ in _looked_up(node)} if tables else ()
    return "goes through sys.modules" if any(identity(node) not in single for node in tables) else ""


def _looked_up(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST | None]]:
    """The tables of which a node asks for one entry, each with its key where that is known here."""
    match node:
        case ast.Subscript(value=table, slice=key):
            yield table, key
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[table]):
            yield table, key
        case ast.Call(func=ast.Attribute(value=table, attr=name), args=[key, *_]) if name in _ASKING:
            yield table, key
        case ast.Attribute(value=table, attr=name) if name in _ASKING:
            yield table, None


_ASKING = frozenset({"get", "pop", "setdefault", "__getitem__"})
