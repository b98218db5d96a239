"""An import from its first to its last chat, in a thread of its own, which leaves all writing to the store."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.exchange import imports
from nodetool_xl_desktop.exchange.export import Record
from nodetool_xl_desktop.exchange.imports_found import BROKEN, File, Found, Skipped, why
from nodetool_xl_desktop.exchange.imports_store import Incoming, is_here
from nodetool_xl_desktop.exchange.progress import Progress
from nodetool_xl_desktop.store.database import connect_to_read
from nodetool_xl_desktop.store.errors import StoreError, StoreFault
from nodetool_xl_desktop.store.presets import Preset
from nodetool_xl_desktop.store.schema import add_functions
from nodetool_xl_desktop.store.store import Store

#: So many messages come in with one commit: what streams in meanwhile must not wait long.
_BATCH = 500
#: After so many that could not be read, a file is taken for something else than it seems.
_MOST_SKIPPED = 10_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What came in.

    Attributes:
        source: whose format it was.
        chats: the new chats' ids.
        skipped: what of it did not come in.
        known: the titles of those that were here already.
        problem: why the rest of the file could not be read; empty where all of it was.
    """

    source: str
    chats: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()
    known: tuple[str, ...] = ()
    problem: str = ""


def run(store: Store, file: Path, heard: Progress, *, skip_known: bool) -> Imported:
    """See `transfer.import_file`; in a thread that `heard` runs."""
    try:
        with imports.opened(file) as opened, _looking(store) as connection:
            return _Import(store, file, heard, connection if skip_known else None).run(opened)
    except OSError as error:
        raise StoreError(
            StoreFault.FOREIGN,
            tr("{name} cannot be read", name=file.name),
            error.strerror or str(error),
            tr("Choose another file."),
        ) from error


@contextlib.contextmanager
def _looking(store: Store) -> Iterator[sqlite3.Connection]:
    """A connection of its own, which sees what is there now."""
    with contextlib.closing(connect_to_read(store.database)) as connection:
        add_functions(connection)
        yield connection


class _Import:
    """The chats of one file on their way into the store; all of it in one thread of its own."""

    def __init__(self, store: Store, file: Path, heard: Progress, look: sqlite3.Connection | None) -> None:
        self._store = store
        self._file = file
        self._heard = heard
        self._look = look
        self._incoming = Incoming()
        self._known: list[str] = []
        self._batch: list[Record] = []

    def run(self, opened: imports.Opened) -> Imported:
        """Take all of it."""
        incoming, problem = self._incoming, ""
        while not problem and not self._heard.is_cancelled:
            try:
                found = next(opened.found, None)
            except (*BROKEN, zlib.error, zipfile.BadZipFile) as error:
                problem = why(error)
                break
            if found is None:
                break
            self._take(found)
            self._heard.step(opened.done(), 1.0)
            if len(incoming.skipped) > _MOST_SKIPPED:
                problem = tr("too much of it cannot be read")
        self._flush()
        if problem and not incoming.ids and not self._known:
            raise imports.unknown(self._file, problem)
        return Imported(opened.source, tuple(incoming.ids), tuple(incoming.skipped), tuple(self._known), problem)

    def _take(self, found: Found) -> None:
        match found:
            case Record():
                if any(each.chat.id == found.chat.id for each in self._batch):
                    self._flush()  # the same chat twice in one file
                if self._look is not None and is_here(self._look, found):
                    self._known.append(found.chat.title)
                    return
                self._batch.append(found)
                if sum(len(each.messages) for each in self._batch) >= _BATCH:
                    self._flush()
            case Skipped():
                self._incoming.skipped.append(found)
            case Preset():
                self._flush()  # it may be of a chat that was not written yet
                self._heard.wait_for(
                    self._store.write(lambda connection: self._incoming.take_preset(connection, found))
                )
            case File(sha256, data):
                self._take_file(sha256, data)

    def _take_file(self, sha256: str, data: bytes) -> None:
        if hashlib.sha256(data).hexdigest() != sha256:
            self._incoming.skipped.append(
                Skipped(tr("the file {sha256}", sha256=sha256[:12]), tr("it is not what its name says"))
            )
            return
        self._heard.wait_for(self._store.files.add_data(data, sha256, ""))

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        if batch:
            self._heard.wait_for(self._store.write(lambda connection: self._incoming.take(connection, batch)))
