"""Items that are set again: a statement that is executed once more may set another one, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

REGISTER = "TABLE = {}\ndef register(key, value):\n    TABLE[key] = value\n"
BY_DEFAULT = "TABLE = {}\ndef register(key, value, table=TABLE):\n    table[key] = value\n"
FROM = "from table import TABLE, register\nfrom parts import PART\n"
META = "class Meta(type): ...\nclass PART(metaclass=Meta):\n    x = {}\n"
FILL = """
TABLE = {}

def fill(names=NAMES, table=TABLE):
    for name in names:
        table[name] = 1
"""
DECORATE = """
TABLE = {}

def register(key):
    def keep(function):
        TABLE[key] = function
        return function
    return keep
"""
Files = dict[str, str]
EDITS: dict[str, tuple[Files, str, str]] = {
    "under a constant of another module": (
        {"app.py": f"{FROM}TABLE[PART] = 1\n", "table.py": REGISTER, "parts.py": "PART = 1\n"}, "= 1", "= 2",
    ),
    "under a class of another module": (
        {"app.py": f"{FROM}TABLE[PART] = 1\n", "table.py": REGISTER, "parts.py": META.format(1)}, "= 1", "= 2",
    ),
    "by a function, under a constant": (
        {"app.py": f"{FROM}register(PART, 1)\n", "table.py": REGISTER, "parts.py": "PART = 1\n"}, "= 1", "= 2",
    ),
    "by a function, under a class": (
        {"app.py": f"{FROM}register(PART, 1)\n", "table.py": REGISTER, "parts.py": META.format(1)}, "= 1", "= 2",
    ),
    "by a function, under what is computed": (
        {"app.py": f"{FROM}register(f'{{PART}}', 1)\n", "table.py": REGISTER, "parts.py": "PART = 1\n"}, "= 1", "= 2",
    ),
    "by a function, in what a parameter is by default": (
        {"app.py": f"{FROM}register(PART, 1)\n", "table.py": BY_DEFAULT, "parts.py": "PART = 1\n"}, "= 1", "= 2",
    ),
    "in a loop": (
        {"app.py": f"{FROM}for one in PART:\n    TABLE[one] = 1\n", "table.py": REGISTER, "parts.py": "PART = [1]\n"},
        "[1]", "[3, 2]",
    ),
    "in a loop of a function": (
        {"app.py": "import table\ntable.fill()\n", "table.py": f"from parts import NAMES\n{FILL}",
         "parts.py": "NAMES = ['a', 'b']\n"},
        "'a', ", "",
    ),
    "an item in a branch that is not taken any more": (
        {"app.py": f"{FROM}if PART == 1:\n    TABLE['a'] = 1\n", "table.py": REGISTER, "parts.py": "PART = 1\n"},
        "= 1", "= 2",
    ),
    "an attribute in a branch that is not taken any more": (
        {"app.py": f"{FROM}class Made: ...\nif PART == 1:\n    Made.a = 1\n", "table.py": REGISTER,
         "parts.py": "PART = 1\n"},
        "= 1", "= 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_what_was_set_before_is_there_no_more(player: Player, name: str) -> None:
    files, old, new = EDITS[name]
    (outcome,) = player.play(Case((files, {**files, "parts.py": files["parts.py"].replace(old, new)})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


def test_the_same_item_set_again_leaves_the_table_what_it_is(reloads: Reloads) -> None:
    reloads(
        """
        import app, table
        held = table.TABLE
        report = change("parts.py", "= 1", "= 2")
        assert report.status == "reloaded" and table.TABLE is held and app.f.__defaults__ == (2,), report
        assert held == {"a": app.f} and not [ran for ran in report.ran if ran.startswith("table:")], report
        """,
        {
            "app.py": "from table import register\nfrom parts import PART\n@register('a')\ndef f(x=PART): ...\n",
            "table.py": DECORATE,
            "parts.py": "PART = 1\n",
        },
    )


HOLDER = "class Holder: ...\nholder = Holder()\n"
PUT = (
    "def put(key):\n    def keep(function):\n        TABLE[key] = function\n        return function\n    return keep\n"
)
LATER: dict[str, tuple[str, str]] = {
    "an item": ("TABLE = {}\nTABLE['a'] = [PART]\n", "from table import TABLE\nfound = TABLE['a']\n"),
    "an attribute": (f"{HOLDER}holder.a = [PART]\n", "import table\nfound = table.holder.a\n"),
    "an attribute of a class": (f"{HOLDER}Holder.a = [PART]\n", "from table import Holder\nfound = Holder.a\n"),
    "an item, by a decorator": (
        f"TABLE = {{}}\n{PUT}@put('a')\ndef f(x=PART): ...\n@put('b')\ndef g(): ...\ndef get(key): return TABLE[key]\n",
        "from table import get\nfound = get('a')\n",
    ),
    "an attribute, by a function": (
        f"{HOLDER}def fill(): holder.a = [PART]\nfill()\n",
        "from table import holder\ndef f(x=holder.a): ...\n",
    ),
}


@pytest.mark.parametrize("name", LATER)
def test_who_looks_at_what_is_set_again_finds_the_new_one(player: Player, name: str) -> None:
    table, use = LATER[name]
    files = {"parts.py": "PART = 1\n", "table.py": f"from parts import PART\n{table}", "app.py": use}
    (outcome,) = player.play(Case((files, {**files, "parts.py": "PART = 2\n"})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


def test_what_is_set_on_a_class_is_found_by_who_has_it_inside_something_else(player: Player) -> None:
    part = "from typing import Annotated\nclass Part:\n    a = 1\nheld = Annotated[Part, 1]\nheld = [held]\n{}"
    use = "from parts import held\nfound = held[0].__origin__.a\n"
    states = [{"app.py": use, "parts.py": part.format(text)} for text in ("", "Part.a = 2\n", "Part.a = 3\n", "")]
    outcomes = player.play(Case(tuple(states)))
    assert [(one["status"], one["fault"]) for one in outcomes] == [("reloaded", "")] * 3, outcomes


DISPATCH = "from functools import singledispatch\nfrom parts import Part\n@singledispatch\ndef show(value): ...\n"
MADE = "def same(cls): return cls\n@same\nclass Part:\n    x = 1\n"


@pytest.mark.parametrize("edit", ["a class", "what registers it"])
@pytest.mark.parametrize("registered", ["@show.register\ndef _(one: Part): ...\n", "show.register(Part, repr)\n"])
def test_what_a_function_keeps_for_a_class_goes_with_it(player: Player, edit: str, registered: str) -> None:
    files = {"parts.py": MADE, "app.py": f"{DISPATCH}{registered}"}
    after = {"parts.py": MADE.replace("= 1", "= 2")} if edit == "a class" else {"app.py": DISPATCH}
    (outcome,) = player.play(Case((files, {**files, **after})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


@pytest.mark.parametrize("made", ["object()", "Nothing()", "pydantic_core.PydanticUndefined"])
def test_what_has_no_room_for_anything_is_changed_by_nobody(reloads: Reloads, made: str) -> None:
    if "pydantic" in made:
        pytest.importorskip("pydantic_core")
    reloads(
        """
        import app
        report = change("app.py", "given = 1", "given = 2")
        assert report.status == "reloaded" and app.kept.given is app.UNSET, report
        report = change("app.py", "class Kept:", "class Kept:\\n    more = 1")
        assert report.status == "reloaded" and app.kept.given is app.UNSET and app.kept.more, report
        """,
        {
            "app.py": f"{'import pydantic_core' if 'pydantic' in made else ''}\nclass Nothing:\n    __slots__ = ()\n"
            f"UNSET = {made}\nclass Kept:\n    def __init__(self, given=UNSET, **others):\n        self.given = given\n"
            "        others['given'] = given\n        others.update(self.told(given))\n"
            "    def told(self, one): return {'one': one}\nkept = Kept()\ngiven = 1\n"
        },
    )


KIND = "class Kind:\n    size = 0\n    def get(self): return self.size\n"
ANOTHER = {
    "an item of a dict": "T = {}\nT['a'] = LIMIT\nX = T['a']\n",
    "an item of a dict that is held elsewhere, too": "T = {}\nC = [T]\nT['a'] = LIMIT\nX = C[0]['a']\n",
    "an item of a list": "T = [1]\nT[0] = LIMIT\nX = T[0]\n",
    "an attribute of an object": "class Kind: ...\nT = Kind()\nT.a = LIMIT\nX = T.a\n",
    "an attribute of a function": "def f(): ...\nf.a = LIMIT\nX = f.a\n",
    "an attribute of a class": f"{KIND}Kind.size = LIMIT\nX = Kind.size\n",
    "an attribute of a class, asked for through an object": f"{KIND}T = Kind()\nKind.size = LIMIT\nX = T.get()\n",
    "an attribute of a class, asked for by an heir": f"{KIND}Kind.size = LIMIT\nclass Heir(Kind): ...\nX = Heir.size\n",
    "what a function computes": "def f(): return LIMIT\nT = {}\nT['a'] = f()\nX = T['a']\n",
}


@pytest.mark.parametrize("name", ANOTHER)
def test_who_reads_what_is_set_to_another_value_reads_it_again(player: Player, name: str) -> None:
    before, after = ({"app.py": f"LIMIT = {limit}\n{ANOTHER[name]}"} for limit in (1, 2))
    (outcome,) = player.play(Case((before, after)))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome
