"""How far a long piece of work in a thread of its own is, and the word that ends it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from nodetool_xl_desktop.store.database import in_thread

Result = TypeVar("Result")

#: How often it is told at most, in seconds.
_TOLD_S = 0.03


class Progress:
    """How far a long piece of work is; it is told in the loop's thread.

    Args:
        tell: gets how much is done, and of how much; 0 where that is not known.
    """

    def __init__(self, tell: Callable[[float, float], None] = lambda done, of: None) -> None:
        self._tell = tell
        self._stop = threading.Event()
        self._told_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Stop soon; from any thread."""
        self._stop.set()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Have the work done in a thread; it is told to stop where nobody waits for it any longer."""
        self._loop = asyncio.get_running_loop()
        try:
            return await in_thread(work)
        except asyncio.CancelledError:
            self.cancel()
            raise

    def step(self, done: float, of: float) -> None:
        """Tell how far it is; in the thread that works."""
        now = time.monotonic()
        if self._loop is not None and (now - self._told_at > _TOLD_S or done >= of):
            self._told_at = now
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self.tell_now, done, of)

    def tell_now(self, done: float, of: float) -> None:
        """Tell how far it is; in the loop's thread."""
        if not self.is_cancelled:  # who cancelled it may be gone
            self._tell(done, of)

    def wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Have a coroutine run on the loop, and wait for it; in the thread that works."""
        if self._loop is None:
            raise RuntimeError("Nothing runs yet")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
