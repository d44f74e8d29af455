"""What type checkers make of lazy imports: `scripts/check` reads this file, and a test runs it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, assert_type

from pepperpy_reload import lazy_import

if TYPE_CHECKING:
    import colorsys
    from fractions import Fraction
else:
    colorsys = lazy_import("colorsys")
    Fraction = lazy_import("fractions", "Fraction")
untyped = lazy_import("colorsys")


def half(number: Fraction) -> Fraction:
    """Annotations may name what is lazy."""
    return assert_type(number / 2, Fraction)


def main() -> None:
    """Use all of it."""
    assert "colorsys" not in sys.modules
    assert_type(colorsys.rgb_to_hsv(1, 0, 0), tuple[float, float, float])
    assert_type(untyped, Any)
    assert half(Fraction(1, 2)) == Fraction(1, 4)
    try:
        colorsys.rgb_to_hsv("red", 0, 0)  # type: ignore[arg-type]  # a checker knows: it says if this is not needed
    except TypeError:
        print("checked")  # noqa: T201


if __name__ == "__main__":
    main()
