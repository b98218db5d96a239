"""Chats in the database without their messages: the list, folders, tags, the trash, drafts.

Each function takes the connection first, and those that write are called within a transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store import parts
from nodetool_xl_desktop.store.database import one, rows
from nodetool_xl_desktop.store.errors import missing
from nodetool_xl_desktop.store.parts import Part
from nodetool_xl_desktop.store.records import Chat, Draft, Folder, TitledBy, new_id, now_ms

#: How long what was deleted can be taken back, in milliseconds.
TRASH_MS = 30 * 24 * 3600 * 1000
#: How many messages one transaction removes for good: a write that waits meanwhile does not wait long.
_AT_ONCE = 200

_COLUMNS = (
    "c.key, c.id, c.title, c.titled_by, c.created_ms, c.touched_ms, c.pinned, c.archived, c.folder,"
    " (SELECT json_group_array(name) FROM tag WHERE tag.chat = c.key), c.deleted_ms,"
    " (SELECT id FROM message WHERE message.key = c.leaf), c.more"
)


class Cursor(NamedTuple):
    """Where a page of the list ended."""

    touched_ms: int
    key: int


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of the list, what was touched last first; `after` asks for the next one, and is None at the end."""

    chats: tuple[Chat, ...]
    after: Cursor | None


@dataclass(frozen=True, slots=True)
class Shown:
    """Which chats a list shows.

    Attributes:
        folder: those of one folder, by its id; None for any.
        tag: those with a tag; None for any.
        pinned: those that are pinned, or are not; None for both.
        archived: those of the archive instead of those outside of it; None for both.
        trash: those of the trash instead of all others.
    """

    folder: str | None = None
    tag: str | None = None
    pinned: bool | None = None
    archived: bool | None = False
    trash: bool = False

    def where(self) -> tuple[str, list[Any]]:
        """The condition, and its values."""
        said = ["c.deleted_ms IS NOT NULL" if self.trash else "c.deleted_ms IS NULL"]
        values: list[Any] = []
        if self.archived is not None and not self.trash:
            few = "+" if self.pinned else ""  # the index of those that are pinned, not a walk through all others
            said.append(f"{few}c.archived = {int(self.archived)}")
        if self.pinned is not None:
            said.append("c.pinned" if self.pinned else "NOT c.pinned")
        if self.folder is not None:
            said.append("c.folder = ?")
            values.append(self.folder)
        if self.tag is not None:
            said.append("c.key IN (SELECT chat FROM tag WHERE name = ?)")
            values.append(parts.clean(self.tag))
        return " AND ".join(said), values

    def holds(self, chat: Chat) -> bool:
        """Whether it shows this chat; the same as `where`, for a list that is in memory already."""
        return (
            (chat.deleted_ms is not None) == self.trash
            and (self.archived is None or self.trash or chat.archived == self.archived)
            and (self.pinned is None or chat.pinned == self.pinned)
            and (self.folder is None or chat.folder == self.folder)
            and (self.tag is None or parts.clean(self.tag) in chat.tags)
        )


EVERYTHING = Shown()


# Reading


def page(connection: sqlite3.Connection, shown: Shown, limit: int, after: Cursor | None) -> Page:
    """A piece of the list; the time it takes does not depend on how much came before it."""
    where, values = shown.where()
    if after is not None:
        where += " AND (c.touched_ms, c.key) < (?, ?)"
        values += after
    found = rows(
        connection,
        f"SELECT {_COLUMNS} FROM chat c WHERE {where} ORDER BY c.touched_ms DESC, c.key DESC LIMIT ?",
        *values,
        limit + 1,
    )
    more = len(found) > limit
    found = found[:limit]
    return Page(tuple(_chat(row) for row in found), Cursor(found[-1][5], found[-1][0]) if more else None)


def days(connection: sqlite3.Connection, shown: Shown) -> list[tuple[date, int]]:
    """The days of the list in this machine's time, the last one first, and how many chats each has."""
    where, values = shown.where()
    found = rows(
        connection,
        "SELECT date(c.touched_ms / 1000, 'unixepoch', 'localtime') AS day, count(*) FROM chat c"
        f" WHERE {where} GROUP BY day ORDER BY day DESC",
        *values,
    )
    return [(date.fromisoformat(day), count) for day, count in found]


