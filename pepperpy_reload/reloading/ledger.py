"""What is known of each loaded module unit by unit: made when it is first asked for, and kept while it holds."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from operator import is_
from types import CodeType
from typing import Any

from pepperpy_reload.core.branches import INTERPRETER
from pepperpy_reload.core.certainty import surely_bound
from pepperpy_reload.core.computing import is_plain, only_keeps
from pepperpy_reload.core.doings import NONE
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.statement import forget_trees, has_room_for_trees
from pepperpy_reload.core.unit import Kind, Unit, read_units
from pepperpy_reload.core.words import has_word, words_of
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.loaded import Loaded
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import caches, patch
from pepperpy_reload.reloading.functions import (
    Functions,
    Said,
    forget_functions,
    functions_of,
    said_at_import,
)
from pepperpy_reload.reloading.looking import plain_attribute
from pepperpy_reload.reloading.page import Page, package_of
from pepperpy_reload.reloading.spotted import Spotted

INTERPRETER.update(
    {
        "sys.platform": sys.platform,
        "sys.version_info": sys.version_info,
        "sys.byteorder": sys.byteorder,
        "sys.maxsize": sys.maxsize,
        "os.name": os.name,
    }
)

_FEW = 500
"""Modules: with more, an index of the words of each would take more memory than the time is worth that it saves."""
_pages: dict[str, Page] = {}
_read: dict[str, tuple[bytes, list[Unit]]] = {}
"""The units of sources that have been read by a reload, until their modules are made of them."""
_words: dict[str, tuple[bytes, frozenset[bytes]]] = {}
_spellings: dict[bytes, bytes] = {}
"""Each word once: modules say much that others say."""
_said: dict[str, tuple[CodeType, Said]] = {}
_looking: dict[str, tuple[bytes, bool]] = {}
_set: dict[str, tuple[bytes, frozenset[bytes], bool]] = {}
_setters: tuple[list[str], list[frozenset[bytes]], dict[bytes, list[str]]] = [], [], {}
_used: dict[str, tuple[CodeType, frozenset[str]]] = {}
_SETTING = re.compile(rb"\.\s*(\w+)\b(?!\s*(?:==|[.(\[\])}]|\n))|\b(?:setattr|delattr|del)\b")
_DELETING = re.compile(rb"\bdel\b[^\n]*[.(\\]")
_caches = Spotted(caches.names_of_caches)
_copies = Spotted(patch.names_of_copies)


def page(name: str) -> Page | None:
    """The page of a loaded module; None if it is not known or its source does not parse."""
    loaded = recorder.modules.get(name)
    if loaded is None:
        return None
    known = _pages.get(name)
    if known is None or not _holds(known, loaded):
        known = _make(loaded, known)
        if known is not None:
            _pages[name] = known
    return known


def is_outdated(name: str) -> bool:
    """Whether a page has been made of a module that does not hold any more."""
    loaded, known = recorder.modules.get(name), _pages.get(name)
    return loaded is not None and known is not None and not _holds(known, loaded)


def facts(name: str, key: CodeKey) -> FunctionFacts | None:
    """The facts of a function in a loaded module's source, None if there is no such function."""
    loaded = recorder.modules[name]
    known = _pages.get(name)
    if known is not None and known.loaded is loaded and key in known._facts:
        return known._facts[key]
    if found := functions_of(loaded, package_of).facts(key):
        return found
    known = page(name)
    return known.facts(key) if known is not None else None


def may_say(name: str, key: CodeKey, names: frozenset[str]) -> bool:
    """Whether a function of a loaded module may say one of these names."""
    return _functions_of(name).may_say(key, names)


def words_in_function(name: str, key: CodeKey) -> frozenset[str] | None:
    """The names for which `may_say` is true; None if that is not known."""
    return _functions_of(name).words(key)


def _functions_of(name: str) -> Functions:
    return functions_of(recorder.by_name[name], package_of)


def may_bind(name: str, key: CodeKey) -> bool:
    """Whether a function of a loaded module may bind names of that."""
    return _functions_of(name).may_bind(key)


def read_ahead(name: str, ran: Iterable[CodeKey]) -> None:
    """Make what will be asked of a module, if it is loaded; `ran` are functions of it that ran at import."""
    known = page(name)
    if known is not None:
        words(name)
        _caches.look(name)
        _copies.look(name)
        names_in_code(name)
        looks_up_modules(name)
        said(name)
        set_by(name)
        for key in ran:
            facts(name, key)
            may_say(name, key, frozenset())
        for unit in known.units:
            unit.note_names()
            _ = is_plain(unit), surely_bound(unit), only_keeps(unit)
        if len(recorder.modules) <= _FEW:
            known.alignment.mentions.prepare(known.alignment.words)
        if not known.loaded.by_unit:
            known.units_at_offset(0)
        forget_trees()


