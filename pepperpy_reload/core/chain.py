"""An import cycle in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pepperpy_reload.core.cycles import Circle


def short_place(file: str, line: int) -> str:
    """A file by the last two parts of its path, and a line."""
    return f"{'/'.join(file.replace(chr(92), '/').split('/')[-2:])}:{line}"


def cycle_line(circle: Circle, place_of: Callable[[str, int], str] = short_place) -> str:
    """A cycle in one line: its chain with the lines, names that were not there yet, and the import that can move."""
    chain = " → ".join(f"{step.importer} ({place_of(step.file, step.line)})" for step in circle.steps)
    missing = [
        f"{', '.join(step.missing)} was not bound yet in {step.imported}" for step in circle.steps if step.missing
    ]
    cut = ""
    if circle.cut is not None:
        cut = f"; {circle.cut.importer} can move its line {circle.cut.line} {circle.remedy}"
    return f"{chain} → {circle.modules[0]}{''.join(f'; {one}' for one in missing)}{cut}"
