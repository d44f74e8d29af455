"""A batch that fails leaves everything what and where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Python
    from tests.shells.conftest import Reloads


def test_members_of_a_class_are_put_back_in_their_order(reloads: Reloads) -> None:
    reloads(
        """
        import shapes
        before = list(vars(shapes.Shape).items())

        report = change("shapes.py", "    sides = 4\\n", "")

        assert report.status == "failed" and "sides" in str(report.error), report
        assert list(vars(shapes.Shape).items()) == before
        assert shapes.Shape.sides == 4 and shapes.Shape().area() == 4
        """,
        {
            "shapes.py": """
            class Shape:
                "Has four of them."
                sides = 4
                colour = "red"

                def area(self):
                    return self.sides

            TOTAL = Shape.sides
            """
        },
    )


CHANGES = {
    "a value": "base.VALUE = 2",
    "an object of the same value": "base.ITEMS = []",
    "what a list holds": "base.ITEMS.append(1)",
    "the order of a dict": "base.TABLE['a'] = base.TABLE.pop('a')",
    "an attribute of an instance": "base.thing.more = 1",
    "a slot": "base.narrow.slot = 2",
    "a member of a class": "base.Thing.method = lambda self: 2",
    "the order of a class": "method = base.Thing.method; del base.Thing.method; base.Thing.method = method",
    "the code of a function": "base.function.__code__ = base.other.__code__",
    "a default": "base.function.__defaults__ = (2,)",
    "a closure": "base.closure.__closure__[0].cell_contents = 2",
    "the order of modules": "sys.modules['base'] = sys.modules.pop('base')",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_census_sees(python: Python, change: str) -> None:
    python.plain(
        f"""
