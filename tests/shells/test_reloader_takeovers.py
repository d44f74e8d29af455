"""Names that are only taken over, and sums of plain values: what is left out around them is not missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

DEPTH = 6
CHAIN = {
    "leaf.py": "VALUE = 1\n",
    "m0.py": "from leaf import VALUE\nSUM = VALUE + 0\n",
    **{f"m{n}.py": f"from m{n - 1} import VALUE, SUM as S\nSUM = S + VALUE\n" for n in range(1, DEPTH)},
    "main.py": f"from m{DEPTH - 1} import SUM, VALUE\nimport leaf\nTEXT = f'{{SUM}} {{leaf.VALUE}}'\n",
}


def test_what_a_statement_ran_does_not_hold_its_own_code(reloads: Reloads) -> None:
    reloads(
        """
        import main
        from pepperpy_reload.importing.recorder import recorder
        for number in range(2, 4):
            assert change("leaf.py", f"VALUE = {number - 1}", f"VALUE = {number}").status == "reloaded"
            ran = {key.qualname for loaded in recorder.modules.values() for key in loaded.footprint}
            assert not ran, ran
        """,
        {**CHAIN, "main.py": CHAIN["main.py"] + "first, second = [VALUE, 2]\n"},
    )


def test_values_go_through_all_modules_again_and_again(reloads: Reloads) -> None:
    reloads(
        f"""
        import main, m0
        for old, new in zip([1, 2, "'ab'", 3.5], [2, "'ab'", 3.5, 1]):
            report = change("leaf.py", f"VALUE = {{old}}", f"VALUE = {{new}}")
            wrong = new == "'ab'"  # a text and a number have no sum
            assert report.status == ("failed" if wrong else "reloaded"), report
            if wrong:
                assert (main.VALUE, main.SUM, m0.SUM) == (2, 2 * {DEPTH}, 2) and "m0.py" in str(report.error), report
                old, new = new, 2
                assert change("leaf.py", f"VALUE = {{old}}", "VALUE = 2").status != "failed"
                save("leaf.py", f"VALUE = {{old}}\\n")
            else:
                assert main.TEXT == f"{{new * {DEPTH}}} {{new}}", main.TEXT
        """,
        CHAIN,
    )


@pytest.mark.parametrize("value", ["[1]", "iter([1, 2])", "int", "Own(1)", "lambda: 1", "(1, [2])"])
def test_what_is_no_plain_value_any_more_is_made_again_as_in_a_start(reloads: Reloads, value: str) -> None:
    """Whoever changes or uses up what has come in place of a number is seen."""
    reloads(
        f"""
        import main
        for new in ({value!r}, "3", {value!r}, "4"):
            old = pathlib.Path("leaf.py").read_text().split("VALUE = ")[1].strip()
            report = change("leaf.py", f"VALUE = {{old}}", f"VALUE = {{new}}")
            assert report.status in ("reloaded", "restart"), report
            if report.status == "reloaded":
                import leaf, first, second
                assert first.VALUE is second.VALUE is leaf.VALUE and main.BOTH == (leaf.VALUE, leaf.VALUE)
                assert main.USED == second.use(eval({value!r}, vars(leaf)) if new == {value!r} else int(new))
        """,
        {
            "leaf.py": "class Own(int): pass\nVALUE = 2\n",
            "first.py": "from leaf import VALUE\n",
            "second.py": (
                "from first import VALUE\n"
                "def use(one):\n    if isinstance(one, list): one.append(1); return len(one)\n"
                "    return next(one) if hasattr(one, '__next__') else 0\n"
            ),
            "main.py": (
                "import first, second\nfrom second import VALUE\n"
                "BOTH = (first.VALUE, VALUE)\nUSED = second.use(VALUE)\n"
            ),
        },
    )


def test_a_condition_that_changes_around_an_import_is_not_the_one_of_before(reloads: Reloads) -> None:
    reloads(
        """
        import main
        for old, new, value in (("ON", "not ON", None), ("not ON", "ON", 1), ("ON", "not ON", None)):
            report = change("main.py", f"if {old}:\\n", f"if {new}:\\n")
            assert report.status == "reloaded" and getattr(main, "VALUE", None) == value, (report, new, vars(main))
        """,
        {
            "leaf.py": "VALUE = 1\n",
            "main.py": "import sys\nON = len(sys.argv) < 1000\nif ON:\n    from leaf import VALUE\n",
        },
    )


def test_who_wraps_imports_sees_those_that_are_executed_again(reloads: Reloads) -> None:
    reloads(
        """
        import builtins, main
        inner, seen = builtins.__import__, []
        def outer(name, *more, **others):
            seen.append(name)
            return inner(name, *more, **others)
        builtins.__import__ = outer
        try:
            assert change("leaf.py", "VALUE = 1", "VALUE = 2").status == "reloaded" and main.VALUE == 2
        finally:
            builtins.__import__ = inner
        assert "m0" in seen and "leaf" in seen, seen
        """,
        CHAIN,
    )


def test_what_a_value_was_computed_with_is_forgotten_once_it_is_a_constant(reloads: Reloads) -> None:
    reloads(
        """
        import main
        from pepperpy_reload.importing.recorder import recorder
        assert any(recorder.modules["main"].reads.values())
        assert change("main.py", "VALUE = read()", "VALUE = 5").status == "reloaded" and main.VALUE == 5
        assert not any(recorder.modules["main"].reads.values()), recorder.modules["main"].reads
        main.VALUE = 6  # who computed it again would put a 5 there
        assert change("main.py", "return text", "return text * 2").ran == () and main.VALUE == 6
        assert change("main.py", "VALUE = 5", "VALUE = read()").status == "reloaded"
        assert main.VALUE == "x = 1\\n" * 2 and main.MODULES == (main.os, main.pathlib)
        """,
        {
            "main.py": (
                "import os, pathlib\n\ndef read():\n    text = pathlib.Path('other.txt').read_text()\n    return text\n"
                "VALUE = read()\nMODULES = (os, pathlib)\n"
            ),
            "other.txt": "x = 1\n",
        },
    )


def test_a_constant_that_comes_to_stand_before_or_after_others_is_what_a_start_has(reloads: Reloads) -> None:
    reloads(
        """
        import main
        edits = [
            ("A = 1\\nB = A\\n", "B = A\\nA = 2\\n", "failed"),
            ("B = A\\nA = 2\\n", "A = 2\\nB = A\\nA = 3\\n", "reloaded"),
            ("A = 3\\n", "A = 4\\n", "reloaded"),
            ("A = 2\\n", "A = 7\\n", "reloaded"),
        ]
        for old, new, status in edits:
            report = change("main.py", old, new)
            assert report.status == status, (new, report)
        assert (main.A, main.B) == (4, 7), vars(main)
        """,
        {"main.py": "A = 1\nB = A\n"},
    )
