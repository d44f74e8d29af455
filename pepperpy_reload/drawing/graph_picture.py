"""A picture of an import graph, as SVG: layers of modules, what is imported below what imports it. Light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from pepperpy_reload.core.diagram import Diagram, Link
from pepperpy_reload.core.layers import Box, lay_out
from pepperpy_reload.core.palette import colours
from pepperpy_reload.drawing.excerpt import place_of
from pepperpy_reload.drawing.waterfall import kind, style

_EDGE, _TOP, _LETTER = 20.0, 66.0, 6.7
_MOST = 1500.0  # how wide a layer is before it is broken into rows
_LEAST = 620.0
_STYLE = (
    ".link{fill:none;stroke:#8d8479;stroke-width:1.1;stroke-opacity:.75}.late{stroke-dasharray:4 3}"
    ".cycle{stroke:#c8321f;stroke-opacity:.6}.closes{stroke-width:2.2;stroke-opacity:1}"
    ".follows{stroke-opacity:.16;marker-end:none}.tip{fill:#8d8479}.tip.red{fill:#c8321f}"
    "@media(prefers-color-scheme:dark){.link{stroke:#9a9085}.cycle{stroke:#ff7a62}.tip{fill:#9a9085}"
    ".tip.red{fill:#ff7a62}}"
)


def graph_picture(drawn: Diagram, target: str) -> str:
    """The whole picture. A link that follows from a longer way is drawn faintly, one of a cycle in red."""
    shade = colours(drawn.groups)
    widths = {node.name: len(_text(node.name, node.modules)) * _LETTER + 20 for node in drawn.nodes}
    boxes = lay_out(widths, [(link.importer, link.imported) for link in drawn.links if link.leads_down], _MOST)
    right = max((box.x + box.width for box in boxes.values()), default=0.0)
    bottom = max((box.y + box.height for box in boxes.values()), default=0.0)
    width = max(right + 2 * _EDGE, _LEAST)
    shift = (width - right) / 2
    boxes = {name: Box(box.x + shift, box.y + _TOP, box.width, box.height) for name, box in boxes.items()}
    height = bottom + _TOP + 44
    facts = f"{_number(len(drawn.nodes), 'node')}, {_number(len(drawn.links), 'link')}"
    title = escape(f"What {target} imports: {facts}")
    nodes = "".join(
        f'<g><title>{escape(node.name)}</title><rect class="{kind(shade[node.group])}" x="{box.x:.1f}" y="{box.y:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:g}" rx="6"/><text class="bar" x="{box.middle:.1f}" '
        f'y="{box.y + 17:.1f}" text-anchor="middle">{escape(_text(node.name, node.modules))}</text></g>\n'
        for node in drawn.nodes
        if (box := boxes[node.name])
    )
    links = "".join(_link(link, boxes) for link in sorted(drawn.links, key=lambda link: (link.cycle, not link.follows)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{title}">\n<title>{title}</title>\n<style>{style()}{_STYLE}</style>\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="tip" d="M0 1L8 4L0 7z"/></marker><marker id="red" viewBox="0 0 8 8" refX="7" refY="4" '
        'markerWidth="6" markerHeight="6" orient="auto"><path class="tip red" d="M0 1L8 4L0 7z"/></marker></defs>\n'
        f'<rect class="paper" x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="12"/>\n'
        f'<text class="name" x="{_EDGE:g}" y="34">{escape(target)}</text>\n'
        f'<text class="facts" x="{width - _EDGE:.0f}" y="33" text-anchor="end">{facts}</text>\n'
        f"{links}{nodes}{''.join(_legend(drawn, height))}</svg>\n"
    )


def _text(name: str, modules: int) -> str:
    return f"{name} ({modules})" if modules > 1 else name


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _link(link: Link, boxes: Mapping[str, Box]) -> str:
    one, other = boxes[link.importer], boxes[link.imported]
    names = (
        "link"
        + (" cycle" if link.cycle else "")
        + (" follows" if link.follows else "")
        + ("" if link.early else " late")
    )
    names += " closes" if link.cycle and other.y <= one.y else ""
    where = f" ({place_of(link.file, link.line)})" if link.file and link.line else ""
    tip = "red" if link.cycle else "tip"
    return (
        f'<path class="{names}" d="{curve(one, other)}" marker-end="url(#{tip})">'
        f"<title>{escape(f'{link.importer} imports {link.imported}{where}')}</title></path>\n"
    )


def curve(one: Box, other: Box) -> str:
    """The way of a link: from the foot of one box to the head of another, or upwards the other way; in a row below."""
    x, far = one.middle, other.middle
    if other.y > one.y or other.y < one.y:
        down = other.y > one.y
        y, end = (one.y + one.height, other.y) if down else (one.y, other.y + other.height)
        bend = max(16.0, abs(end - y) / 2) * (1 if down else -1)
        return f"M{x:.1f} {y:.1f}C{x:.1f} {y + bend:.1f} {far:.1f} {end - bend:.1f} {far:.1f} {end:.1f}"
    y = one.y + one.height
    near, far = x + (8 if far > x else -8), far + (8 if far < x else -8)
    return f"M{near:.1f} {y:.1f}C{near:.1f} {y + 22:.1f} {far:.1f} {y + 22:.1f} {far:.1f} {y:.1f}"


def _legend(drawn: Diagram, height: float) -> Iterator[str]:
    words = []
    if any(link.cycle for link in drawn.links):
        words.append("red: part of an import cycle, strong where it closes")
    if any(not link.early for link in drawn.links):
        words.append("dashed: imported later, in a function")
    if any(link.follows for link in drawn.links):
        words.append("faint: a longer way is drawn as well")
    yield f'<text class="soft" x="{_EDGE:g}" y="{height - 18:.0f}">{" · ".join(words)}</text>\n'
