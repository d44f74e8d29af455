"""Which imports are recorded, as edges with file and line, and which are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Python

PACKAGE = {
    "pack/__init__.py": "",
    "pack/one.py": "VALUE = 1\n",
    "pack/two.py": "VALUE = 2\n",
    "pack/listed/__init__.py": "__all__ = ['leaf', 'NAME']\nNAME = 1\n",
    "pack/listed/leaf.py": "",
    "plain.py": "NAME = 1\nOTHER = 2\n",
}
SEEN = """
def seen(importer, **wanted):
    "Compare the edges of a module with `imported=(line, kind)`, dots as two underscores."
    edges = {}
    for name in recorder.graph.all_imports_of(importer):
        edge = recorder.graph.edge(importer, name)
        marks = "".join(mark for mark, is_so in
            ((" later", not edge.at_import), (" back", edge.back), (" failed", edge.failed)) if is_so)
        edges[name] = (edge.line, str(edge.kind) + marks)
        assert not edge.file or edge.file.endswith(importer.replace(".", "/") + ".py"), edge
    wanted = {name.replace("__", "."): value for name, value in wanted.items()}
    assert edges == wanted, edges
"""


def test_import_statements_of_loaded_and_unloaded_modules(python: Python) -> None:
    python.armed(
        SEEN
        + """
import first, again
for importer in ("first", "again"):
    seen(importer, colorsys=(1, "import"), pack=(2, "import"), pack__one=(2, "import"), pack__two=(3, "from"),
         plain=(4, "from"), pack__listed=(5, "star"), pack__listed__leaf=(5, "star"))
""",
        {
            **PACKAGE,
            "first.py": "import colorsys\nimport pack.one\nfrom pack import two\nfrom plain import NAME, OTHER\n"
            "from pack.listed import *\n",
            "again.py": "import colorsys\nimport pack.one\nfrom pack import two\nfrom plain import NAME, OTHER\n"
            "from pack.listed import *\n",
        },
    )


def test_relative_imports(python: Python) -> None:
    python.armed(
        SEEN
        + """
import pack.relative, pack.listed.deep
seen("pack.relative", pack=(1, "from"), pack__one=(1, "from"), pack__two=(2, "from"), pack__listed=(3, "from"),
     pack__listed__leaf=(3, "from"))
seen("pack.listed.deep", pack=(1, "from"), pack__two=(1, "from"), pack__one=(2, "from"))
""",
        {
            **PACKAGE,
            "pack/relative.py": "from . import one\nfrom .two import VALUE\nfrom .listed import leaf, NAME\n",
            "pack/listed/deep.py": "from .. import two\nfrom ..one import VALUE\n",
        },
    )


def test_import_module_however_it_is_reached(python: Python) -> None:
    kind = "import_module"
    python.armed(
        SEEN
        + f"""
from importlib import import_module
import dynamic, pack.dynamic, dunder
seen("dynamic", importlib=(1, "from"), pack=(2, "{kind}"), pack__one=(2, "{kind}"), plain=(3, "{kind}"))
seen("pack.dynamic", importlib=(1, "import"), pack=(2, "{kind}"), pack__one=(2, "{kind}"), pack__two=(3, "{kind}"))
seen("dunder", plain=(1, "import"), pack__two=(2, "from"))
import_module("after")
for wrong, error in (("..x", TypeError), ("", ValueError), (5, AttributeError)):
    try:
        dynamic.load(wrong)
    except error:
        continue
    except BaseException as other:
        raise AssertionError(f"not what plain Python raises: {{other!r}}")
for wrong in ((5,), ("", {{}})):
    try:
        dunder.call(*wrong)
    except (TypeError, ValueError, ImportError) as error:
        assert error.__context__ is None, "an error of ours on top of it"
try:
    pack.dynamic.importlib.import_module("....x", "pack")
except ImportError as error:
    assert "beyond top-level" in str(error) and error.__context__ is None
""",
        {
            **PACKAGE,
            "dynamic.py": "from importlib import import_module\nimport_module('pack.one')\nimport_module('plain')\n"
            "def load(name): import_module(name)\n",
            "pack/dynamic.py": "import importlib\nimportlib.import_module('pack.one')\n"
            "importlib.import_module('.two', __package__)\n",
            "dunder.py": "__import__('plain')\n__import__('pack.two', globals(), locals(), ['VALUE'])\n"
            "def call(*arguments): __import__(*arguments)\n",
            "after.py": "",
        },
    )


def test_what_a_library_imports_for_the_module_that_is_being_loaded(python: Python) -> None:
    library = """
        import importlib
        def by_call(name):
            return __import__(name, fromlist=["x"])
        def by_module(name):
            return importlib.import_module(name)
    """
    python.armed(
        """
        import plain
        sys.path.append("site-packages")
        import uses_library
        assert "library" not in recorder.modules
        assert recorder.graph.dependents(["plain"]) == {"plain", "uses_library"}
        assert recorder.graph.dependents(["pack.one"]) == {"pack.one", "uses_library"}
        assert recorder.graph.edge("uses_library", "plain").line == 2
        assert set(recorder.graph.imports_of("uses_library")) == {"library", "plain", "pack", "pack.one"}
        """,
        {
            **PACKAGE,
            "site-packages/library.py": library,
            "uses_library.py": "import library\nlibrary.by_call('plain')\nlibrary.by_module('pack.one')\n"
            "library.by_module('colorsys')\n",
        },
    )


def test_imports_inside_functions(python: Python) -> None:
    python.armed(
        SEEN
        + """
