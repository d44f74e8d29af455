"""Classes that are derived from a library's: made again if it keeps nothing of the old ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

HOOKS = {
    "nothing": "cls.names = {key for key in dir(cls) if hasattr(cls, key)}",
    "weakly": "WEAK.add(cls)",
    "on the class": "cls.made = Made(cls)",
    "in a list of its own": "cls.heirs.append(cls)",
    "in a list of the module": "LIST.append(cls)",
    "in another module": "depot.put(cls)",
    "their names": "NAMES.add(cls.__name__)",
    "their number": "global count; count += 1",
    "how many there are in all": "cls.position = next(NUMBERS)",
    "numbers of what they have": "cls.made = Numbered()",
}
FINE = ("nothing", "weakly", "on the class", "numbers of what they have")
LIBRARY = """
import itertools, weakref
from elsewhere import depot
LIST, NAMES, WEAK, NUMBERS, count = [], set(), weakref.WeakSet(), itertools.count(), 0
class Made:
    def __init__(self, owner):
        self.owner = owner
class Numbered:
    number = 0
    def __init__(self):
        self.number = Numbered.number = Numbered.number + 1
class Kept:
    heirs = []
    def __init_subclass__(cls):
        {hook}
"""
APP = """
import elsewhere.library
class Heir(elsewhere.library.Kept):
    def __init__(self): self.x = type(self).mark
    mark = 1
class Second(Heir): ...
"""
SECOND = "class Second(Heir): ...\n"


def _away(hook: str) -> str:
    """What writes a library with such a hook, and has it found: a line of a script."""
    depot = "kept = []\nput = kept.append\n"
    files = {"__init__.py": "", "depot.py": depot, "library.py": LIBRARY.format(hook=hook)}
    return (
        'import pathlib; sys.path.append("../away"); pathlib.Path("../away/elsewhere").mkdir(parents=True); '
        f'[save("../away/elsewhere/" + name, text) for name, text in {files!r}.items()]'
    )


@pytest.mark.parametrize("kept", HOOKS)
@pytest.mark.parametrize("edit", [("mark = 1", "mark = 2"), ("class Heir", "class Other"), (SECOND, "")])
def test_a_library_that_keeps_nothing_of_a_class_is_asked_for_another(
    reloads: Reloads, kept: str, edit: tuple[str, str]
) -> None:
    expected = "reloaded" if kept in FINE else "restart"
    reloads(
        f"""
        {_away(HOOKS[kept])}
        import app
        text = pathlib.Path("app.py").read_text().replace(*{edit!r})
        save("app.py", text.replace("(Heir)", "(Other)") if "Other" in text else text)
        report = reloader.apply(["app.py"])
        assert report.status == {expected!r}, report
        if {expected!r} == "reloaded":
            assert getattr(app, "Heir", getattr(app, "Other", None)).mark == (2 if "2" in text else 1)
        """,
        {"app.py": APP},
    )


@pytest.mark.parametrize("held", ["", "app.Heir()", "app.Heir"])
def test_nobody_has_the_old_class_any_more(reloads: Reloads, held: str) -> None:
    hook = "cls.__init__ = lambda self, made=Made(cls): setattr(self, 'made', made)"
    reloads(
        f"""
        {_away(hook)}
        import app, other
        other.kept.extend([{held}])
        report = change("app.py", "mark = 1", "mark = 2")
        assert report.status == ("restart" if other.kept else "reloaded"), report
        """,
        {"app.py": APP, "other.py": "kept = []\n"},
    )


@pytest.mark.parametrize(("before", "after", "status"), [(1, 0, "reloaded"), (0, 1, "restart"), (0, 0, "reloaded")])
def test_what_a_library_numbers_stays_in_its_order(reloads: Reloads, before: int, after: int, status: str) -> None:
    one = "class Mixin{}:\n    part = elsewhere.library.Numbered()\n"
    head, rest = APP.replace("class Second", "class Third").split("class Heir", 1)
    app = f"{head}{one.format(1) * before}class Heir{rest}{one.format(2) * after}"
    reloads(
        f"""
        {_away(HOOKS["numbers of what they have"])}
        import app
        for edit in (("mark = 1", "mark = 2"), ("mark = 2", "mark = 3")):
            report = change("app.py", *edit)
            assert report.status == {status!r}, report
            if {status!r} == "restart":
                assert "in the order of a fresh start" in report.reason, report
                break
        """,
        {"app.py": app},
    )


def test_a_model_of_sqlalchemy_gets_a_column(reloads: Reloads) -> None:
    pytest.importorskip("sqlalchemy")
    reloads(
        """
        import app, models
        old = models.Base
        report = change("models.py", "    name:", "    nick: Mapped[str]\\n    name:")
        assert report.status == "reloaded", report
        assert [one.name for one in app.columns] == ["id", "nick", "name"] and models.Base is not old
        assert set(models.Base.metadata.tables) == {"users", "items"}
        assert models.Base.registry._class_registry["User"] is models.User is app.User
        user, held = models.User, models.User()
        report = change("models.py", "return 1", "return 2")
        assert report.status == "reloaded" and held.method() == 2 and models.User is user, report
        report = change("models.py", "nick: Mapped[str]", "nick: Mapped[int]")
        assert report.status == "restart" and "is in use" in report.reason, report
        """,
        {
            "models.py": """
                from sqlalchemy import ForeignKey
                from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
                class Base(DeclarativeBase): ...
                class User(Base):
                    __tablename__ = "users"
                    id: Mapped[int] = mapped_column(primary_key=True)
                    name: Mapped[str]
                    items: Mapped[list["Item"]] = relationship()
                    def method(self): return 1
                class Item(Base):
                    __tablename__ = "items"
                    id: Mapped[int] = mapped_column(primary_key=True)
                    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
                """,
            "app.py": "from models import User\ncolumns = list(User.__table__.columns)\n",
        },
    )
