"""Objects that are changed by methods which are called again, however a statement has come by them."""

from __future__ import annotations

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

COUNT = """
class Count:
    def __init__(self):
        self.calls, self.seen = 0, []
    def hit(self, number):
        self.calls += 1
        return number
    __add__ = hit
    def note(self, number):
        self.seen.append(number)
"""
OTHER = """
from count import Count
class Home:
    count = Count()
_known = Count()
def __getattr__(name):
    if name == "lazy":
        return _known
    raise AttributeError(name)
"""
HELD = {
    "a name": ("count = Count()\n", "count"),
    "a class": ("class Home:\n    count = Count()\n", "Home().count"),
    "another module's class": ("import other\n", "other.Home().count"),
    "another module's __getattr__": ("import other\n", "other.lazy"),
    "a closure": (
        "def outer():\n    count = Count()\n    def get():\n        return count\n    return get\nget = outer()\n",
        "get()",
    ),
    "a default": ("def get(count=Count()):\n    return count\n", "get()"),
    "a bound method": ("HIT = Count().hit\n", "HIT.__self__"),
    "a partial": ("from functools import partial\nGET = partial(lambda count: count, Count())\n", "GET()"),
    "a tuple in a dict": ("TABLE = {'k': (Count(), 1)}\n", "TABLE['k'][0]"),
    "a slot": (
        "class Home:\n    __slots__ = ('count',)\n    def __init__(self):\n        self.count = Count()\n"
        "HOME = Home()\n",
        "HOME.count",
    ),
    "a weak reference": ("import weakref\nkept = Count()\nREFERENCE = weakref.ref(kept)\n", "REFERENCE()"),
    "a chain of maps": ("from collections import ChainMap\nMAP = ChainMap({'k': Count()})\n", "MAP['k']"),
}
WAYS = {
    "a method": "OUT = {}.hit(NUMBER)\n",
    "an operator": "OUT = {} + NUMBER\n",
    "a name that is made up": "OUT = getattr({}, 'hit')(NUMBER)\n",
    "another name": "alias = {}\nalias.note(NUMBER)\ndel alias\n",
    "its attribute": "{}.calls += NUMBER\n",
    "a function that is given it": "def bump(one, number):\n    one.calls += number\nbump({}, NUMBER)\n",
    "a local name": "def use(number):\n    for one in [{}]:\n        one.seen.append(number)\nuse(NUMBER)\n",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("held", HELD)
def test_what_is_changed_once_more_is_made_again_or_needs_a_restart(player: Player, held: str, way: str) -> None:
    setting, count = HELD[held]
    text = f"from count import Count\n{setting}NUMBER = 1\n{WAYS[way].format(count)}"
    files = {"count.py": COUNT, "other.py": OTHER, "app.py": text}
    (outcome,) = player.play(Case((files, files | {"app.py": text.replace("NUMBER = 1", "NUMBER = 2")})))
    assert not outcome["fault"], outcome
    assert outcome["status"] in ("reloaded", "restart"), outcome


LISTS = {name: (setting.replace("Count()", "[]"), thing) for name, (setting, thing) in HELD.items()}
LISTS |= {
    "a local name": ("def outer():\n    found = KEPT\n    return found\nKEPT = []\n", "outer()"),
    "a property": (
        "class Home:\n    kept = []\n    @property\n    def found(self):\n        return self.kept\n",
        "Home().found",
    ),
    "a method of a class": (
        "class Home:\n    kept = []\n    @classmethod\n    def get(cls):\n        return cls.kept\n",
        "Home.get()",
    ),
    "a subclass of a list": ("class Kept(list): pass\nclass Home:\n    kept = Kept()\n", "Home().kept"),
}
del LISTS["a weak reference"], LISTS["a bound method"]  # of plain lists there are none
FILLED = {
    "a method": "{}.append(NUMBER)\n",
    "a slice": "{0}[len({0}):] = [NUMBER]\n",
    "a function that is given it": "def add(kept, number):\n    kept.append(number)\nadd({}, NUMBER)\n",
    "a function of a library": "import bisect\nbisect.insort({}, NUMBER)\n",
    "a local name": "def use(number):\n    kept = {}\n    kept.append(number)\nuse(NUMBER)\n",
    "another name": "alias = {}\nalias.append(NUMBER)\ndel alias\n",
    "a comprehension": "OUT = [kept.append(NUMBER) for kept in [{}]]\n",
    "an object that has it": (
        "class User:\n    def __init__(self):\n        self.kept = {}\n"
        "    def add(self, number):\n        self.kept.append(number)\nUser().add(NUMBER)\n"
    ),
    "a decorator": "def add(f):\n    {}.append(NUMBER)\n    return f\n@add\ndef f(): pass\n",
}


@pytest.mark.parametrize(
    ("held", "way"), [(held, way) for place, held in enumerate(LISTS) for way in list(FILLED)[place % 2 :: 2]]
)
def test_a_list_that_is_filled_once_more_is_made_again_or_needs_a_restart(player: Player, held: str, way: str) -> None:
    setting, kept = LISTS[held]
    text = f"{setting}NUMBER = 1\n{FILLED[way].format(kept)}"
    files = {"count.py": COUNT, "other.py": OTHER.replace("Count()", "[]"), "app.py": text}
    (outcome,) = player.play(Case((files, files | {"app.py": text.replace("NUMBER = 1", "NUMBER = 2")})))
    assert not outcome["fault"], outcome
    assert outcome["status"] in ("reloaded", "restart"), outcome


KEPT = """
import weakref
def outer():
    kept = []
    def get(): return kept
    return get
get = outer()
def lent(kept=[]): return kept
class Home:
    kept = []
    @property
    def found(self): return self.kept
    @classmethod
    def of(cls): return cls.kept
class Other:
    def __init__(self):
        self.kept = []
    def give(self):
        found = self.kept
        return found
other = Other()
alone = []
class Kept(list): pass
kept = Kept()
known = weakref.ref(kept)
def either(): return alone or other.kept
def __getattr__(name):
    if name == "lazy":
        return alone
    raise AttributeError(name)
"""
GIVEN = (
    "get()",
    "lent()",
    "Home().kept",
    "Home().found",
    "Home.of()",
    "other.give()",
    "either()",
    "known()",
    "keeps.lazy",
)
CHANGES = {
    "gone": ("add(1)\nadd(2)\n", "add(2)\n"),
    "the last one gone": ("add(1)\n", ""),
    "another": ("add(1)\nadd(2)\n", "add(3)\nadd(2)\n"),
    "in another order": ("add(1)\nadd(2)\n", "add(2)\nadd(1)\n"),
    "new before another": ("add(2)\n", "add(1)\nadd(2)\n"),
    "new": ("add(1)\n", "add(1)\nadd(2)\n"),
}


@pytest.mark.parametrize(
    ("given", "change", "direct"),
    [
        (given, change, bool((turn + place) % 2))
        for turn, given in enumerate(GIVEN)
        for place, change in enumerate(CHANGES)
    ],
)
def test_what_calls_give_away_holds_what_it_would_after_a_start(
    player: Player, given: str, change: str, *, direct: bool
) -> None:
    add = f"from keeps import *\nimport keeps\ndef add(number):\n    {given}.append(number)\n"
    before, after = (
        add + (text.replace("add(", f"{given}.append(") if direct else text) + f"SIZE = len({given})\n"
        for text in CHANGES[change]
    )
    files = {"keeps.py": KEPT, "app.py": before}
    (outcome,) = player.play(Case((files, files | {"app.py": after})))
    assert not outcome["fault"], outcome
    assert outcome["status"] in ("reloaded", "restart"), outcome


@pytest.mark.parametrize(
    "text",
    [
        "get().append(NUMBER)\n",
        "def f():\n    found = get()\n    found.append(NUMBER)\nf()\n",
        "for one in [get()]:\n    pass\n",
    ],
)
def test_what_a_closure_keeps_is_made_again_with_it(player: Player, text: str) -> None:
    text = f"from keeps import get\nNUMBER = 1\n{text}"
    files = {"keeps.py": KEPT, "app.py": text}
    (outcome,) = player.play(Case((files, files | {"app.py": text.replace("NUMBER = 1", "NUMBER = 2")})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


ASKED = """
shown: list = []
def __getattr__(name):
    import warnings
    if name == "old":
        warnings.warn("do not use it")
        return shown
    raise AttributeError(name)
"""
FEW = "import asked\nSIZE = len(asked.shown)\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FEW, f"{FEW}from asked import shown\n"),
        (f"N: int = 1\n{FEW}", f"N: int = 1\nM: str = 'a'\n{FEW}OUT = [one for one in sorted([N])]\n"),
        (f"N: int = 1\nM: int = 2\n{FEW}OUT = (lambda x: [x])(N)\n", f"N: int = 2\n{FEW}OUT = (lambda x: [x])(N)\n"),
    ],
)
def test_what_nobody_has_changed_is_no_reason(player: Player, before: str, after: str) -> None:
    files = {"asked.py": ASKED, "app.py": before}
    (outcome,) = player.play(Case((files, files | {"app.py": after})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


SET = """
from count import Count
class Table:
    def __init__(self):
        self.items = {}
    def put(self, name, value):
        self.items[name] = value
TABLE = Table()
def get():
    return TABLE
NUMBER = 1
TABLE.put("a", NUMBER)
"""


@pytest.mark.parametrize(
    "text",
    [
        "get().put('a', NUMBER)\n",
        "Count().hit(NUMBER)\n",
        "def use():\n    one = Count()\n    one.note(NUMBER)\n    return one.seen\nOUT = use()\n",
        "OTHER = Count()\nOTHER.note(1)\nNEW = Count()\nNEW.note(NUMBER)\n",
    ],
)
def test_who_changes_what_it_has_made_or_sets_again_what_was_set_changes_no_other(player: Player, text: str) -> None:
    files = {"count.py": COUNT, "app.py": f"{SET}{text}"}
    (outcome,) = player.play(Case((files, files | {"app.py": f"{SET}{text}".replace("NUMBER = 1", "NUMBER = 2")})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome
