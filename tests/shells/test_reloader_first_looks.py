"""What packages that nobody had replayed before have shown: small programs, an edit, and what must become of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

ONCE = """
class Meta(type):
    def __new__(meta, name, bases, space):
        if "Entity" in globals() and "mark" in space:
            raise TypeError("a second one")
        return super().__new__(meta, name, bases, space)

LIMIT = 1

class Entity(metaclass=Meta):
    mark = LIMIT
"""
NAMES = """
def tell():
    return sorted(name for name in globals() if name.isupper())

LIMIT = 1
KNOWN = tell(), LIMIT
LATER = 1
"""
AFTERWARDS = """
def tell(name):
    return globals()[name]

LIMIT = 1
FOUND = tell("LIMIT")
LATER = 1
"""
SURVEYS = {
    "a metaclass asks whether its first class is there": (ONCE, "LIMIT = 1", "LIMIT = 2"),
    "a function lists the names of its module": (NAMES, "LIMIT = 1", "LIMIT = 2"),
    "a function looks up a name of its module": (AFTERWARDS, "LIMIT = 1", "LIMIT = 2"),
}


@pytest.mark.parametrize("name", SURVEYS)
def test_who_looks_at_the_names_of_its_module_finds_those_of_a_start(player: Player, name: str) -> None:
    text, old, new = SURVEYS[name]
    (outcome,) = player.play(Case(({"app.py": text}, {"app.py": text.replace(old, new)})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


CURRY = """
class curry:
    def __init__(self, function):
        self.function = function
        self.__doc__ = getattr(function, "__doc__", None)

def join():
    'One.'

A = 1
"""
GONE = "import parts\njoin, X = parts.curry(parts.join), parts.A\ndel parts\n"
FIELDS = """
from dataclasses import dataclass
from typing import ClassVar

class Thing: ...

@dataclass
class Keys:
    TABLE: ClassVar[dict] = {1: 2}
    thing: Thing = Thing()
    other: Thing = Thing()
    size: int = 3

FIRST = Keys.TABLE, Keys.thing, Keys.other
"""
HINTED = """
from contextvars import ContextVar
import typing

class Database:
    def connection(self): return Connection()

class Connection:
    def one(self): ...
"""
HINTING = """
from contextvars import ContextVar
import typing

NOW: ContextVar[typing.Optional["dict['Other', 'Connection']"]] = ContextVar("now", default=None)

class Database:
    _map: "dict[int, 'Connection']"
    @property
    def _connection(self) -> typing.Optional["Connection"]: ...
    @_connection.setter
    def _connection(self, connection: typing.Optional["Connection"]) -> None: ...
    def connection(self): return Connection()

class Connection:
    def one(self): return 1
    @property
    def _connection(self) -> "Connection": ...
"""
EQUAL = """
from typing import Any, Generic, TypeVar

T = TypeVar("T")

class Meta(type):
    def __eq__(self, other):
        return self.__name__ == getattr(other, "__name__", "")
    def __hash__(self):
        return hash(self.__name__)

class Base(Generic[T], metaclass=Meta):
    x = 1

class Sub(Base[Any]): ...

ALIAS = Base[int], dict[str, Base[int]]
"""
ONLY_ITSELF = EQUAL.replace(
    'return self.__name__ == getattr(other, "__name__", "")', "assert self is Base; return False"
)
SHARED = """
from typing import Generic, TypeVar
A = TypeVar("A")
B = TypeVar("B")
class Meta(type): ...
class One(Generic[A, B]): ...
class Two(Generic[A, B], metaclass=Meta):
    x = 1
OTHERS = [Generic[TypeVar(f"T{index}")].__origin__ for index in range(200)]
"""
ANNOTATED = """
import inspect
LIMIT = 1
def note(cls):
    found = inspect.get_annotations(cls)
    found["limit"] = LIMIT
    cls.notes = found
    return cls

@note
class Thing:
    x: int
