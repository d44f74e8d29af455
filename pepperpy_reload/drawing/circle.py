"""An import cycle in one line."""

from __future__ import annotations

from pepperpy_reload.core.cycles import Circle
from pepperpy_reload.drawing.excerpt import place_of


def cycle_text(circle: Circle) -> str:
    """A cycle in one line: its chain with the lines, names that were not there yet, and the import that can move."""
    chain = " → ".join(f"{step.importer} ({place_of(step.file, step.line)})" for step in circle.steps)
    missing = [
        f"{', '.join(step.missing)} was not bound yet in {step.imported}" for step in circle.steps if step.missing
    ]
    cut = ""
    if circle.cut is not None:
        cut = f"; {circle.cut.importer} can move its line {circle.cut.line} {circle.remedy}"
    return f"{chain} → {circle.modules[0]}{''.join(f'; {one}' for one in missing)}{cut}"
