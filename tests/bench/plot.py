"""Lines on logarithmic axes, as SVG: how fast something grows is how steep its line is. Light and dark, no script."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

Values = Sequence[float | None]
WIDTH, HEIGHT = 1000, 430
_TOP, _FOOT, _LEFT, _LABELS, _GAP = 70.0, 50.0, 56.0, 168.0, 18.0
_LINE = 15.0  # pixels between two labels
_SANS = "system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif"
_LIGHT = ("#2166ac", "#b2501e", "#2a7d3f", "#8a3fa0", "#8a7400", "#00797f")
_DARK = ("#7fb8f5", "#f0a171", "#86d197", "#d79fe6", "#d9c45f", "#5fd0d6")


def _style() -> str:
    lines = "".join(f".l{n}{{stroke:{c}}}.t{n}{{fill:{c}}}" for n, c in enumerate(_LIGHT))
    dark = "".join(f".l{n}{{stroke:{c}}}.t{n}{{fill:{c}}}" for n, c in enumerate(_DARK))
    return (
        f"text{{font:12px {_SANS};fill:#4c443c}}.title{{font-weight:600;font-size:15px}}.soft{{fill:#6e655b}}"
        ".paper{fill:#fffdfa;stroke:#e4dcd2}.grid{stroke:#e9e2d9;stroke-width:1}"
        f".line{{fill:none;stroke-width:2.2;stroke-linejoin:round}}{lines}"
        "@media(prefers-color-scheme:dark){text{fill:#d8d0c6}.soft{fill:#a89e92}.paper{fill:#1d1a17;stroke:#3a352f}"
        f".grid{{stroke:#332e29}}{dark}}}"
    )


@dataclass(frozen=True)
class Panel:
    """Some lines over the same sizes: milliseconds by name, and the exponent of each."""

    title: str
    sizes: Sequence[float]
    lines: Mapping[str, Values]
    exponents: Mapping[str, float | None]


def plot(title: str, panels: Sequence[Panel]) -> str:
    """The whole picture: the panels side by side, with one scale of times."""
    known = [value for panel in panels for values in panel.lines.values() for value in values if value]
    low = math.floor(math.log10(min(known, default=1.0)))
    high = max(math.ceil(math.log10(max(known, default=10.0))), low + 1)
    width = WIDTH / max(1, len(panels))
    drawn = "".join(
        part
        for number, panel in enumerate(panels)
        for part in _Drawing(panel, number * width, width, low, high).parts()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">\n<title>{escape(title)}</title>\n<style>{_style()}</style>\n'
        f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="12"/>\n'
        f'<text class="title" x="16" y="30">{escape(title)}</text>\n{drawn}</svg>\n'
    )


class _Drawing:
    """One panel in its place."""

    def __init__(self, panel: Panel, x: float, width: float, low: int, high: int) -> None:
        self._panel = panel
        self._low, self._high = low, high
        self._left, self._right = x + _LEFT, x + width - _LABELS - _GAP
        sizes = [math.log10(size) for size in panel.sizes]
        self._first, self._last = min(sizes), max(max(sizes), min(sizes) + 0.1)

    def parts(self) -> Iterator[str]:
        """Axes, lines, labels."""
        yield _text("soft", self._left, 54, self._panel.title)
        for power in range(self._low, self._high + 1):
            y = self._y(10.0**power)
            yield f'<path class="grid" d="M{self._left:.1f} {y:.1f}H{self._right:.1f}"/>'
            yield _text("soft", self._left - 8, y + 4, _time(power), "end")
        for size in self._panel.sizes:
            x = self._x(size)
            yield f'<path class="grid" d="M{x:.1f} {_TOP:.1f}V{HEIGHT - _FOOT:.1f}"/>'
            yield _text("soft", x, HEIGHT - _FOOT + 20, f"{size:,.0f}", "middle")
        ends: dict[str, float] = {}
        for number, (name, values) in enumerate(self._panel.lines.items()):
            points = [(self._x(size), self._y(one)) for size, one in zip(self._panel.sizes, values, strict=True) if one]
            if points:
                ends[name] = points[-1][1]
                way = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
                yield f'<path class="line l{number % len(_LIGHT)}" d="M{way}"/>\n'
        yield from self._labels(ends)

    def _labels(self, ends: Mapping[str, float]) -> Iterator[str]:
        """At the ends of the lines, and yet none over another."""
        names = list(self._panel.lines)
        taken = -math.inf
        room = HEIGHT - _FOOT - _LINE * len(ends)
        for place, (name, y) in enumerate(sorted(ends.items(), key=lambda end: end[1])):
            taken = max(min(y, room + _LINE * (place + 1)), taken + _LINE)
            power = self._panel.exponents.get(name)
            grows = f" (n^{power:.2f})" if power is not None else ""
            number = names.index(name) % len(_LIGHT)
            yield _text(f"t{number}", self._right + 8, taken + 4, name + grows)

    def _x(self, size: float) -> float:
        share = (math.log10(size) - self._first) / (self._last - self._first)
        return self._left + share * (self._right - self._left)

    def _y(self, milliseconds: float) -> float:
        share = (math.log10(milliseconds) - self._low) / (self._high - self._low)
        return HEIGHT - _FOOT - share * (HEIGHT - _FOOT - _TOP)


def _text(kind: str, x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>\n'


def _time(power: int) -> str:
    return f"{10.0 ** (power - 3):g} s" if power >= 3 else f"{10.0**power:g} ms"
