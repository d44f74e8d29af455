"""What follows from a value that many modules import is found out ahead, and used only as long as it is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

WIDTH = 6
APP = {
    "settings.py": "import os\nLIMIT = 1\nNAME = 'app'\n\n\ndef body():\n    return 1\n",
    "m0.py": "from settings import LIMIT\nTWICE = LIMIT * 2\n",
    **{
        f"m{n}.py": f"from m{n - 1} import LIMIT\nimport m{n - 1}\nTWICE = LIMIT * 2\n\n\ndef told():\n    pass\n"
        for n in range(1, WIDTH)
    },
    "main.py": "".join(f"import m{n}\n" for n in range(WIDTH)) + "ALL = [m0, m5]\nEVERY = [m.TWICE for m in ALL]\n",
}
KNOWING = """
    import os
    from pepperpy_reload.core.planner import plan_and_traces
    from pepperpy_reload.reloading import engine
    from pepperpy_reload.reloading.reading import read_batch

    def known(*paths):
        "Whether a plan goes by what was known; it is what it would be without."
        plan = engine.prepare([os.path.abspath(path) for path in paths]).plan
        reading = read_batch([os.path.abspath(path) for path in paths])
        world = reading.world()
        other = plan_and_traces(reading.demand(world), world)[0]
        said = [[(step.action, step.module, step.index, step.reasons) for step in one.steps] for one in (plan, other)]
        assert said[0] == said[1] and plan.cells == other.cells and plan.restart == other.restart, said
        return plan.passed is not None

    def ahead():
        for _ in reloader.look_ahead():
            pass

    def edit(name, old, new):
        "Whether what the edit asks for is known; then it is done."
        text = pathlib.Path(name).read_text()
        assert old in text, text
        save(name, text.replace(old, new))
        found = known(name)
        report = reloader.apply([name])
        assert report.status == "reloaded", report
        return found
