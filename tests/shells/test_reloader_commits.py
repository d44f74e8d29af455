"""What replays of real commits have found, each as the small program that it comes down to."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads


@dataclass(frozen=True)
class Found:
    """A program (its entry is app.py), its edits one after the other (None: removed), and what becomes of each."""

    files: Mapping[str, str]
    edits: tuple[Mapping[str, str | None], ...]
    status: str = "reloaded"


MAKING = """
import linecache
def made(cls):
    text = f"def show(self): return {sorted(cls.__annotations__)!r}\\n"
    name, count = f"<made for {cls.__name__}>", 1
    while linecache.cache.setdefault(name, (len(text), None, [text], name))[2] != [text]:
        name, count = f"<made for {cls.__name__}-{count}>", count + 1
    made = {}
    exec(compile(text, name, "exec"), made)
    cls.show = made["show"]
    return cls
"""

NAMING = """
def evolve(self):
    return self
def naming(cls):
    cls.change.__qualname__ = f"{cls.__qualname__}.change"
    cls.change.__module__ = cls.__module__
    return cls
"""
NAMED = """
from tools import evolve, naming
@naming
class One:
    value = 1
    change = evolve
@naming
class Two:
    value = 2
    change = evolve
"""

TABLE = """
from typing import Mapping
D = {1: 'a', Mapping: 'm', 2: 'b', 3: 'c'}
D.update({4: 'd'})
"""
LATER = """
def use(value, more=None):
    if more:
        value = later(value)
    return value
VALUE = use({})
def later(value):
    return value
"""
REGISTERED = """
table = {}
def register(function):
    table[function.__name__] = function
    return function
LIMIT = 1
class K:
    size = LIMIT
    @register
    def member(self):
        return 1
    @staticmethod
    @register
    def other():
        return 1
@register
def last():
    return 1
"""
HINTED = """
import typing
from typing import Literal
def hinted(thing):
    try:
        thing.hints = typing.get_type_hints(thing)
    except NameError:
        thing.hints = None
    return thing
class Meta(type):
    def __new__(meta, *more):
        return hinted(super().__new__(meta, *more))
    def again(cls):
        hinted(cls)
"""
LATE = f"{HINTED}class A(metaclass=Meta):\n    b: 'list[B]'\nB = type('B', (), {{}})\nA.again()\n"
EARLY = f"{HINTED}B = type('B', (), {{}})\n@hinted\ndef f(x: 'B | None', y: Literal['B']):\n    pass\n"
INSIDE = """
LEN = len("a")
try:
    if LEN:
        import re as engine
    class K:
        found = engine.I
        words = [engine.I for _ in "ab"]
except NameError:
    K = None
"""
WHOLE = "def f():\n    global X\n    X = 2\n"
NESTED = """
def outer():
    def inner():
        a = 1
        return a
    return inner
"""
LAZY = """
import atexit
LIMIT = 1
made: object = None
def make():
    global made
    if LIMIT > 10:
        made = object()
    return LIMIT
X = make()
atexit.register(len, "")
"""
TYPES = "import mimetypes\nTABLE = mimetypes.types_map\nTABLE['.zz'] = 'a/b'\n"
WORDS = "import keyword\nWORDS = keyword.softkwlist\nWORDS.append('zz')\n"
PASSED_ON = """
__names = locals()
try:
    from part import TABLE
    TABLE.append(1)
except ImportError:
    TABLE = None
__names["X"] = 1
X = 1
"""
CONTEXT = "TLS = ssl.create_default_context()\nTLS.set_ciphers('DEFAULT')\n"
MARKED = "import pytest\n@pytest.mark.parametrize('x', [1])\ndef f(x):\n    pass\n"
LOGGING = """
import atexit, logging
log = logging.getLogger("made")
def make():
    log.info('made')
    return 1
