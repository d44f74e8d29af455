"""The body of a class before and after an edit: which members are made again, and which stay."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping

from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.likeness import Texts, alike, compared
from pepperpy_reload.core.lookups import lookups
from pepperpy_reload.core.names import annotated_names, bound_names, readings
from pepperpy_reload.core.statement import Statement, chain, import_time

_PURE_ON_MEMBERS = frozenset({"abstractmethod", "final", "override", "overload", "no_type_check"})
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_NOTE = ":"
"""Before the name of what is annotated stands for the annotation: no name begins with it."""


class ClassChange:
    """What an edit makes different in a class whose head stays; `dirty` names of its module have changed, too.

    `*` among these stands for some that nobody knows. Members that are named in `again` are made with those that are.
    `texts` are those of the statements of both versions.
    """

    def __init__(
        self,
        old: ast.ClassDef,
        new: ast.ClassDef,
        dirty: Collection[str],
        again: Collection[str] = (),
        texts: Texts | None = None,
    ) -> None:
        before, after = _members(old, texts, 0), _members(new, texts, 1)
        self.names = after.keys()
        """All members of the new version."""
        self.was_decorated = bool(old.decorator_list)
        self.gone = sorted(before.keys() - after.keys())
        found = _made({**before, **_notes(old)}, {**after, **_notes(new)}, dirty, {*_shown(new), *again}, texts)
        self.made = [name for name in after if name in found]
        """Those that are to be had of the new version."""
        self.noted = {name.removeprefix(_NOTE) for name in found if name.startswith(_NOTE)}
        """The names of which the annotations are."""
        made = [statement for name in self.made for statement in after[name] if not _is_alias(statement)]
        self.shared = {other for statement in made for other in _reads([statement]) - set(bound_names([statement]))}
        """Members that others have been made with."""
        self.shared |= {name for name in self.made if _is_shown_around(after[name])}


def _members(node: ast.ClassDef, texts: Texts | None, version: int) -> dict[str, list[ast.stmt]]:
    """The statements of a class body by the names that they bind, or that they do something to."""
    members: dict[str, list[ast.stmt]] = {}
    others = []
    for statement in node.body:
        bound = [*_bound_by(statement, texts, version)]
        for name in bound:
            members.setdefault(name, []).append(statement)
        if not bound:
            others.append(statement)
    for statement in others:
        for name in members.keys() & _reads([statement]):
            members[name].append(statement)
    return members


def _bound_by(statement: ast.stmt, texts: Texts | None, version: int) -> Iterable[str]:
    if texts is not None and isinstance(statement, _DEFINITIONS):
        text = texts.of(statement, version)
        if text and b":=" not in text:
            return (statement.name,)
    return bound_names([statement])


def _notes(node: ast.ClassDef) -> dict[str, list[ast.stmt]]:
    """The statements of a class body by the annotations that they make."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in node.body:
        for name in annotated_names([statement]):
            found.setdefault(f"{_NOTE}{name}", []).append(statement)
    return found


def _shown(node: ast.ClassDef) -> Collection[str]:
    """The annotations that decorators of a class have made something of."""
    return _notes(node) if node.decorator_list else ()


def _made(
    before: Mapping[str, list[ast.stmt]],
    after: Mapping[str, list[ast.stmt]],
    dirty: Collection[str],
    shown: Collection[str],
    texts: Texts | None,
) -> set[str]:
    """The members and annotations that are others, or are made again with such."""
    found = {name for name in shown if name in after}
    readers = _Readers(after, texts)
    for name, statements in after.items():
        same = alike(before.get(name, []), statements, bodies=True, texts=texts)
        if not same or readers.reads(name, dirty) or ("*" in dirty and not _is_method(statements)):
            found.add(name)
    while True:
        # Who reads a new member has to be made with it, and what a new member reads is the one that it was made with.
        more = {name for name in after if name not in found and readers.reads(name, found)}
        more |= {name for one in found for name in readers.read(one) if name in after}
        if more <= found:
            return found
        found |= more


class _Readers:
    """What members read; those whose lines do not say a name are not looked through for it."""

    def __init__(self, members: Mapping[str, list[ast.stmt]], texts: Texts | None) -> None:
        self._members = members
        self._texts = texts
        self._known: dict[str, set[str]] = {}
        self._said: dict[str, bytes] = {}

    def read(self, member: str) -> set[str]:
        """All that a member reads when it is made."""
        if member not in self._known:
            self._known[member] = _reads(self._members[member])
        return self._known[member]

    def reads(self, member: str, names: Collection[str]) -> bool:
        """Whether it reads one of these names."""
        return self._may_say(member, names) and any(name in names for name in self.read(member))

    def _may_say(self, member: str, names: Collection[str]) -> bool:
        if self._texts is None or member in self._known:
            return True
        text = self._text(member)
        return not (text and text.isascii()) or any(not name.isascii() or name.encode() in text for name in names)

    def _text(self, member: str) -> bytes:
        assert self._texts is not None
        if member not in self._said:
            self._said[member] = b"\n".join([self._texts.of(statement, 1) for statement in self._members[member]])
        return self._said[member]


def _is_alias(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Name)


def _is_method(statements: Iterable[ast.stmt]) -> bool:
    return all(
        isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and not item.decorator_list for item in statements
    )


def _is_shown_around(statements: Iterable[ast.stmt]) -> bool:
    """Whether decorators have seen a function, and may have kept it."""
    functions = (item for item in statements if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef))
    decorators = (chain(item)[-1:] for function in functions for item in function.decorator_list)
    return any(name == () or name[0] not in _PURE_ON_MEMBERS for name in decorators)


def _reads(statements: Iterable[ast.stmt]) -> set[str]:
    nodes = (node for statement in statements for node in import_time(statement))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def read_otherwise(old: Statement, new: Statement) -> frozenset[Chain] | None:
    """What those statements of a class body read that are not in its old version; None if it is no such class.

    The others do what they did: whatever has changed of what they find is read by one of these.
    """
    texts = Texts(old, new)
    return compared(old, new, lambda one, other: _read_otherwise(one, other, texts))


def _read_otherwise(one: ast.stmt, other: ast.stmt, texts: Texts) -> frozenset[Chain] | None:
    if not isinstance(one, ast.ClassDef) or not isinstance(other, ast.ClassDef):
        return None
    if not all(alike(getattr(one, part), getattr(other, part), bodies=False) for part in _HEADS):
        return None
    known: dict[object, list[ast.stmt]] = {}
    for item in one.body:
        known.setdefault(getattr(item, "name", ""), []).append(item)
    fresh = []
    for item in other.body:
        before = known.get(getattr(item, "name", ""), ())
        if not any(alike(one, item, bodies=False, texts=texts) for one in before):
            fresh.append(item)
    nodes = [node for item in fresh for node in import_time(item)]
    return frozenset(found for item in fresh for found in readings(item, bodies=False)) | frozenset(lookups(nodes))


_HEADS = ("bases", "keywords", "decorator_list")
