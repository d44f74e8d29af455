"""Which modules may be imported before anything is asked, and what a statement must not do to come after them."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.inert import steps
from pepperpy_reload.core.snapshots import groups, needs, usable, without

NAMES = ("a", "b", "c", "p", "p.x", "p.y", "q.z")
imports = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3), max_size=len(NAMES))
orders = st.permutations(NAMES)
files = st.lists(st.lists(st.sampled_from("abcdef"), unique=True), max_size=5)


@given(orders, imports)
def test_a_group_needs_only_what_came_before_or_with_it(order: list[str], graph: Mapping[str, list[str]]) -> None:
    found = groups(order, graph)
    members = [name for group in found for name in group.members]
    assert members == order[: len(members)]
    there: set[str] = set()
    for group in found:
        there |= set(group.members)
        assert all(needs(name, graph) & set(order) <= there for name in group.members)


@given(orders, imports)
def test_all_are_in_groups_where_each_needs_only_what_came_before(
    order: list[str], graph: dict[str, list[str]]
) -> None:
    order = sorted(order, key=lambda name: name.count("."))
    earlier = {
        name: [one for one in graph.get(name, ()) if order.index(one) < place] for place, name in enumerate(order)
    }
    assert [group.members for group in groups(order, earlier)] == [(name,) for name in order]


@given(orders, imports, st.sets(st.sampled_from(NAMES)))
def test_nothing_is_left_that_hangs_on_what_was_edited(
    order: list[str], graph: Mapping[str, list[str]], edited: set[str]
) -> None:
    found = groups(order, graph)
    left = without(found, graph, edited)
    names = {name for group in left for name in group.members}
    gone = {name for group in found for name in group.members} - names | edited
    assert all(gone.isdisjoint({name, *needs(name, graph)}) for name in names)
    assert [group for group in found if group in left] == left
    assert without(found, graph, ()) == found


@given(files, st.sets(st.sampled_from("abcdef")))
def test_the_largest_snapshot_is_used_that_nothing_has_touched(snapshots: list[list[str]], touched: set[str]) -> None:
    number = usable(snapshots, touched)
    possible = [one for one in snapshots if touched.isdisjoint(one)]
    if number is None:
        assert not possible
    else:
        assert touched.isdisjoint(snapshots[number])
        assert len(snapshots[number]) == max(map(len, possible))


def deed(text: str) -> bool:
    """Whether there is one, or something is needed."""
    return any(step.deed for step in steps(text.encode()))


def test_what_only_binds_names_is_inert() -> None:
    for text in (
        '"""Doc."""\nimport os\nfrom a import b\n',
        "X = 1\nY: int = 2\nZ = (1, [2], {'a': X})\n",
        "def f(x: int = 1, *y: list[int]) -> str | None: return g(x)\n",
        "async def f(): await g()\n",
        "class A:\n    x = 1\n    @property\n    def f(self): return 1\n",
        "class E(ValueError):\n    pass\n",
        "try:\n    import a\nexcept ImportError:\n    a = None\n",
        "if TYPE_CHECKING:\n    import a\n",
        "import sys\nif sys.version_info >= (3, 12):\n    X = 1\nelse:\n    X = 2\n",
        "from .a import _b\n",
    ):
        assert not deed(text), text


def test_what_may_do_more_is_not() -> None:
    for text in (
        "f.x = 1\n",
        "x[1] = 2\n",
        "x += 1\n",
        "del x\n",
        "@decorated\ndef f(): pass\n",
        "class A(B): pass\n",
        "class A(metaclass=M): pass\n",
        "class A:\n    x = make\n",
        "class A:\n    f()\n",
        "X = [y for y in z]\n",
        "X = a.b.c\n",
        "X = a[0]\n",
        "X = f'{x}'\n",
        "def f(x: g()): pass\n",
        "for x in y: pass\n",
        "with x: pass\n",
        "if x: y = 1\n",
        "try:\n    import a\nexcept handled():\n    pass\n",
        "from a import _b\n",
        "from a import *\nproperty = 1\nclass A:\n    @property\n    def f(self): pass\n",
        "def __getattr__(name): pass\n",
        "X = f(g())\n",
        "f(X)\n",
        "X = {**y}\n",
        "X = y * y\ny = 1\ny = 2\n",
    ):
        assert deed(text), text


def test_what_is_computed_must_be_plain() -> None:
    assert steps(b"def f(x=g()): pass\n")[0].calls == {("g",)}
    found = steps(b"X = a * b + 1\nY = m.x\nT = TypeVar('T')\nlogger = logging.getLogger(__name__)\n")
    assert [step.line for step in found] == [1, 2, 3, 4]
    assert found[0].values == {"a", "b"}
    assert found[1].modules == {"m"}
    assert found[2].calls == {("TypeVar",)}
    assert found[3].calls == {("logging", "getLogger")}
    assert found[3].values == {"__name__"}
