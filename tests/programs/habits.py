"""Edits as people make them to apps: one more of what is there, a mixin, another module, `async`, two files at once."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pepperpy_reload.core.statement import first_line

if TYPE_CHECKING:
    from tests.programs.mutations import Source

Texts = dict[Path, str]
_FUTURE = "from __future__ import annotations\n"
_NAME = re.compile(r"\w+")
_TEXT = re.compile(r"""(["'])([\w/{}:.-]+)\1""")


def _lines_of(source: Source, node: ast.stmt) -> tuple[int, int]:
    return first_line(node) - 1, node.end_lineno or 0


def another(source: Source, chance: random.Random) -> str:
    """One more of something: a route, a field, a member of an enum, a model, a command, under another name."""
    bodies = [source.tree.body, *(one.body for one in source.classes())]
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    found = chance.choice([one for one in chance.choice(bodies) if isinstance(one, named)])
    start, end = _lines_of(source, found)
    text = "".join(source.lines[start:end])
    name = getattr(found, "name", "") or next(iter(_NAME.findall(text)), "")
    text = re.sub(rf"\b{name}\b", f"{name}_2", text)
    decorators = getattr(found, "decorator_list", ())
    if decorators or chance.random() < 0.3:  # another path, another key
        text = _TEXT.sub(lambda match: f"{match[1]}{match[2]}2{match[1]}", text, count=1)
    return source.with_lines(end, end, text if text.endswith("\n") else f"{text}\n")


def asynchronous(source: Source, chance: random.Random) -> str:
    """A function becomes `async`, or no longer is."""
    found = chance.choice([one for one in source.definitions() if not isinstance(one, ast.ClassDef)])
    line = source.lines[found.lineno - 1]
    old, new = ("async def", "def") if isinstance(found, ast.AsyncFunctionDef) else ("def", "async def")
    return source.with_lines(found.lineno - 1, found.lineno, line.replace(old, new, 1))


def called(source: Source, chance: random.Random) -> str:
    """A constant is computed by a function."""
    plain = [one for one in source.tree.body if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)]
    found = chance.choice(plain)
    start, end = _lines_of(source, found)
    assert isinstance(found.targets[0], ast.Name)
    name, said = found.targets[0].id, source.said(found.value)
    return source.with_lines(start, end, f"def make_{name}():\n    return {said}\n\n\n{name} = make_{name}()\n")


def mixin(source: Source, chance: random.Random) -> str:
    """A class gets one more base, defined above it."""
    found = chance.choice([one for one in source.tree.body if isinstance(one, ast.ClassDef)])
    start, head = first_line(found) - 1, found.lineno - 1
    more = re.compile(rf"class {found.name}\b(\()?")
    line = more.sub(lambda match: f"class {found.name}(Mixed{', ' if match[1] else ')'}", source.lines[head], count=1)
    above = "class Mixed:\n    mixed = 1\n\n    def mix(self):\n        return self.mixed\n\n\n"
    return source.with_lines(start, head + 1, "".join([above, *source.lines[start:head], line]))


def future(source: Source, chance: random.Random) -> str:
    """Annotations stay text, or no longer do."""
    if _FUTURE in source.text:
        return source.text.replace(_FUTURE, "", 1)
    body = source.tree.body
    is_told = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    after = (body[0].end_lineno or 0) if is_told else 0
    return source.with_lines(after, after, _FUTURE)


def elsewhere(source: Source, chance: random.Random) -> str:
    """A statement in another place of its module, or of its class."""
    body = chance.choice([source.tree.body, *(one.body for one in source.classes())])
    found, before = chance.choice(body[1:]), chance.choice(body[1:])
    start, end = _lines_of(source, found)
    target, _ = _lines_of(source, before)
    moved, lines = source.lines[start:end], source.lines
    if target <= start:
        return "".join([*lines[:target], *moved, *lines[target:start], *lines[end:]])
    return "".join([*lines[:start], *lines[end:target], *moved, *lines[target:]])


def deeper(source: Source, chance: random.Random) -> str:
    """One more line in a function, also inside another one: a decorator's wrapper, say."""
    functions = [one for one in ast.walk(source.tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    first = chance.choice(functions).body[-1]
    start = first_line(first) - 1
    return source.with_lines(start, start, f"{' ' * first.col_offset}new = 1\n")


def other_module(source: Source, chance: random.Random) -> Texts:
    """A new module, and what uses it."""
    after = chance.choice(source.tree.body[1:]).end_lineno or 0
    new = "VALUE = [1, 2]\n\n\ndef helped(x=VALUE):\n    return x\n\n\nclass Helper:\n    value = VALUE\n"
    used = "from .added import Helper, helped\n\nHELPED = helped()\n\n\nclass Helped(Helper):\n    more = HELPED\n\n\n"
    return {source.file.with_name("added.py"): new, source.file: source.with_lines(after, after, used)}


def no_module(source: Source, chance: random.Random) -> dict[Path, str | None]:
    """A module less: who imports it no longer does."""
    word = re.compile(rf"^(from \S*\b{source.file.stem} import .*|import \S*\b{source.file.stem}\b.*)\n", re.MULTILINE)
    changed = {
        file: word.sub("", text) for file, text in source.texts.items() if file != source.file and word.search(text)
    }
    return {**changed, source.file: None}


HABITS: Sequence[Callable[[Source, random.Random], str | Texts | dict[Path, str | None]]] = (
    another, another, another, another, asynchronous, called, mixin, future, elsewhere, deeper, other_module, no_module,
)  # fmt: skip