def ran_by_file() -> dict[str, list[CodeKey]]:
    """The functions that ran while modules were executed, by their files."""
    found: dict[str, list[CodeKey]] = {}
    for key in recorder.runners:
        found.setdefault(key.file, []).append(key)
    return found


def forget(name: str) -> None:
    """A module is gone."""
    _pages.pop(name, None)
    _words.pop(name, None)
    _said.pop(name, None)
    _looking.pop(name, None)
    _set.pop(name, None)
    _used.pop(name, None)
    forget_functions(name)


def captures_code(name: str) -> bool:
    """Whether a module's source speaks of the code objects of functions: it may have put them somewhere."""
    return says(name, b"__code__")


def with_caches() -> list[tuple[str, tuple[str, ...]]]:
    """The loaded modules that lead to lru_caches, and by what names."""
    return _caches.found()


def with_copies() -> list[tuple[str, tuple[str, ...]]]:
    """Those with functions that know what a class knows, likewise."""
    return _copies.found()


def looks_up_modules(name: str) -> bool:
    """Whether a module may read from modules that it does not import: by the table of modules, or in `exec`."""
    source = recorder.by_name[name].source
    known = _looking.get(name)
    if known is None or known[0] is not source:
        by_table = b"sys.modules" in source and says(name, b"modules")
        known = _looking[name] = (source, by_table or says(name, b"exec") or says(name, b"eval"))
    return known[1]


def says(name: str, word: bytes) -> bool:
    """Whether something in a loaded module's source looks like that name, be it in a comment or in a string."""
    source = recorder.by_name[name].source
    known = _words.get(name)
    return word in known[1] if known is not None and known[0] is source else has_word(source, word)


def said(name: str) -> Said:
    """The names in the code that is executed with a loaded module."""
    loaded = recorder.by_name[name]
    known = _said.get(name)
    if known is None or known[0] is not loaded.code:
        known = _said[name] = (loaded.code, said_at_import(loaded.source, loaded.code))
    return known[1]


def words(name: str) -> frozenset[bytes]:
    """All that looks like a name in a loaded module's source, be it in a comment or in a string."""
    source = recorder.by_name[name].source
    known = _words.get(name)
    if known is None or known[0] is not source:
        words = words_of(source)
        known = _words[name] = (source, frozenset(map(_spellings.setdefault, words, words)))
    return known[1]


def names_in_code(name: str) -> frozenset[str]:
    """All names that a loaded module's code uses, and the texts in it; not what comments say, and texts inside."""
    code = recorder.by_name[name].code
    known = _used.get(name)
    if known is None or known[0] is not code:
        known = _used[name] = (code, frozenset(_used_in(code)))
    return known[1]


def _used_in(code: CodeType) -> Iterator[str]:
    # The body of a class, or of a module, that annotates a name uses `__annotations__` without saying so.
    is_function = code.co_flags & 0x1  # CO_OPTIMIZED
    yield from (name for name in code.co_names if is_function or name != "__annotations__")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _used_in(constant)
        elif isinstance(constant, (tuple, frozenset)):
            yield from (item for item in constant if isinstance(item, str))
        elif isinstance(constant, str):
            yield constant


def set_by(name: str) -> frozenset[bytes]:
    """The attributes that a loaded module's source may set, by a statement or by name; b"": any."""
    return _found_set(name)[1]


def setters() -> Mapping[bytes, list[str]]:
    """By attribute: the loaded modules that may set one of that name; by b"": any one."""
    global _setters
    names = list(recorder.modules)
    sets = list(map(set_by, names))
    if names != _setters[0] or not all(map(is_, sets, _setters[1])):
        found: dict[bytes, list[str]] = {}
        for name, attributes in zip(names, sets, strict=True):
            for attribute in attributes:
                found.setdefault(attribute, []).append(name)
        _setters = names, sets, found
    return _setters[2]


def deletes_attributes(name: str) -> bool:
    """Whether a loaded module's source may have `del` statements with attributes."""
    return _found_set(name)[2]


