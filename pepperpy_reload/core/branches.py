"""An `if` at the top of a module as the statements in it, each with the conditions on which it is executed.

`if A: x; y` does what `if A: x` and `if A: y` do, one after the other, where asking again gives the same answer: then
an edit of one of them need not have the other executed again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

_CONSTANT = (ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Slice, ast.expr_context, ast.operator, ast.unaryop)
_ASKING = (ast.Name, ast.Attribute, ast.Subscript, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.cmpop, ast.boolop)
_FOR_CHECKERS = "TYPE_CHECKING"
_METHODS = frozenset({"startswith", "endswith"})


@dataclass(frozen=True, slots=True)
class Branch:
    """A statement in an `if`: by itself, and with all conditions that it depends on around it.

    `first` is where it begins if nothing that is executed stands between the beginning of the `if`, or of an `elif`,
    and itself: what asking runs belongs to it.
    """

    inner: ast.stmt
    node: ast.If
    first: tuple[int, int] | None


def branches(node: ast.stmt, around: tuple[ast.expr, ...] = ()) -> list[Branch]:
    """The statements in an `if`, in their order; none if it can only be executed as it is."""
    found = list(_branches(node, around)) if isinstance(node, ast.If) and _may_part(node) else []
    return found if len(found) > 1 else []


def _branches(node: ast.If, around: tuple[ast.expr, ...]) -> Iterator[Branch]:
    negated = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
    place: tuple[int, int] | None = (node.lineno, node.col_offset)
    for tests, body in (((*around, node.test), node.body), ((*around, negated), node.orelse)):
        for item in body:
            inner = list(_branches(item, tests)) if isinstance(item, ast.If) and _may_part(item) else []
            if inner and place is not None:
                yield Branch(inner[0].inner, inner[0].node, place)
                inner = inner[1:]
            elif not inner:
                yield Branch(item, _inside(tests, item), place)
            yield from inner
            place = None


def _inside(tests: tuple[ast.expr, ...], item: ast.stmt) -> ast.If:
    *outer, test = tests
    found = ast.copy_location(ast.If(test, [item], []), item)
    for one in reversed(outer):
        found = ast.copy_location(ast.If(one, [found], []), item)
    return found


def _may_part(node: ast.If) -> bool:
    """Whether the answer to the condition is the same however often it is asked, and whatever is done in between."""
    if not _is_asked_alike(node.test):
        return False
    names = {item.id for item in ast.walk(node.test) if isinstance(item, ast.Name)} - {"hasattr"}
    single = {item.id for item in _plain(node.test) if isinstance(item, ast.Name)} - {_FOR_CHECKERS}
    inside = [part for item in (*node.body, *node.orelse) for part in ast.walk(item)]
    bound = {item.id for item in inside if isinstance(item, ast.Name) and not isinstance(item.ctx, ast.Load)}
    bound |= {alias.asname or alias.name.partition(".")[0] for item in inside for alias in getattr(item, "names", ())
              if isinstance(alias, ast.alias)}  # fmt: skip
    bound |= {item.name for item in inside if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    read = {item.id for item in inside if isinstance(item, ast.Name)}
    is_open = "*" in bound and bool(single)
    return names.isdisjoint(bound) and single.isdisjoint(read) and not is_open


def _plain(test: ast.expr) -> Iterator[ast.expr]:
    """The names that are asked for themselves, not for attributes."""
    below = {id(item.value) for item in ast.walk(test) if isinstance(item, ast.Attribute)}
    called = {id(item.func) for item in ast.walk(test) if isinstance(item, ast.Call)}
    given = {id(item.args[0]) for item in ast.walk(test) if isinstance(item, ast.Call) and item.args}
    known = below | called | given
    return (item for item in ast.walk(test) if isinstance(item, ast.Name) and id(item) not in known)


def _is_asked_alike(test: ast.expr) -> bool:
    """Whether it is made of names, constants and comparisons, and not only of the constant that type checkers set."""
    if isinstance(test, ast.Name | ast.Attribute) and _name(test) == _FOR_CHECKERS:
        return False
    waiting: list[ast.AST] = [test]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            if not _is_harmless(node):
                return False
        elif not isinstance(node, (*_CONSTANT, *_ASKING)):
            return False
        if isinstance(node, ast.Name) and node.id == "__name__":
            return False
        waiting.extend(ast.iter_child_nodes(node))
    return True


def _name(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _is_harmless(node: ast.Call) -> bool:
    match node:
        case ast.Call(func=ast.Name("hasattr"), args=[ast.Name() | ast.Attribute(), ast.Constant()], keywords=[]):
            return True
        case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant() | ast.Tuple()], keywords=[]):
            return name in _METHODS
    return False


def answer(test: ast.expr) -> bool | None:
    """What a condition comes to in this interpreter, None if only the program can tell."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            found = answer(inner)
            return None if found is None else not found
        case ast.BoolOp(op=op, values=values):
            found_all, decisive = [answer(one) for one in values], isinstance(op, ast.Or)
            if decisive in found_all:
                return decisive
            return None if None in found_all else not decisive
        case ast.Name(id=name) if name == _FOR_CHECKERS:
            return False
        case ast.Compare() | ast.Call():
            return _asked(test)
    return None


def _asked(test: ast.expr) -> bool | None:
    """What a comparison with the platform or the version of Python comes to; None if it is about something else."""
    nodes = [*ast.walk(test)]
    chains = {node.value: f"{node.value.id}.{node.attr}" for node in nodes
              if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}  # fmt: skip
    names = [node for node in nodes if isinstance(node, ast.Name)]
    if not chains or len(chains) != len(names) or not set(chains.values()) <= INTERPRETER.keys():
        return None
    spaces: dict[str, SimpleNamespace] = {}
    for name in chains.values():
        module, _, attribute = name.partition(".")
        setattr(spaces.setdefault(module, SimpleNamespace()), attribute, INTERPRETER[name])
    try:
        return bool(eval(compile(ast.Expression(test), "<condition>", "eval"), dict(spaces)))
    except Exception:  # noqa: BLE001 - it is the program's to say so
        return None


INTERPRETER: dict[str, object] = {}
"""What is known of the interpreter, such as `sys.platform`: told once by who may ask it."""
