"""What is known of loaded modules is found by their files, and by who loaded them, whatever has been written to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pepperpy_reload.importing.known import Known
from pepperpy_reload.importing.loaded import Loaded

NAMES = st.sampled_from("abcde")
TRIGGERS = st.none() | st.tuples(NAMES, st.integers(0, 3))
LOADED = st.builds(
    lambda name, path, trigger: made(name, f"/nowhere/{path}.py", trigger), NAMES, st.sampled_from("xyz"), TRIGGERS
)
STEPS = st.lists(st.tuples(st.sampled_from(("put", "pop", "hand on", "become")), LOADED, TRIGGERS), max_size=30)


def made(name: str, path: str, trigger: tuple[str, int] | None = None) -> Loaded:
    return Loaded(name, path, b"", compile("", path, "exec"), None, trigger=trigger)


@given(STEPS)
def test_it_says_what_going_through_all_would(steps: list[tuple[str, Loaded, tuple[str, int] | None]]) -> None:
    known, plain = Known(), dict[str, Loaded]()
    news = known.news()
    for step, loaded, trigger in steps:
        news.clear()
        before = dict(plain)
        if step == "put":
            known[loaded.name] = plain[loaded.name] = loaded
        elif step == "pop":
            assert known.pop(loaded.name, None) is plain.pop(loaded.name, None)
        elif step == "hand on":
            known.hand_on(loaded.name, trigger)
        else:
            plain = {loaded.name: loaded}
            known = known.become(plain)
        assert known == plain
        assert {name for name in {*before, *plain} if before.get(name) is not plain.get(name)} <= set(news)
        for path in ("/nowhere/x.py", "/nowhere/y.py", "/nowhere/z.py"):
            there = {name for name, one in plain.items() if one.path == path}
            assert set(known.at(path)) == set(known.at_real(path)) == there
        for importer in "abcde":
            there = {name for name, one in plain.items() if one.trigger is not None and one.trigger[0] == importer}
            assert set(known.loaded_by(importer)) == there


def test_what_a_failed_module_had_loaded_is_there_because_of_who_wanted_that() -> None:
    known = Known()
    for name, trigger in (("main", None), ("broken", ("main", 4)), ("inner", ("broken", 2))):
        known[name] = made(name, f"/nowhere/{name}.py", trigger)
    known.pop("broken")
    known.hand_on("broken", ("main", 4))
    assert (known["inner"].trigger, known.loaded_by("main"), known.loaded_by("broken")) == (("main", 4), ["inner"], [])


def test_a_file_is_found_by_its_real_path_whatever_links_lead_to_it(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "one.py").touch()
    (tmp_path / "link").symlink_to(real)
    (real / "other.py").symlink_to(real / "one.py")
    known = Known()
    for name, path in (
        ("one", real / "one.py"),
        ("linked", tmp_path / "link" / "one.py"),
        ("other", real / "other.py"),
    ):
        known[name] = made(name, str(path))
    there = str((real / "one.py").resolve())
    assert sorted(known.at_real(there)) == ["linked", "one", "other"]
    assert known.at(there) == ["one"]
    known["late"] = replace(known["one"], name="late")
    assert "late" in known.at_real(there)
