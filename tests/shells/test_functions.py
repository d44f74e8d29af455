"""A function's facts are told by its own lines as by its whole source, and what code says leaves nothing out."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import difflib
import enum
import inspect
import logging
import sys
import tarfile
import textwrap
import typing
import weakref
from types import ModuleType

import pytest

from pepperpy_reload.core.reflection import SWEEPING
from pepperpy_reload.core.statement import import_time
from pepperpy_reload.core.unit import Kind, read_units
from pepperpy_reload.core.words import has_word, words_of
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.loaded import Loaded
from pepperpy_reload.reloading.functions import Functions, facts_in, functions_on, said_at_import

LARGE = (argparse, ast, dataclasses, difflib, enum, inspect, logging, tarfile, textwrap, typing)


def loaded(source: str, name: str = "m") -> Loaded:
    return Loaded(name, f"{name}.py", source.encode(), compile(source, f"{name}.py", "exec"), {})


@pytest.mark.parametrize("module", LARGE)
def test_facts_by_lines_are_those_of_the_whole_source(module: ModuleType) -> None:
    one = loaded(inspect.getsource(module))
    functions, tree, told = Functions(one, "", None), ast.parse(one.source), 0
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            line = min(item.lineno for item in (node, *node.decorator_list))
            for qualname, nodes in functions_on(tree, "", (), line):
                found = functions.facts(CodeKey("m.py", qualname, line)) if nodes[-1] is node else None
                if found is not None:
                    whole = facts_in(nodes, "")
                    assert found == whole
                    assert [(one.path, one.line) for one in found.deeds] == [
                        (one.path, one.line) for one in whole.deeds
                    ]
                    told += 1
    assert told > 5


@pytest.mark.parametrize("module", LARGE)
def test_what_is_read_at_import_is_said(module: ModuleType) -> None:
    source = inspect.getsource(module)
    one = loaded(source)
    said = said_at_import(one.source, one.code)
    for unit in read_units(one.source, ast.parse(source), "pkg"):
        aside = [node for node in import_time(unit.statement.node) if isinstance(node, ast.AnnAssign)]
        if unit.kind is Kind.INERT or any(not isinstance(node.target, ast.Name) for node in aside):
            continue
        for name in unit.names - {"*", ""}:
            assert said.has(name.rstrip(":")) or not SWEEPING.isdisjoint(said.loaded), (unit.line, name)
        for chain in unit.sets:
            assert chain[-1] in said.set or chain[-1] == "*"


def test_words_in_methods_are_no_part_of_what_is_said_at_import() -> None:
    one = loaded(
        "import a\nfrom b import c\nclass D(a.E):\n    f: 'g.H'\n    def i(self):\n        return j.k\n    l.m = 1\n"
    )
    said = said_at_import(one.source, one.code)
    assert {name for name in "abcEgHl" if said.has(name)} == {*"abcEgHl"}
    assert not said.has("j")
    assert not said.has("k")
    assert {*"aEgHl"} <= said.loaded
    assert not {*"bcj"} & said.loaded
    assert "m" in said.set


def test_a_star_import_is_said() -> None:
    one = loaded("from b import *\n")
    assert "*" in said_at_import(one.source, one.code).loaded


def test_facts_are_kept_as_long_as_the_lines_are_the_same() -> None:
    one = loaded("def f():\n    return a\n\n\ndef g():\n    return b\n")
    before = Functions(one, "", None)
    kept, gone = before.facts(CodeKey("m.py", "f", 1)), before.facts(CodeKey("m.py", "g", 5))
    other = loaded("x = 1\ndef f():\n    return a\n\n\ndef g():\n    return c\n")
    after = Functions(other, "", before)
    assert after.facts(CodeKey("m.py", "f", 2)) is kept
    found = after.facts(CodeKey("m.py", "g", 6))
    assert found is not None
    assert found is not gone
    assert found.reads == {("c",)}


def test_binding_and_saying() -> None:
    one = loaded("def f():\n    global x\n    x = y.z\n    return [w for w in 'text']\ndef g():\n    return 1\n")
    functions = Functions(one, "", None)
    f, g = CodeKey("m.py", "f", 1), CodeKey("m.py", "g", 5)
    assert functions.may_bind(f)
    assert not functions.may_bind(g)
    for name in ("x", "y", "z", "text"):
        assert functions.may_say(f, frozenset({name}))
        assert not functions.may_say(g, frozenset({name}))
    assert functions.may_say(CodeKey("m.py", "unknown", 9), frozenset({"x"}))


def test_has_word_is_being_one_of_the_words() -> None:
    source = "abc = x.bc(ab_c) # ä bcä\nbc2 bc".encode()
    for word in (b"abc", b"bc", b"x", b"ab", b"ab_c", b"c", b"bc2", "bcä".encode()):
        assert has_word(source, word) == (word in words_of(source))


def test_no_code_object_is_held() -> None:
    one = loaded("def f():\n    return lambda: a\n\n\nclass G:\n    def h(self):\n        return b\n")
    inside = [code for code in one.code.co_consts if isinstance(code, type(one.code))]
    before = [sys.getrefcount(code) for code in inside]
    functions = Functions(one, "", None)
    for key in (CodeKey("m.py", "f", 1), CodeKey("m.py", "G.h", 6), CodeKey("m.py", "f.<locals>.<lambda>", 2)):
        functions.facts(key)
        functions.may_say(key, frozenset({"a"}))
    assert [sys.getrefcount(code) for code in inside] == before
    assert not any(weakref.getweakrefs(code) for code in inside)
