"""Whose a module is that is a link, next to modules that are none."""

from __future__ import annotations

import os
import sysconfig
from typing import TYPE_CHECKING

import pytest

from pepperpy_reload.importing.roots import Roots, standard_library

if TYPE_CHECKING:
    from tests.conftest import Python

LINKED = """
import sys
os.makedirs("site-packages")
pathlib.Path("site-packages/library.py").write_text("VALUE = 1\\n")
pathlib.Path("elsewhere.py").write_text("VALUE = 2\\n")
os.makedirs("own")
for name in ("first", "second"):
    pathlib.Path(f"own/{name}.py").write_text("VALUE = 3\\n")
os.symlink(os.path.abspath("site-packages/library.py"), "own/foreign.py")
os.symlink(os.path.abspath("elsewhere.py"), "own/linked.py")
sys.path.insert(0, os.path.abspath("own"))
"""


def test_a_link_to_a_library_is_no_first_party_module(python: Python) -> None:
    python.armed(
        LINKED
        + """
import first, foreign, linked, second
assert (first.VALUE, foreign.VALUE, linked.VALUE, second.VALUE) == (3, 1, 2, 3)
assert set(recorder.modules) == {"first", "linked", "second"}, set(recorder.modules)
assert os.path.abspath("own/foreign.py") not in recorder.roots
assert not {"exec_module", "create_module", "get_code"} & set(vars(foreign.__spec__.loader))
"""
    )


def test_a_file_of_ours_that_a_library_has_a_link_to_is_first_party(python: Python) -> None:
    python.armed(
        LINKED
        + """
for name in ("a", "b", "c"):
    pathlib.Path(f"site-packages/{name}.py").write_text("VALUE = 4\\n")
os.symlink(os.path.abspath("own/first.py"), "site-packages/linked_one.py")
sys.path[:0] = [os.path.abspath("site-packages"), os.getcwd()]
import a, b, linked_one, c
assert set(recorder.modules) == {"linked_one"}, set(recorder.modules)
os.symlink(os.path.abspath("own/second.py"), "site-packages/linked_later.py")
import importlib
importlib.invalidate_caches()
import linked_later
assert set(recorder.modules) == {"linked_one", "linked_later"}, set(recorder.modules)
"""
    )


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_file_that_becomes_a_link_between_finding_and_loading_it(python: Python, when: str) -> None:
    python.armed(
        LINKED
        + f"""
import importlib.util
import first
if "{when}" == "before":
    os.replace("own/foreign.py", "own/second.py")
spec = importlib.util.find_spec("second")
if "{when}" == "after":
    os.replace("own/foreign.py", "own/second.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
assert module.VALUE == 1
assert set(recorder.modules) == {{"first"}}, set(recorder.modules)
"""
    )


def test_another_search_path_and_another_directory_decide_anew(python: Python) -> None:
    python.armed(
        LINKED
        + """
import first
assert recorder.roots.has_unless_link(os.path.abspath("own/second.py"))
sys.path.remove(os.path.abspath("own"))
assert not recorder.roots.has_unless_link(os.path.abspath("own/second.py"))
sys.path[:] = [entry for entry in sys.path if entry and entry != os.getcwd()]
os.makedirs("deep")
pathlib.Path("deep/third.py").write_text("VALUE = 4\\n")
sys.path.insert(0, "deep")
import third
assert "third" in recorder.modules
assert not recorder.roots.has_unless_link(os.path.abspath("deep/fourth.py")), "it is so in this directory only"
"""
    )


def test_the_standard_library_is_where_sysconfig_says() -> None:
    known = {os.path.realpath(path) for path in standard_library()}
    assert {os.path.realpath(sysconfig.get_path(key)) for key in ("stdlib", "platstdlib")} <= known
    assert not any(f"{path}{os.sep}json{os.sep}__init__.py" in Roots() for path in known)
