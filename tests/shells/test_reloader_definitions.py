"""Functions and classes after an edit are what a fresh start makes of them: cases that real commits have shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads


def test_what_a_decorator_has_copied_from_a_body(reloads: Reloads) -> None:
    reloads(
        """
        import app
        plain = app.plain
        report = change("app.py", "Old words", "New words")
        assert report.status == "reloaded", report
        assert (app.managed.__doc__, app.Thing.size.__doc__, app.plain.__doc__) == ("New words",) * 3
        assert app.told == "New words", "who reads documentation at import is told"
        assert app.plain is plain
        report = change("app.py", "return iter([1])", "yield 1")
        assert report.status == "reloaded" and app.kind == "generator", report
        """,
        {
            "app.py": """
                import contextlib, inspect
                @contextlib.contextmanager
                def managed():
                    "Old words"
                    yield
                class Thing:
                    @property
                    def size(self):
                        "Old words"
                        return 1
                def plain():
                    "Old words"
                told = plain.__doc__
                def numbers():
                    return iter([1])
                kind = "generator" if inspect.isgeneratorfunction(numbers) else "function"
            """,
        },
    )


def test_a_docstring_alone_makes_nothing_again_but_what_has_copied_it(reloads: Reloads) -> None:
    reloads(
        """
        import app, use
        made, kept, inner = app.made, use.kept, app.inner
        for old, new, words in (
            ("'Old words'", "'New words'", "New words"),
            ("'New words'", "# none", None),
            ("# none", "'More words'", "More words"),
        ):
            report = change("app.py", old, new)
            assert report.status == "reloaded", report
            assert (app.make.__doc__, use.size.fget.__doc__, use.size.__doc__) == (words, words, words), words
            assert use.copied.__doc__ == words and use.wrapped.__doc__ == words and use.told == words
            assert app.made is made and use.kept is kept and app.inner is inner
        report = change("app.py", "return [7]", "return [8]")
        assert report.status == "reloaded" and app.made == [8] and use.kept == [8], report
        """,
        {
            "app.py": """
                def make(self=None):
                    'Old words'
                    def inner():
                        return None
                    if self:
                        return inner
                    return [7]
                made = make()
                inner = make(1)
            """,
            "use.py": """
                import functools
                from app import make
                def asked():
                    return make.__doc__
                kept = make()
                size = property(make)
                copied = functools.partial(functools.update_wrapper, wrapped=make)(lambda: 1)
                wrapped = functools.wraps(make)(lambda: 2)
                told = asked()
            """,
        },
    )


def test_a_wrapped_method_is_not_refitted_around_the_old_one(reloads: Reloads) -> None:
    reloads(
        """
        import app, inspect
        report = change("app.py", "-> 'old'", "-> 'new'")
        assert report.status == "reloaded", report
        assert inspect.unwrap(app.Thing.portal).__annotations__ == {"return": "new"} == app.Thing.portal.__annotations__
        """,
        {
            "app.py": """
                import functools
                def wrapping(function):
                    @functools.wraps(function)
                    def wrapper(self):
                        return function(self)
                    return wrapper
                class Thing:
                    @wrapping
                    def portal(self) -> 'old':
                        return 1
            """,
        },
    )


def test_functions_of_classes_that_are_no_more_are_found_without_a_look_at_all_objects(reloads: Reloads) -> None:
    reloads(
        """
        import app, gc
        gc.collect()
        gc.disable()
        asked, looks = [], ("gc.get_referrers", "gc.get_objects")
        assert change("app.py", "SIZE = 1", "SIZE = 2\\n    __slots__ = ()").status == "reloaded"
        sys.addaudithook(lambda event, _: asked.append(event) if event in looks else None)
        assert change("app.py", "return 1", "return 3").status == "reloaded" and app.C().f() == 3
        assert not asked and app.C().size() == 2, asked
        """,
        {"app.py": "class C:\n    SIZE = 1\n    def size(self): return self.SIZE\n    def f(self): return 1\n"},
    )


def test_a_class_is_made_again_when_what_its_head_reads_is(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("app.py", "covariant=True", "contravariant=True")
        assert report.status == "reloaded" and app.Holder.__parameters__[0] is app.T, report
        """,
        {
            "app.py": "from typing import Generic, TypeVar\nT = TypeVar('T', covariant=True)\n"
            "class Holder(Generic[T]):\n    pass\n"
        },
    )


