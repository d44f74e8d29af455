"""The bases of a class that stays: what is found in an object that changes in place may be another one."""

from __future__ import annotations

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

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
