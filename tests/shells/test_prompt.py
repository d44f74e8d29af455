"""What consoles share, in this process: names that follow, changes that are collected, batches between inputs."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.errors import UsageError
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.integrations.changes import Collected, LoadedFiles
from pepperpy_reload.integrations.names import ImportedNames, Origin
from pepperpy_reload.integrations.prompt import HANDLE, Prompt, check_name

Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty directory on sys.path; what is imported from it is forgotten afterwards."""
    root = Path(os.path.realpath(tmp_path), "project")
    root.mkdir()
    sys.path.insert(0, str(root))
    before = set(sys.modules)
    yield root
    sys.path.remove(str(root))
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(root)):
            del sys.modules[name]
            recorder.forget(name)
    recorder.roots.narrow(None)


@pytest.fixture
def write(folder: Path) -> Write:
    def write(name: str, *lines: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*lines, ""]))
        importlib.invalidate_caches()
        return path

    return write


class Notebook:
    """A namespace in which inputs are executed, as a console does."""

    def __init__(self) -> None:
        self.space: dict[str, Any] = {}
        self.names = ImportedNames(self.space)

    def enter(self, source: str) -> None:
        exec(source, self.space)
        self.names.note(source)


class Opened:
    """A prompt, its inputs and what it has shown."""

    def __init__(self, folder: Path) -> None:
        self.space: dict[str, Any] = {}
        self.shown: list[str] = []
        self.prompt = Prompt(self.space, [str(folder)], self.shown.append)

    def enter(self, source: str) -> None:
        self.prompt.before_input()
        exec(source, self.space)
        self.prompt.after_input(source)

    def get(self, expression: str) -> Any:
        """The value of an expression that is entered as an input."""
        self.enter(f"answer = {expression}")
        return self.space["answer"]


@pytest.fixture
def opened(folder: Path) -> Iterator[Opened]:
    opened = Opened(folder)
    with opened.prompt:
        yield opened


# --- names


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from follow_a import value", "value"),
        ("from follow_a import value as other", "other"),
        ("if True:\n    from follow_a import value", "value"),
        ("try:\n    from nowhere import value\nexcept ImportError:\n    from follow_a import value", "value"),
        ("from follow_a import *", "value"),
        ("value = 3; from follow_a import value", "value"),
        ("with open(__import__('os').devnull):\n    from follow_a import value", "value"),
    ],
)
def test_an_imported_name_follows(write: Write, source: str, name: str) -> None:
    write("follow_a.py", "value = object()")
    book = Notebook()
    book.enter(source)
    new = vars(sys.modules["follow_a"])["value"] = object()
    assert name in book.names.follow({"follow_a"}).renewed
    assert book.space[name] is new


@pytest.mark.parametrize(
    "rebound",
    [
        "value = 7",
        "value = value",
        "def value(): pass",
        "class value: pass",
        "for value in [7]: pass",
        "print(value := 7)",
        "[value := 7 for _ in range(1)]",
        "import os as value",
        "with open(__import__('os').devnull) as value: pass",
        "match 7:\n    case value: pass",
        "match [7]:\n    case [*value]: pass",
        "match {1: 7}:\n    case {**value}: pass",
        "globals().update(value=7)",
        "def change():\n    global value\n    value = 7\nchange()",
    ],
)
def test_a_name_that_the_user_bound_anew_is_left_alone(write: Write, rebound: str) -> None:
    write("follow_b.py", "value = object()")
    book = Notebook()
    book.enter("from follow_b import value")
    book.enter(rebound)
    mine = book.space["value"]
    vars(sys.modules["follow_b"])["value"] = object()
    assert "value" not in book.names.follow({"follow_b"}).renewed
    assert book.space["value"] is mine


def test_equal_is_not_enough_to_be_the_imported_one(write: Write) -> None:
    write("follow_c.py", "value = 1")
    book = Notebook()
    book.enter("from follow_c import value")
    book.enter("value = 1")
    vars(sys.modules["follow_c"])["value"] = 2
    assert book.names.follow({"follow_c"}).renewed == ()
    assert book.space["value"] == 1


def test_only_reloaded_modules_are_asked(write: Write) -> None:
    """What the user does to a module's attribute is no reload: Python does not follow that either."""
    write("follow_d.py", "value = 1")
    book = Notebook()
    book.enter("from follow_d import value")
    vars(sys.modules["follow_d"])["value"] = 2
    assert book.names.follow({"something"}).renewed == ()
    assert book.space["value"] == 1


def test_a_deleted_name_does_not_come_back(write: Write) -> None:
    write("follow_e.py", "value = object()")
    book = Notebook()
    book.enter("from follow_e import value")
    book.enter("del value")
    vars(sys.modules["follow_e"])["value"] = object()
    assert book.names.follow({"follow_e"}).renewed == ()
    assert "value" not in book.space


