"""How attributes of a class are set and deleted, whatever its metaclass makes of that.

Python refuses `type.__setattr__` for a class whose metaclass is written in C and has its own (`ctypes.Structure`): that
one has to be called. One that is written in Python is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from types import WrapperDescriptorType
from typing import Any

from pepperpy_reload.importing.layout import namespace_of


def setter_of(cls: Any) -> Callable[[Any, str, Any], None]:
    """What sets an attribute of a class: a built-in function of the class, the name and the value."""
    return type.__setattr__ if type(cls) is type else _built_in(cls, "__setattr__")


def deleter_of(cls: Any) -> Callable[[Any, str], None]:
    """What deletes an attribute of a class: a built-in function of the class and the name."""
    return type.__delattr__ if type(cls) is type else _built_in(cls, "__delattr__")


def _built_in(cls: Any, name: str) -> Any:
    found = (namespace_of(one).get(name) for one in type.mro(type(cls)))
    return next(one for one in found if type(one) is WrapperDescriptorType)
