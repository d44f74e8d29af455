"""What the property tests have found: small programs and an edit after which the process was not what it should be."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
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
}  # fmt: skip


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    with Player() as player:
        yield player


@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_the_process_is_what_a_fresh_start_would_be(player: Player, found: Found) -> None:
    files = {path: textwrap.dedent(text) for path, text in found.files.items()}
    edited = {path: text for path, text in {**files, **found.edit}.items() if text is not None}
    outcomes = player.play(Case((files, edited)))
    assert [(outcome["status"], outcome["fault"]) for outcome in outcomes] == [(found.status, "")]
