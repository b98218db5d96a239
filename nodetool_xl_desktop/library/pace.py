"""Progress as often as an eye can use it: a fast disk reads a hundred steps a second, and each would be a paint."""

from __future__ import annotations

import time
from collections.abc import Callable

#: In seconds.
INTERVAL_S = 0.05


class Paced:
    """Calls back at most 20 times a second, and always at the end.

    Args:
        tell: gets how much is done and how much there is, in bytes; None for nobody.
    """

    def __init__(self, tell: Callable[[int, int], None] | None) -> None:
        self._tell = tell
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        """So much is done."""
        now = time.monotonic()
        if self._tell and (now >= self._next or done >= total):
            self._next = now + INTERVAL_S
            self._tell(done, total)
