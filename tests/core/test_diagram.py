"""The import graph as it is drawn: the laws of its layers, and which links are drawn and how."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.costs import Costs, Load, Use
from pepperpy_reload.core.diagram import Diagram, Link, diagram, groups
from pepperpy_reload.core.dot import dot
from pepperpy_reload.core.graph import strong_components
from pepperpy_reload.core.layers import GAP, lay_out, layers

NAMES = [f"m{number}" for number in range(9)]
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=30, unique=True)


@given(PAIRS)
def test_links_lead_downwards_but_in_cycles(pairs: list[tuple[str, str]]) -> None:
    links = [(one, other) for one, other in pairs if one != other]
    found = layers(NAMES, links)
    level = {name: number for number, row in enumerate(found) for name in row}
    assert sorted(level) == NAMES
    assert all(found)
    below = {name: [other for one, other in links if one == name] for name in NAMES}
    home = {name: number for number, group in enumerate(strong_components(NAMES, below.__getitem__)) for name in group}
    for one, other in links:
        assert level[one] < level[other] or home[one] == home[other]
    for group in strong_components(NAMES, below.__getitem__):
        assert len(group) == 1 or len({level[name] for name in group}) > 1, "a cycle is no heap"


@given(PAIRS, st.lists(st.floats(10, 200), min_size=9, max_size=9))
def test_boxes_never_overlap(pairs: list[tuple[str, str]], widths: list[float]) -> None:
    boxes = lay_out(dict(zip(NAMES, widths, strict=True)), [(one, other) for one, other in pairs if one != other], 400)
    rows: dict[float, list[tuple[float, float]]] = {}
    for name, box in boxes.items():
        assert box.width == widths[NAMES.index(name)]
        assert box.x >= -1e-6
        rows.setdefault(box.y, []).append((box.x, box.x + box.width))
    for row in rows.values():
        for one, other in pairwise(sorted(row)):
            assert other[0] - one[1] >= GAP - 1e-6
        assert len(row) == 1 or sum(end - start for start, end in row) <= 400


def run(*uses: Use) -> Costs:
    """`main` loads everything, and each module is loaded when it is first asked for."""
    names = ["main", "shop", "shop.prices", "shop.rates", "tools", "tools.deep"]
    inside = {"shop": 0, "shop.prices": 1, "shop.rates": 2, "tools": 0, "tools.deep": 0}
    spans = [(0, 100), (1, 50), (2, 40), (3, 10), (60, 70), (75, 80)]
    loads = tuple(
        Load(name, parent=inside.get(name, -1), importer=names[inside[name]] if name in inside else "",
             file="it.py", line=1, start=start, end=end, origin=f"{name}.py")
        for name, (start, end) in zip(names, spans, strict=True)
    )  # fmt: skip
    return Costs(loads, uses, frozenset(names))


def link(drawn: Diagram, importer: str, imported: str) -> Link | None:
    return next((one for one in drawn.links if (one.importer, one.imported) == (importer, imported)), None)


def test_what_is_drawn_of_a_run() -> None:
    costs = run(
        Use("shop.prices", "prices.py", 4, "", "shop.rates", time=3),
        Use("shop.rates", "rates.py", 1, "", "shop.prices", ("VALUE",), time=4),
        Use("tools", "tools.py", 2, "load", "main", time=90),
        Use("main", "main.py", 9, "", "shop.rates", time=55),
    )
    drawn = diagram(costs, set(costs.by_name), "main")
    assert [node.name for node in drawn.nodes] == list(costs.by_name)
    assert link(drawn, "shop.prices", "shop") is None, "its own package is only on the way"
    back = link(drawn, "shop.rates", "shop.prices")
    assert back is not None
    assert (back.back, back.cycle, back.leads_down, back.line) == (True, True, False, 1)
    late = link(drawn, "tools", "main")
    assert late is not None
    assert (late.early, late.cycle) == (False, True)
    early = link(drawn, "main", "tools")
    assert early is not None
    assert not early.cycle, "only the late link makes it one"
    far = link(drawn, "main", "shop.rates")
    assert far is not None
    assert far.follows
    assert [one.name for one in diagram(costs, {"tools", "tools.deep"}, "main").nodes] == ["tools", "tools.deep"]


def test_packages_as_nodes() -> None:
    costs = run(Use("main", "main.py", 9, "", "shop.rates", time=55))
    drawn = diagram(costs, set(costs.by_name), "main", grouped=True)
    assert [(node.name, node.modules) for node in drawn.nodes] == [("main", 1), ("shop", 3), ("tools", 2)]
    joined = link(drawn, "main", "shop")
    assert joined is not None
    assert joined.count == 2


def test_a_script_is_a_node() -> None:
    costs = Costs((Load("only", end=1.0, file="it.py", line=3),), (Use("__main__", "it.py", 3, "", "only"),))
    drawn = diagram(costs, {"only"}, "it.py")
    assert [node.name for node in drawn.nodes] == ["it.py", "only"]
    assert link(drawn, "it.py", "only") is not None


def test_what_could_not_be_loaded_is_no_module() -> None:
    loads = (Load("it", end=2.0), Load("gone", parent=0, importer="it", line=1, start=0.5, end=1.0, error="No: gone"))
    drawn = diagram(Costs(loads), {"it", "gone"}, "it")
    assert [node.name for node in drawn.nodes] == ["it"]
    assert drawn.links == ()


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a", "b.c"], ["a", "b"]),
        (["a", "a.b", "a.c.d"], ["a", "a.b", "a.c"]),
        (["a.b.c", "a.b.d"], ["a.b.c", "a.b.d"]),
        (["a"], ["a"]),
        ([], []),
    ],
)
def test_the_packages_by_which_modules_are_coloured(names: list[str], found: list[str]) -> None:
    assert list(groups(names).values()) == found


def test_dot() -> None:
    costs = run(Use("shop.rates", "rates.py", 1, "", "shop.prices", ("VALUE",), time=4))
    text = dot(diagram(costs, set(costs.by_name), 'ma"in'))
    assert text.startswith("digraph imports {")
    assert text.count("{") == text.count("}")
    assert 'label="shop"; style=rounded' in text
    assert '"shop.rates" -> "shop.prices" [color="#c8321f", penwidth=2, tooltip="rates.py:1"];' in text
