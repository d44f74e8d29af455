"""Bytecode is never taken for that of another source: in this process, in the next one, whoever wrote it."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Python

SHOW = "import sys, module\nprint(module.VALUE)\n"
PREPARED = {"module.py": "VALUE = 1\n"}


def same_time(path: Path, text: str) -> None:
    """Save another text of the same size, with the same time."""
    times = path.stat()
    assert len(text) == times.st_size
    path.write_text(text)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def bytecode(path: Path) -> Path:
    return Path(importlib.util.cache_from_source(os.fspath(path), optimization=""))


def test_saves_within_one_second_in_one_process(python: Python) -> None:
    python.armed(
        """
        import importlib, importlib.util
        import module
        for value in range(2, 10):
            save("module.py", f"VALUE = {value}\\n")
            if value % 4 == 0:
                optimizer.reload_module("module")
            elif value % 4 == 1:
                importlib.reload(module)
            elif value % 4 == 2:
                del sys.modules["module"]
                import module
            else:
                spec = importlib.util.find_spec("module")
                fresh = importlib.util.module_from_spec(spec)
                spec.loader = importlib.util.find_spec("module").loader
                assert optimizer.reload_module("module") is module
            assert module.VALUE == value, (module.VALUE, value)
        """,
        PREPARED,
    )


def test_saves_within_one_second_across_processes(python: Python) -> None:
    path = python.path / "module.py"
    for value in range(1, 6):
        if value == 1:
            python.write(PREPARED)
        else:
            same_time(path, f"VALUE = {value}\n")
        assert python.armed(SHOW).stdout == f"{value}\n"
        # And plain Python reads what we wrote, without being misled by it.
        assert python.plain(SHOW).stdout == f"{value}\n"


def test_a_stale_file_of_plain_python_is_not_believed(python: Python) -> None:
    assert python.plain(SHOW, PREPARED).stdout == "1\n"
    path = python.path / "module.py"
    assert int.from_bytes(bytecode(path).read_bytes()[4:8], "little") == 0, "by time"
    same_time(path, "VALUE = 2\n")
    assert python.plain(SHOW).stdout == "1\n", "the trap is there"
    assert python.armed(SHOW, env={"PYTHONDONTWRITEBYTECODE": "1"}).stdout == "2\n"
    assert python.armed(SHOW).stdout == "2\n"
    assert python.plain(SHOW).stdout == "2\n", "and what we wrote instead heals plain Python, too"


def test_bytecode_is_checked_by_content_and_used(python: Python) -> None:
    python.armed(SHOW, PREPARED)
    path = python.path / "module.py"
    cached = bytecode(path)
    written = cached.read_bytes()
    assert int.from_bytes(written[4:8], "little") == 0b11
    assert written[8:16] == importlib.util.source_hash(path.read_bytes())
    assert [entry.name for entry in cached.parent.iterdir()] == [cached.name], "no temporary files"
    assert cached.stat().st_mode & 0o777 == path.stat().st_mode & 0o777
    # Bytecode of other code under the same hash: if that is what runs, it is used.
    other = python.path / "other.py"
    other.write_text("VALUE = 7\n")
    planted = py_compile.compile(os.fspath(other), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    assert planted is not None
    cached.write_bytes(written[:16] + Path(planted).read_bytes()[16:])
    assert python.armed(SHOW).stdout == "7\n"
    stamp = cached.stat().st_mtime_ns
    os.utime(path, (5, 5))
    assert python.armed(SHOW).stdout == "7\n", "a file that was only touched has not changed"
    assert cached.stat().st_mtime_ns == stamp


@pytest.mark.parametrize("cut", [0, 3, 15, 16, 30, -1], ids=str)
def test_damaged_bytecode_is_written_anew(python: Python, cut: int) -> None:
    python.write({"module.py": "VALUE = 1\n", "other.py": ""})
    path = python.path / "module.py"
    python.armed(SHOW)
    cached = bytecode(path)
    whole = cached.read_bytes()
    cached.write_bytes(whole[:cut] if cut >= 0 else whole[:16] + b"\xff" * 40)
    assert python.armed(SHOW).stdout == "1\n"
    assert cached.read_bytes() == whole


def test_where_bytecode_cannot_or_must_not_be_written(python: Python) -> None:
    python.write(PREPARED)
    folder = python.path / "__pycache__"
    python.armed("sys.dont_write_bytecode = True\n" + SHOW)
    python.armed(SHOW, env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert not folder.exists()
    folder.write_text("no directory")
    assert python.armed(SHOW).stdout == "1\n"
    folder.unlink()
    folder.mkdir()
    cached = bytecode(python.path / "module.py")
    cached.mkdir()
    assert python.armed(SHOW).stdout == "1\n"
    assert list(folder.iterdir()) == [cached], "no temporary files"
    python.armed("sys.implementation.cache_tag = None\n" + SHOW)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_is_read_only(python: Python) -> None:
    python.write({"pack/__init__.py": "VALUE = 1\n"})
    (python.path / "pack").chmod(0o500)
    try:
        assert python.armed("import pack\nprint(pack.VALUE)\n").stdout == "1\n"
        assert not (python.path / "pack" / "__pycache__").exists()
    finally:
        (python.path / "pack").chmod(0o700)


def test_another_place_for_bytecode_and_optimization(python: Python, tmp_path: Path) -> None:
    python.write({**PREPARED, "script.py": ""})
    elsewhere = tmp_path / "elsewhere"
    env = {"PYTHONPYCACHEPREFIX": os.fspath(elsewhere)}
    assert python.armed(SHOW, env=env).stdout == "1\n"
    assert not (python.path / "__pycache__").exists()
    assert [path.name.split(".")[0] for path in elsewhere.rglob("module.*.pyc")] == ["module"]
    same_time(python.path / "module.py", "VALUE = 2\n")
    assert python.armed(SHOW, env=env).stdout == "2\n"
    python.armed(
        "import asserts\nassert asserts.__debug__ if False else True\n",
        {"asserts.py": "assert False\n"},
        {"PYTHONOPTIMIZE": "1"},
    )
    assert [path.name.split(".")[2] for path in (python.path / "__pycache__").iterdir()] == ["opt-1"]


def test_a_source_that_cannot_be_compiled_leaves_no_bytecode(python: Python) -> None:
    python.armed(
        """
        import module
        for text, error in (("VALUE =\\n", SyntaxError), ("VALUE = '\\0'\\n", SyntaxError)):
            save("module.py", text)
            sys.modules.pop("module", None)
            try:
                import module
            except error: pass
            else: raise AssertionError(text)
            assert "module" not in sys.modules
        pathlib.Path("module.py").write_bytes(b"# coding: latin-1\\nVALUE = '\\xe4'\\n")
        import module
        assert module.VALUE == chr(0xe4)
        pathlib.Path("module.py").write_bytes(b"VALUE = '\\xe4'\\n")
        del sys.modules["module"]
        try:
            import module
        except SyntaxError as error: assert "utf-8" in str(error)
        else: raise AssertionError
        pathlib.Path("module.py").write_bytes(b"\\xef\\xbb\\xbfVALUE = 3\\r\\n")
        import module
        assert module.VALUE == 3
        """,
        PREPARED,
    )


def test_this_python_runs_with_bytecode(python: Python) -> None:
    """All the others prove nothing if the environment of the tests has switched it off."""
    assert python("-c", "import sys; print(sys.dont_write_bytecode)").stdout == "False\n"
    assert sys.implementation.cache_tag is not None


@pytest.mark.parametrize("size", [1 << 16, (1 << 16) + 1, 1 << 18])
def test_sources_of_any_size(python: Python, size: int) -> None:
    text = "VALUE = 1\n#" + "x" * (size - 12) + "\n"
    for _ in range(2):  # without bytecode, and with it
        python.armed(
            f"""
            import module
            assert module.VALUE == 1 and len(recorder.modules["module"].source) == {size}
            """,
            {"module.py": text},
        )


def test_bytecode_may_be_written_later(python: Python) -> None:
    python.armed(
        """
        import importlib.util
        from pepperpy_reload.importing.bytecode import postpone_writing, write_postponed
        postpone_writing()
        import module
        cached = pathlib.Path(importlib.util.cache_from_source("module.py"))
        assert module.VALUE == 1 and not cached.exists()
        write_postponed()
        assert cached.exists()
        save("other.py", "VALUE = 2")
        import other
        assert pathlib.Path(importlib.util.cache_from_source("other.py")).exists(), "at once again"
        """,
        PREPARED,
    )
    assert python.plain(SHOW).stdout == "1\n"


def test_what_was_read_ahead_counts_for_the_very_same_content_only(python: Python) -> None:
    python.write({"other.py": "VALUE = 1\n", **PREPARED})
    python.armed("import module, other")
    python.armed(
        """
        import importlib.util
        from pepperpy_reload.importing.bytecode import read_ahead
        names = ["module.py", "other.py", "missing.py"]
        read_ahead([os.path.abspath(name) for name in names])
        for name in names[:2]:
            pathlib.Path(importlib.util.cache_from_source(name)).unlink()
        save("other.py", "VALUE = 2\\n")  # of the same size, and of the same time
        import module, other
        assert (module.VALUE, other.VALUE) == (1, 2)
        assert not os.path.exists(importlib.util.cache_from_source("module.py")), "it was compiled all the same"
        assert os.path.exists(importlib.util.cache_from_source("other.py"))
        save("module.py", "VALUE = 3\\n")
        assert optimizer.reload_module("module").VALUE == 3
        """
    )


@pytest.mark.parametrize("way", ["import module", "reloader.apply('module.py')"])
def test_a_file_that_has_just_been_emptied_is_waited_for(python: Python, way: str) -> None:
    """Who saves in place empties it first: nobody is served from half a save."""
    python.armed(
        f"""
        import sys, threading, time
        from pepperpy_reload import Reloader
        reloader = Reloader(optimizer)
        {"" if way == "import module" else "import module"}

        def names(frame):
            while frame is not None:
                yield frame.f_code.co_name
                frame = frame.f_back

        def write():
            end = time.monotonic() + 10
            while "read_saved" not in names(sys._current_frames()[main]) and time.monotonic() < end:
                time.sleep(0.001)
            with open("module.py", "w") as file:
                file.write("VALUE = 2\\n")

        main = threading.get_ident()
        writer = threading.Thread(target=write)
        open("module.py", "w").close()
        writer.start()
        {way}
        writer.join()
        import module
        assert module.VALUE == 2, vars(module)
        """,
        PREPARED,
    )


def test_a_file_that_is_empty_is_imported_at_once(python: Python) -> None:
    python.armed(
        """
        import time
        save("module.py", "")
        os.utime("module.py", (1, 1))
        began = time.monotonic()
        import module
        assert time.monotonic() - began < 0.1 and not hasattr(module, "VALUE")
        save("other.py", "")
        import other
        assert time.monotonic() - began < 5
        """,
        PREPARED,
    )
