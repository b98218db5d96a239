"""A file that is still coming: `NAME.part` beside its place, and `NAME.part.json`, which says what it is a part of.

Two different files are never glued together, and the name of the whole file is given only to what is right to the
byte. Every method touches the disk and is called in a thread.

What survives what: a program that is killed leaves in the system's hands all that it wrote, so all of it counts. After
a power cut only that counts which was synced to the disk before; the note says how much that is, and of which run of
the system. What came and was wrong is kept beside as `NAME.damaged`, until it is fetched right, given up, or its room
is needed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import BinaryIO

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.hub.errors import Damaged
from nodetool_xl_desktop.hub.repository import HubFile, Repository

#: What is added to a file's name while it comes; the longest of it counts for how long a name may be.
LONGEST_ENDING = ".part.json.new"
#: What is hashed in one go: some milliseconds.
_HASHED_AT_ONCE = 8 * MIB
#: What a power cut may cost: so many bytes, or so many seconds of them.
_SYNC_BYTES = 64 * MIB
_SYNC_S = 5.0


def identity_of(repository: Repository, file: HubFile) -> dict[str, str | int]:
    """What a part must agree in to be continued; no address, so that a mirror may continue what the hub began."""
    if file.sha256:
        return {"sha256": file.sha256, "size": file.size}
    return {"repo_id": repository.repo_id, "commit": repository.commit, "path": file.path, "size": file.size}


def this_run() -> str:
    """Tells this run of the system from the one before: what was only written is gone with a power cut."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    import psutil  # noqa: PLC0415 - only here, and only where the system has no name for it

    return str(int(psutil.boot_time()))


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
        self._fresh_note = target.with_name(f"{target.name}{LONGEST_ENDING}")
        self._damaged = target.with_name(f"{target.name}.damaged")
        self._hash = hashlib.sha256()
        self._uncounted = 0
        self._synced = 0
        self._synced_at = time.monotonic()
        self._stream: BinaryIO | None = None

    @property
    def size(self) -> int:
        """Bytes of the whole file, as the hub announced it."""
        return self._file.size

    @property
    def arrived(self) -> int:
        """Bytes that are there, whether they are counted yet or not."""
        return self.position + self._uncounted

    def size_on_disk(self) -> int:
        """Bytes that an earlier attempt left, or another process has brought by now."""
        try:
            return self._path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return 0

    def missing(self) -> int:
        """Bytes that are still to come, as far as an earlier attempt's can be used."""
        usable = self._usable() or 0
        return self._file.size - usable if usable <= self._file.size else self._file.size

    def there(self) -> int:
        """Bytes of the file that are here and can be used, whether it is whole or not."""
        return self.size if self.is_whole() else self.size - self.missing()

    def is_whole(self) -> bool:
        """Whether the file has arrived already: it only ever gets its name once its hash was right."""
        try:
            return self.target.is_file() and self.target.stat().st_size == self._file.size
        except NotADirectoryError:
            return False

    def require_free_name(self) -> None:
        """See to it that nothing else lies under the name of the whole file.

        Raises:
            Damaged: something does; it is left as it is.
        """
        if os.path.lexists(self.target) and not self.is_whole():
            raise Damaged.another_size(self._file.name, str(self.target.parent))

    def open(self) -> None:
        """Open what an earlier attempt left, if it is a part of this very file, or begin a new one."""
        usable = self._usable()
        if usable is None or usable > self._file.size:
            self._remove_part()
            self._path.touch()
            self._write_note()
            usable = 0
        # Unbuffered: a buffer that a full disk does not take would fail once more when it is closed.
        self._stream = self._path.open("r+b", buffering=0)
        if usable < self.size_on_disk():
            self._stream.truncate(usable)
        self._uncounted = self._synced = usable
        self._synced_at = time.monotonic()

    def count_next(self) -> bool:
        """Count the next piece of what an earlier attempt left into the hash; False once all is counted."""
        piece = self._opened.read(min(_HASHED_AT_ONCE, self._uncounted))
        self._uncounted -= len(piece)
        self._hash.update(piece)
        self.position += len(piece)
        return bool(piece)

    def write(self, piece: bytes | bytearray) -> None:
        """Append, and sync now and then. Raises OSError where the disk is full; what fits is kept."""
        rest = memoryview(piece)
        while rest:
            written = self._opened.write(rest)
            self._hash.update(rest[:written])
            self.position += written
            rest = rest[written:]
        if self.position - self._synced >= _SYNC_BYTES or time.monotonic() - self._synced_at >= _SYNC_S:
            self._sync()

    def start_over(self) -> None:
        """Forget what has come: the server sends the whole file, or another one."""
        self._synced = 0
        self._write_note()  # first: it must never promise more than there is
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
            Damaged: it is not what the hub had announced; it is set aside as `NAME.damaged`.
        """
        told, found = self._file.sha256, self._hash.hexdigest()
        if self.position != self._file.size or told not in (None, found):
            self._set_aside()
            right = tr("its SHA-256 should be {told}, and is {found}", told=told, found=found)
            wrong_size = tr(
                "it should have {size} bytes, and has {position}", size=self._file.size, position=self.position
            )
            why = wrong_size if self.position != self._file.size else right
            raise Damaged.set_aside(self._file.name, why, self._damaged.name)
        os.fsync(self._opened.fileno())
        self._close()
        if os.path.lexists(self.target):  # what came there meanwhile is not ours to replace
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.target))
        self._path.replace(self.target)  # one step, so that a kill leaves one of both names
        self._remove_note()
        self._damaged.unlink(missing_ok=True)
        _sync_folder(self.target.parent)

    def discard(self) -> None:
        """Remove what has come, and what was set aside."""
        self._remove_part()
        self._damaged.unlink(missing_ok=True)

    def make_room(self) -> int:
        """Remove what was set aside as damaged; how many bytes that was."""
        try:
            size = self._damaged.stat().st_size
            self._damaged.unlink()
        except OSError:
            return 0
        return size

    def close(self) -> None:
        """Keep what has come for the next attempt."""
        if self._stream:
            if self.position > self._synced:
                with contextlib.suppress(OSError):  # a full disk: the next attempt has what was synced before
                    self._sync()
            self._close()

    @property
    def _opened(self) -> BinaryIO:
        assert self._stream, "open() comes first"
        return self._stream

    def _usable(self) -> int | None:
        """Bytes of an earlier attempt that can be believed; None where nothing is known of them."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no JSON, no text
            return None
        if not isinstance(note, dict) or note.get("of") != self._identity or not self._path.exists():
            return None
        etag, synced = note.get("etag"), note.get("synced")
        self.etag = etag if isinstance(etag, str) else ""
        size = self.size_on_disk()
        if note.get("run") in (None, this_run()) or not isinstance(synced, int) or size > self._file.size:
            return size
        return max(0, min(size, synced))

    def _sync(self) -> None:
        position = self.position
        os.fsync(self._opened.fileno())
        self._synced, self._synced_at = position, time.monotonic()
        self._write_note()

    def _write_note(self) -> None:
        """Written beside and renamed: a note that is cut off would cost all that has come."""
        note = {"of": self._identity, "etag": self.etag, "synced": self._synced, "run": this_run()}
        self._fresh_note.write_text(json.dumps(note), encoding="utf-8")
        self._fresh_note.replace(self._note)

    def _set_aside(self) -> None:
        self._close()
        self._path.replace(self._damaged)
        self._remove_note()

    def _remove_part(self) -> None:
        self._close()
        self._remove_note()
        self._path.unlink(missing_ok=True)

    def _remove_note(self) -> None:
        self._note.unlink(missing_ok=True)
        self._fresh_note.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._stream:
            self._stream.close()
            self._stream = None


def _sync_folder(folder: Path) -> None:
    """Have the new name outlive a power cut; Windows opens no folders, and needs none."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
