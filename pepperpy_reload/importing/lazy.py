"""lazy_import: modules and attributes that are imported at first use."""

from __future__ import annotations

import importlib
import operator
import os
import sys
from types import ModuleType

TYPE_CHECKING = False  # whoever wants a fast start does not want `typing` for it
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


RECORDER = "pepperpy_reload.importing.recorder"
"""Looked up where it is needed: who only wants this module's one function does not pay for all of it."""
EAGER = "PEPPERPY_RELOAD_EAGER"


class _Source:
    """What a lazy object stands for, and where it was declared."""

    __slots__ = ("attribute", "declared", "importer", "name")

    def __init__(self, name: str, attribute: str | None, importer: str, declared: str) -> None:
        self.name = name
        self.attribute = attribute
        self.importer = importer
        self.declared = declared

    def get(self) -> Any:
        """The real object, as it is now: it follows reloads."""
        module = sys.modules.get(self.name)
        loaded = module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False)
        if module is None or not loaded:
            module = self._import()
        self._note(first=not loaded)
        if self.attribute is None:
            return module
        try:
            return getattr(module, self.attribute)
        except AttributeError:
            text = f"cannot import name {self.attribute!r} from {self.name!r} (lazily imported at {self.declared})"
            raise ImportError(text, name=self.name, path=getattr(module, "__file__", None)) from None

    def _import(self) -> ModuleType:
        try:
            __import__(self.name)  # not import_module: of threads that wait for each other's modules it fails one
            module = sys.modules.get(self.name)  # not there if it has failed for another thread meanwhile
            return module if module is not None else importlib.import_module(self.name)
        except ImportError as error:
            kind = ModuleNotFoundError if isinstance(error, ModuleNotFoundError) else ImportError
            text = f"{error} (lazily imported at {self.declared})"
            raise kind(text, name=error.name, path=error.path) from error
        except BaseException as error:
            error.add_note(f"{self.name} was lazily imported: declared at {self.declared}")
            raise

    def _note(self, *, first: bool) -> None:
        """Who uses it while being run depends on it, however it was loaded; otherwise its first use is an import."""
        module = sys.modules.get(RECORDER)
        recorder = getattr(module, "recorder", None)
        if recorder is None or not recorder.armed:
            return
        from pepperpy_reload.core.graph import EdgeKind

        stack = recorder.watch.stack
        importer = stack[-1].module if stack and stack[-1].module else self.importer
        if importer in recorder.importers and (stack or first):
            frame = sys._getframe(2)
            while frame.f_code.co_filename == __file__ and frame.f_back is not None:
                frame = frame.f_back
            recorder.note_edge(importer, self.name, EdgeKind.IMPORT_MODULE, frame, failed=False)


class LazyModule(ModuleType):
    """Stands for a module that is imported when an attribute of it is first used."""

    def __init__(self, source: _Source) -> None:
        super().__init__(source.name)
        own: dict[str, Any] = object.__getattribute__(self, "__dict__")
        own.clear()  # of the names of a new module
        own["_lazy_source"] = source

    def __getattribute__(self, attribute: str) -> Any:
        source: _Source = object.__getattribute__(self, "__dict__")["_lazy_source"]
        if attribute == "__class__":
            return LazyModule
        if attribute == "__reduce_ex__":
            return lambda _protocol: (lazy_import, (source.name,))
        if attribute == "__name__":
            return source.name
        return getattr(source.get(), attribute)

    def __setattr__(self, attribute: str, value: Any) -> None:
        setattr(object.__getattribute__(self, "__dict__")["_lazy_source"].get(), attribute, value)

    def __delattr__(self, attribute: str) -> None:
        delattr(object.__getattribute__(self, "__dict__")["_lazy_source"].get(), attribute)

    def __dir__(self) -> list[str]:
        return dir(object.__getattribute__(self, "__dict__")["_lazy_source"].get())

    def __repr__(self) -> str:
        source: _Source = object.__getattribute__(self, "__dict__")["_lazy_source"]
        real = sys.modules.get(source.name)
        return repr(real) if real is not None else f"<lazy module {source.name!r}, declared at {source.declared}>"


