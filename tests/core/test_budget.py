"""Budgets of imports, and profiles compared."""

from __future__ import annotations

from typing import Any

from pepperpy_reload.core.budget import Budget, breaches
from pepperpy_reload.core.comparison import Tolerance, compare
from pepperpy_reload.core.costs import Costs, Load, Use
from pepperpy_reload.core.cycles import Circle, Harm, Step

COSTS = Costs(
    (
        Load("shop", end=10.0, importer="", file=""),
        Load("shop.cli", parent=0, importer="shop", file="shop.py", line=1, start=1, end=9),
        Load("heavy", parent=1, importer="shop.cli", file="cli.py", line=2, start=2, end=8),
        Load("heavy.core", parent=2, importer="heavy", file="heavy.py", line=3, start=3, end=7),
        Load("gone", parent=1, importer="shop.cli", file="cli.py", line=4, start=8, end=8, error="ImportError: no"),
    ),
    (
        Use("shop", "shop.py", 1, "", "shop.cli", time=1.0),
        Use("shop.cli", "cli.py", 2, "", "heavy", time=2.0),
        Use("heavy", "heavy.py", 3, "", "heavy.core", time=3.0),
    ),
)


def told(budget: Budget, *cycles: Circle, ratio: float | None = None) -> list[tuple[str, list[str]]]:
    found = breaches(budget, COSTS, cycles, ratio)
    return [(one.text, [edge.imported for edge in one.chain]) for one in found]


def test_what_is_within_and_what_is_not() -> None:
    assert told(Budget("shop", ("other", "heav", "gone"), 5, 3.0, ()), ratio=3.0) == []
    way = ["shop", "shop.cli", "heavy"]
    assert told(Budget("shop", ("heavy",))) == [("heavy is loaded, which is forbidden", way)]
    assert told(Budget("shop", ("heavy.core",)))[0][1] == [*way, "heavy.core"]
    assert told(Budget("shop", max_modules=4)) == [("5 modules are loaded, 2 of them of heavy; 4 are allowed", way)]
    text = "the start takes 3.5 times what the bare interpreter takes, 3 is allowed; most would be saved without heavy"
    assert told(Budget("shop:main", max_ratio=3.0), ratio=3.5) == [(text, way)]


def test_cycles_that_are_allowed() -> None:
    steps = (Step("a", "b", "a.py", 1), Step("b", "a", "b.py", 1))
    now, late = Circle(Harm.IMPORT, steps), Circle(Harm.DEFERRED, steps)
    assert told(Budget("shop"), now) == []
    assert told(Budget("shop", allowed_cycles=(("a", "b", "c"),)), now) == []
    assert told(Budget("shop", allowed_cycles=(("a",), ("b",))), now, late) == [
        ("there is an import cycle (import-time) that is not allowed", [])
    ]


def profile(**times: float) -> dict[str, Any]:
    modules = [
        {"module": name, "importer": "" if name == "app" else "app", "file": "app.py", "line": 1, "exclusive": own,
         "error": ""}
        for name, own in times.items()
    ]  # fmt: skip
    packages = [{"package": name, "self": own} for name, own in times.items()]
    return {"total": sum(times.values()), "modules": modules, "packages": packages}


def test_slower_is_what_exceeds_both_tolerances() -> None:
    tolerance = Tolerance(0.1, 0.5)
    seen = compare(profile(app=10.0, old=1.0), profile(app=10.4, new=1.0), tolerance)
    assert (seen.is_slower, [one.module for one in seen.came], seen.gone) == (False, ["new"], ("old",))
    assert [one.package for one in seen.grown] == ["new"]
    assert not compare(profile(app=10.0), profile(app=10.9), tolerance).is_slower, "a tenth is not exceeded"
    assert not compare(profile(app=1.0), profile(app=1.4), tolerance).is_slower, "half a second is not exceeded"
    seen = compare(profile(app=10.0), profile(app=11.5), tolerance)
    assert seen.is_slower
    assert [(one.package, one.before, one.after) for one in seen.grown] == [("app", 10.0, 11.5)]
