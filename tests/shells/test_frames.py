"""Looks at what other threads are doing."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest

from pepperpy_reload.reloading import underway
from pepperpy_reload.serving.readers import Readers
from pepperpy_reload.supervising import prompt


class Kept:
    """Something that a caller holds."""


LOOKS: dict[str, Callable[[], object]] = {
    "for readers": Readers(lambda _: False).blocking,
    "for strangers": Readers(lambda _: False).strangers,
    "for a debugger": prompt._debugging,
    "for what is left behind": lambda: underway.left_behind({}, lambda action: action(), 0),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_look_at_all_stacks_keeps_nothing_of_who_asks(look: Callable[[], object]) -> None:
    def ask() -> weakref.ref[Kept]:
        held = Kept()
        look()
        return weakref.ref(held)

    gc.disable()
    try:
        assert ask()() is None
    finally:
        gc.enable()
