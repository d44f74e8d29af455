"""Import cycles: each is closed by an import, is the shortest way round it, and goes when its cut is made."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.costs import Costs, Load, Use
from pepperpy_reload.core.cycles import Circle, Harm, Remedy, circles
from pepperpy_reload.core.imports import Source
from pepperpy_reload.core.reading import read_source

NAMES = ["a", "b", "c", "d", "e"]
LINES = ["import {0}", "def f_{0}():\n    import {0}", "if TYPE_CHECKING:\n    import {0}"]


def sources(**texts: str) -> dict[str, Source]:
    return {name: read_source(name, f"{name}.py", text.encode(), is_package=False) for name, text in texts.items()}


def of_sources(given: Mapping[str, Source]) -> list[Circle]:
    return circles(Costs(()), given)


@given(st.dictionaries(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), st.integers(0, 2), max_size=12))
def test_every_cycle_is_found_as_its_shortest_chain(edges: dict[tuple[str, str], int]) -> None:
    texts = {
        name: "\n".join(LINES[kind].format(other) for (one, other), kind in edges.items() if one == name)
        for name in NAMES
    }
    found = of_sources(sources(**texts))
    for kind, harm in enumerate((Harm.IMPORT, Harm.DEFERRED, Harm.TYPING)):
        graph = {pair for pair, one in edges.items() if one <= kind and pair[0] != pair[1]}
        closed = {pair for pair in graph if edges[pair] == kind and distance(graph, pair[1], pair[0]) is not None}
        named = [one for one in found if one.harm is harm]
        assert {(step.importer, step.imported) for one in named for step in one.steps} >= closed
        for one in named:
            pairs = [(step.importer, step.imported) for step in one.steps]
            assert set(pairs) <= graph
            assert all(one[1] == other[0] for one, other in zip(pairs, pairs[1:] + pairs[:1], strict=True))
            assert any(distance(graph, pair[1], pair[0]) == len(pairs) - 1 for pair in pairs if pair in closed)


def distance(graph: set[tuple[str, str]], start: str, end: str) -> int | None:
    reached, steps = {start}, 0
    while end not in reached:
        further = reached | {other for one, other in graph if one in reached}
        if further == reached:
            return None
        reached, steps = further, steps + 1
    return steps


def test_where_a_cycle_can_be_cut() -> None:
    [one] = of_sources(sources(a="import b\nX = b.Y", b="import a\ndef f():\n    return a.X"))
    assert one.cut is not None
    assert (one.cut.importer, one.cut.line, one.remedy) == ("b", 1, Remedy.FUNCTION)
    annotated = "from __future__ import annotations\nfrom a import X\ndef f(x: X): pass"
    [one] = of_sources(sources(a="import b\nX = b.f", b=annotated))
    assert (one.remedy, one.cut and one.cut.line) == (Remedy.TYPING, 2)
    [one] = of_sources(sources(a="import b\nX = b.Y", b="import a\nY = a"))
    assert one.cut is None
    [one] = of_sources(sources(a="import b\nX = b.Y", b="import a\ndef f():\n    return a", c="from b import a"))
    assert one.cut is None, "others take the name from there"


def test_a_package_makes_no_cycle_with_its_modules_unless_they_take_its_own_names() -> None:
    loads = (Load("p", end=9.0), Load("p.a", parent=0, start=1, end=8), Load("p.b", parent=1, start=2, end=3))
    uses = [
        Use("p", "p.py", 1, "", "p", ("a",), time=1.0),
        Use("p.a", "a.py", 1, "", "", ("b",), 1, "p", time=2.0),
        Use("p.a", "a.py", 2, "", "p.b", time=2.5),
    ]
    assert circles(Costs(loads, uses), {}) == []
    uses.append(Use("p.b", "b.py", 1, "", "p", ("VALUE",), time=2.5, missing=("VALUE",)))
    [one] = circles(Costs(loads, uses), {})  # nobody's own, but harmful
    assert (one.harm, one.modules) == (Harm.NOW, ("p", "p.a", "p.b"))


def test_a_module_that_its_package_loads_for_it_is_executed_only_then() -> None:
    """`import p.c` loads p first, and that loads p.a, which loads p.b and only then p.c."""
    loads = (
        Load("p.c", end=9.0), Load("p", parent=0, start=1, end=8), Load("p.a", parent=1, start=2, end=7),
        Load("p.b", parent=2, start=3, end=4), Load("p.c", parent=2, start=5, end=6),
    )  # fmt: skip
    uses = [Use("p.a", "a.py", 1, "", "p.b", time=2.5), Use("p.a", "a.py", 2, "", "p.c", time=4.5)]
    uses += [Use("p.b", "b.py", 1, "", "p.a", time=3.5), Use("p.c", "c.py", 1, "", "p.b", time=5.5)]
    costs = Costs(loads, uses)
    given = {name: read_source(name, f"{name}.py", b"", is_package=False) for name in ("p.a", "p.b", "p.c")}
    assert [one.modules for one in circles(costs, given)] == [("p.a", "p.b")]
    assert not costs.edges["p.a", "p.c"].back
