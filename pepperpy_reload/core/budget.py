"""What a target's imports may cost at most, and what broke that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pepperpy_reload.core.costs import Costs
from pepperpy_reload.core.cycles import Circle, Harm
from pepperpy_reload.core.graph import Edge


@dataclass(frozen=True, slots=True)
class Budget:
    """The bounds of one target; None is no bound.

    `max_ratio` is that of the processor time of a process that imports the target to that of a bare interpreter.
    `allowed_cycles` are groups of modules that may import each other while they load; None allows all cycles.
    """

    target: str
    forbidden: tuple[str, ...] = ()
    max_modules: int | None = None
    max_ratio: float | None = None
    allowed_cycles: tuple[tuple[str, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """One bound that was broken, as a sentence, and the imports that did it."""

    text: str
    chain: tuple[Edge, ...] = ()
    cycle: Circle | None = None


def breaches(budget: Budget, costs: Costs, cycles: Sequence[Circle], ratio: float | None) -> list[Breach]:
    """All that a run broke; `ratio` is None if nobody has measured it."""
    found = [*_forbidden(budget, costs), *_unwanted(budget, cycles)]
    count = len(costs.by_name)
    if budget.max_modules is not None and count > budget.max_modules:
        sizes = Counter(name.partition(".")[0] for name in costs.by_name if name.partition(".")[0] != _top(budget))
        [(package, size)] = sizes.most_common(1) or [("", 0)]
        most = f", {size} of them of {package}" if package else ""
        text = f"{count} modules are loaded{most}; {budget.max_modules} are allowed"
        found.append(Breach(text, _way_to(costs, package)))
    if budget.max_ratio is not None and ratio is not None and ratio > budget.max_ratio:
        dearest = next((group for group in costs.groups() if group.name != _top(budget)), None)
        most = f"; most would be saved without {dearest.name}" if dearest else ""
        text = (
            f"the start takes {ratio:.1f} times what the bare interpreter takes, {budget.max_ratio:g} is allowed{most}"
        )
        found.append(Breach(text, _way_to(costs, dearest.name) if dearest else ()))
    return found


def _top(budget: Budget) -> str:
    return budget.target.partition(":")[0].partition(".")[0]


def _forbidden(budget: Budget, costs: Costs) -> Iterator[Breach]:
    for name in budget.forbidden:
        inside = [other for other in costs.by_name if other == name or other.startswith(f"{name}.")]
        loaded = [other for other in inside if not costs.loads[costs.by_name[other]].error]
        if loaded:
            yield Breach(f"{name} is loaded, which is forbidden", _way_to(costs, loaded[0]))


def _unwanted(budget: Budget, cycles: Sequence[Circle]) -> Iterator[Breach]:
    if budget.allowed_cycles is None:
        return
    for cycle in cycles:
        is_allowed = any(set(cycle.modules) <= {*group} for group in budget.allowed_cycles)
        if cycle.harm in (Harm.NOW, Harm.IMPORT) and not is_allowed:
            yield Breach(f"there is an import cycle ({cycle.harm}) that is not allowed", cycle=cycle)


def _way_to(costs: Costs, name: str) -> tuple[Edge, ...]:
    names = [name, *(other for other in costs.by_name if other.startswith(f"{name}."))]
    return next((chains[0] for one in names if (chains := costs.chains(one))), ())