def test_what_cannot_be_imported_any_more_is_kept_and_named(write: Write) -> None:
    write("follow_f.py", "value = 1")
    book = Notebook()
    book.enter("from follow_f import value")
    del vars(sys.modules["follow_f"])["value"]
    assert book.names.follow({"follow_f"}).gone == ("value",)
    assert book.space["value"] == 1
    vars(sys.modules["follow_f"])["value"] = 2
    assert book.names.follow({"follow_f"}).renewed == ("value",)


def test_a_star_import_brings_new_names_but_takes_none_of_the_users(write: Write) -> None:
    write("follow_g.py", "value = 1")
    book = Notebook()
    book.enter("from follow_g import *")
    book.enter("mine = 5")
    vars(sys.modules["follow_g"]).update(mine=1, fresh=2, _hidden=3)
    assert book.names.follow({"follow_g"}).renewed == ("fresh",)
    assert (book.space["mine"], book.space["fresh"], "_hidden" in book.space) == (5, 2, False)


def test_a_module_whose_getattr_raises_does_no_harm(write: Write) -> None:
    write(
        "follow_h.py",
        "value = 1",
        "def __getattr__(name): raise (SystemExit if name == 'value' else AttributeError)(name)",
    )
    book = Notebook()
    book.enter("from follow_h import value")
    del vars(sys.modules["follow_h"])["value"]
    assert book.names.follow({"follow_h"}).gone == ("value",)


@pytest.mark.parametrize("source", ["not python (", "from . import value", "x = '\0'"])
def test_an_input_that_is_no_python_is_passed_over(source: str) -> None:
    ImportedNames({}).note(source)


def test_a_module_object_is_followed_when_it_is_replaced(write: Write) -> None:
    write("follow_i/__init__.py")
    write("follow_i/inner.py")
    book = Notebook()
    book.enter("import follow_i.inner as inner, follow_i.inner")
    old = sys.modules["follow_i.inner"]
    write("follow_i/inner.py", "value = 1")
    del sys.modules["follow_i.inner"]
    new = importlib.import_module("follow_i.inner")
    assert book.names.follow({"follow_i.inner"}).renewed == ("inner",)
    assert book.space["inner"] is new is not old
    assert Origin("follow_i", "inner").value() is new


# --- changes


def test_a_complete_batch_is_taken_at_once() -> None:
    collected = Collected()
    collected.hear(Hint(frozenset({"a"}), first=True))
    collected.hear(Quiet(frozenset({"a", "b"})))
    assert collected.take((), 0) == {"a", "b"}
    assert collected.take((), 0) == set()


def test_half_a_batch_is_left_without_patience_and_waited_for_with_it() -> None:
    collected = Collected()
    collected.hear(Hint(frozenset({"a"})))
    assert collected.take((), 0) == set()
    quiet = threading.Thread(target=lambda: collected.hear(Quiet(frozenset({"a", "b"}))))
    quiet.start()
    assert collected.take((), 10) == {"a", "b"}
    quiet.join()


def test_what_the_watcher_never_completes_is_taken_in_the_end() -> None:
    collected = Collected()
    collected.hear(Hint(frozenset({"a"})))
    assert collected.take({"b"}, 0.01) == {"a", "b"}


def test_a_loaded_file_is_told_once_and_a_touched_one_never(write: Write, opened: Opened) -> None:
    files = LoadedFiles()
    path = write("changed_a.py", "value = 1")
    opened.enter("import changed_a")
    files.changed()
    path.touch()
    assert files.changed() == set()
    path.write_text("value = 2\n")
    assert files.changed() == {str(path)}
    assert files.changed() == set()
    path.unlink()
    assert files.changed() == {str(path)}


# --- inputs


def test_an_edit_is_live_in_the_next_input(write: Write, opened: Opened) -> None:
    write("live_leaf.py", "VALUE = 1")
    write("live_top.py", "from live_leaf import VALUE", "doubled = VALUE * 2", "def tell(): return 'old'")
    opened.enter("from live_top import doubled, tell as say; import live_leaf as leaf; mine = [1]")
    held = opened.space["say"]
    write("live_top.py", "from live_leaf import VALUE", "doubled = VALUE * 2", "def tell(): return 'new'")
    assert opened.get("say()") == "new"
    assert opened.space["say"] is held
    assert "patched 1 function" in opened.shown[-1]
    write("live_leaf.py", "VALUE = 21")
    assert opened.get("(doubled, leaf.VALUE, mine)") == (42, 21, [1])
    assert "(project/live_leaf.py); doubled" in opened.shown[-1]


