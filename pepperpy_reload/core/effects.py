"""What a module or a function may change beyond its own names, read from its source.

A call may change its receiver and its arguments, a decorator its owner, an assignment to an attribute or an item the
object that has it. Which object a chain of names means is for the live process to say (see core.world).
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.reflection import REFLECTION
from pepperpy_reload.core.statement import absolute, chain, import_time
from pepperpy_reload.core.stores import uncertain
from pepperpy_reload.core.tree import walk

Chain = tuple[str, ...]


class Depth(IntEnum):
    """How an object may be changed."""

    STORE = 0
    """An attribute or an item is set: setting it again changes nothing more."""
    CALL = 1
    """It is the receiver or an argument of a call."""
    KEPT = 2
    """An attribute is set that is looked at as well, as a cache is: classes and functions are concerned, too."""
    HARD = 3
    """An attribute or an item is deleted or changed in place: classes and functions are concerned as well."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """The object that `chain` means may be changed."""

    chain: Chain
    """Names, and items on the way: `[0]`, or `[]` for any of them."""
    depth: Depth
    called: bool = False
    """It is what is called: not that is changed, but what it keeps (the object of a bound method, a partial's)."""
    key: Chain = ()
    """If an item is set: the parameter that says which, and its attributes on the way."""


def reflections(nodes: Iterable[ast.AST], *, inside: bool = False) -> Iterator[str]:
    """The names by which pieces of code look at a namespace as such; their own one, `inside` a function, is nobody's.

    In the body of a class `locals()` is what the class is made of.
    """
    nodes = list(nodes)
    names = [node for node in nodes if type(node) is ast.Name and node.id in REFLECTION]
    if not names:
        return
    parts = nodes if inside else [one for node in nodes if isinstance(node, ast.ClassDef) for one in _in_body(node)]
    calls = (node.func for node in parts if isinstance(node, ast.Call) and not node.args)
    own = {identity(name) for name in calls if isinstance(name, ast.Name) and name.id in _OWN}
    yield from (name.id for name in names if isinstance(name.ctx, ast.Load) and identity(name) not in own)


def _in_body(node: ast.ClassDef) -> Iterator[ast.AST]:
    return (one for item in node.body for one in import_time(item))


_OWN = frozenset({"locals", "vars", "dir"})


def surveys(nodes: Iterable[ast.AST]) -> bool:
    """Whether a function finds out what names its module has: it looks at all of them, not at one that has to be there.

    To give them to code that is executed is to look at what that names.
    """
    chosen = list(nodes)
    calls = [node for node in chosen if isinstance(node, ast.Call) and chain(node.func) == ("globals",)]
    if not calls:
        return False
    items = {identity(node.value) for node in chosen if isinstance(node, ast.Subscript)}
    run = {
        identity(given)
        for node in chosen
        if isinstance(node, ast.Call) and chain(node.func) in _RUNNING
        for given in node.args
    }
    return any(identity(call) not in items | run for call in calls)


_RUNNING = (("exec",), ("eval",))


def reflects(tree: ast.Module) -> bool:
    """Whether the module looks at namespaces as such, or has functions that bind its names (`global`)."""
    for node in walk(tree):
        if isinstance(node, ast.Global):
            return True
        if isinstance(node, ast.Name) and node.id in REFLECTION:
            return True
        if isinstance(node, ast.Attribute) and chain(node)[:2] == ("sys", "modules"):
            return True
    return False


def static_imports(tree: ast.Module, package: str) -> Iterator[tuple[str, int]]:
    """The modules that a module's import statements name, with their lines; `package` resolves relative ones."""
    for statement in tree.body:
        for node in import_time(statement):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    parts = alias.name.split(".")
                    yield from ((".".join(parts[:end]), node.lineno) for end in range(1, len(parts) + 1))
            elif isinstance(node, ast.ImportFrom):
                yield from _from_import(node, package)


def _from_import(node: ast.ImportFrom, package: str) -> Iterator[tuple[str, int]]:
    base = absolute(node.module, node.level, package)
    yield base, node.lineno
    for alias in node.names:
        if alias.name != "*":
            yield f"{base}.{alias.name}", node.lineno


def mutations(nodes: Iterable[ast.AST], given: Collection[str] = ()) -> tuple[Mutation, ...]:
    """What executing these nodes may change, each chain once at its greatest depth; `given` are parameters.

    Who sets what it looks at as well may do something else the second time, as may who does not say what he sets.
    """
    chosen = list(nodes)
    changes = [(node, *change) for node in chosen if type(node) in _DOING for change in _mutated(node)]
    if not changes:
        return ()
    parts, sets = _parts(chosen), any(depth is Depth.STORE for _, _, depth, _ in changes)
    looked_at, others = (_looked_at(chosen), uncertain(chosen, given)) if sets else (set[Chain](), {})
    found: dict[tuple[Chain, bool], Mutation] = {}
    for node, target, depth, called in changes:
        plain = way(target)
        by = others.get(identity(node)) if depth is Depth.STORE else None
        if depth is Depth.STORE and (by == () or _is_looked_at(node, chain(target), looked_at)):
            depth = Depth.KEPT if isinstance(node, ast.Attribute) else Depth.CALL
        for key in (plain, *((*part, *plain[1:]) for part in parts.get(plain[:1], ()))):
            before = found.get((key, called))
            if key and (before is None or depth > before.depth or (by and depth is before.depth)):
                found[key, called] = Mutation(key, depth, called, by or ())
    return tuple(found.values())


def targets(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """What executing these nodes may change, as it is written."""
    return (target for node in nodes if type(node) in _DOING for target, *_ in _mutated(node))


_DOING = frozenset(
    {ast.Call, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Attribute, ast.Subscript, ast.AugAssign}
)
"""The nodes that may change something."""


def _is_looked_at(node: ast.AST, key: Chain, looked_at: Collection[Chain]) -> bool:
    """Whether what is not the same any more when an attribute, or an item, of what `key` means is set is looked at."""
    if isinstance(node, ast.Attribute) and key:
        return (*key, node.attr) in looked_at or (*key, _ANY) in looked_at
    return key in looked_at


def _looked_at(nodes: Iterable[ast.AST]) -> set[Chain]:
    """The chains that are read, and all that they begin with, but for those of which an item or attribute is set."""
    every = list(nodes)
    targets = {
        identity(node.value)
        for node in every
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store)
    }
    hidden = targets | {identity(node.value) for node in every if isinstance(node, ast.Attribute)}
    found: set[Chain] = set()
    for node in every:
        if isinstance(node, ast.Name | ast.Attribute) and identity(node) not in hidden:
            read = chain(node) if isinstance(node.ctx, ast.Load) else ()
            found.update(read[:end] for end in range(1, len(read) + 1))
        match node:
            case ast.Call(func=ast.Name("hasattr" | "getattr"), args=[owner, name, *_]) if read := chain(owner):
                found.add((*read, str(name.value) if isinstance(name, ast.Constant) else _ANY))
    return found


_ANY = "*"


CALLED, ITEM = "()", "[]"


def way(node: ast.AST, *, through_calls: bool = False) -> Chain:
    """`a.b[0].c` as ("a", "b", "[0]", "c"); () for what does not begin with a name.

    `a().b` is ("a", "()", "b") if the way leads `through_calls`, and else does not begin with one.
    """
    steps: list[str] = []
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=value, attr=name):
                steps.append(name)
            case ast.Subscript(value=value, slice=ast.Constant(value=int() | str() as key)):
                steps.append(f"[{key!r}]")
            case ast.Subscript(value=value):
                steps.append(ITEM)
            case ast.Call(func=value) if through_calls:
                steps.append(CALLED)
            case _:
                return ()
        node = value
    return (node.id, *reversed(steps))


