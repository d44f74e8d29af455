"""What a module may do to others when it is loaded, read from its source: registering, calling, setting."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pepperpy_reload.core.effects import HARMLESS
from pepperpy_reload.core.imports import Deed
from pepperpy_reload.core.names import bound_names
from pepperpy_reload.core.statement import chain, never_at_import

PLAIN_DECORATORS = frozenset(
    "property staticmethod classmethod abstractmethod overload override final cached_property cache lru_cache wraps "
    "contextmanager asynccontextmanager".split()
)
"""Decorators that look at no annotation."""
_HARMLESS_CALLS = frozenset((name,) for name in HARMLESS)
_HARMLESS_DECORATORS = PLAIN_DECORATORS | {
    "dataclass",
    "total_ordering",
    "unique",
    "runtime_checkable",
    "define",
    "frozen",
}
_HARMLESS_BASES = frozenset(
    "object ABC Enum IntEnum StrEnum Flag IntFlag NamedTuple Protocol TypedDict Generic Exception BaseException "
    "ValueError TypeError KeyError RuntimeError LookupError OSError str int float bytes tuple list dict set".split()
)


def deeds(tree: ast.Module) -> Iterator[Deed]:
    """What loading a module may do to others: bare calls, decorators that register, attributes of others that are set.

    Which classes register themselves with a base class cannot be seen here; those with a base of somebody else may.
    """
    own = set(bound_names(node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)))
    for node in tree.body:
        yield from _deeds_of(node, own)


def _deeds_of(node: ast.stmt, own: set[str]) -> Iterator[Deed]:
    match node:
        case ast.Expr(value=ast.Call(func=called)) if chain(called) not in _HARMLESS_CALLS:
            yield Deed(node.lineno, f"calls {ast.unparse(called)}()")
        case ast.Assign(targets=targets):
            foreign = (target for target in targets if _root(target) not in {"", *own})
            yield from (Deed(node.lineno, f"sets {ast.unparse(target)}") for target in foreign)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from _by_decorators(node, own)
        case ast.ClassDef():
            yield from _by_decorators(node, own)
            yield from _registered(node)
        case ast.If() | ast.Try() | ast.With() | ast.For():
            is_skipped = isinstance(node, ast.If) and never_at_import(node.test)
            inside = [] if is_skipped else [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.stmt)]
            for inner in inside:
                yield from _deeds_of(inner, own)


def _by_decorators(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, own: set[str]) -> Iterator[Deed]:
    for one in node.decorator_list:
        name = chain(called_by(one))
        if name and name[-1] not in _HARMLESS_DECORATORS and name[0] not in own:
            yield Deed(one.lineno, f"@{'.'.join(name)} may register {node.name}")


def _registered(node: ast.ClassDef) -> Iterator[Deed]:
    for base in node.bases:
        name = chain(base.value if isinstance(base, ast.Subscript) else base)
        if name and name[-1] not in _HARMLESS_BASES and not name[-1].endswith(("Error", "Exception", "Warning")):
            yield Deed(node.lineno, f"class {node.name} may register with {'.'.join(name)}")


def _root(node: ast.AST) -> str:
    """The name that what is set is a part of, "" for a name itself."""
    if isinstance(node, ast.Name):
        return ""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def called_by(node: ast.expr) -> ast.expr:
    """The decorator itself, of one that is called with arguments."""
    return node.func if isinstance(node, ast.Call) else node
