"""Who says a word: an index, for when that is asked often."""

from __future__ import annotations

from collections.abc import Iterable


class Mentions:
    """`said` are the words of each speaker; None of one that may say anything.

    Who says one of the `common` words is among those that are found, whatever is asked for.
    """

    def __init__(self, said: Iterable[frozenset[str] | None], common: frozenset[str] = frozenset()) -> None:
        self._by_word: dict[str, list[int]] = {}
        self._common = common
        self._always: list[int] = []
        for index, words in enumerate(said):
            if words is None or not common.isdisjoint(words):
                self._always.append(index)
            else:
                for word in words:
                    self._by_word.setdefault(word, []).append(index)

    def of(self, words: frozenset[str]) -> list[int]:
        """The numbers of those that may say one of these words, in their order."""
        asked = words - self._common if self._common else words
        lists = [found for word in asked if (found := self._by_word.get(word)) is not None]
        if not lists:
            return self._always
        return lists[0] if len(lists) == 1 and not self._always else sorted({*self._always}.union(*lists))
