"""Old and new units of a module aligned: what is the same, what differs inside functions only, what is new or gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum

from pepperpy_reload.core.classbody import read_otherwise
from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.likeness import same_statement
from pepperpy_reload.core.mentions import Mentions
from pepperpy_reload.core.unit import Kind, Unit


class Fate(StrEnum):
    """What an edit does to a unit."""

    SAME = "same"
    BODY = "body"
    """Only code inside functions differs, which runs when they are called."""
    CHANGED = "changed"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Alignment:
    """The new units of a module, each with its fate and the index of the old unit it goes with (-1: none).

    `gone` are the old units that nothing goes with.
    """

    old: Sequence[Unit]
    units: Sequence[Unit]
    fates: Sequence[Fate]
    olds: Sequence[int]
    gone: Sequence[Unit] = ()
    mentions: Mentions = field(default_factory=Mentions, compare=False, repr=False)
    """Which of the units may say a word."""
    _otherwise: dict[int, frozenset[Chain] | None] = field(default_factory=dict, compare=False, repr=False)
    _before: list[Mentions] = field(default_factory=list, compare=False, repr=False)

    @classmethod
    def of_unchanged(cls, units: Sequence[Unit]) -> Alignment:
        """A module that was not edited."""
        return cls(units, units, [Fate.SAME] * len(units), list(range(len(units))))

    @property
    def changed(self) -> list[int]:
        """The indexes of the units that are not the same."""
        return [index for index, fate in enumerate(self.fates) if fate is not Fate.SAME]

    def words(self) -> Iterator[frozenset[str] | None]:
        """What `mentions` goes by."""
        return (unit.words for unit in self.units)

    def succeed(self, before: Alignment) -> None:
        """The old units were the new ones of another alignment, and what is known of their words goes on to hold."""
        self._before.append(before.mentions)

    def mentioning(self, words: frozenset[str]) -> list[int] | None:
        """The indexes of the new units that may say one of these words; None if each has to be looked at."""
        if self._before:
            same = ((old, new) for new, old in enumerate(self.olds) if old >= 0 and self._says_the_same(old, new))
            self.mentions.go_on_from(
                self._before.pop(), dict(same), lambda index: self.units[index].words, len(self.units)
            )
        return self.mentions.of(words, self.words)

    def _says_the_same(self, old: int, new: int) -> bool:
        one, other = self.old[old], self.units[new]
        return one.statement.said == other.statement.said and one.said == other.said and one.alias == other.alias

    def read_otherwise(self, index: int) -> frozenset[Chain] | None:
        """What a new unit reads in what differs from the old one that it goes with; None if that is not known."""
        if index not in self._otherwise:
            old = self.olds[index]
            known = (self.old[old].statement, self.units[index].statement) if old >= 0 else None
            self._otherwise[index] = read_otherwise(*known) if known is not None else None
        return self._otherwise[index]


def align(old: Sequence[Unit], new: Sequence[Unit]) -> Alignment:
    """Pair the units of two versions of a module.

    Equal units that stand in the same relative order are paired first. Then definitions and imports that have only
    moved, which bind the same wherever they stand; then definitions of the same name, and assignments to the same
    names.
    """
    olds = [-1] * len(new)
    fates = [Fate.NEW] * len(new)
    same = _Same()
    for one, other in _in_order(old, new, same):
        olds[other], fates[other] = one, Fate.SAME
    left = {unit.index for unit in old} - set(olds)
    for match, fate in ((_moved, Fate.SAME), (_body_only, Fate.BODY), (_same_names, Fate.CHANGED)):
        for unit in new:
            if olds[unit.index] >= 0:
                continue
            for index in sorted(left):
                if match(old[index], unit, same):
                    left.discard(index)
                    olds[unit.index], fates[unit.index] = index, fate
                    break
    return Alignment(old, new, fates, olds, [old[index] for index in sorted(left)])


def equal(one: Unit, other: Unit) -> bool:
    """Whether two units say the same, layout and comments aside: a string says something else as a docstring."""
    if one is other:
        return True
    return one.binds == other.binds and same_statement(one.statement, other.statement, bodies=True)


class _Same:
    """Whether an old unit and a new one are equal: it takes long to find out, and several questions begin with it."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bool] = {}

    def __call__(self, one: Unit, other: Unit) -> bool:
        places = one.index, other.index
        if places not in self._known:
            self._known[places] = equal(one, other)
        return self._known[places]


def _in_order(old: Sequence[Unit], new: Sequence[Unit], same: _Same) -> list[tuple[int, int]]:
    start = 0
    while start < min(len(old), len(new)) and same(old[start], new[start]):
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and same(old[-1 - end], new[-1 - end]):
        end += 1
    pairs = [(index, index) for index in range(start)]
    pairs += [(len(old) - end + index, len(new) - end + index) for index in range(end)]
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    if before and after and max(len(before), len(after)) > 1:  # one and one differ: they have just been compared
        matcher = SequenceMatcher(None, *_said(before, after), autojunk=False)
        for block in matcher.get_matching_blocks():
            pairs += [(start + block.a + step, start + block.b + step) for step in range(block.size)]
    return pairs


def _said(before: Sequence[Unit], after: Sequence[Unit]) -> tuple[list[object], list[object]]:
    """What the units say, as values that can be compared: the first unit of those that say the same, by a number."""
    firsts: dict[tuple[Kind, frozenset[str]], list[tuple[Unit, int]]] = {}
    numbers: dict[object, int] = {}

    def said(unit: Unit) -> object:
        key = unit.binds, unit.statement.guards, unit.statement.text
        if key not in numbers:
            known = firsts.setdefault((unit.kind, unit.binds), [])
            number = next((number for first, number in known if equal(first, unit)), None)
            if number is None:
                number = len(numbers)
                known.append((unit, number))
            numbers[key] = number
        return numbers[key]

    return [*map(said, before)], [*map(said, after)]


def _moved(one: Unit, other: Unit, same: _Same) -> bool:
    movable = one.kind in (Kind.FUNCTION, Kind.IMPORT, Kind.CLASS) and not one.decorated
    return movable and one.kind is other.kind and same(one, other)


def _body_only(one: Unit, other: Unit, same: _Same) -> bool:
    # An equal statement that has moved is not the same: it may have been executed between others that it concerns.
    alike = one.kind is other.kind and one.binds == other.binds and not same(one, other)
    return alike and same_statement(one.statement, other.statement, bodies=False)


def _same_names(one: Unit, other: Unit, _same: _Same) -> bool:
    if not one.binds or one.binds != other.binds:
        return False
    definitions = (Kind.FUNCTION, Kind.CLASS)
    return (one.kind in definitions) == (other.kind in definitions)
