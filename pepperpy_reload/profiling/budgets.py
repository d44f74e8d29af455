"""Targets held to their budgets, in fresh processes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from pepperpy_reload.core.budget import Budget, breaches
from pepperpy_reload.core.cycles import circles
from pepperpy_reload.drawing.budget import breach_lines
from pepperpy_reload.drawing.terminal import encodable
from pepperpy_reload.errors import UsageError
from pepperpy_reload.profiling.report import breach_as_plain
from pepperpy_reload.profiling.run import profile, start_ratio
from pepperpy_reload.profiling.sources import own_sources


def hold(budget: Budget, search: Sequence[str], *, as_json: bool) -> bool:
    """Write whether a target keeps to its budget, and what broke it; whether it is broken.

    Raises UsageError if the target does not load.
    """
    seen = profile(budget.target, search, os.environ)
    if seen.error:
        raise UsageError(f"{budget.target} cannot be imported: {seen.error}")
    sources = own_sources(seen.costs, budget.target, search) if budget.allowed_cycles is not None else {}
    cycles = circles(seen.costs, sources) if sources else []
    ratio = start_ratio(budget.target, search, os.environ) if budget.max_ratio is not None else None
    found = breaches(budget, seen.costs, cycles, ratio)
    count = len(seen.costs.by_name)
    if as_json:
        plain = {"target": budget.target, "modules": count, "ratio": ratio}
        lines = [json.dumps(plain | {"broken": [breach_as_plain(one) for one in found]})]
    elif found:
        lines = [line for one in found for line in breach_lines(budget.target, one)]
    else:
        times = f", {ratio:.1f} times the bare interpreter's start" if ratio is not None else ""
        lines = [f"{budget.target}: {count} modules{times}; within its budget"]
    for line in lines:
        sys.stdout.write(f"{encodable(line, sys.stdout)}\n")
    return bool(found)
