"""What a statement binds, reads, imports and calls when it is executed."""

from __future__ import annotations

import ast

import pytest

from pepperpy_reload.core.doings import Alias
from pepperpy_reload.core.facts import FunctionFacts, function_facts
from pepperpy_reload.core.names import bound_names
from pepperpy_reload.core.unit import Kind, Unit, read_units


def units(source: str, package: str = "pkg") -> list[Unit]:
    return read_units(source.encode(), ast.parse(source), package)


def unit(source: str, package: str = "pkg") -> Unit:
    """The unit of one statement that is not the first of its module."""
    _, one = units(f"first = 0\n{source}", package)
    return one


def facts(source: str, package: str = "pkg") -> FunctionFacts:
    node = ast.parse(source).body[0]
    function = node.value if isinstance(node, ast.Expr) else node
    assert isinstance(function, ast.FunctionDef | ast.Lambda)
    return function_facts(function, package)


def words(chains: frozenset[tuple[str, ...]]) -> str:
    return " ".join(sorted(".".join(chain) for chain in chains))


@pytest.mark.parametrize(
    ("source", "kind", "binds"),
    [
        pytest.param("import a", Kind.IMPORT, "a", id="import"),
        pytest.param("import a.b", Kind.IMPORT, "a", id="import binds the first name"),
        pytest.param("import a.b as c", Kind.IMPORT, "c", id="import as"),
        pytest.param("from a import *", Kind.IMPORT, "", id="star import: unknown"),
        pytest.param("def f(): pass", Kind.FUNCTION, "f", id="def"),
        pytest.param("async def f(): pass", Kind.FUNCTION, "f", id="async def"),
        pytest.param("class A: x = 1", Kind.CLASS, "A", id="class"),
        pytest.param("x = 1", Kind.OTHER, "x", id="assignment"),
        pytest.param("x = y = 1", Kind.OTHER, "x y", id="chained"),
        pytest.param("x, (y, *z) = a", Kind.OTHER, "x y z", id="unpacking"),
        pytest.param("x: int = 1", Kind.OTHER, "x", id="annotated"),
        pytest.param("x += 1", Kind.OTHER, "x", id="augmented"),
        pytest.param("x.y = 1", Kind.OTHER, "", id="attribute"),
        pytest.param("x['y'] = 1", Kind.OTHER, "", id="item"),
        pytest.param("del x", Kind.OTHER, "x", id="del"),
        pytest.param("for x in a: y = x", Kind.OTHER, "x y", id="for"),
        pytest.param("while a: x = 1", Kind.OTHER, "x", id="while"),
        pytest.param("with a as x, b as (y, z): w = 1", Kind.OTHER, "w x y z", id="with"),
        pytest.param("try: x = 1\nexcept E as e: y = 1\nelse: z = 1\nfinally: w = 1",
                     Kind.OTHER, "e w x y z", id="try"),
        pytest.param("try: import a\nexcept E: a = None", Kind.OTHER, "a", id="import in a try"),
        pytest.param("if a():\n def f(): pass\nelse:\n class f: pass", Kind.OTHER, "f", id="definitions in an if"),
        pytest.param("if TYPE_CHECKING: import a", Kind.OTHER, "", id="TYPE_CHECKING"),
        pytest.param("if TYPE_CHECKING: import a\nelse: b = 1", Kind.OTHER, "b", id="else of TYPE_CHECKING"),
        pytest.param("print(x := 1)", Kind.OTHER, "x", id="walrus"),
        pytest.param("a = [y := 1 for z in b]", Kind.OTHER, "a y", id="walrus in a comprehension"),
        pytest.param("a = lambda: (y := 1)", Kind.OTHER, "a", id="walrus in a lambda is local"),
        pytest.param("def f(a=(y := 1)): pass", Kind.FUNCTION, "f y", id="walrus in a default"),
        pytest.param("class A(b := C): pass", Kind.CLASS, "A b", id="walrus in a base"),
        pytest.param("match a:\n case [x, *y]: pass\n case {'k': z, **w}: pass\n case P() as v: pass",
                     Kind.OTHER, "v w x y z", id="match"),
        pytest.param("pass", Kind.INERT, "", id="pass"),
        pytest.param("'text'", Kind.INERT, "", id="a string that is no docstring"),
        pytest.param("if __name__ == '__main__': x = 1", Kind.INERT, "", id="__main__"),
    ],
)  # fmt: skip
def test_kinds_and_what_is_bound(source: str, kind: Kind, binds: str) -> None:
    one = unit(source)

    if kind is not Kind.INERT and not source.startswith("if TYPE_CHECKING: import a"):
        assert one.kind is kind
    assert " ".join(sorted(one.binds)) == binds


