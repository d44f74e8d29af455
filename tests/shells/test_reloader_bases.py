"""The bases of a class that stays: what is found in an object that changes in place may be another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

FRAME = """
def builder(function):
    return function

class One: ...

class Two: ...

SWITCH = []
SWITCH.append(0)

def chosen():
    return (One, Two)[SWITCH[0]]

class Frame:
    class Edge:
        def __init__(self): ...
    @builder
    def rows(self): ...

class Found:
    def __getitem__(self, index):
        return One

    def __mro_entries__(self, bases):
        return (One,)

FOUND = Found()
"""
REMAKING = ("    return function", "    result = function\n    return result")
SWITCHING = ("append(0)", "append(1)")
OTHERS = ("        return One", "        return Two")
ENTRIES = ("        return (One,)", "        return (Two,)")
HEADS = {
    "an attribute of a class": ("Frame.Edge", REMAKING, "reloaded"),
    "an argument of a base": ("list[Frame.Edge]", REMAKING, "reloaded"),
    "an attribute of an instance": ("Frame().Edge", REMAKING, "reloaded"),
    "an attribute that is looked up": ("getattr(Frame, 'Edge')", REMAKING, "reloaded"),
    "a function that finds another value": ("chosen()", SWITCHING, "reloaded"),
    "a list that holds another value": ("Two if SWITCH[0] else One", SWITCHING, "reloaded"),
    "an item that a method gives": ("FOUND[0]", OTHERS, "restart"),
    "what stands for a class": ("FOUND", ENTRIES, "restart"),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_class_has_the_bases_of_a_start(player: Player, name: str) -> None:
    base, (old, new), status = HEADS[name]
    files = {"app.py": f"from frame import *\nclass Heir({base}):\n    size = 1\n", "frame.py": FRAME}
    (outcome,) = player.play(Case((files, {**files, "frame.py": FRAME.replace(old, new, 1)})))
    assert (outcome["status"], outcome["fault"]) == (status, ""), outcome


MODELS = """
import sys

class Meta(type):
    def __init__(cls, name, bases, space):
        super().__init__(name, bases, space)
        cls.around = dict(sys._getframe(1).f_locals)

class Model(metaclass=Meta): ...
"""
GROUP = """
from library import Model

LIMIT = 1

class Group:
    size: int = LIMIT
    def one(self, size=1): ...
    class Part(Model): ...
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [("size=1", "size=2"), ("LIMIT = 1", "LIMIT = 2"), ("size: int", "size: str"), ("(Model)", "")],
)  # fmt: skip
def test_a_librarys_class_inside_a_class_knows_what_is_around_it(reloads: Reloads, old: str, new: str) -> None:
    reloads(
        f"""
        import pathlib
        sys.path.append("../elsewhere")
        pathlib.Path("../elsewhere").mkdir()
        save("../elsewhere/library.py", {MODELS!r})
        import app
        for edit in [({old!r}, {new!r}), ({new!r} or "Part", {old!r} if {new!r} else "Part(Model)")]:
            report = change("app.py", *edit)
            assert report.status == "reloaded", report
        for name in ("size", "one", "__annotations__"):
            assert app.Group.Part.around[name] is vars(app.Group)[name], name
        """,
        {"app.py": GROUP},
    )
