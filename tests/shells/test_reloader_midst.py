"""Statements that load modules in their midst, and packages that look at what they have, in the order of a start."""

from __future__ import annotations

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player
from tests.shells.test_reloader_commits import Found

LOOKING = """
from importlib import import_module
from .tools import names
X = 1
FIRST = names(globals())
from .a import X as other
SECOND = names(globals())
import_module("p.called")
THIRD = names(globals())
"""

FEATURES = """
LIMIT = 1
CACHE = {}
def have(name):
    if name not in CACHE:
        CACHE[name] = len(CACHE) + 1
    return CACHE[name]
"""
GIVING = """
def __getattr__(name):
    if name != "K":
        raise AttributeError(name)
    from importlib import import_module
    value = getattr(import_module("p.a"), name)
    globals()[name] = value
    return value
"""
GIVEN = "X = 1\nclass K:\n    x = [X]\n    def f(self, a=X):\n        return a\n"
REPLACED = """
import sys, types
names = {"K": "p.a"}
def look(name):
    names[name] = names[name]
    return getattr(__import__(names[name], None, None, ["*"]), name)
class Automatic(types.ModuleType):
    def __getattr__(self, name):
        if name not in names:
            raise AttributeError(name)
        value = look(name)
        setattr(self, name, value)
        return value
old = sys.modules[__name__]
new = Automatic(__name__)
new.__dict__.update(old.__dict__)
sys.modules[__name__] = new
"""
MAYBE = "import features\nif features.have('first') > 9:\n    import part as X\nimport other\n"
FOUND = {
    "a package that looks at its names finds no submodules that are loaded later": Found(
        {
            "p/tools.py": "def names(namespace):\n    return [name for name in namespace if name[0] != '_']\n",
            "p/__init__.py": LOOKING,
            "p/a.py": "from . import b\nX = 1\n",
            "p/b.py": "Y = 1\n",
            "p/called.py": "Y = 1\n",
            "p/later.py": "Y = 1\n",
            "app.py": "import p\nimport p.later\n",
        },
        ({"p/__init__.py": LOOKING.replace("X = 1", "X = 2")}, {"p/a.py": "from . import b\nX = 3\n"}),
    ),
    "a statement loads a module after it has done something else": Found(
        {
            "features.py": FEATURES,
            "app.py": "import features\nif features.have('first'):\n    from part import Y\nX = 1\n",
            "part.py": "import features\nY = features.have('second')\nimport more\n",
            "more.py": "import features\nfeatures.have('third')\nif features.have('fourth'):\n    import last\n",
            "last.py": "import features\nZ = features.have('fifth')\n",
        },
        ({"features.py": FEATURES.replace("{}", "{'more': 1}")}, {"part.py": "import features\nY = 1\nimport more\n"}),
    ),
    "a statement loads modules, some of which run as a whole, under filters of its own": Found(
        {
            "words.py": "WORDS = []\nSTART = 1\n",
            "app.py": "import warnings, words\nwith warnings.catch_warnings():\n"
            "    warnings.filterwarnings('ignore')\n    words.WORDS.append('first')\n    import part\n",
            "part.py": "import words\nfrom whole import names\nwords.WORDS.append('part')\nX = words.START\n",
            "whole.py": "import words\nwords.WORDS.append('whole')\nnames = list(globals())\n",
        },
        ({"words.py": "WORDS = [0]\nSTART = 1\n"}, {"words.py": "WORDS = [0]\nSTART = 2\n"}),
    ),
    "a statement that imports is another one, and does not come to that": Found(
        {
            "features.py": FEATURES,
            "app.py": MAYBE,
            "other.py": "import part\n",
            "part.py": "import features\nY = features.have('second')\n",
        },
        ({"app.py": MAYBE.replace("X\n", "X\n    X.y = 1\n", 1)},),
    ),
    "a statement that imports comes to that now": Found(
        {
            "features.py": FEATURES,
            "app.py": "import features\nif features.have('first') > features.LIMIT:\n    import part\nimport other\n",
            "other.py": "import part\n",
            "part.py": "import features\nY = features.have('second')\n",
        },
        ({"features.py": FEATURES.replace("LIMIT = 1", "LIMIT = 0")},),
        "restart",
    ),
    "a statement goes on without a module that it loads after it has done something else": Found(
        {
            "features.py": FEATURES,
            "app.py": "import features\ntry:\n    features.have('first')\n    from part import Y\n"
            "except Exception:\n    Y = 1\n",
            "part.py": "import features\nY = features.have('second')\nX = 1 / features.LIMIT\n",
        },
        ({"features.py": FEATURES.replace("{}", "{'more': 1}").replace("LIMIT = 1", "LIMIT = 0")},),
        "restart",
    ),
    "a package keeps what its function gives, and that is made again": Found(
        {"p/__init__.py": GIVING, "p/a.py": GIVEN, "app.py": "import p.a\nfrom p import K\nclass L(K): pass\n"},
        (
            {"p/a.py": GIVEN.replace("    x =", "    __slots__ = ()\n    x =")},
            {"p/a.py": GIVEN},
            {"p/a.py": GIVEN.replace("X = 1", "X = 2")},
            {"p/__init__.py": GIVING.replace('!= "K"', 'not in ("K",)')},
        ),
    ),
    "a package keeps what its function gives, and an attribute of it is read": Found(
        {"p/__init__.py": GIVING, "p/a.py": GIVEN, "app.py": "import p\nfrom p.a import K\nY = p.K\n"},
        ({"p/a.py": GIVEN.replace("    x =", "    __slots__ = ()\n    x =")}, {"p/a.py": GIVEN}),
    ),
    "a package that has put another in its place keeps what that gives": Found(
        {"p/__init__.py": REPLACED, "p/a.py": GIVEN, "app.py": "from p import K\nimport p.a\n"},
        ({"p/a.py": GIVEN.replace("    x =", "    __slots__ = ()\n    x =")},),
        "restart",
    ),
}  # fmt: skip


