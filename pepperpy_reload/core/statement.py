"""A module's source as statements, compared without regard to comments, layout and line numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace

from pepperpy_reload.core.branches import Branch, answer, branches
from pepperpy_reload.core.tree import children, outside_body

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


FunctionExtent = tuple[int, int, int]
"""The first line of a function, the first one of its body, and the last one."""


class LeftOut(ast.Pass):
    """Stands for the body of a function that is not worth reading."""


@dataclass(frozen=True, slots=True)
class Twin:
    """An older version of a statement, of which one function is another."""

    of: Statement
    same: bool
    """Whether that says the same, too."""
    same_docstrings: bool


@dataclass(slots=True)
class Statement:
    """A top-level statement. `text` is its source, for quick comparison.

    Its tree is as large as its text is long: it is kept only where the text alone does not say it all, and is read
    from the text again whenever somebody asks.
    """

    text: bytes
    line: int
    """Where it begins; a decorated definition begins at its first decorator."""
    last_line: int
    columns: tuple[int, int]
    """Those at which it begins in its first line and ends in its last; it begins at -1 if it has decorators."""
    name: str = ""
    """What it defines, for a definition."""
    head: int = 0
    """How many lines of a definition are above the one in which its body begins."""
    methods: tuple[FunctionExtent, ...] = field(default=(), compare=False, repr=False)
    """For a class: where its functions of more than one line are, from its own first line on; remarks may follow."""
    is_alone: bool = False
    """Whether its text alone says it all: there is nothing else on its lines."""
    _node: ast.stmt | None = field(default=None, repr=False)
    guards: tuple[str, ...] = ()
    """The conditions on which it is executed, where it stands in an `if`: its tree has them around it."""
    whole: tuple[int, int] = (0, 0)
    """The first and the last line of the `if` that it stands in."""
    never: bool = False
    """Whether this interpreter never executes it: it stands in an `if` of another platform or version."""
    twin: Twin | None = field(default=None, compare=False, repr=False)
    """What it has become of, if that is known without its tree; forgotten with the trees."""
    _beside: tuple[Statement, ast.stmt] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, node: ast.stmt, text: bytes) -> Statement:
        """A statement whose tree is kept."""
        line, last = first_line(node), node.end_lineno or node.lineno
        columns = (-1 if line < node.lineno else node.col_offset, node.end_col_offset or 0)
        head = first_line(node.body[0]) - line if isinstance(node, DEFINITIONS) else 0
        methods = tuple(_methods(node, line)) if isinstance(node, ast.ClassDef) else ()
        return cls(text, line, last, columns, getattr(node, "name", ""), head, methods, _node=node)

    @classmethod
    def of_branch(cls, branch: Branch, around: ast.stmt, lines: list[bytes]) -> Statement:
        """A statement in an `if`."""
        item = branch.inner
        begin, last = first_line(item), item.end_lineno or item.lineno
        line, column = branch.first or (begin, -1 if begin < item.lineno else item.col_offset)
        text = _text(item, lines) if branch.first is None else b"".join(lines[line - 1 : last])
        guards, node, never = [], branch.node, False
        while node is not item and isinstance(node, ast.If):
            guards.append(_condition(node.test))
            never = never or answer(node.test) is False
            node = node.body[0]  # type: ignore[assignment]
        place = (around.lineno, around.end_lineno or around.lineno)
        columns = (column, item.end_col_offset or 0)
        return cls(text, line, last, columns, _node=branch.node, guards=tuple(guards), whole=place, never=never)

    @property
    def extent(self) -> tuple[int, int]:
        """The lines of what is a statement by itself: of the `if` that it stands in, or its own."""
        return self.whole if self.guards else (self.line, self.last_line)

    def excludes(self, other: Statement) -> bool:
        """Whether it stands in another branch of the same `if`: of the two only one is ever executed."""
        if not self.guards or self.whole != other.whole:
            return False
        pairs = ((one, another) for one in self.guards for another in other.guards)
        return any(f"not {one}" == another or f"not {another}" == one for one, another in pairs)

    @property
    def said(self) -> bytes:
        """Its text with the conditions on which it is executed."""
        return b"\n".join((self.text, *(guard.encode() for guard in self.guards))) if self.guards else self.text

    @property
    def node(self) -> ast.stmt:
        """Its tree."""
        if self._node is None:
            self._node = ast.parse(b"\n" * (self.line - 1) + self.text).body[0]
            _open.append(self)
        return self._node

    @property
    def outline(self) -> ast.stmt | None:
        """The tree of a definition with nothing but `pass` for its body; None if the whole has to be read for it."""
        if self._node is not None or not self.head or not self.is_alone:
            return None
        lines = self.text.splitlines(keepends=True)[: self.head]
        try:
            [node] = ast.parse(b"\n" * (self.line - 1) + b"".join(lines) + b" pass").body
        except (SyntaxError, ValueError):
            return None
        if not isinstance(node, DEFINITIONS) or not isinstance(node.body[0], ast.Pass) or node.body[1:]:
            return None
        node.end_lineno, node.end_col_offset = self.last_line, self.columns[1]
        return node

    def beside(self, other: Statement) -> ast.stmt:
        """Its tree, to be compared with another one: functions of a class that both have are without their bodies.

        Such a function is the same line by line, and for its body it has a `LeftOut`.
        """
        if self._node is not None or not self.is_alone or not self.methods:
            return self.node
        if self._beside is None or self._beside[0] is not other:
            self._beside = other, self._read_beside(other) or self.node
            _open.append(self)
        return self._beside[1]

    @property
    def shell(self) -> ast.stmt:
        """Its tree as far as `import_time` goes: the bodies of functions may have been left out."""
        if self._node is not None:
            return self._node
        return self.beside(self) if self._beside is None else self._beside[1]

    def _read_beside(self, other: Statement) -> ast.stmt | None:
        theirs, lines = other.text.splitlines(keepends=True), self.text.splitlines(keepends=True)
        known = {b"".join(theirs[first : last + 1]) for first, _, last in other.methods}
        left: dict[int, int] = {}
        for first, body, last in self.methods:
            if b"".join(lines[first : last + 1]) in known:
                indentation = lines[body][: -len(lines[body].lstrip())]
                lines[body : last + 1] = [indentation + b"pass\n", *[b"\n"] * (last - body)]
                left[self.line + first] = self.line + last
        try:
            [node] = ast.parse(b"\n" * (self.line - 1) + b"".join(lines)).body
        except (SyntaxError, ValueError):
            return None
        for item in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and (last := left.pop(first_line(item), 0)):
                item.body, item.end_lineno = [LeftOut()], last
        return None if left else node

    def keep(self) -> None:
        """Keep the tree that there is until all are forgotten."""
        _open.append(self)

    def forget(self) -> None:
        """Do without the tree from now on, if it can be read again."""
        self.twin = self._beside = None
        if self.is_alone:
            self._node = None

    def moved(self, lines: int) -> Statement:
        """The same statement so many lines below."""
        if not lines:
            return self
        node = None if self.is_alone else ast.increment_lineno(deepcopy(self.node), lines)
        whole = (self.whole[0] + lines, self.whole[1] + lines) if self.guards else self.whole
        return replace(
            self, line=self.line + lines, last_line=self.last_line + lines, whole=whole, _node=node, _beside=None
        )


def _methods(node: ast.ClassDef, line: int) -> Iterator[FunctionExtent]:
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            first, body = first_line(item), first_line(item.body[0])
            if body > first:
                yield first - line, body - line, (item.end_lineno or item.lineno) - line


def _condition(test: ast.expr) -> str:
    """A condition as text: what is not so is the same with `not ` before it."""
    text = ast.unparse(test.operand if isinstance(test, ast.UnaryOp) else test)
    return f"not ({text})" if isinstance(test, ast.UnaryOp) else f"({text})"


_FEW = 2000  # statements: their trees are some ten megabytes
_open: list[Statement] = []
"""Those whose trees are there: what one asks for, others ask for, too, as long as the same edit is looked at."""


def has_room_for_trees() -> bool:
    """Whether the trees that are there are so few that more may be kept for whoever asks next."""
    return len(_open) < _FEW


def forget_trees() -> None:
    """Do without the trees that have been read."""
    for statement in _open:
        statement.forget()
    _open.clear()


def read_statements(tree: ast.Module, source: bytes, before: int = 0) -> list[Statement]:
    """The statements of a module, or of the part of one that has so many lines `before` it in its source.

    They are those at its top, and where one is an `if` that can be parted those in it.
    """
    lines = [b""] * before + source.splitlines(keepends=True)
    whole = [Statement.of(node, _text(node, lines)) for node in tree.body]
    can_be_alone = before > 0 or says_no_encoding(source)
    found = []
    for index, one in enumerate(whole):
        above = whole[index - 1].last_line if index else 0
        below = whole[index + 1].line if index + 1 < len(whole) else one.last_line + 1
        one.is_alone = can_be_alone and above < one.line and one.last_line < below and one.columns[0] <= 0
        parts = branches(tree.body[index])
        found += [Statement.of_branch(part, tree.body[index], lines) for part in parts] or [one]
    return found


def says_no_encoding(source: bytes) -> bool:
    """Whether a source is plain UTF-8: whatever part of it is read, it is read alike (PEP 263)."""
    head = source.split(b"\n", 2)[:2]
    return not source.startswith(b"\xef\xbb\xbf") and not any(b"coding" in line for line in head)


def first_line(node: ast.AST) -> int:
    """The line at which a statement or a function begins, decorators included."""
    decorators = getattr(node, "decorator_list", [])
    lines: list[int] = [item.lineno for item in (node, *decorators)]
    return min(lines)


def documentation(node: ast.AST) -> str | None:
    """The docstring of a function."""
    return ast.get_docstring(node, clean=False) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None


def same_docstrings(one: Statement, other: Statement) -> bool:
    """Whether all functions in two versions of a statement have the same docstrings."""
    if other.twin is not None and other.twin.of is one:
        return other.twin.same_docstrings
    return docstrings(one.node) == docstrings(other.node)


def docstrings(node: ast.AST) -> list[str | None]:
    """The docstrings of all functions in a statement, in their order."""
    found: list[str | None] = []
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(documentation(node))
        waiting.extend([one for one in children(node)[::-1] if isinstance(one, _HOLDING)])
    return found


_HOLDING = (ast.stmt, ast.excepthandler, ast.match_case)
"""What functions are defined in."""


def import_time(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement that are executed with it: not the bodies of functions, but defaults and decorators.

    `if TYPE_CHECKING:` and `if __name__ == "__main__":` are not executed at an import.
    """
    waiting = [node]
    while waiting:
        one = waiting.pop()
        kind = type(one)
        if kind is ast.If and never_at_import(one.test):  # type: ignore[attr-defined]
            waiting.extend(reversed(one.orelse))  # type: ignore[attr-defined]
            continue
        yield one
        if kind is not ast.Name and kind is not ast.Constant:
            inside = outside_body(one) if kind in _FUNCTIONS else children(one)
            waiting.extend(inside[::-1])


