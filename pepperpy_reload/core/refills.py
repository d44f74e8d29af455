"""Code that may change what tables, lists and sets hold which no name of a module leads to.

Those that a name leads to are seen to by the plan (see core.effects). It may have others from a function, by a name of
its own, or by one that means something else by now.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterable, Iterator

from pepperpy_reload.core.effects import CHANGING
from pepperpy_reload.core.names import local_names
from pepperpy_reload.core.statement import chain

_METHODS = CHANGING | {"rotate", "__iand__", "__imul__", "__isub__", "__ixor__"}
"""Those that change what the containers of Python hold."""
_CHANGING = frozenset({"setattr", "delattr", "exec", "eval", "next", "map", "filter", "__import__"})
_HARMLESS = frozenset(name for name in dir(builtins) if name not in _CHANGING) | {"wraps", "cast"}
"""What changes nothing that it is given, unless this says how."""


def refills(nodes: Iterable[ast.AST], local: Collection[str]) -> bool:
    """Whether executing these nodes may change what a container holds that they have not by a name of a module.

    `local` names are no such names. A container that has just been made counts as well: it is not told apart here.
    """
    chosen = list(nodes)
    hidden = {*local, *_bound(chosen)}
    return any(_is_unnamed(node, hidden) for target in chosen for node in _given(target))


def _bound(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names that are bound in the midst of a statement."""
    for node in nodes:
        if isinstance(node, ast.Lambda):
            yield from local_names(node)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id


def _given(node: ast.AST) -> Iterator[ast.expr]:
    """What a node may change."""
    match node:
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
            yield value
        case ast.Attribute(value=value, attr=name) if name in _METHODS:
            yield value
        case ast.AugAssign(target=target):
            yield target
        case ast.Call(func=func, args=args, keywords=keywords) if (chain(func) or ("",))[-1] not in _HARMLESS:
            if isinstance(func, ast.Attribute):
                yield func.value
            yield from (one.value if isinstance(one, ast.Starred) else one for one in args)
            yield from (one.value for one in keywords)


def _is_unnamed(node: ast.expr, local: Collection[str]) -> bool:
    """Whether an object may be a container which no name of a module leads to."""
    while True:
        match node:
            case ast.Name(id=name):
                return name in local
            case ast.Attribute(value=value) | ast.Subscript(value=value):
                node = value
            case ast.Constant() | ast.JoinedStr() | ast.Compare() | ast.Lambda():
                return False
            case ast.BinOp() | ast.UnaryOp() | ast.GeneratorExp():
                return False
            case _:
                return True
