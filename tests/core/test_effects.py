"""What executing a statement may change beyond its own names."""

from __future__ import annotations

import ast

import pytest

from pepperpy_reload.core.effects import Depth, mutations, reflects, static_imports
from pepperpy_reload.core.statement import import_time


def changed(source: str) -> dict[str, Depth]:
    nodes = (node for statement in ast.parse(source).body for node in import_time(statement))
    return {".".join(mutation.chain): mutation.depth for mutation in mutations(nodes) if not mutation.called}


def called(source: str) -> set[str]:
    nodes = (node for statement in ast.parse(source).body for node in import_time(statement))
    return {".".join(mutation.chain) for mutation in mutations(nodes) if mutation.called}


STORE, CALL, KEPT, HARD = Depth.STORE, Depth.CALL, Depth.KEPT, Depth.HARD


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("x.y = 1", {"x": STORE}, id="attribute"),
        pytest.param("x['y'] = 1", {"x": STORE}, id="item"),
        pytest.param("x.y.z = 1", {"x.y": STORE}, id="attribute of an attribute"),
        pytest.param("x.y, z[0] = a", {"x": STORE, "z": STORE}, id="unpacking into attributes"),
        pytest.param("for x.y in a: pass", {"x": KEPT}, id="loop variable"),
        pytest.param("with a as x.y: pass", {"x": STORE}, id="with"),
        pytest.param("x.y: int = 1", {"x": STORE}, id="annotated attribute"),
        pytest.param("x += [1]", {"x": CALL}, id="augmented name"),
        pytest.param("x.y += 1", {"x": HARD}, id="augmented attribute"),
        pytest.param("x['y'] += 1", {"x": HARD}, id="augmented item"),
        pytest.param("del x.y", {"x": HARD}, id="del attribute"),
        pytest.param("del x['y']", {"x": HARD}, id="del item"),
        pytest.param("del x", {}, id="del name"),
        pytest.param("setattr(x, 'y', 1)", {"x": HARD}, id="setattr"),
        pytest.param("delattr(x.y, 'z')", {"x.y": HARD}, id="delattr"),
        pytest.param("x.append(1)", {"x": CALL}, id="receiver"),
        pytest.param("x.y.append(1)", {"x.y": CALL}, id="receiver in an object"),
        pytest.param("f(x, *y, k=z, **w)", {"x": CALL, "y": CALL, "z": CALL, "w": CALL}, id="arguments"),
        pytest.param("f(x.y)", {"x.y": CALL}, id="argument in an object"),
        pytest.param("a = f(x)", {"x": CALL}, id="call for its value"),
        pytest.param("@app.get('/')\ndef f(): pass", {"app": CALL}, id="decorator's owner"),
        pytest.param("@app.register\nclass A: pass", {"app": CALL}, id="decorator without a call"),
        pytest.param("@register(x)\ndef f(): pass", {"x": CALL}, id="decorator's argument"),
        pytest.param("class A:\n    x.append(1)", {"x": CALL}, id="in a class body"),
        pytest.param("def f(a=x.pop()): y.append(1)", {"x": CALL}, id="default, not body"),
        pytest.param("if a: x.append(1)", {"x": CALL}, id="in an if"),
        pytest.param("a = [x.append(b) for b in c]", {"x": CALL, "b": CALL, "c.[]": CALL}, id="in a comprehension"),
        pytest.param("x.y = x.append(1)", {"x": CALL}, id="the greatest depth counts"),
        pytest.param("if k not in x: x[k] = y", {"x": CALL}, id="set where it is looked at"),
        pytest.param("x.y = x.y or 1", {"x": KEPT}, id="an attribute is set that is looked at"),
        pytest.param("if not hasattr(x, 'y'): x.y = 1", {"x": KEPT}, id="an attribute is set that is asked for"),
        pytest.param("if not getattr(x, z): x.y = 1", {"x": KEPT}, id="it may be the one that is asked for"),
        pytest.param("hasattr(x, 'z'); x.y = 1", {"x": STORE}, id="another is asked for"),
        pytest.param("if not hasattr(x, 'z'): x.y = 1", {"x": KEPT}, id="perhaps it is not set any more"),
        pytest.param("if sys.platform == 'z': x.y = 1", {"x": STORE}, id="it is as long as it is this machine"),
        pytest.param("x[1] = 1; y[-1, 'a'] = 1; z[k] = 1", {"x": STORE, "y": STORE, "z": CALL}, id="which is not said"),
        pytest.param("x.y = x.z; a[k] = b[k]", {"x": STORE, "a": CALL}, id="another is looked at"),
        pytest.param("x.y.append(1); x.z = 2", {"x.y": CALL, "x": STORE}, id="chains are kept apart"),
        pytest.param("len(x); sorted(y); isinstance(z, w)", {}, id="harmless built-in functions"),
        pytest.param("print(x.y, file=z)", {}, id="print"),
        pytest.param("obj.len(x)", {"obj": CALL, "x": CALL}, id="a method of a harmless name"),
        pytest.param("x.lower(); y.z.startswith(w)", {"w": CALL}, id="what only texts have"),
        pytest.param("x.title(); y.join(z)", {"x": CALL, "y": CALL, "z": CALL}, id="what others have as well"),
        pytest.param("x = 1; y = x; z = x.y", {}, id="plain assignments"),
        pytest.param("f()(x)", {"x": CALL}, id="what a call returns is called"),
        pytest.param("x().y = 1", {}, id="what a call returns is nobody's"),
        pytest.param("next(x)", {"x": CALL}, id="next"),
    ],
)
def test_mutations(source: str, expected: dict[str, Depth]) -> None:
    assert changed(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("x[0].append(1)", {"x.[0]": CALL}, id="an item"),
        pytest.param("x['a'].y['b'] = 1", {"x.['a'].y": STORE}, id="an attribute of an item"),
        pytest.param("x[y].z(1)", {"x.[]": CALL}, id="any item"),
        pytest.param("for a in x.y: a.b()", {"a": CALL, "x.y.[]": CALL}, id="a loop"),
        pytest.param("a, b = x; b.c()", {"b": CALL, "x.[]": CALL}, id="unpacked"),
        pytest.param("a = x[0]; a.b()", {"a": CALL, "x.[0]": CALL}, id="another name"),
        pytest.param("list(map(x.append, y))", {"x": CALL}, id="a method that map calls"),
        pytest.param("sorted(y, key=x.append)", {"x": CALL}, id="a method that sorted calls"),
        pytest.param("object.__setattr__(x, 'y', 1)", {"x": HARD}, id="past what the class makes of it"),
    ],
)
def test_mutations_of_what_is_inside(source: str, expected: dict[str, Depth]) -> None:
    assert changed(source) == expected