def test_code_objects_that_somebody_has_put_away(reloads: Reloads) -> None:
    reloads(
        """
        import app, errors
        assert app.work.__code__ in errors.internal
        report = change("app.py", "from errors", "# a line more\\nfrom errors")
        assert report.status == "unchanged" and app.work.__code__ in errors.internal and len(errors.internal) == 1
        report = change("app.py", "return 1", "return 2")
        assert app.work() == 2 and app.work.__code__ in errors.internal and len(errors.internal) == 1, report
        """,
        {
            "errors.py": "internal = set()\ndef mark(f):\n    internal.add(f.__code__)\n    return f\n",
            "app.py": "from errors import mark\n@mark\ndef work():\n    return 1\n",
        },
    )


def test_what_goes_through_all_modules_has_its_own_time(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("app.py", "'json'", "'jso'")
        assert report.status == "restart" and "goes through sys.modules" in report.reason, report
        assert change("app.py", "VALUE = 1", "VALUE = 2").status == "restart", "still pending"
        """,
        {"app.py": "import sys\nVALUE = 1\nfound = [name for name in list(sys.modules) if name == 'json']\n"},
    )


def test_annotations_of_a_module_and_of_a_class(reloads: Reloads) -> None:
    reloads(
        """
        import app
        assert list(app.__annotations__) == ["first", "third"]
        assert change("app.py", "third: int", "second: str = ''\\nthird: int").status == "reloaded"
        if sys.version_info < (3, 14):
            assert list(app.__annotations__) == ["first", "second", "third"], app.__annotations__
        assert change("app.py", "first: int = 1\\n", "").status == "reloaded"
        assert list(app.__annotations__) == ["second", "third"], app.__annotations__
        assert change("app.py", "    field: int\\n", "").status == "reloaded"
        assert "__annotations__" not in vars(app.Thing) or not app.Thing.__annotations__
        """,
        {"app.py": "first: int = 1\nthird: int = 3\nclass Thing:\n    field: int\n    other = 1\n"},
    )


def test_a_class_knows_what_its_methods_set(reloads: Reloads) -> None:
    reloads(
        """
        import app
        cls = app.Thing
        assert change("app.py", "self.one = 1", "self.one = self.two = 2").status == "reloaded"
        assert app.Thing is cls
        if sys.version_info >= (3, 13):
            assert set(cls.__static_attributes__) == {"one", "two"}, cls.__static_attributes__
        """,
        {"app.py": "class Thing:\n    def __init__(self):\n        self.one = 1\n"},
    )


def test_a_class_with_many_names_knows_it_as_well(reloads: Reloads) -> None:
    names = "".join(f"    name{number} = {number}\n" for number in range(300))
    reloads(
        """
        import app
        assert change("app.py", "self.one = 1", "self.one = self.two = 2").status == "reloaded"
        if sys.version_info >= (3, 13):
            assert set(app.Thing.__static_attributes__) == {"one", "two"}, app.Thing.__static_attributes__
        """,
        {"app.py": f"class Thing:\n{names}    def __init__(self):\n        self.one = 1\n"},
    )


def test_instances_that_refuse_to_be_changed_follow_their_class(reloads: Reloads) -> None:
    reloads(
        """
        import app, base
        thing = app.thing
        report = change("base.py", "class Base", "class Other: pass\\nclass Base")
        report = change("app.py", "class Thing(Base)", "class Thing(Base, Other)")
        assert report.status == "reloaded" and app.thing.value() == 1, report
        assert type(held[0]) is app.Thing if (held := [thing]) else None
        """,
        {
            "base.py": """
                class Base:
                    def __setattr__(self, name, value):
                        raise AttributeError("frozen")
                class Other: pass
            """,
            "app.py": """
                from base import Base, Other
                class Thing(Base):
                    def value(self): return 1
                thing = Thing()
            """,
        },
    )


def test_a_statement_that_looks_at_all_names_sees_every_change(reloads: Reloads) -> None:
    reloads(
        """
        import pack
        assert pack.function.__module__ == "pack"
        report = change("pack/inner.py", "def function(a):", "def function(a, b=VALUE):")
        assert report.status == "reloaded" and pack.function.__module__ == "pack", report
        report = change("pack/inner.py", "VALUE = 1", "VALUE = [2]")
        assert report.status == "reloaded" and pack.function.__module__ == "pack", report
        """,
        {
            "pack/inner.py": "VALUE = 1\ndef function(a):\n    return a\n",
            "pack/__init__.py": """
                from .inner import function as function
                for value in list(locals().values()):
                    if getattr(value, "__module__", "").startswith(f"{__name__}."):
                        value.__module__ = __name__
            """,
        },
    )


@pytest.mark.parametrize(
    "edit", [('"one"', '"ONE"'), ("@naming\nclass Two:", "class Two:")], ids=["value", "undecorated"]
)
def test_a_function_that_classes_give_their_name(reloads: Reloads, edit: tuple[str, str]) -> None:
    reloads(
        f"""
        import app, tools
        before = tools.evolve.__qualname__
        assert before == "Two.evolve"
        report = change("app.py", *{edit!r})
        if report.status == "reloaded":
            assert tools.evolve.__qualname__ == "Two.evolve", tools.evolve
        else:
            assert report.status == "restart" and "is named by classes" in report.reason, report
            assert tools.evolve.__qualname__ == before, "put back"
        """,
        {
            "tools.py": """
                def evolve(self):
                    return self
                def naming(cls):
                    for value in vars(cls).values():
                        if callable(value):
                            value.__qualname__ = f"{cls.__qualname__}.{value.__name__}"
                    return cls
            """,
            "app.py": """
                from tools import evolve, naming
                @naming
                class One:
                    name = "one"
                    change = evolve
                @naming
                class Two:
                    name = "two"
                    change = evolve
            """,
        },
    )


def test_members_that_an_edit_does_not_concern_stay_who_they_are(reloads: Reloads) -> None:
    reloads(
        """
        import app, user
        red, low, read = app.Color.RED, app.Level.LOW, app.Rights.READ
        held = {red: 1}
        report = change("app.py", "GREEN = 'g'", "GREEN = 'gg'\\n    BLUE = ('b', 1)")
        assert report.status == "reloaded", report
        assert app.Color.RED is red and app.Color("r") is red and app.Color["RED"] is red and app.Color.ROUGE is red
        assert type(red) is app.Color and list(app.Color) == [red, app.Color.GREEN, app.Color.BLUE] == user.colors
        assert app.Color.GREEN.value == "gg" and app.Color.BLUE.value == ("b", 1)
        report = change("app.py", "HIGH = 2", "HIGH = 3")
        assert report.status == "reloaded" and app.Level.LOW is low and app.Level.HIGH == 3, report
        report = change("app.py", "WRITE = 2", "WRITE = 2\\n    RUN = 4")
        assert report.status == "reloaded" and app.Rights.READ is read, report
        assert (read | app.Rights.RUN) == 5 and held[app.Color.RED] == 1
        report = change("app.py", "BLUE = ('b', 1)", "BLUE = ('b', 2)\\n    PINK = 1 / 0")
        assert report.status == "failed" and app.Color.RED is red and type(red) is app.Color, report
        assert app.Color("r") is red and app.Color.BLUE.value == ("b", 1) and vars(red)["__objclass__"] is app.Color
        """,
        {
            "app.py": """
                import enum
                class Color(enum.Enum):
                    RED = 'r'
                    GREEN = 'g'
                    ROUGE = 'r'
                class Level(enum.IntEnum):
                    LOW = 1
                    HIGH = 2
                class Rights(enum.IntFlag):
                    READ = 1
                    WRITE = 2
            """,
            "user.py": "import app\ncolors = list(app.Color)\n",
        },
    )


def test_a_failed_reload_gives_an_enum_its_members_back(reloads: Reloads) -> None:
    reloads(
        """
        import app
        color, red = app.Color, app.Color.RED
        before = dict(vars(red))
        report = change("app.py", "RED = 'r'\\nlater = 1", "RED = 'r'\\n    BLUE = 'b'\\nlater = 1 / 0")
        assert report.status == "failed", report
        assert app.Color is color and color.RED is red is color("r") and type(red) is color and vars(red) == before
        """,
        {
            "app.py": """
                import enum
                class Color(enum.Enum):
                    RED = 'r'
                later = 1
            """,
        },
    )


def test_decorated_methods_do_not_take_a_class_from_its_base(reloads: Reloads) -> None:
    reloads(
        """
        import base, app
        before = base.Base, app.App
        report = change("app.py", "name: int", "name: int | str")
        assert report.status == "reloaded", report
        assert (base.Base, app.App) == before and type(app.thing) is app.App
        assert app.App.add.__annotations__ == {"name": "int | str"} == app.thing.add.__annotations__
        thing = app.thing
        report = change("app.py", "return name", "return name * 2")
        assert report.status == "reloaded" and app.thing.add(2) == 4 and app.thing is thing, report
        """,
        {
            "base.py": """
                from __future__ import annotations
                import functools
                def checked(f):
                    name = f.__name__
                    def wrapper(self, *args):
                        self.check(name)
                        return f(self, *args)
                    return functools.update_wrapper(wrapper, f)
                class Attribute:
                    def __init__(self, name):
                        self.name = name
                class Base:
                    names = Attribute("names")
                    def check(self, name): ...
                    @checked
                    def first(self): ...
            """,
            "app.py": """
                from __future__ import annotations
                from base import Attribute, Base, checked
                class App(Base):
                    others = Attribute("others")
                    @checked
                    def add(self, name: int):
                        return name
                thing = App()
            """,
        },
    )


@pytest.mark.parametrize(
    "told",
    {
        "the base": (
            "class Base:\n    seen = []\n    def __init_subclass__(cls):\n"
            "        cls.__mro__[1].seen.append(cls.__name__)\n"
        ),
        "a metaclass": (
            "class Meta(type):\n    def __init__(cls, name, bases, body):\n        for base in bases:\n"
            "            base.seen.append(name)\nclass Base(metaclass=Meta):\n    seen = []\n"
        ),
        "a descriptor": (
            "class Told:\n    def __set_name__(self, owner, name):\n"
            "        owner.__mro__[1].seen.append(owner.__name__)\n"
            "class Base:\n    seen = []\n    one = None\n"
        ),
        "a decorator": (
            "class Base:\n    seen = []\ndef told(cls):\n    cls.__mro__[1].seen.append(cls.__name__)\n    return cls\n"
        ),
    }.items(),
    ids=lambda item: item[0],
)
def test_who_is_told_of_a_class_may_change_its_base(told: tuple[str, str], reloads: Reloads) -> None:
    who, base = told
    body = {"a descriptor": "    one = base.Told()\n"}.get(who, "")
    head = {"a decorator": "@base.told\n"}.get(who, "")
    reloads(
        """
        import base, app
        assert base.Base.seen == ["App", "Last"], base.Base.seen
        report = change("app.py", "size = 1", "size = 2")
        assert report.status in ("reloaded", "restart"), report
        assert report.status == "restart" or (base.Base.seen == ["App", "Last"] and app.App.size == 2), base.Base.seen
        """,
        {
            "base.py": base,
            "app.py": f"import base\n{head}class App(base.Base):\n    size = 1\n{body}"
            f"{head}class Last(base.Base):\n    pass\n{body}",
        },
    )


def test_members_of_a_class_that_are_made_of_others(reloads: Reloads) -> None:
    reloads(
        """
        import app
        def check():
            Thing = app.Thing
            assert Thing.put.__annotations__["info"] is Thing.Info and Thing.size.fget is Thing.get_size
            assert Thing.both == (Thing.get_size, Thing.Info) and Thing.alias is Thing.plain
        thing, plain = app.Thing, app.Thing.plain
        for old, new in (
            ("times=1", "times=2"),
            ("other=1", "other=2"),
            ("same=1", "same=2"),
            ("(get_size, Info)", "get_size, Info"),
        ):
            report = change("app.py", old, new)
            assert report.status in ("reloaded", "unchanged") and app.Thing is thing, report
            check()
        assert app.Thing.plain is plain
        """,
        {
            "app.py": """
                class Thing:
                    class Info: ...
                    def put(self, info: Info, times=1): ...
                    def get_size(self, other=1): return 1
                    size = property(get_size)
                    both = (get_size, Info)
                    def plain(self, same=1): ...
                    alias = plain
            """,
        },
    )


def test_members_of_a_class_that_statements_in_it_put_together(reloads: Reloads) -> None:
    reloads(
        """
        import app
        thing = app.Thing
        edits = (
            ("'b': 1", "'b': 2"), ("{'c': list}", "{'c': list, 'd': set}"), (".update(first)", ".update(first, e=1)")
        )
        for old, new in edits:
            report = change("app.py", old, new)
            assert report.status == "reloaded" and app.Thing is thing, report
            assert thing.every["a"] is thing.first["a"] is thing.both[0], vars(thing)
            assert thing.every["c"] is list
        assert thing.every == {"b": 2, "d": set, "e": 1, **thing.first}, thing.every
        """,
        {
            "app.py": """
                class Thing:
                    first = {'a': lambda: 1}
                    first.update({'c': list})
                    every = {'b': 1}
                    every.update(first)
                    both = []
                    both.append(first['a'])
            """,
        },
    )


def test_who_only_speaks_of_annotations_does_not_look_them_up(reloads: Reloads) -> None:
    reloads(
        """
        import app
        first = app.First
        report = change("app.py", "size = 1", "size = 2")
        assert report.status == "reloaded" and app.First.size == 2, report
        """,
        {
            "app.py": """
                class Meta(type):
                    "It does not eval a thing, nor does it read __annotations__ (see inspect.signature)."
                class First(metaclass=Meta):
                    size = 1
                    def later(self) -> "Later": ...
                    other: "Later"
                class Later(First): ...
            """,
        },
    )


def test_what_a_class_body_calls_its_locals_are_its_own(reloads: Reloads) -> None:
    reloads(
        """
        import app
        other = app.Other
        report = change("app.py", "size = 1", "size = 2")
        assert report.status == "reloaded" and app.Thing.size == 2, report
        assert app.Thing.names == ["size"] and app.Other is other and app.said == "a 3"
        """,
        {
            "app.py": """
                class Thing:
                    size = 1
                    names = [name for name in locals() if not name.startswith("_")]
                class Other: ...
                def say(a): return "a {a}".format(**locals())
                said = say(3)
            """,
        },
    )


def test_lines_of_a_class_that_a_function_has_been_given(reloads: Reloads) -> None:
    reloads(
        """
        import app, use
        for module in (app, use):
            function = module.make
            change("app.py", "# above\\n", "# above\\n# more\\n")
            assert module.make is function
            assert vars(function).get("__firstlineno__") == vars(app.Thing).get("__firstlineno__")
        """,
        {
            "app.py": """
                from functools import wraps
                # above
                class Thing:
                    def do(self): ...
                @wraps(Thing)
                def make(): return Thing()
            """,
            "use.py": """
                from functools import wraps
                from app import Thing
                @wraps(Thing)
                def make(): return Thing()
            """,
        },
    )


def test_lines_of_a_class_that_a_decorator_has_made_a_subclass_of(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("app.py", "# above\\n", "# above\\n# more\\n")
        assert report.status in ("unchanged", "reloaded"), report
        assert vars(app.make).get("__firstlineno__") == vars(app.make.__wrapped__).get("__firstlineno__")
        made, thing = [line for line, text in enumerate(open(app.__file__), 1) if text.startswith("@w")]
        assert vars(app.make).get("__firstlineno__", made) == made
        assert vars(app.Thing.__mro__[1]).get("__firstlineno__", thing) == thing
        """,
        {
            "app.py": """
                from functools import wraps
                def wrap(cls):
                    class Wrapper(cls): ...
                    return Wrapper
                def warn(cls):
                    @wraps(cls)
                    def making(*given): return cls(*given)
                    return making
                # above
                @warn
                class make: ...
                @wrap
                class Thing:
                    def do(self): ...
            """,
        },
    )


