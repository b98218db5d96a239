"""A model that is not here, as files that say they are: its headers, and a hole in place of its tensors.

Whatever reads headers only, the engine's dry run among them, takes such a file for the model itself; it has the full
size, and takes as much of the disk as the header has.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.errors import NoRoom, NotStored
from nodetool_xl_desktop.hub.header import RemoteFile

#: A hole of this size shows whether the file system has holes, before one of hundreds of gigabytes is asked for: one
#: that has none would write it out in zeros.
_PROBE = 16 * units.MIB
#: Folders are named for the process that made them, so that those of one that was killed are found later.
_PREFIX = "header-"
_OWNER = re.compile(rf"{_PREFIX}(\d+)-")
_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$")


class SparseFiles:
    """The files of a model in a folder of their own. Both methods touch the disk, for milliseconds.

    Args:
        files: the model's, in their order, with their headers.
        folder: of the program, on a file system with holes; it is made where it is missing.
    """

    def __init__(self, files: Sequence[RemoteFile], folder: Path) -> None:
        self._files = files
        self._folder = folder
        self._own: Path | None = None

    def make(self) -> Path:
        """Write them; returns the path of the first.

        Raises:
            NotStored: the file system has no holes, has no files of this size, or does not let them be written.
            NoRoom: there is no room for the headers.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _sweep(self._folder)
            self._own = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=self._folder))
            paths = [_write(self._own, file) for file in self._files]
        except OSError as error:
            raise _not_stored(self._files, self._folder, error) from error
        return paths[0]

    def remove(self) -> None:
        """Remove what `make` wrote, be it all or a part. What cannot be removed is swept the next time."""
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)


def _write(folder: Path, file: RemoteFile) -> Path:
    """Write one sparse file. Of its name, which a server chose, only the number of the part counts."""
    part = _PART.search(file.name)
    path = folder / (f"model{part[0]}" if part else "model.gguf")
    with path.open("xb") as stream:
        if sys.platform == "win32":
            _make_sparse(stream.fileno())
        stream.write(file.content)
        stream.flush()
        length = len(file.content)
        if file.size > length + _PROBE:
            stream.truncate(length + _PROBE)
            _require_holes(stream.fileno(), length)
        stream.truncate(file.size)
    return path


def _require_holes(descriptor: int, length: int) -> None:
    """Raises OSError where the hole behind `length` bytes takes room of its own."""
    if sys.platform != "win32" and os.fstat(descriptor).st_blocks * 512 >= length + _PROBE:
        raise OSError(errno.EOPNOTSUPP, "the file system has no sparse files")


def _sweep(folder: Path) -> None:
    """Remove what processes left that were killed."""
    for left in folder.glob(f"{_PREFIX}*"):
        owner = _OWNER.match(left.name)
        if owner and not psutil.pid_exists(int(owner[1])):
            shutil.rmtree(left, ignore_errors=True)


def _not_stored(files: Sequence[RemoteFile], folder: Path, error: OSError) -> NotStored | NoRoom:
    name, size = files[0].name, max(file.size for file in files)
    what = tr("{name} could not be laid out for the engine", name=name)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoom(
            what, tr("no room is left in {folder}", folder=folder), tr("Make room on that disk, then try again")
        )
    hint = tr("The estimate needs no file; for an exact answer the program's folder has to be on another disk")
    if error.errno in (errno.EFBIG, errno.EINVAL, errno.EOVERFLOW):
        return NotStored(
            what,
            tr("the disk of {folder} cannot hold a file of {size}", folder=folder, size=units.file_size(size)),
            hint,
        )
    if error.errno == errno.EOPNOTSUPP:
        return NotStored(
            what, tr("the disk of {folder} has no sparse files, so it would take the whole size", folder=folder), hint
        )
    return NotStored.because(name, error)


if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _FSCTL_SET_SPARSE = 0x000900C4

    def _make_sparse(descriptor: int) -> None:
        """Windows keeps no holes unless it is told to (Win32: FSCTL_SET_SPARSE).

        Raises:
            OSError: the file system has no sparse files, as FAT.
        """
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(descriptor))
        told = wintypes.DWORD()
        if not kernel.DeviceIoControl(handle, _FSCTL_SET_SPARSE, None, 0, None, 0, ctypes.byref(told), None):
            raise OSError(errno.EOPNOTSUPP, "the file system has no sparse files")
