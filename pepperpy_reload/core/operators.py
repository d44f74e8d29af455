"""Whose objects change when operators are used on them, or attributes of them are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pepperpy_reload.core.effects import Chain, Depth, Mutation
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.operands import OPERATED, operands
from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.statement import import_time
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Key

Known = tuple[str, FunctionFacts]
"""The module of a function, and what calling it does."""
Change = tuple[str, Mutation]
"""A change of what a chain of names means in a module."""


def operated(scope: Scope, name: str, unit: Unit, ran: Mapping[Key, Known]) -> Iterator[Change]:
    """What a unit of module `name` has changed so, itself or in the functions that ran while it was executed."""
    if not any(facts.alters for _, facts in ran.values()):
        return
    read = [(name, unit.reads), *((home, facts.reads) for home, facts in ran.values())]
    for home, head in dict.fromkeys(_heads(read)):
        for step, keys in _operators(scope, home, head).items():
            if any(not ran.keys().isdisjoint(found) for found in keys.values()):
                yield home, Mutation((*head, *step), Depth.CALL)


def foreseen(scope: Scope, name: str, unit: Unit, soon: Mapping[Key, Known]) -> Iterator[Change]:
    """What a new unit may change so, itself or in the functions that may run."""
    said = [(name, *one) for one in operands(import_time(unit.statement.shell))]
    for home, facts in soon.values():
        said += ((home, *one) for one in operands(facts.nodes) if one[0][0] not in facts.own)
    for home, chain, attribute in dict.fromkeys(said):
        for step, keys in _operators(scope, home, chain).items():
            if any(_changes_first(scope, one) for by, found in keys.items() if _is(by, attribute) for one in found):
                yield home, Mutation((*chain, *step), Depth.CALL)


def _heads(read: list[tuple[str, frozenset[Chain]]]) -> Iterator[tuple[str, Chain]]:
    for home, chains in read:
        for chain in chains:
            yield from ((home, chain[:end]) for end in range(1, len(chain) + 1))


def _operators(scope: Scope, home: str, chain: Chain) -> dict[Chain, dict[str, frozenset[Key]]]:
    """The methods of what a chain means that run without being called, and of what that holds, if it is a container."""
    cell, rest = scope.cell(home, chain)
    return {step: found for step in ((), ("[]",)) if (found := dict(scope.world.operators(cell, (*rest, *step))))}


def _is(by: str, attribute: str) -> bool:
    """Whether the method behind a name runs when an attribute is read, or an operator is used."""
    is_special = by[:2] == by[-2:] == "__"
    if attribute == OPERATED:
        return is_special
    return by in (attribute, "__getattr__", "__getattribute__")


def _changes_first(scope: Scope, key: Key) -> bool:
    known = scope.world.facts(key)
    return known is not None and known[1].changes_first