def test_a_test_case_remembers_no_subclass(reloads: Reloads) -> None:
    reloads(
        """
        import app
        case = app.Case
        for old, new in (("size = 1", "size = 2"), ("(TestCase)", "(TestCase, Other)")):
            report = change("app.py", old, new)
            assert report.status == "reloaded" and app.Case.size == 2, report
        assert issubclass(app.Case, app.Other) and app.More.__mro__[1] is app.Case
        """,
        {
            "app.py": """
                from unittest import TestCase
                class Other: ...
                class Case(TestCase):
                    size = 1
                class More(Case): ...
            """,
        },
    )


def test_private_members_of_a_class(reloads: Reloads) -> None:
    reloads(
        """
        import app
        thing = app._Thing
        for old, new in (("__size = 1", "__size = 2"), ("__make = staticmethod(int)", "__make = staticmethod(str)")):
            report = change("app.py", old, new)
            assert report.status == "reloaded" and app._Thing is thing, report
        assert thing().get() == (2, "2") and thing._Thing__size == 2
        report = change("app.py", "    def __gone(self): ...\\n", "")
        assert report.status == "reloaded" and app._Thing is thing and not hasattr(thing, "_Thing__gone"), report
        report = change("app.py", "self.__size, ", "3, ")
        report = change("app.py", "__size = 2\\n", "size = 3\\n")
        assert app._Thing is thing and thing.size == 3 and not hasattr(thing, "_Thing__size"), report
        """,
        {
            "app.py": """
                class _Thing:
                    __size = 1
                    __make = staticmethod(int)
                    def __gone(self): ...
                    def get(self): return self.__size, self.__make(2)
            """,
        },
    )


