"""An object that has its parts from somebody else: who changes it by its methods has changed what lent them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.programs.edits import Case

if TYPE_CHECKING:
    from tests.programs.player import Player
    from tests.shells.conftest import Reloads

INIT = "    def __init__(self):\n        self.hooks = "
REGISTER = "    def register(self, hook):\n        self.hooks.append(hook)\n"
LENDERS = {
    "a list of the module": f"LIST = []\nclass M:\n{INIT}LIST\n{REGISTER}X = M()\n",
    "of the class": f"class M:\n    LIST = []\n{INIT}M.LIST\n{REGISTER}X = M()\n",
    "by the instance": f"class M:\n    LIST = []\n{INIT}self.LIST\n{REGISTER}X = M()\n",
    "of a base": (f"class B:\n    LIST = []\nclass M(B):\n{INIT}self.LIST\n{REGISTER}X = M()\n"),
    "in a table of the class": (f"class M:\n    T = {{'a': []}}\n{INIT}M.T['a']\n{REGISTER}X = M()\n"),
    "in a table of the module": (f"T = {{'a': []}}\nclass M:\n{INIT}T['a']\n{REGISTER}X = M()\n"),
    "all attributes": (
        f"class M:\n    T = {{'hooks': []}}\n    def __init__(self):\n        self.__dict__ = M.T\n{REGISTER}X = M()\n"
    ),
    "an argument": (
        f"LIST = []\nclass M:\n    def __init__(self, hooks):\n        self.hooks = hooks\n{REGISTER}X = M(LIST)\n"
    ),
    "a default": f"class M:\n    def __init__(self, hooks=[]):\n        self.hooks = hooks\n{REGISTER}X = M()\n",
    "a function's attribute": (
        f"def get():\n    return get.hooks\nget.hooks = []\nclass M:\n{INIT}get()\n{REGISTER}X = M()\n"
    ),
    "a closure": (
        "def make():\n    hooks = []\n    def get(): return hooks\n    return get\nget = make()\n"
        f"class M:\n{INIT}get()\n{REGISTER}X = M()\n"
    ),
    "a cache": (
        f"import functools\n@functools.lru_cache\ndef get(): return []\nclass M:\n{INIT}get()\n{REGISTER}X = M()\n"
    ),
    "a slot": (
        "LIST = []\nclass M:\n    __slots__ = ('hooks',)\n    def __init__(self):\n        self.hooks = LIST\n"
        f"{REGISTER}X = M()\n"
    ),
    "a class that has it": (
        "LIST = []\nclass X:\n    hooks = LIST\n"
        "    @classmethod\n    def register(cls, hook):\n        cls.hooks.append(hook)\n"
    ),
    "two that have it": (f"class M:\n    LIST = []\n{INIT}M.LIST\n{REGISTER}X = M()\nY = M()\n"),
    "one inside": (
        f"LIST = []\nclass I:\n{INIT}LIST\n{REGISTER}"
        "class M:\n    def __init__(self):\n        self.inside = I()\n"
        "    def register(self, hook):\n        self.inside.register(hook)\nX = M()\n"
    ),
}
CALLS = {
    "called": ("X.register(one)\n", "X.register(two)\n"),
    "called once more": ("X.register(one)\n", "X.register(one)\nX.register(two)\n"),
    "called no more": ("X.register(one)\n", ""),
    "in a function": (
        "def go(to):\n    to.register(one)\ngo(X)\n",
        "def go(to):\n    to.register(two)\ngo(X)\n",
    ),
}


@pytest.mark.parametrize(("call", "edited"), CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("lender", LENDERS.values(), ids=LENDERS)
def test_what_was_lent_is_changed_with_it(player: Player, lender: str, call: str, edited: str) -> None:
    user = "from lender import X\ndef one(): pass\ndef two(): pass\n"
    before = {"lender.py": lender, "user.py": user + call, "app.py": "import user\nimport lender\n"}
    outcomes = player.play(Case((before, {**before, "user.py": user + edited})))
    assert [(outcome["status"], outcome["fault"]) for outcome in outcomes] == [("reloaded", "")]


def test_what_is_not_changed_stays(reloads: Reloads) -> None:
    """The table is had from the module as well, and nobody has put anything into it."""
    reloads(
        """
        import user, lender
        table = lender.TABLE
        report = change("user.py", "X.register(one)", "X.register(two)")
        assert report.status == "reloaded", report
        assert lender.X.hooks == [user.two] and lender.X.table is lender.TABLE is table
        """,
        {
            "lender.py": (
                "TABLE = {'made': []}\nclass M:\n    def __init__(self):\n        self.table = TABLE\n"
                f"        self.hooks = []\n{REGISTER}X = M()\n"
            ),
            "user.py": "from lender import X\ndef one(): pass\ndef two(): pass\nX.register(one)\n",
        },
    )
