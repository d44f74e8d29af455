"""Hot reloader and dev server: hot when provably the same as a fresh start, a restart otherwise, with the reason."""

from importlib import import_module

TYPE_CHECKING = False  # a program that only wants one name of ours does not pay for `typing`
if TYPE_CHECKING:
    from pepperpy_reload.core.report import ReloadReport, ReloadStatus
    from pepperpy_reload.errors import ReloadError
    from pepperpy_reload.importing.cache import ImportCache
    from pepperpy_reload.importing.lazy import lazy_import
    from pepperpy_reload.importing.modules import ModuleManager
    from pepperpy_reload.importing.profile import ImportProfile
    from pepperpy_reload.importing.profiler import ImportProfiler
    from pepperpy_reload.integrations.ipython import load_ipython_extension, unload_ipython_extension
    from pepperpy_reload.reloading.checkpoint import checkpoint
    from pepperpy_reload.reloading.optimizer import ImportOptimizer
    from pepperpy_reload.reloading.reloader import Reloader, handle_file_change
    from pepperpy_reload.reloading.state import keep, on_dispose

__all__ = [
    "ImportCache",
    "ImportOptimizer",
    "ImportProfile",
    "ImportProfiler",
    "ModuleManager",
    "ReloadError",
    "ReloadReport",
    "ReloadStatus",
    "Reloader",
    "checkpoint",
    "handle_file_change",
    "keep",
    "lazy_import",
    "load_ipython_extension",
    "on_dispose",
    "unload_ipython_extension",
]

# Names are looked up at first use (PEP 562): a user's program that only wants `keep` does not pay for the rest.
_HOMES = {
    "ImportCache": "importing.cache",
    "ImportOptimizer": "reloading.optimizer",
    "ImportProfile": "importing.profile",
    "ImportProfiler": "importing.profiler",
    "ModuleManager": "importing.modules",
    "ReloadError": "errors",
    "ReloadReport": "core.report",
    "ReloadStatus": "core.report",
    "Reloader": "reloading.reloader",
    "checkpoint": "reloading.checkpoint",
    "handle_file_change": "reloading.reloader",
    "keep": "reloading.state",
    "lazy_import": "importing.lazy",
    "load_ipython_extension": "integrations.ipython",
    "on_dispose": "reloading.state",
    "unload_ipython_extension": "integrations.ipython",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
