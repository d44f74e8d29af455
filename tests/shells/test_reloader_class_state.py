"""What classes hold by themselves, and methods change: a table, a counter."""

from __future__ import annotations

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

REGISTRY = """
class Registry:
    items = {}
    count = 0
    pairs = {0: ("all", [])}
    @classmethod
    def note(cls, item):
        name, noted = cls.pairs[0]
        noted.append(item)
    @classmethod
    def add(cls, item):
        cls.items[item] = 1
    @classmethod
    def adding(cls, item):
        def inner(function):
            cls.items[item] = function
            return function
        return inner
    @classmethod
    def bump(cls):
        cls.count += 1
        return cls.count
    def put(self, item):
        self.items[item] = 2
    def __init__(self):
        self.copied = dict(self.items)
"""
NESTED = "def also(name):\n    def add(f):\n        Registry.adding(name)(f)\n        return f\n    return add\n"
FUNCTION = "def give(registry, item):\n    registry.items[item] = 3\n"
EDITS = {
    "another argument": ("Registry.add(1)\nRegistry.add(2)\n", "Registry.add(3)\nRegistry.add(2)\n"),
    "by a part of an item": ("Registry.note(1)\nRegistry.note(2)\n", "Registry.note(3)\nRegistry.note(2)\n"),
    "a call is gone": ("Registry.add(1)\nRegistry.add(2)\n", "Registry.add(2)\n"),
    "a call is new": ("X = 1\nRegistry.add(2)\n", "X = 1\nRegistry.add(1)\nRegistry.add(2)\n"),
    "a copy made before": ("one = Registry()\nRegistry.add(1)\n", "one = Registry() or 1\nRegistry.add(1)\n"),
    "a decorator": ("@Registry.adding(1)\ndef f(): ...\n", "@Registry.adding(2)\ndef f(): ...\n"),
    "a copy before a decorator": (
        "one = Registry()\n@Registry.adding(1)\ndef f(): ...\n",
        "one = Registry() or 1\n@Registry.adding(1)\ndef f(): ...\n",
    ),
    "a function that decorates": (f"{NESTED}@also(1)\ndef f(): ...\n", f"{NESTED}@also(2)\ndef f(): ...\n"),
    "by an instance": ("one = Registry()\none.put(1)\n", "one = Registry()\none.put(2)\n"),
    "by a function": (f"{FUNCTION}give(Registry, 1)\n", f"{FUNCTION}give(Registry, 2)\n"),
    "a subclass": (
        "class Sub(Registry): ...\nSub.add(1)\nX = 1\n",
        "class Sub(Registry): ...\nSub.add(2)\nX = 1\n",
    ),
    "a counter": ("A = Registry.bump()\nB = Registry.bump()\n", "A = 0\nB = Registry.bump()\n"),
    "a counter of a subclass": (
        "class Sub(Registry): ...\nA = Sub.bump()\nB = Sub.bump()\n",
        "class Sub(Registry): ...\nA = 0\nB = Sub.bump()\n",
    ),
}


NAMED = """
ALL = []
class Field:
    made = []
    def __set_name__(self, owner, name):
        self.made.append((owner, name))
class Plain:
    def __set_name__(self, owner, name):
        ALL.append(name)
class Quiet:
    def __set_name__(self, owner, name):
        self.name = name
"""
MODEL = "from fields import Field, Plain, Quiet\nclass Model:\n    a = {}()\n    b = {}()\n    x = 1\n"


@pytest.mark.parametrize("kind", ["Field", "Plain", "Quiet"])
@pytest.mark.parametrize(
    ("old", "new"),
    [("x = 1", "x = 2"), ("    b", "    c"), ("    x = 1", "    c = Plain()"), ("    a", "    z: int\n    a")],
)
def test_a_class_that_is_executed_again_is_one_more_for_no_list(player: Player, kind: str, old: str, new: str) -> None:
    model = MODEL.replace("{}", kind)
    before, after = ({"fields.py": NAMED, "app.py": text} for text in (model, model.replace(old, new)))
    for case in ((before, after), (after, before)):
        (outcome,) = player.play(Case(case))
        assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


def test_they_hold_what_they_would_after_a_fresh_start(player: Player) -> None:
    told = {}
    for name, (before, after) in EDITS.items():
        one, other = ({"app.py": f"{REGISTRY}{text}"} for text in (before, after))
        (outcome,) = player.play(Case((one, other)))
        told[name] = outcome["status"], outcome["fault"]
    assert told == dict.fromkeys(EDITS, ("reloaded", ""))


@pytest.mark.parametrize("name", EDITS)
def test_private_ones_are_found_by_the_name_of_their_class(player: Player, name: str) -> None:
    private = REGISTRY.replace("items", "__items").replace("count", "__count")
    one, other = ({"app.py": f"{private}{text.replace('.items', '._Registry__items')}"} for text in EDITS[name])
    (outcome,) = player.play(Case((one, other)))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


COUNTING = """
from functools import partial
class Count:
    def __init__(self, function=None):
        self.function, self.calls, self.names = function, 0, []
    def hit(self, number):
        self.calls += 1
        return number
    def named(self, name):
        def deco(function):
            self.names.append(name)
            return function
        return deco
    __call__ = hit
class Got(Count):
    def __get__(self, thing, kind=None):
        self.calls += 1
        return self
class Given(Count):
    def __get__(self, thing, kind=None):
        return partial(self, thing) if thing is not None else self
    def __call__(self, thing, number):
        return self.hit(number)
class Set(Count):
    def __set__(self, thing, value):
        self.hit(value)
class Base:
    count, got, given, put = Count(), Got(), Given(), Set()
    several = [Count(), Count()]
class Heir(Base):
    def run(self, number):
        return self.count(number)
def use(number):
    return Heir().count.hit(number)
NUMBER = 1
"""
HITS = {
    "an instance's attribute is called": "Base().count(NUMBER)\n",
    "a method of it": "Base().count.hit(NUMBER)\n",
    "in a function": "use(NUMBER)\n",
    "in a method of an heir": "Heir().run(NUMBER)\n",
    "it is fetched": "OUT = Base().got.function, NUMBER\n",
    "it gives what is called": "Base().given(NUMBER)\n",
    "it is set": "thing = Base()\nthing.put = NUMBER\n",
    "one of several": "for one in Base().several:\n    one(NUMBER)\n",
    "a function inside of a method": "@Base().count.named(NUMBER)\ndef function():\n    pass\n",
}


@pytest.mark.parametrize("way", HITS)
def test_what_stands_in_a_class_is_as_after_a_start_when_its_methods_are_called_again(player: Player, way: str) -> None:
    before, after = ({"app.py": f"{COUNTING}{HITS[way]}".replace("NUMBER = 1", f"NUMBER = {n}")} for n in (1, 2))
    outcomes = player.play(Case((before, after, before)))
    assert [(outcome["status"], outcome["fault"]) for outcome in outcomes] == [("reloaded", "")] * 2, outcomes
