"""What a plan promises, in a made-up world: what hangs on an edit is planned, nothing else, in order, with reasons."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.deeds import Deed
from pepperpy_reload.core.difference import Alignment, align
from pepperpy_reload.core.doings import Alias
from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.plan import Action, Demand, ReloadPlan
from pepperpy_reload.core.planner import plan_reload
from pepperpy_reload.core.unit import Unit, read_units
from pepperpy_reload.core.world import Cell, Given, Key, Place, Reach, World


class Made:
    """A world of sources: numbers only, each module loaded before those that follow it."""

    def __init__(self, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        self.names = list(old)
        self._alignments = {name: align(_units(old[name]), _units(new[name])) for name in old}

    def alignment(self, module: str) -> Alignment | None:
        return self._alignments.get(module)

    def knows(self, module: str) -> bool:
        return module in self._alignments

    def imported_by_unloaded(self, module: str) -> Iterable[str]:
        return ()

    def is_silent(self, logger: str) -> bool:
        return False

    def is_of_a_library(self, entry: str) -> bool:
        return entry == "library"

    def is_a_library(self, module: str, names: Chain) -> bool:
        return names == ("library",)

    def mentioning(self, cell: Cell) -> Iterable[str]:
        return self.names

    def reading(self, cell: Cell) -> Iterable[str]:
        return self.names

    def saying(self, name: str) -> Iterable[str]:
        return self.names

    def speaking(self, name: str) -> Iterable[str]:
        return self.names

    def could_read(self, module: str, cell: Cell) -> bool:
        return True

    def imports(self, module: str, other: str) -> bool:
        return True

    def names_of_all(self) -> frozenset[str]:
        return self.names_of("")

    def may_set(self, module: str, names: frozenset[str]) -> bool:
        return True

    def names_of(self, module: str) -> frozenset[str]:
        units = (unit for alignment in self._alignments.values() for unit in (*alignment.old, *alignment.units))
        return frozenset(unit.alias.bound for unit in units if unit.alias is not None)

    def ran(self, module: str, old: int) -> frozenset[Key]:
        return frozenset()

    def runners(self, key: Key) -> Iterable[tuple[str, int]]:
        return ()

    def imported_by(self, module: str, old: int) -> Sequence[str]:
        return ()

    def triggered_by(self, module: str, old: int) -> Sequence[str]:
        return ()

    def has_imported(self, importer: str, imported: str) -> bool:
        return True

    def roots(self) -> Iterable[str]:
        return self.names

    def sequence(self) -> Iterable[str]:
        return self.names

    def trigger(self, module: str) -> tuple[str, int] | None:
        return None

    def is_imported_later(self, module: str) -> bool:
        return False

    def imported_later_by(self, module: str) -> Iterable[str]:
        return ()

    def operators(self, cell: Cell, rest: Chain) -> Mapping[str, frozenset[Key]]:
        return {}

    def callees(self, cell: Cell, rest: Chain) -> Iterable[Key]:
        return ()

    def asks(self, module: str, called: Iterable[Chain], old: int) -> bool:
        return False

    def look_up(self, module: str, heads: Iterable[Chain], old: int, *, itself: bool = False) -> bool:
        return False

    def holds(self, cell: Cell, constant: object) -> bool:
        return False

    def setting(self, cell: Cell) -> Iterable[str]:
        return ()

    def sets_behind_dot(self, module: str, name: str) -> bool:
        return True

    def deletes_attributes(self, module: str) -> bool:
        return False

    def setting_any(self, name: str) -> Iterable[str]:
        return ()

    def caches(self) -> Iterable[tuple[Cell, Key]]:
        return ()

    def functions(self, module: str, saying: frozenset[str] | None) -> Mapping[Key, FunctionFacts]:
        return {}

    def binding(self, module: str) -> Mapping[Key, FunctionFacts]:
        return {}

    def facts(self, key: Key) -> tuple[str, FunctionFacts] | None:
        return None

    def changed_keys(self, module: str, index: int) -> Iterable[Key]:
        return ()

    def told_of_heirs(self, cell: Cell, rest: Chain) -> Iterable[Key]:
        return ()

    def told_keys(self, module: str, index: int) -> Iterable[Key]:
        return ()

    def unpatchable(self, module: str, index: int) -> bool:
        return False

    def modules_held(self, module: str) -> Iterable[str]:
        return ()

    def module_held(self, cell: Cell) -> str | None:
        return None

    def module_value(self, cell: Cell) -> str:
        return ""

    def having_parts(self, cell: Cell, names: Collection[str]) -> Iterable[Cell]:
        return ()

    def class_state(self, key: Key, facts: FunctionFacts) -> Iterable[Cell]:
        return ()

    def has_class_state(self, cell: Cell) -> bool:
        return False

    def fetched(self) -> Mapping[Cell, Sequence[Place]]:
        return {}

    def given_by_getters(self) -> Mapping[str, Given]:
        return {}

    def holds_atom(self, cell: Cell) -> bool:
        return True

    def is_iterator(self, cell: Cell) -> bool:
        return False

    def is_mutable(self, cell: Cell, rest: Chain) -> bool:
        return False

    def marked(self, cell: Cell, rest: Chain, names: Collection[str]) -> Iterable[Cell]:
        return ()

    def holders(self, cell: Cell, rest: Chain, *, called: bool) -> tuple[Iterable[Cell], Iterable[Cell]]:
        return (), ()

    def lent(self, cell: Cell, rest: Chain) -> Iterable[tuple[Iterable[Cell], Iterable[Cell]]]:
        return ()

    def is_asked_for(self, cell: Cell) -> bool:
        return False

    def was_left_alone(self, cell: Cell, by: str) -> bool:
        return False

    def keepers(self, key: Key) -> Iterable[Cell]:
        return ()

    def can_refit(self, place: Place) -> bool:
        return False

    def why_not_transplant(self, place: Place) -> str:
        return "there are no classes here"

    def foreign_bases(self, place: Place) -> tuple[Iterable[Cell], str]:
        return (), ""

    def is_key(self, cell: Cell, rest: Chain, by: Cell, inner: Chain) -> bool:
        return False

    def is_made_by_a_library(self, cell: Cell) -> bool:
        return False

    def kept(self, cell: Cell) -> str:
        return ""

    def order(self, module: str) -> tuple[object, ...]:
        return (self.names.index(module),)

    def refusal(self, module: str) -> str:
        return ""

    def reach(self, module: str, deed: Deed, local: Iterable[Alias]) -> Reach | None:
        return None


def _units(source: str) -> list[Unit]:
    return read_units(source.encode(), ast.parse(source), "")


def planned(old: Mapping[str, str], new: Mapping[str, str]) -> ReloadPlan:
    world: World = Made(old, new)
    return plan_reload(Demand({name: f"{name}.py" for name in old if old[name] != new[name]}), world)


def test_a_plan_that_takes_too_long_is_given_up() -> None:
    old = {"app": "A0 = 1\n" + "".join(f"A{number} = A{number - 1}\n" for number in range(1, 200))}
    new = {"app": old["app"].replace("A0 = 1", "A0 = 2")}
    world: World = Made(old, new)
    plan = plan_reload(Demand({"app": "app.py"}, enough=lambda: True), world)
    assert "statements and more hang on it: a new process is ready sooner (app.py:1 changed)" in plan.restart
    assert not plan_reload(Demand({"app": "app.py"}), world).restart


def executed(plan: ReloadPlan) -> list[tuple[str, int]]:
    return [(step.module, step.line) for step in plan.steps if step.action is Action.EXECUTE]


@st.composite
def sums(draw: st.DrawFn) -> list[set[int]]:
    """For each of some numbers, which earlier ones it is the sum of."""
    count = draw(st.integers(1, 9))
    return [draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set() for number in range(count)]


def _sources(reads: list[set[int]], values: Mapping[int, int]) -> dict[str, str]:
    """Three numbers a module: those of other modules are imported right before they are used."""
    texts: dict[str, list[str]] = {}
    for number, others in enumerate(reads):
        lines = texts.setdefault(f"m{number // 3}", [])
        for other in sorted(others):
            if other // 3 != number // 3 and (line := f"from m{other // 3} import x{other}") not in lines:
                lines.append(line)
        lines.append(
            f"x{number} = {' + '.join([str(values.get(number, 0)), *(f'x{other}' for other in sorted(others))])}"
        )
    return {name: "\n".join(lines) + "\n" for name, lines in texts.items()}


def _needed(reads: list[set[int]], edited: int) -> set[int]:
    needed = {edited}
    for number, others in enumerate(reads):
        if others & needed:
            needed.add(number)
    return needed


@given(sums(), st.data())
def test_what_reads_something_stale_is_planned_and_nothing_else(reads: list[set[int]], data: st.DataObject) -> None:
    edited = data.draw(st.integers(0, len(reads) - 1))
    old, new = _sources(reads, {}), _sources(reads, {edited: 1})
    plan = planned(old, new)
    texts = [new[module].splitlines()[line - 1] for module, line in executed(plan)]
    needed = _needed(reads, edited)
    assert plan.restart == ""
    assert {text.split(" = ")[0] for text in texts if " = " in text} == {f"x{number}" for number in needed}
    imported = {text.rpartition(" ")[2] for text in texts if " = " not in text}
    assert imported <= {f"x{number}" for number in needed}


@given(sums(), st.data())
def test_steps_stand_in_the_order_of_a_cold_start(reads: list[set[int]], data: st.DataObject) -> None:
    edited = data.draw(st.integers(0, len(reads) - 1))
    steps = executed(planned(_sources(reads, {}), _sources(reads, {edited: 1})))
    assert steps == sorted(steps)


@given(sums(), st.data())
def test_reasons_lead_back_to_the_edit(reads: list[set[int]], data: st.DataObject) -> None:
    edited = data.draw(st.integers(0, len(reads) - 1))
    plan = planned(_sources(reads, {}), _sources(reads, {edited: 1}))
    for step in plan.steps:
        if step.action is Action.EXECUTE:
            assert step.reasons[-1].startswith(f"m{edited // 3}.py:"), step.reasons


def test_who_reads_a_name_that_is_gone_is_stale() -> None:
    old = {"a": "x = 1\ny = 2\n", "b": "from a import x\nz = x\n", "c": "from a import y\n"}
    plan = planned(old, {**old, "a": "y = 2\n"})
    assert executed(plan) == [("b", 1), ("b", 2)]
    assert [(step.module, step.name) for step in plan.steps if step.action is Action.DROP] == [("a", "x")]


def test_layout_asks_for_nothing_to_be_executed() -> None:
    old = {"a": "x = 1\ny = x\n"}
    plan = planned(old, {"a": "# a remark\nx   =   1\n\ny = x\n"})
    assert plan.only_patches
    assert executed(plan) == []


def test_a_plan_is_the_same_every_time() -> None:
    old = {"a": "x = 1\n", "b": "from a import x\ny = x\n"}
    new = {**old, "a": "x = 2\n"}
    assert planned(old, new) == planned(old, new)
