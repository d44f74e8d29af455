"""What statements need of modules in which something waits to be executed, and what they load of these."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from functools import cached_property

from pepperpy_reload.core.plan import ReloadPlan, Step
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Place
from pepperpy_reload.reloading.live import LiveWorld
from pepperpy_reload.reloading.loaders import loaders


class Needs:
    """The modules that statements need, and load; `waiting` are the steps that are still to be taken, by module.

    `runs` are the modules that are run again as a whole.
    """

    def __init__(
        self,
        world: LiveWorld,
        scope: Traces,
        plan: ReloadPlan,
        waiting: Mapping[str, list[Step]],
        runs: Container[str],
    ) -> None:
        self._world = world
        self._scope = scope
        self._plan = plan
        self._waiting = waiting
        self._runs = runs
        self._hosts: dict[str, list[Place]] = {}

    def hosts(self, module: str) -> list[Place]:
        """The statements with others inside that load a module, having done other things before, outermost first."""
        if module not in self._hosts:
            found = [place for place in self.loaders(module) if self._scope.is_during(module, place)]
            self._hosts[module] = found[::-1]
        return self._hosts[module]

    @cached_property
    def _loading(self) -> dict[Place, list[str]]:
        """By import statement: the modules that it loads in a cold start, of those where something waits."""
        found: dict[Place, list[str]] = {}
        for name in self._waiting:
            loader = next(iter(self.loaders(name)), None)
            if loader is not None and self._scope.unit(loader).alias is not None:
                found.setdefault(loader, []).append(name)
        return found

    def waits_for(self, place: Place, unit: Unit) -> bool:
        """Whether something waits to be executed in a module that an import statement imports from, or loads."""
        if unit.alias is None:
            return False
        named = (unit.alias.module, f"{unit.alias.module}.{unit.alias.name}", *self._loading.get(place, ()))
        return any(self._waiting.get(name) for name in named)

    def loaded_later(self, place: Place, unit: Unit) -> set[str]:
        """The modules that a statement may import in its midst, and that a cold start has not come to by then."""
        if unit.alias is not None or not unit.imports:
            return set()
        named = {name for alias in unit.imports for name in (alias.module, f"{alias.module}.{alias.name}")}
        turn = self._scope.order(place)
        return {name for name in named if self._waiting.get(name) and self._scope.begins(name) > turn}

    def of(self, step: Step, unit: Unit) -> Iterator[str]:
        """The modules that a statement imports from, or names."""
        for alias in (*unit.imports, *([unit.alias] if unit.alias else [])):
            yield from (alias.module, f"{alias.module}.{alias.name}")
        for chain in sorted(unit.reads | self._scope.looked_up(step.module, unit)):
            # `import settings` may be long done, and `settings.LIMIT` is still to come
            yield self._scope.cell(step.module, chain)[0].module
        if self._runs:  # a module that is run as a whole has others come before their turn, and these find what waits
            read = self._scope.chains_read(Place(step.module, step.index))
            yield from sorted({self._scope.canonical(self._scope.cell(*one)[0]).module for one in read})
        yield from self._loading.get(Place(step.module, step.index), ())  # by a package's `__getattr__`, say

    def above(self, module: str) -> set[str]:
        """The modules whose import statements, one inside the other, load a module in a cold start; itself too."""
        return {module, *(place.module for place in self.loaders(module))}

    def loaders(self, module: str) -> Iterator[Place]:
        """The statements that load a module in a cold start, innermost first."""
        return loaders(self._world, self._plan.start, module)
