"""What workers say that is only to be shown, and what they say of what has gone wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pepperpy_reload.core.report import ReloadStatus
from pepperpy_reload.drawing.news import Audited, Circular, Happening, Note, Trouble
from pepperpy_reload.errors import ReloadError, SurroundingsError, UsageError
from pepperpy_reload.supervising.channel import Message

FAULTS: Mapping[str, type[ReloadError]] = {"usage": UsageError, "surroundings": SurroundingsError}
"""Whose fault it is that a worker cannot start, where it is not that of the user's code."""


def trouble_of(error: Mapping[str, Any]) -> Trouble:
    """An error as a worker tells it."""
    return Trouble(str(error["text"]), str(error["file"]), int(error["line"]))


def written_in(message: Message) -> str:
    """The file that a worker's program writes itself, if the message says so; "" otherwise."""
    path = message.get("path") if message.get("type") == "wrote" else ""
    return path if isinstance(path, str) else ""


def acted_on(message: Message) -> list[str]:
    """The files that a worker has been reloaded for, or would have to be replaced for, if the message says so."""
    report = message.get("report") if message.get("type") == "report" else None
    if not isinstance(report, dict) or report.get("status") == ReloadStatus.UNCHANGED:
        return []
    paths = report.get("paths")
    return [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []


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
