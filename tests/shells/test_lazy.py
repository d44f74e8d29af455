"""lazy_import: what stands for a module or an attribute until it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Python

TOOLS = {
    "tools.py": """
        import os.path, threading
        WORD = "word"
        NUMBER = 6
        ITEMS = [3, 1, 2]
        LOCK = threading.Lock()
        PATH = os.path
        class Box:
            size = 1
            def __init__(self, content=None): self.content = content
        class Trouble(Exception): pass
        def double(value, *, times=2): return value * times
        print("loaded")
    """
}


def test_a_module_is_imported_at_its_first_use(python: Python) -> None:
    ended = python.plain(
        """
        import sys, types, pickle, copy
        from pepperpy_reload import lazy_import
        tools = lazy_import("tools")
        assert isinstance(tools, types.ModuleType) and tools.__name__ == "tools"
        assert repr(tools).startswith("<lazy module 'tools', declared at ") and "script.py:4" in repr(tools)
        assert "tools" not in sys.modules
        print("using")
        assert tools.WORD == "word"
        import tools as real
        assert repr(tools) == repr(real) and dir(tools) == dir(real) and tools.__dict__ is vars(real)
        assert tools.__spec__ is real.__spec__ and tools.__file__ == real.__file__ and tools.__doc__ is None
        tools.WORD = "other"
        assert real.WORD == "other"
        del tools.WORD
        assert not hasattr(real, "WORD") and not hasattr(tools, "WORD")
        again = pickle.loads(pickle.dumps(tools))
        assert again.NUMBER == copy.copy(tools).NUMBER == 6
        assert lazy_import("pack.inner").HERE == "pack.inner"
        assert lazy_import(".inner", package="pack").HERE == "pack.inner"
        try:
            lazy_import(".inner")
        except ImportError: pass
        else: raise AssertionError("relative to what?")
        """,
        {**TOOLS, "pack/__init__.py": "", "pack/inner.py": "HERE = __name__\n"},
    )
    assert ended.stdout.split() == ["using", "loaded"]


def test_the_error_of_the_first_use_names_the_line_of_the_declaration(python: Python) -> None:
    python.plain(
        """
        from pepperpy_reload import lazy_import
        gone = lazy_import("gone")
        broken = lazy_import("broken")
        no_such = lazy_import("tools", "no_such")
        def raised(use):
            try:
                use()
            except ImportError as error:
                return error
        error = raised(lambda: gone.anything)
        assert type(error) is ModuleNotFoundError and error.name == "gone", error
        assert str(error).startswith("No module named 'gone' (lazily imported at ") and "script.py:3)" in str(error)
        error = raised(lambda: broken.anything)
        assert error.name == "tools" and error.path.endswith("tools.py") and "script.py:4)" in str(error), error
        assert "broken.py" in str(error.__cause__.__traceback__.tb_next.tb_frame) or error.__cause__
        error = raised(lambda: no_such())
        assert error.name == "tools" and "'no_such'" in str(error) and "script.py:5)" in str(error), error
        assert raised(lambda: gone.anything) is not None, "and at every further use"
        open("gone.py", "w").write("anything = 1\\n")
        import importlib; importlib.invalidate_caches()
        assert gone.anything == 1, "until it is there"
        """,
        {**TOOLS, "broken.py": "from tools import missing_name\n"},
    )


def test_an_attribute_behaves_as_the_real_object(python: Python) -> None:
    python.plain(
        """
        import sys, pickle, copy, os
        from pepperpy_reload import lazy_import
        word, number, items, box, double, lock, path = (
            lazy_import("tools", name) for name in ("WORD", "NUMBER", "ITEMS", "Box", "double", "LOCK", "PATH")
        )
        assert "declared at" in repr(word) and "tools" not in sys.modules
        assert word == "word" and "word" == word and word != "x" and hash(word) == hash("word")
        assert f"{word:>5}" == " word"
        assert word + "!" == "word!" and "a " + word == "a word" and word * 2 == "wordword" and "%s" % word == "word"
        assert len(word) == 4 and "or" in word and word[0] == "w" and word.upper() == "WORD"
        assert list(word) == list("word")
        assert number + 1 == 7 and 1 - number == -5 and number ** 2 == 36 and 2 ** number == 64 and -number == -6
        assert divmod(number, 4) == (1, 2) and number / 4 == 1.5 and 13 // number == 2 and [0] * number == [0] * 6
        assert number == lazy_import("tools", "NUMBER") and number < 7 <= number + 1
        assert int(number) == 6 and bool(number)
        assert range(10)[number] == 6 and round(number, 1) == 6 and number & 4 == 4
        items[0] = 9
        items.append(4)
        items += [5]
        assert items == [9, 1, 2, 4, 5], items
        assert isinstance(word, str) and isinstance(number, int) and not isinstance(word, int)
        made = box(5)
        assert made.content == 5 and isinstance(made, box) and issubclass(bool, lazy_import("builtins", "int"))
        class Bigger(box): pass
        assert Bigger.__mro__[1] is sys.modules["tools"].Box and box.size == 1
        box.size = 2
        assert sys.modules["tools"].Box.size == 2
        assert double(4, times=3) == 12 and list(map(double, [1, 2])) == [2, 4]
        with lock:
            assert lock.locked()
        assert path.join("a", "b") == os.path.join("a", "b")
        assert pickle.loads(pickle.dumps(number)) + 1 == copy.copy(number) + 1 == 7
        assert "size" in dir(box) and repr(number) == "6" and str(number) == "6"
        for wrong in (lambda: len(number), lambda: number + "a", lambda: "a" + number, lambda: iter(number)):
            try:
                wrong()
            except TypeError:
                continue
            raise AssertionError("as with the real object, this is a TypeError")
        """,
        TOOLS,
    )


def test_threads_that_use_it_first_find_it_whole(python: Python) -> None:
    python.plain(
        """
        import threading
        from pepperpy_reload import lazy_import
        slow = lazy_import("slow")
        last = lazy_import("slow", "LAST")
        barrier, found = threading.Barrier(8), []
        def use(index):
            barrier.wait()
            found.append(slow.LAST if index % 2 else last + 0)
        threads = [threading.Thread(target=use, args=(index,)) for index in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert found == [1] * 8, found
        assert slow.RUNS == ["once"]
        """,
        {"slow.py": "import threading\nRUNS = ['once']\nthreading.Event().wait(0.1)\nLAST = 1\n"},
    )


def test_the_switch_imports_at_once(python: Python) -> None:
    python.plain(
        """
        import sys
        from pepperpy_reload import lazy_import
        assert lazy_import("tools") is sys.modules["tools"]
        assert lazy_import("tools", "NUMBER") == 6 and type(lazy_import("tools", "NUMBER")) is int
        try:
            lazy_import("gone")
        except ImportError: pass
        else: raise AssertionError
        """,
        TOOLS,
        env={"PEPPERPY_RELOAD_EAGER": "1"},
    )


def test_it_follows_reloads_and_who_uses_it_while_loading_depends_on_it(python: Python) -> None:
    python.armed(
        """
        import declares
        assert recorder.graph.imports_of("declares") == ["pepperpy_reload"], "declaring it imports nothing"
        import uses, uses_more
        assert uses_more.DOUBLE == 12
        edge = recorder.graph.edge("uses_more", "tools")
        assert edge.at_import and edge.file.endswith("uses_more.py") and edge.line == 2, edge
        assert declares.later() == 6
        save("tools.py", "NUMBER = 5\\n")
        assert optimizer.reload_dependencies("tools") == ["tools", "uses", "uses_more"]
        assert uses.DOUBLE == uses_more.DOUBLE == 10 and declares.later() == 5 and declares.number == 5
        """,
        {
            "tools.py": "NUMBER = 6\n",
            "declares.py": """
                from pepperpy_reload import lazy_import
                tools = lazy_import("tools")
                number = lazy_import("tools", "NUMBER")
                def later():
                    return tools.NUMBER
            """,
            "uses.py": "from declares import tools\nDOUBLE = tools.NUMBER * 2\n",
            "uses_more.py": "from declares import number\nDOUBLE = number * 2\n",
        },
    )
