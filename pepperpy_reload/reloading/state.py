"""State on purpose: what user code declares to survive a reload, or to be disposed of by one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import CodeType, ModuleType
from typing import Any, TypeVar

HOOKS = ("__before_reload__", "__after_reload__")
"""The functions of a module that are called around a reload."""
Value = TypeVar("Value")

_kept: dict[tuple[str, str], tuple[object, Any]] = {}
_disposers: dict[str, list[Callable[[], object]]] = {}


def keep(key: str, factory: Callable[[], Value]) -> Value:
    """A value that survives reloads of the module that calls this, failed ones too.

    `factory` is called the first time, and again once its own source has changed; `key` tells the values of one module
    apart. A factory that is no Python function is never called twice.
    """
    owner = str(sys._getframe(1).f_globals.get("__name__", ""))
    made_by = _fingerprint(getattr(factory, "__code__", None))
    known = _kept.get((owner, key))
    if known is not None and known[0] == made_by:
        return known[1]  # type: ignore[no-any-return]
    value = factory()
    _kept[owner, key] = (made_by, value)
    return value


def kept_values() -> list[object]:
    """All values that `keep` has given out and would give out again."""
    return [value for _, value in list(_kept.values())]


def on_dispose(callback: Callable[[], object]) -> Callable[[], object]:
    """Call `callback` before what registered it is replaced by a new version or dropped.

    It is called only once the new version is known to load; the callbacks of a module are called last registered first.
    Returns `callback`, so that it can be used as a decorator.
    """
    owner = str(sys._getframe(1).f_globals.get("__name__", ""))
    _disposers.setdefault(owner, []).append(callback)
    return callback


def take_disposers(module: str) -> list[Callable[[], object]]:
    """The callbacks that the current version of `module` has registered; the next version starts with none."""
    return _disposers.pop(module, [])


def disposers() -> dict[str, list[Callable[[], object]]]:
    """A copy of all that is registered, for `restore_disposers`."""
    return {name: list(callbacks) for name, callbacks in _disposers.items()}


def restore_disposers(saved: dict[str, list[Callable[[], object]]]) -> None:
    """Have again what was registered then."""
    _disposers.clear()
    _disposers.update(saved)


def kept_names(module: ModuleType) -> dict[str, Any]:
    """The names that a module's `__reload_keep__` declares to survive, with their values."""
    names = vars(module).get("__reload_keep__", ())
    return {name: vars(module)[name] for name in names if name in vars(module)}


def call_hooks(modules: Mapping[str, ModuleType], hook: str) -> None:
    """Call a hook in every module that defines it."""
    from pepperpy_reload.reloading.usercode import called  # a module that only keeps a value needs none of it

    for module in modules.values():
        function = vars(module).get(hook)
        if callable(function):
            called(function)


def _fingerprint(code: CodeType | None) -> object:
    """What a function does, wherever it stands."""
    if code is None:
        return None
    constants = tuple(_fingerprint(item) if isinstance(item, CodeType) else repr(item) for item in code.co_consts)
    return (code.co_code, constants, code.co_names)
