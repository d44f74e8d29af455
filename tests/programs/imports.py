"""Imports in every form."""

from __future__ import annotations

from collections.abc import Callable

from tests.programs.expressions import Chooser
from tests.programs.model import Module, Stmt


def an_import(chooser: Chooser) -> Stmt:
    """An import of another module of the program, an earlier one if possible."""
    others = [module for module in chooser.program.values() if module.name != chooser.module.name]
    names = list(chooser.program)
    here = names.index(chooser.module.name) if chooser.module.name in names else len(names)
    earlier = [module for module in others if names.index(module.name) < here]
    if not others:
        return Stmt("import json")
    target = chooser.pick(earlier if earlier and not chooser.chance(12) else others)
    if target not in earlier and chooser.chance(70):
        return _plain(chooser, target)  # a cycle: what is used inside functions only is there in time
    return chooser.pick(_FORMS)(chooser, target)


def _bound(chooser: Chooser, target: Module) -> list[tuple[str, str]]:
    return [(name, kind) for name, kind in target.binds().items() if "." not in name] or [("missing", "int")]


def _plain(chooser: Chooser, target: Module) -> Stmt:
    return Stmt(f"import {target.name}", {target.name: f"module:{target.name}"})


def _as(chooser: Chooser, target: Module) -> Stmt:
    alias = f"m{chooser.digit()}"
    return Stmt(f"import {target.name} as {alias}", {alias: f"module:{target.name}"})


def _from(chooser: Chooser, target: Module) -> Stmt:
    chosen = [chooser.pick(_bound(chooser, target)) for _ in range(2 if chooser.chance(30) else 1)]
    home = target.name
    package = chooser.module.package
    if package and chooser.chance(60) and (home == package or home.startswith(f"{package}.")):
        home = "." + home[len(package) :].removeprefix(".")
    binds = {}
    parts = []
    for name, kind in chosen:
        alias = name
        if chooser.chance(25):
            alias = f"{chooser.name(kind)}x{name[-1]}" if not kind.startswith("module:") else f"m{chooser.digit()}"
        binds[alias] = kind
        parts.append(name if alias == name else f"{name} as {alias}")
    return Stmt(f"from {home} import {', '.join(parts)}", binds)


def _submodule(chooser: Chooser, target: Module) -> Stmt:
    package, _, name = target.name.rpartition(".")
    if not package:
        return _plain(chooser, target)
    home = "." if package == chooser.module.package and chooser.chance(70) else package
    return Stmt(f"from {home} import {name}", {name: f"module:{target.name}"})


def _star(chooser: Chooser, target: Module) -> Stmt:
    return Stmt(
        f"from {target.name} import *", {name: kind for name, kind in target.binds().items() if "." not in name}
    )


def _by_name(chooser: Chooser, target: Module) -> Stmt:
    alias = f"m{chooser.digit()}"
    text = f'import importlib\n{alias} = importlib.import_module("{target.name}")'
    return Stmt(text, {alias: f"module:{target.name}"})


def _tried(chooser: Chooser, target: Module) -> Stmt:
    name, kind = chooser.pick([*_bound(chooser, target), ("missing", "int")])
    if kind != "int":
        name = "missing"
    alias = chooser.name("int")
    text = (
        f"try:\n    from {target.name} import {name} as {alias}\nexcept ImportError:\n    {alias} = {chooser.digit()}"
    )
    return Stmt(text, {alias: "int"})


def _inside(chooser: Chooser, target: Module) -> Stmt:
    name, kind = chooser.pick(_bound(chooser, target))
    value = {"int": name, "func": f"{name}()", "list": f"len({name})"}.get(kind, f"len(str(bool({name})))")
    function = chooser.name("func")
    text = f"def {function}(a=0):\n    from {target.name} import {name}\n    return a + {value}"
    return Stmt(text, {function: "func"})


_FORMS: tuple[Callable[[Chooser, Module], Stmt], ...] = (
    _from, _plain, _as, _from, _submodule, _from, _star, _by_name, _tried, _inside,
)  # fmt: skip