"""


def test_a_value_is_passed_on_by_what_is_known(reloads: Reloads) -> None:
    reloads(
        KNOWING
        + """
    import main, m5
    assert not edit("settings.py", "LIMIT = 1", "LIMIT = 2")  # nobody has looked
    for number in range(3, 6):
        ahead()  # what has been executed may have run functions: then it is looked for again
        assert edit("settings.py", f"LIMIT = {number - 1}", f"LIMIT = {number}")
        assert (m5.LIMIT, m5.TWICE, main.EVERY) == (number, 2 * number, [2 * number] * 2), main.EVERY
    assert not edit("settings.py", "return 1", "return 2")  # a body: nothing follows
    if sys.version_info < (3, 12):  # a comprehension is a function there
        ahead()
    assert edit("settings.py", "LIMIT = 5", "LIMIT = 6"), "the body has nothing to do with it"
    ahead()
    assert edit("settings.py", "LIMIT = 6", "LIMIT = 7")
    ahead()
    assert edit("settings.py", "LIMIT = 7\\nNAME = 'app'", "LIMIT = 8\\nNAME = 'other'")
    assert (m5.TWICE, main.m0.LIMIT) == (16, 8)
    """,
        APP,
    )


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("m3.py", "TWICE = LIMIT * 2", "TWICE = LIMIT * 2\nTHRICE = LIMIT * 3"),
        ("m3.py", "TWICE = LIMIT * 2", "TWICE = 4"),
        ("m3.py", "TWICE = LIMIT * 2", "TWICE = LIMIT * 2\nLIMIT = 9"),
        ("m5.py", "from m4 import LIMIT", "from m2 import LIMIT"),
        ("main.py", "ALL = [m0, m5]", "ALL = [m0, m4, m5]\nLAST = m5.LIMIT"),
        ("settings.py", "import os\n", "import os\nLESS = 1\n"),
        ("settings.py", "NAME = 'app'", "NAME = 'app'\nOTHER = LIMIT + 1"),
    ],
)
def test_what_an_edit_makes_untrue_is_not_gone_by(reloads: Reloads, file: str, old: str, new: str) -> None:
    reloads(
        KNOWING
        + f"""
    import main, m3, m5
    ahead()
    edit({file!r}, {old!r}, {new!r})
    edit("settings.py", "LIMIT = 1", "LIMIT = 2")
    ahead()
    edit("settings.py", "LIMIT = 2", "LIMIT = 3")
    wanted = dict(LIMIT=9 if "= 9" in {new!r} else 3, TWICE=4 if "= 4" in {new!r} else 6)
    assert dict(LIMIT=m3.LIMIT, TWICE=m3.TWICE) == wanted, vars(m3)
    assert m5.LIMIT == (3 if "m2" in {new!r} else wanted["LIMIT"]) and m5.TWICE == 2 * m5.LIMIT, vars(m5)
    """,
        APP,
    )


@pytest.mark.parametrize(
    "deed",
    [
        "m2.other = main",
        "m2.m1 = None",
        "m2.LIMIT = [1]",
        "main.m3 = m4",
        "m3.__getattr__ = lambda name: name",
        "import late",
        "import types; sys.modules['m3'] = types.ModuleType('m3')",
    ],
)
def test_what_has_been_done_meanwhile_is_seen(reloads: Reloads, deed: str) -> None:
    reloads(
        KNOWING
        + f"""
    import main, m2, m3, m4
    ahead()
    {deed}
    save("settings.py", pathlib.Path("settings.py").read_text().replace("LIMIT = 1", "LIMIT = 2"))
    assert not known("settings.py")
    """,
        {**APP, "late.py": "from m5 import LIMIT\nLATE = LIMIT\n"},
    )


@pytest.mark.parametrize("value", ["[1]", "iter([1])", "(1, [2])", "None", "'text'"])
def test_what_is_no_plain_value_is_taken_step_by_step(reloads: Reloads, value: str) -> None:
    reloads(
        KNOWING
        + f"""
    import main, m5, settings
    ahead()
    save("settings.py", pathlib.Path("settings.py").read_text().replace("LIMIT = 1", "LIMIT = {value}"))
    before = [dict(vars(module)) for module in (settings, m5, main)]
    report = reloader.apply(["settings.py"])
    if {value!r} in ("None", "iter([1])"):
        assert report.status == "failed" and "m0.py" in str(report.error), report
        assert [dict(vars(module)) for module in (settings, m5, main)] == before
    else:
        assert report.status == "reloaded", report
        assert m5.LIMIT is settings.LIMIT and m5.TWICE == settings.LIMIT * 2 and main.EVERY == [m5.TWICE] * 2
    save("settings.py", pathlib.Path("settings.py").read_text().replace("LIMIT = {value}", "LIMIT = 4"))
    assert reloader.apply(["settings.py"]).status == "reloaded"
    assert (m5.LIMIT, m5.TWICE, main.EVERY) == (4, 8, [8, 8])
    """,
        APP,
    )


def test_who_is_called_around_a_reload_is_called(reloads: Reloads) -> None:
    reloads(
        KNOWING
        + """
    import main, m4, m5
    ahead()
    assert edit("settings.py", "LIMIT = 1", "LIMIT = 2")
    assert (m4.seen, m4.gone) == ([2], [1]), (m4.seen, m4.gone)
    """,
        {
            **APP,
            "m4.py": APP["m4.py"]
            + "from pepperpy_reload import on_dispose\nseen, gone = [], []\non_dispose(lambda: gone.append(1))\n"
            + "def __after_reload__():\n    seen.append(LIMIT)\n",
        },
    )


def test_a_module_that_an_edited_one_no_longer_holds_is_seen(reloads: Reloads) -> None:
    reloads(
        KNOWING
        + """
    import main, settings, deep
    ahead()
    assert edit("settings.py", "LIMIT = 1", "LIMIT = 2")
    settings.deep = None
    ahead()
    save("settings.py", pathlib.Path("settings.py").read_text().replace("LIMIT = 2", "LIMIT = 3"))
    assert not known("settings.py")
    """,
        {**APP, "settings.py": "import deep\n" + APP["settings.py"], "deep.py": "X = 1\n"},
    )


def test_an_edit_while_it_is_looked_for_has_it_not_missed(reloads: Reloads) -> None:
    reloads(
        KNOWING
        + """
    import main, m3
    looking = reloader.look_ahead()
    next(looking)
    edit("settings.py", "return 1", "return 2")
    for _ in looking:
        pass
    ahead()
    assert edit("settings.py", "LIMIT = 1", "LIMIT = 2")
    ahead()
    looking = reloader.look_ahead()
    edit("m3.py", "TWICE = LIMIT * 2", "TWICE = LIMIT + 2")
    looking = reloader.look_ahead()
    next(looking)
    edit("m3.py", "TWICE = LIMIT + 2", "TWICE = LIMIT + 3")
    ahead()
    assert edit("settings.py", "LIMIT = 2", "LIMIT = 3")
    assert m3.TWICE == 6
    """,
        APP,
    )
