"""Statements are compared by what they say, not by how they are written down."""

from __future__ import annotations

import ast

import pytest

from pepperpy_reload.core.likeness import alike, same_statement
from pepperpy_reload.core.statement import (
    LeftOut,
    Statement,
    chain,
    first_line,
    import_time,
    never_at_import,
    read_statements,
)


def read(source: str) -> list[Statement]:
    return read_statements(ast.parse(source), source.encode())


def one(source: str) -> Statement:
    (statement,) = read(source)
    return statement


def same(before: str, after: str, *, bodies: bool) -> bool:
    return same_statement(one(before), one(after), bodies=bodies)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("x = 1", "x  =  1  # one", id="spaces and a comment"),
        pytest.param("x = 1", "\n\n\nx = 1", id="empty lines"),
        pytest.param("f(1, 2)", "f(\n    1,\n    2,\n)", id="broken over lines"),
        pytest.param("x = 'a'", 'x = "a"', id="quotes"),
        pytest.param("x = 'ab'", "x = 'a' 'b'", id="joined strings"),
        pytest.param("x = 10", "x = 0xA", id="notation of a number"),
        pytest.param("x = (1)", "x = 1", id="parentheses"),
        pytest.param("def f():\n  return 1", "def f():\n    # why\n    return 1", id="indentation"),
        pytest.param("@d\ndef f(): pass", "@d\n\ndef f():\n    pass", id="layout of a decorated def"),
    ],
)
def test_layout_is_no_difference(before: str, after: str) -> None:
    assert same(before, after, bodies=True)
    assert same(before, after, bodies=False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("x = 1", "x = 2", id="value"),
        pytest.param("x = 1", "x = 1.0", id="int and float"),
        pytest.param("x = 1", "x = True", id="int and bool"),
        pytest.param("x = 0.0", "x = -0.0", id="sign of zero"),
        pytest.param("x = 1j", "x = 1", id="complex"),
        pytest.param("x = 'a'", "x = b'a'", id="str and bytes"),
        pytest.param("x = None", "x = ...", id="None and Ellipsis"),
        pytest.param("x = 1", "y = 1", id="name"),
        pytest.param("x = 1", "x: int = 1", id="annotation"),
        pytest.param("def f(a=1): pass", "def f(a=2): pass", id="default"),
        pytest.param("def f(a): pass", "def f(b): pass", id="parameter"),
        pytest.param("@a\ndef f(): pass", "@b\ndef f(): pass", id="decorator"),
        pytest.param("def f() -> int: pass", "def f() -> str: pass", id="return annotation"),
        pytest.param("def f(): pass", "async def f(): pass", id="async"),
        pytest.param("class A: x = 1", "class A: x = 2", id="class attribute"),
        pytest.param("class A(B): pass", "class A(C): pass", id="base class"),
        pytest.param("x = lambda a: a", "x = lambda b: b", id="parameter of a lambda"),
    ],
)
def test_what_is_said_is_a_difference_that_is_executed(before: str, after: str) -> None:
    assert not same(before, after, bodies=True)
    assert not same(before, after, bodies=False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("def f(): return 1", "def f(): return 2", id="def"),
        pytest.param("async def f(): return 1", "async def f(): return 2", id="async def"),
        pytest.param("@d\ndef f(): return 1", "@d\ndef f(): return 2", id="decorated"),
        pytest.param("class A:\n def f(self): return 1", "class A:\n def f(self): return 2", id="method"),
        pytest.param("x = lambda: 1", "x = lambda: 2", id="lambda"),
        pytest.param("def f():\n def g(): return 1", "def f():\n def g(a): return 1", id="inner function's signature"),
        pytest.param("def f(): 'old'", "def f(): 'new'", id="docstring of a function"),
        pytest.param("if a:\n def f(): return 1", "if a:\n def f(): return 2", id="def in an if"),
    ],
)
def test_the_inside_of_a_function_is_no_part_of_the_outline(before: str, after: str) -> None:
    assert not same(before, after, bodies=True)
    assert same(before, after, bodies=False)


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        pytest.param("a = 1; b = 2\n", [b"a = 1", b"b = 2"], id="two on a line"),
        pytest.param(
            "@d\n@e\ndef f():\n    pass\nx = 1\n", [b"@d\n@e\ndef f():\n    pass\n", b"x = 1"], id="decorators"
        ),
        pytest.param("x = 'é'; y = 1", ["x = 'é'".encode(), b"y = 1"], id="columns are bytes"),
        pytest.param("x = 1", [b"x = 1"], id="no newline at the end"),
        pytest.param("x = 1\r\ny = 2\r\n", [b"x = 1", b"y = 2"], id="CRLF"),
        pytest.param("# nothing\n", [], id="nothing"),
    ],
)
def test_the_text_of_a_statement_is_its_own(source: str, texts: list[bytes]) -> None:
    assert [statement.text for statement in read(source)] == texts