"""
TOOL = "REG = [{0}]\ndef f(): return list(REG) + [{0}]\n"
WHOLE = "import tool, parts\nX, Y = parts.A, tool.REG\nZ = sorted(k for k in globals() if k == 'X')\ndel parts\n"
PACKAGE = "import p.part\nX = p.part.A\n"
Files = dict[str, str]
EDITS: dict[str, tuple[Files, Files, str]] = {
    "a docstring is taken over through a module whose name is deleted": (
        {"app.py": GONE, "parts.py": CURRY},
        {"parts.py": CURRY.replace("One.", "Two.")},
        "reloaded",
    ),
    "a constant of a module whose name is deleted": (
        {"app.py": GONE, "parts.py": CURRY},
        {"parts.py": CURRY.replace("A = 1", "A = 2")},
        "reloaded",
    ),
    "a constant of a module whose name is something else later": (
        {"app.py": "import parts\nX = parts.A\nparts = 5\n", "parts.py": CURRY},
        {"parts.py": CURRY.replace("A = 1", "A = 2")},
        "reloaded",
    ),
    "a function that has the name of the submodule which it is from": (
        {"app.py": "from p import part\nX = part()\n", "p/__init__.py": "from .part import part\n",
         "p/part.py": "A = 1\ndef part(): return A\n"},
        {"p/part.py": "A = 2\ndef part(): return A\n"},
        "reloaded",
    ),
    "fields share their defaults with a class that stays": (
        {"app.py": FIELDS}, {"app.py": FIELDS.replace("size: int = 3", "size: int = 4")}, "reloaded",
    ),
    "a class takes over while its name is hidden from who looks it up": (
        {"app.py": HINTED}, {"app.py": HINTING}, "reloaded",
    ),
    "an annotation that stays text names what is bound later": (
        {"app.py": "import p\n", "p/__init__.py": "from p.form import Form\nfrom p.day import Day\n",
         "p/form.py": "from __future__ import annotations\nimport p\nclass Form:\n    rules: dict[str, p.Day] = {}\n",
         "p/day.py": "class Meta(type): ...\nclass Day(metaclass=Meta):\n    x = 1\n"},
        {"p/day.py": "class Meta(type): ...\nclass Day(metaclass=Meta):\n    x = 2\n"},
        "reloaded",
    ),
    "a submodule is imported before its package does": (
        {"app.py": "import p\n", "p/__init__.py": "from .tools import T\nfrom . import rich\nX = rich.A, T\n",
         "p/tools.py": "T = 1\n", "p/rich.py": "A = 1\n"},
        {"p/tools.py": "from . import rich as r\nT = r.A\n"},
        "reloaded",
    ),
    "a method that was another one's second name is written out": (
        {"app.py": "class A:\n    def one(self): return 1\n    two = one\n    x = 1\n"},
        {"app.py": "class A:\n    def one(self): return 1\n    def two(self): return 2\n    x = 1\n"},
        "reloaded",
    ),
    "a method is written under what was its second name": (
        {"app.py": "class A:\n    def one(self): return 1\n    two = one\n    x = 1\n"},
        {"app.py": "class A:\n    def two(self): return 1\n    x = 1\n"},
        "reloaded",
    ),
    "a function that was another one's second name is written out": (
        {"app.py": "def one(): return 1\ntwo = one\nX = two()\n"},
        {"app.py": "def one(): return 1\ndef two(): return 2\nX = two()\n"},
        "reloaded",
    ),
    "a time zone of the project's own": (
        {"app.py": "import zoneinfo\nclass Zone(zoneinfo.ZoneInfo):\n    x = {1}\n"},
        {"app.py": "import zoneinfo\nclass Zone(zoneinfo.ZoneInfo):\n    x = {2}\n"},
        "reloaded",
    ),
    "typing has known a class that is equal to the new one": (
        {"app.py": EQUAL}, {"app.py": EQUAL.replace("x = 1", "x = 2")}, "reloaded",
    ),
    "typing has known a class that is not to be asked whether it is equal": (
        {"app.py": ONLY_ITSELF}, {"app.py": ONLY_ITSELF.replace("x = 1", "x = 2")}, "reloaded",
    ),
    "a module that has deleted a name is asked for while it is being run again": (
        {"app.py": "import a\nimport whole\nW = whole.Y\n", "a.py": "import tool\nX = tool.f()\n", "whole.py": WHOLE,
         "parts.py": "A = 1\n", "tool.py": TOOL.format(1)},
        {"tool.py": TOOL.format(2)},
        "reloaded",
    ),
    "classes share the parameters that typing had kept for them, and has forgotten": (
        {"app.py": SHARED}, {"app.py": SHARED.replace("x = 1", "x = 2")}, "reloaded",
    ),
    "a table of annotations is made for who asks for it": (
        {"app.py": ANNOTATED}, {"app.py": ANNOTATED.replace("LIMIT = 1", "LIMIT = 2")}, "reloaded",
    ),
    "a directory that is a package gets a file": (
        {"app.py": PACKAGE, "p/part.py": "A = 1\n"}, {"p/__init__.py": "B = 1\n"}, "restart",
    ),
    "a package loses its file, and not its parts": (
        {"app.py": PACKAGE, "p/part.py": "A = 1\n", "p/__init__.py": "B = 1\n"}, {"p/__init__.py": ""}, "restart",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_what_first_looks_have_shown(player: Player, name: str) -> None:
    before, changed, status = EDITS[name]
    after = {path: text for path, text in {**before, **changed}.items() if text}
    (outcome,) = player.play(Case((before, after)))
    assert (outcome["status"], outcome["fault"]) == (status, ""), outcome


LIBRARY = """
from weakref import WeakKeyDictionary

