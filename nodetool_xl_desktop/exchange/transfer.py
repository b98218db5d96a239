"""Chats out of the store into files, and from files into the store. Nothing here waits in the caller's thread.

A long one tells how far it is, and is told to stop, by its `Progress`.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.exchange import export, export_html, imports_run
from nodetool_xl_desktop.exchange.export import Record
from nodetool_xl_desktop.exchange.export_files import free_name, fresh, fresh_text, not_written
from nodetool_xl_desktop.exchange.export_html import Block
from nodetool_xl_desktop.exchange.imports_run import Imported
from nodetool_xl_desktop.exchange.progress import Progress
from nodetool_xl_desktop.store import chats, messages, presets
from nodetool_xl_desktop.store.database import connect_to_read, in_thread, rows, told
from nodetool_xl_desktop.store.errors import StoreError
from nodetool_xl_desktop.store.records import Folder
from nodetool_xl_desktop.store.schema import add_functions
from nodetool_xl_desktop.store.store import Store

Result = TypeVar("Result")


class Kind(StrEnum):
    """A form of export; its value is the ending of the file."""

    MARKDOWN = "md"
    JSON = "json"
    HTML = "html"
    PDF = "pdf"  # which `ui.exchange.pdf` prints of `printed`


@dataclass(frozen=True, slots=True)
class Printed:
    """What is shown of a chat, for a printer.

    Attributes:
        title: the chat's.
        subtitle: when it was, and what is left out.
        turns: who speaks, whether that is a person, and what was said.
    """

    title: str
    subtitle: str
    turns: tuple[tuple[str, bool, tuple[Block, ...]], ...]


class _Cancelled(Exception):
    """The work was told to stop."""


# Out


async def ids_of_all(store: Store) -> list[str]:
    """Every chat outside of the trash, the oldest first."""
    return await store.read(_every_id)


async def export_json(
    store: Store,
    file: Path,
    ids: Sequence[str] | None = None,
    *,
    replace: bool = True,
    progress: Progress | None = None,
) -> int:
    """Write chats with their presets into one file, or all of them outside of the trash; returns how many.

    Nothing is written, and 0 returned, where it was cancelled.

    Raises:
        StoreError: the disk refused, or (`export_files.AlreadyThere`) a file is there; it is as it was.
    """
    read_file, heard = _reader(store), progress or Progress()

    def work() -> int:
        count = 0

        def counted(connection: sqlite3.Connection, which: Sequence[str]) -> Iterator[Record]:
            nonlocal count
            for found in every_record(connection, which):
                count += 1
                yield found
                heard.step(count, len(which))
                if heard.is_cancelled:
                    raise _Cancelled

        with _reading(store) as connection, contextlib.suppress(_Cancelled):
            which = _every_id(connection) if ids is None else ids
            kept = [each for each in presets.every(connection) if ids is None or each.subject in ids]
            with fresh_text(file, replace=replace) as stream:
                export.write_json(stream, counted(connection, which), kept, read_file)
            return count
        return 0

    return await heard.run(lambda: _told(store, work))


async def export_page(store: Store, file: Path, kind: Kind, chat: str, *, replace: bool = True) -> None:
    """Write one chat into a file, as Markdown or HTML.

    Raises:
        StoreError: the disk refused, the chat is gone, or (`export_files.AlreadyThere`) a file is there, which stays.
    """
    read_file = _reader(store)

    def work() -> None:
        with _reading(store) as connection:
            text = _page(record(connection, chat), kind, read_file)
        with fresh_text(file, replace=replace) as stream:
            stream.write(text)

    await in_thread(lambda: _told(store, work))


async def export_pages(
    store: Store, folder: Path, kind: Kind, ids: Sequence[str] | None = None, *, progress: Progress | None = None
) -> list[Path]:
    """Write each chat into a file of its own, as Markdown or HTML, named after its title; returns the files.

    No file that is there is replaced. Those that were written before it was cancelled stay.

    Raises:
        StoreError: the disk refused.
    """
    read_file, heard = _reader(store), progress or Progress()

    def work() -> list[Path]:
        written: list[Path] = []
        with _reading(store) as connection:
            which = _every_id(connection) if ids is None else ids
            for found in every_record(connection, which):
                if heard.is_cancelled:
                    break
                text = _page(found, kind, read_file)
                file = name_in(folder, found.chat.title, kind)
                with fresh_text(file, replace=False) as stream:
                    stream.write(text)
                written.append(file)
                heard.step(len(written), len(which))
        return written

    return await heard.run(lambda: _told(store, work))


async def printed(store: Store, chat: str) -> Printed:
    """What is shown of a chat, for a printer.

    Raises:
        StoreError: it is not there.
    """
    read_file = _reader(store)

    def work() -> Printed:
        with _reading(store) as connection:
            found = record(connection, chat)
        return Printed(
            found.chat.title or tr("Chat"),
            export_html.subtitle(found),
            tuple(
                (export.speaker(each), each.role == "user", tuple(export_html.blocks(each, read_file)))
                for each in found.shown
            ),
        )

    return await in_thread(lambda: _told(store, work))


async def keep_file(file: Path, data: bytes, *, replace: bool = False) -> None:
    """Write what was made elsewhere, such as a PDF; whole or not at all.

    Raises:
        StoreError: the disk refused, or (`export_files.AlreadyThere`) a file is there; it is as it was.
    """

    def work() -> None:
        with fresh(file, replace=replace) as stream:
            stream.write(data)

    await in_thread(work)


def name_in(folder: Path, title: str, kind: Kind) -> Path:
    """A name in a folder, which is made where it is missing, that no file has yet. It touches the disk.

    Raises:
        StoreError: the disk refused.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return free_name(folder, title, kind)
    except OSError as error:
        raise not_written(folder, error) from error


