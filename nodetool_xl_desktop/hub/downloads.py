"""Downloads: a queue that survives a restart, over the range downloads of `download`.

This is the way to it from the window: it runs in a thread with a loop of its own (`queue`), so that megabytes a second
never pass through the window's. What it has come to lies in `Downloads.all` as values.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from nodetool_xl_desktop.core.backstage import Backstage
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.hub.manner import Manner
from nodetool_xl_desktop.hub.queue import Queue
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.hub.standing import Download, Limits, State


class Downloads:
    """All downloads. Its methods are called from one thread, the window's, and return at once, unless they are `async`.

    Args:
        journal: the file that the queue is kept in; beside it a lock, so that of two programs one runs it.
        folder: the models folder of what is added from now on. It is called in a thread, and may block.
        token: from an endpoint to the token that was entered for it, or None. It is called in a thread, and may block.
        manner: how faults are put up with.
    """

    def __init__(
        self,
        journal: Path,
        folder: Callable[[], Path],
        token: Callable[[str], str | None] = lambda _endpoint: None,
        manner: Manner | None = None,
    ) -> None:
        self._backstage = Backstage("downloads")
        self._queue = Queue(journal, folder, token, manner or Manner(), self._tell)
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._limits: Limits | None = None  # chosen, and perhaps not heard of yet
        self._has_started = False
        self._tasks: set[asyncio.Task[None]] = set()  # of the queue's thread

    def start(self) -> None:
        """Read the journal, and go on with what was not done. Also begun by the first `add`."""
        if not self._has_started:
            self._has_started = True
            self._backstage.tell(lambda: self._keep(asyncio.ensure_future(self._queue.open())))
            if self._limits is not None:  # chosen before
                self.limits = self._limits

    async def close(self) -> None:
        """Stop; what has come stays, and the next start goes on there. It waits until all is on the disk."""
        if self._has_started:
            self._has_started = False
            await self._backstage.do(self._queue.close)
            await self._backstage.close()

    @property
    def all(self) -> tuple[Download, ...]:
        """All of them at this moment, in the order of the queue; what is done stays until it is cleared."""
        return self._queue.shown

    @property
    def refusal(self) -> UserFacingError | None:
        """Why nothing is downloaded here: another program has the queue, or it cannot be read. None where it runs."""
        return self._queue.refusal

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have something called after each change, in the queue's thread: it returns at once. For progress it is called
        at most 4 times a second, for all of them together.

        Returns:
            ends it.
        """
        self._listeners = (*self._listeners, callback)

        def stop() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not callback)

        return stop

    async def add(self, repository: Repository, files: Sequence[HubFile]) -> str:
        """Put a model at the end of the queue; it is on the disk that it is wanted when this returns.

        A model that is in the queue already is not there twice: what was paused or has failed goes on. One whose files
        are here already is done as soon as its turn comes, without the network.

        Args:
            repository: where it is.
            files: those of its files that are wanted: one, all parts of a set, and perhaps a projector.

        Returns:
            its id.

        Raises:
            BadName: a file could not be stored below the models folder.
            NoRoom: it does not fit beside what is in the queue already.
            UserFacingError: another program runs the downloads of this folder, or the journal cannot be read.
        """
        self.start()
        return await self._backstage.do(lambda: self._queue.add(repository, files))

    def pause(self, download_id: str) -> None:
        """Have it wait until it is resumed; what has come stays."""
        self._soon(lambda: self._queue.pause(download_id))

    def resume(self, download_id: str) -> None:
        """Have what is paused go on, when its turn comes."""
        self._soon(lambda: self._queue.resume(download_id))

    def retry(self, download_id: str) -> None:
        """Have what failed, or waits for its next attempt, go on now."""
        self._soon(lambda: self._queue.resume(download_id))

    def cancel(self, download_id: str) -> None:
        """Take it out of the list, and remove what has come of it; the files of one that is done stay."""
        self._soon(lambda: self._queue.cancel(download_id))

    def move(self, download_id: str, to: int) -> None:
        """Put it at a place of `all`, from 0 on. What runs already goes on running."""
        self._soon(lambda: self._queue.move(download_id, to))

    def pause_all(self) -> None:
        """Pause what runs or waits."""
        self._soon(self._queue.pause_all)

    def resume_all(self) -> None:
        """Resume what is paused."""
        self._soon(self._queue.resume_all)

    async def rest(self) -> tuple[str, ...] | None:
        """Pause what would go on by itself, and wait until nothing is written any more.

        Returns:
            which ones those were, for `follow`; None where another program runs the downloads of this folder.
        """
        return await self._backstage.do(self._queue.rest) if self._has_started else None

    async def follow(self, source: Path, target: Path, rested: Sequence[str] = ()) -> None:
        """The models folder has moved, with what has come: what was made to rest goes on where it lies now."""
        if self._has_started:
            await self._backstage.do(lambda: self._queue.follow(source, target, rested))

    def clear_finished(self) -> None:
        """Take what is done out of the list; the files stay."""
        self._soon(self._queue.clear_finished)

    @property
    def limits(self) -> Limits:
        """What downloads may take; may be set at any time, and is kept."""
        return self._limits or self._queue.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        self._soon(lambda: self._queue.set_limits(limits))

    def _soon(self, work: Callable[[], None]) -> None:
        """Do it in the queue's thread, in the order in which it was asked for."""
        if self._has_started:
            self._backstage.tell(lambda: self._keep(asyncio.ensure_future(self._queue.when_open(work))))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell(self) -> None:
        for callback in self._listeners:
            callback()


__all__ = ["Download", "Downloads", "Limits", "Manner", "State"]
