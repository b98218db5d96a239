"""What headers say, kept between starts, so that a list of thousands of models opens none of them.

All of it can be read again from the files: what is damaged is thrown away, and where the disk refuses, the program goes
on without. Two processes may use it at once; each row carries a sum of itself, as SQLite notices damage to its own
structure only.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from nodetool_xl_desktop import __version__
from nodetool_xl_desktop.library.breath import breathing
from nodetool_xl_desktop.library.facts import from_json, to_json
from nodetool_xl_desktop.library.model_file import Facts, Trouble

#: Another form of the rows is another number; so is another version of the program, which may read headers better.
_FORM = 2
_VERSION = zlib.crc32(f"{_FORM} {__version__}".encode()) & 0x7FFF_FFFF
#: How long another process is waited for; SQLite lets others in between, so that a slow disk can make one wait long.
_BUSY_S = 30.0
#: Rows of files that are not there (a disk may come back) are kept up to this many.
MOST_ROWS = 20_000
#: What says that the file is damaged, not that the disk refuses.
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH}

_TABLE = "CREATE TABLE IF NOT EXISTS header (path BLOB PRIMARY KEY, stamp TEXT, said TEXT, sum INTEGER) WITHOUT ROWID"
Result = TypeVar("Result")
_log = logging.getLogger(__name__)


class HeaderIndex:
    """The index, by a file's path and what tells that it is still the same. Its methods touch the disk.

    Args:
        path: of its file; the folder is made when it is first written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> dict[Path, tuple[str, Facts | Trouble]]:
        """Stamp and content of every file that it knows; empty where it cannot be read."""
        if not self._path.exists():
            return {}
        return self._do(_read_all) or {}

    def keep(self, rows: Iterable[tuple[Path, str, Facts | Trouble]]) -> None:
        """Remember what was read; what cannot be kept is read again the next time."""
        told = [(os.fsencode(path), stamp, to_json(said)) for path, stamp, said in rows]
        summed = [(path, stamp, said, _sum(path, stamp, said)) for path, stamp, said in told]
        self._do(lambda database: database.executemany("INSERT OR REPLACE INTO header VALUES (?, ?, ?, ?)", summed))

    def forget_all_but(self, paths: Iterable[Path]) -> None:
        """Drop the rows of other files, where there are too many of them."""
        kept = [(os.fsencode(path),) for path in paths]

        def drop(database: sqlite3.Connection) -> None:
            (count,) = database.execute("SELECT count(*) FROM header").fetchone()
            if count > MOST_ROWS + len(kept):
                database.execute("CREATE TEMP TABLE kept (path BLOB PRIMARY KEY)")
                database.executemany("INSERT OR IGNORE INTO kept VALUES (?)", kept)
                database.execute("DELETE FROM header WHERE path NOT IN (SELECT path FROM kept)")
                database.execute("DROP TABLE kept")

        self._do(drop)

    def _do(self, work: Callable[[sqlite3.Connection], Result]) -> Result | None:
        """Do something with it, a second time with a fresh one where it was damaged."""
        for is_last in (False, True):
            try:
                with self._opened() as database:
                    return work(database)
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
                is_damaged = code in _DAMAGED
                if not is_damaged:
                    _log.warning("The index of models cannot be used: %s", error)
            except (OSError, ValueError) as error:  # ValueError: a text in it that is none
                _log.warning("The index of models cannot be used: %s", error)
                is_damaged = isinstance(error, ValueError)
            if is_last or not is_damaged or not self._throw_away():
                break
        return None

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """One transaction, after which nothing is held."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = NORMAL")
            if not _is_of_this_form(database):
                database.execute("BEGIN IMMEDIATE")
                if not _is_of_this_form(database):  # else another made it while this one waited, and wrote to it
                    database.execute("DROP TABLE IF EXISTS header")
                    database.execute(_TABLE)
                    database.execute(f"PRAGMA user_version = {_VERSION}")
                database.execute("COMMIT")
            database.execute("BEGIN")
            yield database
            database.execute("COMMIT")

    def _throw_away(self) -> bool:
        """Whether it could be."""
        _log.warning("The index of models is damaged, and made anew")
        try:
            for end in ("-journal", "-wal", "-shm", ""):
                self._path.with_name(self._path.name + end).unlink(missing_ok=True)
        except OSError as error:
            _log.warning("It could not be thrown away: %s", error.strerror)
            return False
        return True


def _is_of_this_form(database: sqlite3.Connection) -> bool:
    return bool(database.execute("PRAGMA user_version").fetchone()[0] == _VERSION)


def _read_all(database: sqlite3.Connection) -> dict[Path, tuple[str, Facts | Trouble]]:
    found = {}
    for path, stamp, said, summed in breathing(database.execute("SELECT path, stamp, said, sum FROM header")):
        try:
            if _sum(path, stamp, said) == summed:
                found[Path(os.fsdecode(path))] = stamp, from_json(said)
        except (TypeError, ValueError, AttributeError):  # of another type than was written: damaged
            continue
    return found


def _sum(path: bytes, stamp: str, said: str) -> int:
    return zlib.crc32(b"\n".join((path, stamp.encode(), said.encode())))
