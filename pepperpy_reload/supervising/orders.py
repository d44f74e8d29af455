"""What a worker is told when it starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from pepperpy_reload.errors import SurroundingsError, UsageError


class Task(StrEnum):
    """What a worker runs."""

    SERVE = "serve"
    SCRIPT = "script"
    MODULE = "module"


class Orders(NamedTuple):
    """Everything that a worker needs to know, as plain values: it crosses the channel as JSON."""

    task: Task
    target: str
    roots: tuple[str, ...]
    search: tuple[str, ...] = ()
    """What comes first on `sys.path`."""
    argv: tuple[str, ...] = ()
    """What `sys.argv` is to hold: for a script, what comes after its name."""
    factory: bool = False
    options: Mapping[str, Any] = {}
    """The keyword arguments of `serving.session.ServeOptions`."""
    env_file: str = ""
    audit: bool = False
    """Whether what a reload has made is compared with a fresh start."""

    def as_json(self) -> dict[str, Any]:
        """A dict of plain values; `from_json` is the way back."""
        return self._asdict()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Orders:
        """The orders that `as_json` turned into `data`."""
        values = dict(data)
        values["task"] = Task(values["task"])
        for name in ("roots", "search", "argv"):
            values[name] = tuple(values[name])
        return cls(**values)

    def environment(self) -> dict[str, str]:
        """The environment for a new worker: ours, and what the env file adds to it, read now.

        Raises SurroundingsError if python-dotenv is missing, UsageError if the file cannot be read.
        """
        environment = dict(os.environ)
        if self.audit:  # the order of sets must be that of the fresh starts
            from random import randrange

            environment.setdefault("PYTHONHASHSEED", str(randrange(1 << 32)))
        if not self.env_file:
            return environment
        try:
            from dotenv import dotenv_values
        except ImportError:
            raise SurroundingsError("--env-file needs python-dotenv: pip install 'pepperpy-reload[serve]'") from None
        try:
            with Path(self.env_file).open(encoding="utf-8") as stream:
                values = dotenv_values(stream=stream)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the environment file {self.env_file} cannot be read: {error}") from None
        return {key: value for key, value in values.items() if value is not None} | environment
