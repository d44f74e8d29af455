"""A module as units: its top-level statements, an import one unit per alias, each with what it binds and reads."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pepperpy_reload.core.effects import REFLECTION, Chain, Mutation, mutations
from pepperpy_reload.core.statement import Statement, chain, import_time, never_at_import, read_statements


class Kind(StrEnum):
    """What sort of statement a unit is."""

    IMPORT = "import"
    FUNCTION = "function"
    CLASS = "class"
    OTHER = "other"
    INERT = "inert"
    """Nothing of it is executed when the module is imported."""


@dataclass(frozen=True, slots=True)
class Alias:
    """What an import unit binds: `bound` is `module.name`, or the module itself where `name` is empty, or `*`."""

    module: str
    name: str
    bound: str


@dataclass(slots=True)
class Unit:
    """A statement and what it does when it is executed at import."""

    index: int
    statement: Statement
    kind: Kind
    binds: frozenset[str] = frozenset()
    reads: frozenset[Chain] = frozenset()
    mentions: frozenset[str] = frozenset()
    """Names of attributes that it uses."""
    alias: Alias | None = None
    imports: tuple[Alias, ...] = ()
    """What import statements inside it bind (in a `try`, an `if`, a class)."""
    mutations: tuple[Mutation, ...] = ()
    opaque: str = ""
    """Why it cannot be executed alone, or ""."""
    same_as: str = ""
    """For `X = Y`: the name Y."""
    decorated: bool = False
    calls: tuple[Chain, ...] = ()
    """What it calls for the effect alone: the call is the whole statement, or a decorator."""
    bases: tuple[Chain, ...] = ()
    """For a class: its bases and keyword values."""

    @property
    def label(self) -> str:
        """A few words for people."""
        return _label(self.statement.node)

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.statement.line

    @property
    def last_line(self) -> int:
        """Where it ends."""
        return self.statement.node.end_lineno or self.statement.node.lineno


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """What calling a function may read and change through module-level names."""

    reads: frozenset[Chain]
    mentions: frozenset[str]
    mutations: tuple[Mutation, ...]
    changes_parameters: bool
    imports: tuple[Alias, ...] = ()
    opaque: str = ""


def read_units(source: bytes, tree: ast.Module, package: str) -> list[Unit]:
    """The units of a module; `package` is what its relative imports are relative to."""
    units: list[Unit] = []
    for number, statement in enumerate(read_statements(tree, source)):
        for part in _parts(statement):
            units.append(_unit(len(units), part, package, first=number == 0))
    return units


def function_facts(node: ast.AST, package: str) -> FunctionFacts:
    """What a function (a def or a lambda) does with names that are not its own."""
    inner = list(ast.walk(node))
    own = _own_names(inner)
    mentions = frozenset(item.attr for item in inner if isinstance(item, ast.Attribute))
    imports = [
        alias for item in inner if isinstance(item, ast.Import | ast.ImportFrom) for alias in _aliases(item, package)
    ]
    opaque = next((item.id for item in inner if isinstance(item, ast.Name) and item.id in REFLECTION), "")
    found_mutations = mutations(inner[1:])
    return FunctionFacts(
        frozenset(found for found in _readings(node, bodies=True) if found[0] not in own),
        mentions,
        tuple(item for item in found_mutations if item.chain[0] not in own),
        any(item.chain[0] in own for item in found_mutations),
        tuple(imports),
        opaque,
    )


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
        yield Statement(ast.copy_location(one, node), ast.unparse(one).encode())


def _unit(index: int, statement: Statement, package: str, *, first: bool) -> Unit:
    node = statement.node
    nodes = list(import_time(node))
    unit = Unit(index, statement, _kind(node, nodes, first=first))
    if unit.kind is Kind.INERT:
        return unit
    if isinstance(node, ast.Import | ast.ImportFrom):
        unit.alias = _aliases(node, package)[0]
        unit.binds = frozenset({unit.alias.bound}) - {"*"}
        return unit
    unit.binds = frozenset(bound_names([node]))
    if first and isinstance(node, ast.Expr):
        unit.binds |= {"__doc__"}
    unit.reads = frozenset(_readings(node, bodies=False))
    unit.mentions = frozenset(item.attr for item in nodes if isinstance(item, ast.Attribute))
    unit.imports = tuple(
        alias for item in nodes if isinstance(item, ast.Import | ast.ImportFrom) for alias in _aliases(item, package)
    )
    unit.mutations = mutations(nodes)
    unit.decorated = bool(getattr(node, "decorator_list", []))
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and len(node.targets) == 1:
        unit.same_as = node.value.id
    unit.opaque = _opacity(nodes)
    unit.calls = tuple(_calls(nodes))
    if isinstance(node, ast.ClassDef):
        named = [*node.bases, *(keyword.value for keyword in node.keywords)]
        plain = [item.value if isinstance(item, ast.Subscript) else item for item in named]
        unit.bases = tuple(found for item in plain if (found := chain(item)))
    return unit


def _calls(nodes: Iterable[ast.AST]) -> Iterator[Chain]:
    for node in nodes:
        callees: list[ast.AST] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            callees.append(node.value.func)
        callees += [item.func if isinstance(item, ast.Call) else item for item in getattr(node, "decorator_list", [])]
        yield from (found for item in callees if (found := chain(item)))


def _kind(node: ast.stmt, nodes: list[ast.AST], *, first: bool) -> Kind:
    if not nodes or isinstance(node, ast.Pass):
        return Kind.INERT
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return Kind.OTHER if first and isinstance(node.value.value, str) else Kind.INERT
    if isinstance(node, ast.Import | ast.ImportFrom):
        return Kind.IMPORT
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return Kind.FUNCTION
    return Kind.CLASS if isinstance(node, ast.ClassDef) else Kind.OTHER


def _label(node: ast.stmt) -> str:
    name = getattr(node, "name", "")
    if name:
        return f"{'class' if isinstance(node, ast.ClassDef) else 'def'} {name}"
    text = ast.unparse(node).splitlines()[0]
    return text if len(text) <= 60 else text[:57] + "..."


def _aliases(node: ast.Import | ast.ImportFrom, package: str) -> list[Alias]:
    if isinstance(node, ast.Import):
        return [
            Alias(item.name if item.asname else item.name.partition(".")[0], "", item.asname)
            if item.asname
            else Alias(item.name, "", item.name.partition(".")[0])
            for item in node.names
        ]
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
    return [Alias(base, item.name, item.asname or item.name) for item in node.names]


def bound_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names that statements bind in their own scope."""
    for node in nodes:
        if isinstance(node, ast.If) and never_at_import(node.test):
            yield from bound_names(node.orelse)
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node.id
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.bound for alias in _aliases(node, "") if alias.bound != "*")
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            yield from _walruses([*node.decorator_list])
        elif isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            yield from _walruses([node])
        else:
            yield from bound_names(ast.iter_child_nodes(node))


