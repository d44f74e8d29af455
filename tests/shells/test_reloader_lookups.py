"""What is read past names: through namespaces, the table of modules, frames, and code in strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

WAYS = (
    "value = globals()['store'].SIZE", "def f(): return globals()['store'].SIZE\nvalue = f()",
    "def f(): return globals().get('store').SIZE\nvalue = f()", "name = 'store'\nvalue = globals()[name].SIZE",
    "def f(): return vars(store)['SIZE']\nvalue = f()", "value = getattr(store, 'SI' + 'ZE')",
    "value = sys.modules['store'].SIZE", "def f(): return sys.modules['store'].SIZE\nvalue = f()",
    "def f(name): return sys.modules[name].SIZE\nvalue = f('store')", "value = store.get.__globals__['SIZE']",
    "def f(): return sys._getframe(1).f_globals['store'].SIZE\nvalue = f()", "value = __import__('store').SIZE",
    "value = eval('store.SIZE')", "exec('value = store.SIZE')", "exec('import store as s; value = s.SIZE')",
    "def f(): return eval('store.SIZE')\nvalue = f()", "code = 'value = store.SIZE'\nexec(code)",
    "names = {}\nexec('from store import SIZE; value = SIZE', names)\nvalue = names['value']",
    "def f():\n    names = {}\n    exec('import store; value = store.SIZE', names)\n    return names['value']\n"
    "value = f()",
)  # fmt: skip
NAMELESS = tuple(way for way in WAYS if "import" in way or "sys.modules['" in way)


@pytest.mark.parametrize(
    ("way", "imports"), [*((way, "sys, store") for way in WAYS), *((way, "sys") for way in NAMELESS)]
)
def test_who_looks_a_value_up_sees_it_change(reloads: Reloads, way: str, imports: str) -> None:
    reloads(
        """
        import main, looking, store
        held = store.get
        report = change("store.py", "SIZE = 1", "SIZE = 2")
        assert report.status == "reloaded" and looking.value == 2 and store.get is held, (report, looking.value)
        report = change("store.py", "OTHER = 1", "OTHER = 2")
        assert report.status == "reloaded" and store.OTHER == 2, report
        """,
        {
            "store.py": "SIZE = 1\nOTHER = 1\ndef get(): ...\n",
            "looking.py": f"import {imports}\n{way}\n",
            "main.py": "import store\nimport looking\n",
        },
    )


def test_a_guard_is_no_look_at_other_modules(reloads: Reloads) -> None:
    reloads(
        """
        import looking, store
        looking.cache["key"] = 1
        report = change("store.py", "SIZE = 1", "SIZE = 2")
        assert report.status == "reloaded" and looking.cache == {"key": 1} and len(report.ran) == 1, report
        """,
        {"store.py": "SIZE = 1\n", "looking.py": "import store\nif 'cache' not in globals():\n    cache = {}\n"},
    )


MAKING = """\
import store, sys, threading
def make(text, names):
    eval(compile(text, "<made>", "exec"), names)
    return names["value"]
"""
APART = ("make('value = [SIZE]', {'SIZE': 3})", "make('def value(): return SIZE', {'SIZE': 3})")
SEEING = (
    "make('value = store.SIZE', globals())", "make('value = store.SIZE', dict(globals()))",
    "make('value = store.SIZE', {**vars(sys.modules[__name__])})", "make('from store import SIZE as value', {})",
    "make('import store\\nvalue = store.SIZE', {})",
    "make('value = modules[name].SIZE', vars(sys) | {'name': 'store'})",
    "make('def f():\\n import store\\n return store.SIZE\\nvalue = f()', {})",
    "make('value = sys.modules[\"store\"].SIZE', {'sys': sys})",
    "make('value = __import__(\"store\").SIZE', {})", "make('exec(\"import store; value = store.SIZE\")', {})",
)  # fmt: skip
OTHERWISE = (
    "def other(space):\n    names = {}\n    exec(compile('value = SIZE', '', 'exec'), names, space)\n"
    "    return names.get('value', space.get('value'))\nvalue = other(vars(store))",
    "def inner():\n    global value\n    value = store.SIZE\n"
    "def other(code, names):\n    exec(code, names)\n    return names['value']\n"
    "value = other(inner.__code__, {**globals()})",
    "def other(code, names):\n    one = threading.Thread(target=exec, args=(code, names))\n    one.start()\n"
    "    one.join()\n    eval('0', {})\n    return names['value']\nvalue = other('value = store.SIZE', globals())",
)


@pytest.mark.parametrize("way", APART)
def test_code_that_is_executed_with_names_of_its_own_reads_no_others(reloads: Reloads, way: str) -> None:
    reloads(
        """
        import looking, store
        for size in (2, 3):
            value = looking.value
            report = change("store.py", f"SIZE = {size - 1}", f"SIZE = {size}")
            assert report.status == "reloaded" and looking.value is value and len(report.ran) == 1, report
            change("looking.py", "value = ", "value = again = ")  # then it has been executed alone
            assert looking.value is not value
        """,
        {"store.py": "SIZE = 1\n", "looking.py": f"{MAKING}value = {way}\n"},
    )


@pytest.mark.parametrize("way", [*(f"value = {way}" for way in SEEING), *OTHERWISE])
def test_code_that_is_executed_and_sees_a_module_has_read_it(reloads: Reloads, way: str) -> None:
    reloads(
        """
        import looking, store
        assert looking.value == 1
        report = change("store.py", "SIZE = 1", "SIZE = 2")
        assert report.status == "restart" or looking.value == 2, report
        """,
        {"store.py": "SIZE = 1\n", "looking.py": f"{MAKING}{way}\n"},
    )
