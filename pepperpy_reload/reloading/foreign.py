"""What a deed reaches that is not the project's own: objects of libraries, and what the whole process shares."""

from __future__ import annotations

import builtins
import os
import sys
import weakref
from abc import ABCMeta
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import FunctionType, MethodType, ModuleType
from typing import Any, cast

from pepperpy_reload.core.deeds import Deed, Sort
from pepperpy_reload.core.doings import Alias
from pepperpy_reload.core.effects import CALLED, CHANGING, ITEM, Chain
from pepperpy_reload.core.world import Reach
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.exits import last_registered
from pepperpy_reload.reloading.holdings import WATCHED, is_watched, loggers
from pepperpy_reload.reloading.library import is_pure
from pepperpy_reload.reloading.looking import attribute_of, is_a, plain_attribute
from pepperpy_reload.reloading.registrations import about

_ADDING = frozenset(
    {
        "atexit.register", "signal.signal", "codecs.register", "sys.addaudithook", "sys.setprofile", "sys.settrace",
        "threading.settrace", "os.register_at_fork", "faulthandler.register", "weakref.finalize",
        "threading.Thread.start", "threading.Timer.start", "multiprocessing.context.Process.start",
    }
)  # fmt: skip
"""What adds something to the process: done again it would be there twice."""

_EXIT = "atexit.register"
_IMPORTING = "importlib.import_module"

_SETTING = frozenset(
    {
        "locale.setlocale", "sys.setrecursionlimit", "sys.setswitchinterval", "socket.setdefaulttimeout", "os.umask",
        "threading.setprofile", "threading.stack_size", "asyncio.set_event_loop_policy", "codecs.register_error",
        "decimal.setcontext", "csv.register_dialect", "_csv.register_dialect", "shutil.register_archive_format",
        "shutil.register_unpack_format", "urllib.request.install_opener", "xml.etree.ElementTree.register_namespace",
        "warnings.filterwarnings", "warnings.simplefilter", "logging.basicConfig", "logging.captureWarnings",
        "logging.config.dictConfig", "logging.config.fileConfig", "logging.disable", "logging.setLoggerClass",
        "random.seed", "gc.disable",
    }
)  # fmt: skip
"""What changes the process although its result is used."""

_REPLACING = frozenset({"asyncio.events.set_event_loop"})
"""What puts a new object where it has put one of its kind before."""

_HARMLESS = frozenset(
    {
        "asyncio.run", "gc.collect", "time.sleep", "warnings.warn", "logging.debug", "logging.info", "logging.warning",
        "logging.error", "logging.exception", "logging.critical", "logging.log", "os.makedirs", "os.mkdir", "os.remove",
        "os.unlink", "os.rmdir", "os.rename", "os.replace", "os.utime", "os.chmod", "os.system", "sys.exit",
        "sys.intern", "traceback.print_exc", "pprint.pprint",
    }
)  # fmt: skip
"""What leaves nothing behind in the process."""

_CACHES = frozenset({"linecache.cache", "sys.path_importer_cache"})
"""Tables of what can be made anew at any time: who finds an entry finds what it would have made."""

_ON_ARGUMENTS = frozenset(
    "_bisect _contextvars _hashlib _heapq _pickle _struct abc array ast base64 binascii bisect builtins calendar "
    "cmath collections configparser contextlib contextvars copy csv dataclasses datetime decimal difflib enum errno "
    "fnmatch fractions functools genericpath glob graphlib hashlib heapq hmac html importlib inspect io ipaddress "
    "itertools json keyword math ntpath numbers operator pathlib pickle pkgutil platform posixpath pprint re reprlib "
    "secrets shlex shutil stat statistics string struct subprocess tempfile textwrap tokenize tomllib types typing "
    "unicodedata urllib uuid xml zipfile zlib zoneinfo".split()
)
"""Modules of the standard library whose functions change what they are given, and nothing else."""

_MAKING = _ON_ARGUMENTS - frozenset(
    "_pickle builtins functools importlib inspect operator pickle pkgutil types typing".split()
)
"""Those whose functions give new objects; a pickle may mean something that is there."""

