"""Classes that are told of their heirs: those that these have left as they were are not made again with one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

KINDS = {
    "a hook": """
class Base:
    heirs = []
    table = {}
    def __init_subclass__(cls, **keywords):
        cls.parts = [*getattr(cls, "parts", ()), cls.__name__]
        cls.table.setdefault
        if "note" in vars(cls):
            cls.heirs.append(cls.__name__)
        if "mark" in vars(cls):
            cls.__base__.marked = cls.mark
""",
    "a metaclass": """
class Meta(type):
    def __new__(mcs, name, bases, namespace):
        for item in namespace.values():
            for one in getattr(item, "items", ()):
                one.append(name)
        made = type.__new__(mcs, name, bases, namespace)
        if "note" in namespace:
            for base in bases:
                base.heirs.append(name)
        if "mark" in namespace:
            bases[0].marked = made.mark
        return made
class Base(metaclass=Meta):
    heirs = []
""",
}
PARTS = "from between import Between\nclass A(Between):\n    x = [1]\nclass B(Between):\n    x = [1]\n"
FILES = {"between.py": "from base import Base\nclass Between(Base):\n    def f(self): return 1\n", "parts.py": PARTS}


@pytest.mark.parametrize("kind", KINDS)
def test_what_heirs_have_left_alone_stays_when_one_is_made_again(reloads: Reloads, kind: str) -> None:
    reloads(
        """
        import base, between, parts
        before, other = (base.Base, between.Between), parts.B
        for number in (2, 3):
            report = change("parts.py", f"x = [{number - 1}]\\nclass B", f"x = [{number}]\\nclass B")
            assert (report.status, report.ran) == ("reloaded", ("parts:2",)), report
            assert (base.Base, between.Between) == before and parts.B is other and parts.A.x == [number]
            assert parts.A.__mro__[1:3] == before[::-1]
        """,
        {"base.py": KINDS[kind], **FILES},
    )


@pytest.mark.parametrize("what", ["note", "mark"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_heir_that_begins_to_change_its_bases_is_seen(reloads: Reloads, kind: str, what: str) -> None:
    reloads(
        f"""
        import base, between, parts
        report = change("parts.py", "x = [1]\\nclass B", "x = [1]\\n    {what} = 5\\nclass B")
        heirs = base.Base.heirs, [getattr(one, "marked", 0) for one in (base.Base, between.Between)]
        if report.status == "restart":
            assert "heir" in report.reason and heirs == ([], [0, 0]) and not hasattr(parts.A, "{what}"), report
        else:
            assert heirs == ((["A"], [0, 0]) if "{what}" == "note" else ([], [0, 5])), (report, heirs)
        """,
        {"base.py": KINDS[kind], **FILES},
    )


@pytest.mark.parametrize("what", ["note", "mark"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_heir_that_has_changed_its_bases_has_them_made_again(reloads: Reloads, kind: str, what: str) -> None:
    reloads(
        f"""
        import base, between, parts
        report = change("parts.py", "{what} = 1", "{what} = 2")
        seen = base.Base.heirs, getattr(between.Between, "marked", 0)
        assert report.status == "restart" or seen == ((["A"], 0) if "{what}" == "note" else ([], 2)), (report, seen)
        report = change("parts.py", "    {what} = 2\\n", "")
        seen = base.Base.heirs, getattr(between.Between, "marked", 0)
        assert report.status == "restart" or seen == ([], 0), (report, seen)
        """,
        {
            "base.py": KINDS[kind],
            **FILES,
            "parts.py": PARTS.replace("x = [1]\nclass B", f"x = [1]\n    {what} = 1\nclass B"),
        },
    )
