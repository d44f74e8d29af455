"""Which functions ran, and which files were opened, while a module was executed; and that nothing stays switched on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Python
    from tests.shells.conftest import Reloads

NAMES = """
def names(module):
    "The functions that ran, by the source of the expression that was being executed."
    loaded = recorder.modules[module]
    positions = list(loaded.code.co_positions())
    lines = loaded.source.decode().splitlines()
    found = {}
    for offset, keys in loaded.ran.items():
        line, end, start, stop = positions[offset // 2]
        text = lines[line - 1][start:stop] if line == end else lines[line - 1]
        found.setdefault(text, set()).update(key.qualname for key in keys)
    return found

def off():
    "Nothing is switched on."
    import threading
    assert sys.getprofile() is None and sys.gettrace() is None and threading.getprofile() is None
    if sys.version_info >= (3, 12):
        tools = [tool for tool in range(6) if sys.monitoring.get_tool(tool)]
        assert all(sys.monitoring.get_events(tool) == 0 for tool in tools), tools
        return tools
    return []
"""
MEETS = "import threading\ndef mine():\n    threading.barrier.wait()\n    threading.barrier.wait()\nmine()\n"
LIBRARY = {
    "helpers.py": """
        import functools
        def double(value): return value * 2
        def triple(value): return double(value) + value
        def never(): pass
        def decorator(function):
            @functools.wraps(function)
            def wrapper(*arguments): return function(*arguments)
            return wrapper
        def register(**options):
            def inside(target): return target
            return inside
        def count():
            yield 1
            yield 2
        class Base:
            def __init_subclass__(cls): cls.known = True
            def __init__(self): self.size = double(1)
        alone = double(0)
        """
}


def test_what_ran_is_known_statement_by_statement(python: Python) -> None:
    python.armed(
        NAMES
        + """
import helpers, module
assert names("helpers") == {"class Base:": {"Base"}, "double(0)": {"double"}}, names("helpers")
found = names("module")
assert found == {
    "double(1)": {"double"},
    "triple(2)": {"triple", "double"},
    "decorator": {"decorator"},
    "register(name=1)": {"register", "register.<locals>.inside"},
    "class Plain:": {"Plain"},
    "class Sub(Base):": {"Sub", "Base.__init_subclass__"},
    "Sub()": {"Base.__init__", "double"},
    **({"local(item)": {"local"}} if sys.version_info >= (3, 12) else
       {"[local(item) for item in (1, 2)]": {"local", "<listcomp>"}}),
    "sorted([2, 1], key=lambda item: local(item))": {"<lambda>", "local"},
    "list(count())": {"count"},
    "wrapped(1)": {"decorator.<locals>.wrapper", "wrapped"},
}, found
assert recorder.modules["module"].ran is not None
keys = {key.qualname: key for key in recorder.modules["module"].footprint}
assert keys["wrapped"].line == 3 and keys["wrapped"].file.endswith("module.py"), "it begins at its first decorator"
assert keys["double"].file.endswith("helpers.py")
off()
""",
        {
            **LIBRARY,
            "module.py": """\
from helpers import Base, count, decorator, double, register, triple
first = double(1); second = triple(2)
@decorator
def wrapped(value):
    return value
@register(name=1)
class Plain:
    pass
class Sub(Base):
    pass
sub = Sub()
def local(item):
    return item
items = [local(item) for item in (1, 2)]
ordered = sorted([2, 1], key=lambda item: local(item))
counted = list(count())
called = wrapped(1)
""",
        },
    )


def test_two_calls_on_one_line_are_told_apart(python: Python) -> None:
    python.armed(
        NAMES
        + """
import module
assert names("module") == {"one()": {"one"}, "two()": {"two"}}, names("module")
assert len(recorder.modules["module"].ran) == 2
""",
        {"module.py": "def one(): pass\ndef two(): pass\na = one(); b = two()\n"},
    )


def test_nested_modules_threads_and_later_calls(python: Python) -> None:
    python.armed(
        NAMES
        + """
import threading
import outer
assert names("outer") == {"work()": {"work"}, "inner.use()": {"use"}}, names("outer")
assert names("inner") == {"use()": {"use"}}, names("inner")
outer.work(); outer.inner.later()
assert "later" not in {key.qualname for key in recorder.modules["outer"].footprint}

barrier = threading.Barrier(2)
threading.barrier = barrier
threads = [threading.Thread(target=__import__, args=(name,)) for name in ("left", "right")]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert names("left") == {"mine()": {"mine"}} == names("right"), (names("left"), names("right"))
assert {key.file[-7:] for key in recorder.modules["left"].footprint} == {"left.py"}
off()
""",
        {
            "outer.py": "import inner\ndef work(): pass\nwork()\ninner.use()\n",
            "inner.py": "def use(): pass\ndef later(): pass\nuse()\n",
            "left.py": MEETS,
            "right.py": MEETS,
        },
    )


def test_files_that_are_opened_while_a_module_is_loaded(python: Python) -> None:
    python.armed(
        """
        import reads
        here = str(pathlib.Path.cwd())
        files = {os.path.relpath(path, here) for path in recorder.modules["reads"].files}
        assert files == {"settings.yaml", "data/table.csv", "bytes.txt", "not_there.txt"}, files
        reads.later()
        assert len(recorder.modules["reads"].files) == 4
        """,
        {
            "settings.yaml": "a: 1\n",
            "data/table.csv": "1\n",
            "bytes.txt": "",
            "later.txt": "",
            "reads.py": """
                import os, pathlib, tempfile
                settings = open("settings.yaml").read()
                table = pathlib.Path(__file__).with_name("data").joinpath("table.csv").read_text()
                open(b"bytes.txt").close()
                try:
                    open("not_there.txt")
                except OSError:
                    pass
                descriptor = os.open("bytes.txt", os.O_RDONLY)
                with open(descriptor) as file:
                    pass
                with open("written.txt", "w") as file:
                    file.write("x")
                with open(os.devnull) as file:
                    pass
                with tempfile.TemporaryFile() as file:
                    pass
                def later():
                    with open("later.txt") as file:
                        pass
            """,
        },
    )


def test_nothing_is_left_switched_on(python: Python) -> None:
    python.armed(
        NAMES
        + """
import good
for name in ("bad", "exits", "not_there"):
    try:
        __import__(name)
    except BaseException:
        pass
    off()
assert recorder.watch.stack == []
tools = off()
if sys.version_info >= (3, 12):
    assert tools == [4]
optimizer.uninstall()
assert off() == [] and sys.meta_path[0] is not optimizer

optimizer.install()
import uninstalls
assert off() == [], "also when it ends while a module is being loaded"
""",
        {
            "good.py": "def work(): pass\nwork()\n",
            "bad.py": "def work(): 1 / 0\nwork()\n",
            "exits.py": "import sys\nsys.exit(3)\n",
            "uninstalls.py": "import __main__\n__main__.optimizer.uninstall()\ndef work(): pass\nwork()\n",
        },
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with 3.12")
def test_tool_ids_of_others_are_left_alone(python: Python) -> None:
    files = {"inner.py": "def work(): pass\nwork()\n", "outer.py": "import inner\ninner.work()\n"}
    python.armed(
        """
        sys.monitoring.use_tool_id(4, "somebody")
        import outer
        assert sys.monitoring.get_tool(3) == "pepperpy-reload" and sys.monitoring.get_tool(4) == "somebody"
        assert {key.qualname for key in recorder.modules["outer"].footprint} == {"work"}
        optimizer.uninstall()
        assert sys.monitoring.get_tool(3) is None and sys.monitoring.get_tool(4) == "somebody"
        """,
        files,
    )
    python.armed(
        """
        sys.monitoring.use_tool_id(4, "somebody")
        sys.monitoring.use_tool_id(3, "somebody else")
        import outer
        assert recorder.modules["outer"].ran is None and recorder.modules["inner"].ran is None, "it cannot be known"
        sys.monitoring.free_tool_id(3)
        assert optimizer.reload_dependencies("outer") == ["outer"]
        assert {key.qualname for key in recorder.modules["outer"].footprint} == {"work"}
        """,
        files,
    )


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="sys.setprofile is for 3.11")
def test_another_profiler_is_left_alone(python: Python) -> None:
    files = {"inner.py": "def work(): pass\nwork()\n", "outer.py": "import inner\ninner.work()\n"}
    python.armed(
        """
        def profiler(frame, event, argument): pass
        sys.setprofile(profiler)
        import outer
        assert sys.getprofile() is profiler
        assert recorder.modules["outer"].ran is None and recorder.modules["inner"].ran is None, "it cannot be known"
        sys.setprofile(None)
        import profiles_itself
        assert recorder.modules["profiles_itself"].ran is None and sys.getprofile() is None
        """,
        {**files, "profiles_itself.py": "import sys\nsys.setprofile(None)\nimport outer\nouter.inner.work()\n"},
    )


def test_asking_where_a_module_is_disturbs_nothing(python: Python) -> None:
    python.armed(
        NAMES
        + """
import asks
assert names("asks") == {"work()": {"work"}}, names("asks")
assert list(optimizer.get_import_profiles()["profiles"]) == ["asks"]
assert recorder._loads == []
""",
        {
            "asks.py": "import importlib.util\nimportlib.util.find_spec('colorsys')\n"
            "importlib.util.find_spec('other')\ndef work(): pass\nwork()\n",
            "other.py": "",
        },
    )


def test_a_recorded_call(python: Python) -> None:
    python.armed(
        """
        import app, colorsys
        with recorder.record() as footprint:
            app.create_app()
        assert {key.qualname for key in footprint.functions} == {"create_app", "helper"}, footprint
        assert footprint.modules == {"late"}
        with recorder.record() as nothing:
            colorsys.rgb_to_hsv(1, 1, 1)
        assert not nothing.functions and not nothing.modules
        try:
            with recorder.record() as failed:
                app.fail()
        except ZeroDivisionError: pass
        assert {key.qualname for key in failed.functions} == {"fail"}
        assert recorder.watch.stack == []
        """,
        {
            "app.py": "def helper(): pass\ndef create_app():\n    import late\n    helper()\ndef fail(): 1 / 0\n",
            "late.py": "def unused(): pass\n",
        },
    )


POOL = """\
from concurrent.futures import ThreadPoolExecutor
import store

def double(number): return store.FACTOR * number

with ThreadPoolExecutor(2) as pool:
    doubled = list(pool.map(double, [1, 2]))
idle = ThreadPoolExecutor(2)
again = list(idle.map(double, [1, 2]))
other = []
"""


def test_what_threads_run_for_a_statement_counts_as_run_by_it(reloads: Reloads) -> None:
    reloads(
        """
        import pooling
        other = pooling.other
        report = change("store.py", "2", "3")
        assert report.status == "reloaded" and pooling.doubled == pooling.again == [3, 6], (report, pooling.doubled)
        report = change("pooling.py", "FACTOR * number", "FACTOR * number + 1")
        assert report.status == "reloaded" and pooling.doubled == pooling.again == [4, 7], report
        assert pooling.other is other
        """,
        {"store.py": "FACTOR = 2\n", "pooling.py": POOL},
    )


@pytest.mark.parametrize("waits", ["", "thread.join()"])
def test_what_a_thread_goes_on_doing_is_its_own_affair(reloads: Reloads, waits: str) -> None:
    reloads(
        f"""
        import working
        held = working.held
        report = change("working.py", "return 1", "return 2")
        if {waits!r}:
            assert report.status == "restart" and "thread.start" in report.reason, report
        else:
            assert report.status == "reloaded" and report.ran == (), report
            assert working.step() == 2 and working.held is held
        working.stop.set()
        """,
        {
            "working.py": "import threading\nbegun, stop = threading.Event(), threading.Event()\n"
            f"if {waits!r}: stop.set()\ndef step(): return 1\n"
            "def work():\n    step()\n    begun.set()\n    stop.wait(10)\n"
            f"thread = threading.Thread(target=work)\nthread.start()\nbegun.wait(10)\n{waits}\nheld = []\n"
        },
    )


def test_first_party_code_that_finds_modules_is_recorded(python: Python) -> None:
    python.armed(
        NAMES
        + """
import searches, reaches
assert names("searches") == {"import colorsys": {"Searching.find_spec", "tell"}}, names("searches")
assert names("reaches") == {"import package.inner": {"Package.__setattr__"}}, names("reaches")
""",
        {
            "searching.py": "def tell(): pass\nclass Searching:\n"
            "    def find_spec(self, name, path, target=None):\n        tell()\n",
            "searches.py": "import sys, searching\nsys.meta_path.insert(1, searching.Searching())\nimport colorsys\n"
            "del sys.meta_path[1]\n",
            "package/__init__.py": "import sys, types\nclass Package(types.ModuleType):\n"
            "    def __setattr__(self, name, value): super().__setattr__(name, value)\n"
            "sys.modules[__name__].__class__ = Package\n",
            "package/inner.py": "",
            "reaches.py": "import package\nimport package.inner\n",
        },
    )
