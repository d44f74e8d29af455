"""What is blamed on a reload, and what is state: by portraits drawn by hand."""

from __future__ import annotations

from typing import Any

import pytest

from pepperpy_reload.auditing.places import WHOLE, differing
from pepperpy_reload.auditing.snapshot import Snapshot
from pepperpy_reload.auditing.verdict import Evidence, judge, kept_places, state_before
from pepperpy_reload.comparing.portrait import Node, Portrait

MODULE, CACHE = 2, 3
"""Addresses."""


def process(*, alias: bool = True, cache: tuple[str, ...] = (), more: tuple[str, ...] = (), **values: int) -> Snapshot:
    """A module `m` with plain values, and a dict `m.cache` that is also found in module `a`, which comes first."""
    edges: dict[str, Any] = {f".{name}": ["int", str(value)] for name, value in values.items()}
    edges |= {f".{name}": ["int", "0"] for name in more}
    keys: dict[str, Any] = {f"[{key}]": ["int", "1"] for key in cache}
    nodes = [
        Node("modules", {"names": ["a", "m"]}, {"a": 1, "m": 2}),
        Node("module", {"name": "a", "names": ["cache"] if alias else []}, {".cache": 3} if alias else {}),
        Node("module", {"name": "m", "names": sorted([*values, *more, "cache"])}, {**edges, ".cache": 3}),
        Node("instance", {"of": "builtins.dict", "keys": list(cache)}, keys),
    ]
    return Snapshot(Portrait(nodes, {}), list(range(len(nodes))))


def blamed(before: Snapshot, former: Snapshot, after: Snapshot, fresh: Snapshot, *, quiet: bool) -> list[str]:
    evidence = Evidence(before, former, after, fresh, quiet)
    return [finding.path for finding in judge(evidence, state_before(evidence))]


@pytest.mark.parametrize("quiet", [True, False])
def test_what_was_not_brought_up_to_date_is_blamed(quiet: bool) -> None:
    old, new = process(x=1, y=1), process(x=2, y=2)
    assert blamed(old, old, process(x=2, y=1), new, quiet=quiet) == ["m.y"]
    assert blamed(old, old, new, new, quiet=quiet) == []


@pytest.mark.parametrize(("quiet", "expected"), [(True, ["m.x"]), (False, [])])
def test_what_only_the_process_has_changed_is_blamed_if_nothing_else_ran(quiet: bool, expected: list[str]) -> None:
    old, new = process(x=1, y=1), process(x=1, y=2)
    assert blamed(old, old, process(x=7, y=2), new, quiet=quiet) == expected


def test_what_differed_before_is_state_whatever_way_leads_there() -> None:
    before, former = process(cache=("used",), hits=3, x=1), process(hits=0, x=1)
    after, fresh = process(cache=("used", "more"), hits=9, x=1, alias=False), process(hits=0, x=2, alias=False)
    assert blamed(before, former, after, fresh, quiet=True) == ["m.x"]


def test_a_container_is_one_place_and_of_a_module_every_name_is() -> None:
    one, other = process(cache=("a", "b"), more=("p",)), process(cache=("b", "c"), more=("q",))
    places = {place.path: place for place in differing(one.portrait, other.portrait)}
    assert set(places) == {"m.p", "m.q", "a.cache"}
    assert places["a.cache"].spot == (CACHE, WHOLE)
    assert (places["a.cache"].one, places["a.cache"].other) == ("holds ['a']", "holds ['c']")
    assert (places["m.q"].one, places["m.q"].other) == ("nothing", "0")


def test_known_places_are_passed_over_with_all_below() -> None:
    one, other = process(cache=("a",), x=1), process(cache=("b",), x=2)
    known = {(MODULE, ".x"), (CACHE, WHOLE)}
    assert list(differing(one.portrait, other.portrait, known)) == []


def test_what_is_kept_is_known_with_what_it_holds() -> None:
    after = process(cache=("a",), x=1)
    assert kept_places(after, {"m": ["cache", "x"], "gone": ["y"]}) == {
        *((MODULE, ".cache"), (CACHE, WHOLE), (MODULE, ".x")),
    }
    assert kept_places(after, {"m": [WHOLE]}) == {(MODULE, WHOLE)}
