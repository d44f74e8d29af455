"""What a module or a function may change beyond its own names, read from its source.

A call may change its receiver and its arguments, a decorator its owner, an assignment to an attribute or an item the
object that has it. Which object a chain of names means is for the live process to say (see core.world).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from pepperpy_reload.core.statement import chain, functions, import_time

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


@dataclass(frozen=True, slots=True)
class Effects:
    """The chains of names that may be changed, each with the line that may do so.

    `calls` are calls whose result is thrown away (`registry.add(x)`): done for their effect alone. `bases` are the
    bases and metaclasses of classes, which may keep a record of their subclasses.
    """

    changes: tuple[tuple[Chain, int], ...] = ()
    calls: tuple[tuple[Chain, int], ...] = ()
    bases: tuple[tuple[Chain, int], ...] = ()


def module_effects(tree: ast.Module) -> Effects:
    """What executing a module may change."""
    nodes = [node for statement in tree.body for node in import_time(statement)]
    return _effects(nodes)


def function_effects(node: ast.AST, local: Iterable[str]) -> Effects:
    """What calling a function may change, through names other than its `local` ones."""
    mine = frozenset(local)
    found = _effects(list(_inside(node)))
    return Effects(*(tuple(item for item in items if item[0][0] not in mine) for items in (found.changes, found.calls)))


def changes_parameters(node: ast.AST, parameters: Iterable[str]) -> bool:
    """Whether a function may change what it was called with."""
    names = frozenset(parameters)
    return any(item[0][0] in names for item in _effects(list(_inside(node))).changes)


def imported_names(tree: ast.Module) -> frozenset[str]:
    """The module-level names that import statements bind."""
    names = set()
    for statement in tree.body:
        for node in import_time(statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    return frozenset(names)


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


def find_function(tree: ast.AST, name: str, line: int) -> ast.AST | None:
    """The function of this name (`<lambda>` for a lambda) whose first line, decorators included, is `line`."""
    for node in functions(tree):
        decorators = getattr(node, "decorator_list", [])
        if getattr(node, "name", "<lambda>") == name and line == min([node.lineno, *(d.lineno for d in decorators)]):
            return node
    return None


def _from_import(node: ast.ImportFrom, package: str) -> Iterator[tuple[str, int]]:
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
    yield base, node.lineno
    for alias in node.names:
        if alias.name != "*":
            yield f"{base}.{alias.name}", node.lineno


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    body = getattr(node, "body", [])
    for statement in body if isinstance(body, list) else [body]:
        yield from ast.walk(statement)


def mutations(nodes: Iterable[ast.AST]) -> tuple[Mutation, ...]:
    """What executing these nodes may change, each chain once at its greatest depth."""
    found: dict[Chain, Mutation] = {}
    for node in nodes:
        for target, depth in _mutated(node):
            key = chain(target)
            if key and (key not in found or depth > found[key].depth):
                found[key] = Mutation(key, getattr(node, "lineno", 0), depth)
    return tuple(found.values())


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
            yield value, Depth.STORE
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


def _effects(nodes: list[ast.AST]) -> Effects:
    changes: list[tuple[Chain, int]] = []
    calls: list[tuple[Chain, int]] = []
    bases: list[tuple[Chain, int]] = []
    for node in nodes:
        changes.extend(_changes(node))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and (callee := chain(node.value.func)):
            calls.append((callee, node.lineno))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                callee = chain(decorator.func if isinstance(decorator, ast.Call) else decorator)
                if callee:
                    calls.append((callee, decorator.lineno))
        if isinstance(node, ast.ClassDef):
            named = [*node.bases, *(keyword.value for keyword in node.keywords)]
            bases.extend((found, node.lineno) for item in named if (found := chain(_unsubscripted(item))))
    return Effects(tuple(changes), tuple(calls), tuple(bases))


def _changes(node: ast.AST) -> Iterator[tuple[Chain, int]]:
    """The chains that one node may change the object of."""
    for target in _changed_by(node):
        found = chain(target)
        if found:
            yield found, getattr(node, "lineno", 0)


def _changed_by(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Call(func=callee, args=args, keywords=keywords):
            if isinstance(callee, ast.Attribute):
                yield callee.value
            yield from (item.value if isinstance(item, ast.Starred) else item for item in args)
            yield from (keyword.value for keyword in keywords)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield from (item.value for item in node.decorator_list if isinstance(item, ast.Attribute))
        case ast.Attribute(ctx=ast.Store() | ast.Del(), value=value):
            yield value
        case ast.Subscript(ctx=ast.Store() | ast.Del(), value=value):
            yield value
        case ast.AugAssign(target=ast.Name() as name):
            yield name


def _unsubscripted(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Subscript) else node
