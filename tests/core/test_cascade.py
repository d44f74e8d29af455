"""What is known to follow from a name is what a plan finds."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.cascade import Cascade, follow, widely_read
from pepperpy_reload.core.plan import Action, Demand, ReloadPlan
from pepperpy_reload.core.planner import plan_and_traces
from pepperpy_reload.core.world import Cell
from tests.core.test_planner import Made, _units

LINKS = st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["import", "as", "sum", "call", "class", "whole"])))


def sources(links: list[tuple[int, str]]) -> dict[str, str]:
    """Modules each of which has something from one before it, and at last a value of its own."""
    found = {"leaf": "value = 1\n"}
    for number, (other, kind) in enumerate(links, 1):
        above = "leaf" if other % number == 0 else f"m{other % number}"
        text = {
            "import": f"from {above} import value\n",
            "as": f"from {above} import value as other\nvalue = other\n",
            "sum": f"from {above} import value\ntotal = value + 1\n",
            "call": f"from {above} import value\nmade = print(value)\n",
            "class": f"from {above} import value\nclass Made:\n    value = value\n",
            "whole": f"import {above}\nvalue = {above}.value\nseen = [{above}]\n",
        }
        found[f"m{number}"] = text[kind]
    return found


def cascade_of(old: Mapping[str, str], cell: Cell) -> Cascade | None:
    return [None, *follow(cell, Made(old, old))][-1]


def planned(old: Mapping[str, str], new: Mapping[str, str], known: Cascade | None) -> ReloadPlan:
    demand = Demand({name: f"{name}.py" for name in old if old[name] != new[name]})
    edited = {name: Made(old, new).alignment(name) for name in demand.edited}
    holds = known is not None and all(
        one is not None and name not in known.modules and known.is_beside(one, home=name == "leaf")
        for name, one in edited.items()
    )
    given = {known.cell: known} if known is not None and holds else {}
    return plan_and_traces(demand, Made(old, new), given.get)[0]


@given(LINKS, st.sampled_from(["value = 2\n", "value = 2 + 3\n", "import os\nvalue = 2\n", "value = 1\nfree = 2\n"]))
def test_a_plan_is_the_same_with_what_is_known(links: list[tuple[int, str]], leaf: str) -> None:
    old = sources(links)
    new = {**old, "leaf": leaf}
    known = cascade_of(old, Cell("leaf", "value"))
    one, other = planned(old, new, known), planned(old, new, None)
    assert (one.steps, one.cells, one.restart) == (other.steps, other.cells, other.restart)
    assert [step.reasons[-1] for step in one.steps] == [step.reasons[-1] for step in other.steps]
    if one.passed is not None:
        first, end = one.passed.first, one.passed.end
        taken = [(step.module, step.index) for step in one.steps[first:end]]
        assert taken == [tuple(place) for place in one.passed.cascade.units]
        assert one.without(first, len(taken)).steps == (*one.steps[:first], *one.steps[end:])


def test_what_only_passes_a_value_on_is_known() -> None:
    old = sources([(0, "import"), (1, "sum"), (2, "as"), (1, "class")])
    known = cascade_of(old, Cell("leaf", "value"))
    assert known is not None
    assert [str(place.module) for place in known.units] == ["m1", "m2", "m2", "m3", "m3", "m4"]
    assert [place.module for place in known.others] == ["m4"]
    plan = planned(old, {**old, "leaf": "value = 7\n"}, known)
    assert plan.passed is not None
    assert [step.action for step in plan.steps][:2] == [Action.PATCH, Action.EXECUTE]


def test_who_has_a_part_in_it_is_not_beside() -> None:
    old = {**sources([(0, "import"), (1, "import")]), "m3": "import m1\n"}
    known = cascade_of(old, Cell("leaf", "value"))
    assert known is not None

    def is_beside(name: str, text: str) -> bool:
        found = Made({**old, name: old.get(name, text)}, {**old, name: text}).alignment(name)
        assert found is not None
        return known.is_beside(found, home=name == "leaf")

    assert is_beside("leaf", "value = 5\n")
    assert is_beside("other", "def view():\n    return 1\n")
    for text in ("value = print(1)\n", "value = 2\nvalue = 3\n", "x = 1\nvalue = 2\n", "import m1\nvalue = 1\n"):
        assert not is_beside("leaf", text), text
    for text in ("seen = [m1]\n", "from m1 import *\n", "x = value\n", "globals()['x'] = 1\n", "a.value = 1\n"):
        assert not is_beside("other", text), text


def test_nothing_is_known_of_what_is_bound_twice_or_by_a_star() -> None:
    for leaf, other in (
        ("value = 1\nvalue = 2\n", "from leaf import value\n"),
        ("value = print(1)\n", "from leaf import value\n"),
        ("value = 1\n", "from leaf import *\nfrom leaf import value as two\n"),
        ("value = 1\n", "x = 1\n"),
    ):
        assert cascade_of({"leaf": leaf, "m1": other}, Cell("leaf", "value")) is None, (leaf, other)


def test_the_widest_are_chosen_first() -> None:
    units = {name: _units(text) for name, text in sources([(0, "import"), (1, "import"), (2, "import")]).items()}
    units |= {"few": _units("one = 1\n"), "m9": _units("from few import one\n")}
    assert widely_read(units, 1, 100) == [Cell("leaf", "value"), Cell("few", "one")]
    assert widely_read(units, 2, 100) == [Cell("leaf", "value")]
    assert widely_read(units, 1, 2) == [Cell("few", "one")]
