"""Names of a module that another one binds: as an attribute, by setattr, through its namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

WAYS = (
    "store.{} = {}", "setattr(store, '{}', {})", "vars(store)['{}'] = {}", "store.__dict__['{}'] = {}",
    "def f():\n    store.{} = {}\nf()", "def f():\n    import store as s\n    s.{} = {}\nf()",
)  # fmt: skip
FILES = {"store.py": "X = 1\nbefore = X\n", "main.py": "import first, store\nx = store.X\ny = getattr(store, 'Y', 0)\n"}


@pytest.mark.parametrize("way", WAYS)
def test_a_name_that_is_set_from_outside_goes_with_what_set_it(reloads: Reloads, way: str) -> None:
    reloads(
        f"""
        import main, store
        def seen(): return getattr(store, "X"), store.before, getattr(store, "Y", 0), main.x, main.y
        assert seen() == (1, 1, 5, 1, 5)
        report = change("first.py", {way.format("Y", 5)!r}, {way.format("Y", 6)!r})
        assert report.status == "reloaded" and seen() == (1, 1, 6, 1, 6), (report, seen())
        report = change("first.py", {way.format("Y", 6)!r}, {way.format("X", 7)!r})
        if {way!r}.startswith("def"):
            assert report.status == "restart" and "calls f, which binds store.X" in report.reason, report
            sys.exit()
        assert report.status == "reloaded" and seen() == (7, 1, 0, 7, 0), (report, seen())
        report = change("store.py", "X = 1", "X = 2")
        assert report.status == "reloaded" and seen() == (7, 2, 0, 7, 0), (report, seen())
        report = change("first.py", {way.format("X", 7)!r}, "pass")
        assert report.status == "reloaded" and seen() == (2, 2, 0, 2, 0), (report, seen())
        """,
        {**FILES, "first.py": f"import store\n{way.format('Y', 5)}\n"},
    )


@pytest.mark.parametrize("what", ["del store.X", "delattr(store, 'X')"])
def test_a_name_that_is_deleted_from_outside_comes_back(reloads: Reloads, what: str) -> None:
    reloads(
        f"""
        import main, store
        assert not hasattr(store, "X")
        assert change("first.py", {what!r}, "pass").status == "reloaded" and store.X == 1
        """,
        {**FILES, "first.py": f"import store\n{what}\n", "main.py": "import first, store\n"},
    )


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("store.__dict__.update(Y=1)", "sets names of store that its source does not tell"),
        ("for name in ['Y']: setattr(store, name, 1)", "sets names of store that its source does not tell"),
        ("sys.modules['store'].Y = 1", "sets sys.modules['store'].Y"),
        ("importlib.import_module('store').Y = 1", "sets importlib.import_module('store').Y"),
    ],
)
def test_names_that_are_set_nobody_can_tell_how_are_a_restart(reloads: Reloads, what: str, why: str) -> None:
    reloads(
        f"""
        import main, store
        report = change("first.py", {what!r}, "pass")
        assert report.status == "restart" and {why!r} in report.reason and store.Y == 1, report
        """,
        {**FILES, "first.py": f"import importlib, sys, store\n{what}\n"},
    )
