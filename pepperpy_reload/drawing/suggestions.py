"""Imports worth making lazy, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pepperpy_reload.core.suggestions import Change, Suggestion
from pepperpy_reload.drawing.excerpt import place_of

_NAMED = 3
_USED = {True: "and this run used it", False: "and this run did not use it", None: "whether it was used is not known"}


def suggestion_lines(found: Sequence[Suggestion], rows: int = 10) -> Iterator[str]:
    """What can be made lazy, with the lines to write, and then what cannot, with the reasons."""
    if not found:
        yield "no import of the project's own modules would save a millisecond if it were lazy"
        return
    safe = [one for one in found if one.is_safe]
    for one in safe[:rows]:
        yield f"{_price(one)}, {_USED[one.used]}"
        for change in one.changes:
            place = place_of(change.path, change.statement.line)
            lines = change.today if change.today[0].startswith("if ") else ("; ".join(change.today),)
            for number, line in enumerate((*lines, f"{change.future}  (Python 3.15)")):
                yield f"  {place if number == 0 else ' ' * len(place)}  {line}"
    if len(safe) > rows:
        yield f"and {len(safe) - rows} more"
    for one in [one for one in found if not one.is_safe][:rows]:
        yield f"{_price(one)}, but not safely:"
        yield from (f"  {deed}" for deed in one.deeds[:3])
        yield from (f"  {_place(change)}: {change.against}" for change in one.blocked[:3])


def _price(one: Suggestion) -> str:
    modules = "one module" if one.modules == 1 else f"{one.modules} modules"
    names = one.name.split(", ")
    name = one.name if len(names) <= _NAMED else f"{', '.join(names[: _NAMED - 1])} and {len(names) - _NAMED + 1} more"
    return f"{name} lazy saves {one.saved * 1000:.1f} ms ({modules})"


def _place(change: Change) -> str:
    return place_of(change.path, change.statement.line)