_GIVING = frozenset(
    f"{home}.{name}"
    for home in ("inspect", "typing", "typing_extensions")
    for name in ("get_annotations", "get_type_hints", "getmembers")
)
"""Other functions that give a new table or list each time."""

_LOOKING = frozenset(
    "get keys values items copy index count read write writelines flush debug info warning warn error exception "
    "critical log isEnabledFor getEffectiveLevel hasHandlers getChild mkdir touch unlink write_text write_bytes rmdir "
    "exists close communicate wait join encode decode format strip split startswith endswith".split()
)
"""Methods after which their object is what it was, or of which nothing stays in the process."""

PURE_LIBRARIES = frozenset(
    "attr attrs beartype cachetools click decorator hypothesis numba pydantic pytest _pytest tenacity typer typeguard "
    "typing_extensions wrapt".split()
)
"""Whose functions give a new object and remember nothing."""

_OF_A_LIBRARY = " for its effect"
_REGISTERS = "registers with "
_UNKNOWN = object()
_FLAT = (int, float, complex, str, bytes, bool, type(None), tuple, frozenset, range)


class _Way:
    """A path walked along live objects. `theirs`: what it has come to is not the project's own."""

    def __init__(self, namespace: Mapping[str, Any], local: Mapping[str, Alias], imported: Mapping[str, Alias]) -> None:
        self._namespace = namespace
        self._local = local
        self._imported = imported
        self.value: Any = None
        self.theirs = False
        self.known_as = ""

    def walk(self, path: Chain) -> _Way:
        """Go to the end of a path."""
        self._begin(path[0])
        for step in path[1:]:
            self.go(step)
        return self

    def _begin(self, name: str) -> None:
        alias = self._local.get(name) or self._imported.get(name)
        self.theirs = alias is not None and is_theirs(alias.module)
        self.value = self._namespace.get(name, _UNKNOWN)
        if alias is not None and (name in self._local or self.value is _UNKNOWN):
            self.value = _imported_value(alias)
        if self.value is _UNKNOWN:
            self.value = getattr(builtins, name, _UNKNOWN)
        self.known_as = f"{alias.module}.{alias.name}" if alias is not None and alias.name else name
        self._see()

    def go(self, step: str) -> None:
        """Go one step further."""
        if step == CALLED:
            self._call()
        elif step == ITEM:
            self.value = _UNKNOWN
        else:
            self.known_as = f"{self.known_as}.{step}"
            self.value = _UNKNOWN if self.value is _UNKNOWN else _part(self.value, step)
            self._see()

    def _call(self) -> None:
        own = is_a(self.value, (FunctionType, MethodType)) and _file(self.value) in recorder.roots
        makes = self.known_as.partition(".")[0] in _MAKING or self.known_as in _GIVING
        if own or makes or is_a(self.value, type):  # a new object, which nobody else has yet
            self.theirs = False
        self.value = _UNKNOWN

    def _see(self) -> None:
        value = self.value
        if is_a(value, ModuleType):
            name = vars(value).get("__name__")
            self.theirs = isinstance(name, str) and is_theirs(name)
            self.known_as = str(name)
        elif is_a(value, loggers()):
            self.theirs = True
        elif value is not _UNKNOWN and (home := plain_attribute(value, "__module__")):
            name = plain_attribute(value, "__qualname__")
            self.known_as = f"{home}.{name}" if isinstance(name, str) else self.known_as


def reach(module: str, deed: Deed, local: Iterable[Alias], imported: Mapping[str, Alias]) -> Reach | None:
    """What a deed of code in `module` reaches outside; `local` are the imports of the function around it."""
    namespace = getattr(sys.modules.get(module), "__dict__", {})
    if deed.by and _is_held_here_only(namespace, deed.by[0]):
        deed = replace(deed, path=deed.by)
    elif deed.through and namespace.get("cast") is cast:
        deed = replace(deed, path=deed.through)
    names = {alias.bound: alias for alias in local}
    way = _Way(namespace, names, imported)
    found = _set(way, deed) if deed.sort is Sort.SET else _called(way, deed, namespace)
    if found is None:
        return None
    what, twice, seen = found
    file = os.path.basename(recorder.modules[module].path)
    weakly = what.startswith(_REGISTERS)
    fixed = way.known_as in _REPLACING or all(
        _is_fixed(one[0], namespace, names, imported) or (weakly and _is_own_class(namespace, one))
        for one in deed.given
    )
    owner = _Way(namespace, names, imported).walk(deed.path if deed.sort is Sort.SET else deed.path[:-1] or deed.path)
    watched = is_watched(owner.value) or ".".join(deed.path) in WATCHED or way.known_as in WATCHED
    undone = way.known_as == _EXIT and last_registered(namespace, deed) is not None
    library = what.endswith(_OF_A_LIBRARY)
    told = about(namespace, deed, way.value) if library else ()
    home = str(getattr(way.value, "__module__", "")).partition(".")[0] if told else ""
    return Reach(f"{file}:{deed.line}", what, twice, seen, fixed, watched, library, undone, told, home)


