"""Who says a word: an index, made as soon as that has been asked often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

OFTEN = 20
"""Questions: from here on it pays to have read all words."""


class Mentions:
    """Who says one of the `common` words is among those that are found, whatever is asked for."""

    def __init__(self, common: frozenset[str] = frozenset(), often: int = OFTEN) -> None:
        self._common, self._often = common, often
        self._asked = 0
        self._by_word: dict[str, list[int]] | None = None
        self._always: list[int] = []

    def of(self, words: frozenset[str], read: Callable[[], Iterable[frozenset[str] | None]]) -> list[int] | None:
        """The numbers of those that may say one of these words, in their order.

        `read` gives the words of each speaker, the same every time; None for one that may say anything. The answer is
        None as long as it has not been asked often: until then it is quicker to look at each.
        """
        self._asked += 1
        if self._by_word is None:
            if self._asked <= self._often:
                return None
            self._by_word = self._index(read())
        asked = words - self._common if self._common else words
        lists = [found for word in asked if (found := self._by_word.get(word)) is not None]
        if not lists:
            return self._always
        return lists[0] if len(lists) == 1 and not self._always else sorted({*self._always}.union(*lists))

    def prepare(self, read: Callable[[], Iterable[frozenset[str] | None]]) -> None:
        """Make the index before anybody asks."""
        if self._by_word is None:
            self._by_word = self._index(read())

    def go_on_from(
        self, before: Mentions, numbers: Mapping[int, int], others: Callable[[int], frozenset[str] | None], count: int
    ) -> None:
        """Make the index of one that there is, if it is there: `numbers` are the new ones of those that say the same.

        `others` gives the words of any other of all those that there are.
        """
        if before._by_word is None:
            return
        found: dict[str, list[int]] = {}
        for word, speakers in before._by_word.items():
            if kept := [numbers[one] for one in speakers if one in numbers]:
                found[word] = kept
        self._always = [numbers[one] for one in before._always if one in numbers]
        known = {*numbers.values()}
        for index in range(count):
            if index not in known:
                self._note(found, index, others(index))
        for speakers in (*found.values(), self._always):
            speakers.sort()
        self._by_word = found

    def _index(self, said: Iterable[frozenset[str] | None]) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for index, words in enumerate(said):
            self._note(found, index, words)
        return found

    def _note(self, found: dict[str, list[int]], index: int, words: frozenset[str] | None) -> None:
        if words is None or not self._common.isdisjoint(words):
            self._always.append(index)
        else:
            for word in words:
                found.setdefault(word, []).append(index)