def test_names_of_inner_scopes_are_not_bound_by_a_statement() -> None:
    source = "class A:\n x = 1\n def f(self): y = 1\nz = [i for i in a]\ndef g(p): q = 1\n"

    assert set(bound_names(ast.parse(source).body)) == {"A", "z", "g"}


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        pytest.param("x = a.b.c", "a.b.c", id="a chain is one reading"),
        pytest.param("x = a.b().c", "a.b", id="up to a call"),
        pytest.param("x = a[b].c", "a b", id="up to a subscript"),
        pytest.param("x.y = a", "a x", id="whose attribute is set"),
        pytest.param("x.y.z = a", "a x.y", id="whose attribute's attribute is set"),
        pytest.param("x += a", "a x", id="augmented"),
        pytest.param("del x", "x", id="del"),
        pytest.param("def f(x=a, *, y=b) -> c: d", "a b c", id="def"),
        pytest.param("@d(e)\ndef f(): g", "d e", id="decorator"),
        pytest.param("class A(B, metaclass=M):\n x = c\n def f(self, y=d): e", "B M c d", id="class"),
        pytest.param("x = lambda y=a: b", "a", id="lambda"),
        pytest.param("x = [a(y) for y in b if c]", "a b c", id="comprehension"),
        pytest.param("x = [y for y in y]", "y", id="what a comprehension goes through"),
        pytest.param("x = f'{a.b!r:{c}}'", "a.b c", id="f-string"),
        pytest.param("if TYPE_CHECKING: a\nelse: b", "b", id="TYPE_CHECKING is no reading"),
        pytest.param("x: a = b", "a b", id="annotation"),
        pytest.param("for x in a: b(x)", "a b x", id="for"),
    ],
)
def test_what_is_read(source: str, reads: str) -> None:
    assert words(unit(source).reads) == reads


def test_an_import_is_one_unit_for_each_alias() -> None:
    found = units("from a import x, y as z\nimport b, c.d, c.e as f\n")

    assert [one.alias for one in found] == [
        Alias("a", "x", "x"),
        Alias("a", "y", "z"),
        Alias("b", "", "b"),
        Alias("c.d", "", "c"),
        Alias("c", "e", "f"),
    ]
    assert [one.index for one in found] == [0, 1, 2, 3, 4]
    assert [one.line for one in found] == [1, 1, 2, 2, 2]
    assert [one.label for one in found][:2] == ["from a import x", "from a import y as z"]


@pytest.mark.parametrize(
    ("source", "package", "module"),
    [
        ("from . import x", "pkg", "pkg"),
        ("from .a import x", "pkg", "pkg.a"),
        ("from .. import x", "pkg.sub", "pkg"),
        ("from ..a.b import x", "pkg.sub", "pkg.a.b"),
        ("from a import x", "pkg.sub", "a"),
    ],
)
def test_relative_imports(source: str, package: str, module: str) -> None:
    assert unit(source, package).alias == Alias(module, "x", "x")


def test_imports_inside_a_statement_are_known() -> None:
    one = unit("try:\n    from .fast import f\nexcept ImportError:\n    from .slow import f\n")

    assert one.alias is None
    assert one.imports == (Alias("pkg.fast", "f", "f"), Alias("pkg.slow", "f", "f"))


def test_the_docstring_is_bound_by_the_first_statement_only() -> None:
    first, second, _ = units("'''Doc.'''\n'''no doc'''\nx = 1\n")

    assert (first.kind, first.binds) == (Kind.OTHER, frozenset({"__doc__"}))
    assert (second.kind, second.binds) == (Kind.INERT, frozenset())
    assert "__doc__" not in units("f()\n'''no doc'''\n")[0].binds


@pytest.mark.parametrize(
    ("source", "opaque"),
    [
        pytest.param("globals()['x'] = 1", "uses globals()", id="globals"),
        pytest.param("x = locals()", "uses locals()", id="locals"),
        pytest.param("x = vars()", "uses vars()", id="vars"),
        pytest.param("exec(text)", "uses exec()", id="exec"),
        pytest.param("x = [vars(m) for m in ms]", "uses vars()", id="inside a comprehension"),
        pytest.param("sys.modules['a'] = b", "uses sys.modules", id="sys.modules"),
        pytest.param("del sys.modules[__name__].x", "uses sys.modules", id="del in sys.modules"),
        pytest.param("x = sys._getframe().f_locals", "uses sys._getframe", id="frames"),
        pytest.param("def f(): return globals()", "", id="in a function: not yet"),
        pytest.param("globals = 1", "", id="another thing of that name"),
        pytest.param("x = sys.path", "", id="sys.path"),
    ],
)
def test_statements_that_look_at_namespaces_are_opaque(source: str, opaque: str) -> None:
    assert unit(source).opaque == opaque


