"""The analysis of sources on what others have written: never an exception, no change where there is none.

`python -m tests.programs --sources DIRECTORY` reads all Python files below it, in an order that the seed gives, and
edits each of them a few times at random: reading the changed lines alone must give what reading all of it gives.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import sysconfig
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pepperpy_reload.core.classbody import read_otherwise
from pepperpy_reload.core.difference import align
from pepperpy_reload.core.effects import static_imports
from pepperpy_reload.core.facts import function_facts
from pepperpy_reload.core.reading import read_source
from pepperpy_reload.core.recorded import has_inner_imports
from pepperpy_reload.core.revision import revise_units
from pepperpy_reload.core.statement import forget_trees
from pepperpy_reload.core.unit import Unit, read_units
from pepperpy_reload.core.words import words_of

_EDITS = 4  # of each file
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def main(arguments: Sequence[str]) -> int:
    """Print what was found; 1 if there was a fault."""
    parser = argparse.ArgumentParser(prog="scripts/soak --sources", description=__doc__)
    parser.add_argument("--sources", nargs="*", help="directories; without one the standard library and site-packages")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same seed, the same edits")
    parser.add_argument("--minutes", type=float, default=10.0, help="the longest that it takes")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    known = sysconfig.get_paths()
    files = sources_in(options.sources or [known["stdlib"], known["purelib"]])
    end, chance, read, faults = time.monotonic() + 60 * options.minutes, random.Random(options.seed), 0, 0
    chance.shuffle(files)
    for file in files:
        if time.monotonic() > end:
            print(f"stopped after {options.minutes} minutes")
            break
        read += 1
        for fault in faults_in(file.read_bytes(), chance):
            faults += 1
            print(f"{file}: {fault}", flush=True)
    print(f"{read} of {len(files)} files, {faults} faults")
    return 1 if faults else 0


def sources_in(directories: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """The Python files below some directories, sorted."""
    return sorted({path for directory in directories for path in Path(directory).rglob("*.py") if path.is_file()})


def faults_in(source: bytes, chance: random.Random) -> Iterator[str]:
    """What is wrong with the analysis of one source; a source that does not parse has no fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the source's own escapes say is none of ours
        tree = _parsed(source)
        if tree is None:
            return
        try:
            yield from _faults(source, tree, chance)
        except Exception:  # noqa: BLE001 - any exception is what is looked for
            yield traceback.format_exc(limit=-4)
        finally:
            forget_trees()


def _faults(source: bytes, tree: ast.Module, chance: random.Random) -> Iterator[str]:
    units = read_units(source, tree, "package")
    again = align(units, read_units(source, ast.parse(source), "package"))
    if again.changed or again.gone:
        yield f"is not the same as itself in line {again.units[again.changed[0]].line if again.changed else 0}"
    for unit in units:
        _ = unit.deeds, unit.label, unit.names
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS):
            function_facts(node, "package")
    _read_imports(source, tree)
    for _ in range(_EDITS):
        after = _edited(source, chance)
        changed = _parsed(after)
        if changed is None:
            continue
        whole, part = read_units(after, changed, "package"), revise_units(units, source, after, "package")
        if [_said(unit) for unit in whole] != [_said(unit) for unit in part]:
            yield f"is read otherwise in part than as a whole after this edit: {_difference(source, after)}"
        alignment = align(units, part)
        for old, unit in zip(alignment.olds, alignment.units, strict=True):
            if old >= 0:
                read_otherwise(units[old].statement, unit.statement)


def _read_imports(source: bytes, tree: ast.Module) -> None:
    for is_package in (False, True):
        for one in read_source("package.module", "module.py", source, is_package=is_package).imports:
            _ = one.module
    _ = list(static_imports(tree, "package")), has_inner_imports(source), words_of(source)


def _said(unit: Unit) -> tuple[Any, ...]:
    one = unit.statement
    return one.text, one.line, one.last_line, one.columns, unit.index, unit.kind, unit.binds, unit.reads, unit.mutations


def _parsed(source: bytes) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _edited(source: bytes, chance: random.Random) -> bytes:
    lines = source.splitlines(keepends=True) or [b"\n"]
    place = chance.randrange(len(lines))
    line = lines[place]
    new = chance.choice(([], [line, line], [b"# a comment\n", line], [line.replace(b"e", b"ee", 1)], [b"pass;", line]))
    return b"".join([*lines[:place], *new, *lines[place + 1 :]])


def _difference(before: bytes, after: bytes) -> str:
    pairs = zip(before.splitlines(), [*after.splitlines(), b""], strict=False)
    different = (f"line {number}, {old!r} -> {new!r}" for number, (old, new) in enumerate(pairs, 1) if old != new)
    return next(different, "at the end")