class LazyAttribute:
    """Stands for an attribute of a module that is imported when it is first used."""

    __slots__ = ("_lazy_source",)

    _lazy_source: _Source

    def __init__(self, source: _Source) -> None:
        object.__setattr__(self, "_lazy_source", source)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self._lazy_source.get().__class__

    @property
    def __bases__(self) -> Any:
        """Of a class: itself, for `issubclass(this, other)` asks nothing else."""
        real = self._lazy_source.get()
        return (real,) if isinstance(real, type) else real.__bases__

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call what it stands for."""
        return self._lazy_source.get()(*arguments, **keywords)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._lazy_source.get(), attribute)

    def __setattr__(self, attribute: str, value: Any) -> None:
        setattr(self._lazy_source.get(), attribute, value)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._lazy_source.get())

    def __subclasscheck__(self, subclass: type) -> bool:
        return issubclass(subclass, self._lazy_source.get())

    def __mro_entries__(self, _bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self._lazy_source.get(),)

    def __dir__(self) -> list[str]:
        return dir(self._lazy_source.get())

    def __repr__(self) -> str:
        source = self._lazy_source
        if source.name in sys.modules:
            return repr(source.get())
        return f"<lazy {source.name}.{source.attribute}, declared at {source.declared}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return lazy_import, (self._lazy_source.name, self._lazy_source.attribute)


def _unary(function: Callable[[Any], Any]) -> Any:
    return lambda self: function(self._lazy_source.get())


def _binary(function: Callable[..., Any]) -> Any:
    return lambda self, *operands: function(self._lazy_source.get(), *operands)


def _reflected(function: Callable[[Any, Any], Any]) -> Any:
    return lambda self, other: function(other, self._lazy_source.get())


def _special(name: str) -> Any:
    return lambda self, *operands: getattr(self._lazy_source.get(), name)(*operands)


def _own(name: str) -> property:
    return property(lambda self: getattr(self._lazy_source.get(), name))


def _add_operators() -> None:
    """Python looks operators up on the type: they have to stand there one by one."""
    for name in "add sub mul matmul truediv floordiv mod pow and or xor lshift rshift".split():
        function = getattr(operator, f"__{name}__")
        setattr(LazyAttribute, f"__{name}__", _binary(function))
        setattr(LazyAttribute, f"__r{name}__", _reflected(function))
    for name in "eq ne lt le gt ge getitem setitem delitem contains".split():
        setattr(LazyAttribute, f"__{name}__", _binary(getattr(operator, f"__{name}__")))
    for name in "neg pos abs invert index".split():
        setattr(LazyAttribute, f"__{name}__", _unary(getattr(operator, f"__{name}__")))
    for function in (str, bytes, bool, len, iter, next, hash, int, float, complex, reversed):
        setattr(LazyAttribute, f"__{function.__name__}__", _unary(function))
    for function in (format, round, divmod):
        setattr(LazyAttribute, f"__{function.__name__}__", _binary(function))
    for name in "enter exit await aiter anext aenter aexit fspath".split():
        setattr(LazyAttribute, f"__{name}__", _special(f"__{name}__"))
    for name in "doc module annotations".split():  # which every class has of its own
        setattr(LazyAttribute, f"__{name}__", _own(f"__{name}__"))


_add_operators()


def _full_name(name: str, package: str | None) -> str:
    if not name.startswith("."):
        return name
    from importlib.util import resolve_name

    return resolve_name(name, package)


def lazy_import(name: str, attribute: str | None = None, package: str | None = None) -> Any:
    """A module, or an attribute of one, that is imported at first use.

    `name` may be relative, then `package` is the package it is relative to. The result behaves as the real object,
    which is looked up at each use and so follows reloads. If it cannot be imported, the first use raises an ImportError
    that names the line of this call; whatever else the module raises has that line as a note. What looks at the very
    object sees that it is another one: `is`, `type()`, `except`, `case`, and functions written in C, such as json's.
    With PEPPERPY_RELOAD_EAGER=1 in the environment everything is imported at once.
    Safe to use from several threads. Raises ImportError for a relative name without `package`.
    """
    frame = sys._getframe(1)
    full = _full_name(name, package)
    declared = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    source = _Source(full, attribute, str(frame.f_globals.get("__name__", "")), declared)
    if os.environ.get(EAGER, "") not in ("", "0"):
        return source.get()
    return LazyModule(source) if attribute is None else LazyAttribute(source)
