"""One batch is one transaction: what a reload brings up to date, what it leaves alone, what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Python
    from tests.shells.conftest import Reloads

CHAIN = {
    "base.py": "VALUE = 1\n\ndef double(x):\n    return 2 * x\n",
    "middle.py": "from base import VALUE, double\nDOUBLE = double(VALUE)\nhits = []\n",
    "top.py": "import middle\nimport base as b\nTOTAL = middle.DOUBLE + 1\ndef total():\n    return TOTAL + b.VALUE\n",
    "aside.py": "import json\nstate = object()\n",
}


def test_a_changed_value_reaches_everybody_who_read_it(reloads: Reloads) -> None:
    reloads(
        """
        import top, aside, middle, base
        modules = [top, aside, middle, base]
        state, hits = aside.state, middle.hits
        before = list(sys.modules)

        report = change("base.py", "VALUE = 1", "VALUE = 5")

        assert report.status == "reloaded" and report.reason == "" and report.error is None, report
        assert (base.VALUE, middle.VALUE, middle.DOUBLE, top.TOTAL, top.total()) == (5, 5, 10, 11, 16)
        assert [sys.modules[module.__name__] for module in modules] == modules, "the same module objects"
        assert aside.state is state and middle.hits is hits, "the edit did not touch these"
        assert [name for name in sys.modules if name in before] == before
        assert done(report) == ((), ("base:1", "middle:1", "middle:2", "top:3"), (), ()), report
        assert report.paths == (os.path.abspath("base.py"),) and 0 < report.duration < 5
        assert report.notes == () and reloader.pending == frozenset()
        """,
        CHAIN,
    )


def test_a_function_is_patched_where_it_is(reloads: Reloads) -> None:
    reloads(
        """
        import user, functions
        held, bound, method = functions.plain, functions.thing.method, functions.Thing.method
        count = functions.count
        count()

        report = change("functions.py", "'old'", "'new'")

        assert report.status == "reloaded" and report.ran == () and report.imported == (), report
        assert set(report.patched) == {"functions.plain", "functions.Thing.method"}, report
        assert held is functions.plain is user.plain and held() == "new"
        assert functions.Thing.method is method and bound() == "new"
        assert functions.thing.state == ["kept"] and count() == 2, "state is kept"
        assert functions.imported_at == user.imported_at
        """,
        {
            "functions.py": """
            import time
            imported_at = time.perf_counter_ns()
            def plain():
                return 'old'
            class Thing:
                def __init__(self):
                    self.state = ["kept"]
                def method(self):
                    return 'old'
            thing = Thing()
            calls = 0
            def count():
                global calls
                calls += 1
                return calls
            """,
            "user.py": "from functions import plain, imported_at\n",
        },
    )


def test_comments_and_touches_run_nothing_and_lines_are_right(reloads: Reloads) -> None:
    reloads(
        """
        import inspect, linecache, traceback
        import log, module
        function, state = module.fails, module.state
        os.utime("module.py", (1, 1))
        report = reloader.apply(["module.py"])
        assert (report.status, done(report)) == ("unchanged", ((),) * 4), report

        report = change("module.py", "# a comment", "# a\\n# longer\\n# comment")
        assert (report.status, done(report)) == ("unchanged", ((),) * 4), report
        assert module.fails is function and module.state is state and log.entries == ["module"]
        assert function.__code__.co_firstlineno == 7
        assert inspect.getsource(function) == "def fails():\\n    inner = lambda: 1 / 0\\n    return inner()\\n"
        try:
            function()
        except ZeroDivisionError as error:
            frames = traceback.extract_tb(error.__traceback__)[1:]
        assert [(frame.lineno, frame.line) for frame in frames] == [(9, "return inner()"), (8, "inner = lambda: 1 / 0")]
        assert inspect.getsourcelines(module.Class.method)[1] == 12
        """,
        {
            "log.py": "entries = []\n",
            "module.py": """\
            import log
            log.entries.append(__name__)
            # a comment
            state = object()
            def fails():
                inner = lambda: 1 / 0
                return inner()

            class Class:
                def method(self):
                    pass
            """,
        },
    )


def test_one_save_is_seen_as_often_as_it_is_made(reloads: Reloads) -> None:
    """Same second, same size: neither the time of a file nor its bytecode is believed."""
    reloads(
        """
        import module, user
        for number in range(20):
            save("module.py", f"VALUE = {number % 10}\\ndef get(): return {number % 10}\\n")
            report = reloader.apply("module.py")
            assert report.status == "reloaded", (number, report)
            assert (module.VALUE, module.get(), user.VALUE) == (number % 10,) * 3, number
        assert pathlib.Path("__pycache__").is_dir(), "bytecode is on"
        """,
        {"module.py": "VALUE = 7\ndef get(): return 7\n", "user.py": "from module import VALUE\n"},
    )


def test_names_that_no_longer_exist_go(reloads: Reloads) -> None:
    reloads(
        """
        import module
        save("module.py", "a = 1\\nfrom json import dumps\\nclass C:\\n    x = 1\\n")
        report = reloader.apply(["module.py"])

        assert report.status == "reloaded", report
        assert {name for name in vars(module) if not name.startswith("__")} == {"a", "dumps", "C"}
        assert set(report.dropped) == {"module." + name for name in ("b", "f", "loads", "D")}, report
        assert not hasattr(module.C, "y")
        """,
        {
            "module.py": "a = b = 1\nfrom json import dumps, loads\ndef f(): pass\n"
            "class C:\n    x = 1\n    y = 2\nclass D: pass\n"
        },
    )


def test_files_come_go_and_move(reloads: Reloads) -> None:
    reloads(
        """
        import app, pkg
        kept = app.state

        save("extra.py", "NAME = 'extra'\\n")
        save("pkg/new.py", "NAME = 'new'\\n")
        save("app.py", "import extra\\nfrom pkg import new\\nstate = object()\\nname = extra.NAME + new.NAME\\n")
        report = reloader.apply(["extra.py", "pkg/new.py", "app.py"])
        assert report.status == "reloaded" and app.name == "extranew", report
        assert app.state is kept and pkg.new is sys.modules["pkg.new"]

        os.rename("pkg/new.py", "pkg/newer.py")
        save("app.py", pathlib.Path("app.py").read_text().replace("import new", "import newer as new"))
        report = reloader.apply(["pkg/new.py", "pkg/newer.py", "app.py"])
        assert report.status == "reloaded", report
        assert "pkg.new" not in sys.modules and not hasattr(pkg, "new") and "pkg.new" in report.dropped, report
        assert app.new is pkg.newer is sys.modules["pkg.newer"] and app.state is kept

        os.remove("extra.py")
        report = reloader.apply(["extra.py"])
        assert report.status == "failed" and "No module named 'extra'" in str(report.error), report
        assert app.extra is sys.modules["extra"] and app.name == "extranew", "it goes on with what it has"

        save("app.py", "state = object()\\n")
        report = reloader.apply(["app.py"])
        assert report.status == "reloaded" and app.state is kept, report
        assert "extra" not in sys.modules and not hasattr(app, "extra") and not hasattr(app, "new")
        """,
        {"app.py": "state = object()\n", "pkg/__init__.py": ""},
    )


def test_a_cycle_comes_out_as_a_fresh_start_would_have_it(reloads: Reloads) -> None:
    reloads(
        """
        import first, second
        objects = first, second
        report = change("second.py", "VALUE = 1", "VALUE = 2")
        assert report.status == "reloaded", report
        assert (first.SUM, second.VALUE, second.later()) == (12, 2, 12)
        assert (sys.modules["first"], sys.modules["second"]) == objects
        report = change("first.py", "BASE = 10", "BASE = 20")
        assert report.status == "reloaded", report
        assert (first.SUM, second.SEEN, second.later()) == (22, 20, 22)
        """,
        {
            "first.py": "BASE = 10\nimport second\nSUM = BASE + second.VALUE\n",
            "second.py": "from first import BASE\nimport first\nVALUE = 1\nSEEN = BASE\n"
            "def later():\n    return first.SUM\n",
        },
    )


def test_a_batch_is_applied_as_a_whole(reloads: Reloads) -> None:
    """Two files that only fit together: one after the other would fail."""
    reloads(
        """
        import left, right
        save("left.py", "from right import B\\nA = B + 1\\n")
        save("right.py", "B = 1\\n")
        report = reloader.apply(["left.py", "right.py"])
        assert report.status == "reloaded" and (left.A, right.B) == (2, 1), report
        assert not hasattr(right, "A") and set(report.paths) == {os.path.abspath(n) for n in ("left.py", "right.py")}
        """,
        {"left.py": "A = 1\n", "right.py": "from left import A\nB = A + 1\n"},
    )


def test_handle_file_change_takes_one_path_or_several(reloads: Reloads) -> None:
    reloads(
        """
        import top, middle, base
        save("base.py", "VALUE = 3\\n\\ndef double(x):\\n    return 2 * x\\n")
        report = handle_file_change(optimizer, "base.py")
        assert (report.status, top.TOTAL) == ("reloaded", 7), report
        assert optimizer.cache.get("base") is base

        save("base.py", "VALUE = 4\\n\\ndef double(x):\\n    return 2 * x\\n")
        save("aside.py", "extra = 1\\n")
        import aside
        report = handle_file_change(optimizer, [pathlib.Path("base.py"), "aside.py"])
        assert (report.status, top.TOTAL) == ("reloaded", 9), report
        report = handle_file_change(optimizer, "nowhere.py")
        assert report.status is ReloadStatus.UNCHANGED
        """,
        CHAIN,
    )


def test_what_concerns_nobody_is_said_in_a_note(reloads: Reloads) -> None:
    reloads(
        """
        import used
        save("unused.py", "x = 2\\n")
        save("../outside.py", "x = 2\\n")
        for name, words in (("unused.py", "nothing that runs has loaded it"), ("../outside.py", "outside the roots")):
            report = reloader.apply([name])
            assert report.status == "unchanged" and words in report.notes[0], report
        save("page.txt", "text")
        assert reloader.apply(["page.txt"]).status == "unchanged"
        """,
        {"used.py": "x = 1\n", "unused.py": "x = 1\n"},
    )


def test_roots_say_whose_code_is_reloaded(python: Python) -> None:
    python.armed(
        """
        from pepperpy_reload import Reloader
        sys.path[:0] = ["mine", "theirs"]
        reloader = Reloader(optimizer, roots=["mine"])
        import library, program
        save("theirs/library.py", "VALUE = 2\\n")
        report = reloader.apply(["theirs/library.py"])
        assert report.status == "restart" and "library" in report.reason, report
        assert (library.VALUE, program.VALUE) == (1, 1)
        """,
        {"mine/program.py": "from library import VALUE\n", "theirs/library.py": "VALUE = 1\n"},
    )


def test_what_python_cannot_run_again_needs_a_restart(reloads: Reloads) -> None:
    reloads(
        """
        import importlib.machinery, types
        import user
        suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
        path = os.path.abspath("speedup" + suffix)
        extension = types.ModuleType("speedup")
        extension.__file__ = path
        sys.modules["speedup"] = extension
        save(path, "binary")
        report = reloader.apply([path])
        assert report.status == "restart" and "extension module speedup" in report.reason, report
        assert sys.modules["speedup"] is extension and reloader.pending == {path}

        import packaged
        library = packaged.__file__
        save(library, "VALUE = 2\\n")
        report = Reloader(optimizer).apply([library])
        assert report.status == "restart" and "not the project's own" in report.reason, report
        assert packaged.VALUE == 1

        save("script.py", pathlib.Path("script.py").read_text() + "\\nleft_over = 1\\n")
        report = Reloader(optimizer).apply(["script.py"])
        assert report.status == "restart" and "__main__" in report.reason, report
        """,
        {
            "user.py": "import sys\nsys.path.append('lib/site-packages')\n",
            "lib/site-packages/packaged.py": "VALUE = 1\n",
        },
    )


def test_explain_changes_nothing(reloads: Reloads) -> None:
    reloads(
        """
        import json
        from pepperpy_reload.errors import UserCodeError
        import top, middle, base
        spaces = {module: dict(vars(module)) for module in (top, middle, base)}
        table = list(sys.modules)
        save("base.py", "VALUE = 5\\n\\ndef double(x):\\n    return 3 * x\\n")
        plan = reloader.explain(["base.py"])

        assert not plan.restart and [step.module for step in plan.steps if step.index >= 0] == [
            "base", "middle", "middle", "top"], plan
        for step in plan.steps:
            json.dumps(step.as_json())
            assert step.reasons, step
        assert any(reason.startswith("base:") for reason in plan.steps[-1].reasons), plan.steps[-1].reasons
        assert all(vars(module) == space for module, space in spaces.items())
        assert list(sys.modules) == table and reloader.pending == frozenset()
        assert base.double(1) == 2, "not even its code"

        save("base.py", "VALUE = (\\n")
        try:
            reloader.explain("base.py")
        except UserCodeError as error:
            assert error.file == os.path.abspath("base.py") and error.line == 1, error
        else:
            raise AssertionError("it does not compile")
        assert base.VALUE == 1
        """,
        CHAIN,
    )


def test_modules_that_were_there_before_the_optimizer(python: Python) -> None:
    python.plain(
        """
        import os, sys
        import app, helper
        from pepperpy_reload import ImportOptimizer, ModuleManager, Reloader
        reloader = Reloader(ImportOptimizer(ModuleManager()), roots=["."]).optimizer.install()
        reloader = Reloader(reloader, roots=["."])
        held, state = helper.function, app.state

        open("helper.py", "w").write("VALUE = 1\\ndef function():\\n    return 'new'\\n")
        report = reloader.apply(["helper.py"])
        assert report.status == "reloaded" and report.imported == () and report.ran == (), report
        assert held() == "new" and helper.function is held and app.function is held

        open("helper.py", "w").write("VALUE = 2\\ndef function():\\n    return 'new'\\n")
        report = reloader.apply(["helper.py"])
        assert report.status == "reloaded" and "helper" in report.imported, report
        assert (helper.VALUE, app.TWICE, app.function) == (2, 4, helper.function)
        assert sys.modules["helper"] is helper
        """,
        {
            "helper.py": "VALUE = 1\ndef function():\n    return 'old'\n",
            "app.py": "from helper import VALUE, function\nTWICE = 2 * VALUE\nstate = object()\n",
        },
    )


def test_what_was_edited_since_the_start_is_caught_up_with(reloads: Reloads) -> None:
    reloads(
        """
        import top, base
        assert reloader.catch_up() is None
        save("base.py", "VALUE = 2\\n\\ndef double(x):\\n    return 2 * x\\n")
        report = reloader.catch_up()
        assert report.status == "reloaded" and top.TOTAL == 5, report
        assert reloader.catch_up() is None
        """,
        CHAIN,
    )


def test_files_that_a_module_reads_are_dependencies(reloads: Reloads) -> None:
    reloads(
        """
        import settings, user
        before = settings.other
        save("settings.json", '{"debug": true}')
        report = reloader.apply(["settings.json"])
        assert report.status == "reloaded" and (settings.DEBUG, user.LEVEL) == (True, "DEBUG"), report
        assert settings.other is before
        """,
        {
            "settings.json": '{"debug": false}',
            "settings.py": "import json, pathlib\nother = object()\n"
            "DEBUG = json.loads(pathlib.Path('settings.json').read_text())['debug']\n",
            "user.py": "import settings\nLEVEL = 'DEBUG' if settings.DEBUG else 'INFO'\n",
        },
    )


def test_an_object_that_its_parts_know_weakly_is_replaced(reloads: Reloads) -> None:
    """Flask's app is one: its JSON provider has a weak proxy to it, and would be left without an app."""
    reloads(
        """
        import main
        assert main.app.part.name() == "app"
        first = main.app
        report = change("routes.py", "pages = ['a']", "pages = ['a', 'b']")
        assert report.status == "reloaded", report
        assert main.app.pages == ["a", "b"] and main.app.part.name() == "app", vars(main.app)
        assert first.part.name() == "app"
        """,
        {
            "kit.py": """
                import weakref
                class Part:
                    def __init__(self, app): self.app = weakref.proxy(app)
                    def name(self): return self.app.name
                class App:
                    def __init__(self):
                        self.name, self.pages, self.part = "app", [], Part(self)
                    def register(self, pages): self.pages.extend(pages)
            """,
            "routes.py": "pages = ['a']\n",
            "main.py": "from kit import App\nfrom routes import pages\napp = App()\napp.register(pages)\n",
        },
    )


