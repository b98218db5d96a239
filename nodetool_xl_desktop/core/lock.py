"""A lock between processes: of two that want one file, the second waits until the first has it.

The operating system holds it, so that it goes with a process that is killed.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from nodetool_xl_desktop.core.translation import tr

if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


#: What is done under a lock takes milliseconds, on a slow share a second: who holds it longer hangs.
PATIENCE_S = 10.0
#: Between two looks; a random time, so that two who wait do not take turns in missing it.
_LOOK_S = (0.001, 0.01)
#: Of a file system that knows no locks.
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
_log = logging.getLogger(__name__)


class FileLock:
    """A lock on a file of its own. Two of one process exclude each other too. Its methods touch the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        """Take it, or say False where somebody has it, or has just removed it.

        Raises:
            OSError: the file cannot be made, or its file system knows no locks.
        """
        descriptor = self._open()
        try:
            _try(descriptor)
        except (BlockingIOError, PermissionError):  # PermissionError: Windows says it so
            os.close(descriptor)
            return False
        except OSError:
            os.close(descriptor)
            raise
        if not self._is_there(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def acquire(self, patience_s: float = PATIENCE_S) -> bool:
        """Take it, waiting so long in seconds for whoever has it; says False where they still do. Blocks.

        Raises:
            OSError: as `try_acquire`.
        """
        until = time.monotonic() + patience_s
        while not self.try_acquire():
            if time.monotonic() >= until:
                return False
            time.sleep(random.uniform(*_LOOK_S))
        return True

    def release(self, *, remove: bool = False) -> None:
        """Give it back; does nothing where it is not held.

        Args:
            remove: also remove its file, for who leaves nothing behind.
        """
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if remove and sys.platform != "win32":
            self._remove()  # while it is held: whoever opened it meanwhile sees that it is gone
        os.close(descriptor)  # gives it back
        if remove and sys.platform == "win32":
            self._remove()  # what is open cannot be removed there, neither now by us nor by us from another

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except PermissionError as error:
            try:  # made by another user, such as root; to be locked it need not be written
                return os.open(self._path, os.O_RDONLY)
            except FileNotFoundError:
                raise error from None

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _is_there(self, descriptor: int) -> bool:
        """Whether it is still the lock's file: who had it before may have removed it, and somebody made a new one."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False


@contextlib.contextmanager
def locked(path: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the lock on this file for a moment; its folder is made. Where the file system knows no locks, nothing is
    held: there it is as it would be without one.

    Args:
        path: the lock's own file, which is there only as long.
        patience_s: how long to wait for whoever holds it, in seconds.

    Raises:
        OSError: the file cannot be made; a TimeoutError where it is held too long.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        if not lock.acquire(patience_s):
            raise TimeoutError(errno.ETIMEDOUT, tr("another program has held it too long"), str(path))
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        _log.warning("Nothing can be locked here: %s", error)
    try:
        yield
    finally:
        lock.release(remove=True)
