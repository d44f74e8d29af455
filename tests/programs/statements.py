"""Statements that bind, compute and change."""

from __future__ import annotations

from collections.abc import Callable

from tests.programs.classes import a_class, a_data_class, a_keeper, a_metaclass, an_abstract_class, an_enum
from tests.programs.expressions import Chooser
from tests.programs.functions import (
    a_cached,
    a_closure,
    a_decorated,
    a_doubler,
    a_function,
    a_global,
    a_lambda,
    a_registrar,
    a_wrapper,
)
from tests.programs.imports import an_import
from tests.programs.model import Stmt

Make = Callable[[Chooser], Stmt]


def a_statement(chooser: Chooser) -> Stmt:
    """Any statement."""
    return chooser.pick(_ALL)(chooser)


def of_kind(chooser: Chooser, kind: str, name: str) -> Stmt:
    """Another statement that binds `name` to something of that kind."""
    made = chooser.pick(_BY_KIND.get(kind, (a_constant,)))(chooser)
    first = next(iter(made.binds), name)
    return Stmt(
        made.text.replace(first, name), {name if one == first else one: what for one, what in made.binds.items()}
    )


def a_constant(chooser: Chooser) -> Stmt:
    name, value = chooser.name("int"), chooser.number()
    form = chooser.pick(("{} = {}", "{}: int = {}", "{} = ({}) * 2"))
    return Stmt(form.format(name, value), {name: "int"})


def a_list(chooser: Chooser) -> Stmt:
    name, value = chooser.name("list"), chooser.number()
    form = chooser.pick(("{} = [{}]", "{} = []", "{} = [x + {} for x in range(2)]", "{} = list(range(2)) + [{}]"))
    return Stmt(form.format(name, value), {name: "list"})


def a_dict(chooser: Chooser) -> Stmt:
    name, value = chooser.name("dict"), chooser.number()
    form = chooser.pick(("{} = {{'k': {}}}", "{} = {{}}", "{} = {{str(x): {} for x in range(2)}}", "{} = dict(k={})"))
    return Stmt(form.format(name, value), {name: "dict"})


def a_name_for(chooser: Chooser) -> Stmt:
    """`X = Y`."""
    kinds = [(name, kind) for name, kind in chooser.scope if not kind.startswith("module:")]
    if not kinds:
        return a_constant(chooser)
    source, kind = chooser.pick(kinds)
    name = f"{chooser.name(kind)}x{source[-1]}"  # the last digit stays, see Chooser.within
    return Stmt(f"{name} = {source}", {name: kind})


def an_object(chooser: Chooser) -> Stmt:
    classes = chooser.known("class")
    if not classes:
        return a_class(chooser)
    name = chooser.name("object")
    return Stmt(f"{name} = {chooser.pick(classes)}()", {name: "object"})


def a_change(chooser: Chooser) -> Stmt:
    """An object of this module, or of another, is changed in place."""
    targets = [(name, kind) for name, kind in chooser.scope if kind in _CHANGES]
    if not targets:
        return a_list(chooser)
    name, kind = chooser.pick(targets)
    things = chooser.known("func", "class", "int") or ["0"]
    value = chooser.number() if chooser.chance(60) else chooser.pick(things)
    return Stmt(chooser.pick(_CHANGES[kind]).format(name, value))


_CHANGES = {
    "list": ("{}.append({})", "{}[0:0] = [{}]", "{}.extend([{}, 1])", "{}.insert(0, {})", "{}.append([{}])"),
    "dict": ("{}['k'] = {}", "{}.update(k={})", "{}.setdefault('j', {})", "{}['n'] = len({})", "{}.pop('k', {})"),
    "class": ("{}.extra = {}", "setattr({}, 'extra', {})", "{}.attr = {}"),
    "object": ("{}.extra = {}", "{}.attr = {}", "vars({})['k'] = {}"),
    "func": ("{}.tag = {}",),
}
_CHANGES["dict"] = tuple(form for form in _CHANGES["dict"] if "len" not in form)


