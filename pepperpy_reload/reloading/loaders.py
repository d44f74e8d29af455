"""The statements that load a module in a cold start, one inside the other, and what they make of its failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pepperpy_reload.core.start import Start
from pepperpy_reload.core.unit import may_handle
from pepperpy_reload.core.world import Place
from pepperpy_reload.reloading.live import LiveWorld


def loaders(world: LiveWorld, start: Start | None, module: str) -> Iterator[Place]:
    """The statements that load a module, innermost first; `start` is how a cold start would go, if that has changed."""
    seen = {module}
    while True:
        known = start is not None and module in start.keys
        place = start.triggers[module] if start is not None and known else world.loader(module)
        if place is None or place.module in seen:
            return
        yield place
        module = place.module
        seen.add(module)


def handled(world: LiveWorld, places: Iterable[Place], module: str, error: BaseException) -> str:
    """Why a cold start may go on although `module` raises `error`, or ""."""
    for place in places:
        alignment = world.alignment(place.module)
        unit = alignment.units[place.index] if alignment is not None else None
        if alignment is None or unit is None or unit.alias is not None:
            continue  # a plain import statement hands on what it is told
        facts = [world.facts(key) for key in world.ran(place.module, alignment.olds[place.index])]
        if may_handle(unit, error) or any(one is not None and one[1].handles for one in facts):
            return f"{place.module}:{unit.line} may go on without {module}, which fails: {type(error).__name__}"
    return ""
