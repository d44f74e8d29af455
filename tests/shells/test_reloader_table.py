"""Statements that ask the table of modules for one of its entries, or put a module there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

COPY = (
    "spec = importlib.util.find_spec('colorsys')\ncopied = importlib.util.module_from_spec(spec)\n"
    "spec.loader.exec_module(copied)\nsys.modules['colors'] = copied"
)
MADE = "sys.modules['made'] = types.ModuleType('made')\nfound = sys.modules['made']"
HEAD = "import importlib.util, json, sys, types, store\nname = 'json'\n"


@pytest.mark.parametrize(
    ("statements", "is_kept"),
    [
        (COPY, True),
        ("found = sys.modules['json'].dumps", True),
        ("found = sys.modules.get('json')", True),
        ("found = 'json' in sys.modules", True),
        ("found = [sys.modules['json'], sys.modules['types']]", True),
        ("found = sys.modules['store']", False),
        ("found = sys.modules[name]", False),
        ("found = sys.modules['json'], sys.modules[name]", False),
        ("found = sys.modules['json'], globals()", False),
        ("found = 'not_loaded' in sys.modules", False),
        ("get = sys.modules.get\nfound = get('json')", False),
        (MADE, False),
        ("sys.modules['other'] = store\nfound = sys.modules['other']", False),
    ],
)
def test_who_wants_a_librarys_module_does_not_see_its_own(reloads: Reloads, statements: str, is_kept: bool) -> None:
    reloads(
        f"""
        import app
        state = app.state
        report = change("app.py", "LIMIT = 1", "LIMIT = 2")
        assert report.status == "reloaded" or not {is_kept}, report
        assert (app.state is state) == (report.status == "restart" or {is_kept}), report.ran
        """,
        {
            "store.py": "X = 1\n",
            "app.py": f"{HEAD}{statements}\nstate = []\nLIMIT = 1\n",
        },
    )


def test_what_stands_in_the_table_is_set_anew_by_a_new_process(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("app.py", "sys.modules['colors'] = copied", "sys.modules['colours'] = copied")
        assert report.status == "restart" and "sets sys.modules['colors'] = copied" in report.reason, report
        """,
        {"app.py": f"import importlib.util, sys\n{COPY}\n"},
    )
