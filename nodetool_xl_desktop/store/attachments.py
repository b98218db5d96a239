"""Files that go with messages: each once, under the hash of its bytes, in a folder beside the database.

A file is on the disk before a message refers to it, and is removed only when for some days nothing has referred to it
and no backup does, so that one that is fallen back to still finds what it needs.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store import parts
from nodetool_xl_desktop.store.database import one, rows
from nodetool_xl_desktop.store.errors import missing
from nodetool_xl_desktop.store.records import now_ms

#: How long a file stays that nothing refers to, in milliseconds.
UNUSED_MS = 8 * 24 * 3600 * 1000
_BLOCK = 2**20
#: How the folders begin in which a file is written before it gets its name.
ADDING = ".adding-"


class Attachments:
    """The folder of the files. Its methods touch the disk, and may block.

    Args:
        folder: made when the first file comes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where a file lies, if it does."""
        return self.folder / sha256[:2] / sha256

    def read(self, sha256: str) -> bytes:
        """A file's bytes.

        Raises:
            StoreError: it is not there, or is not what it was.
            OSError: the disk refused.
        """
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise missing(tr("This file")) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise missing(tr("What this file held"))
        return data

    def put(self, data: bytes) -> tuple[str, int]:
        """Keep bytes; returns their hash and size. On the disk when this returns, and to be noted.

        Raises:
            OSError: the disk refused.
        """
        return self._put(io.BytesIO(data))

    def put_file(self, source: Path) -> tuple[str, int]:
        """Keep a copy of a file; the same, and it is never whole in memory.

        Raises:
            OSError: the disk refused, or the file cannot be read.
        """
        with source.open("rb") as given:
            return self._put(given)

    def note(self, connection: sqlite3.Connection, sha256: str, size: int) -> bool:
        """Have the database know a file that was put; False where it was removed since: put it again.

        In the thread that writes, which alone removes files.

        Raises:
            sqlite3.Error: the database refused.
        """
        if not self._is_there(sha256, size):
            return False
        connection.execute(
            "INSERT INTO file(sha256, size, added_ms) VALUES (?, ?, ?)"
            " ON CONFLICT(sha256) DO UPDATE SET unused_ms = NULL",
            (sha256, size, now_ms()),
        )
        return True

    def add(self, connection: sqlite3.Connection, data: bytes) -> str:
        """Put bytes and note them, in the thread that writes; returns their hash.

        Raises:
            OSError, sqlite3.Error: the disk or the database refused.
        """
        sha256, size = self.put(data)
        self.note(connection, sha256, size)
        return sha256

    def old(self) -> list[str]:
        """The names of the files that were put some days ago; drops what was never put whole, as the program ended.

        Raises:
            OSError: the disk refused.
        """
        found: list[str] = []
        for path in self.folder.glob("*/*"):
            if path.stat().st_mtime * 1000 > now_ms() - UNUSED_MS:
                continue
            if path.parent.name.startswith(ADDING):
                shutil.rmtree(path.parent)
            elif len(path.name) == 64:
                found.append(path.name)
        return found

    def unused(self, connection: sqlite3.Connection) -> list[str]:
        """The names of the files that no message refers to.

        Raises:
            sqlite3.Error: the database refused.
        """
        return [
            name
            for (name,) in rows(connection, "SELECT sha256 FROM file WHERE sha256 NOT IN (SELECT sha256 FROM file_use)")
        ]

    def collect(self, connection: sqlite3.Connection, names: Sequence[str], before_ms: int) -> int:
        """Of these files remove those that nothing has referred to since before a time; returns how many that were.

        In the thread that writes, which alone notes and removes files, and within a transaction.

        Raises:
            OSError, sqlite3.Error: the disk or the database refused.
        """
        in_drafts: set[str] = set()
        for (kept,) in rows(connection, "SELECT parts FROM draft"):
            in_drafts |= parts.files_in(parts.decode(kept))
        removed = 0
        for sha256 in names:
            if sha256 in in_drafts or one(connection, "SELECT 1 FROM file_use WHERE sha256 = ?", sha256):
                connection.execute(
                    "UPDATE file SET unused_ms = NULL WHERE sha256 = ? AND unused_ms IS NOT NULL", (sha256,)
                )
                continue
            since_ms = one(connection, "SELECT unused_ms FROM file WHERE sha256 = ?", sha256)
            if since_ms is None:  # or it was never noted, as the program ended before that
                connection.execute(
                    "INSERT INTO file(sha256, size, added_ms, unused_ms) VALUES (?, 0, ?, ?)"
                    " ON CONFLICT(sha256) DO UPDATE SET unused_ms = excluded.unused_ms",
                    (sha256, now_ms(), now_ms()),
                )
            elif since_ms < before_ms:
                connection.execute("DELETE FROM file WHERE sha256 = ?", (sha256,))
                self.path(sha256).unlink(missing_ok=True)
                removed += 1
        return removed

    def _put(self, given: BinaryIO) -> tuple[str, int]:
        self.folder.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=ADDING) as beside:
            fresh = Path(beside) / "file"
            with fresh.open("wb") as kept:
                while block := given.read(_BLOCK):
                    digest.update(block)
                    size += kept.write(block)
                kept.flush()
                os.fsync(kept.fileno())
            sha256 = digest.hexdigest()
            if not self._is_there(sha256, size):
                there = self.path(sha256)
                there.parent.mkdir(exist_ok=True)
                fresh.replace(there)
                sync_folder(there.parent)
                sync_folder(self.folder)
        return sha256, size

    def _is_there(self, sha256: str, size: int) -> bool:
        try:
            return self.path(sha256).stat().st_size == size
        except FileNotFoundError:
            return False


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can do that (Windows does it by itself)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
