"""Trees are gone through as Python's own functions do, without contexts and operators."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from types import ModuleType

import pytest

from pepperpy_reload.core import planner, tree, unit
from pepperpy_reload.core.tree import children, outside_body, walk

SKIPPED = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop, ast.type_ignore)
EVERYTHING = """
global x
def f[T: int](a, /, b=1, *c, d: int = 2, e, **f) -> object:
    nonlocal g
    return lambda y, *, z: {**y, 1: z, **{}}
type A[**P] = list[P]
class B[*Ts](C, metaclass=D): e: int; f: int = 1
match x:
    case [1, *rest]: pass
    case {'a': 1, **more}: pass
    case P(1, a=None) | -1.5: pass
    case all: pass
async def g():
    async with a as b, c: await d
    async for i in j: yield i
    return [k async for k in l if m if n] + [*o] and not (p := q[1:2:3]) < r <= s
f"{x!r:>{10}}{y=}"
try: import a.b as c, d
except* E as e: from .f import (g as h, i)
else: del x.y, z
finally: assert x, y
for x, (y, *z) in w: continue
while x: break
else: x @= yield from y
"""


def programs() -> list[ast.Module]:
    sources: list[ModuleType] = [planner, tree, unit, inspect, ast]
    everything = (
        EVERYTHING if sys.version_info >= (3, 12) else re.sub(r"(?m)^type .*$|\[(T: int|\*Ts)\]", "", EVERYTHING)
    )
    return [ast.parse(text) for text in (*map(inspect.getsource, sources), everything)]


@pytest.mark.parametrize("program", programs(), ids=str)
def test_children_are_those_of_python_in_their_order(program: ast.Module) -> None:
    nodes = list(ast.walk(program))

    for node in nodes:
        assert list(children(node)) == [one for one in ast.iter_child_nodes(node) if not isinstance(one, SKIPPED)]
    assert list(walk(program)) == [one for one in nodes if not isinstance(one, SKIPPED)]


def test_what_is_around_a_body_is_decorators_parameters_and_annotations() -> None:
    (node,) = ast.parse("@d\ndef f(a: x = 1) -> y: z").body

    assert isinstance(node, ast.FunctionDef)
    assert list(outside_body(node)) == [node.args, node.decorator_list[0], node.returns]
