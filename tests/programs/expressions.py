"""What is drawn over and over: choices, names of a kind, and expressions that are numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

from tests.programs.model import Module, Program, visible

T = TypeVar("T")
_LETTERS = {"int": "c", "list": "s", "dict": "d", "func": "f", "class": "K", "enum": "E", "object": "o"}
_LETTERS |= {"wrap": "w", "reg": "r"}
_USES = {
    "int": ("{}", "{} + 1", "abs({})"),
    "func": ("{}(1)", "{}()", "[{}(x) for x in range(3)][-1]", "max(map({}, (1, 2)))"),
    "list": ("len({})", "sum(x for x in {} if isinstance(x, int))", "({}[0] if {} else 0) and 1"),
    "dict": ("len({})", "sum(v for v in {}.values() if isinstance(v, int))", "len([*{}])"),
    "class": ("{}().m()", "{}.attr", "len({}.__mro__)", "{}().m(2)"),
    "enum": ("{}.A.value", "len({})", "[x.value for x in {}][0]"),
    "object": ("{}.m()", "{}.attr"),
}


class Chooser:
    """Draws what a place in a program needs: `end` is the index of the statement that is being written."""

    def __init__(self, draw: st.DrawFn, program: Program, module: Module, end: int | None = None) -> None:
        self.draw = draw
        self.program = program
        self.module = module
        self.within = ""  # the definition that is being written
        self.scope = list(visible(program, module, end))

    def pick(self, items: Sequence[T]) -> T:
        """One of several, the first one being the simplest."""
        return items[self.draw(st.integers(0, len(items) - 1))] if len(items) > 1 else items[0]

    def chance(self, percent: int) -> bool:
        """Whether something is so, with that probability."""
        return self.draw(st.integers(0, 99)) >= 100 - percent

    def digit(self) -> str:
        """A literal."""
        return str(self.draw(st.integers(0, 9)))

    def _may_use(self, name: str, kind: str) -> bool:
        """Functions use only those with lower digits, wherever they are: or programs would never end."""
        if not self.within or kind in ("int", "list", "dict", "enum"):
            return True
        return kind != "object" and name[-1] < self.within[-1]

    def name(self, kind: str) -> str:
        """A name for something new of that kind."""
        return f"{_LETTERS[kind]}{self.draw(st.integers(0, 3))}"

    def known(self, *kinds: str) -> list[str]:
        """The expressions of these kinds that can be used here."""
        return [name for name, kind in self.scope if kind in kinds]

    def own(self, *kinds: str) -> list[str]:
        """The same, without what is seen through modules."""
        return [name for name in self.known(*kinds) if "." not in name]

    def number(self, depth: int = 1) -> str:
        """An expression that is a number, if all goes well."""
        usable = [(name, kind) for name, kind in self.scope if kind in _USES and self._may_use(name, kind)]
        if not usable or self.chance(25):
            return self.digit()
        name, kind = self.pick(usable)
        text = self.pick(_USES[kind]).replace("{}", name)
        if depth and self.chance(30):
            other = self.number(depth - 1)
            return self.pick((f"{text} + {other}", f"{text} - {other}", f"({text} if {other} > 4 else {other})"))
        return text
