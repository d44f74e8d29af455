"""What a process holds does not grow with the edits that it sees."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pepperpy_reload import ImportProfiler

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(170)
def test_two_hundred_edits_leave_nothing_behind() -> None:
    command = [sys.executable, "-m", "tests.programs.endurance", "--edits", "200", "--settled", "80", "--child"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    early, late = json.loads(done.stdout.splitlines()[-1])["counts"]
    grown = {name: (early[name], late[name]) for name in early if late[name] > early[name] * 1.02 + 20}
    assert not grown, grown
    assert {"functions", "code objects", "pages", "linecache entries", "footprint keys"} <= set(early)


def test_imports_that_nobody_asks_about_are_not_all_kept() -> None:
    profiler = ImportProfiler()

    def load(times: int) -> None:
        for number in range(times):
            profiler.start_import("again")
            assert profiler.finish("again", ["values"], error="Broken: once" if number == times // 2 else None)

    load(2000)
    tracemalloc.start()
    try:
        load(20_000)
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
    profile = profiler.get_profile("again")
    assert profile is not None
    assert profile.errors == ["Broken: once"] * 2
    assert profile.dependencies == {"values"}


def test_the_text_of_generated_methods_has_one_place(reloads: Reloads) -> None:
    reloads(
        """
        import linecache
        import model
        before = len(linecache.cache)
        for number in range(2, 6):
            report = change("model.py", f"size = {number - 1}", f"size = {number}")
            assert report.status == "reloaded" and model.Thing.size == number, report
            assert model.Thing.made.__code__.co_filename == "<generated for Thing>"
        report = change("model.py", "import generating", "from __future__ import annotations; import generating")
        assert report.imported == ("model",), report
        assert model.Thing.made.__code__.co_filename == "<generated for Thing>"
        assert len(linecache.cache) == before
        """,
        {
            "generating.py": """
            import itertools, linecache
            def generated(cls):
                source = f"def made(self):\\n    return {cls.size}\\n"
                for count in itertools.count():
                    name = f"<generated for {cls.__name__}{count or ''}>"
                    entry = (len(source), None, source.splitlines(True), name)
                    if linecache.cache.setdefault(name, entry) == entry:
                        break
                space = {}
                exec(compile(source, name, "exec"), space)
                cls.made = space["made"]
                return cls
            """,
            "model.py": "import generating\n@generating.generated\nclass Thing:\n    size = 1\n",
        },
    )


def test_code_of_earlier_versions_goes_with_the_last_function_that_has_it(reloads: Reloads) -> None:
    reloads(
        """
        import gc, weakref
        import made
        first = weakref.ref(made.steady.__code__)
        for number in range(2, 12):
            change("made.py", f"return {number - 1}", f"return {number}")
        assert made.steady.__code__ is first(), "it has not moved"
        held = recorder.modules["made"].in_force
        assert sum(one() is not None for refs in held.values() for one in refs) <= 2, held
        """,
        {"made.py": "def steady():\n    return None\n\ndef edited():\n    return 1\n"},
    )


def test_a_reload_leaves_no_garbage_of_ours(reloads: Reloads) -> None:
    reloads(
        """
        import gc
        import made, giving

        def left(*edit):
            gc.collect()
            gc.disable()
            report = change(*edit)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            gc.set_debug(0)
            gc.enable()
            ours = {type(thing) for thing in gc.garbage if type(thing).__module__.startswith("pepperpy_reload")}
            gc.garbage.clear()
            return report.status, ours

        assert left("made.py", "size = 1", "size = 2") == ("reloaded", set())
        assert left("made.py", "return 1", "return 2") == ("reloaded", set())
        assert left("giving.py", "VALUE = 1", "VALUE = 2") == ("reloaded", set())
        assert left("made.py", "size = 2", "size = 1 / 0") == ("failed", set())
        assert left("made.py", "size = 1 / 0", "size = 3") == ("reloaded", set())
        """,
        {
            "made.py": """
            from giving import VALUE
            size = 1
            def made():
                return 1
            SUM = size + made() + VALUE
            """,
            "giving.py": "VALUE = 1\ndef __getattr__(name):\n    raise AttributeError(name)\n",
        },
    )


def test_a_report_that_is_kept_keeps_nothing_of_who_asked_for_it(reloads: Reloads) -> None:
    reloads(
        """
        import weakref
        import made

        class Large:
            pass

        def asking():
            large = Large()
            return change("made.py", "size = 1", "size = 1 / 0"), weakref.ref(large)

        report, large = asking()
        assert report.status == "failed" and "ZeroDivisionError" in str(report.error)
        assert large() is None
        """,
        {"made.py": "size = 1\n"},
    )
