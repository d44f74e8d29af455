"""What workers say that is only to be shown, and what they say of what has gone wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pepperpy_reload.drawing.news import Audited, Circular, Happening, Note, Trouble
from pepperpy_reload.errors import ReloadError, SurroundingsError, UsageError
from pepperpy_reload.supervising.channel import Message

FAULTS: Mapping[str, type[ReloadError]] = {"usage": UsageError, "surroundings": SurroundingsError}
"""Whose fault it is that a worker cannot start, where it is not that of the user's code."""


def trouble_of(error: Mapping[str, Any]) -> Trouble:
    """An error as a worker tells it."""
    return Trouble(str(error["text"]), str(error["file"]), int(error["line"]))


def news_of(message: Message) -> Happening | None:
    """The news that a message of a worker has for the user, None if that is for the supervisor itself."""
    kind = message.get("type")
    if kind == "notice":
        return Note(str(message["text"]))
    if kind == "audit":
        return Audited(**{key: value for key, value in message.items() if key != "type"})
    if kind == "cycle":
        from pepperpy_reload.core.cycles import Circle

        return Circular(Circle.from_json(message["cycle"]))
    return None