def chat(connection: sqlite3.Connection, chat_id: str) -> Chat:
    """One chat.

    Raises:
        StoreError: it is not there.
    """
    found = rows(connection, f"SELECT {_COLUMNS} FROM chat c WHERE c.id = ?", chat_id)
    if not found:
        raise missing(tr("This chat"))
    return _chat(found[0])


def key(connection: sqlite3.Connection, chat_id: str) -> int:
    """The key of a chat.

    Raises:
        StoreError: it is not there.
    """
    found = one(connection, "SELECT key FROM chat WHERE id = ?", chat_id)
    if found is None:
        raise missing(tr("This chat"))
    return int(found)


def _chat(row: Sequence[Any]) -> Chat:
    _, chat_id, title, titled_by, created_ms, touched_ms, pinned, archived, folder, tags, deleted_ms, leaf, more = row
    return Chat(
        chat_id,
        title,
        TitledBy(titled_by),
        created_ms,
        touched_ms,
        bool(pinned),
        bool(archived),
        folder,
        () if tags == "[]" else tuple(sorted(json.loads(tags))),
        deleted_ms,
        leaf,
        {} if more == "{}" else json.loads(more),
    )


# Changing


def insert(connection: sqlite3.Connection, made: Chat) -> int:
    """A new chat; returns its key. Its leaf is set by its messages."""
    added = connection.execute(
        "INSERT INTO chat(id, title, titled_by, created_ms, touched_ms, pinned, archived, folder, more)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT id FROM folder WHERE id = ?), ?) RETURNING key",
        (
            *(made.id, parts.clean(made.title), made.titled_by, made.created_ms, made.touched_ms),
            *(made.pinned, made.archived, made.folder, parts.dumps(dict(made.more))),
        ),
    ).fetchone()[0]
    set_tags(connection, made.id, made.tags)
    return int(added)


def rename(connection: sqlite3.Connection, chat_id: str, title: str, by: TitledBy) -> bool:
    """Give a chat a title; returns False where a person has given it one, and this is another's."""
    order = list(TitledBy)
    held = TitledBy(one(connection, "SELECT titled_by FROM chat WHERE key = ?", key(connection, chat_id)))
    if order.index(by) < order.index(held):
        return False
    connection.execute("UPDATE chat SET title = ?, titled_by = ? WHERE id = ?", (parts.clean(title), by, chat_id))
    return True


def keep_more(connection: sqlite3.Connection, chat_id: str, name: str, value: Any) -> None:
    """Keep something of a chat under a name of its `more`, beside what else is there.

    Raises:
        StoreError: it is not there.
    """
    at = key(connection, chat_id)
    more = json.loads(one(connection, "SELECT more FROM chat WHERE key = ?", at))
    said = parts.dumps({**more, name: value})
    connection.execute("UPDATE chat SET more = ? WHERE key = ?", (said, at))


def title_first(connection: sqlite3.Connection, chat_id: str, title: str) -> None:
    """Give a chat that has no title yet one of its first line."""
    connection.execute(
        "UPDATE chat SET title = ?, titled_by = ? WHERE id = ? AND titled_by = ''",
        (parts.clean(title), TitledBy.FIRST_LINE, chat_id),
    )


def change(connection: sqlite3.Connection, ids: Iterable[str], **values: Any) -> None:
    """Set columns of chats: `pinned`, `archived`, `folder`, `deleted_ms`; those that are not there are left out.

    Raises:
        StoreError: the folder is not there.
    """
    _need_folder(connection, values.get("folder"))
    names = ", ".join(f"{name} = ?" for name in values)
    connection.executemany(f"UPDATE chat SET {names} WHERE id = ?", [(*values.values(), chat_id) for chat_id in ids])


def set_tags(connection: sqlite3.Connection, chat_id: str, tags: Iterable[str]) -> None:
    """Give a chat these tags and no other.

    Raises:
        StoreError: the chat is not there.
    """
    at = key(connection, chat_id)
    connection.execute("DELETE FROM tag WHERE chat = ?", (at,))
    connection.executemany(
        "INSERT OR IGNORE INTO tag(chat, name) VALUES (?, ?)",
        [(at, name) for tag in tags if (name := parts.clean(tag))],
    )