def test_a_cycle_that_an_edit_brings_is_told_once(write: Write, opened: Opened) -> None:
    write("round_a.py", "import round_b", "A = 1")
    write("round_b.py", "B = 1")
    opened.enter("import round_a")
    write("round_b.py", "import round_a", "B = 1")
    opened.enter("1")
    assert "ran 2 statements" in opened.shown[-2] or "ran 1 statement" in opened.shown[-2], opened.shown
    assert opened.shown[-1].startswith("new import cycle, import-time: round_a (")
    opened.enter("2")
    write("round_b.py", "import round_a", "B = 2")
    opened.enter("3")
    assert sum("cycle" in line for line in opened.shown) == 1, opened.shown


def test_twenty_edits_without_a_pause_are_all_seen(write: Write, opened: Opened) -> None:
    write("fast_a.py", "VALUE = 100")
    opened.enter("from fast_a import VALUE")
    for number in range(101, 121):
        write("fast_a.py", f"VALUE = {number}")
        assert opened.get("VALUE") == number


def test_an_error_changes_nothing_and_is_shown_once(write: Write, opened: Opened) -> None:
    path = write("broken_a.py", "VALUE = 1")
    opened.enter("from broken_a import VALUE")
    write("broken_a.py", "VALUE = 2", "VALUE +")
    assert opened.get("VALUE") == 1
    assert f"({path}:2)" in opened.shown[-1]
    assert opened.shown[-1].splitlines()[-1].strip().startswith("|")  # the carets
    assert opened.prompt.reloader.pending == {str(path)}
    told = len(opened.shown)
    assert opened.get("VALUE") == 1
    assert len(opened.shown) == told
    write("broken_a.py", "VALUE = 3")
    assert opened.get("VALUE") == 3


def test_nothing_is_applied_while_an_input_runs(write: Write, opened: Opened) -> None:
    path = write("during_a.py", "VALUE = 1")
    opened.enter("import during_a")
    opened.enter(f"__import__('pathlib').Path({str(path)!r}).write_text('VALUE = 2'); seen = during_a.VALUE")
    assert opened.space["seen"] == 1
    assert opened.get("during_a.VALUE") == 2


def test_the_user_may_ask_the_reloader(write: Write, opened: Opened) -> None:
    path = write("asked_a.py", "VALUE = 1")
    opened.enter("from asked_a import VALUE")
    path.write_text("VALUE = 2\n")
    opened.space["path"] = str(path)
    exec("report = reloader.apply(path)", opened.space)
    opened.prompt.after_input("report = reloader.apply(path)")
    assert opened.space["VALUE"] == 2
    assert opened.shown[-1].endswith("(project/asked_a.py); VALUE follows")


def test_the_first_module_is_tried_until_it_can_be_imported(write: Write, opened: Opened) -> None:
    write("first_pkg/__init__.py")
    write("first_pkg/inner.py", "VALUE = 1 +")
    opened.prompt.begin_with("first_pkg.inner")
    assert "SyntaxError" in opened.shown[-1]
    assert "usercode" not in opened.shown[-1]
    told = len(opened.shown)
    opened.enter("pass")
    assert len(opened.shown) == told
    write("first_pkg/inner.py", "VALUE = 1 / 0")
    opened.enter("pass")
    assert "ZeroDivisionError" in opened.shown[-1]
    write("first_pkg/inner.py", "VALUE = 1")
    assert opened.get("inner.VALUE") == 1
    assert opened.shown[-1] == "imported first_pkg.inner as inner"
    write("first_pkg/inner.py", "VALUE = 2")
    assert opened.get("inner.VALUE") == 2


def test_a_first_module_that_is_not_there_yet(write: Write, opened: Opened) -> None:
    opened.prompt.begin_with("first_late")
    assert "No module named 'first_late'" in opened.shown[-1]
    path = write("first_late.py", "VALUE = 1")
    collected = opened.prompt._collected
    with collected._news:
        assert collected._news.wait_for(lambda: str(path) in collected._complete, 10)
    assert opened.get("first_late.VALUE") == 1


def test_leaving_undoes_everything(folder: Path) -> None:
    finders, threads = list(sys.meta_path), threading.active_count()
    opened = Opened(folder)
    with opened.prompt:
        assert opened.space[HANDLE] is opened.prompt.reloader
        assert sys.meta_path != finders
    assert sys.meta_path == finders
    assert threading.active_count() == threads
    assert HANDLE not in opened.space


@pytest.mark.parametrize("name", ["app.py", "a-b", "", "a..b", "pkg/mod"])
def test_what_cannot_be_a_modules_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("app.py").touch()
    with pytest.raises(UsageError, match="takes the name of a module"):
        check_name(name)
