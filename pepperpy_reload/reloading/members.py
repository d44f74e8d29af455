"""The members of an enum that is made anew: those of the same name and value go on being who they were."""

from __future__ import annotations

import gc
from collections.abc import Callable
from enum import Enum
from functools import partial
from types import FrameType
from typing import Any

Undo = Callable[[Callable[[], None]], None]

_VALUES = (int, str, float, bool, bytes, type(None))


def keep_members(old: type[Enum], new: type[Enum], undo: Undo) -> None:
    """Put the members of `old`, which have followed to its successor `new`, in the place of their own successors.

    Only those that nobody but the new class itself holds yet: then nobody can tell.
    """
    names, made = vars(old)["_member_map_"], vars(new)["_member_map_"]
    for name in [name for name in made if name in names]:
        # No table of ours may hold a new member here: it would be taken for somebody else's.
        kept, member = names[name], made[name]
        is_other = kept is not member and type(kept) is new and _are_alike(kept, member)
        if is_other and not _is_held_elsewhere(member, new):
            _put(kept, member, new, undo)


def _are_alike(one: Enum, other: Enum) -> bool:
    mine, theirs = vars(one), vars(other)
    return mine["_name_"] == theirs["_name_"] and _are_same(mine["_value_"], theirs["_value_"])


def _are_same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if type(one) is tuple:
        return len(one) == len(other) and all(map(_are_same, one, other))
    return type(one) in _VALUES and bool(one == other)


def _is_held_elsewhere(member: Enum, home: type[Enum]) -> bool:
    tables = [vars(home)["_member_map_"], vars(home)["_value2member_map_"], *gc.get_referents(vars(home))]
    known = {id(table) for table in tables}
    for name in vars(home)["_member_map_"]:
        known |= {id(vars(home).get(name)), id(getattr(vars(home).get(name), "__dict__", None))}
    return any(id(holder) not in known and not isinstance(holder, FrameType) for holder in gc.get_referrers(member))


def _put(kept: Enum, member: Enum, home: type[Enum], undo: Undo) -> None:
    undo(partial(_become, vars(kept), dict(vars(kept))))
    _become(vars(kept), vars(member))
    for table in (vars(home)["_member_map_"], vars(home)["_value2member_map_"]):
        for key in [key for key, value in table.items() if value is member]:
            table[key] = kept
    for name, value in list(vars(home).items()):
        if value is member:
            type.__setattr__(home, name, kept)
        elif getattr(value, "__dict__", {}).get("member") is member:
            value.__dict__["member"] = kept


def _become(table: dict[str, Any], other: dict[str, Any]) -> None:
    content = dict(other)
    table.clear()
    table.update(content)
