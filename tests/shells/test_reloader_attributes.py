"""Attributes that statements set on what does not change otherwise: classes, functions, modules."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

OWNERS = (
    "class Owner:\n    x = 1\n", "def Owner(): ...\nOwner.x = 1\n",
    "import types\nOwner = types.ModuleType('o')\nOwner.x = 1\n",
    "class Kind: ...\nOwner = Kind()\nOwner.x = 1\n",
)  # fmt: skip
SETTING = "def set_it(): Owner.x = 2\n"
WAYS = ("Owner.x = 2", "setattr(Owner, 'x', 2)", "set_it()")
READS = ("y = Owner.x", "def f(): return Owner.x\ny = f()")


@pytest.mark.parametrize("owner", OWNERS, ids=["class", "function", "module", "object"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("read", READS, ids=["itself", "by a function"])
def test_who_reads_one_finds_what_was_set_before_it_alone(reloads: Reloads, owner: str, way: str, read: str) -> None:
    reloads(
        f"""
        import app
        assert (app.before, app.y) == (1, 1)
        report = change("app.py", "z = 0", {way!r})
        assert report.status == "reloaded" and (app.before, app.y) == (1, 2), (report, app.before, app.y)
        report = change("app.py", "before = Owner.x", "before = Owner.x + 0")
        assert report.status == "reloaded" and (app.before, app.y) == (1, 2), (report, app.before, app.y)
        """,
        {"app.py": f"{owner}{SETTING}before = Owner.x\nz = 0\n{read}\n"},
    )


def test_who_reads_another_attribute_leaves_the_owner_alone(reloads: Reloads) -> None:
    reloads(
        """
        import app
        owner = app.Owner
        report = change("app.py", "y = Owner.y", "y = Owner.y + 0")
        assert report.status == "reloaded" and app.Owner is owner and app.y == 5, report
        report = change("app.py", "z = 0", "Owner.z = 0")
        assert report.status == "reloaded" and app.Owner is owner and app.Owner.z == 0, report.ran
        """,
        {"app.py": "class Owner:\n    x, y = 1, 5\ny = Owner.y\nOwner.x = 2\nz = 0\n"},
    )


@pytest.mark.parametrize("owner", OWNERS, ids=["class", "function", "module", "object"])
def test_a_class_that_is_edited_as_well_finds_it_too(reloads: Reloads, owner: str) -> None:
    reloads(
        """
        import app
        text = pathlib.Path("app.py").read_text()
        save("app.py", text.replace("z = 0", "Owner.x = Other").replace("return 1", "return self.n"))
        report = reloader.apply(["app.py"])
        assert report.status == "reloaded" and app.Sub.__mro__[1] is app.Sub.kept[0] is app.Other, report.ran
        """,
        {
            "app.py": f"{owner}class One: ...\nclass Other: ...\nOwner.x = One\nz = 0\n"
            "class Sub(Owner.x):\n    kept = [Owner.x]\n    def n(self): return 1\n"
        },
    )


LATER = {
    "what makes the classes of a metaclass": """
        class Kind(type):
            def __new__(kind, *rest): return type.__new__(kind, *rest)
        class Owner(metaclass=Kind): ...
        class One(Owner): n, other = 1, 7
        def no(*rest): raise TypeError(rest)
        Kind.__new__ = staticmethod(no)
        """,
    "what greets subclasses": """
        class Owner:
            def __init_subclass__(cls): cls.n = 1
        class Middle(Owner): ...
        class One(Middle): other = 7
        Owner.__init_subclass__ = classmethod(lambda cls: setattr(cls, "n", 5))
        """,
    "what makes objects": """
        class Owner:
            def __init__(self, other): self.n, self.other = 1, other
        class Middle(Owner): ...
        One = Middle(7)
        Owner.__init__ = lambda self, other: setattr(self, "n", 5)
        """,
    "a method of objects": """
        class Owner:
            def answer(self): return 1
        class One:
            n, other = Owner().answer(), 7
        Owner.answer = lambda self: 5
        """,
    "a method that another one calls": """
        class Owner:
            def answer(self): return 1
            @classmethod
            def made(cls): return cls().answer()
        class One:
            n, other = Owner.made(), 7
        def change(): Owner.answer = lambda self: 5
        change()
        """,
}


@pytest.mark.parametrize("made", LATER)
def test_what_is_made_of_a_class_before_this_is_changed_is_made_again_as_it_was(reloads: Reloads, made: str) -> None:
    reloads(
        """
        import app
        assert (app.One.n, app.One.other) == (1, 7)
        report = change("app.py", "7", "8")
        assert report.status == "reloaded" and (app.One.n, app.One.other) == (1, 8), (report.status, report.error)
        """,
        {"app.py": textwrap.dedent(LATER[made])},
    )