def _found_set(name: str) -> tuple[bytes, frozenset[bytes], bool]:
    source = recorder.by_name[name].source
    known = _set.get(name)
    if known is None or known[0] is not source:
        # No name at all stands for those that are made up when the program runs.
        found = frozenset(_SETTING.findall(source))
        known = _set[name] = (source, found, b"" in found and _DELETING.search(source) is not None)
    return known


def note_units(name: str, source: bytes, units: list[Unit]) -> None:
    """The units of a source that a module is about to be made of are known already."""
    _read[name] = (source, units)


def _holds(known: Page, loaded: Loaded) -> bool:
    return known.loaded is loaded and known.footprint is loaded.ran


def _make(loaded: Loaded, known: Page | None) -> Page | None:
    units = _units(loaded, known)
    if units is None:
        return None
    _note_said(loaded.name, units)
    facts = _still_known(known, units) if known is not None else {}
    if loaded.by_unit:
        ran: list[Set[CodeKey]] = [(loaded.ran or {}).get(index, NONE) for index in range(len(units))]
        reads: list[Set[str]] = [loaded.reads.get(index, NONE) for index in range(len(units))]
        return Page(loaded, units, ran, reads, facts)
    page = Page(loaded, units, [], [], facts)
    page.ran = _by_unit(page, loaded.ran or {})
    page.reads = _by_unit(page, loaded.reads)
    return page


def _by_unit(page: Page, table: Mapping[int, Set[Any]]) -> list[Set[Any]]:
    """What is known by offset, by unit."""
    found: list[Set[Any]] = [NONE] * len(page.units)
    for offset, items in table.items():
        for index in page.units_at_offset(offset):
            found[index] = found[index] | items
    return found


def _note_said(name: str, units: Iterable[Unit]) -> None:
    """What is executed with a definition is in the code of a class's body, or outside all of these."""
    found = said(name)
    if found.outside is found.loaded:  # it cannot be told apart
        return
    for unit in units:
        if unit.kind in (Kind.CLASS, Kind.FUNCTION) and unit.said is None:
            inside = found.classes.get(unit.line) if unit.kind is Kind.CLASS else frozenset[str]()
            if inside is not None:
                unit.said = inside, found.outside


def _still_known(known: Page, units: list[Unit]) -> dict[CodeKey, FunctionFacts | None]:
    """What is known of functions holds as long as the source of their statements does, wherever these stand."""
    if known.units is units:
        return known._facts
    places = {id(unit.statement.text): unit.line for unit in units}  # what has not been read again has the same text
    found: dict[CodeKey, FunctionFacts | None] = {}
    for key, facts in known._facts.items():
        at = [known.units[index] for index in known.units_at(key.line)]
        if facts is not None and len(at) == 1 and (line := places.get(id(at[0].statement.text))) is not None:
            found[key._replace(line=key.line + line - at[0].line)] = facts
    return found


def _units(loaded: Loaded, known: Page | None) -> list[Unit] | None:
    if known is not None and known.loaded.source is loaded.source:
        return known.units
    noted = _read.get(loaded.name)
    if noted is not None and noted[0] is loaded.source:
        return noted[1]
    try:
        return read_units(loaded.source, ast.parse(loaded.source), package_of(loaded), keep=has_room_for_trees())
    except (SyntaxError, ValueError):
        return None


def trigger_unit(loaded: Loaded) -> int:
    """The index of the unit whose import loaded a module, in its importer; -1 if it is not known."""
    if loaded.trigger is None:
        return -1
    importer, place = loaded.trigger
    known = page(importer)
    if known is None or place < 0 or known.loaded.by_unit:
        return place if known is not None else -1
    found = known.units_at_offset(place)
    return next((index for index in found if _gives(known, index, loaded.name)), found[0]) if found else -1


def _gives(page: Page, index: int, module: str) -> bool:
    """Whether an import fetches what another module defines: a package's `__getattr__` has loaded that for this name.

    All names of the statement are looked for, in their order, when it begins (`importlib._handle_fromlist`).
    """
    unit = page.units[index]
    if unit.alias is None or f"{unit.alias.module}.".startswith(f"{module}."):
        return False  # it is loaded before anything is looked for
    namespace = getattr(sys.modules.get(page.loaded.name), "__dict__", {})
    return bool(plain_attribute(namespace.get(unit.alias.bound), "__module__") == module)


def offset_of(loaded: Loaded, unit: int) -> int:
    """Where a unit begins, as triggers and footprints of its module name it; -1 if that is not known."""
    known = page(loaded.name)
    if known is None or unit < 0 or loaded.by_unit:
        return unit
    return known.offset_of(unit)