def _parts(nodes: Iterable[ast.AST]) -> dict[Chain, list[Chain]]:
    """What names mean that stand for a part of something: `x = a[0]`, `for x in a`, `x, y = a`."""
    found: dict[Chain, list[Chain]] = {}
    for node in nodes:
        if type(node) not in _NAMING_PARTS:
            continue
        match node:
            case ast.Assign(targets=[ast.Name() as target], value=ast.Attribute() | ast.Subscript() as value):
                step: Chain = ()
            case ast.Assign(
                targets=[ast.Tuple() | ast.List() as target],
                value=ast.Name() | ast.Attribute() | ast.Subscript() as value,
            ):
                step = (ITEM,)
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                step = (ITEM,)
            case _:
                continue
        if whole := way(value):
            for inner in walk(target):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store) and inner.id != whole[0]:
                    found.setdefault((inner.id,), []).append((*whole, *step))
    return found


_NAMING_PARTS = frozenset({ast.Assign, ast.For, ast.comprehension})


def _mutated(node: ast.AST) -> Iterator[tuple[ast.AST, Depth, bool]]:
    match node:
        case ast.Call():
            yield from _by_call(node)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            for item in node.decorator_list:
                if isinstance(item, ast.Attribute):
                    yield item.value, Depth.CALL, False
                if not isinstance(item, ast.Call):
                    yield item, Depth.CALL, True
        case ast.Attribute(ctx=ast.Store(), value=value) | ast.Subscript(ctx=ast.Store(), value=value):
            # To set a slice again may put the same in twice.
            yield value, Depth.CALL if isinstance(getattr(node, "slice", None), ast.Slice) else Depth.STORE, False
        case ast.Attribute(ctx=ast.Del(), value=value) | ast.Subscript(ctx=ast.Del(), value=value):
            yield value, Depth.HARD, False
        case ast.AugAssign(target=ast.Name() as name):
            yield name, Depth.CALL, False
        case ast.AugAssign(target=ast.Attribute(value=value) | ast.Subscript(value=value)):
            yield value, Depth.HARD, False


