"""The list of chats, as a store offers it: pages, days, folders, tags, the archive and the trash."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Protocol, TypeVar

from nodetool_xl_desktop.store import chats, search
from nodetool_xl_desktop.store.chats import EVERYTHING, Cursor, Page, Shown
from nodetool_xl_desktop.store.records import Chat, Folder, TitledBy, new_id, now_ms

Result = TypeVar("Result")

#: How many chats one call gives where it is not told otherwise.
PAGE = 60


class Disk(Protocol):
    """What of a store is needed here; its errors are `StoreError`."""

    async def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result: ...

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result: ...


class ChatList:
    """`Store.list`. Whatever is not there any more is left out, where it is not asked for by itself."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    async def page(self, shown: Shown = EVERYTHING, limit: int = PAGE, after: Cursor | None = None) -> Page:
        """A piece of the list, what was touched last first."""
        return await self._disk.read(lambda connection: chats.page(connection, shown, limit, after))

    async def days(self, shown: Shown = EVERYTHING) -> list[tuple[date, int]]:
        """The days of the list, the last one first, and how many chats each has."""
        return await self._disk.read(lambda connection: chats.days(connection, shown))

    async def chat(self, chat_id: str) -> Chat:
        """One chat.

        Raises:
            StoreError: it is not there.
        """
        return await self._disk.read(lambda connection: chats.chat(connection, chat_id))

    async def new(self, title: str = "", folder: str | None = None) -> Chat:
        """A new chat; without a title it gets its first line for one."""
        now = now_ms()
        made = Chat(new_id(), title, TitledBy.PERSON if title else TitledBy.NOBODY, now, now, folder=folder)

        def work(connection: sqlite3.Connection) -> Chat:
            chats.insert(connection, made)
            return made

        return await self._disk.write(work)

    async def rename(self, chat_id: str, title: str, by: TitledBy = TitledBy.PERSON) -> bool:
        """Give a chat a title; returns False where a person has given it one, and this is another's.

        Raises:
            StoreError: it is not there.
        """
        return await self._disk.write(lambda connection: chats.rename(connection, chat_id, title, by))

    async def keep_more(self, chat_id: str, name: str, value: Any) -> None:
        """Keep something of a chat that is JSON under a name of `Chat.more`, beside what else is there.

        Raises:
            StoreError: it is not there.
        """
        await self._disk.write(lambda connection: chats.keep_more(connection, chat_id, name, value))

    async def pin(self, ids: Iterable[str], pinned: bool = True) -> None:
        """Pin chats, or unpin them."""
        await self._change(ids, pinned=pinned)

    async def archive(self, ids: Iterable[str], archived: bool = True) -> None:
        """Put chats into the archive, or take them out."""
        await self._change(ids, archived=archived)

    async def move(self, ids: Iterable[str], folder: str | None) -> None:
        """Put chats into a folder, or outside of any.

        Raises:
            StoreError: the folder is not there.
        """
        await self._change(ids, folder=folder)

    async def tag(self, chat_id: str, tags: Iterable[str]) -> None:
        """Give a chat these tags and no other.

        Raises:
            StoreError: it is not there.
        """
        names = list(tags)
        await self._disk.write(lambda connection: chats.set_tags(connection, chat_id, names))

    async def tags(self) -> list[tuple[str, int]]:
        """Every tag, and how many chats have it."""
        return await self._disk.read(chats.tags)

    async def models(self) -> list[tuple[str, str]]:
        """Every model that answered, by the id that a search filters by and as people say it; by name."""
        return await self._disk.read(search.models)

    async def delete(self, ids: Iterable[str]) -> None:
        """Put chats into the trash, where they stay for 30 days."""
        await self._change(ids, deleted_ms=now_ms())

    async def restore(self, ids: Iterable[str]) -> None:
        """Take chats out of the trash."""
        await self._change(ids, deleted_ms=None)

    async def folders(self) -> list[Folder]:
        """Every folder, by name."""
        return await self._disk.read(chats.folders)

    async def add_folder(self, name: str, parent: str | None = None) -> Folder:
        """A new folder.

        Raises:
            StoreError: the folder that it is to lie in is not there.
        """
        return await self._disk.write(lambda connection: chats.add_folder(connection, name, parent))

    async def rename_folder(self, folder_id: str, name: str) -> None:
        """Give a folder another name."""
        await self._disk.write(lambda connection: chats.rename_folder(connection, folder_id, name))

    async def remove_folder(self, folder_id: str) -> None:
        """Remove a folder; what is in it stays, outside of any."""
        await self._disk.write(lambda connection: chats.remove_folder(connection, folder_id))

    async def _change(self, ids: Iterable[str], **values: object) -> None:
        which = list(ids)
        await self._disk.write(lambda connection: chats.change(connection, which, **values))
