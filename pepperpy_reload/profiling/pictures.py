"""A profile as files, for people and for other programs' viewers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from pepperpy_reload.core.viewers import speedscope, trace_events
from pepperpy_reload.drawing.costs_page import costs_page
from pepperpy_reload.drawing.waterfall import waterfall
from pepperpy_reload.profiling.run import Profile

PICTURES: Mapping[str, Callable[[Profile], str]] = {
    "html": lambda seen: costs_page(seen.costs, seen.target, seen.error, seen.totals),
    "svg": lambda seen: waterfall(seen.costs, seen.target),
    "speedscope": lambda seen: json.dumps(speedscope(seen.costs, f"imports of {seen.target}")),
    "perfetto": lambda seen: json.dumps(trace_events(seen.costs, f"imports of {seen.target}")),
}
