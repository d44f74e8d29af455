"""What a source says of its imports: where they stand, and where the names that they bind are read."""

from __future__ import annotations

from textwrap import dedent

from pepperpy_reload.core.imports import Place, Reads, Source
from pepperpy_reload.core.reading import read_source


def read(text: str, module: str = "pkg.mod", *, is_package: bool = False) -> Source:
    return read_source(module, "mod.py", dedent(text).encode(), is_package=is_package)


def test_statements_with_their_places() -> None:
    source = read(
        """
        import a.b, c as d
        from . import sib as s
        from ..up import *
        if TYPE_CHECKING:
            from t import T
        else:
            import not_typing
        try:
            import fast
        except ImportError:
            fast = None
        def f():
            from .late import (
                x,
            )
        class K:
            import inside
        """
    )
    seen = [(one.module, one.names[0][:], one.place, one.guarded, one.written) for one in source.imports]
    assert seen == [
        ("a.b", ("", "a"), Place.MODULE, False, "a.b"),
        ("c", ("", "d"), Place.MODULE, False, "c"),
        ("pkg", ("sib", "s"), Place.MODULE, False, "."),
        ("up", ("*", "*"), Place.MODULE, False, "..up"),
        ("t", ("T", "T"), Place.TYPING, True, "t"),
        ("not_typing", ("", "not_typing"), Place.MODULE, True, "not_typing"),
        ("fast", ("", "fast"), Place.MODULE, True, "fast"),
        ("pkg.late", ("x", "x"), Place.FUNCTION, False, ".late"),
        ("inside", ("", "inside"), Place.MODULE, False, "inside"),
    ]
    late = source.at(15)
    assert late is not None
    assert (late.module, late.line, late.last_line) == ("pkg.late", 14, 16)
    assert read("from . import x", "pkg", is_package=True).imports[0].module == "pkg"


def test_where_names_are_read() -> None:
    source = read(
        """
        from __future__ import annotations
        import one, two, three, four, five, six, seven, eight, nine
        __all__ = ["six"]
        X = one.VALUE
        @decorator
        def f(a: three.T, two):
            return two + four.x
        def g(a: four.T = None) -> "five.T":
            nine = 1
            return [nine for i in (lambda: two.z)()]
        def made():
            return seven.x
        MADE = made()
        try:
            pass
        except eight.Error:
            pass
        def h():
            try:
                pass
            except eight:
                pass
        """
    )
    assert source.reads_of("one") == Reads(loading=5)
    assert source.reads_of("two") == Reads(functions=(11,)), "what a parameter hides is not read"
    assert source.reads_of("three") == Reads(loading=7), "a decorator may look at the annotation"
    assert source.reads_of("four") == Reads(functions=(6,), annotations=True)
    assert source.reads_of("five") == Reads(annotations=True)
    assert source.reads_of("six") == Reads(exported=True)
    assert source.reads_of("seven") == Reads(loading=13), "the module calls that function itself"
    assert source.reads_of("eight") == Reads(loading=17, functions=(19,), awkward=22)
    assert source.reads_of("nine") == Reads()
    assert read("import x\ndef f(a: x.T): pass").reads_of("x") == Reads(loading=2), "evaluated"
    assert read("import x\nx = 1").reads_of("x").rebound == 2
    assert read("import x\ndef f():\n    global x\n    x = 1").reads_of("x").rebound


def test_what_a_module_does_to_others() -> None:
    source = read(
        """
        import signal, app, os
        def own(f): return f
        @own
        @property
        def harmless(): pass
        @app.get("/")
        def page(): pass
        signal.signal(1, page)
        os.environ["X"] = "1"
        MINE = {}
        MINE["x"] = 1
        class A(app.Base): pass
        class B(Exception): pass
        """
    )
    assert [deed[:] for deed in source.deeds] == [
        (7, "@app.get may register page"),
        (9, "calls signal.signal()"),
        (10, "sets os.environ['X']"),
        (13, "class A may register with app.Base"),
    ]


def test_annotations_stay_text_wherever_that_is_said() -> None:
    read_as_text = read("from __future__ import generator_stop, annotations\nimport m\ndef f(x: m.T): ...\n")
    assert read_as_text.reads_of("m") == Reads(annotations=True)
