"""Hot reloader and dev server: hot when provably the same as a fresh start, a restart otherwise, with the reason."""

from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.errors import ReloadError
from pepperpy_reload.importing.cache import ImportCache
from pepperpy_reload.importing.lazy import lazy_import
from pepperpy_reload.importing.modules import ModuleManager
from pepperpy_reload.importing.profiler import ImportProfile, ImportProfiler
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
    "handle_file_change",
    "keep",
    "lazy_import",
    "on_dispose",
]