def test_what_is_read_ahead_is_not_read_again(reloads: Reloads) -> None:
    reloads(
        """
        import app
        from pepperpy_reload.reloading import ledger
        assert list(reloader.read_ahead()) == ["app", "part"]
        pages = [ledger.page("app"), ledger.page("part")]
        report = change("part.py", "return 1", "return 2")
        assert report.status == "reloaded" and app.part.f() == 2, report
        assert ledger.page("app") is pages[0] and ledger.page("part") is not pages[1]
        change("part.py", "return 2", "return 3")
        assert list(reloader.look_ahead()) == ["part"] and list(reloader.look_ahead()) == []
        """,
        {"app.py": "import part\nN = 1\n", "part.py": "def f():\n    return 1\n"},
    )


def test_a_need_for_a_new_process_is_found_out_when_a_file_has_just_changed(reloads: Reloads) -> None:
    reloads(
        """
        from pepperpy_reload.core.batch import Hint, Quiet
        from pepperpy_reload.reloading import engine
        import module

        def notice(text, more=""):
            "A save, and another one before its batch is complete; what is said then, and how often it was planned."
            paths = frozenset({os.path.abspath("module.py")})
            save("module.py", text)
            assert reloader.notice(Hint(paths, first=True)) is None
            save("module.py", more or text)
            planned.clear()
            return reloader.notice(Quiet(paths)), len(planned)

        plain, planned = engine.prepare, []
        engine.prepare = lambda paths: planned.append(paths) or plain(paths)
        before = open("module.py").read()

        report, times = notice(before.replace("1", "2"), before)
        assert report.status == "unchanged" and times == 1, "only the last save counts"

        report, times = notice(before.replace("1", "2"))
        assert report.status == "restart" and "__reload__" in report.reason and times == 0, report
        assert reloader.pending == frozenset(report.paths) and module.VALUE == 1

        report, times = notice(before)
        assert report.status == "unchanged" and not reloader.pending, report
        """,
        {"module.py": "__reload__ = 'restart'\nVALUE = 1\n"},
    )


