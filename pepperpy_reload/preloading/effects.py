"""What libraries do to the process while they are imported that can be taken back, and done again when it is due.

Filters of warnings, loggers, functions to be called at the exit, what typing_extensions changes in typing: a fork must
have them when the user's code imports the library, in that order, and not before.
"""

from __future__ import annotations

import atexit
import logging
import typing
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import is_not
from typing import Any, Self

from pepperpy_reload.core.preload import added_filters

Effect = Callable[[], object]


@dataclass(frozen=True, slots=True)
class _Logger:
    """A logger, and what its library set in it."""

    logger: logging.Logger
    level: int
    handlers: Sequence[logging.Handler]
    filters: Sequence[Any]
    propagate: bool
    disabled: bool

    @classmethod
    def of(cls, logger: logging.Logger) -> Self:
        handlers, filters = tuple(logger.handlers), tuple(logger.filters)
        return cls(logger, logger.level, handlers, filters, logger.propagate, logger.disabled)

    def reset(self) -> None:
        """Make it one that has just been made."""
        self.logger.setLevel(logging.NOTSET)
        self.logger.handlers.clear()
        self.logger.filters.clear()
        self.logger.propagate, self.logger.disabled = True, False

    def apply(self) -> None:
        """Do again what the library did."""
        if self.level != logging.NOTSET:
            self.logger.setLevel(self.level)
        for handler in self.handlers:
            self.logger.addHandler(handler)
        for one in self.filters:
            self.logger.addFilter(one)
        if not self.propagate:
            self.logger.propagate = False
        if self.disabled:
            self.logger.disabled = True


class Effects:
    """Notes what is done, by module (see LoadWatcher); takes it back, and does it again."""

    def __init__(self) -> None:
        self.fault = ""
        """Why it cannot be taken back, or ""."""
        self._effects: dict[str, list[Effect]] = {}
        self._filters: list[Any] = list(warnings.filters)
        self._last: list[Any] = list(warnings.filters)
        self._typing = dict(vars(typing))
        self._last_typing = dict(self._typing)
        self._manager = logging.Logger.manager
        self._known_loggers: dict[str, Any] = dict(self._manager.loggerDict)
        self._seen_loggers = set(self._known_loggers)
        self._loggers: dict[str, logging.Logger] = {}
        """Those that nobody has asked for yet."""
        self._logger_class = logging.getLoggerClass()
        self._current = ""
        self._plain_register = atexit.register

    def __enter__(self) -> Self:
        atexit.register = self._register
        return self

    def __exit__(self, *_: object) -> None:
        atexit.register = self._plain_register

    def step(self, current: str, following: str) -> None:
        """See LoadWatcher."""
        self._current = following
        if self._last != warnings.filters:
            now = list(warnings.filters)
            added = added_filters(self._last, now)
            if added is None:
                self.fault = self.fault or f"{current} removes filters of warnings"
            for item, in_front in added or ():
                self._note(current, partial(_add_filter, item, in_front))
            self._last = now
        if any(map(is_not, vars(typing).values(), self._last_typing.values())):
            for name, value in vars(typing).items():
                if self._last_typing.get(name) is not value:
                    self._note(current, partial(vars(typing).__setitem__, name, value))
            self._last_typing = dict(vars(typing))
        if len(self._manager.loggerDict) != len(self._seen_loggers):
            for name in [name for name in self._manager.loggerDict if name not in self._seen_loggers]:
                self._seen_loggers.add(name)
                self._note(current, partial(self._set_up, name))

    def _note(self, module: str, effect: Effect) -> None:
        self._effects.setdefault(module, []).append(effect)

    def _register(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Callable[..., Any]:
        if not self._current:
            return self._plain_register(function, *arguments, **named)
        self._note(self._current, partial(self._plain_register, function, *arguments, **named))
        return function

    # -- taking back --------------------------------------------------------------------------------------------------

    def take_back(self) -> None:
        """Have the process as it was before."""
        warnings.filters[:] = self._filters  # type: ignore[index]
        _tell_of_filters()
        vars(typing).update(self._typing)
        for name in vars(typing).keys() - self._typing.keys():
            del vars(typing)[name]
        table = self._manager.loggerDict
        self._states: dict[str, _Logger] = {}
        for name, thing in list(table.items()):
            if name not in self._known_loggers:
                del table[name]
                if isinstance(thing, logging.Logger):
                    self._states[name] = _Logger.of(thing)
                    self._states[name].reset()
                    self._loggers[name] = thing
            elif thing is not self._known_loggers[name]:
                self.fault = self.fault or f"the logger {name!r} is another one"
        for thing in table.values():
            if isinstance(thing, logging.PlaceHolder):
                for state in self._states.values():
                    thing.loggerMap.pop(state.logger, None)

    def begin(self) -> None:
        """In a fork: who asks for a logger of a library that is still to come gets the very one."""
        if self._loggers:
            self._manager.loggerClass = self._make  # type: ignore[assignment]

    def end(self) -> None:
        """Nothing more is to come."""
        self._manager.loggerClass = None

    def redo(self, module: str) -> str:
        """Do again what a module did; why that is not what would happen in a fresh process, or ""."""
        for effect in self._effects.get(module, ()):
            if (fault := effect()) and isinstance(fault, str):
                return fault
        return ""

    def _make(self, name: str) -> logging.Logger:
        return self._loggers.pop(name, None) or logging.getLoggerClass()(name)

    def _set_up(self, name: str) -> str:
        state = self._states.get(name)
        if state is None:  # a place holder: it comes with the logger below it
            return ""
        if logging.getLoggerClass() is not self._logger_class:
            return "the class of loggers was changed"
        if logging.getLogger(name) is not state.logger:
            return f"there is another logger {name!r}"
        state.apply()
        return ""


def _add_filter(item: tuple[Any, ...], in_front: bool) -> None:
    warnings._add_filter(*item, append=not in_front)  # type: ignore[attr-defined]


def _tell_of_filters() -> None:
    mutated = getattr(warnings, "_filters_mutated", None)
    if mutated is not None:
        mutated()