class Interface:
    def __init__(self, name, bases, space):
        self.__name__, self.__module__ = name, space["__module__"]
        self.heirs = WeakKeyDictionary()
        for base in bases:
            base.heirs[self] = 1
    def __eq__(self, other):
        return self.__name__ == other.__name__
    def __hash__(self):
        return hash(self.__name__)

Root = Interface("Root", (), {"__module__": __name__})
"""
IFACES = "import library\nOwn = library.Interface('Own', (), {'__module__': __name__})\n"


@pytest.mark.parametrize(("base", "status"), [("library.Root", "restart"), ("Own", "reloaded")])
def test_an_object_that_a_class_is_made_with_may_remember_it(reloads: Reloads, base: str, status: str) -> None:
    reloads(
        f"""
        import gc, pathlib
        sys.path.append("../elsewhere")
        pathlib.Path("../elsewhere").mkdir()
        save("../elsewhere/library.py", {LIBRARY!r})
        import main
        report = change("main.py", "mark = 1", "mark = 2")
        assert report.status == {status!r} and ("as a base" in report.reason) == ({status!r} == "restart"), report
        gc.collect()
        assert [one.__name__ for one in main.{base}.heirs] == ["Heir"]
        """,
        {"main.py": f"{IFACES}class Heir({base}):\n    mark = 1\n"},
    )


REMEMBERING = """
class Kept:
    heirs = []
    def __init_subclass__(cls):
        cls.heirs.append(cls)
