"""Cycles of imports: what a start finds of a module that has not been run to its end, an edit must not find either."""

from __future__ import annotations

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

FIRST = "import second\nLIMIT = 1\n"
ASKING = {
    "getattr": "FOUND = getattr(first, 'LIMIT', None)\n",
    "hasattr": "FOUND = hasattr(first, 'LIMIT')\n",
    "try": "try:\n    FOUND = first.LIMIT\nexcept AttributeError:\n    FOUND = None\n",
    "import": "try:\n    from first import LIMIT as FOUND\nexcept ImportError:\n    FOUND = None\n",
    "vars": "FOUND = vars(first).get('LIMIT')\n",
    "a function with a default": "def ask():\n    return getattr(first, 'LIMIT', None)\nFOUND = ask()\n",
    "a function that tries": (
        "def ask():\n    try:\n        return first.LIMIT\n    except AttributeError:\n        return None\n"
        "FOUND = ask()\n"
    ),
    "a base": "class Heir(getattr(first, 'LIMIT', 1).__class__):\n    pass\n",
}


@pytest.mark.parametrize("way", ASKING)
@pytest.mark.parametrize("edited", ["first.py", "second.py"])
def test_who_asks_for_a_name_of_a_module_half_way_is_told_what_a_start_tells(
    player: Player, way: str, edited: str
) -> None:
    files = {
        "app.py": "import first, second\n",
        "first.py": FIRST,
        "second.py": f"import first\n{ASKING[way]}OWN = 1\n",
    }
    changed = files | {edited: files[edited].replace("LIMIT = 1", "LIMIT = 2").replace("None", "7")}
    (outcome,) = player.play(Case((files, changed))) or [{"status": "reloaded", "fault": ""}]
    assert not outcome["fault"], outcome
    assert outcome["status"] in ("restart", "unchanged", "reloaded"), outcome


UNASKED = "def ask(*, now=False):\n    if now:\n        return first.LIMIT\n    return None\nFOUND = ask()\n"
NAMED = "import first\ndef name(module):\n    return module.__name__\nFOUND = [first.EARLY, 1]\n"


@pytest.mark.parametrize(("text", "old", "new"), [(UNASKED, "return None", "return 3"), (NAMED, "1]", "2]")])
def test_who_asks_for_nothing_that_comes_later_is_executed_again(player: Player, text: str, old: str, new: str) -> None:
    files = {
        "app.py": "import first, second\n",
        "first.py": f"EARLY = 1\n{FIRST}",
        "second.py": f"import first\n{text}",
    }
    (outcome,) = player.play(Case((files, files | {"second.py": files["second.py"].replace(old, new)})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome
