"""How the chat store is opened: one program at a time, never a database that is not understood, a backup where needed.

What is damaged is set aside and never overwritten; the newest sound backup takes its place, and what of the damaged
file can still be read and is newer is brought back into it.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nodetool_xl_desktop.core.lock import FileLock
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.store import errors as store_errors
from nodetool_xl_desktop.store import messages, salvage, schema
from nodetool_xl_desktop.store.attachments import sync_folder
from nodetool_xl_desktop.store.backup import Backup, Backups, is_database, restore, set_aside, unsoundness
from nodetool_xl_desktop.store.database import (
    PATIENCE_S,
    connect,
    connect_to_read,
    damage_flag,
    flag_damage,
    one,
    told,
    transaction,
)
from nodetool_xl_desktop.store.errors import StoreError, StoreFault
from nodetool_xl_desktop.store.records import Notice

_log = logging.getLogger(__name__)

#: A database up to this size, in bytes, is looked through before it is used; a larger one with the backup of the day,
#: as that takes seconds.
CHECKED_AT_ONCE = 64 * 2**20


@dataclass(slots=True)
class Opened:
    """A store that is ready.

    Attributes:
        database: its file.
        lock: held as long as it is open.
        patience_s: how long to wait for another program that holds the file.
        notices: what a person should be told.
    """

    database: Path
    lock: FileLock
    patience_s: float = PATIENCE_S
    notices: list[Notice] = field(default_factory=list)


def open_store(folder: Path, *, begin_anew: bool = False, patience_s: float = PATIENCE_S) -> Opened:
    """Open the store of a folder, or make one there.

    Args:
        folder: made where it is missing.
        begin_anew: where there is a file that cannot be used and no backup, set it aside and begin with what of it can
            be read; a person has agreed to that.
        patience_s: how long to wait for another program that holds the file.

    Raises:
        StoreError: it cannot be opened, and why; nothing was changed.
    """
    database = folder / "chats.sqlite3"
    with told(database, instead=_cannot_open):
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)  # what is said to a model is nobody else's
        lock = FileLock(folder / "chats.lock")
        if not lock.try_acquire():
            raise store_errors.in_use(database)
        opened = Opened(database, lock, patience_s)
        try:
            _make_usable(opened, Backups(folder / "backups"), begin_anew=begin_anew)
        except BaseException:
            lock.release()
            raise
    return opened


def _cannot_open(error: StoreError) -> StoreError:
    """What is true of a write that failed, told of a store that could not be opened."""
    if error.fault is not StoreFault.FULL:
        return error
    return StoreError(
        error.fault, tr("The chats cannot be opened"), error.why, tr("Make room on this disk, and try again.")
    )


def _make_usable(opened: Opened, backups: Backups, *, begin_anew: bool) -> None:
    problem = _look(opened)
    if problem is not None:
        _fall_back(opened, backups, problem, begin_anew=begin_anew)
    elif not _has_content(opened.database) and (backup := next(backups.sound(), None)) is not None:
        set_aside(opened.database)  # an empty file may stand there
        restore(backup, opened.database)
        opened.notices.append(
            Notice(
                tr("Your chats were missing and come from a backup"),
                tr("{file} was not there; the backup is of {made}", file=opened.database, made=_written(backup.made)),
            )
        )
    try:
        with told(opened.database):
            _use(opened, backups)
    except StoreError as error:
        if error.fault is StoreFault.DAMAGED:  # a large one, which was not looked through before
            flag_damage(opened.database)
        if (told_as := _cannot_open(error)) is not error:
            raise told_as from error
        raise


def _use(opened: Opened, backups: Backups) -> None:
    """Bring it to the last version, and end what the last program left open."""
    with contextlib.closing(connect(opened.database, patience_s=opened.patience_s)) as connection:
        if 0 < schema.version(connection) < schema.LATEST:
            backups.make(opened.database)
        connection.execute("PRAGMA journal_mode = WAL")  # where the system can
        _bring_up(connection)
        with transaction(connection):
            if ended := messages.settle(connection):
                _log.info("%d answers were open when the program ended", ended)
        if damage_flag(opened.database).exists():
            _mend_search(opened, connection)
    damage_flag(opened.database).unlink(missing_ok=True)


def _has_content(database: Path) -> bool:
    return database.exists() and database.stat().st_size > 0


def _look(opened: Opened) -> StoreError | None:
    """What is wrong with the content of the database; None where nothing is, or there is none yet.

    Raises:
        StoreError: it is fine, and not for this version.
    """
    database = opened.database
    if not _has_content(database):
        return None
    if not is_database(database):
        return store_errors.not_a_store(database)
    try:
        with contextlib.closing(connect_to_read(database)) as connection:
            found, ours = schema.version(connection), one(connection, "PRAGMA application_id")
            empty = not one(connection, "SELECT count(*) FROM sqlite_master")
    except sqlite3.DatabaseError as error:
        said = store_errors.of_sqlite(error, database)
        if said is None or said.fault not in (StoreFault.DAMAGED, StoreFault.NOT_A_STORE):
            raise
        return store_errors.damaged(database, str(error))
    if ours != schema.APPLICATION_ID and not empty:
        return store_errors.not_a_store(database)
    if found > schema.LATEST:
        raise store_errors.too_new(database, found, schema.LATEST)
    if database.stat().st_size > CHECKED_AT_ONCE and not damage_flag(database).exists():
        return None
    unsound = unsoundness(database)
    return store_errors.damaged(database, unsound) if unsound else None


def _fall_back(opened: Opened, backups: Backups, problem: StoreError, *, begin_anew: bool) -> None:
    backup = next(backups.sound(), None)
    if backup is None and not begin_anew:
        raise StoreError(
            problem.fault,
            problem.what,
            tr("{why}, and there is no sound backup in {folder}", why=problem.why, folder=backups.folder),
            tr(
                "Begin anew with what can still be read, or put a backup of your own there. "
                "The file is kept either way."
            ),
        )
    _log.error("%s", problem)
    # All of it is made beside the damaged file: ended in the middle, the program finds that as it was.
    fresh = opened.database.with_suffix(".restoring")
    for ending in ("", "-journal"):
        fresh.with_name(fresh.name + ending).unlink(missing_ok=True)
    if backup is not None:
        restore(backup, fresh)
    with contextlib.closing(connect(fresh)) as connection:
        _bring_up(connection)
        saved = salvage.bring_back(opened.database, connection)
    aside = set_aside(opened.database)
    fresh.replace(opened.database)
    sync_folder(opened.database.parent)
    why = _what_came(problem.why, backup, saved)
    opened.notices.append(Notice(problem.what, why, tr("The old file is kept: {aside}", aside=aside)))


def _what_came(why: str, backup: Backup | None, saved: int) -> str:
    if backup is None:
        if not saved:
            return tr("{why}; there was no backup", why=why)
        return trn(
            "{why}; there was no backup, and {count} message was read from it",
            "{why}; there was no backup, and {count:,} messages were read from it",
            saved,
            why=why,
        )
    made = _written(backup.made)
    if not saved:
        return tr("{why}; a backup of {made} took its place", why=why, made=made)
    return trn(
        "{why}; a backup of {made} took its place, and {count} newer message was read from it",
        "{why}; a backup of {made} took its place, and {count:,} newer messages were read from it",
        saved,
        why=why,
        made=made,
    )


def _written(moment: datetime) -> str:
    """A moment in the form that every language reads."""
    return f"{moment:%Y-%m-%d %H:%M}"


def _mend_search(opened: Opened, connection: sqlite3.Connection) -> None:
    """The pages are sound, and something was damaged: the index of the search, which can be built anew."""
    try:
        connection.execute("INSERT INTO message_index(message_index, rank) VALUES ('integrity-check', 1)")
        connection.execute("INSERT INTO chat_index(chat_index, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        _log.warning("The index of the search is built anew: %s", error)
        schema.rebuild_search(connection)
        opened.notices.append(Notice(tr("The search was damaged and is built anew"), str(error)))


def _bring_up(connection: sqlite3.Connection) -> None:
    """To the last version."""
    if not one(connection, "SELECT 1 FROM pragma_module_list WHERE name = 'fts5'"):
        raise StoreError(
            StoreFault.NO_SEARCH,
            tr("The chats cannot be opened"),
            tr("this Python's SQLite was built without FTS5, its search"),
            tr("Use a Python whose SQLite has it, such as the one of python.org or of your system."),
        )
    schema.migrate(connection)
