"""What imports cost: the laws of exclusive time over made-up graphs, and chains."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.costs import ROOT, Costs, Load, Use
from pepperpy_reload.core.medians import median_run

NAMES = [f"m{number}" for number in range(8)]


@st.composite
def runs(draw: st.DrawFn) -> Costs:
    """A run in which each module imports some of those that follow it; who comes first has it inside."""
    imports = {name: draw(st.lists(st.sampled_from(NAMES[number + 1 :] or [name]), max_size=4, unique=True))
               for number, name in enumerate(NAMES)}  # fmt: skip
    own = {name: draw(st.integers(1, 50)) for name in NAMES}
    loads: list[Load] = []
    uses: list[Use] = []
    clock = 0.0

    def load(name: str, parent: int, importer: str) -> None:
        nonlocal clock
        number, start = len(loads), clock
        loads.append(Load(name))
        clock += own[name]
        for line, other in enumerate(imports[name], 1):
            if other == name:
                continue
            uses.append(Use(name, f"{name}.py", line, "", other, time=clock))
            if other not in {one.name for one in loads}:
                load(other, number, name)
        loads[number] = Load(name, 0, parent, importer, f"{importer}.py", 1, start, clock)

    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)):
        uses.append(Use("__main__", "main.py", 1, "", name, time=clock))
        if name not in {one.name for one in loads}:
            load(name, -1, "__main__")
    return Costs(tuple(loads), tuple(uses), frozenset(NAMES))


def without(costs: Costs, gone: set[str]) -> float:
    """The oracle: the self times of what a search from the target does not come to any more."""
    reached, waiting = {ROOT}, [ROOT]
    while waiting:
        one = waiting.pop()
        for importer, imported in costs.edges:
            if importer == one and imported not in reached | gone:
                reached.add(imported)
                waiting.append(imported)
    return sum(costs.self_times[number] for name, number in costs.by_name.items() if name not in reached)


@given(runs())
def test_exclusive_time_is_what_is_no_longer_reached(costs: Costs) -> None:
    for name in costs.by_name:
        assert costs.exclusive(name) == without(costs, {name})
    for importer, imported in costs.edges:
        assert 0 <= costs.saved_without(importer, imported) <= costs.exclusive(imported)


@given(runs())
def test_self_times_add_up_and_chains_lead_from_the_target(costs: Costs) -> None:
    assert costs.total == sum(costs.loads[number].duration for number in costs.children[-1])
    for name in costs.by_name:
        chains = costs.chains(name)
        assert chains
        assert {chain[-1].importer for chain in chains} == {one for one, other in costs.edges if other == name}
        for chain in chains:
            assert (chain[0].importer, chain[-1].imported) == (ROOT, name)
            assert all(one.imported == other.importer for one, other in pairwise(chain))


@given(st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_medians_of_runs(own: list[int]) -> None:
    def run(factor: int) -> Costs:
        outer = Load("outer", end=factor * 3.0)
        return Costs((outer, Load("inner", parent=0, importer="outer", start=float(factor), end=factor * 2.0)))

    middle = median_run([run(one) for one in own])
    half = sorted(own)[1]
    assert middle.self_times == [2.0 * half, 1.0 * half]
    assert middle.loads[0].duration == 3.0 * half


def test_a_package_is_saved_with_its_modules() -> None:
    loads = (
        Load("a", end=10.0),
        Load("pkg", parent=0, importer="a", line=1, start=1.0, end=4.0),
        Load("pkg.deep", parent=0, importer="a", line=2, start=5.0, end=9.0),
        Load("only", parent=2, importer="pkg.deep", line=1, start=6.0, end=7.0),
    )
    uses = (
        Use("a", "a.py", 1, "", "pkg", time=1.0), Use("a", "a.py", 2, "", "pkg.deep", time=5.0),
        Use("pkg.deep", "deep.py", 1, "", "only", time=6.0),
    )  # fmt: skip
    costs = Costs(loads, uses)
    assert costs.exclusive("pkg") == 7.0
    assert costs.exclusive("pkg.deep") == 4.0
    assert [group.name for group in costs.groups()][:2] == ["a", "pkg"]


def test_relative_names_and_submodules_among_names() -> None:
    use = Use("pkg.one", "one.py", 1, "", "", ("two", "value"), 1, "pkg", time=2.0)
    assert use.module == "pkg"
    assert Use("p.q.r", "", 1, "", "x", level=2, package="p.q").module == "p.x"
    loads = (
        Load("pkg", end=5.0),
        Load("pkg.one", parent=0, start=1.0, end=4.0),
        Load("pkg.two", parent=1, start=2.5, end=3.0, importer="pkg.one", line=1),
    )
    found = {imported for importer, imported in Costs(loads, (use,)).edges if importer == "pkg.one"}
    assert found == {"pkg", "pkg.two"}


def test_what_a_function_imports_hangs_on_whoever_was_being_loaded_when_it_ran() -> None:
    """`lazy` gives `deep` when somebody asks for it; `first` does so first, and `other` asks for it as well."""
    loads = (
        Load("lazy", end=1.0), Load("first", start=1.0, end=5.0), Load("deep", parent=1, start=2.0, end=4.0,
        importer="part"), Load("part", start=1.5, end=1.6, parent=1), Load("other", start=5.0, end=6.0),
    )  # fmt: skip
    uses = [Use("__main__", "main.py", line, "", name) for line, name in enumerate(("lazy", "first", "other"))]
    by_first = Use("lazy", "lazy.py", 1, "__getattr__", "deep", time=1.0, ended=4.5, inside=1)
    costs = Costs(loads, [*uses, by_first])
    assert costs.saved_without("", "first") == 4.0, "with deep"
    by_other = replace(by_first, time=5.5, ended=5.6, inside=4)
    assert Costs(loads, [*uses, by_first, by_other]).saved_without("", "first") == 2.0, "other needs it too"


def test_the_median_of_runs_keeps_who_imports_whom() -> None:
    def run(slow: float) -> Costs:
        """`app` imports `a`, which takes long or not, and then `b` and something of it."""
        a = 1 + slow
        loads = (
            Load("app", end=a + 3), Load("a", parent=0, start=1, end=a),
            Load("b", parent=0, start=a + 1, end=a + 2), Load("b.c", parent=2, start=a + 1.5, end=a + 1.7),
        )  # fmt: skip
        uses = [Use("app", "app.py", 1, "", "a", time=0.1, ended=a + 0.1)]
        uses += [Use("app", "app.py", 2, "", "b", ("c",), time=a + 0.1, ended=a + 2.1)]
        return Costs(loads, uses)

    edges = run(1.0).edges.keys()
    assert ("app", "b.c") in edges
    for slow in ((0.1, 1.0, 5.0), (3.0, 0.1, 0.2)):
        seen = median_run([run(one) for one in slow])
        assert seen.edges.keys() == edges
        assert not any(edge.back for edge in seen.edges.values())
