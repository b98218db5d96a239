"""A chat as another chat: duplicates and forks.

A copy is made in steps, between which others are served, and in the trash: what was begun when the program ended goes
with that.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nodetool_xl_desktop.store import branches, chats, parts, presets
from nodetool_xl_desktop.store.chat_list import Disk
from nodetool_xl_desktop.store.database import rows
from nodetool_xl_desktop.store.messages import OF_CHAT, free_time, next_key, span, tail
from nodetool_xl_desktop.store.records import OPEN, Chat, State, new_id, now_ms
from nodetool_xl_desktop.store.tree import Tree

#: How many messages one transaction copies: what streams in meanwhile does not wait long.
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Begun:
    """A copy that is being made.

    Attributes:
        of: the id of the other chat.
        chat: its id.
        into: its key.
        keys: of the messages to copy, each after its parent.
        leaf: the one of them that its branch ends with; None for none.
    """

    of: str
    chat: str
    into: int
    keys: list[int]
    leaf: int | None


async def copied(
    disk: Disk, chat: str, more: Mapping[str, Any], only: Callable[[Tree], Iterable[str] | None] = lambda tree: None
) -> Chat:
    """A new chat with the living messages of another one.

    Args:
        disk: the store.
        chat: the id of the other one.
        more: what is kept with the copy.
        only: chooses the messages to copy, which are one branch; all where it gives None.

    Raises:
        StoreError: it is not there, or could not be written.
    """
    begun = await disk.write(lambda connection: _begin(connection, chat, more, only))
    made: dict[int, int] = {}
    for at in range(0, len(begun.keys), _AT_ONCE):
        await disk.write(functools.partial(_copy, keys=begun.keys[at : at + _AT_ONCE], into=begun.into, made=made))
    return await disk.write(lambda connection: _end(connection, begun, made))


def _begin(
    connection: sqlite3.Connection,
    chat: str,
    more: Mapping[str, Any],
    only: Callable[[Tree], Iterable[str] | None],
) -> _Begun:
    source, at, now = chats.chat(connection, chat), chats.key(connection, chat), now_ms()
    made = replace(source, id=new_id(), created_ms=now, touched_ms=now, pinned=False, archived=False, more=more)
    tree = branches.tree(connection, at)
    chosen = only(tree)
    wanted = {node.id for node in tree if node.deleted_with is None} if chosen is None else set(chosen)
    found = rows(connection, f"SELECT key, id FROM message WHERE {OF_CHAT} ORDER BY key", *span(at))
    keys = {uuid: key for key, uuid in found if uuid in wanted}
    into = chats.insert(connection, made)
    chats.change(connection, [made.id], deleted_ms=now)
    leaf = keys.get(tree.leaf or "") if chosen is None else max(keys.values(), default=None)
    return _Begun(chat, made.id, into, list(keys.values()), leaf)


def _copy(connection: sqlite3.Connection, keys: Iterable[int], into: int, made: dict[int, int]) -> None:
    """Copy messages into another chat, as they are on the disk and with new ids.

    Args:
        connection: to the store.
        keys: which, each after its parent; what was removed for good meanwhile is left out.
        into: the key of the other chat.
        made: the keys of what was copied, and its new ones; grows.
    """
    for old in keys:
        for parent, role, state, created_ms, model, about, kept in rows(
            connection,
            "SELECT parent, role, state, created_ms, model, about, parts FROM message WHERE key = ?",
            old,
        ):
            said = parts.joined([*parts.decode(kept), *tail(connection, old)]) if state in OPEN else None
            made[old] = next_key(connection, into)
            time_ms = free_time(connection, created_ms, made.get(parent))
            connection.execute(
                "INSERT INTO message(key, at, id, chat, parent, role, state, created_ms, model, about, parts)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(made[old], time_ms, new_id(), into, made.get(parent), role),
                    *(state if said is None else State.STOPPED, created_ms, model, about),
                    kept if said is None else parts.encode(said),
                ),
            )
            connection.execute(
                "INSERT INTO file_use(message, sha256) SELECT ?, sha256 FROM file_use WHERE message = ?",
                (made[old], old),
            )


def _end(connection: sqlite3.Connection, begun: _Begun, made: Mapping[int, int]) -> Chat:
    presets.copy_of_chat(connection, begun.of, begun.chat)
    leaf = None if begun.leaf is None else made.get(begun.leaf)
    connection.execute("UPDATE chat SET leaf = ?, deleted_ms = NULL WHERE key = ?", (leaf, begun.into))
    return chats.chat(connection, begun.chat)
