"""The identity of an object, as a number."""

from __future__ import annotations

identity = object.__hash__
"""The same as `id`, but no event for audit hooks: those take ten times as long, and there is one of ours."""
