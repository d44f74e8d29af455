"""Attributes that statements set on what does not change otherwise: classes, functions, modules."""

from __future__ import annotations

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
