"""Every example of the import optimization system's description, as a user would run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Python

CHAIN = {
    "base.py": "VALUE = 1\n",
    "middle.py": "from base import VALUE\nDOUBLE = 2 * VALUE\n",
    "top.py": "import middle\nTOTAL = middle.DOUBLE + 1\n",
    "aside.py": "import json\n",
}


def test_the_profiler_times_an_import(python: Python) -> None:
    python.plain(
        """
        from pepperpy_reload import ImportProfiler

        profiler = ImportProfiler()
        profiler.start_import("my_module")
        import my_module
        profile = profiler.finish_import("my_module")
        analysis = profiler.analyze_imports()

        assert profile.module == "my_module"
        assert profile.duration > 0 and profile.errors == [] and profile.dependencies == set()
        assert analysis["total_imports"] == 1 and analysis["error_count"] == 0
        assert analysis["average_duration"] == analysis["max_duration"] == profile.duration
        assert profiler.get_profile("my_module") is profile
        """,
        {"my_module.py": "VALUE = 1\n"},
    )


def test_the_cache_forgets_a_module_whose_content_changed(python: Python) -> None:
    python.plain(
        """
        import os, pathlib
        from pepperpy_reload import ImportCache
        import my_module as module

        cache = ImportCache()
        cache.set("my_module", module)
        assert cache.get("my_module") is module

        path = pathlib.Path("my_module.py")
        times = path.stat()
        os.utime(path, (1, 1))
        assert cache.get("my_module") is module, "it was only touched"

        path.write_text("VALUE = 2\\n")  # the same size, and then the same time
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert cache.get("my_module") is None

        reloaded = cache.reload("my_module")
        assert reloaded is module and module.VALUE == 2
        assert cache.get("my_module") is module
        """,
        {"my_module.py": "VALUE = 1\n"},
    )


def test_the_optimizer_is_registered_by_hand(python: Python) -> None:
    python.plain(
        """
        import sys
        from pepperpy_reload import ImportOptimizer, ModuleManager

        manager = ModuleManager()
        optimizer = ImportOptimizer(manager)
        sys.meta_path.insert(0, optimizer)

        import my_module
        import slow_module

        profiles = optimizer.get_import_profiles()
        assert list(profiles["profiles"]) == ["my_module", "colorsys", "slow_module"], list(profiles["profiles"])
        print(f"Total imports: {profiles['analysis']['total_imports']}")
        print(f"Average duration: {profiles['analysis']['average_duration']:.3f}s")
        slow_imports = profiles["slow_imports"]
        if slow_imports:
            print("Slow imports detected:", [p.module for p in slow_imports])

        assert profiles["analysis"]["total_imports"] == 3
        assert [p.module for p in slow_imports] == ["slow_module"]
        assert profiles["profiles"]["slow_module"].dependencies == {"colorsys"}
        assert profiles["profiles"]["slow_module"].duration >= 0.15
        assert profiles["dependency_graph"]["slow_module"] == ["threading", "colorsys"]
        assert optimizer.cache.get("my_module") is my_module
        """,
        {
            "my_module.py": "VALUE = 1\n",
            "slow_module.py": "import threading, colorsys\nthreading.Event().wait(0.15)\n",
        },
    )


def test_the_import_that_arms_the_optimizer_is_recorded_whole(python: Python) -> None:
    for module, error in {
        "my_module": "",
        "colorsys": "",
        "_crypt": "",
        "broken": "ZeroDivisionError: division by zero",
        "missing": "ModuleNotFoundError: No module named 'missing'",
        "needs": "ModuleNotFoundError: No module named 'missing'",
        "pack.inner": "",
    }.items():
        python.armed(
            f"""
            try:
                import {module}
            except (ImportError, ZeroDivisionError) as error:
                print(error)
            import json.tool  # what comes later is not taken for a part of it
            profiles = optimizer.get_import_profiles()["profiles"]
            assert {module!r} in profiles, list(profiles)
            profile = profiles[{module!r}]
            assert profile.errors == ([{error!r}] if {error!r} else []), profile.errors
            assert profile.duration > 0 and "json.tool" not in profile.dependencies
            """,
            {
                "my_module.py": "VALUE = 1\n",
                "broken.py": "1 / 0\n",
                "needs.py": "import missing\n",
                "pack/__init__.py": "",
                "pack/inner.py": "",
                "_crypt.py": "",
            },
        )


def test_errors_of_failed_imports_are_kept(python: Python) -> None:
    python.armed(
        """
        import colorsys
        try:
            import my_module
        except ImportError as e:
            profiles = optimizer.get_import_profiles()
            profile = profiles["profiles"].get("my_module")
            if profile and profile.errors:
                print("Import errors:", profile.errors)
        assert profile.errors == ["ModuleNotFoundError: No module named 'not_there'"], profile
        assert profiles["error_counts"] == {"my_module": 1, "not_there": 1}
        assert profiles["analysis"]["error_count"] == 2

        pathlib.Path("not_there.py").write_text("")
        import importlib
        importlib.invalidate_caches()
        import my_module
        profile = optimizer.get_import_profiles()["profiles"]["my_module"]
        assert len(profile.errors) == 1, "an earlier error is not forgotten"
        """,
        {"my_module.py": "import not_there\n"},
    )


def test_a_module_is_reloaded_even_if_it_has_not_changed(python: Python) -> None:
    python.armed(
        """
        import top, base
        runs = []
        base.VALUE = 7
        assert optimizer.reload_module("base") is base and base.VALUE == 1
        save("base.py", "VALUE = 5\\n")
        assert optimizer.reload_module("base") is base and base.VALUE == 5
        assert sys.modules["middle"].VALUE == 1, "what depends on it is left alone"
        try:
            optimizer.reload_module("not_loaded")
        except ImportError as error:
            assert error.name == "not_loaded"
        else:
            raise AssertionError("a module that is not loaded was reloaded")
        """,
        CHAIN,
    )


def test_a_module_is_reloaded_with_all_that_hangs_on_it(python: Python) -> None:
    python.armed(
        """
        import top, aside
        middle, base = sys.modules["middle"], sys.modules["base"]
        assert optimizer.reload_dependencies("top") == ["top"]
        save("base.py", "VALUE = 5\\n")
        reloaded = optimizer.reload_dependencies("base")
        assert reloaded == ["base", "middle", "top"], reloaded
        assert (base.VALUE, middle.DOUBLE, top.TOTAL) == (5, 10, 11)
        save("base.py", "VALUE = 6\\n")
        reloaded = optimizer.reload_dependencies("middle")
        assert reloaded == ["base", "middle", "top"], "first what it imports and is stale: " + str(reloaded)
        assert (base.VALUE, middle.DOUBLE, top.TOTAL) == (6, 12, 13)
        assert sys.modules["top"] is top and optimizer.cache.get("top") is top
        """,
        CHAIN,
    )


def test_an_import_cycle_is_reloaded_as_one(python: Python) -> None:
    python.armed(
        """
        import user
        egg, hen = sys.modules["egg"], sys.modules["hen"]
        old = hen.Hen
        reloaded = optimizer.reload_dependencies("egg")
        assert reloaded == ["hen", "egg", "user"], reloaded
        assert egg.Hen is hen.Hen is user.Hen is not old
        """,
        {
            "hen.py": "class Hen: pass\nimport egg\n",
            "egg.py": "from hen import Hen\n",
            "user.py": "from hen import Hen\nimport egg\n",
        },
    )


def test_the_best_practices_work_as_written(python: Python) -> None:
    python.plain(
        """
        import logging, sys
        from pepperpy_reload import ImportOptimizer, ModuleManager

        logger = logging.getLogger("imports")
        warnings = []
        handler = logging.Handler()
        handler.emit = lambda record: warnings.append((record.levelname, record.getMessage()))
        logger.addHandler(handler)

        def setup_import_optimization():
            manager = ModuleManager()
            optimizer = ImportOptimizer(manager)
            sys.meta_path.insert(0, optimizer)
            return optimizer

        def check_import_performance(optimizer):
            profiles = optimizer.get_import_profiles()
            analysis = profiles["analysis"]
            if analysis["average_duration"] > 0.1:  # 100ms threshold
                logger.warning("Slow import performance detected")
                for profile in profiles["slow_imports"]:
                    logger.warning(f"Slow import: {profile.module} ({profile.duration:.3f}s)")

        optimizer = setup_import_optimization()
        check_import_performance(optimizer)
        assert warnings == []
        import slow_module
        check_import_performance(optimizer)
        assert warnings[0] == ("WARNING", "Slow import performance detected")
        assert warnings[1][1].startswith("Slow import: slow_module (0.1"), warnings
        """,
        {"slow_module.py": "import threading\nthreading.Event().wait(0.15)\n"},
    )


def test_a_file_change_is_handled_as_written(python: Python) -> None:
    python.armed(
        """
        def handle_file_change(optimizer, path):
            # Invalidate cached modules
            optimizer.invalidate_path(path)
            # Find dependent modules
            dependents = optimizer.get_dependent_modules(path)
            # Reload if needed
            for module in dependents:
                optimizer.reload_module(module)

        import top, aside
        before = vars(aside).copy()
        save("base.py", "VALUE = 5\\n")
        assert optimizer.get_dependent_modules("base.py") == ["base", "middle", "top"]
        handle_file_change(optimizer, "base.py")
        assert (sys.modules["base"].VALUE, sys.modules["middle"].DOUBLE, top.TOTAL) == (5, 10, 11)
        assert vars(aside) == before

        optimizer.invalidate_path(pathlib.Path("base.py"))
        assert optimizer.cache.get("base") is None
        assert optimizer.get_dependent_modules("base.py") == ["base", "middle", "top"]
        assert optimizer.get_dependent_modules("nowhere.py") == []
        """,
        CHAIN,
    )


def test_our_own_file_change_handler_reports(python: Python) -> None:
    python.armed(
        """
        import top_of_all
        from pepperpy_reload import ReloadStatus, handle_file_change
        top = sys.modules["top"]
        save("base.py", "VALUE = 5\\n")
        report = handle_file_change(optimizer, "base.py")
        assert report.status == "reloaded" is not ReloadStatus.RELOADED, report
        assert top.TOTAL == 11
        save("base.py", "VALUE = \\n")
        report = handle_file_change(optimizer, ["base.py"])
        assert report.status == "failed" and report.error.line == 1 and "SyntaxError" in str(report.error)
        assert top.TOTAL == 11
        """,
        {**CHAIN, "top_of_all.py": "import top\n"},
    )


def test_imports_are_monitored_as_written(python: Python) -> None:
    python.armed(
        """
        import logging, time
        logger = logging.getLogger("imports")
        told = []
        logger.critical = told.append

        class Enough(Exception): pass

        minutes = iter([None, None])
        def one_minute(seconds):
            if next(minutes, Enough) is Enough:
                raise Enough
        time.sleep = one_minute

        def monitor_imports(optimizer):
            while True:
                time.sleep(60)  # Check every minute
                profiles = optimizer.get_import_profiles()
                for profile in profiles["slow_imports"]:
                    if profile.duration > 1.0:  # 1 second threshold
                        logger.critical(f"Very slow import: {profile.module}")

        import very_slow_module
        try:
            monitor_imports(optimizer)
        except Enough:
            pass
        assert told == ["Very slow import: very_slow_module"] * 2, told
        """,
        {"very_slow_module.py": "import threading\nthreading.Event().wait(1.01)\n"},
    )


def test_optional_dependencies_are_lazy(python: Python) -> None:
    python.armed(
        """
        from pepperpy_reload import lazy_import
        optional_module = lazy_import("optional_module")
        not_installed = lazy_import("not_installed")
        assert "optional_module" not in sys.modules
        assert optional_module.VALUE == 1 and "optional_module" in sys.modules
        try:
            not_installed.something
        except ImportError as error:
            assert error.name == "not_installed" and "script.py" in str(error), error
        """,
        {"optional_module.py": "VALUE = 1\n"},
    )


def test_a_common_path_is_put_in_front(python: Python) -> None:
    python.armed(
        """
        import colorsys
        def optimize_import_paths():
            # Add commonly used paths to sys.path
            common_paths = [str(pathlib.Path.cwd().parent / "common" / "modules")]
            sys.path[:0] = common_paths

        import before
        optimize_import_paths()
        import shared, before
        assert "modules" in shared.__file__
        assert {"before", "shared"} <= set(recorder.modules), "found on a path that is new, it is first-party as well"
        assert optimizer.reload_dependencies("shared") == ["shared"]
        """,
        {"before.py": "", "shared.py": "", "../common/modules/shared.py": "VALUE = 1\n"},
    )


def test_circular_imports_are_reported_and_never_refused(python: Python) -> None:
    python.armed(
        """
        import colorsys
        import hen, late
        assert hen.egg.hen is hen
        profiles = optimizer.get_import_profiles()
        circular, deferred = profiles["circular_imports"]
        assert (deferred["class"], deferred["modules"]) == ("deferred", ["late", "later"]), deferred
        assert (circular["class"], circular["modules"]) == ("import-time", ["hen", "egg"]), circular
        assert [(pathlib.Path(one["file"]).name, one["line"]) for one in circular["imports"]] == [
            ("hen.py", 3), ("egg.py", 2),
        ]
        assert (circular["cut"]["importer"], circular["cut"]["move"]) == ("hen", "away: nothing uses it")
        assert optimizer.manager.check_circular_imports("hen") == ["hen", "egg", "hen"]
        assert optimizer.manager.check_circular_imports("late") == []
        [cycle] = optimizer.manager.get_cycles()
        here = pathlib.Path.cwd()
        assert str(cycle) == f"egg ({here}/egg.py:2) -> hen ({here}/hen.py:3) -> egg", str(cycle)
        assert [edge.back for edge in cycle.edges] == [True, False]
        late.use()
        assert optimizer.manager.check_circular_imports("late") == [], "an import inside a function closes no cycle"
        """,
        {
            "hen.py": "\n\nimport egg\n",
            "egg.py": "\nimport hen\n",
            "late.py": "import later\ndef use():\n    return later\n",
            "later.py": "def use():\n    import late\nuse\n",
        },
    )
