"""lazy_import: what stands for a module or an attribute until it is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Python
    from tests.shells.conftest import Reloads

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


def test_what_else_a_module_raises_has_the_line_of_the_declaration_as_a_note(python: Python) -> None:
    ended = python.plain(
        """
        from pepperpy_reload import lazy_import
        divides = lazy_import("divides")
        leaves = lazy_import("leaves", "name")
        for use, kind in ((lambda: divides.x, ZeroDivisionError), (lambda: leaves + 1, SystemExit)):
            for _ in range(2):
                try:
                    use()
                except kind as error:
                    [note] = error.__notes__
                    print(note)
        divides.x
        """,
        {"divides.py": "1 / 0\n", "leaves.py": "raise SystemExit(3)\n"},
        status=1,
    )
    lines = [line.rpartition("/")[2] for line in ended.stdout.splitlines()]
    assert lines == ["script.py:3"] * 2 + ["script.py:4"] * 2
    assert ended.stderr.rstrip().endswith("script.py:3"), "it is in the traceback"


def test_classes_and_what_they_make(python: Python) -> None:
    python.plain(
        """
        import abc, copy, dataclasses, functools, inspect, pickle, sys, typing
        from pepperpy_reload import lazy_import
        box, double, order, items = (lazy_import("kinds", name) for name in ("Box", "double", "Order", "ITEMS"))
        assert "kinds" not in sys.modules
        made = box(5)
        import kinds
        assert type(made) is kinds.Box and isinstance(made, box) and isinstance(made, (int, box))
        assert not isinstance(5, box) and isinstance(box, type) and inspect.isclass(box) and not inspect.isclass(double)
        assert issubclass(box, kinds.Box) and issubclass(box, kinds.Base) and issubclass(box, (int, kinds.Base))
        assert issubclass(kinds.Small, box) and not issubclass(box, kinds.Small) and not issubclass(int, box)
        assert issubclass(box, box) and issubclass(box, object) and isinstance(order(2), abc.ABC)
        for yielded in (made, box.make(3), order(2), items):
            again = pickle.loads(pickle.dumps(yielded))
            assert again == yielded and isinstance(again, yielded.__class__)
        assert pickle.loads(pickle.dumps(double))(4) == copy.copy(double)(4) == 8
        assert pickle.loads(pickle.dumps(box))(1) == kinds.Box(1)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(lazy_import("kinds"), protocol)).ITEMS == [1]
        assert [field.name for field in dataclasses.fields(order)] == ["number"]
        assert dataclasses.replace(order(2), number=3) == order(3) and dataclasses.asdict(order(2)) == {"number": 2}
        assert str(inspect.signature(double)) == "(value: int) -> int" and double.__name__ == "double"
        @functools.wraps(double)
        def wrapped(value): return double(value)
        assert wrapped.__doc__ == "Twice." and functools.partial(double, 2)() == 4
        def hinted(value: box) -> typing.Optional[box]: ...
        assert typing.get_type_hints(hinted)["value"] is box
        assert "make" in dir(box) and "ITEMS" in dir(lazy_import("kinds")) and "append" in dir(items)
        """,
        {
            "kinds.py": """
                import abc, dataclasses
                ITEMS = [1]
                def double(value: int) -> int:
                    "Twice."
                    return value * 2
                class Base: pass
                class Box(Base):
                    def __init__(self, content): self.content = content
                    def __eq__(self, other): return self.content == other.content
                    __hash__ = None
                    @classmethod
                    def make(cls, content): return cls(content)
                class Small(Box): pass
                @dataclasses.dataclass
                class Order(abc.ABC):
                    number: int
            """
        },
    )


def test_threads_import_once_and_wait_for_no_one_who_waits_for_them(python: Python) -> None:
    python.plain(
        """
        import sys, threading
        from pepperpy_reload import lazy_import
        uses = [
            lambda one=lazy_import("one"): one.VALUE,
            lambda two=lazy_import("two"): two.VALUE,
            lambda fails=lazy_import("fails", "x"): fails + 1,
        ]
        barrier, found = threading.Barrier(9), []
        def use(index):
            barrier.wait()
            try:
                found.append(uses[index % 3]())
            except (ImportError, AttributeError) as error:
                found.append("script.py" in str(error))
        threads = [threading.Thread(target=use, args=(index,), daemon=True) for index in range(9)]
        for thread in threads: thread.start()
        for thread in threads: thread.join(10)
        assert not any(thread.is_alive() for thread in threads), "they wait for each other"
        import log
        assert sorted(log.RAN) == ["one", "two"], log.RAN
        assert sorted(map(str, found)) == ["1"] * 3 + ["2"] * 3 + ["True"] * 3, found
        assert sys.modules["one"].late() == 2 and sys.modules["two"].late() == 1
        """,
        {
            "log.py": "RAN = []\n",
            "one.py": """
                import log, threading
                from pepperpy_reload import lazy_import
                log.RAN.append(__name__)
                two = lazy_import("two")
                VALUE = 1
                threading.Event().wait(0.05)
                two.VALUE
                def late(): return two.VALUE
            """,
            "two.py": """
                import log, threading
                from pepperpy_reload import lazy_import
                log.RAN.append(__name__)
                one = lazy_import("one")
                VALUE = 2
                threading.Event().wait(0.05)
                one.VALUE
                def late(): return one.VALUE
            """,
            "fails.py": "import threading\nthreading.Event().wait(0.05)\nimport not_there\n",
        },
    )


def test_what_type_checkers_read_runs(python: Python) -> None:
    text = Path(__file__).with_name("typed_lazy.py").read_text()
    assert python("typed.py", files={"typed.py": text}).stdout == "checked\n"


def test_after_a_reload_it_is_what_was_saved(reloads: Reloads) -> None:
    reloads(
        """
        import app
        assert app.use() == ("old", "old", 1)
        kept = app.Box()
        report = change("tools.py", "old", "new")
        assert report.status == "reloaded", report
        assert app.use() == ("new", "new", 1)
        change("tools.py", "size = 1", "size = 2")
        assert app.use() == ("new", "new", 2) and isinstance(kept, app.Box) and kept.size == 2
        change("tools.py", "def word", "ADDED = 3\\ndef word")
        assert app.tools.ADDED == 3 and "ADDED" in dir(app.tools)
        change("tools.py", "ADDED = 3", "")
        try:
            app.tools.ADDED
        except AttributeError:
            pass
        else:
            raise AssertionError("it is gone")
        """,
        {
            "tools.py": "WORD = 'old'\ndef word():\n    return WORD\nclass Box:\n    size = 1\n",
            "app.py": """
                from pepperpy_reload import lazy_import
                tools, word, Box = lazy_import("tools"), lazy_import("tools", "word"), lazy_import("tools", "Box")
                def use():
                    return tools.WORD, word(), Box().size
            """,
        },
    )
