"""A file of a package index that is still coming: `NAME.part`, and `NAME.part.json`, which says of what it is a part.

It is gone on with only where it is a part of the very file that is wanted now: of the same SHA-256, as the index says
it, or, where it says none, from the same address and with a mark of the content (an ETag) that the server is asked to
compare. One program at a time has it: two would write into one another. Everything here touches the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import re
import shutil
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.lock import NO_LOCKS, FileLock
from nodetool_xl_desktop.core.translation import tr

_ENDING, _NOTE, _LOCK = ".part", ".json", ".lock"
#: After so many seconds without a byte nobody comes back for it: two weeks.
STALE_S = 14 * 24 * 3600.0
#: How long an attempt that was just cancelled may take to end.
PATIENCE_S = 3.0
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class IndexFile:
    """A file of an index.

    Attributes:
        url: where it lies.
        name: what it is called there; believed of nothing.
        sha256: what the index says of it; empty where it says nothing.
        size: bytes, where the index says them.
    """

    url: str
    name: str
    sha256: str = ""
    size: int | None = None

    @property
    def host(self) -> str:
        """Who has it, for people."""
        return httpx2.URL(self.url).host


class Part:
    """One file on its way.

    Args:
        folder: where it lies meanwhile.
        file: which one.
    """

    def __init__(self, folder: Path, file: IndexFile) -> None:
        safe = re.sub(r"[^A-Za-z0-9._+-]", "-", file.name)[:160]
        self.file = file
        self.path = folder / f"{safe}{_ENDING}"
        self._note = folder / f"{safe}{_ENDING}{_NOTE}"
        self._lock = folder / f"{safe}{_ENDING}{_LOCK}"

    @contextlib.asynccontextmanager
    async def held(self, what: str, patience_s: float = PATIENCE_S) -> AsyncIterator[None]:
        """Have it for oneself; afterwards only what can be gone on with stays. Its folder is made.

        Args:
            what: could not be done where another has it.
            patience_s: how long to wait for whoever does, in seconds.

        Raises:
            UserFacingError: another program is fetching it.
            OSError: the disk refused.
        """
        lock = FileLock(self._lock)
        if not await self._taken(lock, patience_s):
            raise UserFacingError(what, tr("another program is fetching it"), tr("Wait until it is done there."))
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # what cannot be removed now: the next attempt will
                self.there()
            lock.release(remove=True)
            with contextlib.suppress(OSError):  # it is not there, or something is in it
                self.path.parent.rmdir()

    @property
    def size(self) -> int:
        """Bytes that are here; what is no file, such as a link to somebody's, has none."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return 0
        return found.st_size if stat.S_ISREG(found.st_mode) else 0

    def there(self) -> tuple[int, str]:
        """Bytes that can be gone on with, and the server's mark of their content; what is of another file goes."""
        said = self._said()
        etag = said["etag"] if said["url"] == self.file.url else ""
        is_same = said["sha256"] == self.file.sha256 and bool(self.file.sha256 or etag)
        size = self.size if is_same else 0
        if not size:
            self.forget()
        return size, etag if size else ""

    def begin(self, etag: str) -> None:
        """The whole file comes now, with this mark: what was here before goes."""
        self.forget()
        self.path.parent.mkdir(parents=True, exist_ok=True)  # whoever sweeps takes a folder in which nothing is yet
        note = {"url": self.file.url, "sha256": self.file.sha256, "etag": etag}
        self._note.write_text(json.dumps(note), encoding="utf-8")

    def forget(self) -> None:
        """Remove what has come."""
        _remove(self.path)  # first: the note must never speak of another file's bytes
        _remove(self._note)

    def finish(self, target: Path) -> None:
        """It is whole: give it its place, on the same disk."""
        self.path.replace(target)
        _remove(self._note)

    async def _taken(self, lock: FileLock, patience_s: float) -> bool:
        """Whether the lock was got within so many seconds. Where the file system knows none, nobody has it."""
        until = time.monotonic() + patience_s
        while True:
            self.path.parent.mkdir(parents=True, exist_ok=True)  # who has it takes the folder away at the end
            try:
                if lock.try_acquire():
                    return True
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
                return True
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(_LOOK_S)

    def _said(self) -> dict[str, str]:
        try:
            note: Any = json.loads(self._note.read_text(encoding="utf-8"))
        except (FileNotFoundError, IsADirectoryError, ValueError):  # ValueError: no JSON, no text
            note = None
        told = note if isinstance(note, dict) else {}
        return {key: value if isinstance(value := told.get(key), str) else "" for key in ("url", "sha256", "etag")}


def sweep(folder: Path, stale_s: float = STALE_S, *, keep: Part | None = None) -> None:
    """Remove the parts in a folder that nobody has gone on with for so many seconds; where none is left, the folder."""
    with contextlib.suppress(OSError):  # what cannot be removed now is there the next time
        for part in {each.with_name(each.name.removesuffix(_NOTE).removesuffix(_LOCK)) for each in folder.iterdir()}:
            if not part.name.endswith(_ENDING) or (keep is not None and part == keep.path):
                continue
            # The others are written once: they go with what they are about.
            whole = [part, *(part.with_name(f"{part.name}{ending}") for ending in (_NOTE, _LOCK))]
            touched = next((each.lstat().st_mtime for each in whole if os.path.lexists(each)), time.time())
            if time.time() - touched >= stale_s:
                for each in whole:
                    _remove(each)
        folder.rmdir()


def begun(folder: Path) -> int:
    """Bytes of parts in a folder that somebody may go on with."""
    try:
        notes = [each for each in folder.iterdir() if each.name.endswith(f"{_ENDING}{_NOTE}")]
        return sum(part.stat().st_size for part in (note.with_suffix("") for note in notes) if part.exists())
    except OSError:
        return 0


def _remove(path: Path) -> None:
    """Remove a file, or whatever else lies in its place."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.EPERM, errno.EACCES) or not path.is_dir():
            raise
        shutil.rmtree(path)
