"""Text that tells where an object lives, as some libraries put it into names: another text in every process."""

from __future__ import annotations

import re

from pepperpy_reload.reloading import heap

_ADDRESS = re.compile(r"(?<![0-9A-Za-z])(?:0x[0-9a-fA-F]{8,16}|[0-9]{9,20})(?![0-9A-Za-z])")


class Living:
    """The living objects by their addresses; gathered when a text is first met that may speak of one."""

    def __init__(self) -> None:
        self._things: dict[int, object] | None = None

    def found_in(self, text: str) -> list[tuple[str, object]]:
        """The addresses in a text at which an object lives, each with the object."""
        found = []
        for match in _ADDRESS.findall(text):
            thing = self._at(int(match, 0) if match.startswith("0x") else int(match))
            if thing is not None:
                found.append((match, thing))
        return found

    def _at(self, address: int) -> object | None:
        if self._things is None:
            self._things = {id(thing): thing for thing in heap.all_but_tuples()}
        return self._things.get(address)


def without_addresses(text: str) -> str:
    """A text with nothing in place of what may be the address of an object."""
    return _ADDRESS.sub("@", text)
