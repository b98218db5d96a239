"""A file that is still coming: `NAME.part` beside its place, and `NAME.part.json`, which says what it is a part of.

Two different files are never glued together, and the name of the whole file is given only to what is right to the
byte. Every method touches the disk and is called in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import BinaryIO

from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.hub.errors import Damaged
from nodetool_xl_desktop.hub.repository import HubFile, Repository

#: What is hashed in one go: some milliseconds.
_HASHED_AT_ONCE = 8 * MIB


def identity_of(repository: Repository, file: HubFile) -> dict[str, str | int]:
    """What a part must agree in to be continued; no address, so that a mirror may continue what the hub began."""
    if file.sha256:
        return {"sha256": file.sha256, "size": file.size}
    return {"repo_id": repository.repo_id, "commit": repository.commit, "path": file.path, "size": file.size}


class Part:
    """One file on its way to `target`.

    Attributes:
        position: bytes that are there and counted into the hash; the next byte goes here.
        etag: the server's own mark of this content, where it gave one; empty otherwise.
    """

    def __init__(self, target: Path, repository: Repository, file: HubFile) -> None:
        self.target = target
        self.position = 0
        self.etag = ""
        self._file = file
        self._identity = identity_of(repository, file)
        self._path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        self._hash = hashlib.sha256()
        self._uncounted = 0
        self._stream: BinaryIO | None = None

    def size_on_disk(self) -> int:
        """Bytes that an earlier attempt left, or another process has brought by now."""
        try:
            return self._path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return 0

    def missing(self) -> int:
        """Bytes that are still to come, as far as an earlier attempt's can be used."""
        usable = self.size_on_disk() if self._continues() else 0
        return self._file.size - usable if usable <= self._file.size else self._file.size

    def is_whole(self) -> bool:
        """Whether the file has arrived already: it only ever gets its name once its hash was right."""
        try:
            return self.target.is_file() and self.target.stat().st_size == self._file.size
        except NotADirectoryError:
            return False

    def open(self) -> None:
        """Open what an earlier attempt left, if it is a part of this very file, or begin a new one."""
        if not self._continues() or self.size_on_disk() > self._file.size:
            self.discard()
            self._write_note()
            self._path.touch()
        self._uncounted = self.size_on_disk()
        # Unbuffered: a buffer that a full disk does not take would fail once more when it is closed.
        self._stream = self._path.open("r+b", buffering=0)

    def count_next(self) -> bool:
        """Count the next piece of what an earlier attempt left into the hash; False once all is counted."""
        piece = self._opened.read(min(_HASHED_AT_ONCE, self._uncounted))
        self._uncounted -= len(piece)
        self._hash.update(piece)
        self.position += len(piece)
        return bool(piece)

    def write(self, piece: bytes | bytearray) -> None:
        """Append. Raises OSError where the disk is full; what fits is kept."""
        rest = memoryview(piece)
        while rest:
            written = self._opened.write(rest)
            self._hash.update(rest[:written])
            self.position += written
            rest = rest[written:]

    def start_over(self) -> None:
        """Forget what has come: the server sends the whole file, or another one."""
        self._opened.seek(0)
        self._opened.truncate()
        self._hash = hashlib.sha256()
        self.position = 0

    def note_etag(self, etag: str) -> None:
        """Remember the server's mark, for the next attempt."""
        if etag != self.etag:
            self.etag = etag
            self._write_note()

    def finish(self) -> None:
        """Check all of it and give it its name.

        Raises:
            Damaged: it is not what the hub had announced; it is removed.
        """
        told, found = self._file.sha256, self._hash.hexdigest()
        if self.position != self._file.size or told not in (None, found):
            self.discard()
            right = f"its SHA-256 should be {told}, and is {found}"
            wrong_size = f"it should have {self._file.size} bytes, and has {self.position}"
            why = wrong_size if self.position != self._file.size else right
            hint = "Try again; if it stays so, the server hands out another file. What came was removed"
            raise Damaged(f"{self._file.name} came damaged", why, hint)
        os.fsync(self._opened.fileno())
        self.close()
        self._path.replace(self.target)
        self._note.unlink(missing_ok=True)
        _sync_folder(self.target.parent)

    def discard(self) -> None:
        """Remove what has come."""
        self.close()
        self._path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def close(self) -> None:
        """Keep what has come for the next attempt."""
        if self._stream:
            self._stream.close()
            self._stream = None

    @property
    def _opened(self) -> BinaryIO:
        assert self._stream, "open() comes first"
        return self._stream

    def _continues(self) -> bool:
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # ValueError: no JSON, no text
            return False
        if not isinstance(note, dict) or note.get("of") != self._identity or not self._path.exists():
            return False
        etag = note.get("etag")
        self.etag = etag if isinstance(etag, str) else ""
        return True

    def _write_note(self) -> None:
        self._note.write_text(json.dumps({"of": self._identity, "etag": self.etag}), encoding="utf-8")


def _sync_folder(folder: Path) -> None:
    """Have the new name outlive a power cut; Windows opens no folders, and needs none."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
