"""A plan as a tree: under every edit what it makes stale, under that what follows from it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any

from rich.text import Text
from rich.tree import Tree

from pepperpy_reload.drawing.excerpt import plain
from pepperpy_reload.drawing.terminal import console_on, encodable

_STYLES = {"patch": "bold green", "refit": "bold green", "drop": "bold red", "run": "bold yellow"}
_WIDE = 1000  # columns where nobody sees where a line ends
Step = Mapping[str, Any]


def draw_plan(heading: str, steps: Sequence[Step], stream: IO[str] | None = None) -> None:
    """Write the tree. `steps` are those of `core.plan` as JSON; each is numbered by when it is taken."""
    stream = stream or sys.stdout
    console_on(stream, _WIDE).print(_Drawing(steps, stream).tree(heading))


class _Drawing:
    def __init__(self, steps: Sequence[Step], stream: IO[str]) -> None:
        self._steps = steps
        self._stream = stream
        self._by_place = {_place(step): number for number, step in enumerate(steps)}
        self._by_module = {step["module"]: number for number, step in enumerate(steps) if not step["statement"]}
        self._nodes: dict[int, Tree] = {}
        self._edits: dict[str, Tree] = {}
        self._being_placed: set[int] = set()

    def tree(self, heading: str) -> Tree:
        self._top = Tree(Text(self._clean(heading)))
        for number in range(len(self._steps)):
            self._node(number)
        return self._top

    def _node(self, number: int) -> Tree:
        """A step's node, under that of what made it stale."""
        if number not in self._nodes:
            self._being_placed.add(number)
            rule, chain = _rule(self._steps[number])
            above = self._above(chain)
            if not chain:
                above, rule = self._edit(rule), ""
            self._nodes[number] = above.add(self._label(number, rule))
            self._being_placed.discard(number)
        return self._nodes[number]

    def _above(self, chain: Sequence[str]) -> Tree:
        """The node of the first place in `chain`: places, each followed by the rule that made it stale."""
        if not chain:
            return self._top
        place, *rest = chain
        number = self._by_place.get(place, self._by_module.get(place.partition(":")[0]))
        if number is not None and number not in self._being_placed:
            return self._node(number)
        return self._edit(rest[-1] if rest else place)

    def _edit(self, text: str) -> Tree:
        if text not in self._edits:
            self._edits[text] = self._top.add(Text(self._clean(text), style="bold"))
        return self._edits[text]

    def _label(self, number: int, rule: str) -> Text:
        step = self._steps[number]
        action = step["action"]
        what = ", ".join(step.get("functions", ())) or _place(step)
        text = Text(f"{number + 1} ", style="dim")
        text.append(action, style=_STYLES.get(action, "bold cyan"))
        text.append(f" {self._clean(what)}", style="not dim")
        if rule:
            text.append(f" ({self._clean(rule)})")
        return text

    def _clean(self, text: str) -> str:
        return encodable(plain(text), self._stream)


def _place(step: Step) -> str:
    where = f"{step['module']}:{step['line']}" if step["line"] and step["action"] != "patch" else step["module"]
    return f"{where} {step['statement']}".rstrip()


def _rule(step: Step) -> tuple[str, list[str]]:
    """Why a step is taken, and the chain from there back to the edit: places, each followed by its own rule."""
    reasons = list(step["reasons"]) or ["asked for"]
    if step["action"] == "run" and len(reasons) > 1:
        why, rule, *chain = reasons
        return f"{why}; {rule}", chain
    rule, *chain = reasons
    # Behind the semicolon stands the edit, which the tree shows above.
    return (rule.partition("; ")[0] if chain else rule), chain
