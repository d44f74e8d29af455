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


def test_a_cycle_is_told_when_an_edit_brings_it(reloads: Reloads) -> None:
    reloads(
        """
        from pepperpy_reload.reloading.newcycles import CycleWatch
        import top
        watch = CycleWatch({name: loaded.source for name, loaded in recorder.modules.items()})

        def told(*reports):
            return [(one.harm.value, one.modules, str(one.remedy)) for one in watch.look(reports)]

        assert told(change("b.py", "B = 1", "B = 2")) == [], "no import has come"
        assert told(change("b.py", "B = 2", "import os\\nB = 2")) == [], "it closes nothing"
        report = change("b.py", "import os", "import a")
        assert report.status == "reloaded"
        assert told(report) == [("import-time", ("a", "b"), "into the functions that use it")]
        assert told(change("b.py", "B = 2", "B = 3")) == told(change("a.py", "import b", "X = 1\\nimport b")) == []
        assert told(change("b.py", "import a\\n", "")) == []
        assert told(change("b.py", "return a.A", "import a; return a.A")) == [], "that runs later"
        report = change("b.py", "B = 3", "from a import A\\nB = 3")
        assert report.status == "restart", report
        [(harm, modules, remedy)] = told(report)
        assert modules == ("a", "b")
        assert told(change("b.py", "B = 3", "B = 4")) == [], "it has been told"
        assert told(change("b.py", "from a import A\\n", "")) == []
        assert told(change("b.py", "B = 4", "B = 4 +")) == [], "what does not compile imports nothing"
        assert told(change("b.py", "B = 4 +", "import a\\nB = 4")) == [
            ("import-time", ("a", "b"), "away: nothing uses it")
        ]

        save("other.py", "import top\\n")
        [(harm, modules, remedy)] = told(change("pack/__init__.py", "P = 1", "import other\\nP = 1"))
        assert modules == ("top", "pack", "other") or set(modules) == {"top", "pack", "other"}, modules
        assert told(change("pack/inner.py", "I = 1", "from . import more\\nI = 1")) == [], "nothing of its package"
        [(harm, modules, remedy)] = told(change("pack/more.py", "M = 1", "from pack.inner import I\\nM = 1"))
        assert set(modules) == {"pack.inner", "pack.more"}, modules
        [(harm, modules, remedy)] = told(change("pack/more.py", "from pack.", "from pack import P\\nfrom pack."))
        assert set(modules) == {"pack", "pack.inner", "pack.more"}, modules
        """,
        {
            "top.py": "import a, pack\n",
            "a.py": "import b\nA = b.B\n",
            "b.py": "B = 1\ndef f(): return a.A\n",
            "pack/__init__.py": "P = 1\nfrom . import inner\n",
            "pack/inner.py": "I = 1\n",
            "pack/more.py": "M = 1\n",
        },
    )


def test_an_embedded_reloader_tells_of_the_cycles_that_edits_bring(reloads: Reloads) -> None:
    reloads(
        """
        import contextlib, io
        found = []
        reloader = Reloader(optimizer, roots=["."], on_cycle=found.append)
        import top
        assert change("b.py", "B = 1", "B = 2").status == "reloaded" and not found
        import later, sooner  # a cycle among them is no edit's
        assert change("b.py", "B = 2", "import a\\nB = 2").status == "reloaded"
        [circle] = found
        assert (circle.harm.value, circle.modules) == ("import-time", ("a", "b"))
        assert change("b.py", "import a\\n", "").status == "reloaded"
        assert change("later.py", "L = 1", "L = 2").status == "reloaded"
        assert len(found) == 1, found

        quiet = Reloader(optimizer, roots=["."], on_report=lambda report: None)
        reloader = Reloader(optimizer, roots=["."])
        for one, lines in ((quiet, 0), (reloader, 2)):
            said = io.StringIO()
            with one, contextlib.redirect_stderr(said):
                path = pathlib.Path("b.py")
                path.write_text("import a\\n" + path.read_text())
                one.apply("b.py")
                told = [line for line in said.getvalue().splitlines() if "b.py" in line]
                assert len(told) == lines, told
                path.write_text(path.read_text().replace("import a\\n", ""))
                one.apply("b.py")
        assert told[1].startswith("pepperpy-reload: new import cycle, import-time: a (")
        assert "b.py:1) → a; b can move its line 1 into the functions that use it" in told[1], told
        """,
        {
            "top.py": "import a\n",
            "a.py": "import b\nA = b.B\n",
            "b.py": "B = 1\ndef f(): return a.A\n",
            "later.py": "import sooner\nL = 1\n",
            "sooner.py": "import later\nS = 1\n",
        },
    )
