"""Import cycles of a running program: those that `profile` tells of in a fresh process, and none that is gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Python
    from tests.shells.conftest import Reloads

FILES = {
    "top.py": "import hen, later, typed, pack.one\n",
    "hen.py": "import egg\nX = 1\ndef f():\n    return egg\n",
    "egg.py": "import hen\n",
    "later.py": "import latest\n",
    "latest.py": "def f():\n    import later\n    return later\n",
    "typed.py": "import typing_only\n",
    "typing_only.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import typed\n",
    "pack/__init__.py": "from .one import A\n",
    "pack/one.py": "from . import two\nfrom .three import B\nA = 1\ndef f():\n    return two\n",
    "pack/two.py": "from . import one\nfrom pack.one import late\n",
    "pack/three.py": "import pack.two\nB = 1\n",
    "names.py": "import asks\nY = 1\n",
    "asks.py": "from names import Y\n",
    "attributes.py": "import looks\nY = 1\n",
    "looks.py": "import attributes\nZ = attributes.Y\n",
    "chooses.py": "import chosen\nY = 1\n",
    "chosen.py": "try:\n    from chooses import Y\nexcept ImportError:\n    Y = 2\n",
}
TOLD = """
import importlib, json
optimizer.install()
try:
    importlib.import_module({target!r})
except Exception as error:
    print(error, file=sys.stderr)
print(json.dumps(optimizer.get_import_profiles()["circular_imports"]))
"""


@pytest.mark.parametrize("target", ["top", "names", "attributes", "chooses", "pack.three"])
def test_the_running_program_tells_what_a_profile_tells(python: Python, target: str) -> None:
    files = {**FILES, "pack/two.py": "from . import one\nimport pack.one\n"}
    here = json.loads(python.armed(TOLD.format(target=target), files).stdout)
    status = 1 if target in ("names", "attributes") else 0
    fresh = python("-m", "pepperpy_reload", "profile", target, "--json", status=status).stdout
    assert here == json.loads(fresh)["cycles"]
    assert here


def test_a_cycle_is_told_as_long_as_it_is_there(reloads: Reloads) -> None:
    reloads(
        """
        import top
        def told():
            return [(one["class"], one["modules"], one["imports"][0]["line"], one["cut"] and one["cut"]["move"])
                    for one in optimizer.get_import_profiles()["circular_imports"]]
        assert told() == [], told()
        assert change("b.py", "B = 1", "import a\\nB = 1\\ndef f(): return a.A").status == "reloaded"
        assert told() == [("import-time", ["a", "b"], 1, "into the functions that use it")], told()
        change("a.py", "import b", "X = 1\\nimport b")
        assert told()[0][2] == 2, told()
        change("b.py", "import a\\nB = 1\\ndef f(): return a.A", "B = 1\\ndef f():\\n    import a\\n    return a.A")
        assert told() == [("deferred", ["a", "b"], 2, None)], told()
        change("b.py", "    import a\\n", "")
        assert told() == [], told()
        assert change("b.py", "B = 1", "from a import A\\nB = 1").status == "restart"
        assert told() == [], "it was not done"
        """,
        {"top.py": "import a\n", "a.py": "import b\nA = b.B\n", "b.py": "B = 1\ndef f(): return a.A\n"},
    )
