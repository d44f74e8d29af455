"""What may be preloaded: records of a probe in, a choice out."""

from __future__ import annotations

import pytest

from pepperpy_reload.core.preload import STUBBORN, Deed, Record, added_filters, choose, closure


def records(**requires: str) -> dict[str, Record]:
    """Harmless modules, by name: what they import."""
    return {name: Record(requires=tuple(required.split())) for name, required in requires.items()}


def doing(known: dict[str, Record], name: str, *deeds: Deed) -> dict[str, Record]:
    return known | {name: Record(frozenset(deeds), known[name].requires)}


def test_what_did_nothing_is_preloaded_in_the_order_in_which_it_was_loaded() -> None:
    choice = choose(["b", "a", "c"], records(a="", b="a", c=""))
    assert choice.names == ("b", "a", "c")
    assert choice.left_out == {}


@pytest.mark.parametrize("deed", Deed)
def test_what_did_something_is_left_out_with_its_reason(deed: Deed) -> None:
    choice = choose(["a", "b"], doing(records(a="", b=""), "a", deed))
    assert choice.names == ("b",)
    assert choice.left_out == {"a": deed.value}


def test_who_imports_it_is_left_out_too_and_only_it_is_named() -> None:
    known = doing(records(top="middle", middle="low", low="", other="low", alone=""), "low", Deed.THREADS)
    choice = choose(["top", "middle", "low", "other", "alone"], known)
    assert choice.names == ("alone",)
    assert list(choice.left_out) == ["low"]


def test_a_cycle_is_left_out_as_one() -> None:
    known = doing(records(a="b", b="a", c=""), "b", Deed.CLOCK)
    assert choose(["a", "b", "c"], known).names == ("c",)


def test_what_nobody_has_looked_at_is_not_preloaded() -> None:
    assert choose(["a", "new"], records(a="")).names == ("a",)


def test_what_is_present_is_neither_chosen_nor_told_of() -> None:
    choice = choose(["a", "b"], doing(records(a="", b=""), "a", Deed.HOOKS), present={"a", "b"})
    assert (choice.names, choice.left_out) == ((), {})


@pytest.mark.parametrize("name", ["torch", "torch.cuda", "grpc"])
def test_what_is_known_not_to_survive_a_fork_is_left_out(name: str) -> None:
    assert choose([name], {name: Record()}).left_out == {name: Deed.UNSAFE.value}


def test_an_excluded_package_is_left_out_with_its_parts_and_importers() -> None:
    known = {
        "lib": Record(),
        "lib.part": Record(requires=("lib",)),
        "library": Record(),
        "user": Record(requires=("lib",)),
    }
    assert choose(list(known), known, excluded=["lib"]).names == ("library",)


def test_what_the_user_vouches_for_is_preloaded_with_all_that_it_imports_even_if_nobody_else_does() -> None:
    known = doing(doing(records(lib="dep", dep="", own=""), "lib", Deed.RANDOM), "dep", Deed.PATCHES)
    choice = choose(["own"], known, vouched=["lib"])
    assert set(choice.names) == {"own", "lib", "dep"}
    assert choice.vouched == {"lib", "dep"}


@pytest.mark.parametrize("deed", sorted(STUBBORN))
def test_nobody_can_vouch_for_what_cannot_be_forked_or_is_edited(deed: Deed) -> None:
    assert choose(["lib"], doing(records(lib=""), "lib", deed), vouched=["lib"]).names == ()


def test_a_chain_of_imports_may_be_longer_than_the_stack_is_deep() -> None:
    known = {f"m{n}": Record(requires=(f"m{n + 1}",)) for n in range(5000)} | {"m5000": Record()}
    assert len(closure(["m0"], known)) == 5001
    assert choose(["m0"], doing(known, "m5000", Deed.SIGNALS)).names == ()


def test_the_closure_is_in_the_order_in_which_imports_begin() -> None:
    assert list(closure(["a"], records(a="b d", b="c", c="a", d="c"))) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("before", [[], [1], [1, 2, 3]])
@pytest.mark.parametrize(
    "after", [[], [4], [4, 1, 2, 3], [1, 2, 3, 4], [5, 1, 2, 3, 4], [2, 1, 3], [4, 3, 1, 2], [1, 3]]
)
def test_added_filters_make_the_one_list_the_other_or_say_that_they_cannot(before: list[int], after: list[int]) -> None:
    steps = added_filters(before, after)
    made = list(before)
    for item, in_front in steps or ():
        if item in made and in_front:
            made.remove(item)  # as warnings does
        made.insert(0 if in_front else len(made), item)
    assert made == after if steps is not None else set(before) - set(after)
