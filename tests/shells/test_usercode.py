"""Whose fault an error is: what the user's code raises is the user's, what the engine raises by itself is a bug."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module

import pytest

from pepperpy_reload.errors import RestartNeeded, UserCodeError
from pepperpy_reload.reloading.contents import refill
from pepperpy_reload.reloading.usercode import called, calling_user_code, is_a_bug


def fails() -> object:
    return dict[str, str]()["not there"]


def needs_one(_: object) -> object:
    return None


@pytest.mark.parametrize(
    "run",
    [
        fails,
        lambda: called(fails),
        lambda: called(needs_one),  # type: ignore[arg-type]
        lambda: called(None),  # type: ignore[arg-type]
        lambda: compile("1 +", "app.py", "exec"),
    ],
)
def test_what_the_users_code_raises_is_the_users(run: Callable[[], object]) -> None:
    with pytest.raises(UserCodeError), calling_user_code():
        run()


def raised_by(run: Callable[[], object]) -> BaseException:
    """What that raises, as if the engine had called it."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever it is
        run()
    return caught.value.with_traceback(caught.tb.tb_next)


def test_what_the_engine_raises_by_itself_is_a_bug() -> None:
    assert is_a_bug(raised_by(partial(refill, object(), [])))
    assert not is_a_bug(raised_by(fails))
    assert not is_a_bug(raised_by(partial(called, needs_one)))  # type: ignore[arg-type]
    assert not is_a_bug(raised_by(partial(import_module, "not.there")))


def test_an_answer_of_the_engine_passes() -> None:
    with pytest.raises(RestartNeeded), calling_user_code():
        raise RestartNeeded("it has to")
