"""Imports worth making lazy: what is saved by whom, and what speaks against it."""

from __future__ import annotations

from pepperpy_reload.core.costs import Costs, Load, Use
from pepperpy_reload.core.imports import Source
from pepperpy_reload.core.reading import read_source
from pepperpy_reload.core.suggestions import Suggestion, suggestions


def found(
    app: str, other: str = "", *, heavy: str = "", called: set[tuple[str, int]] | None = None
) -> list[Suggestion]:
    """`app` imports `heavy` at its line 1, takes `other`, which may import `heavy` at its line 1 as well."""
    loads = (
        Load("app", end=10.0),
        Load("heavy", parent=0, importer="app", file="app.py", line=1, start=1, end=8),
        Load("heavy.sub", parent=1, importer="heavy", file="heavy.py", line=1, start=2, end=4),
        Load("other", parent=0, importer="app", file="app.py", line=2, start=8, end=9),
    )
    names = ("sub",) if "sub" in app.split("\n")[0] else ()
    uses = [
        Use("app", "app.py", 1, "", "heavy", names, time=1.0),
        Use("heavy", "heavy.py", 1, "", "heavy.sub", time=2.0),
        Use("app", "app.py", 2, "", "other", time=8.0),
        *([Use("other", "other.py", 1, "", "heavy", time=8.5)] if other else []),
    ]
    texts = {"app": app, "other": other} | ({"heavy": heavy} if heavy else {})
    sources: dict[str, Source] = {
        name: read_source(name, f"{name}.py", text.encode(), is_package=False) for name, text in texts.items()
    }
    return [one for one in suggestions(Costs(loads, uses), sources, called) if one.name == "heavy"]


INSIDE = "import heavy\nimport other\ndef f():\n    return heavy.x\n"


def test_what_is_saved_and_what_is_to_be_written() -> None:
    [one] = found(INSIDE)
    assert (one.saved, one.modules, one.is_safe, one.used) == (7.0, 2, True, None)
    [change] = one.changes
    assert (change.today, change.future) == (('heavy = lazy_import("heavy")',), "lazy import heavy")
    assert found(INSIDE, called=set())[0].used is False
    assert found(INSIDE, called={("app.py", 3)})[0].used is True
    [change] = found("from heavy import sub as s, x\nimport other\n")[0].changes
    assert change.today == ('s = lazy_import("heavy.sub")', 'x = lazy_import("heavy", "x")')
    assert change.future == "lazy from heavy import sub as s, x"


def test_what_annotations_name_is_imported_for_type_checkers() -> None:
    [change] = found("from heavy import sub as s\nimport other\ndef f(x: 's.X'):\n    return s\n")[0].changes
    assert change.today == (
        "if TYPE_CHECKING:", "    from heavy import sub as s", "else:", '    s = lazy_import("heavy.sub")',
    )  # fmt: skip
    assert change.needs == ("from typing import TYPE_CHECKING", "from pepperpy_reload import lazy_import")


def test_all_who_import_it_have_to_change() -> None:
    [one] = found(INSIDE, "import heavy\ndef f():\n    return heavy\n")
    assert (one.saved, len(one.changes)) == (7.0, 2)
    [one] = found(INSIDE, "import heavy\nX = heavy.x\n")
    assert (one.is_safe, [change.against for change in one.blocked]) == (
        False, ["heavy is read at module level, line 2"]
    )  # fmt: skip


def test_what_speaks_against_it() -> None:
    reasons = {
        "try:\n    import heavy\nexcept ImportError: pass": ["it stands inside a try, if, with or loop"],
        "import heavy, other": ["it is one statement with other imports"],
        "from heavy import *": ["it takes all names"],
        "import heavy\n__all__ = ['heavy']": ["heavy is exported"],
        "import heavy\nheavy = 1": ["heavy is bound again, line 2"],
        "import heavy\ndef f(x):\n    return x is heavy": ["line 3 needs the very object that heavy is"],
        "import heavy.sub\n": ["it binds heavy, which lazy_import cannot; lazy import can"],
        "import heavy\nfrom app import heavy as other": ["app takes heavy from here"],
    }
    for text, expected in reasons.items():
        assert [change.against for one in found(text) for change in one.blocked] == expected, text
    [one] = found(INSIDE, heavy="import atexit\natexit.register(print)\nclass A(atexit.B): pass")
    assert (one.is_safe, one.deeds) == (False, ("heavy calls atexit.register() (line 2)",))