def an_augmented(chooser: Chooser) -> Stmt:
    own, lists = chooser.own("int"), chooser.own("list")
    if lists and chooser.chance(40):
        return Stmt(f"{chooser.pick(lists)} += [{chooser.number()}]")
    return Stmt(f"{chooser.pick(own)} += {chooser.number()}") if own else a_constant(chooser)


def an_outsider(chooser: Chooser) -> Stmt:
    """A name of another module is bound from here."""
    targets = [name for name, kind in chooser.scope if kind == "int" and "." in name]
    return Stmt(f"{chooser.pick(targets)} = {chooser.number()}") if targets else a_change(chooser)


def a_deletion(chooser: Chooser) -> Stmt:
    name, value = chooser.name("int"), chooser.number()
    return Stmt(f"t0 = {value}\n{name} = t0 + {chooser.digit()}\ndel t0", {name: "int"})


def a_loop(chooser: Chooser) -> Stmt:
    lists = chooser.known("list")
    name = chooser.name("int")
    if not lists:
        return Stmt(f"for i in range({chooser.digit()}, 12):\n    {name} = i", {name: "int", "i": "int"})
    form = chooser.pick(
        ("for i in range(2):\n    {}.append(i + {})", "for {2} in [{1}, 2]:\n    {0}.append({2})",
         "{2} = 0\nfor i in list({0})[:3]:\n    {2} += {1}")
    )  # fmt: skip
    return Stmt(form.format(chooser.pick(lists), chooser.number(), name), {name: "int"} if "{2}" in form else {})


def a_condition(chooser: Chooser) -> Stmt:
    name, test = chooser.name("int"), chooser.number()
    form = chooser.pick(
        (
            "if {1} > 4:\n    {0} = {2}\nelse:\n    {0} = {3}",
            "try:\n    {0} = {2} // ({1})\nexcept ZeroDivisionError:\n    {0} = {3}",
            "{0} = {2}\nif {1} > 4:\n    def f9():\n        return {3}\n    {0} = f9()",
            "from contextlib import suppress\nwith suppress(Exception):\n    {0} = {3}\n    {0} = {2} // ({1})",
        )
    )
    return Stmt(form.format(name, test, chooser.number(), chooser.digit()), {name: "int"})


def an_export_list(chooser: Chooser) -> Stmt:
    names = chooser.own(*_BY_KIND)
    chosen = sorted({chooser.pick(names) for _ in range(3)}) if names else []
    return Stmt(f"__all__ = {chosen!r}")


def a_getattr(chooser: Chooser) -> Stmt:
    body = chooser.number()
    text = f"def __getattr__(name):\n    if name == 'lazy':\n        return {body}\n    raise AttributeError(name)"
    return Stmt(text)


def a_remark(chooser: Chooser) -> Stmt:
    return Stmt(chooser.pick(("# a remark", "\n", "'a string'", "pass")))


_BY_KIND: dict[str, tuple[Make, ...]] = {
    "int": (a_constant, a_condition, a_deletion),
    "list": (a_list,),
    "dict": (a_dict,),
    "func": (a_function, a_decorated, a_lambda, a_closure, a_cached),
    "class": (a_class, a_data_class, a_keeper, an_abstract_class),
    "enum": (an_enum,),
    "object": (an_object,),
    "wrap": (a_wrapper,),
    "reg": (a_registrar,),
}
_ALL: tuple[Make, ...] = (
    a_constant, an_import, a_function, an_import, a_constant, a_class, a_list, a_dict, an_import, a_function, an_object,
    a_change, a_change, an_augmented, a_name_for, a_wrapper, a_registrar, a_decorated, a_decorated, a_class, a_loop,
    a_condition, a_deletion, a_lambda, a_closure, a_cached, a_doubler, a_global, a_data_class, an_enum, a_keeper,
    a_metaclass, an_abstract_class, an_outsider, an_export_list, a_getattr, a_remark, an_import, a_constant,
)  # fmt: skip
