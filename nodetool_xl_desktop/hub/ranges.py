"""The beginning of a file on a server: fetched in ranges where the server has them, from the start where it has not."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2

from nodetool_xl_desktop.core.network import HUB_STALL_S, HttpClient
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.address import Address
from nodetool_xl_desktop.hub.errors import BadAnswer
from nodetool_xl_desktop.hub.transfer import Dropped, Pulse, answered, authorization, faults_sorted, require_content

#: No file has more digits, and Python refuses to read some thousands.
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_NO_RANGE = re.compile(r"bytes \*/(\d{1,18})")
_REPLACED = tr("Try again; the file may have been replaced meanwhile")


class Source:
    """One file on a server, and what has come of it. Its requests belong to one task.

    Attributes:
        address: where it is.
        content: its first bytes.
        size: of the whole, in bytes; None as long as nobody has told.
        stamp: the server's word for this version of it (its ETag); may be empty.
        requests: how often the server was asked.
    """

    def __init__(self, client: HttpClient, address: Address, token: str | None) -> None:
        self.address = address
        self.content = bytearray()
        self.size = address.size
        self.stamp = ""
        self.requests = 0
        self._client = client
        self._token = token if address.takes_token else None
        self._sent_on_to: str | None = None  # another host, which the next request goes to at once
        self._answer = AsyncExitStack()
        self._blocks: AsyncIterator[bytes] | None = None
        self._pulse = Pulse(HUB_STALL_S)
        self._skip = 0
        self._end: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether there is nothing more to fetch."""
        return self.size is not None and len(self.content) >= self.size

    @property
    def is_open(self) -> bool:
        """Whether an answer is still to be read."""
        return self._blocks is not None

    async def open(self, length: int) -> None:
        """Ask for the next `length` bytes.

        Raises:
            Dropped: it is worth another attempt.
            HubError: the server refuses, or answers nonsense.
        """
        await self.close()
        self.requests += 1
        start = len(self.content)
        headers = {"Range": f"bytes={start}-{start + length - 1}"}
        if self._sent_on_to is None:
            headers |= authorization(self._token)
        url = self._sent_on_to or self.address.url
        with faults_sorted(self.address.host):
            response = await self._answer.enter_async_context(answered(self._client, url, headers))
        self._check(response, start)
        if _origin(response.url) != _origin(httpx2.URL(self.address.url)):
            self._sent_on_to = str(response.url)
        self._blocks = None if response.status_code == 416 else response.aiter_raw()
        self._pulse = Pulse(self._client.timeout.read or HUB_STALL_S)

    async def next_block(self) -> int | None:
        """Take what has come next; its length in bytes, or None at the end of the answer.

        Raises:
            Dropped: the connection broke.
        """
        assert self._blocks is not None
        with faults_sorted(self.address.host):
            block = await self._pulse.next(self._blocks)
        if block is None:
            await self.close()
            if self._end is None:  # the end of the connection is the only word about the file's end
                self.size = len(self.content)
            elif len(self.content) < self._end:
                raise Dropped(tr("the connection ended too early"))
            return None
        fresh = block[self._skip :]
        self._skip -= min(self._skip, len(block))
        room = len(fresh) if self._end is None else self._end - len(self.content)
        self.content += fresh[:room]
        return len(block)

    async def close(self) -> None:
        """Leave the answer that is being read, if there is one."""
        self._blocks = None
        await self._answer.aclose()

    def _check(self, response: httpx2.Response, start: int) -> None:
        """What an answer says of itself: where it begins and ends, and how long the file is."""
        status = response.status_code
        if status == 416 and (none := _NO_RANGE.fullmatch(response.headers.get("content-range", ""))):
            self._settle(int(none[1]), response)
            if self.is_whole:  # an empty file
                return
        if self._sent_on_to is not None and status in (401, 403, 404, 410):
            self._sent_on_to = None
            raise Dropped(tr("the address that the server had sent on to has expired (status {status})", status=status))
        require_content(response, self.address.refused)
        if response.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
            raise BadAnswer.because(self.address.host, tr("it sends the file compressed, which cannot be read in part"))
        if status == 200:
            told = response.headers.get("content-length", "")
            begin, end, total = 0, None, int(told) if told.isdecimal() and len(told) < 19 else None
        else:
            begin, end, total = self._range(response, start)
        self._settle(total, response)
        self._end = end if end is not None else total
        self._skip = start - begin

    def _range(self, response: httpx2.Response, start: int) -> tuple[int, int, int | None]:
        """First byte, last byte but one and the file's size as a partial answer tells them."""
        told = response.headers.get("content-range", "")
        found = _RANGE.fullmatch(told)
        if not found:
            why = tr("it sent a part of the file without saying which ({told})", told=ascii(told[:80]))
            raise BadAnswer.because(self.address.host, why)
        begin, end, total = int(found[1]), int(found[2]) + 1, None if found[3] == "*" else int(found[3])
        if begin > start or end <= start or (total is not None and end > total):
            why = tr(
                "it was asked for the bytes from {start:,} on, and says that it sent {told!a}", start=start, told=told
            )
            raise BadAnswer.because(self.address.host, why)
        return begin, end, total

    def _settle(self, total: int | None, response: httpx2.Response) -> None:
        """The file must be one and the same in all answers."""
        if total is not None and self.size not in (None, total):
            why = tr(
                "{name} should have {size} bytes, and it says {total}",
                name=self.address.name,
                size=self.size,
                total=total,
            )
            raise BadAnswer.because(self.address.host, why, _REPLACED)
        self.size = self.size if total is None else total
        stamp = response.headers.get("etag", "")[:200]
        if self.stamp and stamp and stamp != self.stamp:
            why = tr("{name} is another file than a moment ago", name=self.address.name)
            raise BadAnswer.because(self.address.host, why, _REPLACED)
        self.stamp = stamp or self.stamp


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


class Feed:
    """`read(offset, size)` for a parser in a thread, which waits there for what the loop fetches.

    It is made on that loop.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._asked = asyncio.Event()
        self._changed = threading.Condition()
        self._wanted = 0
        self._ended = False

    def read(self, offset: int, size: int) -> bytes:
        """Called in the parser's thread; fewer bytes only where the file has no more."""
        with self._changed:
            self._wanted = offset + size
            if not self._has_it():
                self._loop.call_soon_threadsafe(self._asked.set)
                self._changed.wait_for(lambda: self._ended or self._has_it())
            if self._ended:
                raise NobodyWaits
        return bytes(self._source.content[offset : offset + size])

    async def asked_for(self) -> int:
        """Wait until the parser wants more than there is, or `stir` was called; up to which byte it wants it."""
        await self._asked.wait()
        self._asked.clear()
        return self._wanted

    def stir(self) -> None:
        """Have `asked_for` return."""
        self._asked.set()

    def arrived(self) -> None:
        """There is more than before."""
        with self._changed:
            self._changed.notify_all()

    def end(self) -> None:
        """A parser that nobody waits for any longer ends at its next byte."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _has_it(self) -> bool:
        return len(self._source.content) >= self._wanted or self._source.is_whole


class NobodyWaits(Exception):
    """Ends a parser whose header is no longer wanted."""