@pytest.mark.parametrize(
    ("source", "entries"),
    [
        pytest.param("sys.modules['a'] = b", {"a"}, id="set"),
        pytest.param("x = sys.modules.get('a') or sys.modules['b']", {"a", "b"}, id="asked for"),
        pytest.param("x = 'a' in sys.modules", {"a"}, id="in"),
        pytest.param("x = sys.modules['a'], sys.modules[b]", set(), id="one has no name"),
        pytest.param("x = sys.modules['a'], globals()", set(), id="and a namespace"),
        pytest.param("x = sys.modules['a'], sys._getframe()", set(), id="and a frame"),
        pytest.param("get = sys.modules.get", set(), id="any entry later"),
        pytest.param("x = list(sys.modules)", set(), id="all of them"),
        pytest.param("x = 1", set(), id="none"),
    ],
)
def test_entries_of_the_table_of_modules(source: str, entries: set[str]) -> None:
    assert unit(source).entries == entries


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("a.b(c)", ["calls a.b"], id="a call that is the statement"),
        pytest.param("x = a.b(c)", ["uses a.b"], id="a call for its value"),
        pytest.param("a.b(c).d(e)", ["calls a.b.().d", "uses a.b"], id="a method of what a call returns"),
        pytest.param("a['b'].c = d", ["sets a.[]"], id="an attribute of an item"),
        pytest.param("a.b += [c]", ["sets a.b"], id="in place"),
        pytest.param("del a.b[c]", ["sets a.b"], id="an item goes"),
        pytest.param("setattr(a.b, 'c', d)", ["sets a.b"], id="setattr"),
        pytest.param("x = a.b.append", ["uses a.b.append"], id="a method that changes is passed about"),
        pytest.param("@app\ndef f(): pass", ["is decorated by app"], id="decorator"),
        pytest.param(
            "@a.b(1)\ndef f(): ...", ["is decorated by what is given by a.b", "uses a.b"], id="called for one"
        ),
        pytest.param("if a: b()", ["calls b"], id="inside an if"),
        pytest.param("def f(): a()", [], id="inside a function"),
    ],
)
def test_what_a_statement_does_to_what_names_lead_to(source: str, expected: list[str]) -> None:
    assert sorted(f"{deed.sort} {'.'.join(deed.path)}" for deed in unit(source).deeds) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("a.b = 1", {"a.b"}, id="attribute"),
        pytest.param("del a.b.c", {"a.b.c"}, id="deleted"),
        pytest.param("setattr(a, 'b', 1); delattr(a, 'c')", {"a.b", "a.c"}, id="by name"),
        pytest.param("setattr(a, b, 1)", {"a.*"}, id="by a name that is not known"),
        pytest.param("vars(a)['b'] = a.__dict__['c'] = 1", {"a.b", "a.c"}, id="in the namespace"),
        pytest.param("vars(a).update(b)", {"a.*"}, id="all of the namespace"),
        pytest.param("a['b'] = 1; b = 2", set(), id="an item, a name"),
    ],
)
def test_attributes_that_a_statement_sets(source: str, expected: set[str]) -> None:
    statements = [unit(line) for line in source.split("; ")]
    assert {".".join(found) for one in statements for found in one.sets} == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("x = globals()['a'].b", {("a", "b")}, id="a namespace"),
        pytest.param("x = globals().get('a')", {("a",)}, id="get"),
        pytest.param("x = globals()[a]", {("*",)}, id="any name"),
        pytest.param("x = sys.modules['a.b'].c", {("a.b:", "c")}, id="the table of modules"),
        pytest.param("x = sys.modules[__name__].c", set(), id="the module itself"),
        pytest.param("for m in y: sys.modules[p + m] = sys.modules[m]", set(), id="a module under another name"),
        pytest.param("for m in y:\n    n = sys.modules[m]\n    sys.modules[p + m] = n", set(), id="by way of a name"),
        pytest.param("for m in y:\n    n = sys.modules[m]\n    z = n.a", {("*",)}, id="not by way of a name"),
        pytest.param("x = __import__('a').b", {("a:", "b")}, id="__import__"),
        pytest.param("x = eval('a.b')", {("a", "b")}, id="eval"),
        pytest.param("exec('import a as c; x = c.b')", {("a:",), ("a:", "b")}, id="exec"),
        pytest.param("exec('from a import c; x = c.b')", {("a:", "c"), ("a:", "c", "b")}, id="exec of a from-import"),
        pytest.param("exec(code)", {("*",)}, id="exec of what is not known"),
        pytest.param("x = sys._getframe(1).f_globals", {("*",)}, id="frames"),
        pytest.param("if 'a' not in globals(): a = 1", set(), id="a guard"),
    ],
)
def test_what_a_statement_looks_up_past_names(source: str, expected: set[tuple[str, ...]]) -> None:
    assert expected <= unit(source).reads
    assert any(chain == ("*",) or chain[0].endswith(":") for chain in unit(source).reads) == any(
        chain == ("*",) or chain[0].endswith(":") for chain in expected
    )


