"""What `myapp:main` means: parsed, imported, and looked up again after every reload."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import pkgutil
import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from pepperpy_reload.errors import UsageError
from pepperpy_reload.importing.footprint import Footprint
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.usercode import calling_user_code
from pepperpy_reload.serving.kinds import Kind, is_app, kind_of, may_be_factory

__all__ = ["APP_NAMES", "Kind", "Target", "load_target", "parse_target"]

APP_NAMES = ("app", "application", "create_app", "make_app", "main")
EXAMPLE = "myapp:app, or package.module:create_app"


class Build(NamedTuple):
    """An app, and for one that a factory made: the factory, and what ran in it (None: not known)."""

    made: Any
    factory: object = None
    footprint: Footprint | None = None


def parse_target(text: str) -> tuple[str, str]:
    """The module and the attribute (perhaps dotted, perhaps empty) that `text` names; UsageError if malformed."""
    module, colon, attribute = text.strip().partition(":")
    if module.endswith(".py") or "/" in module or os.sep in module:
        path = module.removesuffix(".py").replace(os.sep, "/").strip("./").replace("/", ".")
        raise UsageError(f"{text!r} is a file's name; a target is a module's name, as in {path}:{attribute or 'app'}")
    if not _is_dotted(module) or (colon and not _is_dotted(attribute.removesuffix("()"))):
        raise UsageError(f"{text!r} is not a target; write module:attribute, as in {EXAMPLE}")
    return module, attribute.removesuffix("()")


class Target:
    """What the user named, in this process.

    `kind` is how it is run; a function that turns out to be a factory has its app's kind once it was called. `touches`
    is asked whether the batch being applied has changed anything that a factory ran, `remade` whether it has made an
    object again that is still the same one; whoever owns the reloader sets them.
    """

    def __init__(self, text: str, module: str, attribute: str, *, factory: bool = False) -> None:
        self.text = text
        self.module = module
        self.attribute = attribute
        self.touches: Callable[[Footprint], bool] = lambda _footprint: False
        self.remade: Callable[[object], bool] = lambda _thing: False
        self._forced = factory
        self._build: Build | None = None
        thing = self.resolve()
        kind = kind_of(thing)
        if kind is None:
            raise UsageError(self._no_app(thing))
        self.kind = Kind.FUNCTION if factory else kind
        self.app: Any = thing if is_app(thing) and not factory else None

    @property
    def is_factory(self) -> bool:
        """Whether the app is what calling the target gave."""
        return self._build is not None

    @property
    def may_be_factory(self) -> bool:
        """Whether calling the target can be expected to give an app, and to return soon."""
        return self._forced or may_be_factory(self.resolve())

    def resolve(self) -> object:
        """The object that the target names, looked up in the live module."""
        found: object = sys.modules[self.module]
        for depth, name in enumerate(self.attribute.split(".")):
            try:
                found = getattr(found, name)
            except AttributeError:
                raise UsageError(self._no_attribute(found, name, depth)) from None
        return found

    def call(self) -> object:
        """Call the target and return what it gives; if that is an app, it is this target's from now on.

        What user code raises comes out as it is.
        """
        build = self._call(recorded=self.may_be_factory)
        if is_app(build.made):
            self.adopt(build)
        elif self._forced:
            raise UsageError(f"{self.text} was to be a factory, but it returned {_a(build.made)}, which is no app")
        return build.made

    def renew(self) -> Build:
        """What a fresh start would serve now: what is served already, or an app newly found or newly built."""
        thing = self.resolve()
        build = self._build
        if build is None:
            if not is_app(thing):
                raise UsageError(self._no_app(thing))
            return Build(thing)
        if thing is build.factory and build.footprint is not None and not self.touches(build.footprint):
            return build
        with calling_user_code():
            build = self._call(recorded=True)
        if not is_app(build.made):
            raise UsageError(f"{self.text} returned {_a(build.made)}, which is no app")
        return build

    def adopt(self, build: Build) -> None:
        """Serve what `renew` gave."""
        self.app = build.made
        self.kind = kind_of(build.made) or self.kind
        self._build = None if build.factory is None else build

    @property
    def build(self) -> Build:
        """What is served."""
        return self._build or Build(self.app)

    def _call(self, *, recorded: bool) -> Build:
        function: Any = self.resolve()
        if not recorded:  # a main that runs for ever must not be recorded for ever
            return Build(function(), function, None)
        with recorder.record() as footprint:
            made = function()
        return Build(made, function, footprint)

    def _no_attribute(self, found: object, name: str, depth: int) -> str:
        if isinstance(found, ModuleType):
            where = f"{found.__name__} ({getattr(found, '__file__', None) or 'a package without __init__.py'})"
        else:
            where = f"{self.module}:{'.'.join(self.attribute.split('.')[:depth])} ({_a(found)})"
        return f"{where} has no attribute {name!r}{_close(name, [known for known in dir(found) if known[:1] != '_'])}"

    def _no_app(self, thing: object) -> str:
        if not callable(thing):
            return f"{self.text} is {_a(thing)}, which cannot be called; name an app, a factory or a function"
        return f"{self.text} is {_a(thing)} that needs arguments; name an app, or a function without arguments"


def load_target(text: str, *, factory: bool = False) -> Target:
    """Import what `text` names.

    UsageError if there is no such module or attribute, or if it can neither be served nor called; UserCodeError if
    the module raises.
    """
    name, attribute = parse_target(text)
    module = _import(name, text)
    if not attribute:
        attribute = next((known for known in APP_NAMES if callable(getattr(module, known, None))), "")
        if not attribute:
            file = getattr(module, "__file__", None) or name
            raise UsageError(f"{file} has none of {', '.join(APP_NAMES)}; say which one is meant, as in {name}:server")
        text = f"{name}:{attribute}"
    return Target(text, name, attribute, factory=factory)


def _import(name: str, text: str) -> ModuleType:
    with calling_user_code():
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not _is_part(error.name, name):
                raise
            raise UsageError(_not_found(str(error.name), name, text)) from None
    return sys.modules[name]


def _is_part(missing: str | None, name: str) -> bool:
    return missing is not None and f"{name}.".startswith(f"{missing}.") and missing not in sys.modules


def _not_found(missing: str, name: str, text: str) -> str:
    parent, _, leaf = missing.rpartition(".")
    where: list[str] = [path or "." for path in sys.path[:1]]
    if parent:
        with contextlib.suppress(AttributeError):
            where = list(sys.modules[parent].__path__)
    there = [module.name for module in pkgutil.iter_modules(where) if module.name[:1] != "_"]
    close = _close(leaf, there, lambda match: text.replace(name, name.replace(leaf, match), 1))
    return f"there is no module {missing!r} in {os.path.abspath(where[0])}{close}"  # noqa: PTH100 - "" is no path


def _close(name: str, names: list[str], shown: Callable[[str], str] = str) -> str:
    """The end of a sentence that offers what was probably meant, or what there is."""
    lowered = {known.lower(): known for known in names}
    close = [lowered[match] for match in difflib.get_close_matches(name.lower(), list(lowered), n=3, cutoff=0.6)]
    return f"; did you mean {' or '.join(shown(match) for match in close)}?" if close else ""


def _a(thing: object) -> str:
    if thing is None:
        return "None"
    if isinstance(thing, ModuleType):
        return "a module"
    name = type(thing).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _is_dotted(text: str) -> bool:
    return re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", text) is not None
