"""What code does to objects that it reaches through names: the paths that lead there, read from its source.

Whether such an object is the project's own, or belongs to the whole process, is for the live process to say.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeGuard

from pepperpy_reload.core.effects import CALLED, CHANGING, ITEM, Chain
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.statement import chain
from pepperpy_reload.core.tree import children, walk


class Sort(StrEnum):
    """How something is done."""

    SET = "sets"
    """An attribute or an item of what the path leads to is set or deleted."""
    DONE = "calls"
    """It is called for the effect alone: what it returns is dropped."""
    USED = "uses"
    """It is called, or passed about."""
    DECORATES = "is decorated by"
    """It decorates a definition."""
    FURNISHES = "is decorated by what is given by"
    """It is called for what decorates a definition."""


@dataclass(frozen=True, slots=True)
class Deed:
    """`path` leads to what is called or set: names, and `()` or `[]` where a call or an item stands on the way."""

    path: Chain
    sort: Sort
    line: int
    given: tuple[Chain, ...] = ()
    """What it is given, as far as that has names."""
    by: Chain = ()
    """The path as it is written, if `path` says what its first name has been bound to just before."""
    through: Chain = ()
    """The path if `cast`, which stands on the way, is what type checkers know."""
    node: ast.AST = field(default_factory=ast.Pass, compare=False, repr=False)

    @property
    def decorates(self) -> bool:
        """Whether a definition is given to it, or to what it gives."""
        return self.sort in (Sort.DECORATES, Sort.FURNISHES)

    def nameless(self) -> Deed:
        """The same where the name that it is written with is a local one: nothing alive has it."""
        return replace(self, by=()) if self.by else self

    @property
    def text(self) -> str:
        """The source of it."""
        return ast.unparse(self.node)


def deeds(nodes: Iterable[ast.AST]) -> Iterator[Deed]:
    """What executing these nodes does. Of what is only used, what may be an effect nevertheless."""
    chosen = list(nodes)
    dropped = {identity(_awaited(node.value)) for node in chosen if isinstance(node, ast.Expr)}
    called = {identity(node.func) for node in chosen if isinstance(node, ast.Call)}
    meant = _meanings(chosen)
    for node in chosen:
        for target, sort in _acts(node, dropped, called) if type(node) in _ACTING else ():
            written = path = _path(target)
            if path and path[0] in meant:
                path = (*_path(meant[path[0]]), *path[1:])
            if path:
                by = written if path != written else ()
                through = _through_casts(target, meant) if "cast" in path else ()
                yield Deed(path, sort, getattr(node, "lineno", 0), tuple(_given(node, target)), by, through, node)


def _through_casts(target: ast.AST, meant: Mapping[str, ast.expr]) -> Chain:
    path = _path(target, through_casts=True)
    if path and path[0] in meant:
        return (*_path(meant[path[0]], through_casts=True), *path[1:])
    return path


_ACTING = frozenset(
    {ast.Call, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For}
    | {ast.AsyncFor, ast.Delete, ast.Attribute}
)
"""The nodes that may do something to an object."""
_SETTING_NODES = frozenset({ast.Attribute, ast.Subscript, ast.Call})
SETTING = frozenset({"setattr", "delattr", "vars", "__dict__"})
"""One of these is said wherever an attribute is set without being named behind a dot."""


def attributes_set(nodes: Iterable[ast.AST]) -> Iterator[Chain]:
    """The chains of attributes that these nodes set or delete, by whatever means; the last name may be `*`: any."""
    for node in nodes:
        if type(node) not in _SETTING_NODES:
            continue
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()):
                yield chain(node)
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[target, name, *_]):
                yield _named(target, name)
            case ast.Subscript(ctx=ast.Store() | ast.Del(), value=table, slice=name) if owner := _whose_names(table):
                yield _named(owner, name)
            case ast.Call(func=ast.Attribute(value=table, attr=name)) if name in CHANGING:
                if owner := _whose_names(table):
                    yield _named(owner, None)


def _whose_names(table: ast.AST) -> ast.expr | None:
    """The object of which an expression means the namespace: `vars(x)`, `x.__dict__`."""
    match table:
        case ast.Call(func=ast.Name(id="vars"), args=[owner]) | ast.Attribute(value=owner, attr="__dict__"):
            return owner
    return None


def _named(owner: ast.AST, name: ast.AST | None) -> Chain:
    found = chain(owner)
    said = name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else "*"
    return (*found, said) if found else ()


def _acts(node: ast.AST, dropped: set[int], called: set[int]) -> Iterator[tuple[ast.AST, Sort]]:
    match node:
        case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[target, *_]):
            yield target, Sort.SET
        case ast.Call(func=callee):
            yield callee, Sort.DONE if identity(node) in dropped else Sort.USED
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield from map(_decorates, node.decorator_list)
        case ast.Assign(targets=targets):
            yield from ((inner.value, Sort.SET) for target in targets for inner in walk(target) if _is_part(inner))
        case ast.AugAssign(target=target):
            yield target, Sort.SET
        case ast.For(target=target) | ast.AsyncFor(target=target) | ast.AnnAssign(target=target, value=ast.expr()):
            yield from ((inner.value, Sort.SET) for inner in walk(target) if _is_part(inner))
        case ast.Delete(targets=targets):
            yield from ((inner.value, Sort.SET) for inner in targets if _is_part(inner))
        case ast.Attribute(attr=name) if name in CHANGING and identity(node) not in called:
            yield node, Sort.USED


def _is_part(node: ast.AST) -> TypeGuard[ast.Attribute | ast.Subscript]:
    """Whether a target is an attribute or an item: what it is of is changed."""
    return isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)


def _decorates(node: ast.expr) -> tuple[ast.expr, Sort]:
    return (node.func, Sort.FURNISHES) if isinstance(node, ast.Call) else (node, Sort.DECORATES)


def _awaited(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Await) else node


def _path(node: ast.AST, *, through_casts: bool = False) -> Chain:
    """The path to what an expression means; () if it does not begin with a name.

    A function called `cast` gives what it is given, if the path leads `through_casts`.
    """
    steps: list[str] = []
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=value, attr=name):
                steps.append(name)
            case ast.Call(func=ast.Name(id="cast"), args=[_, value]) if through_casts:
                pass
            case ast.Call(func=value):
                steps.append(CALLED)
            case ast.Subscript(value=value):
                steps.append(ITEM)
            case _:
                return ()
        node = value
    return (node.id, *reversed(steps))


def _meanings(nodes: Iterable[ast.AST]) -> Mapping[str, ast.expr]:
    """The local names that are bound once, to what a path leads to: `root = logging.getLogger()`."""
    found: dict[str, ast.expr] = {}
    several: set[str] = set()
    for node in nodes:
        match node if type(node) is ast.Assign else None:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() | ast.Attribute() as value):
                if name in found:
                    several.add(name)
                found[name] = value
    paths = {name: _path(value) for name, value in found.items()}
    known = {name for name, path in paths.items() if path and name not in several and path[0] not in found}
    return {name: value for name, value in found.items() if name in known}


def _given(node: ast.AST, target: ast.AST) -> Iterator[Chain]:
    items: list[ast.expr] = []
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            for one in node.decorator_list:
                if isinstance(one, ast.Call) and one.func is target:
                    items = [*one.args, *(keyword.value for keyword in one.keywords)]
        case ast.Call(args=args, keywords=keywords):
            items = [*args, *(keyword.value for keyword in keywords)]
        case ast.Assign(value=value) | ast.AugAssign(value=value):
            items = [value]
    for item in items:
        yield from _chains(item)


def _chains(node: ast.AST) -> Iterator[Chain]:
    """The longest chains of names in an expression."""
    if found := chain(node):
        yield found
        return
    for inner in children(node):
        yield from _chains(inner)