def test_a_function_loses_what_a_decorator_has_set_with_the_decorator(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("app.py", "@mark\\ndef get", "def get")
        assert report.status == "reloaded" and not vars(app.get) and vars(app.put) == {"marked": 1}, report
        report = change("app.py", "def get", "@mark\\ndef get")
        assert report.status == "reloaded" and vars(app.get) == {"marked": 1}, report
        """,
        {
            "app.py": """
                def mark(function):
                    function.marked = 1
                    return function
                @mark
                def get(): ...
                @mark
                def put(): ...
            """,
        },
    )


def test_statements_in_an_if_are_executed_one_by_one(reloads: Reloads) -> None:
    reloads(
        """
        import app, use
        make, other, table = app.make, app.other, app.TABLE
        report = change("app.py", "def get(a):", "def get(a, b=1):")
        assert report.status == "reloaded" and app.get(1) == (1, 1), report
        assert (app.make, app.other, app.TABLE) == (make, other, table) and app.TABLE is table
        assert use.MADE is table and not hasattr(app, "missing")
        report = change("app.py", "missing = 1", "missing = 2")
        assert report.status == "reloaded" and not hasattr(app, "missing"), report
        report = change("app.py", "    get = None", "    get = False")
        assert report.status in ("reloaded", "unchanged") and app.get(1) == (1, 1) and app.other is other, report
        report = change("app.py", "FAST = True", "FAST = False")
        assert report.status == "reloaded" and app.missing == 2 and app.get is False and app.TABLE is None, report
        assert not hasattr(app, "make") and use.MADE is None
        """,
        {
            "app.py": """
                FAST = True
                if FAST:
                    TABLE = {}
                    def make(): return TABLE
                    def get(a): return a, globals().get("b", 1)
                    def other(): ...
                else:
                    missing = 1
                    TABLE = None
                    get = None
            """,
            "use.py": """
                import app
                MADE = app.TABLE
            """,
        },
    )


def test_code_that_is_known_weakly_and_marked_generators(reloads: Reloads) -> None:
    reloads(
        """
        import app, types
        for old, new in (("return 1", "return 2"), ("# above\\n", "# above\\n# more\\n"), ("yield 1", "yield 2")):
            report = change("app.py", old, new)
            assert report.status == "reloaded" or "above" in old, report
            assert app.get.__code__ in app.KNOWN and len(app.KNOWN) == 1, list(app.KNOWN)
            assert app.wait.__code__.co_flags & 0x100
            lines = [line for line, text in enumerate(open(app.__file__), 1) if text.startswith("@types")]
            assert app.wait.__code__.co_firstlineno == lines[0]
        assert next(app.wait()) == 2 and app.get() == 2
        """,
        {
            "app.py": """
                import types, weakref
                KNOWN = weakref.WeakKeyDictionary()
                def know(function):
                    KNOWN[function.__code__] = True
                    return function
                # above
                @know
                def get(): return 1
                @types.coroutine
                def wait(): yield 1
            """,
        },
    )


def test_classes_that_their_base_puts_into_a_table_stay_the_same(reloads: Reloads) -> None:
    reloads(
        """
        import app
        one, two, instance = app.One, app.Two, app.One()
        for old, new in (("words = 'x'", "words = 'y'"), ("key='one'", "key='other'"), ("return 3", "return 4")):
            report = change("app.py", old, new)
            assert report.status == "reloaded", report
        assert app.Two is two and isinstance(instance, app.One) and instance.get() == 4
        report = change("app.py", "words = 'y'", "words = 'z'")
        assert app.Two is two and list(app.TABLE.items()) == [("other", app.One), ("two", two), ("inner", app.Last)]
        report = change("app.py", "TABLE[key] = cls", "TABLE[key * 2] = cls")
        assert report.status == "reloaded" and list(app.TABLE) == ["otherother", "twotwo", "innerinner"], report
        assert app.TABLE["twotwo"] is app.Two
        """,
        {
            "app.py": """
                TABLE = {}
                class Base:
                    def __init_subclass__(cls, key, **others):
                        super().__init_subclass__(**others)
                        if key in TABLE: raise LookupError(key)
                        TABLE[key] = cls
                class One(Base, key='one'):
                    words = 'x'
                    def get(self): return 3
                class Two(Base, key='two'):
                    words = One.words
                class Last(Base, key='inner'): ...
            """,
        },
    )


def test_a_metaclass_that_is_closed_below_is_open_above(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("app.py", "size = 1", "size = 2")
        assert report.status == "reloaded" and app.Leaf.size == 2, report
        try:
            app.Meta("More", (), {})
        except TypeError: pass
        else: assert False
        """,
        {
            "app.py": """
                class Meta(type):
                    def __new__(mcs, name, bases, space):
                        space["known"] = (name,)
                        return type.__new__(mcs, name, bases, space)
                class Node(metaclass=Meta):
                    size = 1
                class Leaf(Node): ...
                def closed(*given): raise TypeError("no more")
                Meta.__new__ = staticmethod(closed)
                del closed
            """,
        },
    )


