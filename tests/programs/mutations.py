"""What others have written, edited at random, each edit replayed against fresh interpreters.

`python -m tests.programs --mutations DIRECTORY`, the directory of a package: it is copied, and a repository is made of
the copy. Every commit takes back the edit before, or leaves it, and makes another one; all of them can be imported.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pepperpy_reload.core.statement import first_line
from pepperpy_reload.replaying.replay import Outcome, Replay, Verdict, Wish
from tests.programs.habits import HABITS, Texts

_TRIES = 50  # for each edit: not every one can be made everywhere, and imported
_STAYS = 0.2
_TWO = 0.1  # edits in one save
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Source:
    """A module's text and what is where in it; `texts` are those of the whole package."""

    file: Path
    text: str
    tree: ast.Module
    names: Sequence[str]
    """The modules that it may import."""
    texts: Mapping[Path, str]

    @property
    def lines(self) -> list[str]:
        """Its lines, with their ends."""
        return self.text.splitlines(keepends=True)

    def expressions(self) -> list[ast.expr]:
        """What is evaluated when the module is imported, f-strings and documentation aside."""
        return [node for node in _executed(self.tree) if isinstance(node, ast.expr)]

    def definitions(self) -> list[Definition]:
        """The functions and classes that are made then."""
        return [node for node in _executed(self.tree) if isinstance(node, Definition)]

    def classes(self) -> list[ast.ClassDef]:
        """The classes among them."""
        return [node for node in self.definitions() if isinstance(node, ast.ClassDef)]

    def with_other(self, node: ast.expr | ast.arg, new: str) -> str:
        """The text with something else in the place of a node."""
        lines = self.text.encode().splitlines(keepends=True)
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        head = b"".join([*lines[:first], lines[first][: node.col_offset]])
        tail = b"".join([lines[last][node.end_col_offset :], *lines[last + 1 :]])
        return (head + new.encode() + tail).decode()

    def with_lines(self, start: int, end: int, new: str) -> str:
        """The text with `new` in the place of the lines after number `start` up to `end`."""
        return "".join([*self.lines[:start], new, *self.lines[end:]])

    def said(self, node: ast.expr | ast.arg) -> str:
        """A node as it is written."""
        return ast.get_source_segment(self.text, node) or ""


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    for inner in ast.iter_child_nodes(node):
        in_body = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and inner in node.body
        if in_body or (isinstance(node, ast.Lambda) and inner is node.body) or isinstance(inner, ast.JoinedStr):
            continue
        if isinstance(node, ast.Expr) and isinstance(inner, ast.Constant):
            continue
        yield inner
        yield from _executed(inner)


def _another(value: object) -> str:
    return repr(value + 1) if isinstance(value, int | float) else repr(f"{value}x")


def _constants(nodes: Sequence[ast.AST]) -> list[ast.Constant]:
    return [node for node in nodes if isinstance(node, ast.Constant) and type(node.value) in (int, float, str)]


def constant(source: Source, chance: random.Random) -> str:
    """Another number or text, wherever one is evaluated at import."""
    found = chance.choice(_constants(source.expressions()))
    return source.with_other(found, _another(found.value))