def record(connection: sqlite3.Connection, chat_id: str) -> Record:
    """A whole chat.

    Raises:
        StoreError: it is not there.
    """
    chat = chats.chat(connection, chat_id)
    kept = messages.all_of(connection, chats.key(connection, chat_id))
    return Record(chat, tuple(kept), _folder_names(chats.folders(connection), chat.folder))


def every_record(connection: sqlite3.Connection, ids: Sequence[str]) -> Iterator[Record]:
    """Chats one after the other."""
    for chat in ids:
        yield record(connection, chat)


def _every_id(connection: sqlite3.Connection) -> list[str]:
    return [found for (found,) in rows(connection, "SELECT id FROM chat WHERE deleted_ms IS NULL ORDER BY key")]


def _page(found: Record, kind: Kind, read_file: export.ReadFile) -> str:
    return export.markdown(found) if kind is Kind.MARKDOWN else export_html.to_html(found, read_file)


def _folder_names(folders: Sequence[Folder], folder: str | None) -> tuple[str, ...]:
    by_id = {each.id: each for each in folders}
    names: list[str] = []
    while folder is not None and folder in by_id and len(names) < len(folders):
        names.append(by_id[folder].name)
        folder = by_id[folder].parent
    return tuple(reversed(names))


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


def _told(store: Store, work: Callable[[], Result]) -> Result:
    with told(store.database):
        return work()


# In


async def import_file(
    store: Store, file: Path, *, skip_known: bool = False, progress: Progress | None = None
) -> Imported:
    """Add the chats of a file. What is there already is not changed.

    What came in before it was cancelled stays.

    Args:
        store: where to.
        file: see `imports`.
        skip_known: whether a chat that is here already, with all that the file says of it, is left out; else it comes
            in as a second one. One that says something else is a second one in any case.
        progress: hears how much of the file was read, of 1.

    Raises:
        StoreError: nothing of it can be read, it is of no known format, or the disk refused.
    """
    heard = progress or Progress()
    return await heard.run(lambda: _told(store, lambda: imports_run.run(store, file, heard, skip_known=skip_known)))
