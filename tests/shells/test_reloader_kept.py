"""What libraries keep of what the project makes of their classes, and what they raise when it is made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

LIBRARY = """
REGISTRY, NAMES = {}, set()

class Metric:
    def __init__(self, name, about=""):
        if name in REGISTRY:
            raise ValueError("there is one already")
        REGISTRY[name] = self
        self.about = about

class Loose:
    def __init__(self, name, about=""):
        self.name, self.about = name, about

def made_for(about):
    return type("Loose", (Loose,), {})("name", about)

class Named:
    def __init__(self, name, about=""):
        if name in NAMES:
            raise ValueError("there was one already")
        NAMES.add(name)

OWN = Metric("own")
"""
AWAY = f"""
import pathlib
sys.path.append("../away")
pathlib.Path("../away/elsewhere").mkdir(parents=True)
save("../away/elsewhere/__init__.py", {LIBRARY!r})
import app
"""
MODELS = """
class Table:
    def __init__(self, name, tables):
        if name in tables:
            raise ValueError(f"table {name} is already defined")
        tables[name] = self
        self.name = name

class Sign: ...
SIGN = Sign()

class Model:
    tables = {}
    def __init_subclass__(cls):
        if "own" not in vars(cls):
            cls.table = Table(cls.__name__.lower(), cls.tables)
        cls.sign = SIGN
"""
HOLDERS = {
    "itself": "{made}",
    "in a table": "{{'key': [{made}]}}",
    "in an object": "Own({made})",
}
APP = "from elsewhere import *\nclass Own:\n    def __init__(self, it): self.it = it\nLIMIT = 1\nMADE = "


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("edit", ["'about'", "gone"])
@pytest.mark.parametrize(("kind", "expected"), [("Metric", "restart"), ("Loose", "reloaded")])
def test_what_a_library_keeps_is_not_made_again(
    reloads: Reloads, holder: str, edit: str, kind: str, expected: str
) -> None:
    text = APP + HOLDERS[holder].format(made=f"{kind}('name', 'about')") + "\n"
    new = text.replace("'about'", "'other'") if edit == "'about'" else text[: text.index("MADE")]
    reloads(
        f"""
        {AWAY.strip().replace(chr(10), chr(10) + " " * 8)}
        save("app.py", {new!r})
        assert reloader.explain(["app.py"]).restart.endswith("which elsewhere goes on keeping") is {kind == "Metric"}
        report = reloader.apply(["app.py"])
        assert report.status == {expected!r}, report
        if report.status == "restart":
            assert "app:5 has made MADE, which elsewhere goes on keeping" in report.reason, report
            save("app.py", {text!r})
            assert reloader.apply(["app.py"]).status == "unchanged"
        """,
        {"app.py": text},
    )


@pytest.mark.parametrize(
    "edit", [("size = 1", "size = 2"), ("size = 1", "size = 1\n    def area(self): ..."), ("class", "LIMIT = 2\nclass")]
)
@pytest.mark.parametrize("base", ["Model", "Own"])
def test_what_a_library_keeps_of_a_class_is_not_made_again(reloads: Reloads, edit: tuple[str, str], base: str) -> None:
    first = "class Own(Model):\n    own = True\n    tables = {}\n" if base == "Own" else "LIMIT = 1\n"
    text = f"from elsewhere.models import Model\n{first}class Room({base}):\n    size = 1\n"
    expected = "reloaded" if base == "Own" or "LIMIT" in edit[1] else "restart"
    reloads(
        f"""
        import pathlib
        sys.path.append("../away")
        pathlib.Path("../away/elsewhere").mkdir(parents=True)
        save("../away/elsewhere/__init__.py", "")
        save("../away/elsewhere/models.py", {MODELS!r})
        import app
        report = change("app.py", *{edit!r})
        assert report.status == {expected!r}, report
        if report.status == "restart":
            assert "has made Room, which elsewhere goes on keeping" in report.reason, report
        """,
        {"app.py": text},
    )


@pytest.mark.parametrize(("more", "expected"), [("", "reloaded"), ("Metric('other')", "restart")])
def test_what_a_library_keeps_is_found_out_before_it_is_made_again(reloads: Reloads, more: str, expected: str) -> None:
    reloads(
        f"""
        {AWAY.strip().replace(chr(10), chr(10) + " " * 8)}
        assert "elsewhere" in list(reloader.read_ahead())
        assert "elsewhere" not in list(reloader.read_ahead()) or {bool(more)}
        report = change("app.py", "LIMIT = 1", "LIMIT = 2")
        assert report.status == {expected!r}, report
        """,
        {"app.py": f"{APP}[Loose('name', LIMIT), {more}]\n"},
    )


def test_who_adds_one_is_no_reason_to_restart(reloads: Reloads) -> None:
    reloads(
        f"""
        {AWAY.strip().replace(chr(10), chr(10) + " " * 8)}
        report = change("app.py", "LIMIT = 1", "LIMIT = 2\\nOTHER = Metric('other')")
        assert report.status == "reloaded" and app.LIMIT == 2 and app.OTHER.about == "", report
        """,
        {"app.py": APP + "Metric('name')\n"},
    )


def test_a_class_that_a_library_makes_for_each_is_let_go(reloads: Reloads) -> None:
    reloads(
        f"""
        {AWAY.strip().replace(chr(10), chr(10) + " " * 8)}
        import gc, weakref
        old = weakref.ref(type(app.MADE))
        report = change("app.py", "LIMIT = 1", "LIMIT = 2")
        assert report.status == "reloaded" and app.MADE.about == 2, report
        gc.collect()
        assert old() is None
        """,
        {"app.py": APP + "made_for(LIMIT)\n"},
    )


@pytest.mark.parametrize(
    ("edit", "expected"), [("LIMIT = 1", "restart"), ("Named('name', str(LIMIT))", "failed")], ids=["before", "itself"]
)
def test_what_fails_inside_a_library_without_an_edit_may_go_well_in_a_fresh_start(
    reloads: Reloads, edit: str, expected: str
) -> None:
    new = {"LIMIT = 1": "LIMIT = 2", "Named('name', str(LIMIT))": "Named('name', *[str(LIMIT)])"}[edit]
    reloads(
        f"""
        {AWAY.strip().replace(chr(10), chr(10) + " " * 8)}
        report = change("app.py", {edit!r}, {new!r})
        assert report.status == {expected!r}, report
        if report.status == "restart":
            assert report.reason == "app:5 fails inside elsewhere (ValueError), and has not been edited", report
        """,
        {"app.py": APP + "Named('name', str(LIMIT))\n"},
    )


@pytest.mark.parametrize(
    ("otherwise", "expected"), [("raise", "reloaded"), ("OWN = Metric('own', 'about')", "restart")]
)  # fmt: skip
def test_what_is_only_imported_has_been_made_by_somebody_else(reloads: Reloads, otherwise: str, expected: str) -> None:
    imports = "try:\n    from elsewhere import OWN, Metric\n    FOUND = LIMIT\nexcept KeyError:\n"
    text = f"LIMIT = 1\n{imports}    {otherwise}\n"
    reloads(
        f"""
        {AWAY.strip().replace(chr(10), chr(10) + " " * 8)}
        own = app.OWN
        report = change("app.py", "LIMIT = 1", "LIMIT = 2")
        assert report.status == {expected!r} and app.OWN is own, report
        assert app.FOUND == (2 if report.status == "reloaded" else 1)
        """,
        {"app.py": text},
    )
