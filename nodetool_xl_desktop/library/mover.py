"""The moving itself, file by file, of `moving`: renamed on one disk, copied and read back to another."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.renaming import rename_new
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library.pace import Paced
from nodetool_xl_desktop.library.verify import Stopped

#: What is added to a file's name while it is copied.
ENDING = ".moving"
#: What ends the name of one that lies in the new folder too, for the moment before it is removed.
LEAVING = ".leaving"
_STEP = 8 * units.MIB

#: Bytes that have arrived, all bytes, and the file that is on its way.
Progress = Callable[[int, int, Path], None]


@dataclass(slots=True)
class Moved:
    """What became of a move.

    Attributes:
        pairs: for each file that has arrived, the old path and the new one: what was kept of the old one follows it.
        stayed: files that lie where they were, each with the reason; they are in the list as before.
    """

    pairs: dict[Path, Path] = field(default_factory=dict)
    stayed: dict[Path, str] = field(default_factory=dict)


class Mover:
    """One move.

    Args:
        source: the old folder.
        target: the new one.
        on_progress: as of `move_models`.
        stop: the same.
    """

    def __init__(self, source: Path, target: Path, on_progress: Progress | None, stop: Callable[[], bool]) -> None:
        self._source = source
        self._target = target
        self._paced = Paced(self._pass_on if on_progress else None)
        self._on_progress = on_progress
        self._current = source
        self._stop = stop
        self._arrived = 0
        self._total = 0

    def move(self, files: list[tuple[Path, int]]) -> Moved:
        """Move these, each with its size in bytes; what cannot be moved stays.

        Raises:
            Stopped: `stop` said so.
        """
        self._total = sum(size for _, size in files)
        moved = Moved()
        for old, size in files:
            if self._stop():
                raise Stopped
            new = self._target / old.relative_to(self._source)
            before = self._arrived
            try:
                self._move_one(old, new)
                moved.pairs[old] = new
            except FileNotFoundError as error:
                if os.path.lexists(old):
                    moved.stayed[old] = error.strerror or str(error)
            except UserFacingError as error:
                moved.stayed[old] = error.explanation or error.what
            except OSError as error:
                moved.stayed[old] = error.strerror or str(error)
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    self._no_more(files, moved, error)
                    break
            self._arrived = before + size
            self._tell(old)
        return moved

    def _no_more(self, files: list[tuple[Path, int]], moved: Moved, error: OSError) -> None:
        """Of a full disk the rest is told too: to try each file would only take long."""
        for old, _ in files:
            if old not in moved.pairs:
                moved.stayed.setdefault(old, error.strerror or str(error))

    def _move_one(self, old: Path, new: Path) -> None:
        new.parent.mkdir(parents=True, exist_ok=True)
        if old.is_symlink():
            self._move_link(old, new)
        elif os.path.lexists(new):
            self._drop_if_same(old, new)
        else:
            try:
                rename_new(old, new)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._copy(old, new)
                _remove_old(old, new)

    def _move_link(self, old: Path, new: Path) -> None:
        """A relative link that leads out of the folder would lead elsewhere from the new place."""
        leads_to = Path(os.readlink(old))  # noqa: PTH115 - as it is written
        if not leads_to.is_absolute():
            whole = Path(os.path.normpath(old.parent / leads_to))
            leads_to = leads_to if whole.is_relative_to(self._source) else whole
        elif leads_to.is_relative_to(self._source):
            leads_to = self._target / leads_to.relative_to(self._source)
        if os.path.lexists(new):
            if not new.is_symlink() or Path(os.readlink(new)) != leads_to:  # noqa: PTH115
                raise UserFacingError(tr("It stays"), tr("another file of this name is in the new folder already"))
        else:
            new.symlink_to(leads_to)
        _remove_old(old, new)

    def _drop_if_same(self, old: Path, new: Path) -> None:
        """What a killed move left in both places; or a file that was in both before."""
        if os.path.realpath(old) == os.path.realpath(new):  # a link in the new folder leads back into the old one
            raise UserFacingError(tr("It stays"), tr("the new folder leads here"))
        is_same = not new.is_symlink() and new.stat().st_size == old.stat().st_size
        if not is_same or not (old.samefile(new) or self._hash(old) == self._hash(new)):
            raise UserFacingError(tr("It stays"), tr("another file of this name is in the new folder already"))
        _remove_old(old, new)

    def _copy(self, old: Path, new: Path) -> None:
        fresh = new.with_name(f"{new.name}{ENDING}")
        status = old.stat()
        try:
            digest = hashlib.sha256()
            with old.open("rb", buffering=0) as source, fresh.open("wb", buffering=0) as sink:
                for block in self._blocks(source.readinto, old):
                    digest.update(block)
                    _write_all(sink.write, block)
                os.fsync(sink.fileno())
            os.utime(fresh, ns=(status.st_atime_ns, status.st_mtime_ns))
            if fresh.stat().st_size != status.st_size or self._hash(fresh) != digest.hexdigest():
                raise UserFacingError(
                    tr("It stays"), tr("what arrived is not what was sent; the disk or its cable may be bad")
                )
            rename_new(fresh, new)
            _sync_folder(new.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise

    def _hash(self, path: Path) -> str:
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as stream:
            for block in self._blocks(stream.readinto, None):
                digest.update(block)
        return digest.hexdigest()

    def _blocks(self, read: Callable[[memoryview], int | None], counted: Path | None) -> Iterator[memoryview]:
        buffer = memoryview(bytearray(_STEP))
        while count := read(buffer):
            if self._stop():
                raise Stopped
            yield buffer[:count]
            if counted is not None:
                self._arrived += count
                self._tell(counted)

    def _tell(self, path: Path) -> None:
        self._current = path
        self._paced(min(self._arrived, self._total), self._total)

    def _pass_on(self, done: int, total: int) -> None:
        if self._on_progress:
            self._on_progress(done, total, self._current)


def _remove_old(old: Path, new: Path) -> None:
    """Remove what lies in the new folder too, unless both paths lead to one and the same: a share that is mounted twice
    looks like two disks. So it is renamed first, and the other one looked at.

    Raises:
        UserFacingError: it was one file, which has its old name again.
    """
    aside = old.with_name(f"{old.name}{LEAVING}")
    rename_new(old, aside)
    if not os.path.lexists(new):
        rename_new(aside, old)
        raise UserFacingError(tr("It stays"), tr("the new folder leads here"))
    aside.unlink()


def _write_all(write: Callable[[memoryview], int | None], block: memoryview) -> None:
    """A raw file may take less than it was given."""
    while block:
        block = block[write(block) or 0 :]


def _sync_folder(folder: Path) -> None:
    """So that a power cut does not lose the new name after the old file is gone."""
    with contextlib.suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