@pytest.mark.parametrize("separator", ["\f", "\v", "\x1c", "\x85", "\u2028"], ids=["FF", "VT", "FS", "NEL", "LS"])
def test_only_what_ends_a_line_for_python_ends_one_here(separator: str) -> None:
    """A form feed or a line separator in a comment or a string begins no line of the source."""
    statements = read(f"x = 1  # a{separator}b\ny = '''{separator}'''\nz = 3\n")

    assert [statement.text for statement in statements][-1] == b"z = 3"
    assert [statement.line for statement in statements] == [1, 2, 3]


def test_a_decorated_definition_begins_at_its_first_decorator() -> None:
    plain, decorated = read("x = 1\n\n@a\n@b\ndef f(): pass\n")

    assert (plain.line, decorated.line) == (1, 3)
    assert first_line(decorated.node) == 3


@pytest.mark.parametrize(
    ("source", "names"),
    [
        pytest.param("a(b)", "a b", id="call"),
        pytest.param("def f(x=a) -> b:\n    c", "a b", id="def: defaults and annotations, not the body"),
        pytest.param("@a\nclass C(b):\n    x = c\n    def f(self): d", "a b c", id="class body, not its methods"),
        pytest.param("x = lambda y=a: b", "a", id="lambda: defaults only"),
        pytest.param("x = [a for b in c]", "a c", id="comprehension"),
        pytest.param("if TYPE_CHECKING:\n    a\nelse:\n    b", "b", id="TYPE_CHECKING"),
        pytest.param("if typing.TYPE_CHECKING:\n    a", "", id="typing.TYPE_CHECKING"),
        pytest.param("if __name__ == '__main__':\n    a()\nelif b:\n    c", "b c", id="__main__"),
        pytest.param("try:\n    a\nexcept b:\n    c\nfinally:\n    d", "a b c d", id="try"),
    ],
)
def test_what_is_executed_at_an_import(source: str, names: str) -> None:
    nodes = import_time(one(source).node)

    loaded = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    assert sorted(loaded) == names.split()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a", ("a",)),
        ("a.b.c", ("a", "b", "c")),
        ("a().b", ()),
        ("a[0].b", ()),
        ("'text'.join", ()),
        ("1", ()),
    ],
)
def test_chains(expression: str, expected: tuple[str, ...]) -> None:
    assert chain(ast.parse(expression, mode="eval").body) == expected


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("TYPE_CHECKING", True),
        ("t.TYPE_CHECKING", True),
        ("__name__ == '__main__'", True),
        ("'__main__' == __name__", True),
        ("__name__ == 'pkg.mod'", False),
        ("__name__ != '__main__'", False),
        ("not TYPE_CHECKING", False),
        ("name == '__main__'", False),
        ("DEBUG", False),
    ],
)
def test_conditions_that_are_false_at_an_import(test: str, expected: bool) -> None:
    assert never_at_import(ast.parse(test, mode="eval").body) is expected


