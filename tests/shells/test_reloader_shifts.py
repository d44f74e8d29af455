"""Modules that a start executes at another time, or for the first time: what they find, and who finds what they do."""

from __future__ import annotations

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

TABLE = "ITEMS = []\ndef add(one): ITEMS.append(one)\ndef count(): return len(ITEMS)\n"
COUNT = "import table\nN = table.count()\n"
KIND = "class Kind:\n    size = 1\n"
SIZE = "import table\nN = table.Kind.size\n"
BETWEEN = {
    "it counts what is added between": (TABLE, COUNT, "table.add(1)"),
    "it reads an attribute that is set between": (KIND, SIZE, "table.Kind.size = 2"),
    "it reads a name that is set between": ("SIZE = 1\n", "import table\nN = table.SIZE\n", "table.SIZE = 2"),
    "it takes a name that is set between": ("SIZE = 1\n", "from table import SIZE\n", "table.SIZE = 2"),
    "it adds what is counted between": (TABLE, "import table\ntable.add(2)\n", "N = table.count()"),
    "it sets an attribute that is read between": (KIND, "import table\ntable.Kind.size = 2\n", "N = table.Kind.size"),
}


@pytest.mark.parametrize("name", BETWEEN)
def test_a_module_that_is_loaded_at_another_time(player: Player, name: str) -> None:
    table, parts, statement = BETWEEN[name]
    files = {"table.py": table, "parts.py": parts, "late.py": "A = 1\n", "app.py": f"import table, late\n{statement}\n"}
    early = {**files, "late.py": "import parts\nA = 1\n", "app.py": f"{files['app.py']}import parts\n"}
    later = {**early, "late.py": "A = 1\n"}
    first = {**later, "app.py": f"import table, late\nimport parts\n{statement}\n"}
    outcomes = player.play(Case((later, early, later, first, later)))
    assert [(one["status"], one["fault"]) for one in outcomes] == [("reloaded", "")] * 4, outcomes


NEW = {
    "takes a new name": ("from parts import B\n", "A = 1\n", "A = 2\nB = 3\n"),
    "takes another value": ("from parts import A\nX = A + 1\n", "A = 1\n", "A = 2\n"),
    "takes it inside of a new package": ("from inner.one import X\n", "A = 1\n", "A = 2\nB = 3\n"),
    "imports what imports it": ("import app\nfrom parts import B\n", "A = 1\n", "A = 2\nB = 3\n"),
    "imports what counts what is added between": ("import parts\n", COUNT, COUNT),
    "imports what counts, and is edited": ("from parts import B\n", COUNT, f"{COUNT}B = 1\n"),
}


@pytest.mark.parametrize("name", NEW)
def test_a_new_module_comes_before_what_has_loaded_that_which_it_imports(player: Player, name: str) -> None:
    new, before, after = NEW[name]
    app = "import table\n{}table.add(1)\nimport parts\n"
    files = {"table.py": TABLE, "parts.py": before, "app.py": app.format("")}
    inner = {"inner/__init__.py": "", "inner/one.py": "from parts import B\nX = B\n"}
    edited = {**files, **inner, "parts.py": after, "new.py": new, "app.py": app.format("import new\n")}
    (outcome,) = player.play(Case((files, edited)))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


def test_a_new_module_that_is_imported_in_a_block_or_by_one_that_comes_earlier_now(player: Player) -> None:
    first = {"parts.py": "A = 1\n", "tasks.py": "X = 1\n", "app.py": "import tasks\nimport parts\n"}
    new = {"parts.py": "A = 2\nB = 3\n", "new.py": "from parts import B\n"}
    block = "try:\n    import new\nexcept ImportError:\n    new = None\nimport parts\n"
    before = {**new, "tasks.py": "import new\nX = 1\n", "more.py": "from tasks import X\n"}
    before["app.py"] = "import more\nimport tasks\nimport parts\n"
    for edited in ({**first, **new, "app.py": block}, before):
        (outcome,) = player.play(Case((first, edited)))
        assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


DOUBTFUL = {
    "finds what is changed later": ("import table\nN = table.count()\n", COUNT),
    "changes what is found by what it loads": ("import table\ntable.add(5)\nfrom parts import M\n", COUNT),
    "finds what is changed by what it loads": (
        "import table\nN = table.count()\nimport parts\nM = table.count()\n",
        "import table\ntable.add(2)\n",
    ),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_new_module_in_the_midst_of_others_is_taken_only_if_it_finds_what_a_start_has(
    player: Player, name: str
) -> None:
    new, parts = DOUBTFUL[name]
    app = "import table\n{}import parts\ntable.add(1)\n"
    files = {"table.py": TABLE, "parts.py": parts, "app.py": app.format("")}
    edited = {**files, "parts.py": f"{parts}M = table.count()\n", "new.py": new, "app.py": app.format("import new\n")}
    (outcome,) = player.play(Case((files, edited)))
    assert (outcome["status"], outcome["fault"]) == ("restart", ""), outcome
