"""Which statements do nothing but bind names of their own module: it makes no difference when they are executed.

To import is inert here: what is imported is looked at by itself.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

_EXCEPTIONS = [name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)]
_PLAIN_BASES = frozenset({"object", *_EXCEPTIONS})
_PLAIN_DECORATORS = frozenset({"property", "staticmethod", "classmethod"})
_REBOUND = _PLAIN_BASES | _PLAIN_DECORATORS


@dataclass(frozen=True, slots=True)
class Step:
    """One statement without others inside, and what must be so for it to be inert.

    `values` are names that must stand for plain values, numbers and texts and the like, `modules` names that must stand
    for modules. `deed` says why it is not inert whatever they stand for, or is "".
    """

    line: int
    deed: str = ""
    values: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    calls: frozenset[tuple[str, ...]] = frozenset()
    """What is called must be one of those that only make something, see `MAKERS`."""


MAKERS = frozenset(
    ("typing.TypeVar", "typing.ParamSpec", "typing.TypeVarTuple", "logging.getLogger", "re.compile", "builtins.object")
)
"""What only makes something of plain values, by module and name: a logger is the same whoever asks for it first."""


@dataclass(slots=True)
class _Needs:
    values: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    calls: set[tuple[str, ...]] = field(default_factory=set)


def steps(source: bytes) -> list[Step]:
    """The statements of a module in the order of their lines. SyntaxError if it has none."""
    tree = ast.parse(source)
    lines = source.splitlines()
    bound = Counter(_bound(tree))
    if not _REBOUND.isdisjoint(bound):
        return [Step(0, "gives a builtin name another meaning")]
    return [
        replace(step, deed="computes with a name that is bound twice")
        if any(bound[name] > 1 for name in (*step.values, *step.modules, *(one[0] for one in step.calls)))
        else step
        for step in _steps(tree.body, lines)
    ]


def _steps(body: Iterable[ast.stmt], lines: Sequence[bytes]) -> Iterator[Step]:
    for node in body:
        match node:
            case ast.If(test=test) if _is_asked_often(test):
                yield from _steps([*node.body, *node.orelse], lines)
            case ast.Try():
                handled = [one for handler in node.handlers for one in handler.body]
                types = [one.type for one in node.handlers if one.type is not None]
                if all(map(_names_exceptions, types)):
                    yield from _steps([*node.body, *handled, *node.orelse, *node.finalbody], lines)
                else:
                    yield Step(node.lineno, _text(node, lines))
            case _:
                needs = _Needs()
                deed = "" if _is_inert(node, needs) else _text(node, lines)
                yield Step(node.lineno, deed, frozenset(needs.values), frozenset(needs.modules), frozenset(needs.calls))


def _is_inert(node: ast.stmt, needs: _Needs) -> bool:
    match node:
        case ast.Pass() | ast.Import() | ast.Expr(value=ast.Constant()):
            return True
        case ast.ImportFrom(names=names, level=level):  # a library may bind a private name of its own again
            return bool(level) or all(item.name[:1] != "_" or item.name[:2] == "__" for item in names)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            args = node.args
            given = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
            said = [one.annotation for one in given if one is not None and one.annotation is not None]
            said += [node.returns] if node.returns is not None else []
            defaults = [one for one in (*args.defaults, *args.kw_defaults) if one is not None]
            return (
                node.name != "__getattr__"
                and not getattr(node, "type_params", ())
                and all(isinstance(one, ast.Name) and one.id in _PLAIN_DECORATORS for one in node.decorator_list)
                and all(map(_is_annotation, said))
                and all(_is_value(one, needs) for one in defaults)
            )
        case ast.ClassDef():
            return (
                not node.keywords
                and not node.decorator_list
                and not getattr(node, "type_params", ())
                and all(isinstance(one, ast.Name) and one.id in _PLAIN_BASES for one in node.bases)
                and all(_is_of_class(one) for one in node.body)
            )
        case ast.Assign(targets=targets, value=value):
            return all(isinstance(one, ast.Name) for one in targets) and _is_value(value, needs)
        case ast.AnnAssign(target=ast.Name(), annotation=annotation, value=value):
            return _is_annotation(annotation) and (value is None or _is_value(value, needs))
    return False


def _is_of_class(node: ast.stmt) -> bool:
    """Whether a statement of a class is inert. A value that has a name may want to be told its own in the class."""
    needs = _Needs()
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    if isinstance(node, ast.ClassDef) or (value is not None and any(map(_is_named, ast.walk(value)))):
        return False
    return _is_inert(node, needs) and not (needs.values or needs.modules or needs.calls)


def _is_named(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)


def _is_value(node: ast.expr, needs: _Needs) -> bool:
    """Whether an expression only makes or names something."""
    match node:
        case ast.Constant() | ast.Name():
            return True
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return all(_is_value(one, needs) for one in items)
        case ast.Set(elts=items):
            return all(isinstance(one, ast.Constant) for one in items)
        case ast.Dict(keys=keys, values=values):
            return all(isinstance(one, ast.Constant) for one in keys) and all(_is_value(one, needs) for one in values)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if attribute[:1] != "_":
            needs.modules.add(name)
            return True
        case ast.BinOp(left=left, right=right):
            return _is_plain(left, needs) and _is_plain(right, needs)
        case ast.UnaryOp(operand=operand):
            return _is_plain(operand, needs)
        case ast.Call(func=ast.Name(id=name)):
            needs.calls.add((name,))
            return _are_given_plain(node, needs)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
            needs.calls.add((module, name))
            return _are_given_plain(node, needs)
    return False


def _are_given_plain(node: ast.Call, needs: _Needs) -> bool:
    """Whether a call is given nothing but plain values."""
    return all(_is_plain(one, needs) for one in (*node.args, *(keyword.value for keyword in node.keywords)))


def _is_plain(node: ast.expr, needs: _Needs) -> bool:
    """Whether an operand is a plain value."""
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name):
            needs.values.add(name)
            return True
        case ast.BinOp() | ast.UnaryOp():
            return _is_value(node, needs)
    return False


def _is_annotation(node: ast.expr) -> bool:
    match node:
        case ast.Constant() | ast.Name():
            return True
        case ast.Attribute(value=value):
            return _is_annotation(value)
        case ast.Subscript(value=value, slice=inner):
            return _is_annotation(value) and _is_annotation(inner)
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return all(map(_is_annotation, items))
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _is_annotation(left) and _is_annotation(right)
    return False


def _is_asked_often(test: ast.expr) -> bool:
    """Whether a condition is one of those that are about the interpreter or the type checker alone."""
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(value=ast.Name(id="typing" | "t"), attr="TYPE_CHECKING"):
            return True
        case ast.Compare(left=ast.Attribute(value=ast.Name(id="sys"), attr="version_info" | "platform")):
            return all(isinstance(one, ast.Constant | ast.Tuple) for one in test.comparators)
    return False


def _names_exceptions(node: ast.expr) -> bool:
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    return all(isinstance(one, ast.Name) and one.id in _PLAIN_BASES for one in items)


def _bound(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]


def _text(node: ast.stmt, lines: Sequence[bytes]) -> str:
    """Its first line. It is not made of the tree: to do so loads modules."""
    line = lines[node.lineno - 1].strip() if node.lineno <= len(lines) else b""
    return f"line {node.lineno}: {line[:60].decode('utf-8', 'replace')}"
