"""`pepperpy-reload`, and `python -m pepperpy_reload`."""

from __future__ import annotations

import sys

_SERVING = ("serve", "demo")
_WITHOUT_A_WORKER = {"-h", "--help", "--single-process"}


def main() -> None:
    """The command. The first worker's process begins before anything else is loaded, for that is what takes time."""
    if not (sys.argv[1:2] and sys.argv[1] in _SERVING) or _WITHOUT_A_WORKER & {*sys.argv}:
        from pepperpy_reload.cli import main as run

        run()
        return
    from pepperpy_reload.supervising import firstborn

    firstborn.begin()
    from pepperpy_reload.cli import main as run

    firstborn.look_for_garbage()
    try:
        run()
    finally:
        firstborn.end()


if __name__ == "__main__":
    main()
