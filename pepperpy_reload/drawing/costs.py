"""What imports cost, on one screen: the packages by what they really cost, and the tree of who loaded what."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import IO

from rich.table import Table
from rich.text import Text

from pepperpy_reload.core.costs import ROOT, Costs, Load
from pepperpy_reload.core.graph import Edge
from pepperpy_reload.drawing.excerpt import place_of, plain
from pepperpy_reload.drawing.terminal import console_on, encodable

_SLOW, _NOTABLE = 0.1, 0.02  # seconds: red, and yellow
_PACKAGES = 8
_FAILURES = 8
_WAYS = 20
_BRANCH, _LAST, _TRUNK, _NOTHING = "├─ ", "└─ ", "│  ", "   "


class CostsView:
    """Draws the costs of one run; `rows` is how many modules the tree shows, the dearest ones."""

    def __init__(self, costs: Costs, stream: IO[str] | None = None, rows: int = 30) -> None:
        self._costs = costs
        self._stream = stream or sys.stdout
        self._shown = self._dearest(rows)
        self._console = console_on(self._stream)

    def draw(self, heading: str) -> None:
        """Write all of it."""
        self._console.print(Text(self._clean(heading), style="bold"))
        if not self._costs.loads:
            return
        self._console.print(self._packages())
        self._console.print(self._tree())
        for line in self._failures():
            self._console.print(line, soft_wrap=True)

    def _dearest(self, rows: int) -> set[int]:
        """The numbers of the loads that are shown: with each of them all that it happened in."""
        loads = self._costs.loads
        numbers = sorted(range(len(loads)), key=lambda number: loads[number].duration, reverse=True)
        return {number for number in numbers[:rows] if loads[number].duration >= self._costs.total / 200}

    def _packages(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for name in ("saved without it, ms", "self", "memory", "modules"):
            table.add_column(name, justify="right", style="none")
        table.add_column("package", overflow="ellipsis", no_wrap=True)
        for group in self._costs.groups()[:_PACKAGES]:
            cells = (_time(group.exclusive), _time(group.self_time), _size(group.memory), Text(str(group.modules)))
            table.add_row(*cells, Text(self._clean(group.name), style="bold"))
        return table

    def _tree(self) -> Table:
        names = ("self, ms", "with all", "saved", "memory")
        rows = list(self._rows(-1, ()))
        widths = [max(cell.cell_len for cell in column) for column in zip(*(cells for cells, *_ in rows), strict=True)]
        left = self._console.width - sum(max(*pair) + 2 for pair in zip(widths, map(len, names), strict=True))
        # A figure is worth more than a place: what does not fit is the end of a label.
        deep = max((3 * len(branch) + self._width_of(text) for _, branch, text in rows), default=0) > left
        table = Table(box=None, pad_edge=False)
        for name in names:
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("module", no_wrap=True)
        for figures, branch, text in rows:
            label = Text(self._clean("".join(part[0] if deep else part for part in branch)), style="dim").append(text)
            label.truncate(max(left, 1), overflow="ellipsis")
            table.add_row(*figures, label)
        return table

    def _width_of(self, label: Text) -> int:
        return len(label.plain.partition("  ")[0])

    def _rows(self, parent: int, above: tuple[str, ...]) -> Iterator[tuple[tuple[Text, ...], tuple[str, ...], Text]]:
        """The figures of each module that is shown, the branches that lead to it, and what is to be said of it."""
        costs = self._costs
        children = costs.children.get(parent, ())
        shown = sorted((one for one in children if one in self._shown), key=self._duration, reverse=True)
        folded = [one for one in children if one not in self._shown]
        for place, number in enumerate(shown):
            load, last = costs.loads[number], place == len(shown) - 1 and not folded
            saved = costs.exclusive(load.name) if costs.by_name[load.name] == number else 0.0
            figures = (_time(costs.self_times[number]), _time(load.duration), _time(saved), _size(load.memory))
            yield figures, (() if parent < 0 else (*above, _LAST if last else _BRANCH)), self._label(load)
            yield from self._rows(number, () if parent < 0 else (*above, _NOTHING if last else _TRUNK))
        if folded and parent >= 0:
            took = sum(map(self._duration, folded))
            yield (Text(""), _time(took), Text(""), Text("")), (*above, _LAST), Text(f"{len(folded)} more", "not dim")

    def _duration(self, number: int) -> float:
        return self._costs.loads[number].duration

    def _label(self, load: Load) -> Text:
        text = Text()
        text.append(self._clean(load.name), style="bold red" if load.error else "not dim bold")
        if load.error:
            text.append(" failed", style="not dim red")
        elif load.kind != "bytecode":
            text.append(f" {load.kind}", style="not dim cyan" if load.kind == "source" else "dim")
        if load.file and load.line:
            text.append(f"  {self._clean(place_of(load.file, load.line))}", style="dim")
        return text

    def _failures(self) -> Iterator[Text]:
        failed = [load for load in self._costs.loads if load.error and load.file]  # the target's own error is told
        seen = list({(load.error, load.file, load.line): load for load in failed}.values())
        if seen:
            count, them = ("One import", "it") if len(seen) == 1 else (f"{len(seen)} imports", "them")
            yield Text(f"{count} failed, and whoever asked for {them} went on or failed too:", style="bold")
        for load in seen[:_FAILURES]:
            where = f" ({place_of(load.file, load.line)})" if load.file else ""
            yield Text(self._clean(f"  {load.error.splitlines()[0]}{where}"))
        if len(seen) > _FAILURES:
            yield Text(f"  and {len(seen) - _FAILURES} more", style="dim")

    def _clean(self, text: str) -> str:
        return encodable(plain(text), self._stream)


def draw_chains(name: str, costs: Costs, chains: Sequence[Sequence[Edge]], stream: IO[str] | None = None) -> None:
    """Write why a module is loaded: each chain of imports, and what taking out its last one would save."""
    stream = stream or sys.stdout
    console = console_on(stream)

    def clean(text: str) -> str:
        return encodable(plain(text), stream)

    ways = f"{len(chains)} ways" if len(chains) != 1 else "one way"
    load = costs.loads[costs.by_name[name]]
    heading = f"{name} is loaded in {ways}; without it {costs.exclusive(name) * 1000:.1f} ms would be saved"
    if load.error:
        heading = f"{name} is asked for in {ways}, and cannot be loaded: {load.error.splitlines()[0]}"
    console.print(Text(clean(heading), style="bold"))
    console.print(Text("What would be saved without the last import of each:", style="dim"))
    for chain in chains[:_WAYS]:
        last = chain[-1]
        text = Text(f"{costs.saved_without(last.importer, last.imported) * 1000:8.1f} ms  ")
        for edge in chain:
            if edge.importer != ROOT or edge.file:
                text.append(clean(f"{edge.importer or 'the script'} "))
                text.append(clean(f"({place_of(edge.file, edge.line)}) "), style="dim")
                text.append(clean("→ "), style="dim")
        text.append(clean(last.imported), style="bold")
        console.print(text, soft_wrap=True)
    if len(chains) > _WAYS:
        console.print(Text(f"and {len(chains) - _WAYS} more (--json has them all)", style="dim"))


def _time(seconds: float) -> Text:
    style = "bold red" if seconds >= _SLOW else "yellow" if seconds >= _NOTABLE else "none"
    return Text(f"{seconds * 1000:.1f}", style=style)


def _size(count: int) -> Text:
    return Text(f"{count / 1e6:.1f} MB" if count >= 50_000 else "", style="dim")
