"""What the store needs done now and then, while the program runs and nobody waits: the backup of the day, a look
through what was too large for that at the start, emptying the trash, removing files that nothing refers to.
"""

from __future__ import annotations

import functools
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from nodetool_xl_desktop.store import chats
from nodetool_xl_desktop.store.attachments import UNUSED_MS, Attachments
from nodetool_xl_desktop.store.backup import Backup, Backups, unsoundness
from nodetool_xl_desktop.store.database import flag_damage, in_thread, told
from nodetool_xl_desktop.store.errors import StoreError, StoreFault, damaged
from nodetool_xl_desktop.store.opening import CHECKED_AT_ONCE
from nodetool_xl_desktop.store.records import Notice, now_ms

Result = TypeVar("Result")
_log = logging.getLogger(__name__)

#: How many files one piece of work looks at: what streams in meanwhile does not wait long.
_FILES_AT_ONCE = 200


class Disk(Protocol):
    """What of a store is needed here; its errors are `StoreError`."""

    attachments: Attachments

    @property
    def database(self) -> Path: ...

    async def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result: ...

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result: ...


class Care:
    """`Store.care`.

    Args:
        disk: the store.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._backups = Backups(disk.database.parent / "backups")
        self._was_seen = False

    async def all(self) -> list[Notice]:
        """All of it; to be awaited in a task of its own after the start, and once a day. Returns what to tell a person.

        A database that is found damaged is neither backed up nor cleared.
        """
        notices: list[Notice] = []
        for work in (self.look_through, self.empty_trash, self.collect):
            try:
                await work()
            except StoreError as error:
                _log.warning("%s", error)
                notices.append(Notice(error.what, error.why, error.hint))
                if error.fault in (StoreFault.DAMAGED, StoreFault.CLOSED):
                    break
        return notices

    async def look_through(self) -> None:
        """Back it up where that was not done today, which looks through the copy; else look through it once a run.

        Raises:
            StoreError: it cannot be read or written, or is damaged: the next start then falls back to a backup.
        """
        if await self.back_up_daily() is None and not self._was_seen:
            await self.check()
        self._was_seen = True

    async def check(self) -> None:
        """Look through a database that was too large for that when it was opened.

        Raises:
            StoreError: it cannot be read, or is damaged.
        """
        database = self._disk.database

        def work() -> str:
            return unsoundness(database) if database.stat().st_size > CHECKED_AT_ONCE else ""

        if problem := await in_thread(lambda: _told(database, work)):
            flag_damage(database)
            raise damaged(database, problem)

    async def back_up_daily(self) -> Backup | None:
        """Back it up, where that was not done today.

        Raises:
            StoreError: it cannot be written, or the database is damaged.
        """
        if await in_thread(lambda: _told(self._disk.database, self._backups.is_due)):
            return await self.back_up()
        return None

    async def back_up(self) -> Backup:
        """Back it up now, beside whatever is written meanwhile.

        Raises:
            StoreError: it cannot be written, or the database is damaged: it is then looked through at the next start.
        """
        database = self._disk.database
        try:
            return await in_thread(lambda: _told(database, lambda: self._backups.make(database)))
        except StoreError as error:
            if error.fault is StoreFault.DAMAGED:
                flag_damage(database)
            raise

    async def empty_trash(self, before_ms: int | None = None) -> None:
        """Remove what has been in the trash for 30 days, or since before another time, for good.

        Raises:
            StoreError: it could not be written.
        """
        before = now_ms() - chats.TRASH_MS if before_ms is None else before_ms
        for chat in await self._disk.read(lambda connection: chats.trashed_before(connection, before)):
            while await self._disk.write(functools.partial(chats.remove_some, chat_id=chat)):
                pass
        while await self._disk.write(lambda connection: chats.remove_some_messages(connection, before)):
            pass

    async def collect(self) -> int:
        """Remove the files that nothing has referred to for some days, and no backup either; returns how many.

        Raises:
            StoreError: the disk or the database refused.
        """
        files = self._disk.attachments
        oldest_ms, known = await in_thread(
            lambda: _told(files.folder, lambda: (self._backups.oldest_ms(), files.old()))
        )
        before_ms = min(now_ms() - UNUSED_MS, oldest_ms or now_ms())
        known += await self._disk.read(files.unused)
        removed = 0
        for at in range(0, len(known), _FILES_AT_ONCE):
            removed += await self._disk.write(
                functools.partial(files.collect, names=known[at : at + _FILES_AT_ONCE], before_ms=before_ms)
            )
        return removed


def _told(database: Path, work: Callable[[], Result]) -> Result:
    with told(database):
        return work()
