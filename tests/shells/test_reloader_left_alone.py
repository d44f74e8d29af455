"""A call that has changed nothing of what it was given, as its object shows, is no reason to make that again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

LIBRARY = """\
class Router:
    def __init__(self): self.routes, self.parts = [], []
    def route(self, path):
        def add(function):
            self.routes.append((path, function))
            return function
        return add
    def include(self, other): self.parts.append(other)
    def paths(self): return [path for path, _ in self.routes] + [path for part in self.parts for path in part.paths()]

class Branding(Router):
    __slots__ = ("marks",)
    def __init__(self):
        super().__init__()
        self.marks = []
    def include(self, other):
        super().include(other)
        other.marks.append(len(self.parts))
"""
ROUTES = "import web\nrouter = web.{}()\n\n@router.route('/{}')\ndef page(): ...\n\nheld = []\n"
MAIN = "import web, a, b, c\napp = web.{}()\napp.include(a.router)\napp.include(b.router)\napp.include(c.router)\n"
START = """
        import pathlib
        sys.path.append("../library")
        pathlib.Path("../library").mkdir()
        save("../library/web.py", {library!r})
        import main, a, b, c
"""


def files(kind: str) -> dict[str, str]:
    return {"main.py": MAIN.format(kind), **{f"{name}.py": ROUTES.format(kind, name) for name in "abc"}}


def test_a_new_route_runs_the_routes_of_its_own_router_only(reloads: Reloads) -> None:
    reloads(
        START.format(library=LIBRARY)
        + """
        kept = a.router, a.page, c.router, c.page
        for path, paths in (("/y", ["/a", "/b", "/y", "/c"]), ("/z", ["/a", "/b", "/y", "/z", "/c"])):
            report = change("b.py", "held", f"@router.route('{path}')\\ndef other(): ...\\n\\nheld")
            assert report.status == "reloaded" and main.app.paths() == paths, (report, main.app.paths())
            assert (a.router, a.page, c.router, c.page) == kept
            assert {ran.partition(":")[0] for ran in report.ran} == {"b", "main"}, report
        """,
        files("Router"),
    )


def test_what_a_call_does_to_what_it_is_given_is_seen(reloads: Reloads) -> None:
    reloads(
        START.format(library=LIBRARY)
        + """
        assert [one.router.marks for one in (a, b, c)] == [[1], [2], [3]]
        report = change("b.py", "held", "@router.route('/y')\\ndef other(): ...\\n\\nheld")
        assert report.status == "reloaded" and main.app.paths() == ["/a", "/b", "/y", "/c"], report
        assert [one.router.marks for one in (a, b, c)] == [[1], [2], [3]]
        """,
        files("Branding"),
    )


def test_what_has_changed_since_the_start_tells_nothing(reloads: Reloads) -> None:
    reloads(
        START.format(library=LIBRARY)
        + """
        a.router.late = 1
        report = change("b.py", "held", "@router.route('/y')\\ndef other(): ...\\n\\nheld")
        assert report.status == "reloaded" and main.app.paths() == ["/a", "/b", "/y", "/c"], report
        assert not hasattr(a.router, "late") and any(ran.startswith("a:") for ran in report.ran), report
        """,
        files("Router"),
    )


@pytest.mark.parametrize("edit", [("app.include(b.router)\n", ""), ("app.include(b.router)", "app.include(a.router)")])
def test_an_edited_call_has_never_been_seen(reloads: Reloads, edit: tuple[str, str]) -> None:
    reloads(
        START.format(library=LIBRARY)
        + f"""
        report = change("main.py", {edit[0]!r}, {edit[1]!r})
        cold = [["/a", "/c"], ["/a", "/a", "/c"]]
        assert report.status == "reloaded" and main.app.paths() in cold, (report, main.app.paths())
        assert a.router.marks == list(range(1, len(a.router.marks) + 1)), a.router.marks
        """,
        files("Branding"),
    )


def test_a_docstring_is_no_business_of_a_class_with_properties_of_its_own(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("part.py", "It was.", "It is.")
        assert report.status == "reloaded" and not report.ran, report
        assert app.Part.work.__doc__ == "It is."
        """,
        {
            "part.py": "class Part:\n    def work(self):\n        '''It was.'''\n",
            "app.py": "from __future__ import annotations\nfrom functools import cached_property\n"
            "from part import Part\n\nclass Car:\n    part: Part = dict()\n"
            "    @property\n    def one(self): ...\n    @cached_property\n    def other(self): ...\n",
        },
    )


def test_a_function_whose_default_value_cannot_change_keeps_nothing(reloads: Reloads) -> None:
    reloads(
        """
        import app, words
        kept = words.snake
        report = change("app.py", "size = 1", "size = 2")
        assert report.status == "reloaded" and words.snake is kept, report
        assert app.Base.names == ["one", "other"] and not report.ran[0].startswith("words"), report
        """,
        {
            "words.py": "import re\ndef snake(name, _capital=re.compile('[A-Z]')):\n"
            "    return _capital.sub(lambda found: found[0].lower(), name)\n",
            "app.py": "from words import snake\nclass Base:\n    names = []\n"
            "    def __init_subclass__(cls):\n        cls.label = snake(cls.__name__)\n"
            "        Base.names.append(cls.label)\n"
            "class One(Base):\n    size = 1\nclass Other(Base): ...\n",
        },
    )


def test_a_keyword_of_a_class_looks_nothing_up(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("app.py", "FIRST = 1", "FIRST = 2")
        assert report.status == "reloaded" and app.Notify.first == app.Notice.first == 2, report
        """,
        {
            "app.py": "from __future__ import annotations\nfrom dataclasses import dataclass\nFIRST = 1\n"
            "class Message:\n    def __init_subclass__(cls, bubble=True):\n        cls.bubble = bubble\n"
            "@dataclass\nclass Notify(Message, bubble=False):\n    notice: Notice\n    first: int = FIRST\n"
            "@dataclass\nclass Notice:\n    first: int = FIRST\n",
        },
    )


def test_an_abstract_base_that_its_heirs_leave_alone_stays(reloads: Reloads) -> None:
    hook = "    def __init_subclass__(cls):\n        {}\n"
    reloads(
        """
        import app, left, told
        bases = left.Base, told.Base
        report = change("app.py", "SIZE = 1", "SIZE = 2")
        assert report.status == "reloaded" and app.One.size == app.Two.size == 2, report
        assert left.Base is app.One.__base__ is bases[0] and not isinstance(1, left.Base)
        assert told.Base is app.Two.__base__ and isinstance(1, told.Base) and "told:2" in report.ran, report
        assert "left:2" not in report.ran, report
        """,
        {
            "left.py": f"from abc import ABC\nclass Base(ABC):\n{hook.format('cls.table = dict(vars(cls))')}",
            "told.py": f"from abc import ABC\nclass Base(ABC):\n{hook.format('cls.__base__.register(int)')}",
            "app.py": "import left, told\nSIZE = 1\nclass One(left.Base):\n    size = SIZE\n"
            "class Two(told.Base):\n    size = SIZE\n",
        },
    )
