"""The changes of a chat's tree in the database. The rules are those of `tree.py`; here they are looked up and written.

Each function takes the connection first, and those that write are called within a transaction.
"""

from __future__ import annotations

import sqlite3

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.database import one, rows
from nodetool_xl_desktop.store.errors import missing
from nodetool_xl_desktop.store.messages import OF_CHAT, key, span
from nodetool_xl_desktop.store.records import now_ms
from nodetool_xl_desktop.store.tree import Node, Tree


def tree(connection: sqlite3.Connection, chat: int) -> Tree:
    """The tree of a chat, by its key."""
    found = rows(
        connection, f"SELECT key, id, parent, deleted_with FROM message WHERE {OF_CHAT} ORDER BY key", *span(chat)
    )
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
        raise missing(tr("This message"))
    branches.switch(to)
    return _show(connection, chat, branches)


def delete(connection: sqlite3.Connection, chat: int, message: str) -> Tree:
    """Delete a message with all that follows it, until it is taken back or its time is up; returns the tree.

    Raises:
        StoreError: it is not there.
    """
    branches = tree(connection, chat)
    if not branches.is_alive(message):
        raise missing(tr("This message"))
    gone, with_it = branches.delete(message), key(connection, message)
    # Not before what was deleted below it, whatever became of the clock: the trash is emptied from below.
    last_ms = one(connection, f"SELECT max(deleted_ms) FROM message WHERE {OF_CHAT}", *span(chat))
    now = max(now_ms(), last_ms or 0)
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
        raise missing(tr("This message")) from error
    connection.execute(
        "UPDATE message SET deleted_ms = NULL, deleted_with = NULL WHERE deleted_with = ?", (key(connection, message),)
    )
    return _show(connection, chat, branches)


def _show(connection: sqlite3.Connection, chat: int, branches: Tree) -> Tree:
    connection.execute(
        "UPDATE chat SET leaf = (SELECT key FROM message WHERE id = ?) WHERE key = ?", (branches.leaf, chat)
    )
    return branches