def test_trees_can_be_compared_whatever_they_hold() -> None:
    everything = (
        "x = 1, 1.5, 2j, 'a', b'b', None, ..., True\n"
        "match x:\n    case [1, *rest]: pass\n    case {'a': 1, **more}: pass\n    case P(a=1) | None: pass\n"
        "f = f'{x!r:>{10}}'\n"
        "async def g():\n    async with a as b: await c\n    async for i in j: yield i\n"
    )

    statements = read(everything)
    for statement, again in zip(statements, read(everything), strict=True):
        assert alike(statement.node, again.node, bodies=True)
        assert [other for other in statements if alike(statement.node, other.node, bodies=True)] == [statement]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_functions_with_the_same_lines_are_the_same_wherever_they_stand(newline: str) -> None:
    lines = ["class A:", "    def f(self):", "        return 1", "    @d", "    def g(self):", "        return {}", ""]
    before, after, moved = 3 * [newline.join(lines)]
    before, after = before.format(1), after.format(2)
    moved = f"{newline}{newline}{before}".replace("    @d", f"    # more{newline}    @d")

    assert not same(before, after, bodies=True)
    assert same(before, after, bodies=False)
    assert same(before, moved, bodies=True)


@pytest.mark.parametrize(
    ("source", "outline"),
    [
        pytest.param("class A(B, x=1):\n    def f(self): ...\n", "class A(B, x=1): pass", id="class"),
        pytest.param("@d(\n  1)\nasync def f(\n    a=1,\n) -> int:\n    # why\n    return a", None, id="function"),
        pytest.param("class A: x = 1", "class A: x = 1", id="on one line"),
        pytest.param("def f(\n    a): return a", "def f(\n    a): return a", id="body after the head"),
        pytest.param("def f():\n    return 1; x = 2", "def f(): pass", id="two in a line"),
    ],
)
def test_the_outline_of_a_definition_has_its_head(source: str, outline: str | None) -> None:
    statement = one("\n\n" + source)
    statement.forget()
    found = statement.outline or statement.node
    whole = ast.parse("\n\n" + source).body[0]
    expected = outline or "@d(\n  1)\nasync def f(\n    a=1,\n) -> int: pass"
    assert ast.unparse(found) == ast.unparse(ast.parse(expected))
    assert (found.lineno, found.end_lineno, found.end_col_offset) == (
        whole.lineno,
        whole.end_lineno,
        whole.end_col_offset,
    )


CLASS = """class A:
    x = 1

    def f(self):
        return 1

    @property
    def g(self):
        # why
        yield 2

    def h(self): return 3
"""


@pytest.mark.parametrize(
    ("other", "left"),
    [
        pytest.param(CLASS, ["f", "g"], id="all the same"),
        pytest.param(CLASS.replace("return 1", "return 2"), ["g"], id="another body"),
        pytest.param(CLASS.replace("x = 1", "x = 1\n    y = 2"), ["f", "g"], id="further below"),
        pytest.param(CLASS.replace("# why", "# so"), ["f"], id="another comment"),
        pytest.param("class A:\n    x = '''\n    def f(self):\n        return 1\n'''\n", [], id="in a text"),
        pytest.param("A = 1", [], id="no class"),
    ],
)
def test_beside_another_version_the_bodies_are_left_out_that_both_have(other: str, left: list[str]) -> None:
    before, after = one("\n" + CLASS), one(other)
    before.forget()
    found = before.beside(after)
    whole = ast.parse("\n" + CLASS).body[0]
    assert isinstance(found, ast.ClassDef)
    assert isinstance(whole, ast.ClassDef)
    functions = [item for item in found.body if isinstance(item, ast.FunctionDef)]
    assert [item.name for item in functions if isinstance(item.body[0], LeftOut)] == left
    assert [(item.lineno, item.end_lineno) for item in found.body] == [
        (item.lineno, item.end_lineno) for item in whole.body
    ]
    assert not any(isinstance(item, LeftOut) for item in ast.walk(before.node))


def test_a_body_that_was_left_out_is_read_if_it_has_to_be_compared() -> None:
    twice = "    def f(self):\n        yield 1  # one\n\n"
    other = "    def f(self):\n        yield 1  # two\n\n"
    assert same(f"class A:\n{twice}{other}", f"class A:\n{other}{twice}", bodies=True)
    before, after = one(f"class A:\n{twice}{other}"), one(f"class A:\n{other}{twice}")
    before.forget()
    assert same_statement(before, after, bodies=True)
    assert same_statement(before, after, bodies=False)