import late, early
seen("late")
late.use()
seen("late", plain=(2, "import later"), pack=(3, "from later"), pack__one=(3, "from later"))
seen("early", calls=(1, "import"), pack__two=(2, "import_module"))
assert recorder.graph.edge("calls", "pack.two").at_import, "while a module was being run"
assert recorder.graph.dependents(["pack.two"]) == {"pack.two", "calls", "early"}
assert recorder.graph.dependents(["plain"]) == {"plain"}
""",
        {
            **PACKAGE,
            "late.py": "def use():\n    import plain\n    from pack import one\n",
            "calls.py": "def use():\n    from pack.two import VALUE\n    return VALUE\n",
            "early.py": "import calls\nHELD = calls.use()\n",
        },
    )


def test_threads_exec_and_lazy_packages(python: Python) -> None:
    python.armed(
        SEEN
        + """
import starts_thread, executes, uses_getattr
seen("starts_thread", threading=(1, "import"), plain=(3, "import"), pack__one=(5, "from"))
assert set(recorder.graph.imports_of("executes")) == {"plain", "pack", "pack.two"}
assert recorder.graph.edge("lazypack", "lazypack.leaf").kind == "import_module"
assert recorder.graph.edge("uses_getattr", "lazypack.leaf").at_import, "it has the submodule without naming it"
""",
        {
            **PACKAGE,
            "starts_thread.py": """\
import threading
def work():
    import plain
def more():
    from pack.one import VALUE
for target in (work, more):
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
""",
            "executes.py": "exec('import plain')\nexec('from pack import two', globals())\n",
            "lazypack/__init__.py": "def __getattr__(name):\n    import importlib\n"
            "    return importlib.import_module(f'{__name__}.{name}')\n",
            "lazypack/leaf.py": "NAME = 1\n",
            "uses_getattr.py": "import lazypack\nNAME = lazypack.leaf.NAME\n",
        },
    )


def test_failed_imports_are_edges_and_what_was_never_executed_is_none(python: Python) -> None:
    python.armed(
        SEEN
        + """
import falls_back, typed
seen("falls_back", not_there=(2, "import failed"), plain=(4, "from"), pack=(6, "from"), pack__gone=(6, "from failed"),
     importlib=(9, "import"), pack__lost=(11, "import_module failed"))
assert recorder.graph.dependents(["pack.gone"]) == {"pack.gone", "falls_back"}
assert "not_there" not in recorder.graph.imports_of("falls_back")
seen("typed", typing=(1, "from"))
""",
        {
            **PACKAGE,
            "falls_back.py": """\
try:
    import not_there
except ImportError:
    from plain import NAME
try:
    from pack import gone
except ImportError:
    gone = None
import importlib
try:
    importlib.import_module("pack.lost")
except ImportError:
    pass
""",
            "typed.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import plain\n"
            "def never():\n    import pack.one\n",
        },
    )


def test_the_back_edges_of_cycles(python: Python) -> None:
    python.armed(
        SEEN
        + """
import egg, pack.inner
seen("egg", hen=(1, "import"))
seen("hen", egg=(2, "import back"))
seen("pack.inner", pack=(1, "from"), pack__one=(1, "from"))
""",
        {**PACKAGE, "egg.py": "import hen\n", "hen.py": "\nimport egg\n", "pack/inner.py": "from pack import one\n"},
    )


def test_modules_that_were_there_before(python: Python) -> None:
    python.plain(
        """
        import early, sys
        from pepperpy_reload import ImportOptimizer, ModuleManager
        from pepperpy_reload.importing.recorder import recorder
        optimizer = ImportOptimizer(ModuleManager())
        sys.meta_path.insert(0, optimizer)
        import after
        assert recorder.graph.imports_of("early") == ["typing", "plain", "pack", "pack.one"]
        assert recorder.graph.edge("early", "plain").line == 4
        assert recorder.modules["early"].adopted and not recorder.modules["after"].adopted
        assert optimizer.get_dependent_modules("plain.py") == ["plain", "early", "after"]
        """,
        {
            **PACKAGE,
            "early.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pack.two\n"
            "from plain import NAME\nfrom pack import one\n"
            "from pack.one import VALUE\ndef use():\n    import colorsys\n",
            "after.py": "import early\n",
        },
    )


def test_a_package_that_sets_the_optimizer_up_while_it_is_loaded(python: Python) -> None:
    python.plain(
        """
        import app
        from pepperpy_reload.importing.recorder import recorder
        edges = {name: recorder.graph.edge("app", name) for name in ("app.first", "app.second")}
        assert all(edge.at_import and not edge.back for edge in edges.values()), edges
        assert [edge.line for edge in edges.values()] == [5, 6], edges
        assert app.optimizer.get_dependent_modules("app/first.py") == ["app.first", "app"]
        assert app.optimizer.get_dependent_modules("app/second.py") == ["app.second", "app"]
        assert list(app.optimizer.get_import_profiles()["profiles"]) == ["app.first", "app.second"]
        """,
        {
            "app/__init__.py": """\
import sys
from pepperpy_reload import ImportOptimizer, ModuleManager
optimizer = ImportOptimizer(ModuleManager())
sys.meta_path.insert(0, optimizer)
from app import first
from .second import VALUE
""",
            "app/first.py": "",
            "app/second.py": "VALUE = 1\n",
        },
    )


def test_another_wrapper_of_import_does_not_hide_the_line(python: Python) -> None:
    python.armed(
        """
        import colorsys, builtins
        ours = builtins.__import__
        def wrapper(*arguments, **keywords):
            return ours(*arguments, **keywords)
        builtins.__import__ = wrapper
        import importer
        edge = recorder.graph.edge("importer", "plain")
        assert edge.file.endswith("importer.py") and edge.line == 2, edge
        optimizer.uninstall()
        assert builtins.__import__ is wrapper
        import pack.one
        assert "pack.one" not in recorder.modules
        """,
        {**PACKAGE, "importer.py": "\nimport plain\n"},
    )