def test_classes_that_are_completed_below_are_completed_again(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("app.py", "size: int = 1", "size: int = 2")
        assert report.status == "reloaded" and app.Part.__pydantic_complete__, report
        whole = app.Whole(part=app.Part(other=app.Other(name="x")))
        assert whole.size == 2 and whole.part.other.name == "x", whole
        """,
        {
            "app.py": """
                from pydantic import BaseModel
                def complete(model): model.model_rebuild()
                class Part(BaseModel):
                    other: "Other | None" = None
                class Whole(BaseModel):
                    part: Part
                    size: int = 1
                class Other(BaseModel):
                    name: str = ""
                complete(Part)
            """,
        },
    )


def test_what_is_for_another_version_reads_nothing(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("app.py", "K = 1", "K = 2")
        assert report.status == "reloaded" and report.ran == ("app:9",) and app.K == 2, report
        """,
        {
            "app.py": """
                import sys
                if sys.version_info < (3, 0):
                    exec("x = K")
                    y = 1
                else:
                    y = 2
                    z = 3
                K = 1
            """,
        },
    )


@pytest.mark.parametrize("head", ["class Box:", "@dataclass\nclass Box:"], ids=["plain", "dataclass"])
@pytest.mark.parametrize("edit", [("= 7", "= 8"), ("return 1", "return 2"), ("x = 0", "x = 1"), ("list[", "set[")])
def test_what_annotations_say_is_what_the_class_has(reloads: Reloads, head: str, edit: tuple[str, str]) -> None:
    reloads(
        f"""
        import app
        report = change("app.py", *{edit!r})
        assert report.status == "reloaded", report
        box = app.Box
        notes = vars(box)["__annotations__"]
        assert [*notes] == ["part", "parts", "size", "first"], notes
        assert notes["part"] is box.Part and notes["parts"].__args__ == (box.Part,), notes
        fields = getattr(box, "__dataclass_fields__", {{}})
        assert all(one.type is notes[name] for name, one in fields.items()), fields
        assert not fields or (fields["first"].default is box.first and fields["size"].default == box.size), fields
        assert type(box.first) is box.Part and box.made().__class__ is box.Part
        """,
        {
            "app.py": f"from dataclasses import dataclass\nclass Base:\n    x = 0\n{head}\n"
            "    class Part(Base):\n        def f(self): return 1\n        def __hash__(self): return 3\n"
            "    part: Part\n    parts: list[Part]\n    size: int = 7\n    first: Part = Part()\n"
            "    @classmethod\n    def made(cls): return cls.Part()\n"
        },
    )


