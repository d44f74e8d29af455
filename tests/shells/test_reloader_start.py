"""What an edit of imports makes of a start: what nothing imports goes, and the order of what is loaded counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

PLUGINS = {
    "registry.py": "items = []\nkept = object()\n",
    "first.py": "import registry\nregistry.items.append('first')\nstate = []\n",
    "second.py": "import registry\nregistry.items.append('second')\n",
    "third.py": "import registry\nregistry.items.append('third')\n",
    "main.py": "import registry\nimport first\nimport second\n",
}


def test_a_module_that_nothing_imports_any_more_goes_with_its_traces(reloads: Reloads) -> None:
    reloads(
        """
        import main, registry, first
        kept = registry.kept, first.state
        report = change("main.py", "import second\\n", "")
        assert report.status == "reloaded" and "second" in report.dropped, report
        assert registry.items == ["first"] and "second" not in sys.modules and not hasattr(main, "second")
        assert registry.kept is kept[0], "what it had not touched"
        assert change("main.py", "import first\\n", "import first\\nimport second\\n").status == "reloaded"
        assert registry.items == ["first", "second"] and main.second is sys.modules["second"]
        """,
        PLUGINS,
    )


def test_a_module_that_somebody_else_imports_stays(reloads: Reloads) -> None:
    reloads(
        """
        import main, second
        report = change("main.py", "import second\\n", "")
        assert report.status == "reloaded" and sys.modules["second"] is second, report
        """,
        {**PLUGINS, "first.py": "import registry\nregistry.items.append('first')\nimport second\n"},
    )


def test_the_order_of_imports_is_that_of_their_effects(reloads: Reloads) -> None:
    reloads(
        """
        import main, registry
        report = change("main.py", "import first\\nimport second\\n", "import second\\nimport first\\n")
        assert report.status == "reloaded" and registry.items == ["second", "first"], (report, registry.items)
        report = change("main.py", "import second\\nimport first\\n", "import first\\nimport second\\n")
        assert report.status == "reloaded" and registry.items == ["first", "second"], (report, registry.items)
        assert change("main.py", "import registry\\n", "import registry\\n\\n").status == "unchanged"
        """,
        PLUGINS,
    )


def test_a_new_module_may_come_last(reloads: Reloads) -> None:
    reloads(
        """
        import main, registry
        report = change("main.py", "import second\\n", "import second\\nimport third\\n")
        assert report.status == "reloaded" and registry.items == ["first", "second", "third"], report
        """,
        PLUGINS,
    )


def test_a_new_module_between_others_that_would_come_after_it(reloads: Reloads) -> None:
    reloads(
        """
        import main, registry
        report = change("main.py", "import second\\n", "import third\\nimport second\\n")
        assert report.status == "restart" and "third is new and changes registry.items" in report.reason, report
        assert registry.items == ["first", "second"] and "third" not in sys.modules
        """,
        PLUGINS,
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("NAME = 1\nimport back\n", "import back\nNAME = 1\n", id="the import moves up"),
        pytest.param("NAME = 1\nimport back\n", "import back\nNAME = 2\n", id="and what it reads changes"),
    ],
)
def test_an_import_that_moves_across_what_a_cycle_reads(reloads: Reloads, before: str, after: str) -> None:
    reloads(
        f"""
        import main, back
        report = change("main.py", {before!r}, {after!r})
        assert report.status in ("restart", "failed"), report
        assert back.NAME == main.NAME == 1
        """,
        {"main.py": before, "back.py": "from main import NAME\n"},
    )


def test_names_that_are_not_bound_again_go(reloads: Reloads) -> None:
    reloads(
        """
        import main
        assert (main.EXTRA, main.typed, main.Thing.member) == (1, 2, 3)
        report = change("flags.py", "True", "False")
        assert report.status == "reloaded" and not hasattr(main, "EXTRA") and "main.EXTRA" in report.dropped, report
        report = change("main.py", " = 2", "")
        assert report.status == "reloaded" and not hasattr(main, "typed"), report
        report = change("main.py", " = 3", "")
        assert report.status == "reloaded" and not hasattr(main.Thing, "member"), report
        """,
        {
            "flags.py": "FLAG = True\n",
            "main.py": """
                from flags import FLAG
                if FLAG:
                    EXTRA = 1
                typed: int = 2
                class Thing:
                    member: int = 3
            """,
        },
    )


def test_star_imports_side_by_side(reloads: Reloads) -> None:
    reloads(
        """
        import pack
        assert (pack.shared, pack.one, pack.two) == ("base", 1, 2)
        assert change("one.py", "one = 1", "one = 5").status == "reloaded"
        assert (pack.shared, pack.one, pack.two) == ("base", 5, 2)
        report = change("one.py", "both = 'one'", "both = 'ONE'")
        assert report.status == "reloaded" and pack.both == "two", "the later one wins"
        report = change("two.py", "both = 'two'\\n", "")
        assert report.status == "reloaded" and pack.both == "ONE", "and leaves it to the earlier one"
        report = change("one.py", "both = 'ONE'\\n", "")
        assert report.status == "reloaded" and not hasattr(pack, "both"), report
        """,
        {
            "base.py": "shared = 'base'\n",
            "one.py": "from base import shared\none = 1\nboth = 'one'\n",
            "two.py": "two = 2\nboth = 'two'\n",
            "pack.py": "from base import *\nfrom one import *\nfrom two import *\n",
        },
    )


def test_a_package_that_runs_again_finds_what_it_imports_up_to_date(reloads: Reloads) -> None:
    """What runs again as a whole begins where a cold start begins it: one of its own parts may ask for it first."""
    reloads(
        """
        import pack
        change_all = {
            "pack/__init__.py": ("from . import kinds", "from __future__ import annotations\\nfrom . import kinds"),
            "pack/kinds.py": ("KIND = 1", "KIND = [2]"),
            "pack/parts.py": ("class Base: pass", "class Base(dict): pass"),
        }
        for name, (old, new) in change_all.items():
            save(name, pathlib.Path(name).read_text().replace(old, new))
        report = reloader.apply(list(change_all))
        assert report.status == "reloaded" and "pack" in report.imported, report
        assert pack.Thing is sys.modules["pack.things"].Thing and pack.Thing.kind is pack.kinds.KIND
        assert sys.modules["pack.parts"].SHARED is pack.kinds.KIND and issubclass(pack.Thing, dict)
        """,
        {
            "pack/__init__.py": "from . import kinds\nfrom .things import Thing as Thing\n",
            "pack/kinds.py": "KIND = 1\n",
            "pack/parts.py": "from . import kinds\nclass Base: pass\nSHARED = kinds.KIND\n",
            "pack/things.py": """
                from . import kinds
                from .parts import Base
                class Thing(Base):
                    kind = kinds.KIND
            """,
        },
    )


def test_annotations_that_stay_text_are_not_read(reloads: Reloads) -> None:
    reloads(
        """
        import http_
        function = http_.parse
        report = change("data.py", "class Policy: pass", "class Policy(dict): pass")
        assert report.status == "reloaded" and http_.parse is function, report
        assert not [place for place in report.ran if place.startswith("http_")], report
        """,
        {
            "data.py": "import http_\nclass Policy: pass\n",
            "http_.py": """
                from __future__ import annotations
                def parse(value, kind: type[data.Policy] | None = None) -> data.Policy:
                    return data.Policy()
                import data
            """,
        },
    )


def test_modules_that_run_as_a_whole_are_still_known_by_the_import_that_loads_them(reloads: Reloads) -> None:
    reloads(
        """
        import pack
        for old, new in (("SIZE = 1", "SIZE = 2"), ("SIZE = 2", "SIZE = 3")):
            report = change("pack/__init__.py", old, new)
            assert report.status == "reloaded" and pack.core.SEEN == ["Broken"], report
        report = change("pack/core.py", "FIRST = 1", "FIRST = 2")
        assert report.status == "reloaded" and pack.FIRST == 2 and pack.core.SEEN == ["Broken"], report
        """,
        {
            "pack/__init__.py": """
                SIZE = 1
                ALL = [SIZE, *globals()]
                from .errors import *
                from .core import FIRST, SECOND
            """,
            "pack/errors.py": "class Broken(Exception): ...\n",
            "pack/core.py": """
                import pack
                from .errors import *
                SEEN = [name for name in list(globals()) if not name.startswith("_") and name != "pack"]
                FIRST = 1
                SECOND = pack.SIZE, [*globals()]
            """,
        },
    )


@pytest.mark.parametrize("by", ["use.py", "tools.py"])
def test_what_a_function_imports_is_imported_by_who_calls_it_and_not_where_it_is_written(
    reloads: Reloads, by: str
) -> None:
    get = "from importlib import import_module\ndef get(name):\n    return import_module(name)\nLATER = 1\n"
    call = "PLUG = tools.get('plug')\n"
    reloads(
        """
        import app, sys
        report = change("plug.py", "import tools", "import tools, other")
        assert report.status == "reloaded" and app.use.PLUG is sys.modules["plug"] and report.ran, report
        """,
        {
            "app.py": "import tools\nimport use\nimport other\n",
            "tools.py": get if by == "use.py" else f"import sys\n{get}{call.replace('tools.', '')}",
            "use.py": f"import tools\n{call}",
            "plug.py": "import tools\nFOUND = tools.LATER\n",
            "other.py": "SIZE = 1\n",
        },
    )


PACKAGE = {
    "app.py": "import p\nimport p.c\n",
    "p/__init__.py": "from p import c\nfrom p import a\n",
    "p/a.py": "import p\nFOUND = p.c.SIZE\n",
    "p/c.py": "SIZE = 1\n",
}
BY_FUNCTION = {"p/a.py": "import p\ndef find(): return p.c.SIZE\nFOUND = find()\n"}
ITSELF = {"p/a.py": "from p import c\nFOUND = c.SIZE\n"}
THROUGH = {"p/__init__.py": "from p import c\nfrom p import b\nfrom p import a\n", "p/b.py": "import p.c\n"}
BESIDE = {"app.py": "import p\n", "p/__init__.py": "import c\nfrom p import a\n", "c.py": "SIZE = 1\n"}


@pytest.mark.parametrize(
    ("files", "imports", "status"),
    [
        (PACKAGE, "from p import a, c\n", "restart"),
        (PACKAGE, "from p import a\n", "restart"),
        (PACKAGE | BY_FUNCTION, "from p import a, c\n", "restart"),
        (PACKAGE | BESIDE, "from p import a\nimport c\n", "restart"),
        (PACKAGE | ITSELF, "from p import a, c\n", "reloaded"),
        (PACKAGE | THROUGH, "from p import b, a, c\n", "reloaded"),
        (PACKAGE | THROUGH, "from p import a, b, c\n", "restart"),
    ],
)
def test_imports_are_sorted_unless_somebody_would_miss_a_module(
    reloads: Reloads, files: dict[str, str], imports: str, status: str
) -> None:
    reloads(
        f"""
        import app
        save("p/__init__.py", {imports!r})
        report = reloader.apply(["p/__init__.py"])
        assert (report.status == "restart") == ({status!r} == "restart"), report
        """,
        files,
    )
