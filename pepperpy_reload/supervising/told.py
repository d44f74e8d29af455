"""What workers say that is only to be shown."""

from __future__ import annotations

from pepperpy_reload.drawing.news import Audited, Circular, Happening, Note
from pepperpy_reload.supervising.channel import Message


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
