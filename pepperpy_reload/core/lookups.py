"""What code reads without naming it as Python's names do: `globals()["x"]`, `sys.modules["m"].x`, `eval("x")`.

A chain that begins with `m:` begins in module m; the chain `*` is any name of any module that its module imports.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from pepperpy_reload.core.effects import Chain, reflections
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.reflection import EXECUTING, FRAMES, NAMESPACES
from pepperpy_reload.core.statement import chain
from pepperpy_reload.core.tree import walk

ANY: Chain = ("*",)
_SAYING = frozenset({ast.Name, ast.Attribute})
_WORDS = frozenset({"modules", "__import__", *EXECUTING, *FRAMES, *NAMESPACES})
"""One of these is said wherever something is looked up."""


def lookups(nodes: Iterable[ast.AST], *, executed: bool = True) -> Iterator[Chain]:
    """What these nodes look up, as chains of names; a chain's beginnings are told as well.

    Without `executed`, code that they have executed is left out.
    """
    every = list(nodes)
    said = (node.id if type(node) is ast.Name else node.attr for node in every if type(node) in _SAYING)  # type: ignore[attr-defined]
    if _WORDS.isdisjoint(said):
        return
    renamed = _renamed(every)
    called = {identity(node.func) for node in every if isinstance(node, ast.Call)}
    for node in every:
        match node:
            case _ if identity(node) in renamed:
                pass  # a module under another name in the table: nothing is read from it
            case ast.Subscript(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) | ast.Call():
                if found := _looked_up(node):
                    yield found
        match node:
            case ast.Call(func=ast.Name(id="eval" | "exec"), args=[code, *_]) if executed:
                yield from _said(code)
            case ast.Name(id="eval" | "exec", ctx=ast.Load()) if executed and identity(node) not in called:
                yield ANY  # whoever is given it may execute anything
            case ast.Attribute(attr=name) if name in FRAMES:
                yield ANY


def only_executes(nodes: Iterable[ast.AST]) -> bool:
    """Whether the code of a function looks at namespaces as such only by code that it has executed."""
    every = list(nodes)
    found = set(reflections(every, inside=True))
    return bool(found) and found <= EXECUTING and ANY not in lookups(every, executed=False)


def _looked_up(node: ast.expr) -> Chain:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    base = _base(node)
    return (*base, *reversed(names)) if base else ()


def _base(node: ast.expr) -> Chain:
    """What an item of a namespace, or of the table of modules, means."""
    match node:
        case ast.Subscript(value=table, slice=key, ctx=ast.Load()):
            pass
        case ast.Call(func=ast.Attribute(value=table, attr="get" | "__getitem__"), args=[key, *_]):
            pass
        case ast.Call(func=ast.Name(id="__import__"), args=[ast.Constant(value=str() as name)]):
            return (f"{name.partition('.')[0]}:",)
        case _:
            return ()
    is_namespace = isinstance(table, ast.Call) and chain(table.func) in {(name,) for name in NAMESPACES}
    is_table = chain(table)[-2:] == ("sys", "modules")
    if not (is_table or (is_namespace and isinstance(table, ast.Call) and not table.args)):
        return ()
    match key:
        case ast.Constant(value=str() as name):
            return (f"{name}:",) if is_table else (name,)
        case ast.Name(id="__name__"):
            return ()
    return ANY


def _renamed(nodes: list[ast.AST]) -> set[int]:
    """The values that only come to stand in the table of modules, at once or by way of a name."""
    assigned = [node for node in nodes if isinstance(node, ast.Assign)]
    found = {identity(node.value) for node in assigned if all(map(_is_module, node.targets))}
    read = [node for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    others = {node.id for node in read if identity(node) not in found}
    for node in assigned:
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if _is_module(node.value) and len(names) == len(node.targets) and others.isdisjoint(names):
            found.add(identity(node.value))
    return found


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and chain(node.value)[-2:] == ("sys", "modules")


def _said(code: ast.expr) -> Iterator[Chain]:
    """What code reads that stands in a string; anything, if it is not known."""
    text = code.value if isinstance(code, ast.Constant) else None
    try:
        tree = ast.parse(text) if isinstance(text, str | bytes) else None
    except (SyntaxError, ValueError):
        return
    if tree is None:
        yield ANY
        return
    nodes = list(walk(tree))
    imported: dict[str, Chain] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for item in node.names:
                name = item.name if item.asname else item.name.partition(".")[0]
                imported[item.asname or name] = (f"{name}:",)
        elif isinstance(node, ast.ImportFrom):
            imported.update({item.asname or item.name: (f"{node.module}:", item.name) for item in node.names})
    yield from imported.values()
    for node in nodes:
        found = chain(node)
        if found:
            yield (*imported.get(found[0], (found[0],)), *found[1:])
    yield from lookups(nodes)
