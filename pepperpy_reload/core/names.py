"""Which names a piece of source binds in its own scope, and which it reads from outside."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable, Iterator

from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.statement import chain, import_time, never_at_import
from pepperpy_reload.core.tree import children, outside_body, walk

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_OF_THEIR_OWN = frozenset((*_FUNCTIONS, *_COMPREHENSIONS))
_CLOSED = frozenset((*_FUNCTIONS, ast.ClassDef))
_NAMING = frozenset(
    {
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.ExceptHandler,
        ast.MatchAs,
        ast.MatchStar,
        ast.MatchMapping,
    }
)
"""Nodes that may bind one name themselves."""


def bound_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names that statements bind in their own scope."""
    waiting = [*nodes][::-1]
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind is ast.Name:
            if type(node.ctx) is not ast.Load:  # type: ignore[attr-defined]
                yield node.id  # type: ignore[attr-defined]
            continue
        if kind is ast.If and never_at_import(node.test):  # type: ignore[attr-defined]
            waiting.extend(node.orelse[::-1])  # type: ignore[attr-defined]
            continue
        if kind is ast.AnnAssign and node.value is None:  # type: ignore[attr-defined]
            continue  # it annotates, and binds nothing
        if kind in _NAMING and (name := node.rest if kind is ast.MatchMapping else node.name):  # type: ignore[attr-defined]
            yield name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imported(node)
        if isinstance(node, ast.ClassDef):
            yield from _walruses([*node.decorator_list, *node.bases, *node.keywords])
        elif kind in _OF_THEIR_OWN:
            yield from _walruses([node])
        else:
            waiting.extend(children(node)[::-1])


def local_names(node: Function, outer: frozenset[str] = frozenset()) -> frozenset[str]:
    """Parameters and local variables of a function, and those `outer` ones of functions around it that it can see.

    Those of functions inside it are theirs. Names that imports inside it bind mean what is imported, and are not among
    them.
    """
    body = body_of(node)
    inner = list(_scope(body))
    return (outer | _locals(node.args, body, inner)) - _declared(inner)


def annotated_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names that statements annotate in their own scope, in their order."""
    for node in _scope(nodes):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.simple:
            yield node.target.id


def global_names(node: Function) -> frozenset[str]:
    """The names of its module that a function binds (`global`)."""
    body = body_of(node)
    declared = _declared(_scope(body))
    return declared & frozenset(bound_names(body)) if declared else declared


def nonlocal_names(node: Function) -> frozenset[str]:
    """The variables of functions around it that a function binds (`nonlocal`)."""
    body = body_of(node)
    named = {name for inner in _scope(body) if isinstance(inner, ast.Nonlocal) for name in inner.names}
    return frozenset(named & set(bound_names(body))) if named else frozenset()


def given(node: Function) -> frozenset[str]:
    """The parameters that mean all through the body what the function has been given."""
    arguments = node.args
    found = {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    return frozenset(found.difference(bound_names(body_of(node))))


def changeable_defaults(node: Function) -> dict[str, ast.expr]:
    """The parameters whose default values are lists and the like, and that keep them all through the body."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(reversed(positional), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    made = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.Call, ast.Name, ast.Attribute)
    found = {argument.arg: default for argument, default in pairs if isinstance(default, made)}
    bound = set(bound_names(body_of(node))) if found else ()
    return {name: default for name, default in found.items() if name not in bound}