def chain(node: ast.AST) -> tuple[str, ...]:
    """`a.b.c` as ("a", "b", "c"); () for anything that is not a chain of attributes on a name."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else ()


def absolute(module: str | None, level: int, package: str) -> str:
    """The full name of the module that `from ...module import` means in a package, with so many dots (PEP 328)."""
    if not level:
        return module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])


def postpones_annotations(node: ast.AST) -> bool:
    """Whether a statement has all annotations of its module stay text (PEP 563)."""
    names = node.names if isinstance(node, ast.ImportFrom) and node.module == "__future__" else []
    return any(item.name == "annotations" for item in names)


def never_at_import(test: ast.expr) -> bool:
    """Whether a condition is false when the module is imported: TYPE_CHECKING, or `__name__ == "__main__"`."""
    if chain(test)[-1:] == ("TYPE_CHECKING",):
        return True
    match test:
        case ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]) | ast.Compare(
            ast.Constant("__main__"), [ast.Eq()], [ast.Name("__name__")]
        ):
            return True
    return False


def _text(node: ast.stmt, lines: list[bytes]) -> bytes:
    first, last = first_line(node) - 1, (node.end_lineno or node.lineno)
    if first == last - 1:
        return lines[first][node.col_offset : node.end_col_offset] if first < len(lines) else b""
    return b"".join(lines[first:last])
