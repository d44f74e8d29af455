"""Who has looked up what annotations mean that are text does so again when that is something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

MODELS = """
class Form(object):
    size = 1
"""
TEXTS = """
from __future__ import annotations
import typing
from models import Form

def find(form: Form): return 1

class Other:
    form: Form
    @staticmethod
    def make(form: Form): ...
    def take(self, form: Form): ...
"""
QUOTED = TEXTS.replace("from __future__ import annotations\n", "").replace("form: Form", "form: 'Form'")
TOOL = """
import typing
FOUND = []
def note(function):
    FOUND.append(typing.get_type_hints(function))
"""
LOOKERS = {
    "a function": "HINTS = typing.get_type_hints(find)",
    "a class": "HINTS = typing.get_type_hints(Other)",
    "methods": "HINTS = typing.get_type_hints(Other.make), typing.get_type_hints(Other.take)",
    "under another name": "seek = find\nHINTS = typing.get_type_hints(seek)",
    "by a function": "def ask(one): return typing.get_type_hints(one)\nHINTS = ask(find)",
    "in another module": "import tool\ntool.note(find)",
    "out of a list": "ALL = [find]\nHINTS = [typing.get_type_hints(one) for one in ALL]",
    "put into a list": "ALL = []\nALL.append(find)\nHINTS = [typing.get_type_hints(one) for one in ALL]",
    "out of an object": "import functools\nPART = functools.partial(find)\nHINTS = typing.get_type_hints(PART.func)",
    "of an heir": "class Heir(Other): ...\nHINTS = typing.get_type_hints(Heir)",
}


@pytest.mark.parametrize("text", [TEXTS, QUOTED])
@pytest.mark.parametrize("name", LOOKERS)
def test_what_was_looked_up_is_looked_up_again(player: Player, name: str, text: str) -> None:
    files = {"app.py": "import parts\n", "parts.py": f"{text}{LOOKERS[name]}\n", "models.py": MODELS, "tool.py": TOOL}
    (outcome,) = player.play(Case((files, {**files, "models.py": MODELS.replace("(object)", "")})))
    assert (outcome["status"], outcome["fault"]) == ("reloaded", ""), outcome


def test_a_library_is_given_again_what_it_may_have_looked_into(reloads: Reloads) -> None:
    reloads(
        f"""
        import pathlib
        sys.path.append("../elsewhere")
        pathlib.Path("../elsewhere").mkdir()
        save("../elsewhere/library.py", {LIBRARY!r})
        import parts
        thing, found = parts.THING, parts.ALL
        report = change("models.py", "(object)", "")
        assert report.status == "reloaded", report
        hints = [parts.app.routes["one"]["form"], parts.app.routes["two"]["form"]]
        assert hints == [parts.Form, parts.Form] and len(parts.app.routes) == 2
        assert parts.THING is thing and parts.ALL is found, report.ran
        """,
        {"parts.py": TEXTS + ROUTES, "models.py": MODELS},
    )


LIBRARY = """
import typing

class Needs:
    def __init__(self, one): self.one = one

class App:
    def __init__(self): self.routes = {}
    def add(self, name, one):
        self.routes[name] = typing.get_type_hints(getattr(one, "one", one))
"""
ROUTES = """
from library import App, Needs

app = App()
NEEDS = Needs(find)
app.add("one", find)
app.add("two", NEEDS)
THING = [find(None)]
ALL = [find]
"""