def inside(source: Source, chance: random.Random) -> str:
    """Another number in a function."""
    functions = [node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    returned = [node for one in functions for node in ast.walk(one) if isinstance(node, ast.Return | ast.Compare)]
    found = chance.choice([one for node in returned for one in _constants([*ast.walk(node)]) if type(one.value) is int])
    return source.with_other(found, _another(found.value))


def literal(source: Source, chance: random.Random) -> str:
    """One more item in a list, a set or a dict."""
    kinds = (ast.List, ast.Set, ast.Dict)
    found = chance.choice([one for one in source.expressions() if isinstance(one, kinds) and len(source.said(one)) > 2])
    more = "'new': 1, " if isinstance(found, ast.Dict) else "'new', "
    said = source.said(found)
    return source.with_other(found, said[0] + more + said[1:])


def new_statement(source: Source, chance: random.Random) -> str:
    """One more statement."""
    after = chance.choice(source.tree.body[1:]).end_lineno or 0
    news = ("NEW = 41\n", "# a remark\n\n", "\ndef new(a=1):\n    return a\n\n", "\nclass New:\n    x = 1\n\n")
    return source.with_lines(after, after, chance.choice(news))


def no_statement(source: Source, chance: random.Random) -> str:
    """One statement less."""
    gone = chance.choice([one for one in source.tree.body[1:] if not isinstance(one, ast.Import | ast.ImportFrom)])
    return source.with_lines(first_line(gone) - 1, gone.end_lineno or 0, "")


def order(source: Source, chance: random.Random) -> str:
    """Two statements next to each other in the other order, in the module or in a class."""
    body = chance.choice([source.tree.body, *(one.body for one in source.classes())])
    place = chance.randrange(1, len(body) - 1)
    (start, end), (later, last) = [(first_line(one) - 1, one.end_lineno or 0) for one in body[place : place + 2]]
    lines = source.lines
    return source.with_lines(start, last, "".join([*lines[later:last], *lines[end:later], *lines[start:end]]))


def member(source: Source, chance: random.Random) -> str:
    """One more member of a class."""
    body = chance.choice(source.classes()).body
    news = ("new = 1\n", "new: int = 2\n", "def new(self): return 1\n", "@property\n{}def new(self): return 3\n")
    space, after = " " * body[0].col_offset, body[-1].end_lineno or 0
    special = ("def __eq__(self, other): return self is other\n", "def __init_subclass__(cls): cls.told = 1\n")
    return source.with_lines(after, after, space + chance.choice([*news, *special]).format(space))


def no_member(source: Source, chance: random.Random) -> str:
    """One member of a class less."""
    gone = chance.choice([one for cls in source.classes() for one in cls.body[1:]])
    return source.with_lines(first_line(gone) - 1, gone.end_lineno or 0, "")


def base(source: Source, chance: random.Random) -> str:
    """Another base class."""
    found = chance.choice([one for cls in source.classes() for one in cls.bases])
    return source.with_other(found, chance.choice([*(cls.name for cls in source.classes()), "object", "Exception"]))


def parameter(source: Source, chance: random.Random) -> str:
    """One more parameter of a function."""
    functions = [one for one in source.definitions() if not isinstance(one, ast.ClassDef)]
    arguments = chance.choice([one.args for one in functions if one.args.args and not one.args.kwonlyargs])
    last = arguments.defaults[-1] if arguments.defaults else arguments.args[-1]
    return source.with_other(last, f"{source.said(last)}, new=7")


def name(source: Source, chance: random.Random) -> str:
    """Another name for a function or a class."""
    found = chance.choice(source.definitions())
    line = source.lines[found.lineno - 1]
    return source.with_lines(found.lineno - 1, found.lineno, line.replace(found.name, f"{found.name}_x", 1))


def decorator(source: Source, chance: random.Random) -> str:
    """One more decorator, or one less."""
    found = chance.choice(source.definitions())
    if found.decorator_list and chance.random() < 0.5:
        gone = chance.choice(found.decorator_list)
        return source.with_lines(gone.lineno - 1, gone.end_lineno or 0, "")
    cached = "__import__('functools').lru_cache(3)"
    new = "(lambda x: x)" if isinstance(found, ast.ClassDef) else chance.choice(["(lambda x: x)", cached])
    start = first_line(found) - 1
    return source.with_lines(start, start, f"{' ' * found.col_offset}@{new}\n")


def patched(source: Source, chance: random.Random) -> str:
    """A statement at the end that changes what others have made."""
    cls = chance.choice([one for one in source.tree.body if isinstance(one, ast.ClassDef)]).name
    news = ("new = 1", "__repr__ = lambda self: 'new'", "__init__ = lambda self, *a, **k: None")
    return f"{source.text}\n{cls}.{chance.choice(news)}\n"


def imports(source: Source, chance: random.Random) -> str:
    """One more import, which may close a circle."""
    after = chance.choice(source.tree.body[1:]).end_lineno or 0
    return source.with_lines(after, after, f"import {chance.choice(source.names)} as new\n")


def extracted(source: Source, chance: random.Random) -> str:
    """A constant gets a name, above the first definition."""
    top = chance.choice([node for node in source.tree.body if isinstance(node, Definition)])
    found = chance.choice(_constants([node for node in _executed(top) if isinstance(node, ast.expr)]))
    text, start = source.with_other(found, "EXTRACTED"), first_line(top) - 1
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:start], f"EXTRACTED = {found.value!r}\n", *lines[start:]])


def renamed(source: Source, chance: random.Random) -> Texts:
    """Another name for something, in all modules."""
    found = chance.choice(source.definitions()).name
    word = re.compile(rf"\b{found}\b")
    return {file: word.sub(f"{found}_everywhere", text) for file, text in source.texts.items() if word.search(text)}


def moved(source: Source, chance: random.Random) -> Texts:
    """A definition that needs nothing of its module is in a new one, and is imported from there."""
    found = chance.choice([node for node in source.tree.body if isinstance(node, Definition)])
    start, end = first_line(found) - 1, found.end_lineno or 0
    new = source.file.with_name("moved.py")
    postponed = "from __future__ import annotations\n"  # what annotations name stays where it is
    return {
        new: f"{postponed}\n\n{''.join(source.lines[start:end])}",
        source.file: source.with_lines(start, end, f"from .moved import {found.name}\n"),
    }


KINDS: tuple[Callable[[Source, random.Random], str | Mapping[Path, str | None]], ...] = (
    *HABITS, constant, constant, constant, inside, literal, literal, new_statement, no_statement, order, member,
    no_member, base, parameter, name, decorator, patched, imports, extracted, renamed, renamed, moved,
)  # fmt: skip