def _walruses(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):
                yield inner.target.id


def _own_names(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Parameters and local variables of a function and of those inside it."""
    names: set[str] = set()
    declared: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Global):
            declared.update(node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return frozenset(names - declared)


def _readings(node: ast.AST, *, bodies: bool) -> Iterator[Chain]:
    """The longest chains of names that are read: `a.b.c` is one reading, not three.

    Without `bodies` only what is executed together with the statement counts.
    """
    if isinstance(node, ast.If) and not bodies and never_at_import(node.test):
        for other in node.orelse:
            yield from _readings(other, bodies=bodies)
    elif isinstance(node, ast.Name | ast.Attribute) and (found := chain(node)):
        if not isinstance(node.ctx, ast.Store):
            yield found
        elif len(found) > 1:
            yield found[:-1]
    else:
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield (node.target.id,)
        for inner in _executed(node, bodies=bodies):
            yield from _readings(inner, bodies=bodies)


def _executed(node: ast.AST, *, bodies: bool) -> Iterator[ast.AST]:
    """The nodes inside a node, without the body of a function unless `bodies` are wanted."""
    closed = not bodies and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for name, value in ast.iter_fields(node):
        if not (closed and name == "body"):
            yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, ast.AST))


def _opacity(nodes: list[ast.AST]) -> str:
    """Why a statement has to be seen by its whole module: it looks at namespaces as such."""
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in REFLECTION and isinstance(node.ctx, ast.Load):
            return f"uses {node.id}()"
        if isinstance(node, ast.Attribute) and chain(node) == ("sys", "modules"):
            return "uses sys.modules"
        if isinstance(node, ast.Attribute) and chain(node) == ("sys", "_getframe"):
            return "uses sys._getframe"
    return ""
