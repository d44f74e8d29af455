"""Objects that keep something when an operator, a property or the like is used on them: nobody calls a method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.programs.edits import Case
from tests.programs.player import Player
from tests.shells.test_reloader_commits import Found

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

RULES = """
class Rule:
    def __init__(self, name):
        self.name, self.kept, self.log = name, {}, []
    def __and__(self, other):
        if other not in self.kept:
            self.kept[other] = Both(self, other)
        return self.kept[other]
    def __rand__(self, other):
        return self.note(other)
    def note(self, word):
        self.log.append(word)
        return len(self.log)
    @property
    def first(self):
        self.log.append(self.name)
        return self.log[0]
    def __getattr__(self, name):
        if name != "lazily":
            raise AttributeError(name)
        self.lazily = value = [self.name]
        return value
    def __getitem__(self, key): return self.note(key)
    def __contains__(self, key): return self.note(key)
    def __iter__(self): return iter([self.note("iter")])
    def __len__(self): return self.note("len")
    def __eq__(self, other): return bool(self.note("eq"))
    __hash__ = object.__hash__
    def __str__(self): return self.name * self.note("str")
    def __neg__(self): return self.note("neg")
    def __enter__(self): return self.note("enter")
    def __exit__(self, *error): self.note("exit")
class Both(Rule):
    def __init__(self, one, other):
        super().__init__(one.name + other.name)
"""
TOKENS = """
class Token(tuple):
    parent = None
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        new = Token((*self, name))
        setattr(self, name, new)
        new.parent = self
        return new
Root = Token()
Text = Root.Text
"""
LEXER = "import tokens\nRULES = [('a', tokens.Text.A), ('b', tokens.Text.B.C)]\nMORE = tokens.Root.More\nimport other\n"
HELD = "from rules import Rule\nbig = Rule('big')\nsmall = Rule('small')\nALL = [big, small]\nX = 1\n"
USES = {
    "and": "X = big & own",
    "reflected": "X = 1 & big",
    "property": "X = [own, big.first]",
    "getattr": "X = [own, big.lazily]",
    "item": "X = big['key']",
    "in": "X = 'key' in big",
    "for": "for X in big: pass",
    "star": "X = [own, *big]",
    "len": "X = len(big)",
    "==": "X = big == 1",
    "format": "X = f'{big}'",
    "str": "X = str(big)",
    "unary": "X = [-big]",
    "with": "with big as X: pass",
    "elements": "X = [own & one for one in ALL] + [one & own for one in ALL]",
    "a part": "import held\nX = held.ALL[0] & own",
    "default": "def f(x=big & own): return x",
    "decorator": "def given(x): return lambda f: f\n@given(x=big & own)\ndef f(): pass",
    "in a function": "def f(): return big & own\nX = f()",
    "in a class": "class K:\n    x = big & own",
}


def user(use: str, number: int = 1) -> str:
    """A module that uses an operator on an imported object."""
    return f"from held import big, small, ALL, Rule\nN = {number}\nown = Rule('own' * N)\n{use}\n"


FOUND = {
    "attributes of a tuple": Found(
        {"tokens.py": TOKENS, "app.py": LEXER, "other.py": "import tokens\nX = tokens.Text.A, tokens.Text.D\n"},
        (
            {"app.py": LEXER.replace("('a', tokens.Text.A), ", "")},
            {"app.py": LEXER.replace("B.C", "E")},
            {"app.py": LEXER.replace("More", "Other")},
            {"tokens.py": TOKENS.replace("Text", "Text = Root.First = Root.Text")},
        ),
    ),
    **{
        f"{name}, executed again": Found(
            {"rules.py": RULES, "held.py": HELD, "app.py": user(use)}, ({"app.py": user(use, 2)}, {"app.py": user(use)})
        )
        for name, use in USES.items()
        if name not in ("reflected",)
    },
    **{
        f"{name}, gone": Found(
            {"rules.py": RULES, "held.py": HELD, "app.py": user(use)},
            ({"app.py": user("Y = 1")}, {"app.py": user("Y = 2")}),
        )
        for name, use in USES.items()
    },
    **{
        f"{name}, new before another": Found(
            {"rules.py": RULES, "held.py": HELD, "app.py": user("Y = 1") + "import later\n", "later.py": user(use)},
            ({"app.py": user(use) + "import later\n"},),
            "restart" if name == "in a function" else "reloaded",
        )
        for name, use in USES.items()
    },
    **{
        f"{name}, in the same module": Found(
            {"rules.py": RULES, "app.py": f"{HELD}own = Rule('own')\nN = 1\n{use}\n"},
            ({"app.py": f"{HELD}own = Rule('own')\nN = 1\nY = 2\n"}, {"app.py": f"{HELD}own = Rule('own')\n{use}\n"}),
        )
        for name, use in USES.items()
        if name != "a part"
    },
}


@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_the_process_is_what_a_fresh_start_would_be(player: Player, found: Found) -> None:
    versions = [dict(found.files)]
    for edit in found.edits:
        versions.append({**versions[-1], **edit})  # type: ignore[dict-item]
    outcomes = player.play(Case(tuple(versions)))
    assert [(outcome["status"], outcome["fault"]) for outcome in outcomes] == [(found.status, "")] * len(found.edits)


def test_what_operators_leave_as_it_is_stays(reloads: Reloads) -> None:
    reloads(
        """
        import app, held
        one, other, twice = held.one, app.own, app.twice
        assert change("app.py", "N = 1", "N = 2").status == "reloaded"
        assert change("app.py", "one + own", "one + own + own").status == "reloaded"
        assert (held.one, app.own) == (one, other) and app.twice is twice and app.both.name == "oneownown"
        """,
        {
            "held.py": """
                class Name:
                    def __init__(self, name): self.name = name
                    def __add__(self, other): return Name(self.joined(other))
                    def joined(self, other): return self.plain + other.plain
                    def __mul__(self, times): return self.repeat(times)
                    def repeat(self, times):
                        parts = []
                        for _ in range(times): parts.append(self.plain)
                        return Name("".join(parts))
                    @property
                    def plain(self): return self.name.strip()
                one = Name("one")
            """,
            "app.py": """
                from held import Name, one
                N = 1
                own = Name("own")
                twice = own * 2
                both = one + own
                size = len(both.plain) * N
            """,
        },
    )