def _by_call(node: ast.Call) -> Iterator[tuple[ast.AST, Depth, bool]]:
    callee, args, name = node.func, node.args, chain(node.func)
    if name in (("setattr",), ("delattr",)) or (name[-1:] in _SETTERS and len(args) > 1):
        yield from ((item, Depth.HARD, False) for item in args[:1])
        return
    if len(name) == 1 and name[0] in HARMLESS:
        called = [*(args[:1] if name[0] in _CALLING else ()), *(one.value for one in node.keywords if one.arg == "key")]
        for item in called:
            yield item, Depth.CALL, True
            if isinstance(item, ast.Attribute):
                yield item.value, Depth.CALL, False
        return
    if not (isinstance(callee, ast.Attribute) and _only_tells(callee)):
        yield callee, Depth.CALL, True
        if isinstance(callee, ast.Attribute):
            yield callee.value, Depth.HARD if callee.attr in COMPLETING else Depth.CALL, False
    given = (
        *(item.value if isinstance(item, ast.Starred) else item for item in args),
        *(one.value for one in node.keywords),
    )
    yield from (
        (item, Depth.CALL, False) for item in given if not (isinstance(item, ast.Attribute) and item.attr in _TEXTS)
    )


def _only_tells(method: ast.Attribute) -> bool:
    """Whether a method changes nothing of what it is called on."""
    owner = method.value
    known_as = owner.attr if isinstance(owner, ast.Attribute) else ""
    return method.attr in TELLING or known_as in _TEXTS or (known_as == "__dict__" and method.attr == "get")


_TEXTS = frozenset({"__name__", "__qualname__", "__module__", "__doc__"})
"""Attributes that are texts, which nobody changes."""
_SETTERS = (("__setattr__",), ("__delattr__",))
_CALLING = frozenset({"map", "filter"})

HARMLESS = frozenset(
    "abs all any ascii bin bool bytes callable chr classmethod complex dict divmod enumerate filter float format "
    "frozenset getattr hasattr hash hex id int isinstance issubclass len list map max memoryview min object oct ord "
    "pow print property range repr reversed round set slice sorted staticmethod str sum super tuple type zip".split()
)
"""Built-in functions that change none of their arguments."""

CHANGING = frozenset(
    "add append appendleft clear difference_update discard extend extendleft insert intersection_update move_to_end "
    "pop popitem popleft remove reverse rotate setdefault sort symmetric_difference_update update __setitem__ "
    "__delitem__ __setattr__ __delattr__ __iadd__ __ior__".split()
)
"""The methods of lists, dicts, sets and the like that change what they are called on."""

TELLING = frozenset(
    "casefold endswith isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace "
    "istitle isupper ljust lower lstrip removeprefix removesuffix rjust rpartition rstrip splitlines startswith strip "
    "swapcase upper zfill items keys values copy difference intersection isdisjoint issubset issuperset union".split()
)
"""The methods of texts, dicts and sets that change nothing, whatever else has one of the name (`title`, `get`)."""

COMPLETING = frozenset({"model_rebuild", "update_forward_refs"})
"""The methods by which pydantic's classes become complete: what they name has been defined by then."""
