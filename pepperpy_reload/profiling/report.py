"""A profile in words and as plain values."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from pepperpy_reload.core.budget import Breach
from pepperpy_reload.core.costs import ROOT, Costs
from pepperpy_reload.core.cycles import Circle
from pepperpy_reload.core.graph import Edge
from pepperpy_reload.core.suggestions import Change, Suggestion
from pepperpy_reload.profiling.run import Profile


def heading(seen: Profile) -> str:
    """One line: what was imported, how much of it, and how long it took."""
    costs = seen.costs
    memory = sum(costs.loads[number].memory for number in costs.children.get(-1, ()))
    runs = ""
    if seen.times > 1:  # the sum of medians need not lie between the runs
        runs = f" by medians ({seen.times} runs of {min(seen.totals):.3f}-{max(seen.totals):.3f} s)"
    raised = f"; {seen.target} raised {seen.error.splitlines()[0]}" if seen.error else ""
    left = "" if raised else _left(seen)
    count, took = len(costs.by_name), costs.total
    modules = "one module" if count == 1 else f"{count} modules"
    return f"importing {seen.target}: {modules} in {took:.3f} s{runs}, {memory / 1e6:.1f} MB{raised}{left}"


def _left(seen: Profile) -> str:
    """What is to be said of a target that has ended the program."""
    loads = seen.costs.loads_of(seen.target.partition(":")[0])
    ended = next((load.error for load in loads if load.error.startswith("SystemExit")), "")
    return f"; it ended the program ({ended})" if ended else ""


def not_loaded(seen: Profile, module: str) -> str:
    """One sentence for a module that the run did not load."""
    if module in seen.costs.modules:
        return f"{module} was there before {seen.target} was imported: the interpreter loads it by itself"
    close = difflib.get_close_matches(module, list(seen.costs.by_name), n=1, cutoff=0.8)
    meant = f"; did you mean {close[0]}?" if close else ""
    return f"importing {seen.target} does not load {module}{meant}"


def as_plain(seen: Profile, cycles: Sequence[Circle] = ()) -> dict[str, Any]:
    """All that is known, as JSON takes it. Times are in seconds, memory in bytes."""
    costs = seen.costs
    modules = [
        {
            "module": load.name,
            "self": costs.self_times[number],
            "cumulative": load.duration,
            "exclusive": costs.exclusive(load.name) if costs.by_name[load.name] == number else 0.0,
            "memory": costs.memory_of(number),
            "kind": load.kind,
            "importer": load.importer,
            "file": load.file,
            "line": load.line,
            "start": load.start,
            "end": load.end,
            "thread": load.thread,
            "parent": load.parent,
            "origin": load.origin,
            "error": load.error,
        }
        for number, load in enumerate(costs.loads)
    ]
    groups = [
        {
            "package": group.name,
            "modules": group.modules,
            "self": group.self_time,
            "exclusive": group.exclusive,
            "memory": group.memory,
        }
        for group in costs.groups()
    ]
    return {
        "target": seen.target,
        "error": seen.error,
        "runs": list(seen.totals),
        "total": costs.total,
        "modules": modules,
        "packages": groups,
        "edges": [_edge(edge) for edge in costs.edges.values()],
        "cycles": [one.as_json() for one in cycles],
    }


def breach_as_plain(breach: Breach) -> dict[str, Any]:
    """A broken bound, as JSON takes it."""
    chain = [_edge(edge) for edge in breach.chain if edge.importer != ROOT]
    return {"text": breach.text, "chain": chain, "cycle": breach.cycle.as_json() if breach.cycle else None}


def suggestion_as_plain(one: Suggestion) -> dict[str, Any]:
    """Imports worth making lazy, as JSON takes it."""

    def plain(change: Change) -> dict[str, Any]:
        place = {"importer": change.statement.importer, "file": change.path, "line": change.statement.line}
        texts = {"today": list(change.today), "future": change.future, "needs": list(change.needs)}
        return place | texts | {"used": change.used, "against": change.against}

    return {
        "name": one.name,
        "saved": one.saved,
        "modules": one.modules,
        "safe": one.is_safe,
        "used": one.used,
        "changes": [plain(change) for change in one.changes],
        "blocked": [plain(change) for change in one.blocked],
        "deeds": list(one.deeds),
    }


def chains_as_plain(costs: Costs, module: str, chains: Sequence[Sequence[Edge]]) -> dict[str, Any]:
    """Why a module is loaded, as JSON takes it; each chain begins with what the target itself imports."""
    return {
        "module": module,
        "exclusive": costs.exclusive(module),
        "chains": [
            {
                "saved": costs.saved_without(chain[-1].importer, chain[-1].imported),
                "edges": [_edge(edge) for edge in chain if edge.importer != ROOT],
            }
            for chain in chains
        ],
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return edge._asdict() | {"kind": str(edge.kind)}
