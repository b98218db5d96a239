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

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store import about_json, chats, messages, parts, records
from nodetool_xl_desktop.store.database import connect_to_read, one, rows, transaction
from nodetool_xl_desktop.store.records import OPEN, State

_log = logging.getLogger(__name__)

_CHAT = ("id", "title", "titled_by", "created_ms", "touched_ms", "pinned", "archived", "deleted_ms", "more")
_MESSAGE = ("id", "role", "state", "created_ms", "deleted_ms", "deleted_with", "model", "about", "parts")
#: Tables whose rows are taken over whole where they are newer, and the column that says so.
_OTHERS = {"draft": "saved_ms", "preset": "changed_ms"}

#: What a row may raise whose page is damaged and still looks like one.
_NONSENSE = (sqlite3.IntegrityError, ValueError, LookupError, TypeError, AttributeError, OverflowError)


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
            saved = _messages(source, connection, _chats(source, connection))
            for table, changed in _OTHERS.items():
                _other(source, connection, table, changed)
            return saved
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
        try:
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
        except _NONSENSE as error:
            _log.warning("A chat could not be read: %r", error)
            continue
        keys[old] = made
    return keys


def _messages(source: sqlite3.Connection, connection: sqlite3.Connection, chats_here: dict[int, int]) -> int:
    """Add what is missing, parents first; returns how many."""
    saved, keys, orphans = 0, {}, _Orphans(connection)
    found = _readable(source, "message", ("chat", "parent", *_MESSAGE))
    for row in sorted((row for row in found if isinstance(row[0], int)), key=lambda row: row[0]):
        key, chat, _, uuid = row[:4]
        try:
            held = rows(connection, "SELECT key, state FROM message WHERE id = ?", uuid)
            if held:
                keys[key] = held[0][0]
                if held[0][1] in OPEN:  # it was being written when the backup was made
                    messages.finish(connection, _message(source, row))
                continue
            message = _message(source, row)
            keys[key] = _add(connection, orphans.chat_of(chats_here.get(chat)), message, row, keys)
            saved += 1
        except _NONSENSE as error:
            _log.warning("A message could not be read: %r", error)
    return saved


def _message(source: sqlite3.Connection, row: tuple[Any, ...]) -> records.Message:
    key, _, _, uuid, role, state, created_ms, _, _, _, about, kept = row
    said = parts.decode(kept)
    if state in OPEN:
        said, state = parts.joined([*said, *_tail(source, key)]), State.INTERRUPTED
    return records.Message(uuid, None, role, said, State(state), created_ms, about_json.decode(about))


def _add(
    connection: sqlite3.Connection, chat: int, message: records.Message, row: tuple[Any, ...], keys: dict[int, int]
) -> int:
    """Add a message, and return its new key. One whose parent could not be read begins a branch."""
    _, _, parent, *_, deleted_ms, deleted_with, _, _, _ = row
    made = messages.insert(connection, chat, message, keys.get(parent))
    if deleted_ms is None:
        connection.execute("UPDATE chat SET leaf = ? WHERE key = ?", (made, chat))
    else:
        gone_with = keys.get(deleted_with, made)
        connection.execute(
            "UPDATE message SET deleted_ms = ?, deleted_with = ? WHERE key = ?", (deleted_ms, gone_with, made)
        )
    return made


def _other(source: sqlite3.Connection, connection: sqlite3.Connection, table: str, changed: str) -> None:
    """Take over the rows of a small table that are newer than those here."""
    try:
        cursor = source.execute(f"SELECT * FROM {table}")
        names, found = [each[0] for each in cursor.description], cursor.fetchall()
    except sqlite3.DatabaseError as error:
        _log.warning("The walk over %s ended: %s", table, error)
        return
    marks, at = ", ".join("?" * len(names)), names.index(changed)
    for row in found:
        try:
            here = one(connection, f"SELECT {changed} FROM {table} WHERE {names[0]} = ?", row[0])
            if here is None or here < row[at]:
                connection.execute(f"INSERT OR REPLACE INTO {table}({', '.join(names)}) VALUES ({marks})", row)
        except _NONSENSE as error:
            _log.warning("A row of %s could not be read: %r", table, error)


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
                self._connection, records.Chat(records.new_id(), tr("Recovered"), records.TitledBy.PERSON, now, now)
            )
        return self._chat


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
