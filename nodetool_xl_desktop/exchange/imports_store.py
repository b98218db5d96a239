"""What was found in a file comes into the store: nothing there is changed, and nothing that is there comes twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.exchange import export
from nodetool_xl_desktop.exchange.export import Record
from nodetool_xl_desktop.exchange.imports_found import BROKEN, Skipped, made_id, why
from nodetool_xl_desktop.store import chats, messages, parts, presets
from nodetool_xl_desktop.store import errors as store_errors
from nodetool_xl_desktop.store.database import one
from nodetool_xl_desktop.store.presets import Preset, Scope
from nodetool_xl_desktop.store.records import new_id

#: Only whether an error is one of the disk is asked here.
_NOWHERE = Path()


@dataclass(slots=True)
class Incoming:
    """What has come in so far.

    Attributes:
        ids: the new chats' ids.
        given: for each chat of the file that got another id, that one.
        skipped: what did not come in.
    """

    ids: list[str] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def take(self, connection: sqlite3.Connection, records: Sequence[Record]) -> None:
        """Add chats, each for itself. Within a transaction.

        Raises:
            sqlite3.Error, StoreError: the disk refused.
        """
        for record in records:
            connection.execute("SAVEPOINT chat")
            try:
                made = insert(connection, record)
            except (*BROKEN, sqlite3.Error) as error:
                if isinstance(error, sqlite3.Error) and store_errors.of_sqlite(error, _NOWHERE) is not None:
                    raise
                connection.execute("ROLLBACK TO chat")
                self.skipped.append(Skipped(record.chat.title or tr("without a title"), why(error)))
            else:
                self.ids.append(made)
                self.given[record.chat.id] = made
            connection.execute("RELEASE chat")

    def take_preset(self, connection: sqlite3.Connection, preset: Preset) -> None:
        """Keep a preset, unless there is another one in its place. Within a transaction.

        Raises:
            sqlite3.Error: the disk refused.
        """
        if preset.scope is Scope.CHAT:
            if (chat := self.given.get(preset.subject)) is None:
                return
            preset = replace(preset, subject=chat)
        for held in presets.every(connection):
            if (held.scope, held.subject, held.name) == (preset.scope, preset.subject, preset.name):
                if presets.as_json(held) != presets.as_json(preset):
                    named = (
                        tr("the preset {name}", name=preset.name)
                        if preset.name
                        else tr("the settings of all chats or of a model")
                    )
                    self.skipped.append(Skipped(named, tr("there is another one in its place, which was kept")))
                return
        presets.keep(connection, preset)


def is_here(connection: sqlite3.Connection, given: Record) -> bool:
    """Whether a chat is in the list with all that this record of it says, under its id or as an earlier copy of it."""
    return _is_here(connection, given) or (_is_taken(connection, given) and _is_here(connection, _copy_of(given)))


def insert(connection: sqlite3.Connection, given: Record) -> str:
    """Add a chat, with other ids where its own are taken; returns its id. Within a transaction."""
    if not _is_taken(connection, given):
        return _insert(connection, given)
    if not _is_taken(connection, copy := _copy_of(given)):
        return _insert(connection, copy)
    return _insert(connection, _renamed(given, lambda _: new_id()))


def _is_here(connection: sqlite3.Connection, given: Record) -> bool:
    key = one(connection, "SELECT key FROM chat WHERE id = ? AND deleted_ms IS NULL", given.chat.id)
    if key is None:
        return False
    held = {message.id: message for message in messages.all_of(connection, key)}
    return all(
        (ours := held.get(message.id)) is not None
        and (ours.parent, ours.role, parts.encode(ours.parts))
        == (message.parent, message.role, parts.encode(message.parts))
        for message in given.messages
    )


def _is_taken(connection: sqlite3.Connection, given: Record) -> bool:
    return bool(one(connection, "SELECT 1 FROM chat WHERE id = ?", given.chat.id)) or any(
        one(connection, "SELECT 1 FROM message WHERE id = ?", message.id) for message in given.messages
    )


def _copy_of(given: Record) -> Record:
    """The same with ids made of all that it says: when it comes once more, it is known."""
    said = parts.dumps(export.as_json(given))
    return _renamed(given, lambda name: made_id(said, name))


def _renamed(given: Record, rename: Callable[[str], str]) -> Record:
    ids = {message.id: rename(message.id) for message in given.messages}
    chat = replace(given.chat, id=rename(given.chat.id), leaf=given.chat.leaf and ids[given.chat.leaf])
    renamed = (
        replace(message, id=ids[message.id], parent=message.parent and ids[message.parent])
        for message in given.messages
    )
    return replace(given, chat=chat, messages=tuple(renamed))


def _insert(connection: sqlite3.Connection, given: Record) -> str:
    key = chats.insert(connection, replace(given.chat, folder=_folder_of(connection, given.folder)))
    for message in given.messages:
        messages.add(connection, key, message, shown=False)
    connection.execute(
        "UPDATE chat SET leaf = (SELECT key FROM message WHERE id = ?) WHERE key = ?", (given.chat.leaf, key)
    )
    return given.chat.id


def _folder_of(connection: sqlite3.Connection, names: Sequence[str]) -> str | None:
    parent: str | None = None
    for name in names:
        held = one(connection, "SELECT id FROM folder WHERE name = ? AND parent IS ?", name, parent)
        parent = held or chats.add_folder(connection, name, parent).id
    return parent