import sys
sys.path.insert(0, ".")
import base
from pepperpy_reload.comparing.census import Census
own = base.__file__.__eq__
before = Census(own)
assert before.difference(Census(own)) == ""
{CHANGES[change]}
assert before.difference(Census(own)) != ""
""",
        {
            "base.py": """
            VALUE = 1
            ITEMS = []
            TABLE = {"a": 1, "b": 2}
            class Thing:
                def method(self):
                    return 1
                size = 1
            class Narrow:
                __slots__ = ("slot",)
            thing, narrow = Thing(), Narrow()
            thing.one, narrow.slot = 1, 1
            def function(x=1):
                return x
            def other(x):
                return x + 1
            def outer():
                held = 1
                def inner():
                    return held
                return inner
            closure = outer()
            """
        },
    )


HOLDERS = {
    "deep.py": """
    import collections, functools, os, sys
    from array import array

    class Narrow:
        __slots__ = ("slot", "empty")

    class Thing:
        def add(self):
            self.items = [*getattr(self, "items", []), 1]

    def counting():
        count = 0
        def counter():
            nonlocal count
            count += 1
            return count
        return counter

    def keeping(made=[]):
        made.append(1)
        return made

    class Tags(set):
        pass

    @functools.singledispatch
    def shown(thing):
        return "anything"

    ordered = collections.OrderedDict(a=1, b=2)
    narrow = Narrow()
    narrow.slot = []
    bound = Thing().add
    partial = functools.partial(dict.update, {})
    counter = counting()
    text = bytearray(b"abc")
    numbers = array("i", [1, 2])
    tags = Tags("ab")
    last = collections.deque([1, 2], maxlen=2)
    """,
    "user.py": "import deep\nLIMIT = 1\n",
}
DEEDS = {
    "an ordered dict": ("deep.ordered.move_to_end('a')", "list(deep.ordered.items())"),
    "a slot": ("deep.narrow.slot = deep.narrow.empty = 1", "(deep.narrow.slot, hasattr(deep.narrow, 'empty'))"),
    "what a slot holds": ("deep.narrow.slot.append(1)", "deep.narrow.slot"),
    "behind a bound method": ("deep.bound()", "vars(deep.bound.__self__)"),
    "behind a partial": ("deep.partial(x=1)", "deep.partial.args"),
    "a variable of a closure": ("deep.counter()", "deep.counter.__closure__[0].cell_contents"),
    "a default": ("deep.keeping()", "deep.keeping.__defaults__"),
    "what a library's closure holds": ("deep.shown.register(int, str)", "deep.shown(1)"),
    "bytes": ("deep.text.extend(b'd')", "bytes(deep.text)"),
    "an array": ("deep.numbers.append(3)", "list(deep.numbers)"),
    "a special set": ("deep.tags.add('c')", "(type(deep.tags), sorted(deep.tags))"),
    "a deque": ("deep.last.append(3)", "list(deep.last)"),
}


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("import os; os.environ['PLANTED'] = '1'", "os.environ.get('PLANTED')"),
        ("import sys; sys.path.append('planted')", "list(sys.path)"),
    ],
)
def test_what_a_function_did_to_the_process_is_taken_back(reloads: Reloads, statement: str, shown: str) -> None:
    """It is not seen before it runs, and asks for a restart then."""
    reloads(
        f"""
        import os, user
        before = {shown}
        report = change("user.py", "LIMIT = 1", {f"exec({statement!r}); LIMIT = 2"!r})
        assert report.status == "restart", report
        assert {shown} == before
        """,
        {"user.py": "LIMIT = 1\nDONE = LIMIT\n"},
    )


@pytest.mark.parametrize("deed", DEEDS)
def test_what_a_statement_did_before_another_failed_is_taken_back(reloads: Reloads, deed: str) -> None:
    statement, shown = DEEDS[deed]
    reloads(
        f"""
        import user, deep
        shown = lambda: repr({shown})
        before = shown()

        report = change("user.py", "LIMIT = 1", {statement!r} + "; done = {shown}; raise OSError(repr(done))")

        assert report.status == "failed", report
        assert repr(before) not in str(report.error), "it has been done"
        assert shown() == before
        """,
        HOLDERS,
    )


def test_an_iterator_that_is_gone_through_is_made_again(reloads: Reloads) -> None:
    reloads(
        """
        import numbers_
        assert change("numbers_.py", "FIRST = list", "FIRST = tuple").status == "reloaded"
        assert (numbers_.FIRST, numbers_.LATER) == ((0, 1, 2), [])
        """,
        {"numbers_.py": "source = (n for n in range(3))\nFIRST = list(source)\nLATER = [n for n in source]\n"},
    )


OPAQUE = {
    "a running generator": "(n for n in range(3))",
    "an iterator": "iter([1, 2, 3])",
    "an open file": "open('log.txt', 'w+')",
    "a Connection": "__import__('sqlite3').connect(':memory:')",
}


@pytest.mark.parametrize("what", OPAQUE)
def test_what_cannot_be_put_back_is_left_alone(reloads: Reloads, what: str) -> None:
    reloads(
        f"""
        import user, deep
        before = dict(vars(user))

        report = change("user.py", "LIMIT = 1", "LIMIT = 2\\nVALUE = use(source)")

        assert report.status == "restart" and {what!r} in report.reason, report
        assert "user:4" in report.reason and "deep.source" in report.reason, report
        assert dict(vars(user)) == before

        report = change("user.py", "VALUE = use(source)", "VALUE = source is None")
        assert report.status == {("reloaded" if what == "a Connection" else "restart")!r}, report
        report = change("user.py", "VALUE = source is None", "")
        assert report.status == "reloaded" and user.LIMIT == 2, report
        """,
        {
            "deep.py": f"source = {OPAQUE[what]}\n",
            "user.py": "from deep import source\nuse = lambda thing: next(iter([thing]))\nLIMIT = 1\n",
        },
    )


def test_a_large_list_is_no_reason_for_a_restart_and_millions_of_lists_are(reloads: Reloads) -> None:
    reloads(
        """
        import data, user
        report = change("user.py", "LIMIT = 1", "LIMIT = 2; data.numbers.append(1); raise OSError")
        assert report.status == "failed" and len(data.numbers) == 1_000_000 and user.LIMIT == 1, report
        report = change("user.py", "LIMIT = 2; data.numbers.append(1); raise OSError", "LIMIT = 3")
        assert report.status == "reloaded" and user.LIMIT == 3, report

        data.lists = [[] for _ in range(1_000_001)]
        report = change("user.py", "LIMIT = 3", "LIMIT = (lambda: 4)()")
        assert report.status == "restart" and "more than 1,000,000 objects" in report.reason, report
        assert user.LIMIT == 3

        data.lists.clear()
        assert reloader.apply([]).status == "reloaded" and user.LIMIT == 4
        """,
        {"data.py": "numbers = list(range(1_000_000))\n", "user.py": "import data\nLIMIT = 1\n"},
    )


def test_of_a_value_nothing_is_kept_but_the_names_however_much_there_is(reloads: Reloads) -> None:
    reloads(
        """
        import data, user
        data.lists = [[] for _ in range(1_000_001)]
        report = change("config.py", "1", "2")
        assert report.status == "reloaded" and (user.LIMIT, user.TWICE, user.ALL) == (2, 4, [2, data.lists]), report
        report = change("config.py", "2", "'a'")
        assert report.status == "failed" and (user.LIMIT, user.TWICE, user.ALL) == (2, 4, [2, data.lists]), report
        """,
        {
            "data.py": "lists = []\n",
            "config.py": "LIMIT = 1\n",
            "user.py": "import data\nfrom config import LIMIT\nTWICE = LIMIT + 2\nALL = [LIMIT, data.lists]\n",
        },
    )


GIVEN = {
    "a value": "VALUE = base.LIMIT + 1",
    "an annotation": "MORE: dict[str, int] = {'a': base.LIMIT}",
    "a default": "def function(a, b=base.LIMIT): return a + 1",
    "calls of Python's own": "VALUE = len([base.LIMIT]) + sum(range(base.LIMIT)) + int('1,2'.split(',')[0])",
    "a comprehension": "VALUE = {str(n): n for n in range(base.LIMIT) if n > base.LIMIT - 2}",
    "a call that asks a class": "VALUE = sorted([base.LIMIT, base.LARGE])",
    "a call of another name": "VALUE = base.len(base.LIMIT)",
    "a name that hides Python's own": "from base import len; VALUE = len([base.LIMIT])",
    "a comprehension over what counts": "VALUE = [base.LIMIT for one in base.counting]",
    "an operator of a class's own": "VALUE = base.LIMIT + base.counting",
    "an attribute that is computed": "VALUE = base.LIMIT + base.counting.next",
    "a key that is compared": "VALUE = {base.counting: base.LIMIT}",
    "a text that is formatted": "VALUE = f'{base.LIMIT}{base.counting}'",
    "an unpacked iterable": "VALUE, *OTHERS = base.counting",
    "a comparison in a list": "VALUE = [base.counting] == [base.LIMIT]",
    "an annotation that counts": "NEWER: base.counting[1] = base.LIMIT",
}


@pytest.mark.parametrize("given", GIVEN)
def test_what_only_binds_is_put_back_with_all_that_follows(reloads: Reloads, given: str) -> None:
    reloads(
        f"""
        import base, user, last
        report = change("base.py", "LIMIT = 1", "LIMIT = 10")
        assert report.status == "reloaded" and base.counting.counted, report
        def state():
            function = user.function.__defaults__, user.function.__code__
            return dict(vars(user)), dict(user.__annotations__), function, dict(vars(last)), [*base.counting.counted]
        before, counted = state(), base.counting.counted
        save("last.py", "from base import LIMIT\\nBAD = LIMIT / 0\\n")
        save("user.py", {("import base" + chr(10) + GIVEN[given] + chr(10) + "AFTER = base.LIMIT" + chr(10))!r})
        save("base.py", pathlib.Path("base.py").read_text().replace("LIMIT = 10", "LIMIT = 11"))
        report = reloader.apply(["base.py", "user.py", "last.py"])
        assert report.status == "failed" and "ZeroDivisionError" in str(report.error), report
        assert state() == before and base.counting.counted is counted, (state(), before)
        """,
        {
            "base.py": """
            LIMIT = 1
            class Counting:
                def __init__(self): self.counted = []
                def count(self, *_): return self.counted.append(1) or 1
                __add__ = __radd__ = __hash__ = __getitem__ = count
                next = property(count)
                def __eq__(self, other): return bool(self.count())
                def __format__(self, spec): return str(self.count())
                def __iter__(self): return iter([self.count()])
            counting = Counting()
            class Large(int):
                def __lt__(self, other): return bool(counting.count())
            LARGE = Large(1)
            def len(thing): return counting.count()
            """,
            "user.py": """
            import base
            def function(a, b=base.LIMIT): return a
            VALUE = base.LIMIT + base.counting
            MORE: dict[str, int] = {}
            """,
            "last.py": "from base import LIMIT\n",
        },
    )


@pytest.mark.parametrize("new", ["def f(:\n", "import nowhere\n", "import sys\nALL = list(sys.modules)\n", None])
def test_tracebacks_show_the_text_that_goes_on_running(reloads: Reloads, new: str | None) -> None:
    reloads(
        f"""
        import traceback
        import user, gone
        new = {new!r}
        if new is None:
            pathlib.Path("gone.py").unlink()
            save("user.py", "import gone\\n")
        else:
            save("gone.py", new)
        report = reloader.apply(["gone.py", "user.py"])
        assert report.status in ("failed", "restart"), report

        for _ in range(2):
            try:
                gone.fail()
            except OSError as error:
                text = "".join(traceback.format_exception(error))
            assert "raise OSError  # as it was" in text, text
            report = reloader.apply([])
        """,
        {"gone.py": "def fail():\n    raise OSError  # as it was\n", "user.py": "import gone\ngone.fail\n"},
    )


def test_a_function_never_has_new_parameters_and_old_defaults(reloads: Reloads) -> None:
    reloads(
        """
        import calls
        report = change("calls.py", "def f(x):", "def f(x, y=1):")
        assert report.status == "reloaded" and calls.seen == [1], report
        report = change("calls.py", "def m(self):", "def m(self, *, y=1):")
        assert report.status == "reloaded" and calls.seen == [1, 1], report
        assert calls.f.__defaults__ == (1,) and calls.Thing().m(y=2) == 1
        """,
        {
            "calls.py": """
            def f(x):
                return x
            class Thing:
                def m(self):
                    return 1
            seen = []
            def __before_reload__():
                seen.append(f(1) * Thing().m())
            """
        },
    )


def test_what_generated_code_has_left_for_tracebacks_is_taken_back(reloads: Reloads) -> None:
    reloads(
        """
        import linecache
        import made
        before = set(linecache.cache)
        report = change("made.py", "VALUE = 1", "linecache.cache['<made>'] = (1, None, ['x'], '<made>'); VALUE = 1 / 0")
        assert report.status == "failed", report
        assert set(linecache.cache) - before == {os.path.abspath("made.py")}, "pinned to what runs"
        """,
        {"made.py": "import linecache\nVALUE = 1\n"},
    )


def test_a_working_directory_that_is_gone_does_not_hinder_a_reload(reloads: Reloads) -> None:
    reloads(
        """
        import app, tempfile
        home = os.getcwd()
        with tempfile.TemporaryDirectory() as directory:
            os.chdir(directory)
        text = pathlib.Path(home, "app.py").read_text()
        pathlib.Path(home, "app.py").write_text(text.replace("LIMIT = 1", "LIMIT = 2"))
        report = reloader.apply([f"{home}/app.py"])
        assert report.status == "reloaded" and app.TWICE == 4, report
        """,
        {"app.py": "LIMIT = 1\nTWICE = 2 * LIMIT\ndef show():\n    return LIMIT\n"},
    )
