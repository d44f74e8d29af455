"""Classes and functions in place: the live one takes over what its statement's new version changes."""

from __future__ import annotations

import abc
import ast
import builtins
import dis
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from types import CodeType, FunctionType
from typing import Any

from pepperpy_reload.core.classbody import ClassChange
from pepperpy_reload.core.likeness import Texts, alike, compared
from pepperpy_reload.core.names import bound_names, mangled
from pepperpy_reload.core.statement import Statement, chain
from pepperpy_reload.importing.layout import held_in
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import abstract, defaults, doubles
from pepperpy_reload.reloading.classslots import deleter_of, setter_of
from pepperpy_reload.reloading.looking import is_a, part_of
from pepperpy_reload.reloading.origins import library_of
from pepperpy_reload.reloading.stroke import at_one_stroke

Undo = Callable[[Callable[[], None]], None]

_PURE_DECORATORS = frozenset({"dataclass", "final", "total_ordering", "runtime_checkable"})
_PLAIN_METACLASSES = (type, abc.ABCMeta)
_QUIET_HOMES = frozenset(
    "builtins abc enum typing typing_extensions pydantic msgspec collections ctypes zoneinfo".split()
)
_SHARED = (
    "__doc__", "__annotations__", "__annotate_func__", "__annotations_cache__", "__static_attributes__",
    "__firstlineno__",
)  # fmt: skip
_MADE_BY_DECORATORS = frozenset(
    "__init__ __repr__ __eq__ __hash__ __lt__ __le__ __gt__ __ge__ __setattr__ __delattr__ __match_args__ __replace__ "
    "__dataclass_fields__ __dataclass_params__ __post_init__".split()
)


def why_not(cls: type, before: Statement, after: Statement, tells_again: Callable[[type], bool], *, bare: bool) -> str:
    """Why a live class cannot take over a new version of its statement, or "".

    `tells_again` is asked whether a base class may be told of it once more. If it is `bare`, both are class statements
    without decorators: no tree has to be read if they say the same.
    """
    if type(cls) not in _PLAIN_METACLASSES:
        return f"its metaclass is {type(cls).__name__}"
    if "__slots__" in vars(cls) or (b"__slots__" in after.text and _binds_slots(after.node)):
        return "it has __slots__"
    if any(map(_may_look_around, vars(cls).values())):
        return "a library's class inside it may have looked at it"
    before = after if before.text == after.text else before
    if not (bare and before is after) and (why := compared(before, after, _other_head)):
        return why
    told = [base for base in cls.__mro__[1:] if _is_told(base)]
    if told and (_teller(cls) is not told[0] or not all(map(tells_again, told))):
        return "a base class wants to know of its subclasses"
    return ""


def _may_look_around(member: object) -> bool:
    """Whether what is in a class is a class that a library has made: as pydantic does, it may keep what is around."""
    return is_a(member, type) and _is_made_by_a_library(member)


def _binds_slots(node: ast.stmt) -> bool:
    return isinstance(node, ast.ClassDef) and "__slots__" in bound_names(node.body)


