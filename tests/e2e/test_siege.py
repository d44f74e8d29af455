"""A short siege; long ones are `scripts/soak --siege`."""

from __future__ import annotations

import pytest

from tests.programs import siege


@pytest.mark.parametrize("more", [(), ("--no-zygote",)])
def test_nothing_is_lost_stale_or_down(more: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    status = siege.main(["--siege", "--minutes", "0.15", "--seed", "7", *more])
    assert status == 0, capsys.readouterr().out
