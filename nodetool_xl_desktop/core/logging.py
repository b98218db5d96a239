"""The program's own log: one file in the user's log folder that never grows beyond a few megabytes.

What users write to a model and what it answers is never logged. Errors that nobody expected quote what they stumbled
over, so of those only such messages are kept as Python makes itself.

Two processes write it where a script runs beside the window; children write none, their words go to their parent.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import sys
from pathlib import Path

from nodetool_xl_desktop.core import uncaught
from nodetool_xl_desktop.core.lock import FileLock

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
#: How long the file gets, in bytes, and how many older ones are kept beside it.
MOST_BYTES, OLDER = 1_000_000, 2
#: Few lines are longer.
_LINE_BYTES = 2000


def log_file(folder: Path) -> Path:
    """The file that `set_up` writes."""
    return folder / "nodetool-xl-desktop.log"


def set_up(folder: Path) -> None:
    """Send the program's log to `folder`, and every uncaught error to the log as well as to standard error.

    A folder that cannot be written is no reason not to start: the log then goes nowhere but warnings to standard error.
    """
    root = logging.getLogger("nodetool_xl_desktop")
    root.setLevel(logging.INFO)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = _SharedFile(log_file(folder))
    except OSError as error:
        handler = logging.StreamHandler(sys.stderr)
        handler.setLevel(logging.WARNING)
        root.addHandler(handler)
        root.warning("No log file in %s: %s", folder, error)
    else:
        root.addHandler(handler)
    handler.setFormatter(_Format(FORMAT))
    uncaught.install()


def tail(folder: Path, lines: int) -> list[str]:
    """The last lines of the log, of the file before it too where that one has just begun. Touches the disk.

    Of very long lines there are fewer.
    """
    found: list[str] = []
    most = _LINE_BYTES * lines
    for file in (_older(log_file(folder), 1), log_file(folder)):
        with contextlib.suppress(OSError), file.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - most))
            found += log.read().decode("utf-8", "replace").splitlines()[1 if size > most else 0 :]
    return found[-lines:]


class _Format(logging.Formatter):
    """Tells errors without what they quote."""

    def formatException(  # noqa: N802 - its name there
        self, ei: tuple[object, BaseException | None, object] | tuple[None, None, None]
    ) -> str:
        return uncaught.told(ei[1]) if ei[1] is not None else ""


class _SharedFile(logging.handlers.WatchedFileHandler):
    """Appends to a file that other processes append to as well, and sets it aside when it is long enough."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self._path = path
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):  # then it stays as it is until the next line
            if self._path.stat().st_size >= MOST_BYTES:
                self._set_aside()
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - its name there
        """A full disk is said where somebody looks for it; a log that complains on each line helps nobody."""
        if isinstance(sys.exc_info()[1], OSError):
            self._lost += 1
        else:
            super().handleError(record)

    def format(self, record: logging.LogRecord) -> str:
        lost, self._lost = self._lost, 0
        return f"({lost} lines could not be written)\n{super().format(record)}" if lost else super().format(record)

    def _set_aside(self) -> None:
        """Who gets the lock does it; the others see at their next line that the file is another one."""
        lock = FileLock(self._path.with_suffix(".lock"))
        if not lock.try_acquire():
            return
        try:
            size = self._path.stat().st_size
            if size < MOST_BYTES:
                return
            try:
                for number in range(OLDER, 0, -1):
                    newer = _older(self._path, number - 1)
                    if newer.exists():
                        newer.replace(_older(self._path, number))
            except OSError:  # Windows renames nothing that another process has open
                if size > 2 * MOST_BYTES:
                    os.truncate(self._path, 0)
        finally:
            lock.release(remove=True)


def _older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}") if number else path
