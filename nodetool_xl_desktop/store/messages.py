"""Messages in the database: reading a chat, and adding to it.

Each function takes the connection first, and those that write are called within a transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store import about_json, chats, parts
from nodetool_xl_desktop.store.database import one, rows
from nodetool_xl_desktop.store.errors import missing
from nodetool_xl_desktop.store.parts import Part
from nodetool_xl_desktop.store.records import OPEN, About, Chat, Message, ModelIdentity, State, new_id, now_ms
from nodetool_xl_desktop.store.schema import CHAT_SHIFT
from nodetool_xl_desktop.store.tree import Node, Tree

_COLUMNS = "key, id, parent, role, state, created_ms, about, parts"
#: The messages of one chat, with `span` for its values: a walk over rows that lie side by side.
OF_CHAT = "key BETWEEN ? AND ?"


def span(chat: int) -> tuple[int, int]:
    """The keys that the messages of a chat may have, by its key."""
    return chat << CHAT_SHIFT, ((chat + 1) << CHAT_SHIFT) - 1


class Messages(Mapping[str, Message]):
    """The messages of a chat by id. Each is made of its JSON when it is first asked for: a chat of 10,000 messages is
    opened at once, and a window shows twenty."""

    def __init__(self) -> None:
        self._made: dict[str, Message] = {}
        self._kept: dict[str, tuple[Any, ...]] = {}

    def keep(self, uuid: str, parent: str | None, row: Sequence[Any]) -> None:
        """A message as the database has it, from its role on."""
        self._kept[uuid] = (parent, *row)

    def put(self, message: Message) -> None:
        """A message that is newer than what was read."""
        self._kept.setdefault(message.id, ())
        self._made[message.id] = message

    def __getitem__(self, uuid: str) -> Message:
        if (made := self._made.get(uuid)) is None:
            parent, role, state, created_ms, about, kept = self._kept[uuid]
            made = self._made[uuid] = Message(
                uuid, parent, role, parts.decode(kept), State(state), created_ms, about_json.decode(about)
            )
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat as it is opened.

    Attributes:
        tree: all of its messages by id, deleted ones too.
        messages: the same with what they say.
    """

    chat: Chat
    tree: Tree
    messages: Messages

    @property
    def shown(self) -> list[Message]:
        """What is shown, from the beginning."""
        return [self.messages[uuid] for uuid in self.tree.path()]


# Reading


def conversation(connection: sqlite3.Connection, chat_id: str) -> Conversation:
    """A chat with all of its messages; one moment of the database, whatever is written meanwhile.

    Raises:
        StoreError: it is not there.
    """
    connection.execute("BEGIN")
    try:
        chat, at = chats.chat(connection, chat_id), chats.key(connection, chat_id)
        found = rows(
            connection, f"SELECT {_COLUMNS}, deleted_with FROM message WHERE {OF_CHAT} ORDER BY key", *span(at)
        )
        ids: dict[int | None, str | None] = {row[0]: row[1] for row in found}
        ids[None] = None
        kept, nodes = Messages(), []
        for _, uuid, parent, role, state, created_ms, about, said, gone in found:
            kept.keep(uuid, ids[parent], (role, state, created_ms, about, said))
            nodes.append(Node(uuid, ids[parent], ids.get(gone)))
            if state in OPEN:
                kept.put(_with_tail(connection, kept[uuid]))
        return Conversation(chat, Tree(nodes, chat.leaf), kept)
    finally:
        connection.execute("COMMIT")


def messages(connection: sqlite3.Connection, ids: Sequence[str]) -> list[Message]:
    """Messages by id, in that order; those that are not there are left out."""
    found: dict[str, Message] = {}
    for at in range(0, len(ids), 500):
        some = ids[at : at + 500]
        found |= _read(connection, f"m.id IN ({', '.join('?' * len(some))})", *some)
    return [found[uuid] for uuid in ids if uuid in found]


def message(connection: sqlite3.Connection, uuid: str) -> Message:
    """One message.

    Raises:
        StoreError: it is not there.
    """
    found = messages(connection, [uuid])
    if not found:
        raise missing(tr("This message"))
    return found[0]


def edits(connection: sqlite3.Connection, chat_id: str) -> dict[str, str]:
    """The drafts of other versions of a chat's messages, as texts, by the message."""
    found = rows(
        connection,
        "SELECT d.place, d.parts FROM draft d JOIN message m ON m.id = d.place JOIN chat c ON c.key = m.chat"
        " WHERE c.id = ?",
        chat_id,
    )
    return {place: parts.text_of(parts.decode(kept)) for place, kept in found}


def all_of(connection: sqlite3.Connection, chat: int) -> list[Message]:
    """Every living message of a chat, by its key, in the order of their making."""
    where = f"m.{OF_CHAT} AND m.deleted_with IS NULL ORDER BY m.key"
    return list(_read(connection, where, *span(chat)).values())


def _read(connection: sqlite3.Connection, where: str, *values: Any) -> dict[str, Message]:
    found = Messages()
    columns = f"m.{_COLUMNS.replace(', ', ', m.').replace('m.parent', 'p.id')}"
    for _, uuid, parent, *row in rows(
        connection, f"SELECT {columns} FROM message m LEFT JOIN message p ON p.key = m.parent WHERE {where}", *values
    ):
        found.keep(uuid, parent, row)
    return {uuid: _with_tail(connection, each) if each.state in OPEN else each for uuid, each in found.items()}


def _with_tail(connection: sqlite3.Connection, open_message: Message) -> Message:
    said = [*open_message.parts, *tail(connection, key(connection, open_message.id))]
    return replace(open_message, parts=parts.joined(said))


