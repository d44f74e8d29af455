"""lazy_import: modules and attributes that are imported at first use."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any

from pepperpy_reload.core.graph import EdgeKind
from pepperpy_reload.importing.recorder import recorder

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
        if module is None or getattr(module.__spec__, "_initializing", False):
            module = self._import()
        if self.attribute is None:
            return module
        try:
            return getattr(module, self.attribute)
        except AttributeError:
            text = f"cannot import name {self.attribute!r} from {self.name!r}: lazily imported at {self.declared}"
            raise ImportError(text, name=self.name, path=getattr(module, "__file__", None)) from None

    def _import(self) -> ModuleType:
        try:
            module = importlib.import_module(self.name)
        except ImportError as error:
            raise ImportError(
                f"{error} (lazily imported at {self.declared})", name=error.name, path=error.path
            ) from error
        if recorder.armed and self.importer in recorder.importers:
            recorder.note_edge(self.importer, self.name, EdgeKind.IMPORT_MODULE, sys._getframe(2), failed=False)
        return module


class LazyModule(ModuleType):
    """Stands for a module that is imported when an attribute of it is first used."""

    def __init__(self, source: _Source) -> None:
        super().__init__(source.name)
        # ModuleType puts names of its own there, which would hide those of the real module.
        vars(self).clear()
        vars(self)["_lazy_source"] = source

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

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
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


def _delegate(operator: str) -> Any:
    def method(self: LazyAttribute, *operands: Any) -> Any:
        return getattr(self._lazy_source.get(), operator)(*operands)

    method.__name__ = operator
    return method


# Python looks operators up on the type: they have to stand there one by one.
for _operator in (
    "__str__ __bytes__ __format__ __bool__ __len__ __iter__ __next__ __contains__ __getitem__ __setitem__ __delitem__ "
    "__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __hash__ __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ "
    "__truediv__ __rtruediv__ __floordiv__ __rfloordiv__ __mod__ __rmod__ __pow__ __rpow__ __and__ __rand__ __or__ "
    "__ror__ __xor__ __rxor__ __lshift__ __rshift__ __neg__ __pos__ __abs__ __invert__ __int__ __float__ __complex__ "
    "__index__ __round__ __enter__ __exit__ __await__ __aiter__ __anext__ __aenter__ __aexit__ __fspath__ __reversed__"
).split():
    if _operator == "__bool__":
        LazyAttribute.__bool__ = lambda self: bool(self._lazy_source.get())  # type: ignore[attr-defined]
    else:
        setattr(LazyAttribute, _operator, _delegate(_operator))


def lazy_import(name: str, attribute: str | None = None, package: str | None = None) -> Any:
    """A module, or an attribute of one, that is imported at first use.

    `name` may be relative, then `package` is the package it is relative to. The result behaves as the real object,
    which is looked up at each use and so follows reloads. If it cannot be imported, the first use raises an ImportError
    that names the line of this call. With PEPPERPY_RELOAD_EAGER=1 in the environment everything is imported at once.
    Safe to use from several threads. Raises ImportError for a relative name without `package`.
    """
    frame = sys._getframe(1)
    full = importlib.util.resolve_name(name, package)
    declared = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    source = _Source(full, attribute, str(frame.f_globals.get("__name__", "")), declared)
    if os.environ.get(EAGER, "") not in ("", "0"):
        return source.get()
    return LazyModule(source) if attribute is None else LazyAttribute(source)