"""


@pytest.mark.parametrize(("head", "base"), [("import library", "library.Kept"), ("from library import Kept", "Kept")])
def test_a_class_of_a_library_that_remembers_its_heirs_is_seen_under_any_name(
    reloads: Reloads, head: str, base: str
) -> None:
    reloads(
        f"""
        import pathlib
        sys.path.append("../elsewhere")
        pathlib.Path("../elsewhere").mkdir()
        save("../elsewhere/library.py", {REMEMBERING!r})
        import main
        report = change("main.py", "mark = {{1}}", "mark = {{2}}")
        assert report.status == "restart" and "remembers its subclasses" in report.reason, report
        """,
        {"main.py": f"{head}\ndef same(cls): return cls\n@same\nclass Heir({base}):\n    mark = {{1}}\n"},
    )


OPTIONAL = "try:\n    from parts import Part\nexcept ImportError:\n    class Part: ...\nMADE = Part()\n"
PART = "def same(x: int): return x\nclass Part:\n    size: int = 1\nNAMES = sorted(globals())\n"


def test_what_is_run_again_as_a_whole_is_so_once_inside_a_statement_that_imports_it(player: Player) -> None:
    after = f"from __future__ import annotations\n{PART.replace('1', '2')}"
    (outcome,) = player.play(Case(({"app.py": OPTIONAL, "parts.py": PART}, {"app.py": OPTIONAL, "parts.py": after})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


def test_a_named_tuple_with_defaults_is_changed_by_nobody_who_makes_instances(reloads: Reloads) -> None:
    reloads(
        """
        import late, keys, use
        from pepperpy_reload.reloading.classstate import ClassState
        key = keys.Key
        assert not ClassState().has(key)
        report = change("use.py", "size = 1", "size = 2")
        assert report.status == "reloaded" and use.Early.size == 2 and report.ran == ("use:2",), report
        assert keys.Key is key is use.Key is late.Key
        """,
        {
            "keys.py": "from typing import NamedTuple\nclass Key(NamedTuple):\n    name: str\n    depth: int = 0\n",
            "use.py": "from keys import Key\nclass Early:\n    size = 1\n    def of(self, key: Key): ...\n",
            "late.py": """
                import use
                from keys import Key
                class Late:
                    key = Key("late")
            """,
        },
    )


def test_to_list_the_names_of_a_library_is_to_look_at_no_name_of_the_project(reloads: Reloads) -> None:
    reloads(
        """
        import app
        other = app.Other
        report = change("parts.py", "size = 1", "size = 2")
        assert report.status == "reloaded" and app.LIMIT == 2 and app.Other is other, report
        report = change("app.py", "import signal", "import types as signal")
        assert report.status == "reloaded" and "SIGINT" not in app.NAMES and "CodeType" in app.NAMES, report
        report = change("app.py", "import types as signal", "import parts as signal")
        assert report.status == "reloaded" and app.NAMES == ["size"], report
        report = change("parts.py", "size = 2", "new = size = 2")
        assert report.status == "reloaded" and app.NAMES == ["new", "size"], report
        """,
        {
            "parts.py": "size = 1\n",
            "app.py": """
                import signal
                from parts import size
                NAMES = [name for name in dir(signal) if not name.startswith("__")]
                LIMIT = size
                class Other: ...
            """,
        },
    )


HALF_WAY = {
    "p/__init__.py": "from .use import KNOWN\nNAMES = sorted(globals())\nLAST = 1\n",
    "p/use.py": "from .parts import part\ndef known(): return part.__annotations__\nKNOWN = dict(known())\n",
    "p/parts.py": "def part(size: int): return size\n",
}


def test_what_is_changed_in_place_is_so_before_a_package_is_run_that_has_others_read_it(reloads: Reloads) -> None:
    reloads(
        """
        import p
        save("p/__init__.py", "import sys; " + open("p/__init__.py").read())
        save("p/parts.py", "def part(size: str): return size")
        report = reloader.apply(["p/parts.py", "p/__init__.py"])
        assert report.status == "reloaded" and "sys" in p.NAMES, report
        assert p.KNOWN == {"size": str}, p.KNOWN
        """,
        HALF_WAY,
    )


def test_an_object_that_is_named_by_its_address_has_its_own_after_it_was_made_again(reloads: Reloads) -> None:
    reloads(
        """
        import main, other
        assert change("main.py", "'a'", "'b'").status == "reloaded" and main.ROUTER.paths == ["b"]
        here = id(other.ROUTER)
        assert other.ROUTER is main.ROUTER and main.ROUTER.number == here, (main.ROUTER.number, here)
        assert (main.ROUTER.name, main.ROUTER.told) == (hex(here), f"router {here:X} of {here}"), vars(main.ROUTER)
        """,
        {
            "main.py": (
                "class Router:\n    def __init__(self):\n        here, self.paths = id(self), []\n"
                "        self.name, self.number, self.told = hex(here), here, f'router {here:X} of {here}'\n"
                "    def route(self, path):\n        self.paths.append(path)\n        return lambda one: one\n"
                "ROUTER = Router()\n@ROUTER.route('a')\ndef first(): pass\n"
            ),
            "other.py": "from main import ROUTER\n",
        },
    )


RECORD = """
import ctypes

def early():
    return 1

class Record(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_short)]
    def total(self):
        return self.a + self.b
    def __eq__(self, other):
        return True
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return 1", "    return (\n        1)"),  # its lines move
        ("self.a +", "self.b +"),
        ("    def total", '    """What is told."""\n    def total'),
        ("    def total", "    def more(self):\n        return 1\n    def total"),
    ],
)
def test_a_class_whose_metaclass_is_written_in_c_is_told_what_has_changed(player: Player, old: str, new: str) -> None:
    (outcome,) = player.play(Case(({"app.py": RECORD}, {"app.py": RECORD.replace(old, new)})))
    assert (outcome["status"], outcome["fault"]) in [("reloaded", ""), ("restart", "")], outcome


STREAM = """
import sys
LIMIT = 1
OUT = getattr(sys, "stdin").buffer
class Base:
    size = LIMIT
class Repo(Base):
    __slots__ = ()
def tell(repo: Repo | None, size=LIMIT, *, out=OUT): ...
"""
USED_UP = "IT = iter([1, 2, 3])\nLIMIT = 1\ndef tell(size=LIMIT, one=IT, most=[*IT]): ...\nX = list(IT)\n"


