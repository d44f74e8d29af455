"""Objects that stand in for others, and make these when they are asked anything: a reload asks them nothing."""

from __future__ import annotations

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

PROXY = """
default = None
class App:
    pass
def get():
    global default
    default = default or App()
    return default
class Proxy:
    __class__ = property(lambda self: get().__class__)
    __dict__ = property(lambda self: get().__dict__)
    __module__ = property(lambda self: get().__module__)
    def __getattr__(self, name): return getattr(get(), name)
    def __bool__(self): return bool(get())
    def __iter__(self): return iter(get())
current = Proxy()
"""
USER = (
    "from state import current\nITEMS = [current]\nTABLE = {1: current}\nX = 1\nclass K:\n    app = current\nk = K()\n"
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("X = 1", "# more\nX = 1"),
        ("X = 1", "X = 2"),
        ("[current]", "[current, 1]"),
        ("{1: current}", "{1: current, 2: 1}"),
        ("app = current", "app = current\n    more = 1"),
        ("class K:", "class K(object):"),
        ("k = K()", "k = K() or 1"),
        ("import current\n", "import current\nfrom state import current as again\n"),
    ],
)
def test_nobody_asks_a_stand_in_what_it_stands_for(player: Player, old: str, new: str) -> None:
    one = {"state.py": PROXY, "app.py": USER}
    outcomes = player.play(Case((one, {**one, "app.py": USER.replace(old, new)})))
    assert [outcome["fault"] for outcome in outcomes] == [""]
    outcomes = player.play(Case((one, {**one, "state.py": PROXY.replace("current = ", "X = 1\ncurrent = 1 and ")})))
    assert [outcome["fault"] for outcome in outcomes] == [""]
