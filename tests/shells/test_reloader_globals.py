"""Names that functions bind (`global`): who binds them is executed again in its order, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.programs.edits import Case
from tests.programs.player import Player

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

FIRST = "N = None\ndef f(x):\n    global N\n    N = N or x\n    return N\n"
NEXT = "N = 0\ndef f():\n    global N\n    N += 1\n    return N\n"
MARK = "N = 0\ndef f(cls):\n    global N\n    N += 1\n    cls.n = N\n    return cls\n"
THREE = "@f\nclass A: pass\n@f\nclass B:\n    {}\nX = N\n@f\nclass C: pass\n"
EDITS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "a new reader before it": ({"app.py": f"{NEXT}A = 1\nf()\n"}, {"app.py": f"{NEXT}A = N\nf()\n"}),
    "the first call": (
        {"app.py": f"{FIRST}A = f(1)\nB = f(2)\nC = N\n"},
        {"app.py": f"{FIRST}A = f(3)\nB = f(2)\nC = N\n"},
    ),
    "the first call is gone": (
        {"app.py": f"{FIRST}A = f(1)\nB = f(2)\nC = N\n"},
        {"app.py": f"{FIRST}B = f(2)\nC = N\n"},
    ),
    "the only call is gone": ({"app.py": f"{FIRST}A = f(1)\nC = N\n"}, {"app.py": f"{FIRST}C = N\n"}),
    "a call before others": (
        {"app.py": f"{FIRST}A = 1\nB = f(2)\nC = N\n"},
        {"app.py": f"{FIRST}A = f(1)\nB = f(2)\nC = N\n"},
    ),
    "the only call is new": ({"app.py": f"{FIRST}A = 1\nC = N\n"}, {"app.py": f"{FIRST}A = f(1)\nC = N\n"}),
    "the function": (
        {"app.py": f"{FIRST}B = f(2)\nC = N\n"},
        {"app.py": f"{FIRST.replace('or x', 'or (x, 1)')}B = f(2)\nC = N\n"},
    ),
    "a call in another module": (
        {
            "m.py": f"{FIRST}K = f(0)\n",
            "b.py": "import m\nB = m.f(2)\nC = m.N\n",
            "app.py": "import m\nA = m.f(1)\nimport b\nD = m.N\n",
        },
        {"app.py": "import m\nA = m.f(7)\nimport b\nD = m.N\n"},
    ),
    "a class that is counted": (
        {"app.py": MARK + THREE.format("pass")},
        {"app.py": MARK + THREE.format("x = 1")},
    ),
    "a class that is counted no more": (
        {"app.py": MARK + THREE.format("pass")},
        {"app.py": MARK + THREE.format("pass").removeprefix("@f\nclass A: pass\n")},
    ),
    "one between two assignments": (
        {"app.py": f"{NEXT}A = f()\nN = 10\nB = f()\nC = f()\n"},
        {"app.py": f"{NEXT}A = f()\nN = 10\nB = f()\nD = f()\nC = f()\n"},
    ),
    "the assignment is gone": (
        {"app.py": "N = 0\ndef f():\n    global N\n    N = 1\nf()\n"},
        {"app.py": "def f():\n    global N\n    N = 1\nf()\n"},
    ),
    "the assignment is new": (
        {"app.py": "def f():\n    global N\n    N = 1\nf()\n"},
        {"app.py": "N = 0\ndef f():\n    global N\n    N = 1\nf()\n"},
    ),
    "an import binds it first": (
        {"m.py": "N = 4\n", "app.py": f"from m import N\n{NEXT.removeprefix('N = 0')}A = f()\n"},
        {"m.py": "N = 6\n"},
    ),
    "a default value": (
        {"app.py": f"{NEXT}def g(x=f()): return x\ndef h(x=f()): return x\nX = 1\n"},
        {"app.py": f"{NEXT}def g(x=f()): return -x\ndef h(x=f()): return x\nX = f()\n"},
    ),
    "a class body": (
        {"app.py": f"{NEXT}class G:\n    x = f()\n    def m(self): ...\nclass H:\n    x = f()\nX = 1\n"},
        {"app.py": f"{NEXT}class G:\n    x = f()\n    def m(self): return 1\nclass H:\n    x = f()\nX = f()\n"},
    ),
    "it is deleted in between": (
        {"app.py": f"{NEXT}A = f()\ndel N\nN = 8\nB = f()\n"},
        {"app.py": f"{NEXT}A = f() + 1\ndel N\nN = 8\nB = f()\n"},
    ),
}


def test_all_is_counted_as_in_a_fresh_start(player: Player) -> None:
    played = {name: player.play(Case((files, {**files, **edited}))) for name, (files, edited) in EDITS.items()}
    told = {name: (one["status"], one["fault"]) for name, outcomes in played.items() for one in outcomes}
    assert told == dict.fromkeys(EDITS, ("reloaded", ""))


def test_what_has_nothing_to_do_with_it_is_left_alone(reloads: Reloads) -> None:
    reloads(
        """
        import app
        kept = app.Other, app.other, app.f
        report = change("app.py", "x = 1", "x = 2")
        assert report.status == "reloaded", report
        assert (app.Other, app.other, app.f) == kept and app.Other() is not app.other
        assert (app.A.n, app.B.n, app.X, app.C.n, app.N, app.B.x) == (1, 2, 2, 3, 3, 2)
        """,
        {"app.py": f"class Other: ...\nother = Other()\n{MARK}{THREE.format('x = 1')}"},
    )
