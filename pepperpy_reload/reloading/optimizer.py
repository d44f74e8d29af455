"""ImportOptimizer: finder, cache, profiler, modules and reload engine behind one face."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pepperpy_reload.core.graph import Edge, EdgeKind
from pepperpy_reload.errors import RestartNeeded, UsageError
from pepperpy_reload.importing.cache import ImportCache
from pepperpy_reload.importing.finder import Finder
from pepperpy_reload.importing.modules import ModuleManager
from pepperpy_reload.importing.profiler import ImportProfiler
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.importing.roots import standard_library

if TYPE_CHECKING:  # needed by who asks, and by no start
    from pepperpy_reload.core.cycles import Circle
    from pepperpy_reload.core.import_tree import ImportTree

_OURS = f"{__name__.partition('.')[0]}."
_LIBRARIES = "-packages"  # site-packages, dist-packages: they may lie in the standard library's directory
Hook = Callable[[str, ModuleType | None, BaseException | None], object]


class ImportOptimizer(MetaPathFinder):
    """Profiles, caches, records and reloads imports; goes to `sys.meta_path[0]`, by hand or by `install()`.

    It arms itself when it is first asked for a module, and goes inert when it is taken off `sys.meta_path`.
    `max_cache_size` is in bytes, `cache_ttl` in seconds; None is no bound.
    """

    def __init__(
        self,
        manager: ModuleManager | None = None,
        max_cache_size: int | None = None,
        max_cache_entries: int | None = None,
        cache_ttl: float | None = None,
    ) -> None:
        self.manager = manager if manager is not None else ModuleManager()
        self.manager.follow(recorder.graph)
        self.cache = ImportCache(max_cache_size, max_cache_entries, cache_ttl)
        self.cache.run_again = lambda module: self.reload_module(module.__name__)
        self.cache.dependencies_of = recorder.graph.imports_of
        self.profiler = ImportProfiler()
        self.finder = Finder()
        self._hooks: list[Hook] = []
        self._armed = False

    # --- the import system

    def install(self) -> ImportOptimizer:
        """Put this optimizer in front of `sys.meta_path` and begin to record; returns it."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        self._arm()
        return self

    def uninstall(self) -> None:
        """Undo `install`. Only an inert audit hook stays: Python has no way to remove one."""
        while self in sys.meta_path:
            sys.meta_path.remove(self)
        self._disarm()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module through the other finders; called by the import system."""
        if not self._armed:
            self._arm()
        if not self.profiler.is_under_way(fullname):
            recorder.join(self, fullname)
        return self.finder.find(self, fullname, path, target)

    def load_begins(self, name: str) -> None:
        """A module begins to load; called by the recorder."""
        if self not in sys.meta_path:
            self._disarm()
        elif not name.startswith(_OURS):  # what is loaded to answer a question
            self.profiler.start_import(name)

    def load_ends(self, name: str, error: BaseException | None) -> None:
        """A module has been loaded, or not; called by the recorder."""
        if not self.profiler.finish(name, None, error):  # it had begun before this optimizer listened
            return
        if error is None and name in recorder.by_name:
            self.refresh_cache((name,))
        for hook in tuple(self._hooks) if self._hooks else ():
            hook(name, None if error else sys.modules.get(name), error)

    def _arm(self) -> None:
        if not self._armed:
            self._armed = True
            recorder.attach(self)
            adopt_loaded()

    def _disarm(self) -> None:
        self._armed = False
        recorder.detach(self)

    def register_hook(self, hook: Hook) -> None:
        """Call `hook(name, module, error)` after every import that loads something; `module` is None if it failed."""
        self._hooks.append(hook)

    def unregister_hook(self, hook: Hook) -> bool:
        """Stop calling `hook`; whether it was registered."""
        if hook not in self._hooks:
            return False
        self._hooks.remove(hook)
        return True

    # --- questions

    def get_import_profiles(self) -> dict[str, Any]:
        """What is known of imports.

        `profiles` (name -> ImportProfile), `analysis` (see `ImportProfiler.analyze_imports`), `slow_imports`
        (ImportProfile, slowest first), `dependency_graph` (name -> names that it imports), `error_counts` (name ->
        number of failed imports), `circular_imports`: the worst first, a dict for each cycle with its `class` (harmful
        now, import-time, deferred, typing only), its `modules`, its `imports` (`importer`, `imported`, `file`, `line`,
        `place`, and names that were `missing` when they were asked for), and `cut`: the import that can `move`, and
        where to, or None.
        """
        profiles = self.profiler.get_all_profiles()
        return {
            "profiles": profiles,
            "analysis": self.profiler.analyze_imports(),
            "slow_imports": self.profiler.get_slow_imports(),
            "dependency_graph": self.manager.get_module_graph(),
            "error_counts": {name: len(profile.errors) for name, profile in profiles.items() if profile.errors},
            "circular_imports": [one.as_json() for one in self.get_cycles()],
        }

    def get_cycles(self) -> list[Circle]:
        """The import cycles among the project's own modules, the worst and shortest first."""
        from pepperpy_reload.reloading.circular import cycles_here

        return cycles_here(self._last_error)

    def profile_tree(self) -> ImportTree:
        """The imports as a tree: who loaded what, with times, memory, and lines. `print` shows the dearest ones.

        A module that was loaded again stands where that happened. What reloads ran again is no import.
        """
        from pepperpy_reload.reloading.spent import profile_tree

        return profile_tree(self.profiler.get_all_profiles().values())

    def _last_error(self, name: str) -> str:
        profile = self.profiler.get_profile(name)
        return profile.errors[-1] if profile is not None and profile.errors else ""

    def get_dependent_modules(self, path: str | os.PathLike[str]) -> list[str]:
        """The loaded modules made from `path` and all that depend on them, in topological order: imported first.

        Also after `invalidate_path(path)`.
        """
        real = os.path.realpath(path)
        names = [name for name, loaded in list(recorder.modules.items()) if os.path.realpath(loaded.path) == real]
        dependents = [name for name in recorder.graph.dependents(names) if _can_be_run_again(name)]
        return [name for group in recorder.graph.order(dependents, recorder.rank) for name in group]

    def get_cache_stats(self) -> dict[str, Any]:
        """See `ImportCache.get_cache_stats`."""
        return self.cache.get_cache_stats()

    # --- acting

    def reload_module(self, name: str) -> ModuleType:
        """Run a module again, even if its file has not changed, and return it: the same object as before.

        What depends on it is left alone, see `reload_dependencies`. Raises ImportError if it is not loaded, UsageError
        if it is none of the project's own, UserCodeError if it raises (then nothing has changed), RestartNeeded if it
        cannot be run again in this process.
        """
        self._reload([name], dependents=False)
        return sys.modules[name]

    def reload_dependencies(self, name: str) -> list[str]:
        """Bring a module and all that hangs on it up to date, as one transaction.

        First what it imports and is stale, then itself, then everything loaded that depends on it: imported before
        importer, the members of a cycle in the order in which they first loaded. Always includes `name`. Returns the
        names in the order in which they were brought up to date. Raises as `reload_module` does.
        """
        return self._reload([name], dependents=True)

    def invalidate_path(self, path: str | os.PathLike[str]) -> list[str]:
        """Forget what is cached of the modules made from `path`; their names."""
        return self.cache.invalidate_path(path)

    def invalidate_cache(self, name: str) -> bool:
        """Forget what is cached of a module; whether there was something."""
        return self.cache.invalidate(name)

    def clear_profiles(self) -> None:
        """Forget all import times and errors."""
        self.profiler.clear()

    def clear_cache(self) -> None:
        """Forget all cached modules."""
        self.cache.clear()

    def refresh_cache(self, names: Iterable[str]) -> None:
        """Modules have been brought up to date: what is cached is what is loaded."""
        for name in names:
            loaded, module = recorder.by_name.get(name), sys.modules.get(name)
            if loaded is not None and module is not None:
                self.cache.set_later(name, module, loaded.source)

    def _reload(self, names: Sequence[str], *, dependents: bool) -> list[str]:
        for name in names:
            self._check(name)
        from pepperpy_reload.core.plan import Action  # a program that is being started does without
        from pepperpy_reload.reloading import engine

        prepared = engine.prepare_modules(names, dependents=dependents)
        if prepared.plan.restart:
            raise RestartNeeded(prepared.plan.restart)
        attempt = engine.perform(prepared, self.finder)
        attempt.commit()
        for name in attempt.gone:
            self.invalidate_cache(name)
        done = list(dict.fromkeys(step.module for step in prepared.plan.steps if step.action is not Action.DROP))
        self.refresh_cache(done)
        order = recorder.graph.order([name for name in done if name in recorder.modules], recorder.rank)
        return [name for group in order for name in group]

    def _check(self, name: str) -> None:
        if self not in sys.meta_path:
            raise UsageError("this optimizer is not in sys.meta_path: put it there, or call its install()")
        self._arm()
        if name not in sys.modules:
            raise ImportError(f"module {name!r} is not loaded: import it before it can be reloaded", name=name)
        if name not in recorder.modules:
            raise UsageError(f"module {name!r} is not the project's own Python source and is never run again: restart")


