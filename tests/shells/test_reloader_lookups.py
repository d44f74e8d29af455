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
