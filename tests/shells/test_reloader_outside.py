"""Effects at import on what is not the project's own: they cannot be taken back, and are not had twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

HEAD = """\
import atexit, builtins, codecs, copy, copyreg, csv, datetime, hashlib, io, json, locale, logging, logging.config
import mimetypes, os, pickle, random, signal, socket, struct, sys, textwrap, warnings
from os import environ
from threading import Thread
from typing import cast

log = logging.getLogger("outside")

CONFIG = {"version": 1}

class Odd: ...

def seed(number): random.seed(number)

def shout():
    root = logging.getLogger()
    root.setLevel(10)
"""

MARK = "# the effect\n"
EFFECTS = {
    "os.environ['OUTSIDE'] = '1'": "os.environ",
    "environ.update(OUTSIDE='1')": "environ",
    "os.environ.setdefault('OUTSIDE', '1')": "os.environ",
    "sys.path.append('/nowhere')": "sys.path",
    "sys.path += ['/nowhere']": "sys.path",
    "list(map(sys.path.append, ['/nowhere']))": "sys.path",
    "log.setLevel(10)": "log",
    "log.propagate = False": "log.propagate",
    "logging.Logger.setLevel(log, 10)": "logging.Logger",
    "cast('logging.Logger', log).propagate = False": "cast('logging.Logger', log).propagate",
    "logging.getLogger('other').addHandler(logging.NullHandler())": "logging.getLogger",
    "logging.basicConfig(level=10)": "logging.basicConfig",
    "logging.config.dictConfig({'version': 1})": "logging.config.dictConfig",
    "logging.config.dictConfig(CONFIG)": "logging.config.dictConfig",
    "builtins.OUTSIDE = 1": "builtins.OUTSIDE",
    "json.OUTSIDE = 1": "json.OUTSIDE",
    "setattr(json, 'OUTSIDE', 1)": "setattr(json",
    "json.JSONEncoder.item_separator = ';'": "json.JSONEncoder",
    "csv.register_dialect('outside', delimiter=';')": "csv.register_dialect",
    "csv.field_size_limit(200_000)": "csv.field_size_limit",
    "pickle.loads(pickle.dumps(json.JSONEncoder)).item_separator = ';'": "pickle.loads",
    "random.seed(1)": "random.seed",
    "before = random.seed(1)": "random.seed",
    "seed(1)": "random.seed",
    "shout()": "logging.getLogger",
    "warnings.filterwarnings('ignore', 'outside')": "warnings.filterwarnings",
    "atexit.register(print)": "atexit.register",
    "signal.signal(signal.SIGUSR1, signal.SIG_IGN)": "signal.signal",
    "locale.setlocale(locale.LC_ALL, 'C')": "locale.setlocale",
    "codecs.register(lambda name: None)": "codecs.register",
    "copyreg.pickle(Odd, print)": "copyreg.pickle",
    "mimetypes.add_type('a/b', '.outside')": "mimetypes.add_type",
    "socket.setdefaulttimeout(5)": "socket.setdefaulttimeout",
    "sys.setrecursionlimit(2000)": "sys.setrecursionlimit",
    "sys.excepthook = print": "sys.excepthook",
    "if '/nowhere' not in sys.path:\n    sys.path.insert(0, '/nowhere')": "sys.path",
    "Thread(target=print).start()": "threading.Thread.start",
}


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_outside_that_is_gone_needs_a_new_process(reloads: Reloads, effect: str) -> None:
    reloads(
        f"""
        import main
        report = change("main.py", {(MARK + effect)!r}, "pass")
        assert report.status == "restart", report
        assert report.reason.startswith("main.py:") and {EFFECTS[effect]!r} in report.reason, report.reason
        """,
        {"main.py": f"{HEAD}\n{MARK}{effect}\n"},
    )


NO_EFFECTS = (
    "hashlib.md5(b'', usedforsecurity=False)", "new = copy.copy(json.JSONDecoder())\nnew.strict = False",
    "json.loads('{}')['a'] = 1", "datetime.datetime.fromtimestamp(0)", "textwrap.dedent('')",
    "own = logging.getLogger(__name__)", "path = os.path.join('a', 'b')", "home = os.environ.get('HOME')",
    "number = random.randint(1, 2)", "print('here')", "log.info('here')", "encoder = json.JSONEncoder()",
    "pickle.dump({}, io.BytesIO())", "struct.pack_into('b', bytearray(1), 0, 1)",
    "names = sorted(sys.path)", "copied = dict(os.environ)\ncopied.update(a='1')",
    "class Own(logging.Filter):\n    def __init__(self): logging.Filter.__init__(self, 'own')\nown = Own()",
    "def make():\n    new = cast('Odd', Odd())\n    new.size = 1\n    return new\nmake()",
)  # fmt: skip


@pytest.mark.parametrize("statement", NO_EFFECTS)
def test_what_only_looks_outside_is_no_effect(reloads: Reloads, statement: str) -> None:
    reloads(
        f"""
        import main
        assert change("main.py", "pass", {statement!r}).status == "reloaded"
        report = change("main.py", {statement!r}, "limit = 1")
        assert report.status == "reloaded", report
        """,
        {"main.py": f"{HEAD}\npass\n"},
    )


def test_an_effect_that_is_new_may_have_been_missed(reloads: Reloads) -> None:
    reloads(
        """
        import main, os
        report = change("main.py", "pass", "os.environ['OUTSIDE'] = '1'")
        assert report.status == "restart" and "was not so from the start" in report.reason, report
        assert "OUTSIDE" not in os.environ
        """,
        {"main.py": "import os\npass\n"},
    )


def test_a_new_call_of_what_has_an_effect_may_have_been_missed(reloads: Reloads) -> None:
    reloads(
        """
        import main
        report = change("main.py", "pass", "seed(1)")
        assert report.status == "restart" and "calls random.seed" in report.reason and "main:3" in report.reason, report
        """,
        {"main.py": "import random\ndef seed(number): random.seed(number)\npass\n"},
    )


SETTINGS = "import os, sys, logging\nimport limits\n"


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ("os.environ.setdefault('OUTSIDE', '1'); size = limits.SIZE", "reloaded"),
        ("os.environ['OUTSIDE'] = str(limits.SIZE)", "restart"),
        ("if limits.SIZE and '/nowhere' not in sys.path:\n    sys.path.append('/nowhere')", "reloaded"),
        ("if limits.SIZE:\n    sys.path.append('/nowhere')", "restart"),
        ("if limits.SIZE:\n    logging.getLogger('outside').setLevel(20)", "reloaded"),
        ("if limits.SIZE:\n    logging.getLogger('outside').addHandler(logging.NullHandler())", "restart"),
        ("def set_up(size):\n    logging.getLogger('outside').setLevel(20)\nset_up(limits.SIZE)", "reloaded"),
        ("def set_up(size):\n    logging.getLogger('outside').setLevel(size)\nset_up(limits.SIZE)", "restart"),
    ],
)
def test_an_effect_that_is_had_again_must_change_nothing(reloads: Reloads, statement: str, status: str) -> None:
    reloads(
        f"""
        import main, os, sys
        path, environ = list(sys.path), dict(os.environ)
        report = change("limits.py", "1", "2")
        assert report.status == {status!r}, report
        assert (sys.path, dict(os.environ)) == (path, environ)
        """,
        {"limits.py": "SIZE = 1\n", "main.py": f"{SETTINGS}{statement}\n"},
    )


def test_an_effect_of_a_function_that_stays_is_no_reason(reloads: Reloads) -> None:
    reloads(
        """
        import main, logging
        report = change("main.py", "return 1", "return 2")
        assert report.status == "reloaded" and main.size == 2, report
        assert change("main.py", "(20)", "(30)").status == "restart"
        """,
        {
            "main.py": "import logging\ndef set_up():\n    logging.getLogger('outside').setLevel(20)\n    return 1\n"
            "size = set_up()\n"
        },
    )


def test_a_library_that_is_loaded_for_the_first_time_may_do_as_it_does(reloads: Reloads) -> None:
    reloads(
        """
        sys.path.append("../library")
        pathlib.Path("../library").mkdir()
        save("../library/loud.py", "import warnings\\nwarnings.filterwarnings('ignore', 'loud')\\n")
        import main
        assert change("main.py", "pass", "import loud").status == "reloaded"
        """,
        {"main.py": "pass\n"},
    )


def test_a_class_that_is_registered_with_an_abstract_one_is_made_again(reloads: Reloads) -> None:
    reloads(
        """
        import app, collections.abc
        report = change("app.py", "LIMIT = 1", "LIMIT = 2")
        assert report.status == "reloaded" and app.Table.limit == 2, report
        assert issubclass(app.Table, collections.abc.Mapping)
        report = change("app.py", "@abc.Mapping.register\\n", "")
        assert report.status == "reloaded" and not issubclass(app.Table, collections.abc.Mapping), report
        """,
        {
            "app.py": """
                from collections import abc
                LIMIT = 1
                @abc.Mapping.register
                class Table:
                    limit = LIMIT
            """,
        },
    )


def test_a_class_may_be_registered_by_a_call_and_changed(reloads: Reloads) -> None:
    reloads(
        """
        import app, collections.abc, gc
        edits = ("LIMIT = 1", "LIMIT = 2"), ("__slots__ = ()", "__slots__ = ('one',)"), ("return 1", "return 2")
        for old, new in edits:
            report = change("app.py", old, new)
            assert report.status == "reloaded", report
            assert issubclass(app.Table, collections.abc.MutableMapping)
        report = change("app.py", "register(Table)", "register(Other)")
        assert report.status == "restart", report
        """,
        {
            "app.py": """
                from collections.abc import MutableMapping
                LIMIT = 1
                class Table:
                    __slots__ = ()
                    def get(self, limit=LIMIT): return 1
                class Other: ...
                MutableMapping.register(Table)
            """,
        },
    )


LIBRARY = """
from functools import update_wrapper, wraps
from typing import TypeVar, cast
KNOWN = []
F = TypeVar("F")
def plain(function: F) -> F:
    def around(*given): return function(*given)
    around.is_plain = True
    return cast(F, update_wrapper(around, function))
