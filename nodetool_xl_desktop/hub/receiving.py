"""One file as it arrives: from what is there of it to the whole, over as many connections as it takes.

The loop does nothing but move bytes between the connection and a buffer; disk and hash work in threads.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import TypeVar

import httpx2

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.network import HttpClient
from nodetool_xl_desktop.core.threads import to_its_end
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.errors import Interrupted, Unreachable
from nodetool_xl_desktop.hub.flow import Flow, require_room
from nodetool_xl_desktop.hub.part import Part
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.hub.transfer import (
    Dropped,
    Patience,
    Pulse,
    authorization,
    connected,
    first_byte,
    keep_window,
    opened,
)

#: What is written in one go. Smaller pieces cost more for the way into a thread than for the work there.
PIECE = units.MIB
#: A slow connection's bytes are written, and told, at least so often.
_FLUSH_S = 0.25
_LONGEST_ETAG = 200
#: How often it is looked whether the rest still fits on the disk.
_LOOK_BYTES = 64 * units.MIB
#: Called on the loop with the bytes that are there and the bytes of the whole, once a piece at most.
OnProgress = Callable[[int, int], None]
Result = TypeVar("Result")


class Receiving:
    """One file, from what is there of it to the whole."""

    def __init__(
        self,
        repository: Repository,
        file: HubFile,
        part: Part,
        on_progress: OnProgress,
        token: str | None,
        patience: Patience,
        flow: Flow,
    ) -> None:
        self._repository = repository
        self._file = file
        self._part = part
        self._on_progress = on_progress
        self._token = token
        self._patience = patience
        self._flow = flow
        self._looked_at = 0  # where it was last looked whether the rest fits

    def begin_anew(self) -> None:
        """Forget what came: it was set aside."""
        self._part = Part(self._part.target, self._repository, self._file)

    async def run(self) -> None:
        part = self._part
        try:
            await to_its_end(part.open)
            await to_its_end(lambda: require_room(self._file.name, part, self._flow))
            await self._count()
            if part.position < self._file.size:
                async with connected(self._repository.host, self._patience, Purpose.DOWNLOADS) as client:
                    await self._receive(client)
            self._flow.checking(True)
            await to_its_end(part.finish)
            await self._flow.arrived(part.target, self._file)
        finally:
            self._flow.checking(False)
            await to_its_end(part.close)

    async def _count(self) -> None:
        """Hash what an earlier attempt left."""
        part = self._part
        self._flow.checking(part.arrived > 0)
        self._report()
        while await to_its_end(part.count_next):
            self._report()
        self._flow.checking(False)
        self._looked_at = part.position

    async def _receive(self, client: HttpClient) -> None:
        """Connect until all has come. Raises `HubError` where that has no end."""
        part = self._part
        begin, failures = part.position, 0
        while part.position < self._file.size:
            before = part.position
            try:
                await self._one_connection(client)
            except Dropped as fault:
                failures = 0 if part.position - before >= PIECE else failures
                if not fault.connected and part.position == begin:  # off line from the start: no use to wait
                    raise Unreachable.because(self._repository.host, fault.why) from fault
                if failures == len(self._patience.pauses_s):
                    arrived = tr(
                        "{arrived} of {size}",
                        arrived=units.file_size(part.position),
                        size=units.file_size(self._file.size),
                    )
                    raise Interrupted.of(self._file.name, fault.why, arrived) from fault
                await asyncio.sleep(max(self._patience.pause_s(failures), fault.pause_s))
                failures += 1

    async def _one_connection(self, client: HttpClient) -> None:
        part = self._part
        headers = authorization(self._token)
        if part.position:
            headers["Range"] = f"bytes={part.position}-"
            # With a hash the end will tell; a mark would only differ between two servers of the same content.
            if part.etag and not self._file.sha256:
                headers["If-Range"] = part.etag
        async with opened(client, self._repository, self._file, headers) as response:
            ahead = part.position - first_byte(response)
            if ahead < 0 or (ahead != part.position and ahead and not self._file.sha256):
                raise Dropped(tr("the server sent another part of the file than was asked for"))
            if ahead and not self._file.sha256:
                await to_its_end(part.start_over)
                ahead = 0
            await self._compare_etag(_strong_etag(response))
            # What has come stays, whatever one answer is: the hash tells at the end.
            await self._pour(response, ahead)
        if part.position < self._file.size:
            raise Dropped(tr("the connection ended too early"))

    async def _compare_etag(self, etag: str) -> None:
        """Never continue with another content than the one that was begun, where no hash would tell it at the end."""
        part = self._part
        changed = part.position and part.etag and etag != part.etag and not self._file.sha256
        if changed:
            await to_its_end(part.start_over)
        await to_its_end(lambda: part.note_etag(etag))
        if changed:
            raise Dropped(tr("the file on the server has changed"))

    async def _pour(self, response: httpx2.Response, skip: int) -> None:
        """Write what comes behind the first `skip` bytes, and nothing behind the end of the file; what came before a
        fault is written too.

        While one piece is written the next one comes, and no more than that.
        """
        room = self._file.size - self._part.position
        pulse, faucet = Pulse(self._patience.stall_s), self._flow.faucet
        limit: int | None = -1
        buffer = bytearray()
        writing: asyncio.Task[None] | None = None
        written_at = time.monotonic()
        try:
            async with aclosing(response.aiter_raw()) as blocks:
                while room and (block := await pulse.next(blocks)) is not None:
                    fresh = block[skip : skip + room]
                    skip -= min(skip, len(block))
                    buffer += fresh
                    room -= len(fresh)
                    if limit != faucet.bytes_per_s:
                        limit = faucet.bytes_per_s
                        keep_window(response, limit)
                    await faucet.take(len(block))
                    if len(buffer) >= PIECE or time.monotonic() - written_at >= _FLUSH_S:
                        if writing:
                            await writing
                        piece, buffer = buffer, bytearray()
                        writing = asyncio.create_task(self._write(piece))
                        written_at = time.monotonic()
        finally:
            if writing:
                await writing
            if buffer:
                await self._write(buffer)

    async def _write(self, piece: bytearray) -> None:
        part = self._part
        await to_its_end(lambda: part.write(piece))
        self._report()
        if part.position - self._looked_at >= _LOOK_BYTES:
            self._looked_at = part.position
            await to_its_end(lambda: require_room(self._file.name, part, self._flow, has_begun=True))

    def _report(self) -> None:
        self._on_progress(self._part.arrived, self._file.size)


def _strong_etag(response: httpx2.Response) -> str:
    """It is sent back as it came, which is only done with what a header can hold."""
    etag: str = response.headers.get("etag", "")
    is_sound = len(etag) <= _LONGEST_ETAG and etag.isascii() and etag.isprintable()
    return etag if is_sound and not etag.startswith("W/") else ""
