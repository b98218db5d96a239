"""A model's header, read where the model lies: some megabytes tell what a load of all the others would take."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import aclosing
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.network import HttpClient
from nodetool_xl_desktop.gguf import Header, parse
from nodetool_xl_desktop.hub.errors import Interrupted, Unreachable, require_network
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.hub.transfer import Dropped, Patience, authorization, connected, first_byte, opened

#: A header is short, and somebody waits for it: it is tried again, but not for long.
_PATIENCE = Patience(pauses_s=(0.5, 2.0))


async def read_remote_header(
    repository: Repository, file: HubFile, *, token: str | None = None, patience: Patience = _PATIENCE
) -> Header:
    """Read the header of a file on a hub through ranges; the tensors stay there.

    Of a split set the first part has all that an estimate asks for, but for the tensors of the others.

    Raises:
        HubError: the hub does not hand it out, or cannot be reached.
        GgufError: it is no model that this program reads.
    """
    require_network()
    async with connected(repository, patience) as client:
        reader = _RangeReader(client, repository, file, token, patience)
        try:
            return await asyncio.to_thread(parse, reader.read, file.size, Path(file.name))
        finally:
            reader.close()


class _RangeReader:
    """`read(offset, size)` for a parser in a thread; the requests run on the loop that made it."""

    def __init__(
        self, client: HttpClient, repository: Repository, file: HubFile, token: str | None, patience: Patience
    ) -> None:
        self._client = client
        self._repository = repository
        self._file = file
        self._token = token
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._pending: Future[bytes] | None = None
        self._closed = False

    def read(self, offset: int, size: int) -> bytes:
        """Called in the parser's thread."""
        work: Coroutine[Any, Any, bytes] = self._bytes(offset, size)
        self._pending = asyncio.run_coroutine_threadsafe(work, self._loop)
        return self._pending.result()

    def close(self) -> None:
        """Called on the loop: a parser that nobody waits for any longer ends at its next byte."""
        self._closed = True
        if self._pending:
            self._pending.cancel()

    async def _bytes(self, offset: int, size: int) -> bytes:
        for pause_s in (*self._patience.pauses_s, None):
            if self._closed:
                raise asyncio.CancelledError
            try:
                return await self._one_request(offset, size)
            except Dropped as fault:
                if not fault.connected:
                    raise Unreachable.because(self._repository.host, fault.why) from fault
                if pause_s is None:
                    raise Interrupted(
                        f"The header of {self._file.name} could not be read", fault.why, "Try again"
                    ) from fault
                await asyncio.sleep(max(pause_s, fault.pause_s))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _one_request(self, offset: int, size: int) -> bytes:
        headers = {**authorization(self._token), "Range": f"bytes={offset}-{offset + size - 1}"}
        content = bytearray()
        async with opened(self._client, self._repository, self._file, headers) as response:
            skip = offset - first_byte(response)  # a server without ranges begins at the beginning
            if skip < 0:
                raise Dropped("the server sent another part of the file than was asked for")
            async with aclosing(response.aiter_raw()) as blocks:
                async for block in blocks:
                    content += block[skip:]
                    skip -= min(skip, len(block))
                    if len(content) >= size:
                        return bytes(content[:size])
        raise Dropped("the connection ended too early")
