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
        self._trial: Trial | None = None

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
        effects = self._effects.get(module, ())
        if effects and self._trial is not None:
            self._trial.look()
        for effect in effects:
            if (fault := effect()) and isinstance(fault, str):
                return fault
        if effects and self._trial is not None:
            self._trial.follow(effects)
        return ""

    # -- trying out ---------------------------------------------------------------------------------------------------

    def try_out(self) -> None:
        """What is done again from now on is going to be taken back again."""
        self._trial = Trial(self._plain_register)
        self._before_trial = dict(self._manager.loggerDict), dict(self._loggers)

    def new_loggers(self, module: str) -> None:
        """A module of the user's own has been run: the loggers that it has made come back with it."""
        for name in self._manager.loggerDict.keys() - self._before_trial[0].keys() - self._states.keys():
            thing = self._manager.loggerDict[name]
            if isinstance(thing, logging.Logger):
                self._states[name] = _Logger.of(thing)
                self._note(module, partial(self._set_up, name))

    def tried(self) -> str:
        """What modules of the user's own have done so far that a trial must not do, or ""."""
        assert self._trial is not None
        self._trial.look()
        return self._trial.fault or next(filter(None, map(self._set_up_by_own, self._manager.loggerDict.items())), "")

    def _set_up_by_own(self, item: tuple[str, Any]) -> str:
        name, thing = item
        known, waiting = self._before_trial
        if name in known:
            return "" if known[name] is thing or name in waiting else f"makes another logger of {name!r}"
        if not isinstance(thing, logging.Logger):
            return ""
        fresh = _Logger(thing, logging.NOTSET, (), (), True, False)
        expected = self._states.get(name, fresh) if name in waiting else fresh
        return "" if _Logger.of(thing) == expected else f"sets the logger {name!r} up"

    def end_trial(self) -> str:
        """Have the process as it was before; what modules of the user's own have done besides, or ""."""
        assert self._trial is not None
        fault = self.tried()
        trial, self._trial = self._trial, None
        trial.take_back()
        table, (before, waiting) = self._manager.loggerDict, self._before_trial
        for name, thing in list(table.items()):
            if before.get(name) is thing:
                continue
            del table[name]
            if name in before:
                table[name] = before[name]
            elif isinstance(thing, logging.Logger):
                self._states[name].reset()
                waiting[name] = thing
        for thing in table.values():
            if isinstance(thing, logging.PlaceHolder):
                for logger in waiting.values():
                    thing.loggerMap.pop(logger, None)
        self._loggers = waiting
        return fault or trial.fault

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


class Trial:
    """Watches what only modules of libraries may do while it lasts; `fault` says what has been done besides."""

    def __init__(self, register: Callable[..., Any]) -> None:
        self.fault = ""
        self._register = register
        self._begun = self._last = self._state()
        self._registered: list[Callable[..., Any]] = []
        self._given: set[str] = set()

    @staticmethod
    def _state() -> tuple[list[Any], dict[str, Any], int]:
        return list(warnings.filters), dict(vars(typing)), atexit._ncallbacks()

    def look(self) -> None:
        """Nothing may have changed since the last look."""
        filters, names, exits = self._state()
        if filters != self._last[0]:
            self.fault = self.fault or "changes the filters of warnings"
        before = self._last[1]
        if any(names.get(name) is not value for name, value in before.items()):
            self.fault = self.fault or "changes the module typing"
        new = names.keys() - before.keys()
        if new and "__getattr__" not in names:
            self.fault = self.fault or "changes the module typing"
        self._given |= new  # it makes some names when they are asked for: they have to stay the same
        if exits != self._last[2]:
            self.fault = self.fault or "registers an exit handler"

    def follow(self, effects: Sequence[Effect]) -> None:
        """A library has done this."""
        self._last = self._state()
        for effect in effects:
            if isinstance(effect, partial) and effect.func is self._register:
                self._registered.append(effect.args[0])

    def take_back(self) -> None:
        """Have it as it was at the beginning."""
        filters, names, _ = self._begun
        warnings.filters[:] = filters  # type: ignore[index]
        _tell_of_filters()
        vars(typing).update(names)
        for name in vars(typing).keys() - names.keys() - self._given:
            del vars(typing)[name]
        for function in self._registered:
            atexit.unregister(function)
        if atexit._ncallbacks() != self._begun[2]:
            self.fault = self.fault or "an exit handler cannot be taken back"


def _add_filter(item: tuple[Any, ...], in_front: bool) -> None:
    warnings._add_filter(*item, append=not in_front)  # type: ignore[attr-defined]


def _tell_of_filters() -> None:
    mutated = getattr(warnings, "_filters_mutated", None)
    if mutated is not None:
        mutated()
