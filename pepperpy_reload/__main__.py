"""`python -m pepperpy_reload`."""

from __future__ import annotations

from pepperpy_reload.cli import main

if __name__ == "__main__":
    main()
