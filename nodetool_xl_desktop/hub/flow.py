"""How fast bytes may come, and how much room is spoken for: what the transfers of a queue share."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.hub.errors import NoRoom
from nodetool_xl_desktop.hub.part import Part
from nodetool_xl_desktop.hub.repository import HubFile


class Faucet:
    """A limit of bandwidth over all transfers that share it; may be changed while they run.

    A bucket of tokens that may go below zero: who takes more than there is waits until it is full again, so that
    the average holds however large the blocks are. Its methods belong to one loop.
    """

    #: What may come at once after a silence, in seconds of the limit.
    BURST_S = 0.25

    def __init__(self, bytes_per_s: int | None = None) -> None:
        self._bytes_per_s = bytes_per_s
        self._level = 0.0
        self._filled_at = 0.0
        self._changed = asyncio.Event()

    @property
    def bytes_per_s(self) -> int | None:
        """The limit; None for none. Whoever waits for the old one goes by the new one at once."""
        return self._bytes_per_s

    @bytes_per_s.setter
    def bytes_per_s(self, bytes_per_s: int | None) -> None:
        if bytes_per_s != self._bytes_per_s:
            self._fill()
            self._bytes_per_s = bytes_per_s
            # A debt from the old limit would be an age under a lower one.
            self._level = max(0.0, self._level) if bytes_per_s is None else max(self._level, -bytes_per_s)
            self._changed.set()
            self._changed = asyncio.Event()

    async def take(self, size: int) -> None:
        """Wait until so many bytes, which have come, may have come."""
        if self._bytes_per_s is None:
            return
        self._fill()
        self._level -= size
        while self._bytes_per_s is not None and self._level < 0:
            try:
                async with asyncio.timeout(-self._level / self._bytes_per_s):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._fill()

    def _fill(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._bytes_per_s is not None:
            most = self._bytes_per_s * self.BURST_S
            self._level = min(most, self._level + (now - self._filled_at) * self._bytes_per_s)
        self._filled_at = now


class Flow:
    """What one download heeds of the others; this one is alone, and takes what it can get.

    Attributes:
        faucet: the limit of bandwidth.
    """

    def __init__(self, faucet: Faucet | None = None) -> None:
        self.faucet = faucet or Faucet()

    def spoken_for(self, folder: Path) -> int:
        """Bytes that others, who came before, will still need on the disk of `folder`. Called in a thread."""
        return 0

    def checking(self, is_checking: bool) -> None:
        """Whether what has come is being looked through, in place of bytes coming. Called on the loop."""

    async def arrived(self, target: Path, file: HubFile) -> None:
        """A file has got its name, as it was right. Called on the loop."""


def require_room(name: str, part: Part, flow: Flow, *, has_begun: bool = False) -> None:
    """See to it that the rest of one file will fit; what was set aside as damaged goes where its room is needed.

    Raises:
        NoRoom: it will not.
    """
    needed = part.missing() if not has_begun else part.size - part.position
    folder = part.target.parent
    try:
        require_free(name, folder, needed, flow, has_begun=has_begun)
    except NoRoom:
        if not part.make_room():
            raise
        require_free(name, folder, needed, flow, has_begun=has_begun)


def require_free(name: str, folder: Path, needed: int, flow: Flow, *, has_begun: bool = False) -> None:
    """As `require_room`, for so many bytes in a folder, which need not exist yet."""
    while not folder.exists():  # it is made when the first file comes
        folder = folder.parent
    free = shutil.disk_usage(folder).free - flow.spoken_for(folder)
    if free < needed:
        told = (name, units.file_size(needed), units.file_size(max(0, free)), str(folder))
        raise NoRoom.meanwhile(*told) if has_begun else NoRoom.needed(*told)