def _can_be_run_again(name: str) -> bool:
    return name in recorder.modules and name in sys.modules and name != "__main__"


def adopt_loaded() -> None:
    """Know the first-party modules that were loaded before anybody recorded: by their source as it is now."""
    standard = tuple(f"{path}{os.sep}" for path in standard_library())
    for name, module in list(sys.modules.items()):
        if name.startswith(_OURS):
            continue
        loader = getattr(getattr(module, "__dict__", {}).get("__spec__"), "loader", None)
        path = getattr(module, "__dict__", {}).get("__file__")
        if not isinstance(path, str) or (path.startswith(standard) and _LIBRARIES not in path):  # most of them
            continue
        if name in recorder.modules or path not in recorder.roots:
            continue
        if type(loader) is SourceFileLoader and isinstance(module, ModuleType):
            _adopt(name, path, loader)


def _adopt(name: str, path: str, loader: SourceFileLoader) -> None:
    try:
        source = loader.get_data(path)
        code = loader.source_to_code(source, path)
        tree = ast.parse(source)
    except (OSError, SyntaxError, ValueError):  # saved meanwhile, and broken: the next save will be read
        return
    from pepperpy_reload.core.effects import static_imports

    recorder.adopt(name, path, source, code)
    package = name if os.path.basename(path) == "__init__.py" else name.rpartition(".")[0]
    for imported, line in static_imports(tree, package):
        if imported in sys.modules and imported != name:
            recorder.graph.add(Edge(name, imported, path, line, EdgeKind.STATIC))
