"""The lines of instructions, beside what Python itself says of them."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from types import CodeType

import pytest

from pepperpy_reload.core.linetable import LineTable


def codes_in(code: CodeType) -> Iterator[CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from codes_in(one)


@pytest.mark.parametrize("name", ["decimal", "email.message", "inspect", "typing", "unittest.mock", "_pydecimal"])
def test_the_lines_are_those_that_python_tells(name: str) -> None:
    source = inspect.getsource(importlib.import_module(name))
    checked = 0
    for code in codes_in(compile(source, f"{name}.py", "exec")):
        table = LineTable(code.co_linetable, code.co_firstlineno)
        for start, end, line in code.co_lines():
            for instruction in range(start, end, 2):
                assert table.line(instruction) == (line or 0), (code.co_name, instruction)
                checked += 1
    assert checked


def test_lines_far_apart_and_backwards() -> None:
    text = "import a\n" + "\n" * 70_000 + "import b; f(\n1,\n" + "\n" * 3_000 + "2)\nimport c\n"
    code = compile(text, "long.py", "exec")
    table = LineTable(code.co_linetable, code.co_firstlineno)
    lines = {table.line(start) for start, _, _ in code.co_lines()}
    wanted = {one.lineno for one in ast.walk(ast.parse(text)) if isinstance(one, ast.stmt)}
    assert wanted <= lines
    assert LineTable(b"", 1).line(4) == 0
