"""A file that a package index lists, fetched whole over as many connections as it takes: an engine, the starter model.

What has come lies in a `Part` when the connection breaks, somebody cancels, or the program ends, and the next attempt
goes on there: two different files are never knowingly glued together, and the SHA-256 of the whole tells at the end.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import httpx2

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.index_page import require_plain, unreachable
from nodetool_xl_desktop.core.index_part import Part
from nodetool_xl_desktop.core.network import HttpClient
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import MIB, file_size

#: Seconds before each further attempt; one that brought a good piece makes the count start anew.
PAUSES_S = (0.5, 2.0, 5.0)
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")
_LONGEST_ETAG = 200
#: Who could not be connected to at all is not asked again and again, where nothing has come from them yet.
_UNCONNECTED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError, httpx2.UnsupportedProtocol)
#: Hears how many bytes are here, and of how many where that is known. What it raises ends the work.
Tell = Callable[[int, int | None], None]


class _Passing(Exception):
    """A fault that may pass: it is worth another attempt. It says why, for people."""


class IndexFetch:
    """Fetches one file.

    Args:
        client: asks.
        part: which one, and where what comes is kept.
        what: could not be done where it is not to be had.
        most: bytes; what is larger is something else.
        tell: hears how far it is, for each piece that comes.
        pauses_s: as `PAUSES_S`.
    """

    def __init__(
        self,
        client: HttpClient,
        part: Part,
        what: str,
        *,
        most: int,
        tell: Tell,
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        self._client, self._file, self._part, self._what = client, part.file, part, what
        self._most, self._tell, self._pauses_s = most, tell, pauses_s
        self._is_pieced = False

    async def run(self) -> str:
        """Fetch all of it into the part; returns its SHA-256.

        Where the index says another one the part is gone, and who asked says so. Cancelled, or given up, it leaves
        what has come for the next time.

        Raises:
            UserFacingError: it cannot be had; `NotAllowed` where the person does not allow it.
            OSError: the disk refused.
        """
        sha256 = await self._fetched()
        if not self._is_right(sha256) and self._is_pieced:
            # Its pieces may have been of two files, or not have reached the disk before a power cut: once more anew.
            self._part.forget()
            sha256 = await self._fetched()
        if not self._is_right(sha256):
            self._part.forget()
        return sha256

    def _is_right(self, sha256: str) -> bool:
        return self._file.sha256 in ("", sha256)

    async def _fetched(self) -> str:
        await self._fetch()
        return await sha256_of(self._part.path)

    async def _fetch(self) -> None:
        """In as many attempts as bring something."""
        failures = 0
        begin = furthest = self._part.there()[0]
        while True:
            try:
                await self._fetch_rest()
            except (httpx2.TransportError, TimeoutError, _Passing) as error:
                came = self._part.size
                if isinstance(error, _UNCONNECTED) and came <= begin:
                    raise self._given_up(error) from error
                failures = 0 if came - furthest > MIB else failures + 1
                furthest = max(furthest, came)
                if failures > len(self._pauses_s):
                    raise self._given_up(error) from error
                await asyncio.sleep(self._pauses_s[max(0, failures - 1)])
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise self._given_up(error) from error
            else:
                return

    async def _fetch_rest(self) -> None:
        done, etag = self._part.there()
        self._is_pieced = self._is_pieced or done > 0
        headers = {"Range": f"bytes={done}-"} if done else {}
        if done and etag and not self._file.sha256:  # else the hash tells, where each server of a mirror has its own
            headers["If-Range"] = etag
        async with self._client.stream("GET", self._file.url, headers=headers) as response:
            if done and response.status_code == 416:
                await self._require_whole()
                return
            self._require_found(response)
            done, whole = self._begins_at(response, done, etag)
            await self._take(response, done, whole)

    async def _require_whole(self) -> None:
        """Nothing is left to come: all of it is here, or the file is another one, and what is here is forgotten."""
        if not self._file.sha256 or await sha256_of(self._part.path) != self._file.sha256:
            self._part.forget()
            raise _Passing(tr("the file on the server has changed"))

    def _require_found(self, response: httpx2.Response) -> None:
        require_plain(response, self._what)
        if response.status_code not in (200, 206):
            why = tr("{host} answers with status {status}", host=self._file.host, status=response.status_code)
            if response.status_code in (408, 429) or response.status_code >= 500:
                raise _Passing(why)
            raise UserFacingError(self._what, why, tr("Try again later."))

    def _begins_at(self, response: httpx2.Response, done: int, noted: str) -> tuple[int, int | None]:
        """Where in the file the answer begins, and how large that is, where the answer says it: behind what is here, or
        at its start, and then nothing is here."""
        etag = _strong_etag(response)
        if response.status_code == 200:
            self._part.begin(etag)
            return 0, _length(response) or self._file.size
        told = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
        if told is None or int(told[1]) != done:
            self._part.forget()
            raise _Passing(tr("the server sent another part of the file than was asked for"))
        if not done:
            self._part.begin(etag)
        elif not self._file.sha256 and etag != noted:  # it took no notice of If-Range
            self._part.forget()
            raise _Passing(tr("the file on the server has changed"))
        if told[2] != "*":
            return done, int(told[2])
        length = _length(response)
        return done, self._file.size or (done + length if length else None)

    async def _take(self, response: httpx2.Response, done: int, total: int | None) -> None:
        if (total or 0) > self._most:
            raise self._too_large(total or 0)
        with self._part.path.open("ab") as file:
            self._tell(done, total)
            async for piece in response.aiter_raw():
                file.write(piece)
                done += len(piece)
                if done > self._most:
                    raise self._too_large(done)
                self._tell(done, total)
        if total and done < total:
            raise httpx2.ReadError(tr("it ended early"))

    def _too_large(self, size: int) -> UserFacingError:
        self._part.forget()
        why = tr("it is {size} large", size=file_size(size))
        return UserFacingError(self._what, why, tr("Try again; if it stays so, the package index serves another file."))

    def _given_up(self, error: Exception) -> UserFacingError:
        hint = tr("Look at the network and the address.")
        if self._part.there()[0]:
            hint = tr("Look at the connection, then try again: it goes on where it was.")
        why = str(error) if isinstance(error, _Passing) else unreachable(self._file.host, error)
        return UserFacingError(self._what, why, hint)


async def sha256_of(file: Path) -> str:
    """The hash of a whole file; in the caller's thread, and yet a cancellation is heard."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(MIB):
            digest.update(block)
            await asyncio.sleep(0)
    return digest.hexdigest()


def _length(response: httpx2.Response) -> int:
    """Bytes that are to come; 0 where it does not say."""
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 19 else 0


def _strong_etag(response: httpx2.Response) -> str:
    """The server's own mark of this content, byte by byte; it is sent back as it came, so a header has to hold it."""
    etag: str = response.headers.get("etag", "")
    is_sound = len(etag) <= _LONGEST_ETAG and etag.isascii() and etag.isprintable()
    return etag if is_sound and etag.startswith('"') else ""
