"""Several runs of one target as one: each load takes the median of what it took."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from operator import itemgetter

from pepperpy_reload.core.costs import Costs, Load, Use


def median_run(runs: Sequence[Costs]) -> Costs:
    """The run in the middle, with the medians of all runs as self times of its loads; what is inside adds up."""
    middle = sorted(runs, key=lambda run: run.total)[len(runs) // 2]
    known: dict[str, list[float]] = {}
    for run in runs:
        for name, number in run.by_name.items():
            known.setdefault(name, []).append(run.self_times[number])
    own = [
        _median(known[load.name]) if middle.by_name[load.name] == number else middle.self_times[number]
        for number, load in enumerate(middle.loads)
    ]
    loads = tuple(_timed(middle, own))
    return Costs(loads, tuple(_moved(middle, loads)), middle.modules)


def _moved(run: Costs, loads: Sequence[Load]) -> Iterator[Use]:
    """The uses of a run whose loads have got other times: each stays between the same beginnings and ends."""
    moments: dict[int, list[tuple[float, float]]] = {}
    for old, new in zip(run.loads, loads, strict=True):
        moments.setdefault(old.thread, []).extend(((old.start, new.start), (old.end, new.end)))
    for found in moments.values():
        found.sort()

    def moved(thread: int, time: float) -> float:
        found = moments.get(thread, [])
        place = bisect_right(found, time, key=itemgetter(0)) - 1
        return time + found[place][1] - found[place][0] if place >= 0 else time

    for use in run.uses:
        yield replace(use, time=moved(use.thread, use.time), ended=moved(use.thread, use.ended))


def _timed(run: Costs, own: Sequence[float]) -> Iterable[Load]:
    """The loads with other self times, one behind the other as they were."""
    took = list(own)
    for number in reversed(range(len(run.loads))):
        if (parent := run.loads[number].parent) >= 0:
            took[parent] += took[number]
    shift = [0.0] * len(run.loads)
    for number, load in enumerate(run.loads):
        # What comes before it inside its parent takes another time now, and moves it.
        before = [child for child in run.children.get(load.parent, ()) if child < number]
        base = shift[load.parent] if load.parent >= 0 else 0.0
        shift[number] = base + sum(took[child] - run.loads[child].duration for child in before)
        start = load.start + shift[number]
        yield replace(load, start=start, end=start + took[number])


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
