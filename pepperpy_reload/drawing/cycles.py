"""Import cycles on a terminal: each with its lines, what it does, and the import that can move."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import IO

from rich.text import Text

from pepperpy_reload.core.cycles import Circle, Harm
from pepperpy_reload.drawing.circle import cycle_text
from pepperpy_reload.drawing.excerpt import plain
from pepperpy_reload.drawing.terminal import console_on, encodable

_SHOWN = 5
_STYLES = {Harm.NOW: "bold red", Harm.IMPORT: "yellow"}


def draw_cycles(cycles: Sequence[Circle], stream: IO[str] | None = None) -> None:
    """Write those that matter when modules load, and count the others; nothing if there are none."""
    stream = stream or sys.stdout
    console = console_on(stream)
    if not cycles:
        return
    counts = Counter(one.harm for one in cycles)
    total = f"{len(cycles)} import cycle{'' if len(cycles) == 1 else 's'}: "
    console.print(Text(total + ", ".join(f"{counts[harm]} {harm}" for harm in Harm if counts[harm]), style="bold"))
    harmful = [one for one in cycles if one.harm is Harm.NOW]
    others = [one for one in cycles if one.harm is Harm.IMPORT]
    for one in (*harmful, *others[:_SHOWN]):
        text = Text("  ").append(f"{one.harm}: ", style=_STYLES[one.harm])
        console.print(text.append(encodable(plain(cycle_text(one)), stream)), soft_wrap=True)
    if len(others) > _SHOWN:
        console.print(Text(f"  and {len(others) - _SHOWN} more (--json has them all)", style="dim"))