@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_the_process_is_what_a_fresh_start_would_be(player: Player, found: Found) -> None:
    versions = [dict(found.files)]
    for edit in found.edits:
        versions.append({path: text for path, text in {**versions[-1], **edit}.items() if text is not None})
    outcomes = player.play(Case(tuple(versions)))
    assert [(outcome["status"], outcome["fault"]) for outcome in outcomes] == [(found.status, "")] * len(found.edits)


REGISTRY = "import version\nLOG = [version.V]\ndef note(name):\n    LOG.append(name)\n    return name\n"
RUN = "import reg\nimport pack\nimport other\nexec('Y = 1')\nZ = [globals()['Y'], reg.note('run')]\n"
BELOW = {
    "statements": ("import reg\nX = reg.note('inner')\n", "reloaded"),
    "a class": ("import reg\nclass Inner:\n    name = reg.note('inner')\n", "reloaded"),
    "another that is run as a whole": (
        "import reg\nexec('A = 1')\nX = [globals()['A'], reg.note('inner')]\n",
        "restart",
    ),
}


@pytest.mark.parametrize(("inner", "status"), BELOW.values(), ids=BELOW)
def test_what_a_module_loads_by_others_comes_when_it_imports_these(player: Player, inner: str, status: str) -> None:
    """The package has nothing to be executed itself; its module comes before what is imported after it."""
    files = {
        "version.py": "V = 1\n",
        "reg.py": REGISTRY,
        "pack/__init__.py": "from pack import inner\n",
        "pack/inner.py": inner,
        "other.py": "import reg\nX = reg.note('other')\n",
        "run.py": RUN,
        "app.py": "import run\nfrom reg import LOG\nNAMES = list(LOG)\n",
    }
    versions = [files | {"version.py": f"V = {number}\n"} for number in (1, 2, 3)]
    outcomes = player.play(Case(tuple(versions)))
    assert [(outcome["status"], outcome["fault"]) for outcome in outcomes] == [(status, "")] * 2
