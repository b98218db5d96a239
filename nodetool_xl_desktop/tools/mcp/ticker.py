"""Telling of changes at a rate that a window can follow: at once, and then again at most every so often."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable


class Ticker:
    """For several kinds of changes, each by its key. Of the program's loop only.

    Args:
        every_s: seconds between two calls for the same key.
    """

    log = logging.getLogger(__name__)

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._due: dict[str, Callable[[], None]] = {}
        self._pauses: dict[str, asyncio.TimerHandle] = {}
        self._closed = False

    def tick(self, key: str, work: Callable[[], None]) -> None:
        """Call `work` now; where that was just done, once the pause is over."""
        if self._closed:
            return
        if key in self._pauses:
            self._due[key] = work
            return
        self._pause(key)
        work()

    def close(self) -> None:
        """Call nothing any longer."""
        self._closed = True
        for pause in self._pauses.values():
            pause.cancel()
        self._pauses.clear()

    def _pause(self, key: str) -> None:
        self._pauses[key] = asyncio.get_running_loop().call_later(self._every_s, self._over, key)

    def _over(self, key: str) -> None:
        del self._pauses[key]
        if work := self._due.pop(key, None):
            self._pause(key)
            work()
