"""What a library is told for its effect is told again of what is made again, where it knows nothing of the old."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

TOLD = {
    "on the class": "cls.told = [*vars(cls).get('told', ()), function]",
    "weakly": "WEAK.setdefault(cls, []).append(function)",
    "by its address, weakly": "KNOWN[id(cls), id(function)] = weakref.ref(function, lambda _: None)",
    "nowhere": "pass",
    "in a list": "LIST.append(cls)",
    "in another list": "global LIST; LIST = [*LIST, id(cls)]",
    "only the function": "LIST.append(function)",
    "under its name": "NAMED[cls.__name__] = function",
    "inside": "DEPOT.kept.append((cls.__name__, function.__name__))",
    "inside a function": "LIST[:] = [lambda: function]",
    "its name": "NAMES.append(function.__name__)",
    "its name, once": "NAMES.append(function.__name__) if function.__name__ not in NAMES else None",
    "how many": "global count; count += 1",
    "how many, far away": "DEPOT.far[0]['a'].far[0].far.append(1)",
    "how many, in an object": "DEPOT.count += 1",
    "in a set, by its address": "DEPOT.kept.append({id(cls)})",
    "in a thread": "threading.Thread(target=EVENT.wait, args=(2,), name=cls.__name__, daemon=True).start()",
}
FINE = ("on the class", "weakly", "by its address, weakly", "nowhere", "its name, once")
LIBRARY = """
import threading, weakref
LIST, NAMES, NAMED, WEAK, KNOWN, count = [], [], {{}}, weakref.WeakKeyDictionary(), {{}}, 0
EVENT = threading.Event()
class Depot:
    def __init__(self):
        self.kept, self.count, self.far = [], 0, []
DEPOT = Depot()
DEPOT.far.append({{"a": Depot()}})
DEPOT.far[0]["a"].far.append(Depot())
def listen(cls, function):
    {told}
def listens_for(cls, name):
    def tell(function):
        listen(cls, function)
        return function
    return tell
"""
APP = """
from elsewhere import library
class Post:
    @property
    def size(self): return 1
@library.listens_for(Post, "load")
def on_load(post): return 1
def on_save(post): return 1
library.listen(Post, on_save)
"""
SAVING = "def on_save(post): return 1\nlibrary.listen(Post, on_save)\n"
EDITS = {
    "another class": ("class Post:", "class Base: ...\nclass Post(Base):"),
    "another event": ('"load"', '"loaded"'),
    "one less": ("library.listen(Post, on_save)\n", ""),
    "another order": (SAVING, "", "@library", f"{SAVING}@library"),
}


def _away(told: str) -> str:
    """What writes such a library, and has it found: a line of a script."""
    files = {"__init__.py": "", "library.py": LIBRARY.format(told=told)}
    return (
        'import pathlib; sys.path.append("../away"); pathlib.Path("../away/elsewhere").mkdir(parents=True); '
        f'[save("../away/elsewhere/" + name, text) for name, text in {files!r}.items()]'
    )


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("edit", EDITS)
def test_a_library_is_told_again_of_what_it_has_forgotten(reloads: Reloads, told: str, edit: str) -> None:
    is_fine = told == "nowhere" or (edit == "another class" and told in FINE)
    expected = "reloaded" if is_fine else "restart"
    if (told, edit) == ("nowhere", "one less"):
        expected = "unchanged"
    changes = EDITS[edit]
    reloads(
        f"""
        {_away(TOLD[told])}
        import app
        text = pathlib.Path("app.py").read_text()
        for old, new in zip(*[iter({changes!r})] * 2):
            assert old in text
            text = text.replace(old, new)
        save("app.py", text)
        before = app.Post
        report = reloader.apply(["app.py"])
        assert report.status == {expected!r}, report
        if {expected!r} == "reloaded":
            functions = [app.on_load, app.on_save]
            assert vars(app.Post).get("told", functions) == functions
        """,
        {"app.py": APP},
    )


def test_who_is_told_of_functions_alone_is_told_of_new_ones(reloads: Reloads) -> None:
    reloads(
        f"""
        {_away("pass")}
        import app
        assert change("app.py", "def f(a=1)", "def f(a=2)").status == "reloaded" and app.f() == 2
        assert change("app.py", "listen(int, f)", "listen(float, f)").status == "reloaded"
        """,
        {
            "app.py": """
                from elsewhere import library
                @library.listens_for(int, "load")
                def f(a=1): return a
                library.listen(int, f)
                """
        },
    )


def test_modules_that_are_imported_by_name_are_told_of_again(reloads: Reloads) -> None:
    reloads(
        """
        import app
        report = change("plugin.py", "NAME = 1", "NAME = 2")
        assert report.status == "reloaded" and app.names == [2], report
        """,
        {
            "app.py": """
                import importlib
                names = []
                def load():
                    for name in ["plugin"]:
                        module = importlib.import_module(name)
                        module.setup(names)
                load()
                """,
            "plugin.py": "NAME = 1\ndef setup(names, value=NAME): names.append(value)\n",
        },
    )


def test_a_listener_of_a_model_of_sqlalchemy(reloads: Reloads) -> None:
    pytest.importorskip("sqlalchemy")
    reloads(
        """
        import models
        def listeners(name): return list(getattr(models.Post.__mapper__.dispatch, name))
        for old, new, status in [("title: Map", "more: Mapped[str]\\n    title: Map", "reloaded"),
                                 ("return 1", "return 2", "reloaded"), ("before_insert", "after_insert", "restart")]:
            report = change("models.py", old, new)
            assert report.status == status, report
            assert [len(listeners("before_insert")), len(listeners("after_insert"))] == [1, 0]
        """,
        {
            "models.py": """
                from sqlalchemy import event
                from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
                class Base(DeclarativeBase): ...
                class Post(Base):
                    __tablename__ = "posts"
                    id: Mapped[int] = mapped_column(primary_key=True)
                    title: Mapped[str]
                @event.listens_for(Post, "before_insert")
                def on_insert(mapper, connection, post): return 1
                """
        },
    )
