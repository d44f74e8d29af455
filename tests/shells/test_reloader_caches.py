"""What functions return is kept in many places: who asks there after an edit is given what is right now."""

from __future__ import annotations

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

LOWER = "def number():\n    return 1\n"
KEEPING = """
def keeping(function):
    cached = functools.lru_cache(function)
    @functools.wraps(function)
    def wrapper(*args):
        return cached(*args)
    return wrapper
"""
OWN = """
class keeping:
    def __init__(self, function): self.function = function
    def __set_name__(self, owner, name): self.name = name
    def __get__(self, instance, owner=None):
        instance.__dict__[self.name] = value = self.function(instance)
        return value
"""
PLACES = {
    "a cache in a class in a class": (
        "class Outer:\n    class K:\n        @functools.lru_cache\n        def f(): return [number()]\n", "Outer.K.f()"
    ),
    "a cache behind a property": (
        "class K:\n    @property\n    @functools.lru_cache\n    def f(self): return [number()]\nk = K()\n", "k.f"
    ),
    "a cache behind a decorator": (f"{KEEPING}@keeping\ndef f(): return [number()]\n", "f()"),
    "a cache behind a decorator of a method": (
        f"{KEEPING}class K:\n    @keeping\n    def f(self): return [number()]\nk = K()\n", "k.f()"
    ),
    "a cache that a closure has": (
        "def make():\n    @functools.lru_cache\n    def f(): return [number()]\n    def g(): return f()\n    return g\n"
        "F = make()\n", "F()",
    ),
    "a cached property": (
        "class K:\n    @functools.cached_property\n    def f(self): return [number()]\nk = K()\n", "k.f"
    ),
    "a cached property of a base class": (
        "class Base:\n    @functools.cached_property\n    def f(self): return [number()]\nclass K(Base): ...\n"
        "k = K()\n",
        "k.f",
    ),
    "a cached property that another one reads": (
        "class K:\n    @functools.cached_property\n    def e(self): return [number()]\n"
        "    @functools.cached_property\n    def f(self): return [self.e]\nk = K()\n", "k.f",
    ),
    "a cached property that a function reads": (
        "class K:\n    @functools.cached_property\n    def f(self): return [number()]\nk = K()\n"
        "def get(): return k.f\n",
        "get()",
    ),
    "a global name": (
        "V = None\ndef f():\n    global V\n    if V is None: V = [number()]\n    return V\n", "f()"
    ),
    "a descriptor of the project's own": (
        f"{OWN}class K:\n    @keeping\n    def f(self): return [number()]\nk = K()\n", "k.f"
    ),
}  # fmt: skip


@pytest.mark.parametrize("readers", ["X = {}\n", "X = {}\nY = {}\nZ = [{}]\n"], ids=["one reader", "three readers"])
@pytest.mark.parametrize(("text", "read"), PLACES.values(), ids=PLACES)
def test_what_is_kept_of_a_function_goes_with_the_function(player: Player, text: str, read: str, readers: str) -> None:
    app = f"import functools\nfrom lower import number\n{text}{readers.replace('{}', read)}"
    one = {"lower.py": LOWER, "app.py": app}
    edits = ({**one, "lower.py": LOWER.replace("1", "2")}, {**one, "app.py": app.replace("[number()", "[2, number()")})
    for edited in edits:
        outcomes = player.play(Case((one, edited)))
        assert [(outcome["status"], outcome["fault"]) for outcome in outcomes] == [("reloaded", "")]
