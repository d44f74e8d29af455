"""What comes into a supervisor's inbox, from its workers at their places, its watcher, its terminal and the system."""

from __future__ import annotations

from dataclasses import dataclass

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.drawing.news import Happening
from pepperpy_reload.supervising.channel import Message
from pepperpy_reload.supervising.process import WorkerProcess
from pepperpy_reload.supervising.signals import Signalled


@dataclass(frozen=True, slots=True)
class Said:
    """A worker has sent a message."""

    worker: WorkerProcess
    message: Message
    place: int


@dataclass(frozen=True, slots=True)
class Exited:
    """A worker is gone."""

    worker: WorkerProcess
    status: int
    place: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key was pressed."""

    key: str


Item = Said | Exited | Signalled | Pressed | Hint | Quiet | Happening
