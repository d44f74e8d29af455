"""Something that lives in memory only: a restart would set it back to nothing."""

import time


class Counter:
    """Counts how often the page has asked for news."""

    def __init__(self) -> None:
        self.value = 0
        self.since = time.monotonic()

    def up(self) -> int:
        """Count one more."""
        self.value += 1
        return self.value

    def age(self) -> int:
        """Seconds since the counting began."""
        return int(time.monotonic() - self.since)


counter = Counter()
