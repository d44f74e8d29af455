"""The imports of one run in the formats of other viewers: speedscope, and Chrome's trace events (Perfetto)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pepperpy_reload.core.costs import Costs
from pepperpy_reload.core.timeline import Lane, lanes

_PROCESS = 1


def speedscope(costs: Costs, name: str) -> dict[str, Any]:
    """A file for speedscope: one profile of nested events for each thread. Times are in milliseconds.

    It opens with the thread that has spent most in imports.
    """
    frames = [
        {"name": load.name, **({"file": load.origin} if load.origin else {})} for load in costs.loads
    ]  # one for each load: speedscope adds up what has the same frame, and a load happens once
    rows = lanes(costs)
    profiles = [
        {
            "type": "evented",
            "name": lane.name,
            "unit": "milliseconds",
            "startValue": _ms(min(bar.start for bar in lane.bars)),
            "endValue": _ms(max(bar.end for bar in lane.bars)),
            "events": list(_events(lane)),
        }
        for lane in rows
    ]
    spent = [sum(bar.end - bar.start for bar in lane.bars if not bar.depth) for lane in rows]
    return {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "name": name,
        "exporter": "pepperpy-reload",
        "activeProfileIndex": spent.index(max(spent)) if spent else 0,
        "shared": {"frames": frames},
        "profiles": profiles,
    }


def _events(lane: Lane) -> Iterator[dict[str, Any]]:
    """What opens and what closes; what is inside closes before what it is in."""
    above: list[tuple[int, float]] = []
    for bar in lane.bars:
        while len(above) > bar.depth:
            number, end = above.pop()
            yield {"type": "C", "frame": number, "at": _ms(end)}
        yield {"type": "O", "frame": bar.number, "at": _ms(bar.start)}
        above.append((bar.number, bar.end))
    while above:
        number, end = above.pop()
        yield {"type": "C", "frame": number, "at": _ms(end)}


def trace_events(costs: Costs, name: str) -> dict[str, Any]:
    """A file of Chrome's trace events, for ui.perfetto.dev and chrome://tracing: complete events, in microseconds."""
    events: list[dict[str, Any]] = [_named("process_name", 0, name)]
    for place, lane in enumerate(lanes(costs), 1):
        events.append(_named("thread_name", place, lane.name))
        for bar in lane.bars:
            load = costs.loads[bar.number]
            details = {
                "self_ms": _ms(costs.self_times[bar.number]),
                "memory_bytes": costs.memory_of(bar.number),
                "importer": load.importer,
                "at": f"{load.file}:{load.line}" if load.file else "",
                "file": load.origin,
                "error": load.error,
            }
            events.append(
                {
                    "name": load.name,
                    "cat": load.kind,
                    "ph": "X",
                    "ts": bar.start * 1e6,
                    "dur": (bar.end - bar.start) * 1e6,
                    "pid": _PROCESS,
                    "tid": place,
                    "args": {key: value for key, value in details.items() if value != ""},
                }
            )
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def _named(what: str, thread: int, name: str) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": _PROCESS, "tid": thread, "args": {"name": name}}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 6)
