"""Classes: each can be made without arguments, has a method `m` and an attribute `attr`; enums have a member `A`."""

from __future__ import annotations

from tests.programs.expressions import Chooser
from tests.programs.functions import decorator_lines
from tests.programs.model import Stmt

_MEMBERS = (
    "    def m(self, a=0):\n        return a + {0}",
    "    @property\n    def p(self):\n        return {0}",
    "    @classmethod\n    def k(cls):\n        return cls.attr + {0}",
    "    @staticmethod\n    def t(x={1}):\n        return x + {0}",
    "    def m(self, a={1}):\n        return super().m(a) + {0}",
    "    def __init__(self):\n        super().__init__()\n        self.mine = {0}",
    "    other = {0}",
    "    def __repr__(self):\n        return 'it is ' + str({0})",
    "    alias = m",
    "    class Inner:\n        value = {0}\n        def n(self):\n            return {0}",
    "    names = [x + {0} for x in range(2)]",
    "    def __len__(self):\n        return {1}",
)


def a_class(chooser: Chooser) -> Stmt:
    name = chooser.name("class")
    chooser.within = name
    bases = [base for base in chooser.known("class") if base != name]
    base = chooser.pick(bases) if bases and chooser.chance(60) else ""
    members = [f"    attr = {chooser.number()}"]
    if not base:
        members.append(_member(chooser, _MEMBERS[0]))
    wanted = [form for form in _MEMBERS if "super().m" not in form or base]
    members += [_member(chooser, chooser.pick(wanted)) for _ in range(chooser.pick((0, 1, 2, 3)))]
    if not any(" def m(" in member for member in members):
        members = [member for member in members if "alias = m" not in member]
    if chooser.chance(10) and not base:
        members[0] = "    __slots__ = ('mine', 'extra')\n    @property\n    def attr(self):\n        return 3"
    decorators = decorator_lines(chooser, "reg") if chooser.chance(30) else ""
    text = f"{decorators}class {name}{f'({base})' if base else ''}:\n" + "\n".join(members)
    return Stmt(text, {name: "class"})


def _member(chooser: Chooser, form: str) -> str:
    return form.format(chooser.number(0), chooser.digit())


def a_data_class(chooser: Chooser) -> Stmt:
    name = chooser.name("class")
    chooser.within = name
    form = chooser.pick(
        (
            "import dataclasses\n@dataclasses.dataclass\nclass {0}:\n    attr: int = {1}\n"
            "    more: list = dataclasses.field(default_factory=list)\n    def m(self, a=0):\n        return a + {2}",
            "import dataclasses\n@dataclasses.dataclass(frozen=True, slots=True)\nclass {0}:\n    attr: int = {1}\n"
            "    def m(self, a=0):\n        return a + {2}",
            "from typing import NamedTuple\nclass {0}(NamedTuple):\n    attr: int = {1}\n"
            "    def m(self, a=0):\n        return a + {2}",
        )
    )
    return Stmt(form.format(name, chooser.number(0), chooser.number(0)), {name: "class"})


def an_enum(chooser: Chooser) -> Stmt:
    name = chooser.name("enum")
    form = chooser.pick(
        (
            "import enum\nclass {0}(enum.Enum):\n    A = {1}\n    B = 20",
            "import enum\nclass {0}(enum.IntFlag):\n    A = 1\n    B = 2\n    C = 4 + {2}",
            "import enum\nclass {0}(enum.Enum):\n    A = enum.auto()\n    B = enum.auto()\n"
            "    def m(self):\n        return self.value + {1}",
        )
    )
    return Stmt(form.format(name, chooser.number(0), chooser.digit()), {name: "enum"})


def a_keeper(chooser: Chooser) -> Stmt:
    """A class that keeps a record of its subclasses."""
    name = chooser.name("class")
    chooser.within = name
    lists = chooser.known("list")
    doing = f"{chooser.pick(lists)}.append(cls)" if lists and chooser.chance(50) else "cls.made.append(cls.__name__)"
    text = (
        f"class {name}:\n    made = []\n    attr = {chooser.number(0)}\n"
        f"    def __init_subclass__(cls, **more):\n        super().__init_subclass__(**more)\n        {doing}\n"
        f"    def m(self, a=0):\n        return a + {chooser.number(0)}"
    )
    return Stmt(text, {name: "class"})


def a_metaclass(chooser: Chooser) -> Stmt:
    name = chooser.name("class")
    chooser.within = name
    doing = chooser.pick(
        (f"names['stamp'] = {chooser.number(0)}", "Meta.made.append(name)", f"names.setdefault('x', {chooser.digit()})")
    )
    text = (
        f"class Meta(type):\n    made = []\n    def __new__(meta, name, bases, names):\n        {doing}\n"
        f"        return super().__new__(meta, name, bases, names)\n"
        f"class {name}(metaclass=Meta):\n    attr = {chooser.number(0)}\n    def m(self, a=0):\n        return a"
    )
    return Stmt(text, {name: "class"})


def an_abstract_class(chooser: Chooser) -> Stmt:
    name = chooser.name("class")
    chooser.within = name
    text = (
        f"import abc\nclass Abstract(abc.ABC):\n    attr = {chooser.number(0)}\n    @abc.abstractmethod\n"
        f"    def m(self, a=0):\n        return {chooser.number(0)}\n"
        f"class {name}(Abstract):\n    def m(self, a=0):\n        return a + super().m() + {chooser.digit()}"
    )
    return Stmt(text, {name: "class"})
