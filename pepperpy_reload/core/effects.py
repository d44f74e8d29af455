"""What a module or a function may change beyond its own names, read from its source.

A call may change its receiver and its arguments, a decorator its owner, an assignment to an attribute or an item the
object that has it. Which object a chain of names means is for the live process to say (see core.world).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from pepperpy_reload.core.statement import chain, import_time

Chain = tuple[str, ...]


class Depth(IntEnum):
    """How an object may be changed."""

    STORE = 0
    """An attribute or an item is set: setting it again changes nothing more."""
    CALL = 1
    """It is the receiver or an argument of a call."""
    HARD = 2
    """An attribute or an item is deleted or changed in place: classes and functions are concerned as well."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """The object that `chain` means may be changed, at `line`."""

    chain: Chain
    line: int
    depth: Depth


REFLECTION = frozenset({"globals", "locals", "vars", "dir", "exec", "eval"})


def reflects(tree: ast.Module) -> bool:
    """Whether the module looks at namespaces as such, or has functions that bind its names (`global`)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            return True
        if isinstance(node, ast.Name) and node.id in REFLECTION:
            return True
        if isinstance(node, ast.Attribute) and chain(node)[:2] == ("sys", "modules"):
            return True
    return False


def static_imports(tree: ast.Module, package: str) -> Iterator[tuple[str, int]]:
    """The modules that a module's import statements name, with their lines; `package` resolves relative ones."""
    for statement in tree.body:
        for node in import_time(statement):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    parts = alias.name.split(".")
                    yield from ((".".join(parts[:end]), node.lineno) for end in range(1, len(parts) + 1))
            elif isinstance(node, ast.ImportFrom):
                yield from _from_import(node, package)


def _from_import(node: ast.ImportFrom, package: str) -> Iterator[tuple[str, int]]:
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
    yield base, node.lineno
    for alias in node.names:
        if alias.name != "*":
            yield f"{base}.{alias.name}", node.lineno


def mutations(nodes: Iterable[ast.AST]) -> tuple[Mutation, ...]:
    """What executing these nodes may change, each chain once at its greatest depth.

    Who sets what it looks at as well may do something else the second time.
    """
    found: dict[Chain, Mutation] = {}
    every = list(nodes)
    looked_at = _looked_at(every)
    for node in every:
        for target, depth in _mutated(node):
            key = chain(target)
            if depth is Depth.STORE and _set_in(node, key) in looked_at:
                depth = Depth.CALL
            if key and (key not in found or depth > found[key].depth):
                found[key] = Mutation(key, getattr(node, "lineno", 0), depth)
    return tuple(found.values())


def _set_in(node: ast.AST, key: Chain) -> Chain:
    """What is not the same any more when an attribute is set, or an item, of what `key` means."""
    return (*key, node.attr) if isinstance(node, ast.Attribute) and key else key


def _looked_at(nodes: Iterable[ast.AST]) -> set[Chain]:
    """The chains that are read, and all that they begin with, but for those of which an item or attribute is set."""
    every = list(nodes)
    targets = {
        id(node.value)
        for node in every
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store)
    }
    hidden = targets | {id(node.value) for node in every if isinstance(node, ast.Attribute)}
    found: set[Chain] = set()
    for node in every:
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in hidden:
            read = chain(node) if isinstance(node.ctx, ast.Load) else ()
            found.update(read[:end] for end in range(1, len(read) + 1))
    return found


def _mutated(node: ast.AST) -> Iterator[tuple[ast.AST, Depth]]:
    match node:
        case ast.Call(func=callee, args=args, keywords=keywords):
            name = chain(callee)
            if name == ("setattr",) or name == ("delattr",):
                yield from ((item, Depth.HARD) for item in args[:1])
                return
            if len(name) == 1 and name[0] in HARMLESS:
                return
            if isinstance(callee, ast.Attribute):
                yield callee.value, Depth.CALL
            yield from ((item.value if isinstance(item, ast.Starred) else item, Depth.CALL) for item in args)
            yield from ((keyword.value, Depth.CALL) for keyword in keywords)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield from ((item.value, Depth.CALL) for item in node.decorator_list if isinstance(item, ast.Attribute))
        case ast.Attribute(ctx=ast.Store(), value=value) | ast.Subscript(ctx=ast.Store(), value=value):
            # To set a slice again may put the same in twice.
            yield value, Depth.CALL if isinstance(getattr(node, "slice", None), ast.Slice) else Depth.STORE
        case ast.Attribute(ctx=ast.Del(), value=value) | ast.Subscript(ctx=ast.Del(), value=value):
            yield value, Depth.HARD
        case ast.AugAssign(target=ast.Name() as name):
            yield name, Depth.CALL
        case ast.AugAssign(target=ast.Attribute(value=value) | ast.Subscript(value=value)):
            yield value, Depth.HARD


HARMLESS = frozenset(
    "abs all any ascii bin bool bytes callable chr classmethod complex dict divmod enumerate filter float format "
    "frozenset getattr hasattr hash hex id int isinstance issubclass len list map max memoryview min object oct ord "
    "pow print property range repr reversed round set slice sorted staticmethod str sum super tuple type zip".split()
)
"""Built-in functions that change none of their arguments."""
