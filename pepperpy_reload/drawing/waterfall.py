"""A picture of what imports cost, as SVG: bars over time, for a README or a ticket. Light and dark, no script."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html import escape

from pepperpy_reload.core.costs import Costs
from pepperpy_reload.core.palette import DARK, LIGHT, OTHER, colours
from pepperpy_reload.core.timeline import Bar, Lane, lanes

WIDTH = 1000
_EDGE = 16  # around everything
_ROW, _TOP, _FOOT, _LANE = 20, 62, 34, 18
_THIN = 0.4  # narrower bars are left out: nobody sees them
_SANS = "system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif"
_MONO = "ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_LETTER = 6.7  # pixels of one in the bars


def waterfall(costs: Costs, target: str) -> str:
    """The whole picture."""
    return _Waterfall(costs, target).draw()


class _Waterfall:
    def __init__(self, costs: Costs, target: str) -> None:
        self._costs = costs
        self._target = target
        self._groups = costs.groups()
        self._shade = colours([group.name for group in self._groups], sys.stdlib_module_names)
        self._lanes = lanes(costs)
        self._start = min((bar.start for lane in self._lanes for bar in lane.bars), default=0.0)
        end = max((bar.end for lane in self._lanes for bar in lane.bars), default=0.0)
        self._scale = (WIDTH - 2 * _EDGE) / max(end - self._start, 1e-9)

    def draw(self) -> str:
        parts: list[str] = []
        top = float(_TOP)
        for lane in self._lanes:
            parts += self._lane(lane, top)
            top += self._rows(lane) * _ROW + (_LANE if len(self._lanes) > 1 else 0) + 6
        height = int(top + _FOOT)
        memory = sum(self._costs.loads[number].memory for number in self._costs.children.get(-1, ()))
        facts = f"{len(self._costs.by_name)} modules in {_ms(self._costs.total)}, {memory / 1e6:.1f} MB"
        title = escape(f"Imports of {self._target}: {facts}")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">\n'
            f"<title>{title}</title>\n<style>{style()}</style>\n"
            f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="12"/>\n'
            f'<text class="name" x="{_EDGE}" y="32">{escape(self._target)}</text>\n'
            f'<text class="facts" x="{WIDTH - _EDGE}" y="31" text-anchor="end">{escape(facts)}</text>\n'
            f"{''.join(parts)}{''.join(self._legend(height))}</svg>\n"
        )

    def _rows(self, lane: Lane) -> int:
        return max((bar.depth + 1 for bar in lane.bars if self._width(bar) >= _THIN), default=0)

    def _width(self, bar: Bar) -> float:
        return (bar.end - bar.start) * self._scale

    def _lane(self, lane: Lane, top: float) -> Iterator[str]:
        if len(self._lanes) > 1:
            yield f'<text class="soft" x="{_EDGE}" y="{top + 11:g}">{escape(lane.name)}</text>\n'
            top += _LANE
        for bar in lane.bars:
            width = self._width(bar)
            if width < _THIN:
                continue
            load = self._costs.loads[bar.number]
            x, y = _EDGE + (bar.start - self._start) * self._scale, top + bar.depth * _ROW
            shade = self._shade[load.name.partition(".")[0]]
            where = f", {load.file.replace(chr(92), '/').rpartition('/')[2]}:{load.line}" if load.file else ""
            yield (
                f"<g><title>{escape(f'{load.name}: {_ms(load.duration)}{where}')}</title>"
                f'<rect class="{kind(shade)}{" failed" if load.error else ""}" x="{x:.2f}" y="{y:g}" '
                f'width="{max(width - 0.6, 0.3):.2f}" height="{_ROW - 1}" rx="{2.5 if width > 6 else 0.5}"/>'
                f"{_label(load.name, _ms(load.duration), x, y, width)}</g>\n"
            )

    def _legend(self, height: int) -> Iterator[str]:
        x = float(_EDGE)
        for group in self._groups[:8]:
            text = f"{group.name} {_ms(group.exclusive)}"
            if x + len(text) * 6.6 + 30 > WIDTH - 130:
                break
            shade = kind(self._shade[group.name])
            yield f'<rect class="{shade}" x="{x:.1f}" y="{height - 26}" width="11" height="11" rx="3"/>'
            yield f'<text class="soft" x="{x + 16:.1f}" y="{height - 16}">{escape(text)}</text>\n'
            x += len(text) * 6.6 + 34
        yield f'<text class="soft" x="{WIDTH - _EDGE}" y="{height - 16}" text-anchor="end">saved without it</text>\n'


def _label(name: str, took: str, x: float, y: float, width: float) -> str:
    short = name.rpartition(".")[2]
    room = (width - 10) / _LETTER
    for text in (f"{name} {took}", name, short):
        if len(text) <= room:
            return f'<text class="bar" x="{x + 5:.2f}" y="{y + 13.5:g}">{escape(text)}</text>'
    return ""


def _ms(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.{0 if seconds >= 0.1 else 1}f} ms"


def kind(shade: int) -> str:
    """The class of what has a place in the palette."""
    return f"p{shade}" if shade >= 0 else "po"


def style() -> str:
    """The rules of all pictures: what is written on them, and the palette, for light and for dark surroundings."""
    return (
        f".name{{font:600 20px {_MONO};fill:#221d18}}.facts{{font:13px {_SANS};fill:#6e655b}}"
        f".soft{{font:11.5px {_SANS};fill:#6e655b}}.bar{{font:11px {_MONO};fill:#221d18}}"
        f".paper{{fill:#fff;stroke:#e3dcd1}}.failed{{stroke:#c8321f;stroke-width:1.5}}{_fills(LIGHT, OTHER[0])}"
        "@media(prefers-color-scheme:dark){.name,.bar{fill:#efe9e1}.facts,.soft{fill:#a39a8f}"
        f".paper{{fill:#201d1a;stroke:#35302b}}.failed{{stroke:#ff7a62}}{_fills(DARK, OTHER[1])}}}"
    )


def _fills(palette: tuple[str, ...], other: str) -> str:
    return "".join(f".p{place}{{fill:{colour}}}" for place, colour in enumerate(palette)) + f".po{{fill:{other}}}"
