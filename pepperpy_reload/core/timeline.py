"""The imports of one run as bars over time: a lane for each thread, and in it a row for each depth of nesting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pepperpy_reload.core.costs import Costs


@dataclass(frozen=True, slots=True)
class Bar:
    """One load, by its number in the run. It lies inside the bar in the row above it. Seconds."""

    number: int
    depth: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Lane:
    """What one thread loaded, in the order in which it began. `rows` is how deep it is nested."""

    name: str
    thread: int
    bars: tuple[Bar, ...]
    rows: int


def lanes(costs: Costs) -> list[Lane]:
    """A lane for each thread that loaded anything, that of the target first.

    Bars never overlap in a row, and never leave the bar above them, whatever rounding and medians have made of the
    times; none is shorter than nothing.
    """
    threads: dict[int, list[int]] = {}
    for number in costs.children.get(-1, ()):
        threads.setdefault(costs.loads[number].thread, []).append(number)
    found = []
    for place, (thread, tops) in enumerate(threads.items()):
        bars = _bars(costs, tops)
        name = "main thread" if place == 0 else f"thread {place + 1}"
        found.append(Lane(name, thread, tuple(bars), max(bar.depth for bar in bars) + 1))
    return found


def _bars(costs: Costs, tops: Sequence[int]) -> list[Bar]:
    """Bars in the order of their beginnings: each before those inside of it."""
    found: list[Bar] = []
    free = [min(costs.loads[number].start for number in tops)]  # by depth: where the next bar may begin
    ends: list[float] = [float("inf")]  # by depth: where it has to end
    waiting = [(number, 0) for number in reversed(tops)]
    while waiting:
        number, depth = waiting.pop()
        load = costs.loads[number]
        start = min(max(load.start, free[depth]), ends[depth])
        end = min(max(load.end, start), ends[depth])
        found.append(Bar(number, depth, start, end))
        free[depth] = end
        del free[depth + 1 :], ends[depth + 1 :]
        free.append(start)
        ends.append(end)
        waiting += [(child, depth + 1) for child in reversed(costs.children.get(number, ()))]
    return found
