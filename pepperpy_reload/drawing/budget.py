"""Broken budgets and compared profiles, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pepperpy_reload.core.budget import Breach
from pepperpy_reload.core.comparison import Comparison
from pepperpy_reload.core.costs import ROOT
from pepperpy_reload.core.graph import Edge
from pepperpy_reload.drawing.circle import cycle_text
from pepperpy_reload.drawing.excerpt import place_of

_SHOWN = 10


def breach_lines(target: str, breach: Breach) -> Iterator[str]:
    """One broken bound, and the imports that broke it."""
    yield f"{target}: {breach.text}"
    if breach.cycle is not None:
        yield f"  {cycle_text(breach.cycle)}"
    elif breach.chain:
        yield f"  {chain_text(breach.chain)}"


def chain_text(chain: Sequence[Edge]) -> str:
    """A chain of imports with its lines."""
    steps = [f"{edge.importer} ({place_of(edge.file, edge.line)}) → " for edge in chain if edge.importer != ROOT]
    return f"{''.join(steps)}{chain[-1].imported}"


def comparison_lines(seen: Comparison) -> Iterator[str]:
    """What has changed since a profile was saved."""
    total = seen.total
    change = (total.after / total.before - 1) * 100 if total.before else 0.0
    verdict = "slower than allowed" if seen.is_slower else "within the tolerance"
    before, after = total.before * 1000, total.after * 1000
    yield f"all imports took {before:.1f} ms and take {after:.1f} ms ({change:+.0f} %), which is {verdict}"
    if seen.came:
        yield f"{seen.came_in_all} modules came:"
    for one in seen.came[:_SHOWN]:
        where = f"  {one.importer} ({place_of(one.file, one.line)}) → " if one.line else "  "
        yield f"{where}{one.module}, {one.exclusive * 1000:.1f} ms would be saved without it"
    if len(seen.came) > _SHOWN:
        yield f"  and {len(seen.came) - _SHOWN} more that are imported by modules that were there"
    if seen.gone:
        more = " …" if len(seen.gone) > _SHOWN else ""
        yield f"{len(seen.gone)} modules are gone: {', '.join(seen.gone[:_SHOWN])}{more}"
    for grown in seen.grown[:_SHOWN]:
        yield f"{grown.package} itself took {grown.before * 1000:.1f} ms and takes {grown.after * 1000:.1f} ms"