@pytest.mark.parametrize("text", [STREAM, USED_UP])
def test_a_default_is_kept_and_an_iterator_is_not_used_up_by_that(player: Player, text: str) -> None:
    (outcome,) = player.play(Case(({"app.py": text}, {"app.py": text.replace("LIMIT = 1", "LIMIT = 2")})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


REGISTERED = """
import abc

class Shape(abc.ABC):
    pass

@Shape.register
class Odd:
    number = 1

class Slotted:
    __slots__ = ("number",)

SHAPES = [Odd(), Slotted()]
"""


def test_a_class_that_was_made_again_is_gone_with_its_instances(reloads: Reloads, player: Player) -> None:
    """An abstract class knows those that have registered with it, weakly, for as long as there are any."""
    (outcome,) = player.play(Case(({"app.py": REGISTERED}, {"app.py": REGISTERED.replace("= 1", "= 2")})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome
    reloads(
        """
        import app, gc, weakref
        old = []
        for number in range(1, 4):
            old += map(weakref.ref, (app.Odd, app.Slotted))
            text = pathlib.Path("app.py").read_text().replace(f"= {number}", f"= {number + 1}")
            save("app.py", text.replace(f'"number{"x" * (number - 1)}"', f'"number{"x" * number}"'))
            assert reloader.apply("app.py").status == "reloaded"
        gc.collect()
        assert [one() for one in old] == [None] * len(old), old
        """,
        {"app.py": REGISTERED},
    )


ASKED = """
from collections.abc import Iterable, Sized
from functools import singledispatch

@singledispatch
def told(x):
    return "any"

@told.register
def _(x: Sized):
    return "sized"

class Base:
    def run(self):
        return 1

class Thing(Base):
    __iter__ = None

THING = Thing()
ANSWERS = isinstance(THING, Iterable), isinstance(THING, Sized), issubclass(Thing, Iterable), told(THING)
"""


def test_abstract_classes_do_not_remember_what_a_class_was_before_an_edit(player: Player) -> None:
    """Neither that it was one of theirs nor that it was none, and of its heirs neither."""
    edits = [
        ("    __iter__ = None", "    def __iter__(self):\n        return iter(())"),
        ("    def run", "    def __len__"),
        ("    def __len__", "    def run"),
        ("    def __iter__(self):\n        return iter(())", "    __iter__ = None"),
        ("    __iter__ = None", "    def __iter__(self):\n        return iter(())\n    __len__ = None"),
    ]
    versions = [{"app.py": ASKED}]
    for old, new in edits:
        versions.append({"app.py": versions[-1]["app.py"].replace(old, new)})
    outcomes = player.play(Case(tuple(versions)))
    assert [(outcome["status"], outcome["fault"]) for outcome in outcomes] == [("reloaded", "")] * len(edits), outcomes


SILENT = (
    "import logging\nfrom parts import *\nlogging.getLogger(__name__).addHandler(logging.NullHandler())\ndel logging\n"
)
IN_USE = "import logging\nclass Part: pass\nLIMIT = 1\nclass Other(Part):\n    __slots__ = ()\n    size = LIMIT\n"


def test_a_logger_that_has_a_handler_which_does_nothing_needs_no_other_one(reloads: Reloads) -> None:
    reloads(
        """
        import app, logging, parts
        (handler,) = logging.getLogger("app").handlers
        report = change("parts.py", "LIMIT = 1", "LIMIT = 2")
        assert report.status == "reloaded" and app.Other is parts.Other and app.Other.size == 2, report
        assert logging.getLogger("app").handlers == [handler]
        report = change("app.py", "(__name__)", "('other')")
        assert report.status == "restart" and "logging.getLogger" in report.reason, report
        """,
        {"app.py": SILENT, "parts.py": IN_USE},
    )


def test_what_takes_too_long_to_be_carried_out_needs_a_restart_and_leaves_all_as_it_was(reloads: Reloads) -> None:
    reloads(
        """
        import main
        from pepperpy_reload.reloading import patience
        patience.LIMIT = -1.0  # it has always been too long
        before = main.TABLE, list(main.TABLE)
        report = change("main.py", "[1]", "[2]")
        assert report.status == "restart" and "main:3 and more are executed again" in report.reason, report
        assert main.TABLE is before[0] and main.TABLE == before[1] and main.SUM == 1
        """,
        {"main.py": "def total(items):\n    return sum(items)\nTABLE = [1]\nSUM = total(TABLE)\n"},
    )
