"""What can still be read of a damaged database, and is not in the backup that took its place.

A damaged page stops a walk over a table. So each table is walked from its beginning up to there, and from its end down
to there; what lies between is as old as the damage is deep, and mostly in the backup.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.chat import chats, messages, parts, records
from nodetool_xl_desktop.chat.database import connect_to_read, one, rows, transaction
from nodetool_xl_desktop.chat.records import OPEN, State

_log = logging.getLogger(__name__)

_CHAT = ("id", "title", "titled_by", "created_ms", "touched_ms", "pinned", "archived", "deleted_ms", "more")
_MESSAGE = ("id", "role", "state", "created_ms", "deleted_ms", "deleted_with", "model", "about", "parts")


def bring_back(damaged: Path, connection: sqlite3.Connection) -> int:
    """Copy chats and messages that are missing; returns how many messages that were. What cannot be read is left.

    Args:
        damaged: the database that was set aside; it is only read.
        connection: the store; no transaction is open.

    Raises:
        sqlite3.Error: the store refused.
    """
    try:
        with contextlib.closing(connect_to_read(damaged)) as source, transaction(connection):
            return _messages(source, connection, _chats(source, connection))
    except sqlite3.DatabaseError as error:
        if connection.in_transaction or error.sqlite_errorcode & 0xFF not in (
            sqlite3.SQLITE_CORRUPT,
            sqlite3.SQLITE_NOTADB,
            sqlite3.SQLITE_ERROR,  # a table is not there any more
            sqlite3.SQLITE_CANTOPEN,
        ):
            raise
        _log.warning("Nothing could be read from %s: %s", damaged, error)
        return 0


def _chats(source: sqlite3.Connection, connection: sqlite3.Connection) -> dict[int, int]:
    """Each readable chat's key there and here; new ones are added, and what changed since is taken over."""
    keys: dict[int, int] = {}
    for row in _readable(source, "chat", _CHAT):
        old, uuid, title, titled_by, _, touched_ms, *_ = row
        held = rows(connection, "SELECT key, touched_ms FROM chat WHERE id = ?", uuid)
        if not held:
            marks = ", ".join("?" * len(_CHAT))
            made = connection.execute(
                f"INSERT INTO chat({', '.join(_CHAT)}) VALUES ({marks}) RETURNING key", row[1:]
            ).fetchone()[0]
        else:
            made = held[0][0]
            if touched_ms >= held[0][1]:
                connection.execute(
                    "UPDATE chat SET title = ?, titled_by = ?, touched_ms = ? WHERE key = ?",
                    (title, titled_by, touched_ms, made),
                )
        keys[old] = made
    return keys


def _messages(source: sqlite3.Connection, connection: sqlite3.Connection, known: dict[int, int]) -> int:
    """Add what is missing, parents first; returns how many."""
    saved, orphans = 0, _Orphans(connection)
    for row in sorted(_readable(source, "message", ("chat", "parent", *_MESSAGE)), key=lambda each: int(each[0])):
        key, chat, parent, uuid, role, state, created_ms, deleted_ms, deleted_with, model, about, kept = row
        if state in OPEN:
            said = [*parts.decode(kept), *_tail(source, key)]
            kept, state = parts.encode(parts.joined(said)), State.INTERRUPTED
        held = rows(connection, "SELECT key, state FROM message WHERE id = ?", uuid)
        if held:
            if held[0][1] in OPEN:  # it was being written when the backup was made
                connection.execute(
                    "UPDATE message SET state = ?, about = ?, parts = ? WHERE key = ?", (state, about, kept, held[0][0])
                )
            continue
        if one(connection, "SELECT 1 FROM message WHERE key = ?", key):
            continue
        connection.execute(
            "INSERT INTO message(key, chat, parent, id, role, state, created_ms, deleted_ms, deleted_with, model,"
            " about, parts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(key, orphans.chat_of(known.get(chat)), orphans.parent_of(parent), uuid, role, state, created_ms),
                *(deleted_ms, deleted_with, model, about, kept),
            ),
        )
        if deleted_ms is None:
            connection.execute(
                "UPDATE chat SET leaf = ? WHERE key = (SELECT chat FROM message WHERE key = ?)", (key, key)
            )
        messages.use_files(connection, key, parts.decode(kept))
        saved += 1
    return saved


class _Orphans:
    """Where messages go whose chat or parent could not be read."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._chat: int | None = None

    def chat_of(self, chat: int | None) -> int:
        """The chat, or one that is made for what belongs to none."""
        if chat is not None:
            return chat
        if self._chat is None:
            now = records.now_ms()
            self._chat = chats.insert(
                self._connection, records.Chat(records.new_id(), "Recovered", records.TitledBy.PERSON, now, now)
            )
        return self._chat

    def parent_of(self, parent: int | None) -> int | None:
        """The parent where it is there; else the message begins a branch of its own."""
        if parent is None or one(self._connection, "SELECT 1 FROM message WHERE key = ?", parent) is None:
            return None
        return parent


def _tail(source: sqlite3.Connection, message: int) -> list[parts.Part]:
    try:
        return messages.tail(source, message)
    except sqlite3.DatabaseError:
        return []


def _readable(source: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """The rows that can be read, each once: up from the first one, then down from the last one."""
    sql = f"SELECT key, {', '.join(columns)} FROM {table} NOT INDEXED ORDER BY key"
    last = None
    try:
        for row in source.execute(sql):
            last = row[0]
            yield row
    except sqlite3.DatabaseError as error:
        _log.warning("The walk over %s ended: %s", table, error)
    else:
        return
    try:
        for row in source.execute(f"{sql} DESC"):
            if last is not None and row[0] <= last:
                return
            yield row
    except sqlite3.DatabaseError as error:
        _log.warning("The walk back over %s ended: %s", table, error)
