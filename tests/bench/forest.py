"""Generated trees for `scripts/bench growth`: packages of modules in ten layers, and files beside them."""

from __future__ import annotations

from pathlib import Path

from tests.bench.record import CLASS_IMPORTS, CLASSES, FUNCTIONS, HEAD

LAYERS = 10
IN_A_PACKAGE = 50
IN_A_DIRECTORY = 20
DIRECTORIES = 50  # in a directory
ENDINGS = (".py", ".html", ".json", ".txt")
LEAF = "from app.hub import LIMIT\n\nNUMBER = {number}\n\n\ndef body():\n    return LIMIT + {body}\n"
HUB = '"""What every module asks."""\n\nLIMIT = {number}\n\n\ndef ask():\n    return {body}\n'
ASKS = "\n\ndef within_{number}(value: int) -> bool:\n    return value < LIMIT and bool(hub.ask())\n"
EDITS = {
    "leaf, a function": ("app/leaf.py", LEAF, "body"),
    "hub, a function": ("app/hub.py", HUB, "body"),
    "leaf, a constant": ("app/leaf.py", LEAF, "number"),
    "hub, a constant": ("app/hub.py", HUB, "number"),
}
"""The file, its text, and the part of that which an edit changes."""


def text(kind: str, number: int) -> str:
    """The file of an edit after so many of that kind; the other kinds of its file have been played before, or not."""
    _, whole, part = EDITS[kind]
    return whole.format(**{"number": 0, "body": 0} | {part: number})


def plant(folder: Path, modules: int, files: int) -> Path:
    """A tree of so many modules that `main` imports, and of so many files in all."""
    width = max(1, (modules - 3) // LAYERS)
    top = _packages(folder / "app", modules - 3, width)
    _write(folder / "app" / "hub.py", text("hub, a function", 0))
    _write(folder / "app" / "leaf.py", text("leaf, a function", 0))
    imports = "".join(f"import {name}\n" for name in top)
    _write(folder / "main.py", f"{imports}from app import leaf\nfrom app.leaf import NUMBER\n\nSHOWN = NUMBER + 1\n")
    for number in range(max(0, files - sum(1 for path in folder.rglob("*.py")))):
        directory = number // IN_A_DIRECTORY
        ending = ENDINGS[number % len(ENDINGS)]
        place = folder / "data" / f"part{directory // DIRECTORIES}" / f"in{directory % DIRECTORIES}"
        _write(place / f"file{number}{ending}", f"# {number}\n")
    return folder


def _packages(app: Path, modules: int, width: int) -> list[str]:
    """Write the modules; the names of those that nobody else imports."""
    names: list[str] = []
    for number in range(modules):
        layer, place = divmod(number, width)
        names.append(f"app.layer{layer}.pack{place // IN_A_PACKAGE}.part{place}")
        body = (FUNCTIONS, CLASSES)[number % 2]
        imports = ["from app import hub", "from app.hub import LIMIT"] + ([] if body is FUNCTIONS else [CLASS_IMPORTS])
        if layer:
            imports += _imports(names, (layer - 1) * width, width, place)
        whole = (HEAD + body + ASKS).format(number=number, layer=layer, imports="\n".join(imports))
        package = app / f"layer{layer}" / f"pack{place // IN_A_PACKAGE}"
        if not package.is_dir():
            _write(package / "__init__.py", "")
            _write(package.parent / "__init__.py", "")
            _write(app / "__init__.py", "")
        _write(package / f"part{place}.py", whole)
    return names[-(width + modules % width) :]


def _imports(names: list[str], at: int, width: int, place: int) -> list[str]:
    """Five modules of the layer below, in all ways."""
    below = [at + (place + step) % width for step in (0, 1, 7, 31, 63)]
    first, second, third, fourth, fifth = (names[one] for one in below)
    return [
        f"import {first}",
        f"from {second.rpartition('.')[0]} import {second.rpartition('.')[2]}",
        f"from {third} import LIMIT_{below[2]}, NAMES_{below[2]}",
        f"from {fourth} import TABLE_{below[3]}",
        f"import {fifth} as other",
    ]


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content)
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        path.write_text(content)