def _other_head(old: ast.stmt, new: ast.stmt) -> str:
    """What speaks against it in what stands above the bodies of two versions, or ""."""
    if not isinstance(old, ast.ClassDef) or not isinstance(new, ast.ClassDef):
        return "it was not made by a class statement"
    for part in ("bases", "keywords", "decorator_list"):
        if not alike(getattr(old, part), getattr(new, part), bodies=False):
            return f"its {part.removesuffix('_list')} changed"
    known = {item.name: item.bases for item in old.body if isinstance(item, ast.ClassDef)}
    for item in (item for item in new.body if isinstance(item, ast.ClassDef)):
        named = [base for base in item.bases if not _is_of_python(base)]
        if named and not alike(known.get(item.name), item.bases, bodies=False):
            return "a class inside it, with bases that it had not, may look at it"
    for decorator in new.decorator_list:
        name = chain(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if name[-1:] == () or name[-1] not in _PURE_DECORATORS:
            return "it has a decorator that may do anything"
    return ""


def _is_of_python(base: ast.expr) -> bool:
    return isinstance(base, ast.Name) and hasattr(builtins, base.id)


def remembers(cls: type) -> str:
    """By what foreign means a class keeps a record of its subclasses, or ""."""
    metaclass = type(cls)
    if metaclass.__module__ not in recorder.modules and not _is_quiet(metaclass):
        return f"metaclass {metaclass.__name__}"
    for base in cls.__mro__:
        if _is_told(base) and base.__module__ not in recorder.modules:
            return f"{base.__name__}.__init_subclass__"
    return ""


def may_remember(base: object) -> bool:
    """Whether an object that is no class may keep a record of what is made with it as a base, by foreign means.

    Its own type is called to make that, and given the object; but for what stands for a class (PEP 560).
    """
    kind = type(base)
    return bool(library_of(kind.__module__)) and not hasattr(kind, "__mro_entries__")


def _teller(cls: type) -> type | None:
    """The base class whose hook is called when a class like `cls` is made, if that is told something."""
    first = next((base for base in cls.__mro__[1:] if "__init_subclass__" in vars(base)), None)
    return first if first is not None and _is_told(first) else None


class Hushed:
    """While a statement of a class is executed to see what it makes, its base is told nothing; but of the live class.

    Other classes that are made meanwhile, by other threads too, are told of as ever.
    """

    def __init__(self, live: type) -> None:
        self._live = live
        self._base = _teller(live)
        self._hook = vars(self._base)["__init_subclass__"] if self._base is not None else None
        self._given: list[dict[str, Any]] = []

    def __enter__(self) -> Hushed:
        if self._base is not None:
            setter_of(self._base)(self._base, "__init_subclass__", classmethod(self._keep))
        return self

    def __exit__(self, *_: object) -> None:
        if self._base is not None:
            setter_of(self._base)(self._base, "__init_subclass__", self._hook)

    def _keep(self, cls: type, /, **keywords: Any) -> None:
        if (cls.__module__, cls.__qualname__) == (self._live.__module__, self._live.__qualname__):
            self._given.append(keywords)
        else:
            self._hook.__get__(None, cls)(**keywords)  # type: ignore[union-attr]

    def tell(self) -> None:
        """Tell the base of the live class."""
        for keywords in self._given:
            self._hook.__get__(None, self._live)(**keywords)  # type: ignore[union-attr]


def _is_told(base: type) -> bool:
    """Whether a class may do something when a subclass of it is made, besides setting attributes of that (PEP 487)."""
    if "__init_subclass__" not in vars(base) or _is_quiet(base):
        return False
    function = getattr(vars(base)["__init_subclass__"], "__func__", None)
    return type(function) is not FunctionType or not _only_sets_attributes(function.__code__)


def _only_sets_attributes(code: CodeType) -> bool:
    """Whether a function of one class does nothing but set attributes of it to plain values, and call the next one."""
    instructions = list(dis.get_instructions(code))
    stored = {one.argval for one in instructions if one.opname == "STORE_ATTR"}
    known = stored | {"super", "__init_subclass__", "list", "dict", "set"}
    nested = any(isinstance(item, CodeType) for item in code.co_consts)
    plain = code.co_argcount == 1 and not code.co_kwonlyargcount and not nested and known.issuperset(code.co_names)
    reached = any(one.opname.startswith(("BINARY_", "STORE_SUBSCR", "IMPORT_")) for one in instructions)
    reached = reached or any(one.argval in stored for one in instructions if one.opname.startswith("LOAD_"))
    return plain and not reached and set(code.co_freevars) <= {"__class__"}


def _is_quiet(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in _QUIET_HOMES


def has_other_bases(live: type, scratch: type, statement: Statement) -> bool:
    """Whether a new version of a class, made with the same head, has been given other bases than the live one has.

    What a head computes is another object each time: `unit.computes_bases` tells of it, and it is asked nothing here.
    """
    if live.__bases__ == scratch.__bases__:  # type's own comparison: metaclasses are plain
        return False
    node = statement.node
    return not (isinstance(node, ast.ClassDef) and any(isinstance(inner, ast.Call) for inner in _in_head(node)))


def _in_head(node: ast.ClassDef) -> Iterator[ast.AST]:
    return (inner for base in node.bases for inner in ast.walk(base))


def take_over(
    live: type, scratch: type, before: Statement, after: Statement, dirty: frozenset[str], undo: Undo
) -> None:
    """Give a live class what the new version of its statement makes different.

    `scratch` is the class that the new version makes; `dirty` are the module's names that have changed since, `*` if it
    is not known which. Members whose statements are the same and read nothing dirty keep their values.
    """
    before = after if before.text == after.text else before
    texts, home, had = Texts(before, after), after.name, abstract.looked_for(live, _SHARED)
    change = compared(before, after, lambda old, new: _change(scratch, old, new, dirty, texts))
    for name in change.gone:
        if (attribute := mangled(home, name)) in vars(live):
            deleter_of(live)(live, attribute)
    refitted: dict[int, FunctionType] = {}
    for name in change.made:
        attribute = mangled(home, name)
        if attribute in vars(scratch):
            _take(live, scratch, attribute, undo, refitted, whole=name in change.shared)
        elif attribute in vars(live):
            deleter_of(live)(live, attribute)
    if change.was_decorated:
        for name in sorted(_MADE_BY_DECORATORS - change.names):
            _take_generated(live, scratch, name)
    _take_hash(live, scratch, is_said="__hash__" in change.names)
    _take_shared(live, scratch, {mangled(home, name) for name in change.noted})
    defaults.share(live, scratch)
    abstract.settle(live, is_other=abstract.looked_for(live, _SHARED) != had)
    doubles.settle(live, scratch, _functions_in)


def _change(scratch: type, old: ast.stmt, new: ast.stmt, dirty: frozenset[str], texts: Texts) -> ClassChange:
    """What is different. Libraries may count what they make: of members that are theirs all are made again, or none.

    SQLAlchemy's columns stand in a table in the order in which they were made.
    """
    assert isinstance(old, ast.ClassDef)
    assert isinstance(new, ast.ClassDef)
    change = ClassChange(old, new, dirty, texts=texts)
    members = vars(scratch)
    theirs = {name for name in change.names if _is_made_by_a_library(members.get(mangled(new.name, name)))}
    return change if theirs.isdisjoint(change.made) else ClassChange(old, new, dirty, theirs, texts)


def _is_made_by_a_library(value: object) -> bool:
    return any(library_of(base.__module__) for base in type(value).__mro__)


def _take_hash(live: type, scratch: type, *, is_said: bool) -> None:
    """A class that has `__eq__` and no `__hash__` of its own is told to have none (data model, `object.__hash__`)."""
    if is_said:
        return
    if "__hash__" in vars(scratch):
        _take_value(live, scratch, "__hash__", vars(scratch)["__hash__"])
    elif vars(live).get("__hash__", live) is None:
        deleter_of(live)(live, "__hash__")


def _take_shared(live: type, scratch: type, noted: Collection[str]) -> None:
    """What a class statement makes by itself: documentation, annotations, lines; of annotations, the `noted` ones."""
    for name in _SHARED:
        if name == "__firstlineno__" and name not in vars(live):
            continue  # it goes when somebody sets the class's `__module__`, and the line is no longer true
        if name in vars(scratch):
            value = vars(scratch)[name]
            if name == "__annotations__":  # the others mean what the live class has: classes inside it, say
                mine = vars(live).get(name, {})
                value = {one: note if one in noted else mine.get(one, note) for one, note in value.items()}
            setter_of(live)(live, name, value)
        elif name == "__annotations__" and name in vars(live):
            deleter_of(live)(live, name)


def _take(
    live: type, scratch: type, name: str, undo: Undo, refitted: dict[int, FunctionType], *, whole: bool
) -> None:  # fmt: skip
    """One member; `refitted` are the live functions that took over from one of the scratch class, by its id.

    As a `whole` means that other members have been made with it: a function cannot stay and take over from it.
    """
    value, current = vars(scratch)[name], vars(live).get(name)
    if id(value) in refitted:  # one function under several names
        setter_of(live)(live, name, refitted[id(value)])
    elif not whole and type(value) is FunctionType and type(current) is FunctionType and refit(current, value, undo):
        refitted[id(value)] = current
    else:
        _take_value(live, scratch, name, value)
        if type(value) is FunctionType:
            refitted[id(value)] = value


def _take_generated(live: type, scratch: type, name: str) -> None:
    if name in vars(scratch):
        _take_value(live, scratch, name, vars(scratch)[name])
    elif name in vars(live) and name != "__hash__":
        deleter_of(live)(live, name)


def _take_value(live: type, scratch: type, name: str, value: Any) -> None:
    for function in _functions_in(value):
        for cell in function.__closure__ or ():
            if held_in(cell) is scratch:
                cell.cell_contents = live
    setter_of(live)(live, name, value)
    set_name = getattr(type(value), "__set_name__", None)
    if set_name is not None:
        set_name(value, live, name)


def refit(live: FunctionType, new: FunctionType, undo: Undo) -> bool:
    """Give a live function all that a new version of it has; False if it would need other cells or attributes.

    One that was written under another name, and had this one as well, is no version of it.
    """
    if live.__code__.co_name != new.__code__.co_name:
        return False
    if live.__code__.co_freevars != new.__code__.co_freevars or not _close_over_the_same(live, new):
        return False
    take_definition(live, new, undo)
    return True


def take_definition(live: FunctionType, new: FunctionType, undo: Undo) -> None:
    """Give a live function what its definition says; attributes that other statements have set are theirs to set."""
    attributes = ("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__annotations__")
    saved = {name: getattr(live, name) for name in attributes}
    undo(partial(_set_definition, live, saved))
    _set_definition(live, {name: getattr(new, name) for name in attributes})
    if hasattr(new, "__type_params__"):
        setattr(live, "__type_params__", new.__type_params__)  # noqa: B010 - 3.12 and newer


def _set_definition(function: FunctionType, definition: Mapping[str, Any]) -> None:
    """Set the parts of a definition so that whoever calls the function meanwhile never misses a default.

    Audit hooks are told of each part: another thread may come in between.
    """
    are_more = len(definition["__defaults__"] or ()) > len(function.__defaults__ or ())
    by_name = {**(function.__kwdefaults__ or {}), **(definition["__kwdefaults__"] or {})}
    first = {"__kwdefaults__": by_name or None, **{name: definition[name] for name in _ORDER[are_more]}}
    at_one_stroke(partial(setattr, function, name, value) for name, value in (*first.items(), *definition.items()))


_ORDER = {True: ("__defaults__", "__code__"), False: ("__code__", "__defaults__")}


def _close_over_the_same(live: FunctionType, new: FunctionType) -> bool:
    """Whether two functions have the same objects in their cells and attributes; each has the class that it is in."""
    cells = zip(live.__code__.co_freevars, live.__closure__ or (), new.__closure__ or (), strict=True)
    if any(name != "__class__" and held_in(one) is not held_in(other) for name, one, other in cells):
        return False
    mine, theirs = vars(live), vars(new)
    return mine.keys() == theirs.keys() and all(mine[name] is theirs[name] for name in mine)


def _functions_in(value: Any, depth: int = 3) -> Iterator[FunctionType]:
    """The functions in a member: itself, inside descriptors, and those that wrappers have closed over."""
    if type(value) is FunctionType:
        yield value
        for cell in value.__closure__ or () if depth else ():
            inner = held_in(cell)
            if type(inner) is FunctionType and inner is not value:
                yield from _functions_in(inner, depth - 1)
    for attribute in ("__func__", "fget", "fset", "fdel", "func", "__wrapped__"):
        inner = None if type(value) is FunctionType else part_of(value, attribute)
        if type(inner) is FunctionType:
            yield from _functions_in(inner, depth - 1)