def test_what_only_computes_is_done_when_a_file_has_just_changed_and_errors_wait(reloads: Reloads) -> None:
    reloads(
        """
        from pepperpy_reload.core.batch import Hint, Quiet
        import app, leaf

        def early(text, file="leaf.py"):
            save(file, text)
            return reloader.notice(Hint(frozenset({os.path.abspath(file)}), first=True))

        def late(file="leaf.py"):
            return reloader.notice(Quiet(frozenset({os.path.abspath(file)})))

        report = early("LIMIT = 2\\n")
        assert report.status == "reloaded" and (app.LIMIT, app.TABLE) == (2, {"limit": 4}), report
        assert late() is None, "all has been told"

        assert early("LIMIT = 'a'\\n") is None, "half a save, perhaps"
        assert (leaf.LIMIT, app.LIMIT, app.TABLE) == (2, 2, {"limit": 4}) and not reloader.pending
        assert early("LIMIT = 3\\n").status == "reloaded" and app.TABLE == {"limit": 6}

        assert early("LIMIT = 'a'\\n") is None
        assert late().status == "failed" and app.TABLE == {"limit": 6}
        report = early("LIMIT = 4\\n")
        assert report.status == "reloaded" and app.TABLE == {"limit": 8} and not reloader.pending, report
        assert late() is None

        text = open("app.py").read()
        assert early(text + "1 +\\n", "app.py") is None and late("app.py").status == "failed"
        assert early("LIMIT = 5\\n") is None, "another one is pending"
        assert late().status == "failed" and app.TABLE == {"limit": 8}
        assert early(text, "app.py") is None and late("app.py").status == "reloaded" and app.TABLE == {"limit": 10}
        assert early("1 +\\n") is None and late().status == "failed"
        assert early("LIMIT = 5\\n") is None and late().status == "unchanged" and not reloader.pending

        assert early(text.replace("str(1)", "str(2)"), "app.py") is None, "something is called"
        assert late("app.py").status == "reloaded" and app.CALLED == "2"
        assert early(text.replace("import LIMIT", "import LIMIT, late"), "app.py") is None, "there is none"
        text = text.replace("str(1)", "str(2)")
        assert early(text.replace("CALLED", "from package import part\\nCALLED"), "app.py") is None, "yet to load"
        assert "package.part" not in sys.modules and late("app.py").status == "reloaded" and app.part.DONE
        """,
        {
            "leaf.py": "LIMIT = 1\n",
            "package/__init__.py": "",
            "package/part.py": "DONE = True\n",
            "app.py": "import package\nfrom leaf import LIMIT\n\nTABLE = {'limit': LIMIT - -LIMIT}\nCALLED = str(1)\n",
        },
    )


def test_a_bug_of_ours_is_not_told_as_one_of_the_user(reloads: Reloads) -> None:
    reloads(
        """
        from pepperpy_reload.reloading import reading
        import module

        def buggy(*arguments):
            return arguments[0].nothing

        reading.revise_units, right = buggy, reading.revise_units
        try:
            report = change("module.py", "1", "2")
        except AttributeError:
            pass
        else:
            raise AssertionError(report)
        reading.revise_units = right
        report = change("module.py", "2", "3")
        assert report.status == "reloaded" and module.VALUE == 3, report
        """,
        {"module.py": "VALUE = 1\n"},
    )