@pytest.mark.parametrize("head", ["class Box:", "@dataclass\nclass Box:", "@dataclass(frozen=True)\nclass Box:"])
def test_a_class_can_be_hashed_as_long_as_it_does_not_compare_by_itself(reloads: Reloads, head: str) -> None:
    reloads(
        """
        import app
        box = app.Box
        def told():
            return vars(box).get("__hash__", "none"), type(box.__hash__).__name__
        bare = told()
        equal = "    def __eq__(self, other): return True\\n    z = 0"
        hashed = "    def __hash__(self): return 7\\n    z = 0"
        for old, new, expected in (
            ("    z = 0", equal, lambda: bare if bare[0] != "none" else (None, "NoneType")),
            ("    z = 0", hashed, lambda: (box.__hash__, "function")),
            (hashed, "    z = 0", lambda: bare if bare[0] != "none" else (None, "NoneType")),
            (equal, "    z = 0", lambda: bare),
        ):
            report = change("app.py", old, new)
            assert report.status == "reloaded" and app.Box is box, report
            assert str(told()).partition(" at ")[0] == str(expected()).partition(" at ")[0], (new, told(), expected())
        """,
        {"app.py": f"from dataclasses import dataclass\n{head}\n    z = 0\n    def f(self): return 1\n"},
    )