def _is_held_here_only(namespace: Mapping[str, Any], name: str) -> bool:
    """Whether only modules of the project hold what a name does: whatever has made it has not kept it."""
    value = namespace.get(name)
    if value is None or is_a(value, (*_FLAT, ModuleType, FunctionType, type)) or weakref.getweakrefcount(value):
        return False
    spaces = [getattr(sys.modules.get(module), "__dict__", {}) for module in recorder.modules]
    number = id(value)
    del value
    cells = sum(1 for space in spaces for one in list(map(id, space.values())) if one == number)
    return sys.getrefcount(namespace[name]) - 1 == cells  # the one is what it is passed by


def _set(way: _Way, deed: Deed) -> tuple[str, bool, bool] | None:
    way.walk(deed.path)
    return (f"sets {_said(deed)}", False, True) if way.theirs and way.known_as not in _CACHES else None


def _called(way: _Way, deed: Deed, namespace: Mapping[str, Any]) -> tuple[str, bool, bool] | None:
    *owner, last = deed.path
    if owner and last not in (CALLED, ITEM):
        way.walk(tuple(owner))
        if _is_of_what_is_given(way, deed, namespace):
            return None
        if found := _method(way, deed, last):
            return found
        way.go(last)
    else:
        way.walk(deed.path)
    return _function(way, deed, namespace)


def _is_of_what_is_given(way: _Way, deed: Deed, namespace: Mapping[str, Any]) -> bool:
    """Whether a class's method is called for a local object, as by `super()`: `Base.__init__(self)`."""
    first = deed.given[0] if deed.given else ()
    is_method = is_a(way.value, type) and type(attribute_of(way.value, deed.path[-1])) is FunctionType
    return is_method and bool(first) and first[0] not in namespace and not hasattr(builtins, first[0])


def _method(way: _Way, deed: Deed, name: str) -> tuple[str, bool, bool] | None:
    """A method of an object of theirs: of a module's it is a function."""
    known_as = f"{way.known_as}.{name}"
    if CALLED in deed.path and known_as in _ADDING:  # of an object just made: `Thread(...).start()`
        return f"calls {known_as}", True, False
    if not way.theirs or is_a(way.value, ModuleType) or name in _LOOKING or way.known_as in _CACHES:
        return None
    if way.known_as == _IMPORTING and deed.path[-2] == CALLED:
        # The module may be a library's, or the project's: then what its function does is that function's affair.
        return f"calls {name} of a module that is imported by its name{_OF_A_LIBRARY}", True, False
    if type(way.value).__module__.partition(".")[0] in PURE_LIBRARIES and name not in CHANGING:  # `pytest.mark.slow`
        return None
    plain = is_a(way.value, type) and way.known_as.partition(".")[0] in _ON_ARGUMENTS  # `datetime.fromtimestamp(0)`
    if plain and name != "register":
        return None
    if name == "register" and is_a(way.value, type) and issubclass(type(way.value), ABCMeta):
        # An abstract class knows weakly who is registered: it forgets a class that is made again.
        return None if deed.decorates else (f"{_REGISTERS}{way.known_as}", False, True)
    if deed.sort is Sort.DONE or deed.decorates or name in CHANGING:
        shown = ".".join(step for step in deed.path[:-1] if step not in (CALLED, ITEM))
        twice = name in _APPENDING or deed.decorates
        return f"changes {shown}, which lives outside the project", twice, True
    return None


