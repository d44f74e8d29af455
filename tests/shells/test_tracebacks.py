"""Tracebacks of failed imports are those of plain Python: no frame of ours in them, none missing."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Python

FILES = {
    "outer.py": "import middle\n",
    "middle.py": "def load(name):\n    __import__(name)\nfrom inner import missing_name\n",
    "inner.py": "VALUE = 1\n",
    "deep.py": "import deeper\n",
    "deeper.py": "def fail():\n    raise ValueError('no')\nfail()\n",
    "wrong.py": "import wrong_text\n",
    "wrong_text.py": "def broken(:\n    pass\n",
    "dynamic.py": "import importlib\nimportlib.import_module('deep')\n",
    "dynamic_missing.py": "import importlib\nimportlib.import_module('not_there.at_all')\n",
    "chained.py": "try:\n    import not_there\nexcept ImportError as error:\n    raise RuntimeError('no') from error\n",
    "hidden.py": "try:\n    import deeper\nexcept ValueError:\n    import not_there\n",
    "pack/__init__.py": "from . import inside\n",
    "pack/inside.py": "from .. import beyond\n",
    "late.py": "import inner\ndef use():\n    import deep\nuse()\n",
    "exits.py": "raise SystemExit('bye')\n",
    "cycle.py": "from cycle_too import NAME\n",
    "cycle_too.py": "from cycle import NAME\n",
    "groups.py": "try:\n    import deep\nexcept ValueError as error:\n    raise ExceptionGroup('several', [error])\n",
}
ARMED = "from pepperpy_reload import ImportOptimizer, ModuleManager; ImportOptimizer(ModuleManager()).install()"
HAND = "from pepperpy_reload import ImportOptimizer; sys.meta_path.insert(0, ImportOptimizer())"


def shown(python: Python, setup: str, *statements: str) -> list[str]:
    script = textwrap.dedent(
        """
        import sys, traceback, importlib
        {setup}
        def attempt(statement):
            try:
                exec(statement)
            except BaseException:
                print(traceback.format_exc())
        """
    ).format(setup=setup)
    calls = "".join(f"attempt({statement!r}); print('=====')\n" for statement in statements)
    text = python.plain(script + calls, FILES).stdout
    # The import system's own lines are shown for import_module only, and a subclass of a loader may add one.
    lines = [line for line in text.splitlines() if "<frozen importlib._bootstrap_external>" not in line]
    return "\n".join(lines).split("=====\n")


@pytest.mark.parametrize("setup", [ARMED, HAND], ids=["install", "by hand"])
def test_tracebacks_are_those_of_plain_python(python: Python, setup: str) -> None:
    statements = [
        "import deep",
        "import outer",
        "import wrong",
        "import dynamic",
        "import dynamic_missing",
        "import not_there",
        "import inner.below",
        "from inner import nothing",
        "import chained",
        "import hidden",
        "import pack",
        "import late",
        "import exits",
        "import cycle",
        "import groups",
        "importlib.import_module('deep')",
        "importlib.import_module('wrong_text')",
        "importlib.import_module('.x')",
        "importlib.import_module('..x', 'pack')",
        "__import__('deep')",
        "__import__(5)",
        "import middle; middle.load('deep')",
    ]
    plain = shown(python, "", *statements)
    armed = shown(python, setup, *statements)
    for statement, expected, found in zip(statements, plain, armed, strict=False):
        assert found == expected, statement
    assert len(armed) == len(plain)


def test_an_error_raised_again_and_the_cause_of_a_failed_reload(python: Python) -> None:
    python.armed(
        """
        import traceback, inner
        def frames(error):
            found = []
            while error is not None:
                found += [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
                error = error.__cause__ or error.__context__
            return [name for name in found if "pepperpy" in name]
        try:
            try:
                import deep
            except ValueError as error:
                raise
        except ValueError as error:
            assert frames(error) == [], frames(error)
            assert [frame.name for frame in traceback.extract_tb(error.__traceback__)][-2:] == ["<module>", "fail"]
        try:
            import chained
        except RuntimeError as error:
            assert frames(error) == [], frames(error)
        save("inner.py", "1 / 0\\n")
        from pepperpy_reload import ReloadError
        try:
            optimizer.reload_module("inner")
        except ReloadError as error:
            assert "ZeroDivisionError" in str(error) and error.line == 1 and error.file.endswith("inner.py")
            assert "pepperpy_reload" not in str(error), str(error)
        else:
            raise AssertionError
        """,
        FILES,
    )