def tags(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """Every tag, and how many chats outside of the trash have it."""
    return rows(
        connection,
        "SELECT name, count(*) FROM tag JOIN chat c ON c.key = tag.chat WHERE c.deleted_ms IS NULL"
        " GROUP BY name ORDER BY name",
    )


def trashed_before(connection: sqlite3.Connection, before_ms: int) -> list[str]:
    """The chats that went to the trash before a time."""
    return [chat_id for (chat_id,) in rows(connection, "SELECT id FROM chat WHERE deleted_ms < ?", before_ms)]


def remove_some(connection: sqlite3.Connection, chat_id: str) -> bool:
    """Remove a piece of a chat for good, the last messages first; returns True while there is more to remove."""
    at = one(connection, "SELECT key FROM chat WHERE id = ? AND deleted_ms IS NOT NULL", chat_id)
    if at is None:
        return False  # it was taken back, or is gone
    gone = connection.execute(
        "DELETE FROM message WHERE key IN (SELECT key FROM message WHERE chat = ? ORDER BY key DESC LIMIT ?)",
        (at, _AT_ONCE),
    ).rowcount
    if gone < _AT_ONCE:
        connection.execute("DELETE FROM chat WHERE key = ?", (at,))
    return gone == _AT_ONCE


def remove_some_messages(connection: sqlite3.Connection, before_ms: int) -> bool:
    """Remove a piece of the messages that were deleted before a time; returns True while there is more to remove."""
    gone = connection.execute(
        # What was deleted with a message, or before it, goes first: no row may lose its parent.
        "DELETE FROM message WHERE key IN"
        " (SELECT key FROM message WHERE deleted_ms < ? ORDER BY deleted_ms, key DESC LIMIT ?)",
        (before_ms, _AT_ONCE),
    ).rowcount
    return gone == _AT_ONCE


# Folders and drafts


def folders(connection: sqlite3.Connection) -> list[Folder]:
    """Every folder, by name."""
    return [Folder(*row) for row in rows(connection, "SELECT id, name, parent FROM folder ORDER BY name, id")]


def add_folder(connection: sqlite3.Connection, name: str, parent: str | None) -> Folder:
    """A new folder.

    Raises:
        StoreError: the one that it is to lie in is not there.
    """
    _need_folder(connection, parent)
    made = Folder(new_id(), parts.clean(name), parent)
    connection.execute("INSERT INTO folder(id, name, parent) VALUES (?, ?, ?)", (made.id, made.name, made.parent))
    return made


def _need_folder(connection: sqlite3.Connection, folder_id: str | None) -> None:
    if folder_id is not None and one(connection, "SELECT 1 FROM folder WHERE id = ?", folder_id) is None:
        raise missing(tr("This folder"))


def rename_folder(connection: sqlite3.Connection, folder_id: str, name: str) -> None:
    """Give a folder another name."""
    connection.execute("UPDATE folder SET name = ? WHERE id = ?", (parts.clean(name), folder_id))


def remove_folder(connection: sqlite3.Connection, folder_id: str) -> None:
    """Remove a folder; its chats and its folders stay, outside of any."""
    connection.execute("DELETE FROM folder WHERE id = ?", (folder_id,))


def draft(connection: sqlite3.Connection, place: str) -> Draft | None:
    """What was typed and not sent: of a chat by its id, of a new one with an empty place."""
    found = rows(connection, "SELECT parts, saved_ms FROM draft WHERE place = ?", place)
    return Draft(parts.decode(found[0][0]), found[0][1]) if found else None


def keep_draft(connection: sqlite3.Connection, place: str, said: Sequence[Part]) -> None:
    """Keep what was typed; nothing for nothing."""
    if said:
        connection.execute(
            "INSERT INTO draft(place, parts, saved_ms) VALUES (?, ?, ?)"
            " ON CONFLICT(place) DO UPDATE SET parts = excluded.parts, saved_ms = excluded.saved_ms",
            (place, parts.encode(said), now_ms()),
        )
    else:
        connection.execute("DELETE FROM draft WHERE place = ?", (place,))
