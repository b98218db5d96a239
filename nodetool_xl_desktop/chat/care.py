"""What the store needs done now and then, while the program runs and nobody waits: the rest of the check, the backup
of the day, emptying the trash, removing files that nothing refers to.
"""

from __future__ import annotations

import functools
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from nodetool_xl_desktop.chat import chats, opening, schema
from nodetool_xl_desktop.chat.attachments import Attachments
from nodetool_xl_desktop.chat.backup import Backup, Backups, unsoundness
from nodetool_xl_desktop.chat.database import flag_damage, in_thread, told, transaction
from nodetool_xl_desktop.chat.records import Notice, now_ms
from nodetool_xl_desktop.chat.store_errors import StoreError, damaged

Result = TypeVar("Result")
_log = logging.getLogger(__name__)


class Disk(Protocol):
    """What of a store is needed here; its errors are `StoreError`."""

    attachments: Attachments

    async def write_freely(self, work: Callable[[sqlite3.Connection], Result]) -> Result: ...


class Care:
    """`Store.care`.

    Args:
        disk: the store.
        opened: how it was opened.
    """

    def __init__(self, disk: Disk, opened: opening.Opened) -> None:
        self._disk = disk
        self._opened = opened
        self._backups = Backups(opened.database.parent / "backups")

    async def all(self) -> list[Notice]:
        """All of it; to be awaited in a task of its own after the start, and once a day. Returns what to tell a person.

        A database that is found damaged is neither backed up nor cleared.
        """
        try:
            if (notice := await self.check()) is not None:
                return [notice]
            await self.back_up_daily()
            await self.empty_trash()
            await self._disk.write_freely(self._disk.attachments.collect)
        except StoreError as error:
            _log.warning("%s", error)
            return [Notice(error.what, error.why, error.hint)]
        return []

    async def check(self) -> Notice | None:
        """Look through all of the database, where that was not done at the start; None where it is sound.

        Raises:
            StoreError: it cannot be read.
        """
        if self._opened.checked:
            return None
        database = self._opened.database
        problem = await in_thread(lambda: _told(database, lambda: unsoundness(database)))
        if not problem:
            self._opened.checked = True
            return None
        flag_damage(database)
        error = damaged(database, problem)
        return Notice(error.what, error.why, error.hint)

    async def back_up_daily(self) -> Backup | None:
        """Back it up, where that was not done today.

        Raises:
            StoreError: it cannot be written.
        """
        if await in_thread(lambda: _told(self._opened.database, self._backups.is_due)):
            return await self.back_up()
        return None

    async def back_up(self) -> Backup:
        """Back it up now, beside whatever is written meanwhile.

        Raises:
            StoreError: it cannot be written.
        """
        database = self._opened.database
        return await in_thread(lambda: _told(database, lambda: self._backups.make(database)))

    async def empty_trash(self, before_ms: int | None = None) -> None:
        """Remove what has been in the trash for 30 days, or since before another time, for good.

        Raises:
            StoreError: it could not be written.
        """
        before = now_ms() - chats.TRASH_MS if before_ms is None else before_ms
        for chat in await self._disk.write_freely(lambda connection: chats.trashed_before(connection, before)):
            while await self._in_steps(functools.partial(chats.remove_some, chat_id=chat)):
                pass
        while await self._in_steps(lambda connection: chats.remove_some_messages(connection, before)):
            pass

    async def rebuild_search(self) -> None:
        """Build the index of the search anew, for one that was found damaged. Takes a minute for a million messages.

        Raises:
            StoreError: it could not be written.
        """
        await self._disk.write_freely(schema.rebuild_search)

    async def _in_steps(self, work: Callable[[sqlite3.Connection], bool]) -> bool:
        """One transaction; what streams in is written between two of them."""

        def whole(connection: sqlite3.Connection) -> bool:
            with transaction(connection):
                return work(connection)

        return await self._disk.write_freely(whole)


def _told(database: Path, work: Callable[[], Result]) -> Result:
    with told(database):
        return work()