def comprehension_names(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The names that comprehensions among these nodes go through their items with."""
    targets = [node.target for node in nodes if isinstance(node, ast.comprehension)]
    return frozenset(inner.id for inner in walk(*targets) if isinstance(inner, ast.Name))


def body_of(node: Function) -> list[ast.AST]:
    """What is executed when a function is called."""
    return [node.body] if isinstance(node, ast.Lambda) else [*node.body]


def readings(
    node: ast.AST, *, bodies: bool, hidden: frozenset[str] = frozenset(), without: Container[int] = ()
) -> Iterator[Chain]:
    """The longest chains of names that are read: `a.b.c` is one reading, not three.

    Without `bodies` only what is executed together with the statement counts. `hidden` names are those of functions
    around the node.
    """
    waiting: list[tuple[ast.AST, frozenset[str]]] = [(node, hidden)]
    while waiting:
        node, hidden = waiting.pop()
        kind = type(node)
        if (kind is ast.Name or kind is ast.Attribute) and (found := chain(node)):
            read = found[:-1] if type(node.ctx) is ast.Store else found  # type: ignore[attr-defined]
            if read and read[0] not in hidden:
                yield read
            continue
        if kind is ast.If and not bodies and never_at_import(node.test):  # type: ignore[attr-defined]
            inside: Iterable[tuple[ast.AST, frozenset[str]]] = [(other, hidden) for other in node.orelse]  # type: ignore[attr-defined]
        elif kind is ast.Constant:
            continue
        elif kind in _OF_THEIR_OWN:
            if isinstance(node, _FUNCTIONS):
                inside = _of_function(node, hidden, bodies=bodies)
            else:
                inside = _of_comprehension(node, hidden)
        else:
            inside = [(inner, hidden) for inner in children(node)]
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id not in hidden:
                yield (node.target.id,)
        waiting.extend([one for one in inside if identity(one[0]) not in without] if without else inside)


def read_inside(node: ast.AST, *, postponed: bool) -> Iterator[str]:
    """The names that a statement reads, when it is executed, in scopes inside it: class bodies and comprehensions.

    Annotations stay text if they are `postponed` (PEP 563).
    """
    text = {identity(item) for inner in import_time(node) for item in hints_of(inner)} if postponed else set()
    for inner in import_time(node):
        if isinstance(inner, ast.ClassDef):
            own = set(bound_names(inner.body))
            chains = (found for statement in inner.body for found in readings(statement, bodies=False, without=text))
            yield from (found[0] for found in chains if found[0] not in own)
        elif isinstance(inner, _COMPREHENSIONS):
            yield from (found[0] for found in readings(inner, bodies=False))


def binds_first(node: ast.stmt, name: str) -> bool:
    """Whether a statement binds a name before any class body or comprehension in it reads that, as its text goes."""
    bound = [place for one, place in _bindings(node) if one == name]
    scopes = [item for item in import_time(node) if isinstance(item, (ast.ClassDef, *_COMPREHENSIONS))]
    read = [
        (item.lineno, item.col_offset)
        for scope in scopes
        for item in ast.walk(scope)
        if isinstance(item, ast.Name) and item.id == name
    ]
    return bool(bound) and bool(read) and min(bound) <= min(read)


def _bindings(node: ast.AST) -> Iterator[tuple[str, tuple[int, int]]]:
    """The names that a statement binds in its own scope, each with where the part of it ends that does so."""
    blocks = [item for name in ("body", "handlers", "orelse", "finalbody", "cases") for item in getattr(node, name, [])]
    if not blocks or isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        yield from ((name, (getattr(node, "end_lineno", 0), node.end_col_offset)) for name in bound_names([node]))  # type: ignore[attr-defined]
        return
    if isinstance(node, ast.If) and never_at_import(node.test):
        blocks = [*node.orelse]
    targets = [getattr(node, "target", None), *(item.optional_vars for item in getattr(node, "items", []))]
    for target in filter(None, targets):
        yield from ((name, (target.end_lineno, target.end_col_offset)) for name in bound_names([target]))
    for item in blocks:
        yield from _bindings(item)


def hints_of(node: ast.AST) -> Iterator[ast.expr]:
    """The annotations that are a node's own."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = [item.annotation for item in parameters(node.args)]
        yield from (item for item in (*arguments, node.returns) if item is not None)
    elif isinstance(node, ast.AnnAssign):
        yield node.annotation


def unevaluated(nodes: Iterable[ast.AST]) -> Iterator[int]:
    """The annotations that stay text if they are postponed (PEP 563), by their ids: those of plain functions.

    A decorator may look up what the others mean, and a class those of its fields.
    """
    for inner in nodes:
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and _is_plain(inner):
            yield from (identity(item) for item in hints_of(inner))


def _is_plain(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return all(chain(item)[-1:] == ("overload",) for item in node.decorator_list)


def _of_function(node: Function, hidden: frozenset[str], *, bodies: bool) -> Iterator[tuple[ast.AST, frozenset[str]]]:
    """Decorators, defaults and annotations are executed outside of it."""
    yield from ((inner, hidden) for inner in outside_body(node))
    if bodies:
        names = local_names(node, hidden)
        yield from ((inner, names) for inner in body_of(node))


def _of_comprehension(node: ast.AST, hidden: frozenset[str]) -> Iterator[tuple[ast.AST, frozenset[str]]]:
    """What the first `for` goes through is evaluated outside of it."""
    generators: list[ast.comprehension] = getattr(node, "generators", [])
    own = comprehension_names(generators)
    first = generators[0].iter
    yield first, hidden
    for inner in children(node):
        parts = children(inner) if isinstance(inner, ast.comprehension) else [inner]
        yield from ((part, hidden | own) for part in parts if part is not first)


def _locals(arguments: ast.arguments, body: Iterable[ast.AST], inner: Iterable[ast.AST]) -> frozenset[str]:
    """`inner` are all nodes of the scope."""
    imported = {name for node in inner if isinstance(node, ast.Import | ast.ImportFrom) for name in _imported(node)}
    given = {item.arg for item in parameters(arguments)}
    return frozenset(given | set(annotated_names(body)) | (set(bound_names(body)) - imported))


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """The parameters of a function."""
    single = [item for item in (arguments.vararg, arguments.kwarg) if item is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *single]


def _declared(inner: Iterable[ast.AST]) -> frozenset[str]:
    return frozenset(name for node in inner if isinstance(node, ast.Global) for name in node.names)


def _scope(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes of a scope, without those of the scopes inside it."""
    waiting = [*nodes][::-1]
    while waiting:
        node = waiting.pop()
        yield node
        kind = type(node)
        if kind not in _CLOSED and kind is not ast.Name:
            waiting.extend(children(node)[::-1])


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        name = alias.asname or (alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name)
        if name != "*":
            yield name


def _walruses(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names bound by `:=` in the scope around: not those in the bodies of functions."""
    for node in nodes:
        for inner in import_time(node):
            if isinstance(inner, ast.NamedExpr):
                yield inner.target.id


def mangled(cls: str, name: str) -> str:
    """The attribute that a name means in the source of a class: private ones have the name of the class in front."""
    is_private = name.startswith("__") and not name.endswith("__") and cls.strip("_")
    return f"_{cls.lstrip('_')}{name}" if is_private else name
