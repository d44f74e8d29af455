"""Attributes that functions and loops set of classes, functions and objects which they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

KINDS = "class A:\n    size = 0\nclass B:\n    size = 0\ndef f(): ...\n"
MARK = "def mark(one, size=1):\n    one.size = size\n"
BY_NAME = "def mark(one, size=1):\n    setattr(one, 'size', size)\n"
MARK_ALL = "def mark(*many):\n    for one in many:\n        one.size = LIMIT\n"
IN_TABLE = "def mark(many):\n    for one in many.values():\n        one.size = LIMIT\nT = {1: A, 2: B}\n"
X = "X = [A.size, B.size, getattr(f, 'size', 0)]\n"
SET = {
    "by a function, of a class": (MARK, "mark(A, LIMIT)\n"),
    "by a function, of a function": (MARK, "mark(f, LIMIT)\n"),
    "by a function, by name": (BY_NAME, "mark(A, LIMIT)\n"),
    "by a function, of each of several": (MARK_ALL, "mark(A, B)\n"),
    "by a function, of each in a list": (MARK_ALL, "mark(*[A, B])\n"),
    "by a function, of each in a table": (IN_TABLE, "mark(T)\n"),
    "in a loop": ("", "for one in (A, B):\n    one.size = LIMIT\n"),
    "in a loop, by name": ("", "for one in (A, B):\n    setattr(one, 'size', LIMIT)\n"),
    "in a loop over a list that has a name": ("ALL = [A, B]\n", "for one in ALL:\n    one.size = LIMIT\n"),
    "in a loop over objects": ("A, B = A(), B()\n", "for one in (A, B):\n    one.size = LIMIT\n"),
}
SHARED = "class A:\n    items = []\nONE = A()\n"


@pytest.mark.parametrize("name", SET)
def test_who_reads_them_has_those_of_a_start(player: Player, name: str) -> None:
    head, statement = SET[name]
    first = {"app.py": f"{KINDS}LIMIT = 1\n{head}{statement}{X}"}
    another = {"app.py": f"{KINDS}LIMIT = 2\n{head}{statement}{X}"}
    gone = {"app.py": f"{KINDS}LIMIT = 2\n{head}{X}"}
    outcomes = player.play(Case((first, another, gone, first)))
    assert [(one["status"], one["fault"]) for one in outcomes] == [("reloaded", "")] * 3, outcomes


def test_what_a_class_shares_with_its_objects_is_changed_through_one_of_them(player: Player) -> None:
    first, second = (
        {"app.py": f"LIMIT = {limit}\n{SHARED}ONE.items.append(LIMIT)\nX = len(A.items)\n"} for limit in (1, 2)
    )
    (outcome,) = player.play(Case((first, second)))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


def test_a_class_that_nobody_marks_is_left_as_it_is(player: Player) -> None:
    text = f"{KINDS}{MARK}LIMIT = 1\nclass C:\n    def get(self): return A, LIMIT\nX = [A, LIMIT, C().get()]\n"
    first = {"parts.py": text, "app.py": "from parts import X\n"}
    (outcome,) = player.play(Case((first, {**first, "parts.py": text.replace("LIMIT = 1", "LIMIT = 2")})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


def test_a_slot_of_a_class_is_no_mark_that_somebody_has_set_on_it(reloads: Reloads) -> None:
    make = "def make(kind):\n    one = kind()\n    mark(one, LIMIT)\n    return one\n"
    reloads(
        """
        import app
        kind = app.A
        report = change("app.py", "LIMIT = 1", "LIMIT = 2")
        assert report.status == "reloaded" and app.X.size == 2 and app.A is kind, report
        """,
        {
            "kinds.py": "class A:\n    __slots__ = ('size',)\n",
            "app.py": f"{MARK}from kinds import A\nLIMIT = 1\n{make}X = make(A)\n",
        },
    )
