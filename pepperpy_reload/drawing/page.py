"""The page that is served while there is nothing else to serve: for a browser, and for everything else."""

from __future__ import annotations

import os
from collections.abc import Iterable
from html import escape
from pathlib import Path

from pepperpy_reload.drawing.excerpt import Excerpt, excerpt
from pepperpy_reload.drawing.news import Trouble

_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="1"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:60rem;padding:0 1rem}}
pre{{background:#f4f4f4;color:#222;overflow:auto;padding:1rem}}
@media(prefers-color-scheme:dark){{body{{background:#191919;color:#ddd}}pre{{background:#262626;color:#ddd}}}}</style>
</head><body><h1>{title}</h1><pre>{details}</pre><p>{after}</p></body></html>
"""
_AFTER = "This is pepperpy-reload, in place of the app. The next save tries again, and this page with it."


def unavailable(target: str, trouble: Trouble | None, roots: Iterable[str]) -> tuple[str, str]:
    """The page as HTML and as plain text. It shows the error and its lines of source, and nothing that a variable held.

    The lines are shown of files below `roots` only: a traceback may name any file of the machine. Without an error the
    app is only being started.
    """
    if trouble is None:
        title, details = f"{target} is being started", "one moment"
    else:
        title, details = f"{target} does not run", _details(trouble, roots)
    html = _PAGE.format(title=escape(title), details=escape(details), after=escape(_AFTER))
    return html, f"{title}\n\n{details}\n\n{_AFTER}\n"


def _details(trouble: Trouble, roots: Iterable[str]) -> str:
    file = Path(os.path.realpath(trouble.file))
    shown = excerpt(trouble)
    if not any(file.is_relative_to(os.path.realpath(root)) for root in roots):
        shown = Excerpt(shown.headline, shown.place)
    width = len(str(trouble.line))
    lines = [f"{shown.place}: {shown.headline}" if shown.place else shown.headline]
    for number, source in shown.lines:
        lines.append(f"  {'>' if number == trouble.line else ' '} {number:>{width}} | {source}")
    if shown.carets:
        lines.append(f"    {'':>{width}} | {shown.carets}")
    return "\n".join(lines)
