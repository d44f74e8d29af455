"""The names by which code reaches names that it does not say. Whoever records imports knows them, too."""

from __future__ import annotations

REFLECTION = frozenset({"globals", "locals", "vars", "dir", "exec", "eval"})
NAMESPACES = frozenset({"globals", "locals", "vars"})
EXECUTING = frozenset({"eval", "exec"})
FRAMES = frozenset({"f_globals", "f_locals", "f_back"})
SWEEPING = frozenset(
    {"modules", "_getframe", "__import__", "__dict__", "__globals__", *REFLECTION, *NAMESPACES, *FRAMES}
)
"""One of these is said wherever names are read that are not said; star imports apart."""
EXECUTED = "<module>"
"""The qualified name of code that `exec` or `eval` has executed where it sees a module: no function has it."""