@pytest.mark.parametrize("edit", ["= 5", "= 7"])
def test_what_a_library_has_made_of_a_class_is_under_its_name(reloads: Reloads, edit: str) -> None:
    pytest.importorskip("pydantic")
    reloads(
        f"""
        import use, app, other
        old = app.Page[other.Item]
        report = change("app.py" if "5" in {edit!r} else "other.py", {edit!r}, {edit!r} + "0")
        assert report.status == "reloaded", report
        made = [name for name in vars(use) if "[" in name]
        assert made == ["Page[Item]", "Page[list[Item]]"], made
        assert vars(use)["Page[Item]"] is use.ItemPage is app.Page[other.Item] is not old
        assert vars(use)["Page[list[Item]]"] is use.lists is app.Page[list[other.Item]]
        """,
        {
            "app.py": """
                from typing import Generic, TypeVar
                from pydantic import BaseModel
                T = TypeVar("T")
                class Page(BaseModel, Generic[T]):
                    size: int = 5
                    items: list[T] = []
                """,
            "other.py": """
                from pydantic import BaseModel
                class Item(BaseModel):
                    price: int = 7
                """,
            "use.py": """
                from app import Page
                from other import Item
                ItemPage = Page[Item]
                lists = Page[list[Item]]
                """,
        },
    )


