"""The few lines of source around an error, with a caret, taken from a traceback's text and the file."""

from __future__ import annotations

import os
import re
import stat
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pepperpy_reload.drawing.news import Trouble

_LARGEST = 1 << 24  # bytes of a file
_AROUND = 2  # lines shown before the one that matters
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b[]PX^_].*?(?:\x07|\x1b\\|$)"  # window titles, links, clipboard: up to their end
    r"|\x1b[@-Z\\-_]?",
    re.DOTALL,
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_FRAME = re.compile(r'^\s*File "(?P<file>.+)", line (?P<line>\d+)')
_CARETS = re.compile(r"^\s*[~^][~^ ]*$")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What to show of an error."""

    headline: str
    """The exception's own line, such as `NameError: name 'x' is not defined`."""
    place: str
    """`file:line`, as short as it can be, or ""."""
    lines: tuple[tuple[int, str], ...] = ()
    """Numbered source lines; the last one is the line that matters."""
    carets: str = ""
    """Blanks and carets to stand under the last line."""


def plain(text: str) -> str:
    """`text` without escape sequences and control characters: it comes from code that is not ours."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))


def excerpt(trouble: Trouble) -> Excerpt:
    """The excerpt for an error. Without a readable file it has no lines."""
    text = plain(trouble.text)
    place = f"{shortened(trouble.file)}:{trouble.line}" if trouble.file and trouble.line else shortened(trouble.file)
    source = _source(trouble.file)
    if not 0 < trouble.line <= len(source):
        return Excerpt(headline(text), plain(place))
    first = max(1, trouble.line - _AROUND)
    lines = tuple((number, plain(source[number - 1].expandtabs(4))) for number in range(first, trouble.line + 1))
    return Excerpt(headline(text), plain(place), lines, _carets(text, trouble, lines[-1][1]))


def headline(text: str) -> str:
    """The exception's own line: the first unindented one after the last frame of a traceback."""
    lines = text.rstrip().splitlines() or [""]
    last_frame = max((index for index, line in enumerate(lines) if _FRAME.match(line)), default=-1)
    own = (line for line in lines[last_frame + 1 :] if line and not line[0].isspace())
    return next(own, lines[-1].strip())


def shortened(path: str) -> str:
    """`path` from the working directory on, if it lies there."""
    try:
        return str(Path(path).relative_to(Path.cwd())) if path else ""
    except (ValueError, OSError):
        return path


def place_of(file: str, line: int) -> str:
    """A file and a line as short as it is clear: relative to here, or what follows site-packages."""
    for marker in (f"{os.sep}site-packages{os.sep}", f"{os.getcwd()}{os.sep}"):  # noqa: PTH109 - text for people
        _, found, rest = file.partition(marker)
        if found:
            return f"{rest}:{line}"
    return f"{Path(*Path(file).parts[-2:])}:{line}"


def _source(file: str) -> list[str]:
    try:
        status = os.stat(file)  # noqa: PTH116 - a text
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:  # a pipe would never come to its end
            return []
        with tokenize.open(file) as stream:
            return stream.read().splitlines()
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return []


def _carets(text: str, trouble: Trouble, line: str) -> str:
    """Python's own carets, moved to where the line stands in the file; without them the whole line is meant."""
    stripped = line.lstrip()
    indent = len(line) - len(stripped)
    found = _carets_in(text.splitlines(), trouble)
    if found:
        return " " * indent + found
    return " " * indent + "^" * len(stripped.rstrip())


def _carets_in(lines: list[str], trouble: Trouble) -> str:
    for index in reversed(range(len(lines) - 2)):
        frame = _FRAME.match(lines[index])
        if frame and frame["file"] == trouble.file and int(frame["line"]) == trouble.line:
            shown, below = lines[index + 1], lines[index + 2]
            return below[len(shown) - len(shown.lstrip()) :].rstrip() if _CARETS.match(below) else ""
    return ""
