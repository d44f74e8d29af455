"""Programs, and sequences of edits of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.programs.expressions import Chooser
from tests.programs.imports import an_import
from tests.programs.model import ENTRY, Module, Program, Sources, Stmt, sources
from tests.programs.statements import a_statement, of_kind

_LAYOUTS = (
    (("a", False), ("b", False)),
    (("a", False), ("b", False), ("c", False)),
    (("p", True), ("p.x", False), ("b", False)),
    (("p.x", False), ("p.y", False), ("p", True), ("b", False)),
    (("a", False), ("p", True), ("p.q", True), ("p.q.x", False), ("p.y", False)),
)


@dataclass(frozen=True)
class Case:
    """The states that a program's files go through."""

    versions: tuple[Sources, ...]

    def __repr__(self) -> str:
        """Whole files first, then those that each edit changes."""
        parts = []
        before: Sources = {}
        for number, version in enumerate(self.versions):
            parts.append(f"{'=' * 30} {f'edit {number}' if number else 'program'}")
            for path in sorted({*before, *version}):
                if before.get(path) != version.get(path):
                    text = version.get(path)
                    parts.append(f"--- {path}\n{'(removed)' if text is None else text.rstrip() or '(empty)'}")
            before = version
        return "\n" + "\n".join(parts) + "\n"


@st.composite
def cases(draw: st.DrawFn, edits: int = 4) -> Case:
    """A program and up to `edits` edits, one batch each."""
    program = _program(draw)
    versions = [program]
    healthy = program
    for _ in range(draw(st.integers(1, edits))):
        if versions[-1] is not healthy and draw(st.integers(0, 4)):
            versions.append(healthy)  # a broken state is mostly taken back
            continue
        edited, broken = _batch(draw, versions[-1])
        versions.append(edited)
        healthy = healthy if broken else edited
    return Case(tuple(sources(version) for version in versions))


def _program(draw: st.DrawFn) -> Program:
    layout = _LAYOUTS[draw(st.integers(0, len(_LAYOUTS) - 1))]
    program: Program = {name: Module(name, package) for name, package in layout}
    for name in list(program):
        start = _beginning(draw)
        program[name] = _filled(draw, program, program[name], start, draw(st.integers(1, 7)))
    imported = [Stmt(f"import {name}", {name: f"module:{name}"}) for name in program if draw(st.integers(0, 9))]
    entry = Module(ENTRY, statements=tuple(imported))
    program[ENTRY] = entry
    program[ENTRY] = _filled(draw, program, entry, list(imported), draw(st.integers(0, 2)))
    return program


def _beginning(draw: st.DrawFn) -> list[Stmt]:
    chosen = draw(st.integers(0, 11))
    found = [Stmt('"""What it is for."""')] if chosen in (8, 10) else []
    return [*found, Stmt("from __future__ import annotations")] if chosen in (9, 10) else found


def _filled(draw: st.DrawFn, program: Program, module: Module, start: list[Stmt], count: int) -> Module:
    module = module.with_statements(start)
    for _ in range(count):
        program[module.name] = module
        module = module.with_statements([*module.statements, a_statement(Chooser(draw, program, module))])
    return module


def _batch(draw: st.DrawFn, program: Program) -> tuple[Program, bool]:
    edited, broken = dict(program), False
    for _ in range(1 + max(0, draw(st.integers(-4, 2)))):
        change = _EDITS[draw(st.integers(0, len(_EDITS) - 1))]
        broken = broken or change is _break
        edited = change(draw, edited)
    return edited, broken


def _somewhere(draw: st.DrawFn, program: Program) -> tuple[Module, int]:
    filled = [module for module in program.values() if module.statements]
    module = filled[draw(st.integers(0, len(filled) - 1))] if filled else Module(ENTRY)
    return module, draw(st.integers(0, max(0, len(module.statements) - 1)))


def _with(program: Program, module: Module, statements: list[Stmt]) -> Program:
    return {**program, module.name: module.with_statements(statements)}


def _tweak(draw: st.DrawFn, program: Program) -> Program:
    """Another number somewhere."""
    module, index = _somewhere(draw, program)
    statements = list(module.statements)
    places = list(re.finditer(r"\b\d+\b", statements[index].text)) if statements else []
    if not places:
        return _replace(draw, program)
    place = places[draw(st.integers(0, len(places) - 1))]
    text = statements[index].text
    text = f"{text[: place.start()]}{draw(st.integers(0, 12))}{text[place.end() :]}"
    statements[index] = Stmt(text, statements[index].binds)
    return _with(program, module, statements)


def _replace(draw: st.DrawFn, program: Program) -> Program:
    """A statement becomes another one that binds the same name."""
    module, index = _somewhere(draw, program)
    statements = list(module.statements)
    bound = [(name, kind) for name, kind in statements[index].binds.items() if "." not in name] if statements else []
    if not bound:
        return _insert(draw, program)
    name, kind = bound[0]
    chooser = Chooser(draw, program, module, index)
    statements[index] = an_import(chooser) if kind.startswith("module:") else of_kind(chooser, kind, name)
    return _with(program, module, statements)


def _insert(draw: st.DrawFn, program: Program) -> Program:
    module, index = _somewhere(draw, program)
    index += draw(st.integers(0, 1))
    statements = list(module.statements)
    statements.insert(index, a_statement(Chooser(draw, program, module, index)))
    return _with(program, module, statements)


