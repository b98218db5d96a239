"""A lock between processes: of two that want one file, the second waits until the first has it.

The operating system holds it, so that it goes with a process that is killed.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """A lock on a file of its own. Two of one process exclude each other too. Its methods touch the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        """Take it, or say False where somebody has it.

        Raises:
            OSError: the file cannot be made.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _try(descriptor)
        except (BlockingIOError, PermissionError):  # PermissionError: Windows says it so
            os.close(descriptor)
            return False
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def release(self, *, remove: bool = False) -> None:
        """Give it back; does nothing where it is not held.

        Args:
            remove: also remove its file. Only for a lock that is not needed any more: who opened the file before and
                who opens a new one would not exclude each other.
        """
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        os.close(descriptor)  # gives it back
        if remove:
            with contextlib.suppress(OSError):  # Windows: somebody is just looking at it
                self._path.unlink(missing_ok=True)
