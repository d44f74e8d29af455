"""Enums that are made anew: who holds a member of the same name and value holds the one that is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

BODIES = {
    "Enum": "    RED = 'r'\n    CRIMSON = 'r'\n    GREEN = 'g'\n",
    "StrEnum": "    RED = 'r'\n    CRIMSON = 'r'\n    GREEN = 'g'\n",
    "IntEnum": "    RED = 1\n    CRIMSON = 1\n    GREEN = 2\n",
    "Flag": "    RED = 1\n    CRIMSON = 1\n    GREEN = 2\n",
}
LAST = {"Enum": "'b'", "StrEnum": "'b'", "IntEnum": "4", "Flag": "4"}


@pytest.mark.parametrize("base", BODIES)
def test_members_stay_when_one_is_added(reloads: Reloads, base: str) -> None:
    reloads(
        f"""
        import colors, main
        red, green, value = colors.Color.RED, colors.Color.GREEN, colors.Color.RED.value
        report = change("colors.py", "    def", "    BLUE = {LAST[base]}\\n\\n    def")
        Color = colors.Color
        assert report.status == "reloaded" and [one.name for one in Color] == ["RED", "GREEN", "BLUE"], report
        assert red is Color.RED is Color.CRIMSON is Color["RED"] is Color(value) and type(red) is Color
        assert green is Color.GREEN and main.is_red(red) and main.table[red] == 1 and Color.BLUE.first() is red
        assert isinstance(Color.BLUE, Color) and Color.BLUE.value == {LAST[base]}
        """,
        {
            "colors.py": f"import enum\n\nclass Color(enum.{base}):\n{BODIES[base]}\n"
            "    def first(self): return Color.RED\n",
            "main.py": "from colors import Color\ntable = {Color.RED: 1}\n\n"
            "def is_red(color): return color is Color.RED\n",
        },
    )


def test_members_stay_what_they_were_if_the_batch_fails(reloads: Reloads) -> None:
    reloads(
        """
        import colors, main
        Color, red, held = colors.Color, colors.Color.RED, dict(vars(colors.Color.RED))
        report = change("colors.py", "RED = 1", "BLUE = 3\\n    RED = 1")
        assert report.status == "failed" and colors.Color is Color and Color.RED is red and type(red) is Color, report
        assert vars(red) == held and [one.name for one in Color] == ["RED"]
        """,
        {
            "colors.py": "from enum import Enum\n\nclass Color(Enum):\n    RED = 1\n",
            "main.py": "from colors import Color\n(only,) = Color\n",
        },
    )


def test_a_member_that_is_held_elsewhere_already_is_another(reloads: Reloads) -> None:
    reloads(
        """
        import colors
        red = colors.Color.RED
        report = change("colors.py", "RED = 1", "RED = 1\\n    BLUE = 3")
        assert report.status == "reloaded" and colors.made == [*colors.Color], (report, colors.made)
        assert all(one is other for one, other in zip(colors.made, colors.Color))
        """,
        {
            "colors.py": "from enum import Enum\n\nmade = []\n\nclass Color(Enum):\n    RED = 1\n\n"
            "    def __init__(self, value): made.append(self)\n"
        },
    )