def through(function):
    return wraps(function)(plain(function))
def listing(function):
    KNOWN.append(function)
    return function
def handing_on(function):
    return _put(KNOWN, function)
def _put(known, function):
    known.append(function)
    return function
def by_a_local(function):
    known = _known()
    known.append(function)
    return function
def _known(): return KNOWN
def inside(function):
    def known(one):
        one.is_known = True
        return one
    return known(function)
def listing_inside(function):
    def put():
        KNOWN.append(function)
    put()
    return function
def for_plain(name="x"):
    def put(function):
        function.name = name
        return plain(function)
    return put
def for_listing(name="x"):
    def put(function):
        KNOWN.append((name, function))
        return function
    return put
def counting(function):
    global LAST
    LAST = function
    return function
"""


@pytest.mark.parametrize(
    ("decorator", "status"),
    [
        ("plain", "reloaded"), ("through", "reloaded"), ("listing", "restart"), ("handing_on", "restart"),
        ("inside", "reloaded"), ("listing_inside", "restart"),
        ("by_a_local", "restart"), ("counting", "restart"), ("for_plain()", "reloaded"), ("for_listing()", "restart"),
    ],
)  # fmt: skip
def test_a_librarys_decorator_is_called_again_if_it_only_wraps(decorator: str, status: str, reloads: Reloads) -> None:
    reloads(
        f"""
        import pathlib, sys
        sys.path.append("../library")
        pathlib.Path("../library").mkdir()
        save("../library/far.py", {LIBRARY!r})
        import app
        report = change("app.py", "LIMIT = 1", "LIMIT = 2")
        assert report.status == "{status}", report
        assert app.Thing.get(1) == (2 if report.status == "reloaded" else 1)
        """,
        {
            "app.py": f"""
                from far import {decorator.strip("()")}
                LIMIT = 1
                class Thing:
                    @{decorator}
                    def get(self, limit=LIMIT): return limit
            """,
        },
    )
