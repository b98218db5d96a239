"""What can go wrong with the chats on the disk, as a value that a person can read and a program can tell apart."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from enum import StrEnum
from pathlib import Path

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr

#: With less room than this, in bytes, a write that failed is told as a full disk.
NEARLY_FULL = 1_000_000


class StoreFault(StrEnum):
    """The kind of a failure."""

    FULL = "full"
    READ_ONLY = "read only"
    LOCKED = "locked"  # another program holds the file
    IN_USE = "in use"  # another window of this program holds the store
    DAMAGED = "damaged"
    NOT_A_STORE = "not a store"
    TOO_NEW = "too new"
    DISK = "disk"
    NO_SEARCH = "no search"  # this Python's SQLite was built without FTS5
    MISSING = "missing"  # a chat, a message or a file that is not there any more
    CLOSED = "closed"
    FOREIGN = "foreign"  # a file to import that cannot be understood


class StoreError(UserFacingError):
    """Chats that could not be read or saved; what was on the disk is as it was.

    Attributes:
        fault: the kind of the failure.
    """

    def __init__(self, fault: StoreFault, what: str, why: str = "", hint: str = "") -> None:
        super().__init__(what, why, hint)
        self.fault = fault


def missing(what: str) -> StoreError:
    """A chat, message, folder, preset or file that somebody else has removed meanwhile."""
    return StoreError(StoreFault.MISSING, tr("{what} is not there any more", what=what), "", tr("Choose another one."))


def of_sqlite(  # noqa: PLR0911 - one for each kind
    error: sqlite3.Error, path: Path
) -> StoreError | None:
    """The error of a database as one for people; None where it is a bug of this program.

    Args:
        error: as SQLite raised it.
        path: the database.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # Python's own: a wrong number of parameters, a closed connection
        return None
    detail = f"{error} ({path})"
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return full(path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return read_only(path, str(error))
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreError(
                StoreFault.LOCKED,
                tr("The chats could not be saved or read"),
                tr("another program holds the file {path}", path=path),
                tr("Close the program that has it open, such as a database viewer or a backup, and try again."),
            )
        case sqlite3.SQLITE_CORRUPT:
            return damaged(path, str(error))
        case sqlite3.SQLITE_NOTADB:
            return not_a_store(path)
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_NOLFS | sqlite3.SQLITE_PROTOCOL:
            return full(path) if _free(path) < NEARLY_FULL else _of_disk(detail)
        case sqlite3.SQLITE_TOOBIG:
            return StoreError(
                StoreFault.DISK, tr("This message is too large to be kept"), detail, tr("Attach it as a file instead.")
            )
    return None


def of_system(error: OSError, path: Path) -> StoreError:
    """The operating system's error about a file of the store as one for people."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return full(path)
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return read_only(path, error.strerror or str(error))
    return _of_disk(f"{error.strerror or error} ({path})")


def full(path: Path) -> StoreError:
    """The disk has no room."""
    free = units.file_size(max(_free(path), 0))
    return StoreError(
        StoreFault.FULL,
        tr("The chats could not be saved"),
        tr("the disk is full: {free} are free in {parent}", free=free, parent=path.parent),
        tr("Make room on this disk. An answer that is on the screen is saved as soon as there is some."),
    )


def no_room_for_backup(folder: Path, needed: int) -> StoreError:
    """The disk has room for the chats, and none for a copy of them."""
    free = units.file_size(max(_free(folder / "a backup"), 0))
    return StoreError(
        StoreFault.FULL,
        tr("The chats were not backed up"),
        tr(
            "a backup needs {needed} free in {folder}, and there are {free}",
            needed=units.file_size(needed),
            folder=folder,
            free=free,
        ),
        tr("Make room on this disk. The chats themselves are saved."),
    )


def read_only(path: Path, detail: str) -> StoreError:
    """The folder or the file may not be written."""
    return StoreError(
        StoreFault.READ_ONLY,
        tr("The chats cannot be opened for writing"),
        f"{detail} ({path})",
        tr("Make sure that the folder {parent} exists, belongs to you and may be written.", parent=path.parent),
    )


def damaged(path: Path, detail: str) -> StoreError:
    """Pages of the database are wrong."""
    return StoreError(
        StoreFault.DAMAGED,
        tr("The file of the chats is damaged"),
        f"{' '.join(detail.split())} ({path})",
        tr("Start the program again: it then falls back to the newest backup and keeps the damaged file."),
    )


def not_a_store(path: Path) -> StoreError:
    """Another kind of file stands where the chats should be."""
    return StoreError(
        StoreFault.NOT_A_STORE,
        tr("The chats cannot be opened"),
        tr("{path} is not a store of this program", path=path),
        tr("Move that file elsewhere, or begin anew; it is kept either way."),
    )


def too_new(path: Path, found: int, known: int) -> StoreError:
    """A later version of the program wrote it."""
    return StoreError(
        StoreFault.TOO_NEW,
        tr("The chats were written by a newer version of this program"),
        tr(
            "they are of version {found}, and this program knows up to {known} ({path})",
            found=found,
            known=known,
            path=path,
        ),
        tr("Install the newer version again. Nothing was changed."),
    )


def in_use(path: Path) -> StoreError:
    """Another window of the program holds the store."""
    return StoreError(
        StoreFault.IN_USE,
        tr("The chats are open already"),
        tr("another window of this program has them open ({parent})", parent=path.parent),
        tr("Go on in that window, or close it first."),
    )


def _of_disk(detail: str) -> StoreError:
    return StoreError(StoreFault.DISK, tr("The chats could not be saved or read"), detail, tr("Look at the disk."))


def _free(path: Path) -> int:
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return 0
