"""The law: after a reload a process is what a fresh start would be, after a refusal it is what it was."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import Any, TypedDict

from pepperpy_reload.comparing.compare import first_difference
from pepperpy_reload.comparing.portrait import Portrait
from tests.programs.model import Sources


class Start(TypedDict):
    """A program that was started: why it could not be, or what it is like."""

    failed: str
    portrait: str


def judge(before: dict[str, Any], after: dict[str, Any], fresh: Start) -> dict[str, Any]:
    """What became of an edit: `before` and `after` are the process, `fresh` is a fresh start with the new files."""
    report = after["report"]
    status, reason, error = report["status"], report["reason"], str(report.get("error") or "")
    fault = ""
    if status in ("restart", "failed"):
        if before["table"] != after["table"]:
            fault = f"after {status} sys.modules is another: {_table(before['table'], after['table'])}"
        elif found := _difference(after["portrait"], before["portrait"]):
            fault = f"after {status} it is not what it was: {found}"
        elif status == "failed" and not fresh["failed"]:
            fault = f"failed where a fresh start does not:\n{error}"
    elif fresh["failed"]:
        fault = f"{status} where a fresh start fails:\n{fresh['failed']}"
    elif found := _difference(after["portrait"], fresh["portrait"]):
        fault = f"{status}, and different: {found}"
    else:
        again = {*report["imported"], *report["dropped"]}
        lost = [name for name in after["replaced"] if name.rpartition(".")[0] not in again]
        fault = f"replaced without need: {', '.join(lost)}" if lost else ""
    if fault:
        fault += f"\n{ {key: report[key] for key in ('patched', 'ran', 'dropped', 'imported')} }"
    return {"status": status, "reason": reason, "fault": fault, "imported": report["imported"]}


def _difference(one: str, other: str) -> str:
    if one == other:
        return ""
    return str(first_difference(Portrait.from_json(one), Portrait.from_json(other)) or "")


def _table(before: list[str], after: list[str]) -> str:
    more, less = [name for name in after if name not in before], [name for name in before if name not in after]
    return f"more {more}, less {less}" if more or less else "the order"


def untouched(old: Sources, new: Sources) -> list[str]:
    """The plain functions that must stay the same objects: their text is the same, and they are all that it says.

    Only what cannot be otherwise: undecorated, defaults and annotations that read nothing, bound once, in a module
    without star imports, known by no other name, and no attribute of them is mentioned anywhere.
    """
    found = []
    everything = "\n".join([*old.values(), *new.values()])
    for path in old.keys() & new.keys():
        before, after = _plain_functions(old[path]), _plain_functions(new[path])
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in before.keys() & after.keys():
            own = rf"\b{name}\.|\w\([\w, ]*\b{name}\b|setattr\({name}\b|\.{name}\b *=|global {name}\b"
            touched = re.search(rf"{own}|\b{name} as\b|= [\w.]*\b{name}$", everything, re.MULTILINE)
            if before[name] == after[name] and not touched:
                found.append(f"{module}.{name}")
    return sorted(found)


def _plain_functions(text: str) -> dict[str, str]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return {}
    bound = Counter(name for node in ast.walk(tree) for name in _bound(node))
    if bound["*"] or "globals" in text:
        return {}
    return {
        node.name: ast.dump(node)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and bound[node.name] == 1 and _reads_nothing(node)
    }


def _bound(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [alias.asname or alias.name.partition(".")[0] for alias in names]
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [name]
    return []


def _reads_nothing(node: ast.FunctionDef) -> bool:
    defaults = [*node.args.defaults, *node.args.kw_defaults]
    return not node.decorator_list and all(item is None or isinstance(item, ast.Constant) for item in defaults)
