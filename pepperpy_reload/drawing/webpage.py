"""Pages that stand alone: markup, style, script and data in one file, which asks no network for anything."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import Any

from pepperpy_reload.core.palette import DARK, LIGHT, OTHER


def webpage(name: str, title: str, data: Any) -> str:
    """The page `web/<name>` with its data. What the data says is never taken for markup or script."""
    folder = files(__package__).joinpath("web")

    def read(file: str) -> str:
        return folder.joinpath(file).read_text(encoding="utf-8")

    parts = {
        "title": escape(title),
        "style": _palette() + read("base.css") + read(f"{name}.css"),
        "body": read(f"{name}.html"),
        "script": "".join(map(read, _SCRIPTS[name])),
        "data": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    }
    page = read("page.html")
    for key, text in parts.items():  # the data last: nothing in it is taken for a place to fill
        page = page.replace(f"<!--{key}-->", text, 1)
    return page


_SCRIPTS = {
    "graph": ("base.js", "layers.js", "graph.js", "graph_words.js"),
    "costs": ("base.js", "costs.js", "costs_words.js"),
}
"""The scripts of each page, which are one script: each knows the names of those before it."""


def _palette() -> str:
    shades = [*zip(LIGHT, DARK, strict=True), OTHER]
    names = [*map(str, range(len(LIGHT))), "other"]
    rules = "".join(
        f"--fill-{name}:light-dark({light},{dark});" for name, (light, dark) in zip(names, shades, strict=True)
    )
    return f":root{{{rules}}}\n"
