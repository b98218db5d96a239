"""What downloads have on the disk between them: which files are known to be right, what to remove, whose room it is."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Set
from pathlib import Path

from nodetool_xl_desktop.core.lock import FileLock
from nodetool_xl_desktop.core.threads import to_its_end
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.hub.entry import Entry
from nodetool_xl_desktop.hub.errors import Damaged, NotStored
from nodetool_xl_desktop.hub.flow import Faucet, Flow
from nodetool_xl_desktop.hub.part import Part
from nodetool_xl_desktop.hub.repository import HubFile
from nodetool_xl_desktop.hub.standing import State

_HASHED_AT_ONCE = 8 * MIB
_MOST_KNOWN = 1000


class Verified:
    """Files whose SHA-256 was looked at, so that a model that is here already is known to be right at once."""

    def __init__(self, known: dict[str, tuple[int, int, str]] | None = None) -> None:
        self.known = dict(known or {})

    async def note(self, path: Path, file: HubFile) -> None:
        """This one has just been found right."""
        if file.sha256 and (stamp := await to_its_end(lambda: _stamp(path))):
            self.known.pop(str(path), None)
            self.known[str(path)] = (*stamp, file.sha256)
        while len(self.known) > _MOST_KNOWN:
            del self.known[next(iter(self.known))]

    async def check(self, part: Part, file: HubFile, flow: Flow) -> None:
        """See to it that a file that lies under that name already, and is as large, is the right one.

        Raises:
            Damaged: it is another one; it is left as it is.
            NotStored: it cannot be read.
        """
        if not file.sha256 or not await to_its_end(part.is_whole):
            return
        stamp = await to_its_end(lambda: _stamp(part.target))
        if stamp and self.known.get(str(part.target)) == (*stamp, file.sha256):
            return
        flow.checking(True)
        try:
            found = await _sha256(part.target)
        except OSError as error:
            raise NotStored.because(file.name, error) from error
        finally:
            flow.checking(False)
        if found != file.sha256:
            raise Damaged.another(file.name, str(part.target.parent))
        await self.note(part.target, file)


async def _sha256(path: Path) -> str:
    """Piece by piece, so that it can be cancelled."""
    digest = hashlib.sha256()
    stream = await to_its_end(lambda: path.open("rb", buffering=0))
    try:

        def count() -> bool:
            piece = stream.read(_HASHED_AT_ONCE)
            digest.update(piece)
            return bool(piece)

        while await to_its_end(count):
            pass
    finally:
        stream.close()
    return digest.hexdigest()


class EntryFlow(Flow):
    """What one download heeds of the others."""

    def __init__(
        self, faucet: Faucet, entry: Entry, entries: list[Entry], comes_first: Callable[[Entry], bool]
    ) -> None:
        super().__init__(faucet)
        self.on_change: Callable[[], None] = lambda: None
        self.verified = Verified()
        self._entry = entry
        self._entries = entries
        self._comes_first = comes_first

    def spoken_for(self, folder: Path) -> int:
        """What others that come first still need on this disk."""
        others = [each for each in tuple(self._entries) if each is not self._entry and not each.is_given_up]
        disk = disk_of(folder)
        return sum(each.size - each.done for each in others if self._comes_first(each) and disk_of(each.folder) == disk)

    def checking(self, is_checking: bool) -> None:
        """Say so in the list."""
        if self._entry.is_active:
            self._entry.state = State.CHECKING if is_checking else State.RUNNING
            self.on_change()

    async def arrived(self, target: Path, file: HubFile) -> None:
        """Remember that it is right."""
        await self.verified.note(target, file)


def remove_all(entry: Entry, others: Set[Path]) -> None:
    """Remove what a download has brought, but for what was there before, and what other downloads are about.

    What another program is just fetching is left to it. It touches the disk.
    """
    there = entry.there or frozenset()
    for part in entry.parts:
        with contextlib.suppress(OSError):  # what cannot be removed is left: nobody can do more about it here
            if part.target in others or not part.target.parent.is_dir():
                continue
            lock = FileLock(part.target.with_name(f"{part.target.name}.lock"))
            if not lock.try_acquire():
                continue
            try:
                part.discard()
                if entry.there is not None and str(part.target) not in there and part.is_whole():
                    part.target.unlink()
            finally:
                lock.release(remove=True)
        _remove_empty(part.target.parent, entry.folder)


def _remove_empty(folder: Path, models: Path) -> None:
    while folder != models and folder.is_relative_to(models):
        try:
            folder.rmdir()
        except OSError:  # not empty
            return
        folder = folder.parent


def disk_of(folder: Path) -> int:
    """Tells the disks of two folders apart; the folder need not be there yet. It touches the disk."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.stat().st_dev


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
