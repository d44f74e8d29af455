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
