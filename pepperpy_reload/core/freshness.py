"""Which local names of a function hold only what has been made for this call: changing that changes nothing else."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator

from pepperpy_reload.core.names import Function, parameters

_DISPLAYS = (
    ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.Constant, ast.JoinedStr,
)  # fmt: skip
_MAKERS = frozenset(
    "list dict set frozenset tuple sorted str int float bytes bytearray OrderedDict defaultdict deque Counter".split()
)
_MADE = {"__init__": 1, "__init_subclass__": 1, "__set_name__": 2}
"""How many first parameters of a method are the object that is being made, or the class that it is being made for."""


def fresh_names(node: Function, inner: Iterable[ast.AST]) -> frozenset[str]:
    """Local names that are only bound to new objects, and parameters that are what is being made.

    `inner` are the nodes that are executed when the function is called.
    """
    nodes = list(inner)
    bound = Counter(item.id for item in nodes if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store))
    fresh = Counter(_bound_fresh(nodes))
    given = {item.arg for item in parameters(node.args)}
    others = {name for item in nodes for name in _bound_otherwise(item)}
    found = {name for name, count in bound.items() if fresh[name] == count} - given - others
    return frozenset(found | {name for name in _made(node) if not bound[name]})


def _bound_fresh(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Assign(targets=targets, value=value) if _is_new(value):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is None or _is_new(value):
                yield name
            case ast.AugAssign(target=ast.Name(id=name)):
                yield name


def _is_new(value: ast.expr) -> bool:
    if isinstance(value, _DISPLAYS):
        return True
    match value:
        case ast.Call(func=ast.Name(id=name)):
            return name in _MAKERS
        case ast.Call(func=ast.Attribute(attr="__new__")):
            return True
    return False


def _bound_otherwise(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name


def _made(node: Function) -> Iterator[str]:
    """The parameters of a method that are what is being made; of a metaclass's the namespace of the class as well."""
    names = [item.arg for item in (*node.args.posonlyargs, *node.args.args)]
    method = getattr(node, "name", "")
    yield from names[: _MADE.get(method, 0)]
    if method in ("__new__", "__init__") and names[2:3] == ["bases"]:
        yield from names[3:4]
