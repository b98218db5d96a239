"""The changes of a chat's tree in the database. The rules are those of `tree.py`; here they are looked up and written.

Each function takes the connection first, and those that write are called within a transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from nodetool_xl_desktop.chat import parts
from nodetool_xl_desktop.chat.database import one, rows
from nodetool_xl_desktop.chat.messages import key, next_key, tail
from nodetool_xl_desktop.chat.records import OPEN, State, new_id, now_ms
from nodetool_xl_desktop.chat.store_errors import missing
from nodetool_xl_desktop.chat.tree import Node, Tree


def tree(connection: sqlite3.Connection, chat: int) -> Tree:
    """The tree of a chat, by its key."""
    found = rows(connection, "SELECT key, id, parent, deleted_with FROM message WHERE chat = ? ORDER BY key", chat)
    ids: dict[int | None, str | None] = {key: uuid for key, uuid, _, _ in found}
    ids[None] = None
    nodes = [Node(uuid, ids[parent], ids.get(gone)) for _, uuid, parent, gone in found]
    leaf = ids.get(one(connection, "SELECT leaf FROM chat WHERE key = ?", chat))
    return Tree(nodes, leaf)


def switch(connection: sqlite3.Connection, chat: int, to: str) -> Tree:
    """Show the branch of a message; returns the tree as it is then.

    Raises:
        StoreError: it is not there.
    """
    branches = tree(connection, chat)
    if not branches.is_alive(to):
        raise missing("This message")
    branches.switch(to)
    return _show(connection, chat, branches)


def delete(connection: sqlite3.Connection, chat: int, message: str) -> Tree:
    """Delete a message with all that follows it, until it is taken back or its time is up; returns the tree.

    Raises:
        StoreError: it is not there.
    """
    branches = tree(connection, chat)
    if not branches.is_alive(message):
        raise missing("This message")
    gone, with_it, now = branches.delete(message), key(connection, message), now_ms()
    _show(connection, chat, branches)
    connection.executemany(
        "UPDATE message SET deleted_ms = ?, deleted_with = ? WHERE id = ?", [(now, with_it, each) for each in gone]
    )
    return branches


def undo_delete(connection: sqlite3.Connection, chat: int, message: str) -> Tree:
    """Take back the deletion of a message; returns the tree.

    Raises:
        StoreError: it is not there any more, or what it followed is deleted.
    """
    branches = tree(connection, chat)
    try:
        branches.undo(message)
    except ValueError as error:
        raise missing("This message") from error
    connection.execute(
        "UPDATE message SET deleted_ms = NULL, deleted_with = NULL WHERE deleted_with = ?", (key(connection, message),)
    )
    return _show(connection, chat, branches)


def copy(connection: sqlite3.Connection, source: int, into: int, only: Sequence[str] | None = None) -> None:
    """Copy living messages into an empty chat, as they are on the disk and with new ids.

    Args:
        source: the key of the chat to copy from.
        into: the key of the new one.
        only: the ids to copy, each after its parent; None for all.
    """
    wanted = None if only is None else set(only)
    made: dict[int, int] = {}
    leaf = one(connection, "SELECT leaf FROM chat WHERE key = ?", source)
    for row in rows(
        connection,
        "SELECT key, id, parent, role, state, created_ms, model, about, parts FROM message"
        " WHERE chat = ? AND deleted_with IS NULL ORDER BY key",
        source,
    ):
        old, uuid, parent, role, state, created_ms, model, about, kept = row
        if wanted is not None and uuid not in wanted:
            continue
        said = parts.joined([*parts.decode(kept), *tail(connection, old)]) if state in OPEN else None
        made[old] = next_key(connection, into, created_ms)
        connection.execute(
            "INSERT INTO message(key, id, chat, parent, role, state, created_ms, model, about, parts)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(made[old], new_id(), into, made.get(parent), role, state if said is None else State.STOPPED),
                *(created_ms, model, about, kept if said is None else parts.encode(said)),
            ),
        )
        connection.execute(
            "INSERT INTO file_use(message, sha256) SELECT ?, sha256 FROM file_use WHERE message = ?", (made[old], old)
        )
    last = made.get(leaf) if only is None else max(made.values(), default=None)
    connection.execute("UPDATE chat SET leaf = ? WHERE key = ?", (last, into))


def _show(connection: sqlite3.Connection, chat: int, branches: Tree) -> Tree:
    connection.execute(
        "UPDATE chat SET leaf = (SELECT key FROM message WHERE id = ?) WHERE key = ?", (branches.leaf, chat)
    )
    return branches