def tail(connection: sqlite3.Connection, message: int) -> list[Part]:
    """What was written through of an open answer, by its key."""
    found = rows(connection, "SELECT parts FROM tail WHERE message = ? ORDER BY number", message)
    return [part for (kept,) in found for part in parts.decode(kept)]


def key(connection: sqlite3.Connection, message: str) -> int:
    """The key of a message.

    Raises:
        StoreError: it is not there.
    """
    found = one(connection, "SELECT key FROM message WHERE id = ?", message)
    if found is None:
        raise missing(tr("This message"))
    return int(found)


# Adding


def add(connection: sqlite3.Connection, chat: int, message: Message, *, shown: bool = True) -> None:
    """Write a new message at the end of its branch.

    Args:
        chat: its key.
        message: its `parent` is there already.
        shown: whether its branch is the one that is shown from now on.

    Raises:
        StoreError: its parent is not there, or is deleted.
    """
    parent = None if message.parent is None else _living(connection, chat, message.parent)
    made = insert(connection, chat, message, parent)
    if shown:
        connection.execute(
            "UPDATE chat SET leaf = ?, touched_ms = max(touched_ms, ?) WHERE key = ?", (made, message.created_ms, chat)
        )


def insert(connection: sqlite3.Connection, chat: int, message: Message, parent: int | None) -> int:
    """The row of a new message below the parent with this key; returns its own."""
    made = next_key(connection, chat)
    connection.execute(
        "INSERT INTO message(key, at, id, chat, parent, role, state, created_ms, model, about, parts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(made, free_time(connection, message.created_ms, parent)),
            *(message.id, chat, parent, message.role, message.state, message.created_ms),
            *(model_of(message.about.model), about_json.encode(message.about), parts.encode(message.parts)),
        ),
    )
    use_files(connection, made, message.parts)
    return made


def made_now(
    parent: str | None, role: str, said: Iterable[Part], state: State = State.COMPLETE, about: About | None = None
) -> Message:
    """A new message."""
    return Message(new_id(), parent, role, tuple(said), state, now_ms(), about or About())  # type: ignore[arg-type]


def finish(connection: sqlite3.Connection, done: Message) -> None:
    """Write what became of an answer, whole, and drop its tail; nothing where it was removed for good meanwhile."""
    at = one(connection, "SELECT key FROM message WHERE id = ?", done.id)
    if at is None:
        return
    connection.execute(
        "UPDATE message SET parts = ?, state = ?, about = ?, model = ? WHERE key = ?",
        (parts.encode(done.parts), done.state, about_json.encode(done.about), model_of(done.about.model), at),
    )
    connection.execute("DELETE FROM tail WHERE message = ?", (at,))
    use_files(connection, at, done.parts)


def write_tail(connection: sqlite3.Connection, message_id: str, number: int, said: Sequence[Part]) -> None:
    """Write a piece of an open answer; nothing where it was removed for good meanwhile."""
    connection.execute(
        "INSERT OR REPLACE INTO tail(message, number, parts) SELECT key, ?, ? FROM message WHERE id = ?",
        (number, parts.encode(said), message_id),
    )


def settle(connection: sqlite3.Connection) -> int:
    """Fold what was left open when the program ended; returns how many answers that were."""
    found = rows(connection, "SELECT key, parts FROM message WHERE state IN ('waiting', 'streaming')")
    for at, kept in found:
        said = parts.joined([*parts.decode(kept), *tail(connection, at)])
        connection.execute(
            "UPDATE message SET parts = ?, state = ? WHERE key = ?", (parts.encode(said), State.INTERRUPTED, at)
        )
        connection.execute("DELETE FROM tail WHERE message = ?", (at,))
        use_files(connection, at, said)
    return len(found)


def use_files(connection: sqlite3.Connection, message: int, said: Iterable[Part]) -> None:
    """Note which files a message refers to."""
    for sha256 in parts.files_in(said):
        connection.execute("INSERT OR IGNORE INTO file_use(message, sha256) VALUES (?, ?)", (message, sha256))
        connection.execute("UPDATE file SET unused_ms = NULL WHERE sha256 = ?", (sha256,))


def model_of(model: ModelIdentity | None) -> str:
    """What the search filters an answer by."""
    return "" if model is None else parts.clean(model.id)


def _living(connection: sqlite3.Connection, chat: int, message: str) -> int:
    found = one(connection, "SELECT key FROM message WHERE id = ? AND chat = ? AND deleted_with IS NULL", message, chat)
    if found is None:
        raise missing(tr("The message before this one"))
    return int(found)


def next_key(connection: sqlite3.Connection, chat: int) -> int:
    """The key of a chat's next message."""
    last = one(connection, f"SELECT max(key) FROM message WHERE {OF_CHAT}", *span(chat))
    return span(chat)[0] if last is None else int(last) + 1


def free_time(connection: sqlite3.Connection, created_ms: int, parent: int | None) -> int:
    """The time, or where it is taken the next free one; later than the parent's, whatever became of the clock.

    Args:
        connection: to the store.
        created_ms: when the message was made.
        parent: the key of the message before it.
    """
    before = 0 if parent is None else one(connection, "SELECT at FROM message WHERE key = ?", parent) + 1
    wish = max(created_ms, before, 1)
    if one(connection, "SELECT 1 FROM message WHERE at = ?", wish) is None:
        return int(wish)
    # In one statement: what is imported may have no times, and then they are all the same one.
    taken_up_to = (
        "SELECT at FROM message AS m WHERE at >= ?"
        " AND NOT EXISTS (SELECT 1 FROM message AS n WHERE n.at = m.at + 1) ORDER BY at LIMIT 1"
    )
    return int(one(connection, taken_up_to, wish)) + 1
