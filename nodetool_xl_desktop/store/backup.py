"""Backups of the chat store, and whether a database is sound.

A backup is a whole database in one file. It is made beside, looked through and renamed, so that one with a backup's
name is complete and sound. The last seven are kept. Attachments are not in it: each lies under its hash, is never
changed, and stays on the disk as long as a backup refers to it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store import errors as store_errors
from nodetool_xl_desktop.store import schema
from nodetool_xl_desktop.store.attachments import sync_folder
from nodetool_xl_desktop.store.database import connect_to_read

#: How many are kept.
KEPT = 7
#: What a backup has to leave free on the disk, in bytes: it must not be what keeps the next answer from being saved.
LEFT_FREE = 64 * 2**20
_MAGIC = b"SQLite format 3\0"
_NAME = re.compile(r"chats-(\d{8}-\d{6}-\d{6})-v(\d+)\.sqlite3")  # in UTC: it does not jump, as travellers do
_STAMP = "%Y%m%d-%H%M%S-%f"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup: its file, when it was made in this machine's time, and the version of its tables."""

    path: Path
    made: datetime
    version: int


class Backups:
    """The folder of the backups. Its methods touch the disk, and may block.

    Args:
        folder: made with the first backup.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._making = threading.Lock()

    def every(self) -> list[Backup]:
        """All of them, the newest first. Those of a day to come, as the clock was wrong, stand behind all others."""
        found: list[Backup] = []
        with contextlib.suppress(FileNotFoundError):
            for path in self.folder.iterdir():
                if match := _NAME.fullmatch(path.name):
                    made = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC).astimezone()
                    found.append(Backup(path, made, int(match[2])))
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        return sorted(found, reverse=True, key=lambda each: (each.made < tomorrow, each.made, each.path.name))

    def is_due(self) -> bool:
        """Whether the newest one is of another day than today, or there is none."""
        newest = next(iter(self.every()), None)
        return newest is None or newest.made.date() != datetime.now().astimezone().date()

    def make(self, database: Path) -> Backup:
        """Back a database up as it is at this moment, whoever writes to it, and drop the oldest ones.

        Raises:
            StoreError: there is too little room, or the copy is damaged, and so is the database then.
            OSError, sqlite3.Error: it cannot be read, or the disk refused; no half a backup stays.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._making, contextlib.closing(connect_to_read(database)) as source:
            for left in self.folder.glob("chats-*.part*"):  # the program ended in the middle of one
                left.unlink(missing_ok=True)
            version = schema.version(source)
            self._need_room_for(database)
            path = self._free_name(version)
            part = path.with_suffix(".part")
            try:
                _copy(source, part)
                if problem := unsoundness(part):
                    raise store_errors.damaged(database, problem)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            sync_folder(self.folder)
            for old in self.every()[KEPT:]:
                old.path.unlink(missing_ok=True)
        return Backup(path, datetime.now().astimezone(), version)

    def oldest_ms(self) -> int | None:
        """When the oldest one was made, in milliseconds since 1970; None where there is none."""
        made = [backup.made for backup in self.every()]
        return int(min(made).timestamp() * 1000) if made else None

    def sound(self) -> Iterator[Backup]:
        """Those that this version can read and that are sound, the newest first; each is looked at when asked for."""
        for backup in self.every():
            if backup.version > schema.LATEST:
                continue
            if problem := unsoundness(backup.path):
                _log.warning("A backup is not sound either: %s: %s", backup.path, problem)
            else:
                yield backup

    def _need_room_for(self, database: Path) -> None:
        needed = database.stat().st_size + LEFT_FREE
        if shutil.disk_usage(self.folder).free < needed:
            raise store_errors.no_room_for_backup(self.folder, needed)

    def _free_name(self, version: int) -> Path:
        while True:
            path = self.folder / f"chats-{datetime.now(UTC).strftime(_STAMP)}-v{version}.sqlite3"
            if not path.exists():
                return path


def _copy(source: sqlite3.Connection, part: Path) -> None:
    part.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as target:
        target.execute("PRAGMA synchronous = OFF")  # all of it is brought to the disk below, at once
        # In one step: it reads one moment of the database, and a write meanwhile neither waits nor starts it over.
        source.backup(target, pages=-1)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, which nothing stands beside
    descriptor = os.open(part, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def restore(backup: Backup, database: Path) -> None:
    """Put a copy of a backup where a database is to be; nothing stands there.

    Raises:
        OSError: the disk refused.
    """
    part = database.with_suffix(".copying")
    try:
        with backup.path.open("rb") as given, part.open("wb") as kept:
            shutil.copyfileobj(given, kept, 2**20)
            kept.flush()
            os.fsync(kept.fileno())
        part.replace(database)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(database.parent)


def is_database(path: Path) -> bool:
    """Whether a file begins as a SQLite database does.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def unsoundness(path: Path) -> str:
    """What is wrong with the pages of a database, in a person's words; empty where nothing is. Reads all of it.

    Raises:
        OSError: it cannot be read.
        sqlite3.OperationalError: it cannot be opened, for a reason that is not its content.
    """
    if not is_database(path):
        return tr("it is no database")
    try:
        with contextlib.closing(connect_to_read(path)) as connection:
            # Without the functions of the views: nothing of this program runs on what may be damaged.
            found = [said for (said,) in connection.execute("PRAGMA quick_check(3)") if said != "ok"]
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise
        found = [str(error)]
    if found:
        _log.warning("%s: %s", path, "; ".join(found))
    return tr("parts of it cannot be read") if found else ""


def set_aside(database: Path) -> Path:
    """Rename a database that is not to be used, with what belongs to it; returns its new name.

    What stands beside goes first: a log must never meet another database than its own.

    Raises:
        OSError: the disk refused.
    """
    stamp, number = datetime.now().strftime("%Y%m%d-%H%M%S"), 1
    aside = database.with_name(f"{database.stem}.damaged-{stamp}.sqlite3")
    while aside.exists():
        number += 1
        aside = database.with_name(f"{database.stem}.damaged-{stamp}-{number}.sqlite3")
    for ending in ("-wal", "-shm", "-journal", ""):
        with contextlib.suppress(FileNotFoundError):
            database.with_name(database.name + ending).replace(aside.with_name(aside.name + ending))
    sync_folder(database.parent)
    return aside
