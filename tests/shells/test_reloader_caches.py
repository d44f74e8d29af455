"""What functions return is kept in many places: who asks there after an edit is given what is right now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

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


ASKED = """
from functools import cached_property
import lower

class Base:
    @cached_property
    def value(self): return [lower.number()]
    @cached_property
    def inner(self): return [self.helped()]
    @cached_property
    def other(self): return object()
    def helped(self): return 1

class K(Base): ...

one = K()
"""


def test_what_a_request_has_had_computed_is_computed_anew_if_it_would_be_another(reloads: Reloads) -> None:
    reloads(
        """
        import app
        kept = app.one.other
        assert (app.one.value, app.one.inner) == ([1], [1])
        report = change("lower.py", "return 1", "return 2")
        assert report.status == "reloaded" and (app.one.value, app.one.inner) == ([2], [1]), report
        report = change("app.py", "def helped(self): return 1", "def helped(self): return 3")
        assert report.status == "reloaded" and (app.one.value, app.one.inner) == ([2], [3]), report
        value = app.one.value
        report = change("app.py", "one = K()", "one.missing")
        assert report.status == "failed" and app.one.value is value and app.one.inner == [3], report
        change("app.py", "one.missing", "one = K()")
        report = change("app.py", "return [lower.number()]", "return [lower.number(), 4]")
        assert report.status == "reloaded" and app.one.value == [2, 4] and app.one.other is kept, report
        """,
        {"lower.py": LOWER, "app.py": ASKED},
    )


def test_what_a_statement_has_had_computed_stays_with_it(reloads: Reloads) -> None:
    reloads(
        """
        import app
        held = app.found
        report = change("app.py", "def helped(self): return 1", "def helped(self): return 3")
        assert report.status == "reloaded" and app.one.value is app.found[0] is held[0], report
        """,
        {"lower.py": LOWER, "app.py": f"{ASKED}found = one.value,\n"},
    )


SETTINGS = """
class Settings:
    def __init__(self): self.names = ["a"]
@functools.{cache}
def get_settings(): return Settings()
"""


@pytest.mark.parametrize("cache", ["cache", "lru_cache", "lru_cache(maxsize=1)"])
@pytest.mark.parametrize("place", ["settings.py", "app.py"])
def test_what_has_to_be_new_is_not_what_a_cache_has_kept(player: Player, cache: str, place: str) -> None:
    given = "from settings import get_settings\n" if place == "app.py" else ""
    files = {"parts.py": "PART = 1\n", "settings.py": f"import functools\n{SETTINGS.format(cache=cache)}"}
    files["app.py"] = "import parts\nfrom settings import settings\nsettings.names.append(parts.PART)\n"
    if place == "app.py":
        files["app.py"] = f"import parts\n{given}settings = get_settings()\nsettings.names.append(parts.PART)\n"
    else:
        files["settings.py"] += "settings = get_settings()\n"
    outcomes = player.play(Case((files, *({**files, "parts.py": f"PART = {number}\n"} for number in (2, 3)))))
    assert [(one["status"], one["fault"]) for one in outcomes] == [("reloaded", "")] * 2, outcomes