def _remove(draw: st.DrawFn, program: Program) -> Program:
    module, index = _somewhere(draw, program)
    statements = list(module.statements)
    return _with(program, module, statements[:index] + statements[index + 1 :])


def _move(draw: st.DrawFn, program: Program) -> Program:
    module, index = _somewhere(draw, program)
    statements = list(module.statements)
    if statements:
        statements.insert(draw(st.integers(0, len(statements) - 1)), statements.pop(index))
    return _with(program, module, statements)


def _remark(draw: st.DrawFn, program: Program) -> Program:
    """Nothing but layout: lines move."""
    module, index = _somewhere(draw, program)
    statements = list(module.statements)
    remark = ("# a remark", "", "\n# another\n")[draw(st.integers(0, 2))]
    statements.insert(index, Stmt(remark))
    return _with(program, module, statements)


def _inside(draw: st.DrawFn, program: Program) -> Program:
    """A remark inside a definition, or a line more in its body."""
    module, index = _somewhere(draw, program)
    statements = list(module.statements)
    lines = statements[index].text.split("\n") if statements else []
    places = [number for number, line in enumerate(lines) if line.startswith("    ") and "return" in line]
    if not places:
        return _tweak(draw, program)
    place = places[draw(st.integers(0, len(places) - 1))]
    space = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
    lines.insert(place, space + ("# inside", "more = 1", "'a text'")[draw(st.integers(0, 2))])
    statements[index] = Stmt("\n".join(lines), statements[index].binds)
    return _with(program, module, statements)


def _rename(draw: st.DrawFn, program: Program) -> Program:
    """Another name, in its module or everywhere."""
    module, index = _somewhere(draw, program)
    names = [name for name in (module.statements[index].binds if module.statements else ()) if "." not in name]
    if not names:
        return _insert(draw, program)
    old, new = names[0], f"{names[0][0]}{draw(st.integers(4, 6))}"
    chosen = list(program) if draw(st.integers(0, 2)) else [module.name]
    return {name: _renamed(one, old, new) if name in chosen else one for name, one in program.items()}


def _renamed(module: Module, old: str, new: str) -> Module:
    pattern = re.compile(rf"\b{re.escape(old)}\b")
    return module.with_statements(
        [
            Stmt(pattern.sub(new, one.text), {new if name == old else name: kind for name, kind in one.binds.items()})
            for one in module.statements
        ]
    )


def _carry(draw: st.DrawFn, program: Program) -> Program:
    """A statement moves to another module, and is imported from there if it binds names."""
    module, index = _somewhere(draw, program)
    others = [one for one in program.values() if one.name not in (module.name, ENTRY)]
    if not module.statements or not others:
        return program
    other = others[draw(st.integers(0, len(others) - 1))]
    statements = list(module.statements)
    carried = statements[index]
    names = [name for name in carried.binds if "." not in name]
    left = Stmt(f"from {other.name} import {', '.join(names)}", carried.binds) if names else Stmt("# moved away")
    statements[index] = left
    return _with(_with(program, module, statements), other, [*other.statements, carried])


def _break(draw: st.DrawFn, program: Program) -> Program:
    module, index = _somewhere(draw, program)
    statements = list(module.statements)
    text = ("raise RuntimeError('broken')", "def broken(:", "1 / 0", "from a import nothing", "import nowhere")
    statements.insert(index + draw(st.integers(0, 1)), Stmt(text[draw(st.integers(0, len(text) - 1))]))
    return _with(program, module, statements)


def _drop_module(draw: st.DrawFn, program: Program) -> Program:
    """A file goes, mostly with what names it."""
    names = [name for name, one in program.items() if name != ENTRY and not one.is_package]
    if len(names) < 2:
        return _remove(draw, program)
    gone = names[draw(st.integers(0, len(names) - 1))]
    left = {name: one for name, one in program.items() if name != gone}
    if not draw(st.integers(0, 4)):
        return left
    last = gone.rpartition(".")[2]
    word = re.compile(rf"\b{re.escape(gone)}\b|from \.+ import {last}\b|from \.{last}\b")
    return {
        name: one.with_statements([item for item in one.statements if not word.search(item.text)])
        for name, one in left.items()
    }


def _add_module(draw: st.DrawFn, program: Program) -> Program:
    name = ("n", "p.n", "a")[draw(st.integers(0, 2))]
    if name in program or ("." in name and "p" not in program):
        return _insert(draw, program)
    first = {name: Module(name), **program}
    first[name] = _filled(draw, first, first[name], [], draw(st.integers(1, 3)))
    if not draw(st.integers(0, 3)):
        return first  # nobody imports it yet
    module, index = _somewhere(draw, program)
    statements = list(module.statements)
    statements.insert(index, Stmt(f"import {name}", {name: f"module:{name}"}))
    return _with(first, module, statements)


def _toggle_future(draw: st.DrawFn, program: Program) -> Program:
    module, _ = _somewhere(draw, program)
    future = "from __future__ import annotations"
    statements = [one for one in module.statements if one.text != future]
    if len(statements) == len(module.statements):
        at = 1 if statements and statements[0].text.startswith('"""') else 0
        statements.insert(at, Stmt(future))
    return _with(program, module, statements)


_EDITS: tuple[Callable[[st.DrawFn, Program], Program], ...] = (
    _tweak, _tweak, _replace, _insert, _tweak, _remove, _replace, _insert, _move, _remark, _inside, _inside, _rename,
    _carry, _break, _tweak, _replace, _remove, _drop_module, _add_module, _toggle_future, _break,
)  # fmt: skip
