"""Whose attributes code sets, where its names lead: modules, and what else does not change in other ways."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from pepperpy_reload.core.doings import Alias
from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.world import Cell


def owners_set(scope: Scope, home: str, sets: Iterable[Chain], imports: Iterable[Alias], attribute: str) -> set[Cell]:
    """The cells of whose values code in module `home` sets an attribute; `imports` are its own."""
    local = {alias.bound: alias for alias in imports}
    named = [one for one in sets if len(one) > 1 and one[-1] in (attribute, "*")]
    chains = [_through(local[one[0]], one) if one[0] in local else (home, one) for one in named]
    ways = (scope.cell(name, chain[:-1]) for name, chain in chains if len(chain) > 1)
    return {scope.canonical(cell) for cell, rest in ways if not rest}


def set_by(scope: Scope, home: str, facts: FunctionFacts) -> set[Cell]:
    """The names of modules that a function in module `home` binds as attributes of these."""
    local = {alias.bound: alias for alias in facts.imports}
    chains = [_through(local[one[0]], one) if one[0] in local else (home, one) for one in facts.sets]
    cells = (scope.cell(name, chain) for name, chain in chains if chain)
    return {cell for cell, rest in cells if not rest and scope.module(cell.module) is not None}


def _through(alias: Alias, chain: Chain) -> tuple[str, Chain]:
    """A chain that begins with what an import inside a function binds, as one that begins in a module."""
    if alias.name:
        return alias.module, (alias.name, *chain[1:])
    plain = alias.bound == alias.module.partition(".")[0]
    return alias.bound if plain else alias.module, chain[1:]


def attributes_changed(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The attributes that code may set or delete, of whatever object, or of which it may change what they hold."""
    for node in nodes:
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.Subscript(
                value=ast.Attribute(attr="__dict__") | ast.Call(func=ast.Name(id="vars")),
                slice=ast.Constant(value=str() as name),
            ):
                yield name
            case ast.Subscript(value=ast.Attribute(attr=name), ctx=ast.Store() | ast.Del()):
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=name))):
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Subscript(value=ast.Attribute(attr=name)))):
                yield name
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value=str() as name), *_]):
                yield name