def test_what_is_called_may_keep_something() -> None:
    assert called("x.y(1); z(2); len(a); list(map(b, c))") == {"x.y", "z", "b"}
    assert called("@x.y\ndef f(): z()") == {"x.y"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("x = globals()", True, id="globals"),
        pytest.param("def f(): return locals()", True, id="in a function"),
        pytest.param("def f():\n    global x\n    x = 1", True, id="global"),
        pytest.param("import sys\nsys.modules[__name__] = 1", True, id="sys.modules"),
        pytest.param("sys.modules.get('x').y", True, id="sys.modules.get"),
        pytest.param("eval('x')", True, id="eval"),
        pytest.param("dir()", True, id="dir"),
        pytest.param("x.globals = 1; y = x.vars", False, id="attributes of these names"),
        pytest.param("def f():\n    x = 1\n    def g():\n        nonlocal x", False, id="nonlocal"),
        pytest.param("x = 1", False, id="nothing"),
    ],
)
def test_modules_that_look_at_namespaces(source: str, expected: bool) -> None:
    assert reflects(ast.parse(source)) is expected


@pytest.mark.parametrize(
    ("source", "package", "expected"),
    [
        pytest.param("import a", "p", ["a"], id="import"),
        pytest.param("import a.b.c", "p", ["a", "a.b", "a.b.c"], id="packages on the way"),
        pytest.param("from a import b, c", "p", ["a", "a.b", "a.c"], id="from: names may be modules"),
        pytest.param("from a import *", "p", ["a"], id="star"),
        pytest.param("from . import b", "p.q", ["p.q", "p.q.b"], id="relative"),
        pytest.param("from ..x import b", "p.q", ["p.x", "p.x.b"], id="relative to above"),
        pytest.param("try:\n    import a\nexcept ImportError:\n    import b", "p", ["a", "b"], id="in a try"),
        pytest.param("class A:\n    import a", "p", ["a"], id="in a class body"),
        pytest.param("def f():\n    import a", "p", [], id="in a function: not at import"),
        pytest.param("if TYPE_CHECKING:\n    import a\nelse:\n    import b", "p", ["b"], id="TYPE_CHECKING"),
        pytest.param("if __name__ == '__main__':\n    import a", "p", [], id="__main__"),
    ],
)
def test_static_imports(source: str, package: str, expected: list[str]) -> None:
    assert [name for name, _ in static_imports(ast.parse(source), package)] == expected


def test_static_imports_have_their_lines() -> None:
    assert list(static_imports(ast.parse("\nimport a\n\n\nfrom b import c\n"), "")) == [("a", 2), ("b", 5), ("b.c", 5)]
