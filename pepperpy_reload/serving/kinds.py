"""What sort of object a target is: told from how it can be called, never by calling it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from dis import get_instructions
from enum import StrEnum
from types import CodeType
from typing import Any

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
MAIN_NAMES = frozenset({"main", "run", "start", "serve", "cli"})


class Kind(StrEnum):
    """How a target is run."""

    ASGI = "asgi"
    WSGI = "wsgi"
    FUNCTION = "function"
    """Called without arguments; it may turn out to be a factory of an app."""
    COROUTINE = "coroutine"
    """An `async def` without arguments."""


def kind_of(thing: object) -> Kind | None:
    """The kind of `thing`, or None if it can neither be served nor called."""
    if not callable(thing):
        return None
    if is_asgi(thing):
        return Kind.ASGI
    if is_wsgi(thing):
        return Kind.WSGI
    if _arguments(thing) == 0:
        return Kind.COROUTINE if _is_async(thing) else Kind.FUNCTION
    return None


def is_app(thing: object) -> bool:
    """Whether `thing` can be served as it is."""
    return kind_of(thing) in (Kind.ASGI, Kind.WSGI)


def is_asgi(thing: object) -> bool:
    """Whether `thing` is an ASGI app: called with scope, receive and send, or (ASGI 2) with the scope alone."""
    if inspect.isclass(thing):
        return _names(thing) == ["scope"]
    return _arguments(thing) == 3 or is_double_callable(thing)


def is_double_callable(thing: object) -> bool:
    """Whether `thing` is an app of the older ASGI 2: `app(scope)` gives what is called with receive and send."""
    return callable(thing) and _names(thing) == ["scope"] and not _is_async(thing)


def is_wsgi(thing: object) -> bool:
    """Whether `thing` is a WSGI app: called with environ and start_response, not asynchronous."""
    if inspect.isclass(thing):
        return _names(thing) == ["environ", "start_response"]
    return _arguments(thing) == 2 and not _is_async(thing)


def as_asgi(app: Any) -> AsgiApp:
    """An ASGI app in the shape that is called once, whatever shape `app` has."""
    if not is_double_callable(app):
        return app  # type: ignore[no-any-return]

    async def called_once(scope: Any, receive: Any, send: Any) -> None:
        await app(scope)(receive, send)

    return called_once


def may_be_factory(thing: Any) -> bool:
    """Whether calling `thing` may give an app: it can return something that is not a constant, and is no `main`."""
    name = getattr(thing, "__name__", "")
    code = getattr(inspect.unwrap(thing), "__code__", None)
    return name not in MAIN_NAMES and (code is None or _returns_objects(code))


def _returns_objects(code: CodeType) -> bool:
    before = ""
    for instruction in get_instructions(code):
        if instruction.opname == "RETURN_VALUE" and before != "LOAD_CONST":
            return True
        before = instruction.opname
    return False


def _is_async(thing: Any) -> bool:
    while isinstance(thing, functools.partial):
        thing = thing.func
    if inspect.iscoroutinefunction(thing):
        return True
    return not inspect.isclass(thing) and inspect.iscoroutinefunction(getattr(thing, "__call__", None))  # noqa: B004


def _names(thing: Any) -> list[str] | None:
    """The positional parameters that a call must give, or None if that cannot be told."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return None
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if any(p.kind is p.KEYWORD_ONLY for p in needed):
        return None
    return [p.name for p in needed]


def _arguments(thing: Any) -> int | None:
    names = _names(thing)
    if names == [] and _takes_anything(thing):
        return 3 if _is_async(thing) else 2  # a wrapper that passes all on: what wraps an app is an app
    return None if names is None else len(names)


def _takes_anything(thing: Any) -> bool:
    return any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(thing).parameters.values())
