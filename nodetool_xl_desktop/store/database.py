"""The database of the chats: how it is opened, and the threads that alone touch it.

Each thread has a connection of its own. Nothing here waits in the caller's thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import heapq
import itertools
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store import errors as store_errors
from nodetool_xl_desktop.store import schema
from nodetool_xl_desktop.store.errors import StoreError, StoreFault

Result = TypeVar("Result")
_log = logging.getLogger(__name__)

#: How long a write waits for another program that holds the file, in seconds.
PATIENCE_S = 5.0
#: The most of a file that a connection keeps in memory, in KiB.
_CACHE_KIB = 16_384
#: What is left of the log beside the database after a large write, in bytes.
LOG_BYTES = 32 * 2**20


def connect(path: Path, *, patience_s: float = PATIENCE_S) -> sqlite3.Connection:
    """A connection that commits nothing by itself, and to the disk what it commits.

    Raises:
        sqlite3.Error: it cannot be opened; nothing was written.
    """
    connection = sqlite3.connect(path, timeout=patience_s, isolation_level=None)
    try:
        schema.add_functions(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")  # in WAL: a commit is on the disk when it returns
        connection.execute("PRAGMA fullfsync = ON")  # macOS: through the disk's own cache too
        connection.execute("PRAGMA cell_size_check = ON")  # a damaged page is told, not followed
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that can change nothing, not even by recovering what a crash left.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    # Not `as_uri`: a name may hold bytes that are no UTF-8.
    name = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return sqlite3.connect(f"file:{name}?mode=ro", uri=True, timeout=PATIENCE_S, isolation_level=None)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of what is done within, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have rolled it back already
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def told(path: Path, instead: Callable[[StoreError], StoreError] = lambda error: error) -> Iterator[None]:
    """Errors of the database and of the disk as errors for people, or as what `instead` makes of them; bugs as they
    are.
    """
    try:
        yield
    except sqlite3.Error as error:
        told_as = store_errors.of_sqlite(error, path)
        if told_as is None:
            raise
        raise instead(told_as) from error
    except OSError as error:
        raise instead(store_errors.of_system(error, path)) from error


def damage_flag(path: Path) -> Path:
    """A file that says: the database was found damaged while it was used; look through it at the next start."""
    return path.with_suffix(".damaged")


def flag_damage(path: Path) -> None:
    """Have the database looked through at the next start, before it is used."""
    with contextlib.suppress(OSError):
        damage_flag(path).touch()


class Worker:
    """A thread with a connection of its own, which does one piece of work after the other.

    Args:
        name: of the thread.
        path: the database.
        patience_s: how long it waits for another program that holds the file.
    """

    def __init__(self, name: str, path: Path, patience_s: float = PATIENCE_S) -> None:
        self._path = path
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._ending = False
        self._connection: sqlite3.Connection | None = None
        # Nobody has to wait for it at the end of the program: being cut off is what a transaction is for.
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)
        self._thread.start()

    def submit(
        self, work: Callable[[sqlite3.Connection], Result], *, due: float | None = None
    ) -> concurrent.futures.Future[Result]:
        """Have work done after what was given before; from any thread.

        Args:
            work: gets the connection. Its `sqlite3.Error` and `OSError` come out as `StoreError`.
            due: not before this time of `time.monotonic`, and then before what is given later; None for now.
        """
        future: concurrent.futures.Future[Result] = concurrent.futures.Future()

        def do() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                with told(self._path):
                    result = work(self._open())
            except StoreError as error:
                if error.fault is StoreFault.DAMAGED:
                    flag_damage(self._path)
                future.set_exception(error)
            except BaseException as error:  # noqa: BLE001 - it is raised again where the work is awaited
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._changed:
            if self._ending:
                future.set_exception(closed())
            else:
                when = time.monotonic() if due is None else due
                heapq.heappush(self._queue, (when, next(self._number), do))
                self._changed.notify()
        return future

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Have work done, and return what it returns. Who is cancelled before it began has not asked for it."""
        return await asyncio.wrap_future(self.submit(work))

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """The same for work that is done even where nobody waits for it any longer."""
        return await asyncio.shield(asyncio.wrap_future(self.submit(work)))

    def close(self) -> None:
        """Do what was given, whatever its time, close the connection and end; waits for that."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path, patience_s=self._patience_s)
        return self._connection

    def _run(self) -> None:
        while (do := self._next()) is not None:
            do()
            del do  # what it holds is not kept until the next one comes
        if self._connection is not None:
            try:
                self._connection.close()
            except sqlite3.Error as error:
                _log.warning("The chats could not be closed: %s", error)

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while True:
                wait_s = self._queue[0][0] - time.monotonic() if self._queue else None
                if wait_s is not None and (wait_s <= 0 or self._ending):
                    return heapq.heappop(self._queue)[2]
                if self._ending:
                    return None
                self._changed.wait(wait_s)


def closed() -> StoreError:
    """The store was closed."""
    return StoreError(StoreFault.CLOSED, tr("The chats are closed"), "", tr("Start the program again."))


def rows(connection: sqlite3.Connection, sql: str, *values: Any) -> list[Any]:
    """All rows of a query."""
    return connection.execute(sql, values).fetchall()


def one(connection: sqlite3.Connection, sql: str, *values: Any) -> Any:
    """The first column of the first row; None where there is none."""
    row = connection.execute(sql, values).fetchone()
    return None if row is None else row[0]


async def in_thread(work: Callable[[], Result], unwanted: Callable[[Result], object] = lambda result: None) -> Result:
    """Run what may block in a thread of its own, which nobody has to wait for at the end of the program.

    Args:
        work: is done to its end, even if the caller is cancelled.
        unwanted: takes what came of it, in that thread, where the caller was cancelled meanwhile.
    """
    future: concurrent.futures.Future[Result] = concurrent.futures.Future()

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the work is awaited
            future.set_exception(error)

    threading.Thread(target=do, daemon=True, name="chats: a file").start()
    try:
        return await asyncio.shield(asyncio.wrap_future(future))
    except asyncio.CancelledError:
        future.add_done_callback(lambda done: done.exception() or unwanted(done.result()))
        raise