ITEM = "from other import Item\n"


@pytest.mark.parametrize(
    ("file", "old", "new", "made"),
    [
        ("use", "item = Page[Item]\n", "", {"list[Item]": "use", "Item": "more"}),
        ("use", "item = Page[Item]", "x = Page[set[Item]]", {"set[Item]": "use", "list[Item]": "use", "Item": "more"}),
        ("use", "lists = Page[list[Item]]\n", "", {"Item": "use", "list[Item]": "more"}),
        ("use", f"{ITEM}item = Page[Item]\nlists = Page[list[Item]]\n", "", {"list[Item]": "more", "Item": "more"}),
        ("app", "class Page", "class Sheet", {}),
        ("more", "same(Page[Item])", "same(Page[int])", {"Item": "use", "list[Item]": "use", "int": "more"}),
        ("use", "item = Page[Item]\n", "if 1:\n    x = Page[Item]\n", None),
    ],
)
def test_a_class_that_a_library_makes_of_another_is_of_who_asks_for_it_first(
    reloads: Reloads, file: str, old: str, new: str, made: dict[str, str] | None
) -> None:
    pytest.importorskip("pydantic")
    reloads(
        f"""
        import app, use, more
        page, made = app.Page, {made!r}
        if made == {{}}:
            save("use.py", "")
            save("more.py", "")
            text = pathlib.Path("app.py").read_text().replace({old!r}, {new!r})
            save("app.py", text)
            report = reloader.apply(["app.py", "use.py", "more.py"])
        else:
            report = change({file + ".py"!r}, {old!r}, {new!r})
        if made is None:
            assert report.status == "restart" and "among the module's names" in report.reason, report
        else:
            assert report.status == "reloaded", report
            named = {{name[5:-1]: module.__name__ for module in (use, more) for name in vars(module) if "[" in name}}
            assert named == made
            assert all(vars(sys.modules[name])[f"Page[{{item}}]"].__module__ == name for item, name in made.items())
        """,
        {
            "app.py": """
                from typing import Generic, TypeVar
                from pydantic import BaseModel
                T = TypeVar("T")
                class Page(BaseModel, Generic[T]):
                    items: list[T] = []
                """,
            "other.py": "from pydantic import BaseModel\nclass Item(BaseModel):\n    price: int = 7\n",
            "use.py": f"from app import Page\n{ITEM}item = Page[Item]\nlists = Page[list[Item]]\n",
            "more.py": """
                import use
                from app import Page
                from other import Item
                def same(kind): return lambda function: function
                lists = Page[list[Item]]
                @same(Page[Item])
                def f(): pass
                """,
        },
    )


def test_what_is_annotated_is_not_an_equal_one_that_typing_has_kept(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("app.py", "SIZE = 1", "SIZE = 2")
        assert report.status == "reloaded", report
        assert app.Kept.__metadata__[0] is app.given is app.f.__annotations__["x"].__metadata__[0]
        """,
        {
            "app.py": """
                from dataclasses import dataclass
                from typing import Annotated
                SIZE = 1
                @dataclass(frozen=True)
                class Given:
                    size: int = 1
                def same(size): return Given()
                given = same(SIZE)
                Kept = Annotated[int, given]
                def f(x: Annotated[int, given] = SIZE): ...
                """
        },
    )


def test_what_typing_has_made_for_several_modules_is_shared_again(reloads: Reloads) -> None:
    reloads(
        """
        import app, other
        assert app.f.__annotations__["x"].__origin__ is other.f.__annotations__["x"].__origin__
        report = change("app.py", "SIZE = 1", "SIZE = 2")
        assert report.status == "reloaded", report
        assert app.f.__defaults__ == (2,)
        assert app.f.__annotations__["x"].__origin__ is other.f.__annotations__["x"].__origin__
        """,
        {
            "app.py": """
                from typing import Annotated, Callable
                from doc import Doc
                SIZE = 1
                def same(size): return size
                def f(x: Annotated[Callable[[int], str], Doc("given")] = same(SIZE)): ...
                """,
            "doc.py": "class Doc:\n    def __init__(self, text): self.text = text\n",
            "other.py": """
                from typing import Annotated, Callable
                from doc import Doc
                def f(x: Annotated[Callable[[int], str], Doc("given, too")] = 1): ...
                """,
        },
    )