class Mutations:
    """A copy of a package below `folder`, and the repository that it is edited in."""

    def __init__(self, package: Path, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.package, self.root = package.name, folder
        skipped = shutil.ignore_patterns("__pycache__", ".git", "test", "tests", "*_vendor*")
        shutil.copytree(package, folder / package.name, ignore=skipped)
        self.files = sorted((folder / package.name).rglob("*.py"))
        self._git("init", "--quiet")
        self._commit("as it is")
        self._edited: dict[Path, str | None] = {}

    def make(self, count: int) -> int:
        """Commit so many edits; how many there are."""
        return sum(any(self._one() for _ in range(_TRIES)) for _ in range(count))

    def module(self, file: Path) -> str:
        """The name of a file's module."""
        parts = file.relative_to(self.root).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__")

    def _one(self) -> bool:
        taken_back = self._edited if self.chance.random() > _STAYS else {}
        states = {file: _read(file) for file in taken_back}
        _write(taken_back)
        after, kinds = dict[Path, str | None](), list[str]()
        for _ in range(2 if self.chance.random() < _TWO else 1):
            file, kind = self.chance.choice([one for one in self.files if one.exists()]), self.chance.choice(KINDS)
            more = self._edit(file, kind)
            if more.keys().isdisjoint(after):
                after, kinds = {**after, **more}, [*kinds, f"{file.relative_to(self.root)}: {kind.__name__}"]
        before = {one: _read(one) for one in after}
        _write(after)
        were = {**before, **states}
        is_same = all(_read(one) == text for one, text in were.items())
        if is_same or after == before or not all(self._imports(one) for one in after if one.exists()):
            _write(were)
            return False
        self._edited = before
        self._commit("; ".join(kinds))
        return True

    def _edit(
        self, file: Path, kind: Callable[[Source, random.Random], str | Mapping[Path, str | None]]
    ) -> dict[Path, str | None]:
        texts = {one: text for one in self.files if (text := _read(one)) is not None}
        names = [self.module(one) for one in texts if one.stem != "__main__"]
        try:
            found = kind(Source(file, texts[file], ast.parse(texts[file]), names, texts), self.chance)
            after: dict[Path, str | None] = {file: found} if isinstance(found, str) else {**found}
            for one, text in after.items():
                compile(text or "", one, "exec", dont_inherit=True)
        except (IndexError, ValueError, SyntaxError):  # there is nothing like that, or it makes no sense
            return {}
        return after

    def _imports(self, file: Path) -> bool:
        command = [sys.executable, "-W", "ignore", "-c", f"import {self.package}, {self.module(file)}"]
        where = {**os.environ, "PYTHONPATH": str(self.root)}
        return subprocess.run(command, cwd=self.root, env=where, capture_output=True, check=False).returncode == 0

    def _commit(self, message: str) -> None:
        (self.root / ".gitignore").write_text("__pycache__\n", encoding="utf-8")
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)

    def _git(self, *words: str) -> None:
        who = ("-c", "user.name=mutations", "-c", "user.email=mutations@localhost")
        subprocess.run(["git", *who, *words], cwd=self.root, check=True, capture_output=True)

    def outcomes(self, count: int, chain: int) -> Iterator[Outcome]:
        """What becomes of the last edits."""
        yield from Replay(Wish(str(self.root), self.package, count, chain)).run()


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def _write(texts: Mapping[Path, str | None]) -> None:
    for file, text in texts.items():
        if text is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Print what was found; 1 if there was a fault."""
    parser = argparse.ArgumentParser(prog="scripts/soak --mutations", description=__doc__)
    parser.add_argument("--mutations", required=True, type=Path, help="the directory of a package")
    parser.add_argument("--edits", type=int, default=40, dest="count", help="how many")
    parser.add_argument("--chain", type=int, default=10, help="how many of them in one process")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same seed, the same edits")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    seen: Counter[Verdict] = Counter()
    with tempfile.TemporaryDirectory(prefix="pepperpy-reload-mutations-") as folder:
        played = Mutations(options.mutations.resolve(), Path(folder).resolve() / "copy", options.seed)
        made = played.make(options.count)
        for outcome in played.outcomes(made, options.chain):
            seen[outcome.verdict] += 1
            if outcome.verdict is Verdict.RESTART:
                print(f"restart: {outcome.subject}: {outcome.text}", flush=True)
            if outcome.verdict in (Verdict.DIFFERENT, Verdict.ERROR):
                print(f"{outcome.verdict}: {outcome.subject}\n{outcome.text}", flush=True)
    faults = seen[Verdict.DIFFERENT] + seen[Verdict.ERROR]
    print(f"{made} edits: {', '.join(f'{count} {verdict}' for verdict, count in seen.items())}; {faults} faults")
    return 1 if faults else 0
