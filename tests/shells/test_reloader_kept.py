"""Objects that a statement changes and does not name: behind a partial, in a tuple, a closure, a default value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

COUNTER = """\
def make():
    number = 0
    def add(by):
        nonlocal number
        number += by
        return number
    return add
add = make()
"""
BEHIND = {
    "a partial": ("import functools\nitems = []\nadd = functools.partial(items.append)\n", "store.add({})", "items"),
    "a partial's argument": (
        "import functools\nitems = []\nadd = functools.partial(list.append, items)\n", "store.add({})", "items"
    ),
    "a bound method": ("items = []\nadd = items.append\n", "store.add({})", "items"),
    "a method of an instance": (
        "class Box:\n    def __init__(self): self.items = []\n    def add(self, item): self.items.append(item)\n"
        "box = Box()\nadd = box.add\n", "store.add({})", "box.items",
    ),
    "a method that map calls": ("items = []\n", "list(map(store.items.append, [{}]))", "items"),
    "a method that filter calls": ("items = []\n", "[*filter(store.items.append, [{}])]", "items"),
    "a key": ("items = []\n", "max([{}], key=store.items.append)", "items"),
    "setattr": ("class Box: ...\nbox = Box()\n", "setattr(store.box, 'a{}', 1)", "vars(store.box)"),
    "type.__setattr__": ("class Box: ...\n", "type.__setattr__(store.Box, 'a{}', 1)", "[*vars(store.Box)][-1:]"),
    "operator.setitem": ("import operator\nitems = {{}}\n", "store.operator.setitem(store.items, {}, 1)", "items"),
    "a variable of a closure": (COUNTER, "store.add({})", "add(0)"),
    "a list in a closure": (
        "def make():\n    items = []\n    def add(item):\n        items.append(item)\n        return items\n"
        "    return add\nadd = make()\n", "store.add({})", "add(0)",
    ),
    "a decorator's list": (
        "def counted(function):\n    calls = []\n    def inner(item):\n        calls.append(item)\n"
        "    inner.calls = calls\n    return inner\n@counted\ndef add(item): ...\n", "store.add({})", "add.calls",
    ),
    "a default value": ("def add(item, seen=[]):\n    seen.append(item)\n", "store.add({})", "add.__defaults__"),
    "a keyword's default value": (
        "def add(item, *, seen={{}}):\n    seen[item] = 1\n", "store.add({})", "add.__kwdefaults__"
    ),
    "a method's default value": (
        "class Box:\n    def add(self, item, seen=[]):\n        seen.append(item)\n", "store.Box().add({})",
        "Box.add.__defaults__",
    ),
    "an attribute of a function": (
        "def add(by):\n    add.sum = getattr(add, 'sum', 0) + by\n", "store.add({})", "add.__dict__"
    ),
    "a tuple": ("items = []\nboth = (items,)\n", "store.both[0].append({})", "items"),
    "a nameless list in a tuple": ("both = ([],)\n", "store.both[0].append({})", "both"),
    "an item of a dict": ("items = []\ntable = {{'a': items}}\n", "store.table['a'].append({})", "items"),
    "a loop": ("items = []\nboth = (items,)\n", "for one in store.both: one.append({})", "items"),
    "a tuple taken apart": ("items = []\nboth = (items,)\n", "(one,) = store.both; one.append({})", "items"),
    "a tuple that is passed": (
        "items = []\nboth = (items,)\ndef add(both, item): both[0].append(item)\n", "store.add(store.both, {})", "items"
    ),
    "an alias of an attribute": (
        "class Box: ...\nbox = Box()\nbox.items = []\nalias = box.items\n", "store.alias.append({})", "box.items"
    ),
    "an alias of an item": ("table = {{'a': []}}\nalias = table['a']\n", "store.alias.append({})", "table"),
    "an alias of a class's attribute": (
        "class Box:\n    items = []\nalias = Box.items\n", "store.alias.append({})", "Box.items"
    ),
    "an alias by a function": (
        "items = []\ndef get(): return items\nalias = get()\n", "store.alias.append({})", "items"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BEHIND)
@pytest.mark.parametrize("gone", [False, True], ids=["edited", "gone"])
def test_what_a_call_changed_is_made_again(reloads: Reloads, what: str, gone: bool) -> None:
    store, statement, shown = BEHIND[what]
    shown = shown if shown.startswith(("vars", "[")) else f"store.{shown}"
    later = "pass" if gone else statement.format(2)
    reloads(
        f"""
        import subprocess
        import main, store
        report = change("main.py", {statement.format(1)!r}, {later!r})
        assert report.status == "reloaded", report
        cold = subprocess.check_output([sys.executable, "-c", "import main, store; print({shown})"], text=True)
        assert str({shown}) == cold.strip(), (str({shown}), cold)
        """,
        {"store.py": store.replace("{{", "{").replace("}}", "}"), "main.py": f"import store\n{statement.format(1)}\n"},
    )


KEEPS_NOTHING = """\
import functools

def plain(item, seen=()):
    found = []
    found.append(item)
    return found

def deco(function):
    @functools.wraps(function)
    def inner(item):
        return function(item)
    return inner

@deco
def wrapped(item): return item

listed = []
short = functools.partial(int, base=10)
"""


def test_what_keeps_nothing_is_not_made_again(reloads: Reloads) -> None:
    reloads(
        """
        import main, store
        before = store.plain, store.wrapped, store.listed, store.short
        for old, new in (("plain(1)", "plain(2)"), ("wrapped(1)", "wrapped(2)"), ("short('1')", "short('2')")):
            report = change("main.py", old, new)
            assert report.status == "reloaded" and len(report.ran) == 1, report
        assert (store.plain, store.wrapped, store.listed, store.short) == before
        """,
        {
            "store.py": KEEPS_NOTHING,
            "main.py": "import store\nstore.plain(1)\nstore.wrapped(1)\nx = store.short('1')\n",
        },
    )
