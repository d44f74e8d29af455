"""The colours of the pictures: one for each package that counts, the same wherever it is drawn, light and dark."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

LIGHT = ("#8ec3f9", "#eeae82", "#91cf9d", "#d9aae4", "#d1bd75", "#6bd0d6", "#f5a5a4", "#b7b5f9", "#b0c985", "#eda5c6")
"""Fills under dark text, on light paper."""
DARK = ("#305b86", "#7c4a25", "#31653e", "#6d4875", "#675714", "#00666b", "#814344", "#535185", "#4d6027", "#7b435f")
"""Fills under light text, on dark paper. Both are of one lightness and one strength each: none stands out by itself."""
OTHER = ("#d6d0c9", "#45423e")
"""Of all packages that have no colour of their own: light, dark."""


def colours(names: Sequence[str], last: Collection[str] = ()) -> Mapping[str, int]:
    """A place in the palette for each package, those that come first before `last`; -1 where no colour is left."""
    ordered = [*(name for name in names if name not in last), *(name for name in names if name in last)]
    return {name: place if place < len(LIGHT) else -1 for place, name in enumerate(dict.fromkeys(ordered))}
