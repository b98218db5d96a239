"""Which program has a data folder: one at a time has the window on it, and others find it there.

A lock of the operating system is the truth, so that a program that was killed holds nobody up. A small file beside it
says which process it is and where it listens; what stands there counts only while the lock is held.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core.lock import FileLock

_LOCK = "program.lock"
_ABOUT = "program.json"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """The program that has the folder.

    Attributes:
        process: its number; 0 where that is not known.
        address: the name of its local socket; empty until it listens.
    """

    process: int = 0
    address: str = ""


class Instance:
    """The right to the window on a data folder. Its methods touch the disk.

    Args:
        folder: the data folder; made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FileLock(folder / _LOCK)
        self._has_begun = False

    @property
    def key(self) -> str:
        """What tells this folder, as this user has it, from all others; fit for the name of a file."""
        user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
        return hashlib.sha256(f"{user}:{self.folder.resolve()}".encode(errors="surrogateescape")).hexdigest()[:16]

    @property
    def has_begun(self) -> bool:
        """Whether this program has it."""
        return self._has_begun

    def try_begin(self) -> bool:
        """Take it, or say False where another program has it.

        Where the disk refuses a lock, each program is as if it were alone: a window that cannot save says so itself,
        and is more than none.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._has_begun = self._lock.try_acquire()
        except OSError as error:
            _log.warning("Nobody can tell whether another program has %s: %s", self.folder, error)
            return True
        if self._has_begun:
            self._write(Running(os.getpid()))  # in place of what a killed one has left
        return self._has_begun

    def announce(self, address: str) -> None:
        """Say where this program listens."""
        if self._has_begun:
            self._write(Running(os.getpid(), address))

    def running(self) -> Running:
        """What is known of the program that has it, for who could not begin."""
        try:
            said = json.loads((self.folder / _ABOUT).read_text(encoding="utf-8"))
            return Running(int(said["process"]), str(said["address"]))
        except (OSError, ValueError, LookupError, TypeError):  # it has not written yet, or has just ended
            return Running()

    def end(self) -> None:
        """Give it back; does nothing where it was not begun."""
        if self._has_begun:
            self._has_begun = False
            with contextlib.suppress(OSError):
                (self.folder / _ABOUT).unlink(missing_ok=True)
            self._lock.release(remove=True)

    def _write(self, running: Running) -> None:
        fresh = self.folder / f".{_ABOUT}.new"  # only who has the lock writes
        try:
            fresh.write_text(json.dumps({"process": running.process, "address": running.address}), encoding="utf-8")
            fresh.replace(self.folder / _ABOUT)
        except OSError as error:
            _log.warning("Other programs will not find this one: %s", error)