def test_what_else_is_known_of_a_unit() -> None:
    assert unit("x = y").same_as == "y"
    assert unit("x = y.z").same_as == ""
    assert unit("x = z = y").same_as == ""
    assert unit("@d\ndef f(): pass").decorated
    assert not unit("def f(): pass").decorated
    assert unit("class A(B, Generic[T], m.C, metaclass=M): pass").bases == (("B",), ("Generic",), ("m", "C"), ("M",))
    assert all(unit(text).tells for text in ("x = f.__doc__", "x = getattr(f, '__doc__')", "x = property(f)"))
    assert not unit("f.__doc__ = 'words'").tells
    assert unit("class Ab: pass").label == "class Ab"
    assert unit("def f(): pass").label == "def f"
    assert len(unit(f"x = [{'1234567, ' * 20}]").label) == 60
    both = unit("@d\n\ndef f():\n    pass\n")
    assert (both.line, both.last_line) == (2, 5)


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        pytest.param("def f(): return a.b", "a.b", id="a global"),
        pytest.param("def f(x): return x.y + a", "a", id="not its parameters"),
        pytest.param("def f():\n x = a\n return x.b", "a", id="not its locals"),
        pytest.param("def f():\n global x\n x = x + a", "a x", id="global names"),
        pytest.param("def f():\n def g(y): return y + a\n return g", "", id="those of an inner function are its own"),
        pytest.param("def f():\n for x in a: b(x)", "a b", id="loop"),
        pytest.param("def f():\n try: a\n except E as e: e.b", "E a", id="exception"),
        pytest.param("def f():\n with a as b: b.c", "a", id="with"),
        pytest.param("lambda x: x + a", "a", id="lambda"),
        pytest.param("def f():\n return [x for x in a]", "a", id="comprehension"),
        pytest.param("def f():\n def g(a): pass\n return a.b", "a.b", id="what only an inner function has as its own"),
        pytest.param(
            "def f():\n class G:\n  x = a\n  def m(self): return b", "a", id="a class inside is executed with it"
        ),
        pytest.param("def f(x):\n def g():\n  global x\n  return x\n return x", "", id="global in an inner function"),
        pytest.param("def f():\n def g(): pass\n return g.x + a", "a", id="an inner function's name"),
        pytest.param("def f():\n class G: pass\n return G.x + a", "a", id="an inner class's name"),
        pytest.param("def f():\n match a:\n  case [x, *y] | {'k': x, **y}: return x, y", "a", id="match"),
        pytest.param("def f(self): x: A = b; self.y: C", "b", id="its own annotations are never evaluated"),
        pytest.param("def f():\n class K:\n  x: A = b", "A b", id="those of a class inside it are"),
    ],
)
def test_what_a_function_reads(source: str, reads: str) -> None:
    assert words(facts(source).reads) == reads


def test_what_a_function_does_besides() -> None:
    known = facts("def f(p, q=1):\n from .m import x as y\n p.append(1)\n table.update(q)\n return vars(q)\n")

    assert known.imports == (Alias("pkg.m", "x", "y"),)
    assert known.changes_parameters
    assert [mutation.chain for mutation in known.mutations if not mutation.called] == [("table",)]
    assert not known.tells
    assert facts("def f(g):\n @wraps(g)\n def inner(): pass\n return inner\n").tells
    assert known.opaque == "vars"
    assert not facts("def f(p):\n return locals(), vars(), dir()\n").opaque
    assert not facts("def f(): return len(a)").changes_parameters


def test_what_a_function_has_made_itself_is_nobody_elses() -> None:
    def changes(source: str) -> bool:
        return facts(source).changes_parameters

    assert not changes("def f(x):\n    found = []\n    found += [1]\n    found.append(1)\n    return found")
    assert not changes("def __init__(self, x):\n    self.x = x")
    assert not changes("def __init_subclass__(cls):\n    cls.x = 1")
    made = "    made = super().__new__()\n    made.x = 1\n    del space['y']"
    assert not changes(f"def __new__(mcs, name, bases, space):\n{made}")
    assert changes("def f(x):\n    found = [] if x else x\n    found.append(x)")
    assert changes("def f(x):\n    for found in x:\n        found.append(x)")
    assert changes("def f(x, found=[]):\n    found = []\n    found.append(x)")
    assert changes("def __init_subclass__(cls):\n    cls.known.append(cls)")
    assert changes("def __init__(self, x):\n    self = x\n    self.x = 1")
    assert changes("def f(self, x):\n    self.x = x")