def _function(way: _Way, deed: Deed, namespace: Mapping[str, Any]) -> tuple[str, bool, bool] | None:
    shown = ".".join(step for step in deed.path if step not in (CALLED, ITEM))
    names = {way.known_as, shown}
    if names & _ADDING:
        return f"calls {shown}", True, False
    if not way.theirs or names & _HARMLESS:
        return None
    if names & _SETTING:
        return f"calls {shown}, which the whole process goes by", False, True
    if deed.sort is Sort.USED or is_a(way.value, type) or deed.path[-1] in _LOOKING:
        return None
    home = way.known_as.partition(".")[0]
    if home in sys.stdlib_module_names:
        on_arguments = home in _ON_ARGUMENTS or any(_is_changeable(namespace, one) for one in deed.given)
        if deed.decorates or on_arguments or way.value is _UNKNOWN:
            return None
        return f"calls {shown}, which the whole process goes by", False, True
    if home in PURE_LIBRARIES or way.value is _UNKNOWN or _file(way.value) in recorder.roots:
        return None
    if is_pure(way.value, _ON_ARGUMENTS, returned=deed.sort is Sort.FURNISHES):
        return None
    return f"calls {shown} of {home}{_OF_A_LIBRARY}", True, False


_APPENDING = frozenset("append insert extend appendleft addHandler addFilter".split())


def _said(deed: Deed) -> str:
    text = deed.text.splitlines()[0]
    return text if len(text) <= 60 else text[:57] + "..."


def _is_changeable(namespace: Mapping[str, Any], given: Chain) -> bool:
    value = namespace.get(given[0])
    for name in given[1:]:
        value = _part(value, name)
    return value is not None and not is_a(value, (*_FLAT, ModuleType, FunctionType, type))


def _part(value: Any, name: str) -> Any:
    """An attribute as the dictionaries have it: no code of the user's runs."""
    if is_a(value, ModuleType) and name in vars(value):
        return vars(value)[name]
    return attribute_of(value, name, _UNKNOWN)


def _imported_value(alias: Alias) -> Any:
    module = sys.modules.get(alias.module)
    if not alias.name:
        plain = alias.bound == alias.module.partition(".")[0]
        return sys.modules.get(alias.bound, _UNKNOWN) if plain else module or _UNKNOWN
    return sys.modules.get(f"{alias.module}.{alias.name}") or getattr(module, "__dict__", {}).get(alias.name, _UNKNOWN)


def is_theirs(module: str) -> bool:
    """Whether a module is loaded and not the project's own."""
    namespace = getattr(sys.modules.get(module), "__dict__", None)
    if namespace is None or module in recorder.modules:
        return False
    file = namespace.get("__file__")
    files = [file] if isinstance(file, str) else [os.path.join(one, "_") for one in namespace.get("__path__", ())]
    return not any(one in recorder.roots for one in files)


def is_of_a_library(entry: str) -> bool:
    """Whether an entry of the table of modules is a library's module, under its own name or another one."""
    module = sys.modules.get(entry)
    if type(module) is not ModuleType or not isinstance(vars(module).get("__file__"), str):
        return False
    names = (entry, str(vars(module).get("__name__")))
    own = {one.partition(".")[0] for one in recorder.modules}
    return is_theirs(entry) and own.isdisjoint(name.partition(".")[0] for name in names)


def _is_fixed(name: str, *scopes: Mapping[str, Any]) -> bool:
    """Whether a name means something that no edit of the project's makes another thing."""
    namespace, local, imported = scopes
    if _Way(namespace, local, imported).walk((name,)).theirs:
        return True
    return hasattr(builtins, name) and name not in namespace


def _is_own_class(namespace: Mapping[str, Any], path: Chain) -> bool:
    """Whether it is a class of the project's by its own name: if another is made of it, nothing is left of this one."""
    value = namespace.get(path[0])
    known = plain_attribute(value, "__name__"), plain_attribute(value, "__module__")
    return len(path) == 1 and is_a(value, type) and known[0] == path[0] and known[1] in recorder.modules


def _file(function: Any) -> str:
    return str(getattr(getattr(function, "__code__", None), "co_filename", ""))
