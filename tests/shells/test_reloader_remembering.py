"""What functions keep as attributes of themselves, or of a class, to have it the next time they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

KEEPER = "class Keeper:\n    kept = None\ndef get():\n"
WAYS = (
    "def get():\n    try: return get.kept\n    except AttributeError: get.kept = [Thing]\n    return get.kept",
    "def get():\n    if not hasattr(get, 'kept'): get.kept = [Thing]\n    return getattr(get, 'kept')",
    f"{KEEPER}    if Keeper.kept is None: Keeper.kept = [Thing]\n    return Keeper.kept",
    "class Keeper: ...\ndef get():\n    if not hasattr(Keeper, 'kept'): Keeper.kept = [Thing]\n    return Keeper.kept",
    f"{KEEPER}    Keeper.kept = Keeper.kept or [Thing]\n    return Keeper.kept",
)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_kept_is_made_anew_with_what_it_is_made_of(reloads: Reloads, way: str) -> None:
    reloads(
        """
        import main, store, thing
        assert main.one[0] is thing.Thing
        report = change("thing.py", "(Base)", "")
        assert report.status == "reloaded" and main.one[0] is store.get()[0] is thing.Thing, (report, report.ran)
        """,
        {
            "thing.py": "class Base: ...\nclass Thing(Base): ...\n",
            "store.py": f"from thing import Thing\n{way}\n",
            "main.py": "import store\none = store.get()\n",
        },
    )


def test_what_is_set_and_not_looked_at_is_set_again(reloads: Reloads) -> None:
    reloads(
        """
        import main, store, thing
        get, keeper = store.get, store.Keeper
        report = change("thing.py", "(Base)", "")
        assert report.status == "reloaded" and store.get is get and store.Keeper is keeper, report.ran
        assert get.kept is keeper.kept is thing.Thing
        """,
        {
            "thing.py": "class Base: ...\nclass Thing(Base): ...\n",
            "store.py": "import thing\nclass Keeper: ...\ndef get():\n    Keeper.kept = get.kept = thing.Thing\n",
            "main.py": "import store\nstore.get()\n",
        },
    )
