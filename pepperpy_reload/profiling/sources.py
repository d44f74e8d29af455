"""The sources of a target's own modules, loaded or not, read for their import statements."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pepperpy_reload.core.costs import Costs
from pepperpy_reload.core.imports import Source
from pepperpy_reload.core.reading import read_source

_FOREIGN = ("site-packages", "dist-packages", "node_modules")


def own_sources(costs: Costs, target: str, search: Sequence[str]) -> dict[str, Source]:
    """The sources of the modules of a run that lie under `search` or in the target's package, by name.

    Modules that only their functions would import are read as well.
    """
    name = target.partition(":")[0]
    top = "" if name.endswith(".py") or os.sep in name else name.partition(".")[0]
    roots = [*search, *([os.path.dirname(os.path.realpath(name))] if not top else [])]  # noqa: PTH120 - texts
    found: dict[str, Source] = {}
    homes: dict[str, str] = {}
    if not top:
        _read("__main__", name, found)
    for load in costs.loads:
        package = load.name.partition(".")[0]
        if load.origin.endswith(".py") and (package == top or _is_own(load.origin, roots)):
            _read(load.name, load.origin, found)
            depth = load.name.count(".") + (1 if load.origin.endswith(f"{os.sep}__init__.py") else 0)
            homes.setdefault(package, str(Path(load.origin).parents[depth]))
        elif load.error and (path := _file_of(load.name, roots)):
            _read(load.name, path, found)
    waiting = list(found.values())
    while waiting:
        for name in _named(waiting.pop()):
            home = homes.get(name.partition(".")[0])
            path = "" if name in found else _file_of(name, roots if home is None else [home])
            if path and (source := _read(name, path, found)) is not None:
                waiting.append(source)
    return found


def _named(source: Source) -> Iterator[str]:
    for one in source.imports:
        yield one.module
        yield from (f"{one.module}.{name.asked}" for name in one.names if name.asked not in ("", "*"))


def _is_own(path: str, roots: Sequence[str]) -> bool:
    real = os.path.realpath(path)
    if any(part in _FOREIGN for part in Path(real).parts):
        return False
    standard = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    if any(real.startswith(os.path.realpath(one) + os.sep) for one in standard):
        return False
    return any(real.startswith(os.path.join(os.path.realpath(root), "")) for root in roots)  # noqa: PTH118 - texts


def _file_of(module: str, homes: Sequence[str]) -> str:
    for home in homes:
        path = Path(home, *module.split("."))
        for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if file.is_file() and not any(part in _FOREIGN for part in file.parts[len(Path(home).parts) :]):
                return str(file)
    return ""


def _read(module: str, path: str, found: dict[str, Source]) -> Source | None:
    with suppress(OSError, SyntaxError, ValueError, RecursionError):
        text = Path(path).read_bytes()
        found[module] = read_source(module, path, text, is_package=path.endswith("__init__.py"))
    return found.get(module)
