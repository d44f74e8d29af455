"""What became of replayed commits, as a table."""

from __future__ import annotations

import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from pepperpy_reload.drawing.excerpt import plain

_STYLES = {"equal": "green", "restart": "yellow", "different": "bold red", "error": "bold red"}
_SHOWN = 200  # characters of a text
Outcome = Mapping[str, Any]


def with_progress(outcomes: Iterable[Outcome], total: int, stream: IO[str] | None = None) -> Iterable[Outcome]:
    """The same outcomes, with a bar that shows how many of them have come, on a terminal only."""
    console = Console(file=stream or sys.stderr)
    return track(outcomes, "replaying", total, console=console, transient=True, disable=not console.is_terminal)


def draw_outcomes(heading: str, outcomes: Sequence[Outcome], stream: IO[str] | None = None) -> None:
    """Write a line for each commit that is not simply equal, and the figures of all."""
    console = Console(file=stream or sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.print(Text(plain(heading), style="bold"))
    for outcome in outcomes:
        if outcome["verdict"] not in ("equal", "skipped"):
            last = "".join(plain(outcome["text"]).strip().splitlines()[-1:])
            line = Text(f"{outcome['commit'][:10]} ")
            line.append(outcome["verdict"], style=_STYLES.get(outcome["verdict"], "dim"))
            line.append(f" {plain(outcome['subject'])[:60]}: {last[:_SHOWN]}")
            console.print(line)
    console.print(_figures(outcomes))
    planted = [outcome for outcome in outcomes if outcome["planted"]]
    if planted:
        clean = sum(not outcome["rollback"] for outcome in planted)
        console.print(f"{clean} of {len(planted)} commits that were made to fail left nothing behind")


def _figures(outcomes: Sequence[Outcome]) -> Table:
    counts = Counter(outcome["verdict"] for outcome in outcomes)
    equal = [outcome for outcome in outcomes if outcome["verdict"] == "equal"]
    table = Table(box=None, pad_edge=False)
    verdicts = ("equal", "restart", "different", "error", "refused", "skipped")
    for name in (*verdicts, "definitions kept", "time"):
        table.add_column(name, justify="right")
    shares = [one["kept"] / one["common"] for one in equal if one["common"]]
    kept = statistics.median(shares) if shares else None
    took = statistics.median([one["seconds"] for one in equal]) if equal else None
    shown = ("-" if kept is None else f"{kept:.1%}", "-" if took is None else f"{took * 1000:.0f} ms")
    table.add_row(*(str(counts[name]) for name in verdicts), *shown)
    return table
