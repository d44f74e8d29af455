"""An import cycle in one line, for a person at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pepperpy_reload.core.chain import cycle_line
from pepperpy_reload.drawing.excerpt import place_of

if TYPE_CHECKING:
    from pepperpy_reload.core.cycles import Circle


def cycle_text(circle: Circle) -> str:
    """A cycle in one line, with paths as they are from here."""
    return cycle_line(circle, place_of)
