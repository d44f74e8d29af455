"""What the property tests have found: small programs and an edit after which the process was not what it should be."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player


@dataclass(frozen=True)
class Found:
    """A program (its entry is app.py), the files that an edit changes (None: removed), and what must become of it."""

    files: Mapping[str, str]
    edit: Mapping[str, str | None]
    status: str = "reloaded"


LAZILY = """
from importlib import import_module
CACHE = {}
def __getattr__(name):
    if name in CACHE:
        return CACHE[name]
    if name not in ("A", "B", "C", "D"):
        raise AttributeError(name)
    found = getattr(import_module("p." + name.lower()), name)
    CACHE[name] = found
    return found
"""
MAKERS = """
def named_after(cls):
    class Wrapper(cls):
        @classmethod
        def up(cls):
            return 1
    Wrapper.__name__, Wrapper.__qualname__, Wrapper.__module__ = cls.__name__, cls.__qualname__, cls.__module__
    return Wrapper
def make():
    class Empty:
        pass
    return Empty
@named_after
class K:
    pass
EMPTY = make()
"""
FOUND = {
    "a docstring that stands second is none": Found(
        {"app.py": '"""What it is for."""\nX = 1\n'},
        {"app.py": 'import json\n"""What it is for."""\nX = 1\n'},
    ),
    "an attribute that is set on a function no more": Found(
        {"app.py": "def f():\n    pass\nf.tag = 1\n"},
        {"app.py": "def f():\n    pass\n"},
    ),
    "another attribute is set on a class": Found(
        {"app.py": "class K:\n    pass\nK.tag = 1\n"},
        {"app.py": "class K:\n    pass\nK.label = 1\n"},
    ),
    "the class that a decorator made another of has moved": Found(
        {"app.py": "import dataclasses\n@dataclasses.dataclass(frozen=True, slots=True)\nclass K:\n    x: int = 1\n"},
        {"app.py": "import dataclasses\n# more\n@dataclasses.dataclass(frozen=True, slots=True)\n"
         "class K:\n    x: int = 1\n"},
        "unchanged",
    ),
    "the first of two definitions is gone from before its reader": Found(
        {"app.py": "def f():\n    pass\nX = f\ndef f():\n    return 2\n"},
        {"app.py": "X = f\ndef f():\n    return 2\n"},
        "failed",
    ),
    "a definition has moved below its reader": Found(
        {"app.py": "def f():\n    return 1\nX = f()\n"},
        {"app.py": "X = f()\ndef f():\n    return 1\n"},
        "failed",
    ),
    "two definitions have changed places": Found(
        {"app.py": "def f():\n    return 1\nX = f()\ndef f():\n    return 2\n"},
        {"app.py": "def f():\n    return 2\nX = f()\ndef f():\n    return 1\n"},
    ),
    "a builtin is read before the module has its own": Found(
        {"app.py": "X = len([1])\n"},
        {"app.py": "X = len([1, 2])\ndef len(thing):\n    return 7\n"},
    ),
    "a module that nobody imports any more": Found(
        {
            "registry.py": "items = []\n",
            "part.py": "import registry, deep\nregistry.items.append(deep.X)\n",
            "deep.py": "X = 1\n",
            "app.py": "import registry\nimport part\nX = registry.items[:]\n",
        },
        {"app.py": "import registry\nX = registry.items[:]\n"},
    ),
    "a module that is imported by another as well stays": Found(
        {"a.py": "X = 1\n", "b.py": "import a\n", "app.py": "import a\nimport b\n"}, {"app.py": "import b\n"}
    ),
    "a submodule of which the package knows no more": Found(
        {"p/__init__.py": "", "p/x.py": "X = 1\n", "app.py": "import p\nimport p.x\nY = p.x.X\n"},
        {"app.py": "import p\nY = p.x.X\n"},
        "failed",
    ),
    "what does not compile does not matter where nobody imports it": Found(
        {"a.py": "X = 1\n", "app.py": "import a\n"}, {"a.py": "def broken(:\n", "app.py": "Y = 1\n"}
    ),
    "a default is made of an object as it was": Found(
        {"app.py": "s = []\ndef add():\n    s.append(1)\ndef f(a=1):\n    return a\nadd()\n"},
        {"app.py": "s = []\ndef add():\n    s.append(1)\ndef f(a=len(s)):\n    return a\nadd()\n"},
    ),
    "a slice is put in once": Found(
        {"a.py": "X = 1\n", "app.py": "import a\ns = [0]\ns[0:0] = [a.X]\n"}, {"a.py": "X = 2\n"}
    ),
    "an attribute that is set again on a class": Found(
        {"app.py": "class K:\n    x = 1\nY = 1\nK.x = K\n"}, {"app.py": "class K:\n    x = 2\nY = 1\nK.x = K\n"}
    ),
    "a new module reads what is not bound yet": Found(
        {"p.py": "from a import X\n", "a.py": "X = 1\n", "app.py": "import a\n"},
        {"a.py": "import p\nX = 1\n"},
        "restart",
    ),
    "what is gone from a module that nobody imports any more": Found(
        {"a.py": "X = 1\n", "app.py": "import a\n"}, {"a.py": "", "app.py": "Y = 1\n"}
    ),
    "a function that has been given itself gets another default": Found(
        {"app.py": "def f(a=1):\n    return a\nf.tag = f\n"}, {"app.py": "def f(a=2):\n    return a\nf.tag = f\n"}
    ),
    "a new module takes all names of one that is half-way": Found(
        {"b.py": "from a import *\n", "a.py": "def f():\n    pass\n", "app.py": "from a import f\n"},
        {"a.py": "from b import f\ndef f():\n    pass\n"},
        "restart",
    ),
    "a star import binds a name after the definition that is edited": Found(
        {"a.py": "X = 1\n", "app.py": "X = 2\nfrom a import *\n"}, {"app.py": "X = 3\nfrom a import *\n"}
    ),
    "a module is imported back from one that has not bound it yet": Found(
        {"b.py": "X = 1\n", "a.py": "import b\n", "app.py": "import a\n"}, {"b.py": "from a import b\nX = 1\n"},
        "restart",
    ),
    "a list is not filled that is another module's": Found(
        {"a.py": "s = [0]\n", "app.py": "from a import s\nX = 0\ns = [len(s)]\nY = len(s)\n"},
        {"app.py": "from a import s\nX = len(s)\ns = [len(s)]\nY = len(s)\n"},
    ),
    "a name is annotated no more": Found({"app.py": "x: int = 1\ny: int = 2\n"}, {"app.py": "x = 1\ny: int = 2\n"}),
    "no name is annotated any more": Found({"app.py": "x: int = 1\n"}, {"app.py": "x = 1\n"}),
    "another name is annotated first": Found({"app.py": "x: int = 1\n"}, {"app.py": "y: int = 2\nx: int = 1\n"}),
    "a star import in a submodule does not take the submodule": Found(
        {"p/__init__.py": "X = 1\n", "p/x.py": "from p import *\n", "app.py": "import p.x\n"},
        {"p/__init__.py": "X = 2\n"},
    ),
    "a star import from a half-way module does not take what comes later": Found(
        {"a.py": "X = 1\nimport b\nY = 1\n", "b.py": "from a import *\n", "app.py": "import a\n"},
        {"a.py": "X = 2\nimport b\nY = 1\n"},
    ),
    "a star import from a half-way module never took what comes later": Found(
        {"a.py": "import b\nX = 1\n__all__ = ['X', 'b']\n", "b.py": "from a import *\nY = 1\n", "app.py": "import a\n"},
        {"a.py": "import b\nX = 2\n__all__ = ['X', 'b']\n"},
    ),
    "two star imports of packages that are half-way": Found(
        {"p/__init__.py": "from p.core import *\n__all__ = ['X', 'Y', 'f', 'K']\n",
         "p/core.py": "from p.lib import *\nX = f(1)\n",
         "p/lib/__init__.py": "from p.lib.one import *\nfrom p.lib.two import *\n", "p/lib/one.py": "Y = 1\n",
         "p/lib/two.py": "from p import *\nfrom p.lib import *\ndef f(x):\n    return x + Y\nclass K:\n    z = 1\n",
         "app.py": "from p import *\n"},
        {"p/core.py": "from p.lib import *\nX = f(2)\n", "p/lib/one.py": "Y = 2\n"},
    ),
    "a star import from a half-way module takes what comes earlier now": Found(
        {"a.py": "import b\nX = 1\n", "b.py": "from a import *\n", "app.py": "import a\n"},
        {"a.py": "Y = 1\nimport b\nX = 1\n"},
    ),
    "the import of a star importer moves across a name": Found(
        {"a.py": "import b\nX = 1\n", "b.py": "from a import *\n", "app.py": "import a\n"},
        {"a.py": "X = 1\nimport b\n"},
        "restart",
    ),
    "what a half-way module exports is listed too late": Found(
        {"a.py": "X = Z = _W = 1\nimport b\n__all__ = ['X', 'Y']\nY = 1\n", "b.py": "from a import *\n",
         "app.py": "import a\n"},
        {"a.py": "X = Z = _W = 2\nimport b\n__all__ = ['X', 'Y']\nY = 1\n"},
    ),
    "what a half-way module exports is listed too late, and a name is gone": Found(
        {"a.py": "X = 1\nZ = 1\nimport b\n__all__ = ['X', 'Y']\nY = 1\n", "b.py": "from a import *\nW = 1\n",
         "app.py": "import a\n"},
        {"a.py": "X = 2\nimport b\n__all__ = ['X', 'Y']\nY = 1\n"},
    ),
    "a half-way module has star imports from one that lists what it exports": Found(
        {"a.py": "from c import *\nX = 1\nimport b\n__all__ = ['X', 'Y', 'Z']\nY = 1\n", "b.py": "from a import *\n",
         "c.py": "Z = 1\n__all__ = ['Z']\n", "app.py": "import a\n"},
        {"a.py": "from c import *\nX = 2\nimport b\n__all__ = ['X', 'Y', 'Z']\nY = 1\n"},
    ),
    "what a half-way module exports is listed in time now": Found(
        {"a.py": "X = 1\nZ = 1\nimport b\n__all__ = ['X', 'Y']\nY = 1\n", "b.py": "from a import *\nW = 1\n",
         "app.py": "import a\n"},
        {"a.py": "X = 1\nZ = 1\n__all__ = ['X']\nimport b\n__all__ = ['X', 'Y']\nY = 1\n"},
    ),
    "what a half-way module exports is listed, and not all there": Found(
        {"a.py": "X = 1\nimport b\nY = 1\n", "b.py": "try:\n    from a import *\nexcept AttributeError:\n    pass\n",
         "app.py": "import a\n"},
        {"a.py": "X = 1\n__all__ = ['X', 'Y']\nimport b\nY = 1\n"},
        "restart",
    ),
    "a whole module takes too much from a half-way one": Found(
        {"a.py": "import b\nX = 1\n", "b.py": "from a import *\nNAMES = sorted(globals())\n", "app.py": "import a\n"},
        {"b.py": "from a import *\nNAMES = sorted(globals())[1:]\n"},
        "restart",
    ),
    "a star import no longer binds a name that the module binds before": Found(
        {"a.py": "X = 1\n", "app.py": "X = 2\nfrom a import *\n"}, {"a.py": "Y = 1\n"}
    ),
    "a module is empty that another one's class was taken from": Found(
        {"b.py": "class K:\n    pass\n", "a.py": "from b import *\n", "app.py": "import a\nclass L(a.K):\n    pass\n"},
        {"b.py": "", "a.py": ""},
        "failed",
    ),
    "a list that a star import brings is not filled by another statement": Found(
        {"a.py": "s = [1]\n", "app.py": "s = []\nfrom a import *\n"},
        {"a.py": "def f():\n    pass\ns = [1]\n"},
    ),
    "a list that came by a star import is changed later": Found(
        {"a.py": "X = 1\ns = []\nY = X + len(s)\n", "app.py": "from a import *\ns.append(1)\n"},
        {"a.py": "X = 2\ns = []\nY = X + len(s)\n"},
    ),
    "an import may fail": Found(
        {"b.py": "", "a.py": "try:\n    from b import X\nexcept ImportError:\n    X = 1\n", "app.py": "import a\n"},
        {"b.py": "from a import missing\n"},
        "restart",
    ),
    "a module may be broken": Found(
        {"b.py": "", "a.py": "def load():\n    try:\n        import b\n    except Exception:\n        pass\nload()\n",
         "app.py": "import a\n"},
        {"b.py": "def broken(:\n"},
        "restart",
    ),
    "a module may not fail in another way": Found(
        {"b.py": "", "a.py": "try:\n    import b\nexcept ImportError:\n    pass\n", "app.py": "import a\n"},
        {"b.py": "1 / 0\n"},
        "failed",
    ),
    "what a module had loaded before it failed": Found(
        {"c.py": "", "b.py": "import c\n1 / 0\n", "a.py": "try:\n    import b\nexcept Exception:\n    pass\n",
         "app.py": "import a\n"},
        {"a.py": ""},
    ),
    "the module above is half-way now": Found(
        {"a.py": "", "b.py": "", "app.py": "import b\nimport a\n"},
        {"a.py": "from b import f\n", "b.py": "def f():\n    pass\nfrom a import f\n", "app.py": "import a\n"},
        "restart",
    ),
    "another module is half-way when a third one reads from it": Found(
        {"a.py": "import b\nX = 1\n", "b.py": "", "c.py": "import a\nX = a.X\n", "app.py": "import c\n"},
        {"b.py": "import c\n", "app.py": "import a\n"},
        "restart",
    ),
    "a module was half-way when another one tried to read from it": Found(
        {"a.py": "import b\nX = 1\n", "b.py": "try:\n    from a import X\nexcept ImportError:\n    X = 2\n",
         "app.py": "import a\n"},
        {"a.py": "X = 1\n", "app.py": "import b\n"},
        "restart",
    ),
    "the results that a cache keeps go with what they were made of": Found(
        {"b.py": "X = 1\n", "app.py": "import b\nfrom functools import *\n@cache\ndef f():\n    return b.X\nX = f()\n"},
        {"b.py": "X = 2\n"},
    ),
    "the results that a cache keeps go with a function that made them": Found(
        {"app.py": "import functools\ndef g():\n    return 1\n@functools.cache\ndef f():\n    return g()\nX = f()\n"},
        {"app.py": "import functools\ndef g():\n    return 2\n@functools.cache\ndef f():\n    return g()\nX = f()\n"},
    ),
    "what a cache has given to a second caller": Found(
        {"b.py": "import functools\n@functools.cache\ndef f():\n    return [1]\n", "a.py": "import b\nX = b.f()\n",
         "app.py": "import a\nfrom b import f as g\nX = g()\n"},
        {"b.py": "import functools\n@functools.cache\ndef f():\n    return [2]\n"},
    ),
    "a class is read in a class before it is there": Found(
        {"app.py": "X = 1\nclass K:\n    def m(self):\n        return __class__\n    x = 1\n"},
        {"app.py": "X = 1\nclass L:\n    x = K.x\nclass K:\n    def m(self):\n        return __class__\n    x = 1\n"},
        "restart",
    ),
    "a class keeps the metaclass that another one of its name hides": Found(
        {
            "app.py": "X = 1\nclass M(type):\n    x = X\nclass K(metaclass=M):\n    pass\n"
            "class M(type):\n    x = X\nclass L(metaclass=M):\n    pass\n"
        },
        {
            "app.py": "X = 2\nclass M(type):\n    x = X\nclass K(metaclass=M):\n    pass\n"
            "class M(type):\n    x = X\nclass L(metaclass=M):\n    pass\n"
        },
        "reloaded",
    ),
    "a class is no other's successor that a star import had brought": Found(
        {"a.py": "class K:\n    pass\no = K()\n", "app.py": "X = 1\nfrom a import *\nclass K:\n    x = X\n"},
        {"a.py": "Y = 1\nclass K:\n    pass\no = K()\n", "app.py": "X = 2\nfrom a import *\nclass K:\n    x = X\n"},
    ),
    "a class is no other's successor that an import had brought": Found(
        {"a.py": "class K:\n    pass\no = K()\n", "app.py": "import a\nfrom a import K\n"},
        {"app.py": "import a\nclass K:\n    pass\n"},
    ),
    "a module that nobody imports any more had called a function that binds": Found(
        {"a.py": "def f(n):\n    global X\n    X = n\nf(1)\n", "b.py": "import a\na.f(2)\n",
         "app.py": "import a\nimport b\n"},
        {"app.py": "import a\n"},
    ),
    "a class body reads what a function binds no more": Found(
        {"app.py": "def f():\n    global X\n    X = 1\nf()\nclass K:\n    x = X\n"},
        {"app.py": "def f():\n    return 1\nf()\nclass K:\n    x = X\n"},
        "failed",
    ),
    "a module reads from a half-way one what a function binds no more": Found(
        {"a.py": "def f():\n    global X\n    X = 1\nf()\nimport b\n", "b.py": "from a import X\n",
         "app.py": "import a\n"},
        {"a.py": "def f():\n    return 1\nf()\nimport b\n"},
        "failed",
    ),
    "a module that nobody imports any more had set another one's name": Found(
        {"a.py": "X = 1\n", "b.py": "import a\na.X = 2\na.Y = 3\n", "app.py": "import a\nimport b\n"},
        {"app.py": "import a\n"},
    ),
    "a new statement calls a new function that changes what is used later": Found(
        {"app.py": "S = [0]\nC = len(S)\n"},
        {"app.py": "S = [0]\ndef f(a):\n    S.append(a)\nf(1)\nC = len(S)\n"},
        "restart",
    ),
    "a class has another one's slot for a value": Found(
        {
            "app.py": "import b\nclass K:\n    __slots__ = ('attr',)\nclass E:\n    a = K.attr\no = E()\nY = b.X\n",
            "b.py": "X = 1\n",
        },
        {"b.py": "X = 3\n"},
        "reloaded",
    ),
    "a class that another one of its name hides has moved": Found(
        {"app.py": "class M(type):\n    pass\nclass K(metaclass=M):\n    pass\nclass K(K):\n    pass\n"},
        {"app.py": "class M(type):\n    # more\n    pass\nclass K(metaclass=M):\n    pass\nclass K(K):\n    pass\n"},
        "unchanged",
    ),
    "an attribute of a function that had none is taken back": Found(
        {"app.py": "def f():\n    pass\n"}, {"app.py": "def f():\n    pass\nf.tag = 1\n1 / 0\n"}, "failed"
    ),
    "an attribute of an object that had none is taken back": Found(
        {"app.py": "class K:\n    pass\no = K()\n"}, {"app.py": "class K:\n    pass\no = K()\no.x = 1\n1 / 0\n"},
        "failed",
    ),
    "a new function reads what is changed later": Found(
        {"app.py": "s = []\ns += [1]\n"},
        {"app.py": "s = []\ndef f():\n    return len(s)\nX = [f() for _ in s]\nY = f()\ns += [1]\n"},
    ),
    "a new metaclass reads what is changed later": Found(
        {"app.py": "s = []\ns += [1]\n"},
        {"app.py": "s = []\nclass M(type):\n    def __new__(meta, *more):\n        cls = super().__new__(meta, *more)\n"
         "        cls.x = len(s)\n        return cls\nclass K(metaclass=M):\n    pass\ns += [1]\n"},
        "restart",
    ),
    "another module has the last word on an attribute": Found(
        {"a.py": "def f():\n    pass\n", "app.py": "import a\na.f.tag = 9\n"},
        {"a.py": "def f():\n    pass\nf.tag = 1\n"},
    ),
    "a later statement has the last word on an attribute": Found(
        {"app.py": "X = 1\nclass K:\n    pass\nK.tag = X\nY = K\nY.tag = 9\n"},
        {"app.py": "X = 2\nclass K:\n    pass\nK.tag = X\nY = K\nY.tag = 9\n"},
    ),
    "a new module reads a submodule that is half-way": Found(
        {"p/__init__.py": "", "p/q.py": "", "n.py": "import p.q\nX = p.q\n", "app.py": "import p.q\n"},
        {"p/q.py": "import n\n"},
        "restart",
    ),
    "a new statement reads a submodule that is half-way": Found(
        {"p/__init__.py": "", "p/q.py": "", "p/x.py": "import p.q\n", "app.py": "import p.x\n"},
        {"p/x.py": "import p.q\nX = [p.x]\n"},
        "restart",
    ),
    "a module is gone that one statement has loaded and another one imports": Found(
        {"a.py": "Y = 1\n", "app.py": "from a import Y\nimport a\n"}, {"a.py": None, "app.py": "Y = 2\nimport a\n"},
        "failed",
    ),
    "a new import takes what is set on its module later": Found(
        {"b.py": "i = 1\n", "app.py": "import b\nb.i = 5\n"}, {"app.py": "from b import i\nimport b\nb.i = 5\n"}
    ),
    "a changed statement reads what a function sets on its module later": Found(
        {"b.py": "i = 1\n", "app.py": "import b\nX = [b.i]\ndef f(): b.i = 5\nf()\n"},
        {"app.py": "import b\nX = [b.i, 1]\ndef f(): b.i = 5\nf()\n"},
    ),
    "a statement has changed a class under a name that means another one now": Found(
        {"p.py": "class K:\n    x = 1\n", "app.py": "from p import K\nimport p\nK.extra = 1\n"},
        {"app.py": "import p\nclass K(p.K):\n    y = 1\nK.extra = 1\n"},
    ),
    "a class has moved that a decorator of another module has put another one before": Found(
        {"b.py": "def before(cls):\n    class Other(cls):\n        pass\n    return Other\n",
         "app.py": "from b import before\n@before\nclass K:\n    pass\n"},
        {"app.py": "from b import before\n# more\n@before\nclass K:\n    pass\n"},
        "unchanged",
    ),
    "a package loads what is asked for": Found(
        {"p/__init__.py": LAZILY, "p/a.py": "import base\nA = type('A', (), {'x': base.X})\n",
         "p/b.py": "import base\nfrom p import D\nB = type('B', (D,), {'x': base.X})\n",
         "p/c.py": "import base\nC = type('C', (), {'x': base.X})\n",
         "p/d.py": "import base\nD = type('D', (), {'x': base.X})\n",
         "base.py": "X = 1\n",
         "app.py": "from p import C\nfrom p import C as E, A, B\nY = list(A.__mro__)\n"},
        {"base.py": "X = 2\n"},
    ),
    "an enum has moved": Found(
        {"app.py": "import enum\nclass E(enum.IntEnum):\n    A = 1\n"},
        {"app.py": "import enum\n# more\nclass E(enum.IntEnum):\n    A = 1\n"},
        "unchanged",
    ),
    "a function that has made classes has moved": Found(
        {"app.py": MAKERS},
        {"app.py": f"# more\n{MAKERS}"},
        "reloaded" if sys.version_info >= (3, 13) else "unchanged",  # classes know their lines
    ),
    **{
        f"a class that says itself {what} it is of has moved{where}": Found(
            {"app.py": text}, {"app.py": f"# more\n{text}"}, status if sys.version_info >= (3, 13) else "unchanged"
        )
        for what, line in {"which module": "__module__ = 'builtins'", "which name": "__qualname__ = 'Other'"}.items()
        for where, text, status in (
            ("", f"class K(Exception):\n    {line}\n", "unchanged"),
            (" inside another", f"class O:\n    class K(Exception):\n        {line}\n", "unchanged"),
            (" that a function has made",
             f"def make():\n    class K(Exception):\n        {line}\n    return K\nX = make()\n", "reloaded"),
            (" and hidden", f"class K:\n    {line}\nX = [K]\nclass K:\n    pass\n", "unchanged"),
            (" as an enum", f"import enum\nclass K(enum.Enum):\n    {line}\n    A = 1\n", "unchanged"),
        )
    },
    "a decorator of a method has kept what calls super()": Found(
        {"app.py": "KEPT = {}\ndef keeping(function):\n    KEPT[1] = function\n    return lambda self: KEPT[1](self)\n"
         "class K:\n    x = 1\n    @keeping\n    def __repr__(self): return super().__repr__()\n"},
        {"app.py": "KEPT = {}\ndef keeping(function):\n    KEPT[1] = function\n    return lambda self: KEPT[1](self)\n"
         "class K:\n    x = 2\n    @keeping\n    def __repr__(self): return super().__repr__()\n"},
    ),
    "a module has kept what imports": Found(
        {"app.py": "import builtins, importlib\nX = [builtins.__import__]\nY = {__import__: 1}\nZ = 1\n"
         "G = [importlib._bootstrap._gcd_import, importlib._bootstrap._find_and_load]\n"},
        {"app.py": "import builtins, importlib\nX = [builtins.__import__]\nY = {__import__: 1}\nZ = 2\n"
         "G = [importlib._bootstrap._gcd_import, importlib._bootstrap._find_and_load]\n"},
    ),
    "an enum has moved that was told which module it is of": Found(
        {"b.py": "import enum\nclass E(enum.Enum):\n    A = 1\n", "app.py": "from b import E\nE.__module__ = 'app'\n"},
        {"b.py": "# more\nimport enum\nclass E(enum.Enum):\n    A = 1\n"},
        "unchanged",
    ),
    "methods set another attribute in a class that was told which module it is of": Found(
        {"b.py": "class K:\n    def f(self): self.x = 1\n", "app.py": "from b import K\nK.__module__ = 'app'\n"},
        {"b.py": "class K:\n    def f(self): self.y = 1\n"},
    ),
    "a cache in a class that says itself which module it is of": Found(
        {"app.py": "import functools\nclass K:\n    __module__ = 'z'\n    @functools.lru_cache\n"
         "    def f(): return [1]\nX = K.f()\n"},
        {"app.py": "import functools\nclass K:\n    __module__ = 'z'\n    @functools.lru_cache\n"
         "    def f(): return [2]\nX = K.f()\n"},
    ),
    "a metaclass has made two classes of one body, which has moved": Found(
        {"app.py": "import enum\nclass M(type):\n    def __new__(meta, name, bases, space):\n"
         "        space['twin'] = enum.Enum(name, dict(space))\n        return type.__new__(meta, name, bases, space)\n"
         "class K(metaclass=M):\n    A = 1\n"},
        {"app.py": "import enum\nclass M(type):\n\n    def __new__(meta, name, bases, space):\n"
         "        space['twin'] = enum.Enum(name, dict(space))\n        return type.__new__(meta, name, bases, space)\n"
         "class K(metaclass=M):\n    A = 1\n"},
        "unchanged",
    ),
    "an annotation that stays text is read by nobody": Found(
        {"app.py": "from __future__ import annotations\nclass M(type):\n    pass\nclass K(metaclass=M):\n    x: K\n"
         "    def m(self, k: K) -> K:\n        return k\n    y = 1\n"},
        {"app.py": "from __future__ import annotations\nclass M(type):\n    pass\nclass K(metaclass=M):\n    x: K\n"
         "    def m(self, k: K) -> K:\n        return k\n    y = 2\n"},
    ),
}  # fmt: skip


def test_what_a_module_ran_is_known_after_another_was_executed_in_the_midst(player: Player) -> None:
    function = "def f():\n    global X\n    X = 2\nf()\n"
    first = {"a.py": f"Y = 1\n{function}import b\n", "b.py": "import a\na.X = 8\n", "app.py": "import a\n"}
    second = {**first, "a.py": f"Y = 2\n{function}import b\n"}
    third = {**second, "a.py": f"Y = 2\n{function}"}
    outcomes = player.play(Case((first, second, third)))
    assert [(outcome["status"], outcome["fault"]) for outcome in outcomes] == [("reloaded", ""), ("reloaded", "")]


@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_the_process_is_what_a_fresh_start_would_be(player: Player, found: Found) -> None:
    files = {path: textwrap.dedent(text) for path, text in found.files.items()}
    edited = {path: text for path, text in {**files, **found.edit}.items() if text is not None}
    outcomes = player.play(Case((files, edited)))
    assert [(outcome["status"], outcome["fault"]) for outcome in outcomes] == [(found.status, "")]


HALF_WAY = {
    "app.py": "import pack\n",
    "pack/__init__.py": "from .part import part\n",
    "pack/part.py": "from . import use\nclass Part: ...\npart = Part()\n",
    "pack/use.py": "X = 1\n",
}


@pytest.mark.parametrize("new", ["import pack.part as found\n", "from pack import part as found\n"])
def test_a_submodule_whose_name_the_package_binds_to_something_else_later(player: Player, new: str) -> None:
    (outcome,) = player.play(Case((HALF_WAY, {**HALF_WAY, "pack/use.py": f"X = 1\n{new}"})))
    assert (outcome["status"], outcome["fault"]) == ("restart", ""), outcome


def test_a_submodule_under_another_name_is_what_the_package_has(player: Player) -> None:
    files = {"app.py": "import pack.part as part\nX = part\n", "pack/__init__.py": "", "pack/part.py": "Y = 1\n"}
    states = [
        {**files, "pack/__init__.py": "from .part import Y as part\n"},
        files,
        {**files, "pack/part.py": "Y = 2\n"},
    ]
    for outcome in player.play(Case((files, *states))):
        assert outcome["status"] in ("reloaded", "restart"), outcome
        assert not outcome["fault"], outcome
