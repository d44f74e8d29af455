"""A batch that fails leaves everything what and where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Python
    from tests.shells.conftest import Reloads


def test_members_of_a_class_are_put_back_in_their_order(reloads: Reloads) -> None:
    reloads(
        """
        import shapes
        before = list(vars(shapes.Shape).items())

        report = change("shapes.py", "    sides = 4\\n", "")

        assert report.status == "failed" and "sides" in str(report.error), report
        assert list(vars(shapes.Shape).items()) == before
        assert shapes.Shape.sides == 4 and shapes.Shape().area() == 4
        """,
        {
            "shapes.py": """
            class Shape:
                "Has four of them."
                sides = 4
                colour = "red"

                def area(self):
                    return self.sides

            TOTAL = Shape.sides
            """
        },
    )


CHANGES = {
    "a value": "base.VALUE = 2",
    "an object of the same value": "base.ITEMS = []",
    "what a list holds": "base.ITEMS.append(1)",
    "the order of a dict": "base.TABLE['a'] = base.TABLE.pop('a')",
    "an attribute of an instance": "base.thing.more = 1",
    "a slot": "base.narrow.slot = 2",
    "a member of a class": "base.Thing.method = lambda self: 2",
    "the order of a class": "method = base.Thing.method; del base.Thing.method; base.Thing.method = method",
    "the code of a function": "base.function.__code__ = base.other.__code__",
    "a default": "base.function.__defaults__ = (2,)",
    "a closure": "base.closure.__closure__[0].cell_contents = 2",
    "the order of modules": "sys.modules['base'] = sys.modules.pop('base')",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_census_sees(python: Python, change: str) -> None:
    python.plain(
        f"""
import sys
sys.path.insert(0, ".")
import base
from pepperpy_reload.comparing.census import Census
own = base.__file__.__eq__
before = Census(own)
assert before.difference(Census(own)) == ""
{CHANGES[change]}
assert before.difference(Census(own)) != ""
""",
        {
            "base.py": """
            VALUE = 1
            ITEMS = []
            TABLE = {"a": 1, "b": 2}
            class Thing:
                def method(self):
                    return 1
                size = 1
            class Narrow:
                __slots__ = ("slot",)
            thing, narrow = Thing(), Narrow()
            thing.one, narrow.slot = 1, 1
            def function(x=1):
                return x
            def other(x):
                return x + 1
            def outer():
                held = 1
                def inner():
                    return held
                return inner
            closure = outer()
            """
        },
    )
