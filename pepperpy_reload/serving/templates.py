"""Saved files that are no Python: templates and static files are live at once, once nobody caches them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pepperpy_reload.reloading import heap
from pepperpy_reload.reloading.heirs import heirs_of

_WEB = frozenset(
    {
        ".html", ".htm", ".xhtml", ".jinja", ".jinja2", ".j2", ".css", ".scss", ".js", ".mjs", ".map", ".svg", ".png",
        ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".ico", ".woff", ".woff2", ".ttf", ".otf",
    }
)  # fmt: skip
_PLACES = frozenset({"templates", "static", "public", "assets"})


def refresh_templates(paths: Iterable[str]) -> list[str]:
    """Have the saved `paths` used from the next request on; returns a sentence for each that is served or rendered.

    The caches of all live Jinja environments and of Django's template loaders are cleared, if those are loaded.
    """
    served = [path for path in paths if _is_served(Path(path))]
    if served:
        for environment in _jinja_environments():
            cache = environment.cache
            if cache is not None:
                cache.clear()
        _reset_django()
    return [f"{_short(path)} is live, no restart needed" for path in served]


def _is_served(path: Path) -> bool:
    return path.suffix != ".py" and (path.suffix.lower() in _WEB or not _PLACES.isdisjoint(path.parts[:-1]))


def _short(path: str) -> str:
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except ValueError:
        return path


def _jinja_environments() -> Iterator[Any]:
    jinja2 = sys.modules.get("jinja2")
    base = getattr(jinja2, "Environment", None)
    if base is None:
        return
    yield from heap.instances([base, *heirs_of(base)])


def _reset_django() -> None:
    template = sys.modules.get("django.template")
    if template is None:
        return
    for backend in template.engines.all():
        for loader in getattr(getattr(backend, "engine", None), "template_loaders", ()):
            reset = getattr(loader, "reset", None)
            if reset is not None:
                reset()
