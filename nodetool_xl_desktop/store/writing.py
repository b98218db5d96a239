"""Writing through: what streams in and what is being typed is on the disk a quarter of a second later.

Whoever has something new says so and goes on; the thread that writes takes all that is new, of every open answer and
every draft, in one commit. So eight answers at once cost as many commits as one. What could not be written, as the
disk is full, stays in memory and is tried again.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from nodetool_xl_desktop.store import chats, parts
from nodetool_xl_desktop.store.database import Worker, told, transaction
from nodetool_xl_desktop.store.errors import StoreError, StoreFault
from nodetool_xl_desktop.store.parts import Part

_log = logging.getLogger(__name__)

#: The shortest time between two commits of what streams in, in seconds.
INTERVAL_S = 0.25
#: The same after one that failed.
RETRY_S = 1.0

#: What no part of a write would get around; and each would wait for it.
_OF_ALL = (StoreFault.LOCKED, StoreFault.READ_ONLY, StoreFault.DAMAGED)

#: Work within a transaction of the thread that writes.
Work = Callable[[sqlite3.Connection], None]


class Source(Protocol):
    """Something that has news for the disk now and then."""

    def take(self) -> Work | None:
        """What has to be written now; None for nothing."""

    def took(self, *, written: bool) -> None:
        """What was taken is on the disk, or has to be taken again."""


class WriteThrough:
    """Brings news to the disk, at most every `INTERVAL_S`.

    Args:
        worker: the thread that writes.
        database: its file, for errors.
        on_problem: hears, in that thread, that news could not be written, and with None that they are again.
    """

    def __init__(self, worker: Worker, database: Path, on_problem: Callable[[StoreError | None], None]) -> None:
        self._worker = worker
        self._database = database
        self._on_problem = on_problem
        self._problem: StoreError | None = None
        self._lock = threading.Lock()
        self._sources: dict[Source, None] = {}
        self._is_due = False
        self._not_before_s = 0.0

    def news(self, source: Source) -> None:
        """There is something new; from any thread, and never blocking."""
        with self._lock:
            self._sources[source] = None
            if self._is_due:
                return
            self._is_due = True
            due = self._not_before_s
        self._worker.submit(self._write, due=due)

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write what is new, now; in the thread that writes.

        Raises:
            StoreError: it could not be written; it stays in memory, and is tried again.
        """
        with self._lock:
            sources, self._sources = list(self._sources), {}
            self._not_before_s = time.monotonic() + INTERVAL_S
        taken = [(source, work) for source in sources if (work := source.take()) is not None]
        if (problem := self._write_all(connection, taken)) is not None:
            raise problem
        if self._problem is not None and taken:
            self._problem = None
            self._on_problem(None)

    def _write_all(self, connection: sqlite3.Connection, taken: Sequence[tuple[Source, Work]]) -> Exception | None:
        """In one commit; where that fails one by one, so that what cannot be written holds nothing else up."""
        try:
            if taken:
                with told(self._database), transaction(connection):
                    for _, work in taken:
                        work(connection)
        except Exception as error:  # noqa: BLE001 - it is raised by who called
            if isinstance(error, StoreError) and error.fault in _OF_ALL:
                for source, _ in taken:
                    self._again(source, error)
                return error
            if len(taken) > 1:
                problems = [self._write_all(connection, [each]) for each in taken]
                return next((problem for problem in problems if problem is not None), None)
            self._again(taken[0][0], error)
            return error
        for source, _ in taken:
            source.took(written=True)
        return None

    def _write(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            self._is_due = False  # what comes from now on asks again
        try:
            self.flush(connection)
        except StoreError as error:
            _log.warning("Kept in memory: %s", error)
        except Exception:  # noqa: BLE001 - a bug: nobody waits for this, and what comes next still has to be written
            _log.exception("News of a chat could not be written")

    def _again(self, source: Source, error: Exception) -> None:
        with self._lock:
            self._not_before_s = time.monotonic() + RETRY_S
        source.took(written=False)
        self.news(source)
        if isinstance(error, StoreError) and (self._problem is None or self._problem.fault is not error.fault):
            self._problem = error
            self._on_problem(error)


class Drafts:
    """What is being typed in each chat; the last word of each place is what is written."""

    def __init__(self, through: WriteThrough) -> None:
        self._through = through
        self._lock = threading.Lock()
        self._new: dict[str, tuple[Part, ...]] = {}
        self._taken: dict[str, tuple[Part, ...]] = {}

    def keep(self, place: str, said: Sequence[Part]) -> None:
        """Keep what stands there now; from any thread, and never blocking."""
        with self._lock:
            self._new[place] = tuple(said)
        self._through.news(self)

    def held(self, place: str) -> tuple[Part, ...] | None:
        """What of it is not known to be on the disk yet; None for nothing."""
        with self._lock:
            return self._new.get(place, self._taken.get(place))

    def forget(self, place: str, said: Sequence[Part]) -> None:
        """This was sent from there; what was typed since is not forgotten."""
        with self._lock:
            if place in self._new and parts.same(self._new[place], said):
                del self._new[place]

    def take(self) -> Work | None:
        """For `WriteThrough`."""
        with self._lock:
            taken, self._taken, self._new = self._new, self._new, {}
        return (lambda connection: _keep_all(connection, taken)) if taken else None

    def took(self, *, written: bool) -> None:
        """For `WriteThrough`."""
        with self._lock:
            if not written:
                self._new = self._taken | self._new
            self._taken = {}


def _keep_all(connection: sqlite3.Connection, drafts: dict[str, tuple[Part, ...]]) -> None:
    for place, said in drafts.items():
        chats.keep_draft(connection, place, said)
