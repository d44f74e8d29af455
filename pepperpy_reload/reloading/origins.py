"""Whose a class or a function is: the project's, Python's, or a library's. What it says of its module decides."""

from __future__ import annotations

import sys

from pepperpy_reload.importing.layout import namespace_of
from pepperpy_reload.importing.recorder import recorder


def is_own(cls: type) -> bool:
    """Whether a class is of the project's own modules."""
    return str(home_of(cls)) in recorder.by_name


def home_of(cls: type) -> object:
    """What a class's own namespace says of its module: no metaclass is asked."""
    return namespace_of(cls).get("__module__")


def library_of(home: object) -> str:
    """The package of the library that a module is of, by the module's name; "" if it is the project's, or Python's."""
    if type(home) is not str or home in recorder.by_name:
        return ""  # what is made in C need not say: that is Python's
    package = home.partition(".")[0]
    return "" if package in sys.stdlib_module_names else package