X = make()
atexit.register(log.info, "bye")
"""

FOUND = {
    "a submodule that runs again with its package stays its package's": Found(
        {
            "p/__init__.py": "from .a import *\nfrom .b import Y\n",
            "p/a.py": "__all__ = ['X']\nX = 1\n",
            "p/b.py": "from __future__ import annotations\nY = 1\n",
            "app.py": "import p\n",
        },
        ({"p/__init__.py": "from p.a import X\nfrom p.b import Y\n", "p/b.py": "Y = 1\n"},),
    ),
    "the contents of a dict that is made again come in its order": Found(
        {"app.py": TABLE},
        ({"app.py": TABLE.replace("typing", "collections.abc")}, {"app.py": TABLE}),
    ),
    "a class that was told another home has lost its line": Found(
        {
            "p/__init__.py": "from .a import K\nfor thing in list(locals().values()):\n"
            "    if getattr(thing, '__module__', '').startswith('p.'):\n        thing.__module__ = 'p'\n",
            "p/a.py": "class Kind:\n    X = 1\nclass K:\n    kind = Kind\nINSTANCE = K()\n",
            "app.py": "import p\n",
        },
        ({"p/a.py": "class Kind:\n    X = 2\nclass K:\n    kind = Kind\nINSTANCE = K()\n"},),
    ),
    "a module that nobody imports any more would have had to run as a whole": Found(
        {"a.py": "from __future__ import annotations\nX = 1\n", "app.py": "import a\n"},
        ({"a.py": "X = 2\n", "app.py": "Y = 1\n"},),
    ),
    "a star import that is executed again finds no submodules that are loaded later": Found(
        {
            "p/__init__.py": "from .a import X\n",
            "p/a.py": "X = 1\n",
            "p/later.py": "Y = 1\n",
            "q.py": "from p import *\n",
            "app.py": "import q\nimport p.later\n",
        },
        ({"p/a.py": "X = 2\n"}, {"p/a.py": "X = 2\nZ = 1\n", "p/__init__.py": "from .a import X, Z\n"}),
    ),
    "a name that is a submodule once that is loaded stays the submodule": Found(
        {
            "p/__init__.py": "from q import *\nfrom q.a import X as one\n",
            "p/part.py": "Y = 1\n",
            "p/one.py": "Y = 2\n",
            "q/__init__.py": "from . import part\nfrom .a import X\n",
            "q/part.py": "Y = 3\n",
            "q/a.py": "X = 1\n",
            "app.py": "import p.one\nimport p.part\n",
        },
        (
            {"q/a.py": "X = 2\n"},
            {"q/a.py": "X = 3\nZ = 1\n", "q/__init__.py": "from . import part\nfrom .a import X, Z\n"},
        ),
    ),
    "an import that finds another thing by a submodule's name does not load it": Found(
        {
            "registry.py": "items = []\n",
            "p/__init__.py": "from p.a import *\nfrom p import b\nfrom p.c import C\nimport p.b\n",
            "p/a/__init__.py": "from p.a import b\n",
            "p/a/b.py": "X = 1\n",
            "p/b.py": "import registry\nregistry.items.append('b')\n",
            "p/c.py": "import registry\nregistry.items.append('c')\nC = 1\n",
            "app.py": "import p\n",
        },
        ({"registry.py": "import json\nitems = [json]\n"},),
    ),
    "a registry that takes a name once only": Found(
        {
            "registry.py": "known = {}\ndef register(function):\n    if function.__name__ in known:\n"
            "        raise KeyError(function.__name__)\n    known[function.__name__] = function\n    return function\n",
            "app.py": "import registry\ndef word():\n    return 1\nWORD = 1\n"
            "@registry.register\ndef f(x=WORD):\n    return x\n@registry.register\ndef g():\n    return 1\n",
        },
        (
            {
                "app.py": "import registry\ndef word():\n    return 1\nWORD = 2\n"
                "@registry.register\ndef f(x=WORD):\n    return x\n@registry.register\ndef g():\n    return 1\n",
            },
        ),
    ),
    "a method that becomes another name of a new one": Found(
        {"app.py": "class K:\n    def open(self):\n        return 1\n"},
        ({"app.py": "class K:\n    def _open(self):\n        return 1\n    open = _open\n"},),
    ),
    "a star import binds what a later one is going to bind no more": Found(
        {
            "p/__init__.py": "",
            "p/a.py": "class A:\n    pass\n",
            "p/b.py": "from .a import A\nclass B(A):\n    pass\n",
            "app.py": "import p.b\nfrom p.a import A\n",
        },
        (
            {
                "p/__init__.py": "from .a import *\nfrom .b import *\n",
                "p/b.py": "from .a import A\n__all__ = ['B']\nclass B(A):\n    pass\n",
                "app.py": "from p import *\n",
            },
        ),
    ),
    "generated source keeps its name when its class is made again": Found(
        {"making.py": MAKING, "app.py": "import making\n@making.made\nclass K:\n    x: int = 1\n"},
        ({"app.py": "import making\n@making.made\nclass K:\n    x: int = 1\n    y: int = 2\n"},),
    ),
    "a function has the name that the last class gives it, whether or not that is made again": Found(
        {"tools.py": NAMING, "app.py": NAMED},
        ({"app.py": NAMED.replace("= 1", "= 'one'")}, {"app.py": NAMED.replace("= 2", "= 'two'")}),
    ),
    "a function that nobody has given another name gets one": Found(
        {"tools.py": NAMING, "app.py": NAMED.replace("@naming", "")}, ({"app.py": NAMED},)
    ),
    "a member of a class is registered again, and another one reads what has changed": Found(
        {"app.py": REGISTERED},
        ({"app.py": REGISTERED.replace("LIMIT = 1", "LIMIT = 2").replace("@register\ndef last", "def last")},),
    ),
    "a class looks up what its annotation means before that is bound": Found(
        {"app.py": f"{HINTED}class A(metaclass=Meta):\n    b: 'B'\nclass B:\n    x = 1\n"},
        ({"app.py": f"{HINTED}class A(metaclass=Meta):\n    b: 'B'\n    c: int\nclass B:\n    x = 1\n"},),
    ),
    "a class looks up what its annotation means, and that is made again": Found(
        {"app.py": LATE}, ({"app.py": LATE.replace("{}", "{'x': 1}")},)
    ),
    "a decorator looks up what an annotation means": Found(
        {"app.py": EARLY}, ({"app.py": EARLY.replace("{}", "{'x': 1}")},)
    ),
    "a class inside a statement reads what that has bound before it": Found(
        {"app.py": INSIDE}, ({"app.py": INSIDE.replace("re as", "json as").replace("I", "loads")},)
    ),
    "a class inside a statement reads what that has not bound this time": Found(
        {"app.py": INSIDE}, ({"app.py": INSIDE.replace("if LEN", "if not LEN")},), "restart"
    ),
    "a module that runs as a whole reads in a class what it binds below that": Found(
        {"app.py": "import part\npart.f()\nclass K:\n    y = len([1])\ndef len(thing):\n    return 5\n",
         "part.py": WHOLE},
        ({"part.py": WHOLE.replace("2", "3")},),
    ),
    "the columns of a function inside functions are all that moves": Found(
        {"app.py": NESTED}, ({"app.py": NESTED.replace("a =", "a: int =")},), "unchanged"
    ),
    "a function that may bind a name has not": Found(
        {"app.py": LAZY}, ({"app.py": LAZY.replace("LIMIT = 1", "LIMIT = 2")},)
    ),
    "a function that may bind a name does so now": Found(
        {"app.py": LAZY}, ({"app.py": LAZY.replace("LIMIT = 1", "LIMIT = 11")},), "restart"
    ),
    "a library gives the same object again, and another item is set in it": Found(
        {"app.py": TYPES}, ({"app.py": TYPES.replace(".zz", ".zy")},), "restart"
    ),
    "a library gives the same object again, and an item is set in it no more": Found(
        {"app.py": TYPES}, ({"app.py": TYPES.replace("TABLE['.zz'] = 'a/b'", "")},), "restart"
    ),
    "a library gives the same object again, and the same item is set in it": Found(
        {"app.py": TYPES}, ({"app.py": TYPES.replace("TABLE = m", "TABLE = {} or m")},)
    ),
    "a library gives the same object again, and a method changes it once more": Found(
        {"app.py": WORDS}, ({"app.py": WORDS.replace("WORDS = k", "WORDS = [] or k")},), "restart"
    ),
    "a library gives the same object again to a module that runs as a whole": Found(
        {"app.py": f"{WORDS}globals()['X'] = 1\n"}, ({"app.py": f"{WORDS}globals()['X'] = 2\n"},), "restart"
    ),
    "an import inside a statement, and a namespace, are no objects of a library's": Found(
        {"part.py": "TABLE = []\n", "app.py": PASSED_ON},
        ({"app.py": PASSED_ON.replace("X = 1", "X = 2")}, {"part.py": "TABLE = []\nY = 1\n"}),
    ),
    "a library's function has made an object that nobody else holds": Found(
        {"app.py": f"import ssl\n{CONTEXT}"},
        ({"app.py": f"import ssl\ntry:\n{textwrap.indent(CONTEXT, '    ')}except OSError:\n    TLS = None\n"},
         {"app.py": "import ssl\n"}),
    ),
    "a mark of pytest's is another one": Found(
        {"app.py": MARKED}, ({"app.py": MARKED.replace("[1]", "[2]")}, {"app.py": MARKED + MARKED.replace("f(", "g(")}),
    ),
    "what a logger is asked to write changes no logger": Found(
        {"app.py": LOGGING},
        ({"app.py": LOGGING.replace("'made'", "'made it'")}, {"app.py": LOGGING.replace("make()\n", "make() + 1\n")}),
    ),
    "what a function reads does not matter where it does not come to that line": Found(
        {"app.py": LATER.format("1")}, ({"app.py": LATER.format("2")}, {"app.py": LATER.format("3, None")})
    ),
}  # fmt: skip


@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_the_process_is_what_a_fresh_start_would_be(player: Player, found: Found) -> None:
    versions = [{path: textwrap.dedent(text) for path, text in found.files.items()}]
    for edit in found.edits:
        changed = {path: None if text is None else textwrap.dedent(text) for path, text in edit.items()}
        versions.append({path: text for path, text in {**versions[-1], **changed}.items() if text is not None})
    outcomes = player.play(Case(tuple(versions)))
    assert [(outcome["status"], outcome["fault"]) for outcome in outcomes] == [(found.status, "")] * len(found.edits)


def test_what_cannot_be_changed_is_not_made_again_and_neither_is_what_others_own(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("app.py", "BARE, 1)", "BARE, 2)")
        assert (report.status, report.ran, app.VALUE[-1]) == ("reloaded", ("app:14",), 2), report
        """,
        {
            "app.py": """
                import enum, linecache, re
                class Mark(enum.Enum):
                    NONE = 1
                NOTHING = Mark.NONE
                SET = object.__setattr__
                PATTERN = re.compile("x")
                BARE = object()
                def use(*things):
                    linecache.cache.get("x")
                    return things
                class Kept:
                    words = (NOTHING, SET, PATTERN, BARE, linecache)
                VALUE = use(NOTHING, SET, PATTERN, BARE, 1)
            """,
        },
    )


@pytest.mark.parametrize("version", ["2, 1", "3, [1]"])
def test_a_function_that_comes_to_what_is_bound_later_wants_a_restart(reloads: Reloads, version: str) -> None:
    reloads(
        f"""
        import app
        report = change("app.py", "use(1)", "use({version})")
        assert report.status == "restart" and "reads app.later before it is bound" in report.reason, report
        """,
        {"app.py": LATER.format("1")},
    )
