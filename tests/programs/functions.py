"""Functions and decorators."""

from __future__ import annotations

from tests.programs.expressions import Chooser
from tests.programs.model import Stmt


def a_function(chooser: Chooser) -> Stmt:
    name = chooser.name("func")
    chooser.within = name
    return Stmt(_function(chooser, name), {name: "func"})


def _function(chooser: Chooser, name: str) -> str:
    default = chooser.number(0) if chooser.chance(25) else chooser.digit()
    body = chooser.number()
    form = chooser.pick(
        (
            "def {0}(a={1}):\n    return a + {2}",
            'def {0}(a={1}):\n    """What it does: {1}."""\n    return a + {2}',
            "def {0}(a: int = {1}, *, k: int = 2) -> int:\n    return a + k + {2}",
            "def {0}(a={1}, *rest, **more):\n    def inner(x):\n        return x + {2}\n    return inner(a)",
            "def {0}(a={1}):\n    return sum(x + {2} for x in (a, 1))",
            "def {0}(a={1}):\n    return (lambda x: x + {2})(a)",
        )
    )
    return form.format(name, default, body)


def a_lambda(chooser: Chooser) -> Stmt:
    name = chooser.name("func")
    chooser.within = name
    return Stmt(f"{name} = lambda a={chooser.digit()}: a + {chooser.number()}", {name: "func"})


def a_closure(chooser: Chooser) -> Stmt:
    name, maker = chooser.name("func"), f"make{chooser.digit()}"
    chooser.within = name
    text = (
        f"def {maker}(n):\n    def inner(a=0):\n        return a + n + {chooser.digit()}\n    return inner\n"
        f"{name} = {maker}({chooser.number()})"
    )
    return Stmt(text, {name: "func"})


def a_cached(chooser: Chooser) -> Stmt:
    name = chooser.name("func")
    chooser.within = name
    text = f"import functools\n@functools.lru_cache(maxsize=None)\ndef {name}(a=0):\n    return a + {chooser.number()}"
    return Stmt(text, {name: "func"})


def a_doubler(chooser: Chooser) -> Stmt:
    """A function that remembers its calls in a list or dict."""
    name = chooser.name("func")
    chooser.within = name
    lists = chooser.known("list")
    if not lists:
        return a_function(chooser)
    seen = chooser.pick(lists)
    return Stmt(f"def {name}(a=0):\n    {seen}.append(a)\n    return a + {chooser.digit()}\n{name}(1)", {name: "func"})


def a_global(chooser: Chooser) -> Stmt:
    name, target = chooser.name("func"), chooser.name("int")
    chooser.within = name
    text = f"def {name}(a=0):\n    global {target}\n    {target} = a + {chooser.number()}\n    return a\n{name}(2)"
    return Stmt(text, {name: "func", target: "int"})


def a_wrapper(chooser: Chooser) -> Stmt:
    """A decorator that gives another function, and remembers nothing."""
    name = chooser.name("wrap")
    chooser.within = name
    text = (
        f"import functools\ndef {name}(fn):\n    @functools.wraps(fn)\n    def wrapper(*args, **more):\n"
        f"        return fn(*args, **more) + {chooser.number()}\n    return wrapper"
    )
    return Stmt(text, {name: "wrap"})


def a_registrar(chooser: Chooser) -> Stmt:
    """A decorator that remembers what it is given, in a list or a dict."""
    name = chooser.name("reg")
    registries = [(one, kind) for one, kind in chooser.scope if kind in ("list", "dict")]
    if not registries:
        return Stmt(f"s0 = []\ndef {name}(thing):\n    s0.append(thing)\n    return thing", {name: "reg", "s0": "list"})
    registry, kind = chooser.pick(registries)
    doing = f"{registry}.append(thing)" if kind == "list" else f"{registry}[thing.__name__] = thing"
    return Stmt(f"def {name}(thing):\n    {doing}\n    return thing", {name: "reg"})


def a_decorated(chooser: Chooser) -> Stmt:
    name = chooser.name("func")
    chooser.within = name
    lines = decorator_lines(chooser, "wrap", "reg")
    return Stmt(lines + _function(chooser, name), {name: "func"})


def decorator_lines(chooser: Chooser, *kinds: str) -> str:
    """No, one or two decorators."""
    known = chooser.known(*kinds)
    if not known:
        return ""
    return "".join(f"@{chooser.pick(known)}\n" for _ in range(2 if chooser.chance(20) else 1))
