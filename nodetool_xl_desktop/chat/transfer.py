"""Chats out of the store into files, and from files into the store."""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TextIO, TypeVar

from nodetool_xl_desktop.chat import chats, export, export_html, imports, messages, presets
from nodetool_xl_desktop.chat.database import connect_to_read, in_thread, one, rows, told
from nodetool_xl_desktop.chat.export import Record
from nodetool_xl_desktop.chat.records import Folder, new_id
from nodetool_xl_desktop.chat.schema import add_functions
from nodetool_xl_desktop.chat.store import Store
from nodetool_xl_desktop.chat.store_errors import StoreError

Result = TypeVar("Result")


class Kind(StrEnum):
    """A form of export."""

    JSON = "json"
    MARKDOWN = "md"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came in: whose it was, the new chats' ids, and the titles of those that could not be read."""

    source: str
    chats: tuple[str, ...]
    skipped: tuple[str, ...]


async def export_json(store: Store, file: Path, ids: Sequence[str] | None = None) -> int:
    """Write chats into one file, or all of them outside of the trash with the presets; returns how many.

    Raises:
        StoreError: the disk refused; a file that was there is as it was.
    """
    read_file = _reader(store)

    def work() -> int:
        count = 0

        def counted(connection: sqlite3.Connection) -> Iterator[Record]:
            nonlocal count
            for record in every_record(connection, ids):
                count += 1
                yield record

        with _reading(store) as connection, _fresh(file) as stream:
            kept = presets.every(connection) if ids is None else ()
            export.write_json(stream, counted(connection), kept, read_file)
        return count

    return await in_thread(lambda: _told(file, work))


async def export_pages(store: Store, folder: Path, kind: Kind, ids: Sequence[str] | None = None) -> list[Path]:
    """Write each chat into a file of its own, as Markdown or HTML, named after its title; returns the files.

    Raises:
        StoreError: the disk refused.
    """
    read_file = _reader(store)

    def work() -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        written: list[Path] = []
        with _reading(store) as connection:
            for record in every_record(connection, ids):
                text = export.markdown(record) if kind is Kind.MARKDOWN else export_html.to_html(record, read_file)
                file = _free_name(folder, record.chat.title, kind)
                with _fresh(file) as stream:
                    stream.write(text)
                written.append(file)
        return written

    return await in_thread(lambda: _told(folder, work))


async def import_file(store: Store, file: Path) -> Imported:
    """Add the chats of a file. What is there already is not changed: the same chat comes in as a second one.

    Raises:
        StoreError: it cannot be read, or is of no known format.
    """
    found = await in_thread(lambda: _told(file, lambda: imports.read(file)))
    for sha256, data in found.files.items():
        attachment = await store.files.add_data(data, sha256, "")
        if attachment.sha256 != sha256:
            found.skipped.append(f"the file {sha256}")
    added = [await store.write(functools.partial(insert, given=record)) for record in found.records]
    for preset in found.presets:
        await store.presets.keep(preset)
    return Imported(found.source, tuple(added), tuple(found.skipped))


def record(connection: sqlite3.Connection, chat_id: str) -> Record:
    """A whole chat.

    Raises:
        StoreError: it is not there.
    """
    chat = chats.chat(connection, chat_id)
    kept = messages.all_of(connection, chats.key(connection, chat_id))
    return Record(chat, tuple(kept), _folder_names(chats.folders(connection), chat.folder))


def every_record(connection: sqlite3.Connection, ids: Sequence[str] | None) -> Iterator[Record]:
    """Chats one after the other, or all outside of the trash, the oldest first."""
    if ids is None:
        ids = [found for (found,) in rows(connection, "SELECT id FROM chat WHERE deleted_ms IS NULL ORDER BY key")]
    for chat in ids:
        yield record(connection, chat)


def insert(connection: sqlite3.Connection, given: Record) -> str:
    """Add a chat, with new ids where its own are taken; returns its id. Within a transaction."""
    taken = one(connection, "SELECT 1 FROM chat WHERE id = ?", given.chat.id) or any(
        one(connection, "SELECT 1 FROM message WHERE id = ?", message.id) for message in given.messages
    )
    ids = {message.id: new_id() if taken else message.id for message in given.messages}
    folder = _folder_of(connection, given.folder)
    chat = replace(given.chat, id=new_id() if taken else given.chat.id, folder=folder)
    key = chats.insert(connection, chat)
    for message in given.messages:
        parent = None if message.parent is None else ids[message.parent]
        messages.add(connection, key, replace(message, id=ids[message.id], parent=parent), shown=False)
    leaf = None if chat.leaf is None else ids[chat.leaf]
    connection.execute("UPDATE chat SET leaf = (SELECT key FROM message WHERE id = ?) WHERE key = ?", (leaf, key))
    return chat.id


def _folder_names(folders: Sequence[Folder], folder: str | None) -> tuple[str, ...]:
    by_id = {each.id: each for each in folders}
    names: list[str] = []
    while folder is not None and folder in by_id and len(names) < len(folders):
        names.append(by_id[folder].name)
        folder = by_id[folder].parent
    return tuple(reversed(names))


def _folder_of(connection: sqlite3.Connection, names: Sequence[str]) -> str | None:
    parent: str | None = None
    for name in names:
        held = one(connection, "SELECT id FROM folder WHERE name = ? AND parent IS ?", name, parent)
        parent = held or chats.add_folder(connection, name, parent).id
    return parent


def _reader(store: Store) -> export.ReadFile:
    def read(sha256: str) -> bytes | None:
        try:
            return store.attachments.read(sha256)
        except (StoreError, OSError):
            return None

    return read


@contextlib.contextmanager
def _reading(store: Store) -> Iterator[sqlite3.Connection]:
    """A connection of its own, which sees one moment: an export of everything takes its time."""
    with contextlib.closing(connect_to_read(store.database)) as connection:
        add_functions(connection)
        connection.execute("BEGIN")
        yield connection


@contextlib.contextmanager
def _fresh(file: Path) -> Iterator[TextIO]:
    """A file that takes its name when all of it is on the disk."""
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("w", encoding="utf-8", errors="replace", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _free_name(folder: Path, title: str, kind: Kind) -> Path:
    letters = "".join(letter if letter.isalnum() or letter in " -_.,()" else " " for letter in title)
    stem = " ".join(letters.split()).strip(". ")[:80].encode()[:180].decode(errors="ignore") or "Chat"
    file, number = folder / f"{stem}.{kind}", 1
    while file.exists():
        number += 1
        file = folder / f"{stem} {number}.{kind}"
    return file


def _told(file: Path, work: Callable[[], Result]) -> Result:
    with told(file):
        return work()
