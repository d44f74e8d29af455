"""Imports as bars over time, and as files for other viewers: the laws of what is drawn, over made-up runs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.core.costs import Costs, Load
from pepperpy_reload.core.timeline import Bar, lanes
from pepperpy_reload.core.viewers import speedscope, trace_events

MOMENTS = st.floats(0, 10, allow_nan=False)


@st.composite
def messy(draw: st.DrawFn) -> Costs:
    """Loads on several threads whose times do not fit each other: rounding and medians do that, only less."""
    loads: list[Load] = []
    for number in range(draw(st.integers(1, 12))):
        parent = draw(st.integers(-1, number - 1))
        thread = loads[parent].thread if parent >= 0 else draw(st.integers(1, 3))
        loads.append(Load(f"m{number}", thread, parent, start=draw(MOMENTS), end=draw(MOMENTS)))
    return Costs(tuple(loads))


@given(messy())
def test_bars_lie_in_those_above_them_and_beside_those_in_their_row(costs: Costs) -> None:
    seen: dict[int, Bar] = {}
    for lane in lanes(costs):
        rows: dict[int, list[Bar]] = {}
        for bar in lane.bars:
            seen[bar.number] = bar
            rows.setdefault(bar.depth, []).append(bar)
            assert bar.start <= bar.end
            assert costs.loads[bar.number].thread == lane.thread
            if (parent := costs.loads[bar.number].parent) >= 0:
                assert seen[parent].start <= bar.start <= bar.end <= seen[parent].end
                assert seen[parent].depth == bar.depth - 1
        assert lane.rows == len(rows)
        assert all(one.end <= other.start for row in rows.values() for one, other in pairwise(row))
    assert sorted(seen) == list(range(len(costs.loads)))


def test_times_that_fit_are_drawn_as_they_are() -> None:
    loads = (
        Load("a", 7, start=1.0, end=9.0),
        Load("b", 7, 0, start=2.0, end=4.0),
        Load("c", 7, 1, start=3.0, end=3.5),
        Load("side", 8, start=2.0, end=3.0),
        Load("d", 7, 0, start=5.0, end=6.0),
    )
    main, side = lanes(Costs(loads))
    assert main.bars == (Bar(0, 0, 1.0, 9.0), Bar(1, 1, 2.0, 4.0), Bar(2, 2, 3.0, 3.5), Bar(4, 1, 5.0, 6.0))
    assert (main.name, side.name, side.bars) == ("main thread", "thread 2", (Bar(3, 0, 2.0, 3.0),))


def check_speedscope(file: Any) -> None:
    """What speedscope asks of a file, as far as such a file has it: its types, and events that nest in time."""
    assert file["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert all(isinstance(frame["name"], str) for frame in file["shared"]["frames"])
    assert all(set(frame) <= {"name", "file", "line", "col"} for frame in file["shared"]["frames"])
    assert 0 <= file["activeProfileIndex"] < len(file["profiles"])
    for profile in file["profiles"]:
        assert profile["type"] == "evented"
        assert profile["unit"] in ("none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes")
        assert isinstance(profile["name"], str)
        moments = [profile["startValue"], *(event["at"] for event in profile["events"]), profile["endValue"]]
        assert moments == sorted(moments)
        opened: list[int] = []
        for event in profile["events"]:
            assert set(event) == {"type", "frame", "at"}
            assert 0 <= event["frame"] < len(file["shared"]["frames"])
            if event["type"] == "O":
                opened.append(event["frame"])
            else:
                assert (event["type"], event["frame"]) == ("C", opened.pop())
        assert not opened


def check_trace_events(file: Any) -> None:
    """What the format of trace events says of complete and of metadata events; on a thread they nest."""
    assert file["displayTimeUnit"] in ("ms", "ns")
    rows: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for event in file["traceEvents"]:
        assert isinstance(event["name"], str)
        assert isinstance(event["args"], dict)
        if event["ph"] == "M":
            assert event["name"] in ("process_name", "thread_name")
            assert isinstance(event["args"]["name"], str)
            continue
        assert event["ph"] == "X"
        assert event["dur"] >= 0
        assert isinstance(event["cat"], str)
        rows.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
    for row in rows.values():
        above: list[tuple[float, float]] = []
        for start, end in row:
            while above and above[-1][1] <= start + 1e-6:
                above.pop()
            assert not above or end <= above[-1][1] + 1e-6
            above.append((start, end))


@given(messy())
def test_files_for_other_viewers_are_what_they_ask_for(costs: Costs) -> None:
    file = speedscope(costs, "all")
    check_speedscope(file)
    assert sum(len(profile["events"]) for profile in file["profiles"]) == 2 * len(costs.loads)
    trace = trace_events(costs, "all")
    check_trace_events(trace)
    assert sum(event["ph"] == "X" for event in trace["traceEvents"]) == len(costs.loads)


def test_speedscope_opens_with_the_thread_that_spent_most() -> None:
    loads = (
        Load("small", 1, start=0.0, end=0.1),
        Load("large", 2, start=0.1, end=0.9),
        Load("in_it", 2, 1, start=0.2, end=0.3),
        Load("small_too", 1, start=0.9, end=1.0),
    )
    assert speedscope(Costs(loads), "all")["activeProfileIndex"] == 1
    assert speedscope(Costs(()), "none")["activeProfileIndex"] == 0
