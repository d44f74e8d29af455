"""Every exception that leaves the package: one base, leaves by whose fault it is.

Bugs of ours are never wrapped in these; they show as what they are.
"""

from __future__ import annotations


class ReloadError(Exception):
    """The base of all errors of this package.

    `str(error)` is the whole text for the user; `file` and `line` say where to look, where that is known.
    """

    def __init__(self, text: str, file: str = "", line: int = 0) -> None:
        super().__init__(text, file, line)
        self.text = text
        self.file = file
        self.line = line

    def __str__(self) -> str:
        return self.text


class UserCodeError(ReloadError):
    """The user's code raised while it was imported, reloaded or started. The text is their full traceback."""


class UsageError(ReloadError):
    """What was asked for on the command line, in a setting or in a call cannot be done. The text is one sentence."""


class SurroundingsError(ReloadError):
    """The machine says no: a port in use, a missing right, a missing package. The text is one sentence."""


class RestartNeeded(ReloadError):  # noqa: N818 - an answer rather than an error
    """The process cannot be brought up to date; the text is the reason, for a person."""
