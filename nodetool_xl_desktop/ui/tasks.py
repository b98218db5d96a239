"""The one way from a Qt signal to a coroutine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.threads import in_own_thread
from nodetool_xl_desktop.core.translation import tr

Result = TypeVar("Result")


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run `work` where it may block, and return what it returns or raise what it raises; nobody waits for its end."""
    return await in_own_thread(work, tr("file work"))


class Tasks:
    """Starts coroutines on the running loop and keeps them alive until they end.

    An exception that nobody expected goes to the loop's handler, which logs it and tells the person (app.py).
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        #: Stands for all that is not begun any more: a task that was cancelled.
        self._none_more: asyncio.Task[None] | None = None

    def start(
        self, work: Coroutine[Any, Any, Any], tell: Callable[[UserFacingError], object] | None = None
    ) -> asyncio.Task[None]:
        """Run `work` beside everything else; after `cancel_all` nothing of it is run, and no loop has to turn for that.

        Args:
            work: to be run.
            tell: hears of an error for a person; without it none is expected.
        """
        if self._none_more is not None:
            work.close()
            return self._none_more
        task: asyncio.Task[None] = asyncio.get_event_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(partial(self._ended, tell))
        return task

    async def cancel_all(self) -> None:
        """The program ends: cancel what still runs, and wait until it has ended."""
        if self._none_more is None:
            self._none_more = asyncio.ensure_future(asyncio.sleep(0))
            self._none_more.cancel()
            await asyncio.wait([self._none_more])
        while self._running:
            for task in self._running:
                task.cancel()
            await asyncio.wait(self._running)

    def _ended(self, tell: Callable[[UserFacingError], object] | None, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if tell is not None and isinstance(error, UserFacingError):
            tell(error)
        else:
            task.get_loop().call_exception_handler({"message": tr("A task failed"), "exception": error, "task": task})
