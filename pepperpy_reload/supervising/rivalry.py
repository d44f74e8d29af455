"""Errors that come of another process having what only one can have: an address, a lock."""

from __future__ import annotations

import errno

_TAKEN = (errno.EADDRINUSE, errno.EAGAIN, errno.EWOULDBLOCK, errno.EBUSY)


def is_exclusive(error: BaseException | None) -> bool:
    """Whether user code failed because of that."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in _TAKEN:
            return True
        error = error.__cause__ or error.__context__
    return False
