"""A page of a package index, or any page that lists files, as a server sends it; `simple_index` says what is on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import HttpClient
from nodetool_xl_desktop.core.simple_index import ACCEPT, Link, links
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import MIB, file_size

#: A page that lists every file of one project takes some hundred kilobytes.
MOST_PAGE = 16 * MIB
#: Seconds for a page as a whole: somebody waits for it.
PAGE_WITHIN_S = 60.0
_NOT_THERE = (403, 404, 410)


@dataclass(frozen=True, slots=True)
class Page:
    """What came.

    Attributes:
        url: where it really came from.
        kind: its Content-Type.
        body: all of it.
    """

    url: httpx2.URL
    kind: str
    body: bytes

    def links(self) -> Iterator[tuple[httpx2.URL, Link]]:
        """The files that it lists, each with where it lies; what leads nowhere is left out."""
        for link in links(self.kind, self.body):
            try:
                url = self.url.join(link.address)
            except (httpx2.InvalidURL, ValueError):
                continue
            if url.scheme in ("http", "https"):
                yield url, link


async def fetch_page(
    client: HttpClient,
    address: httpx2.URL | str,
    what: str,
    hint: str,
) -> Page | None:
    """Fetch a page; None where there is none.

    Args:
        client: asks.
        address: where it is.
        what: cannot be done without it.
        hint: what to do where the server is not reached.

    Raises:
        UserFacingError: it cannot be had; `NotAllowed` where the person does not allow it.
    """
    host = "?"
    try:
        host = httpx2.URL(address).host
        request = client.stream("GET", address, headers={"Accept": ACCEPT})
        async with asyncio.timeout(PAGE_WITHIN_S), request as response:
            if response.status_code in _NOT_THERE:
                return None
            require_plain(response, what)
            if response.status_code != 200:
                why = tr("{host} answers with status {status}", host=host, status=response.status_code)
                raise UserFacingError(what, why, tr("Try again later."))
            return Page(response.url, response.headers.get("content-type", ""), await _body(response, what))
    except (TimeoutError, httpx2.TimeoutException) as error:
        raise UserFacingError(what, tr("{host} does not answer", host=host), hint) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise UserFacingError(what, unreachable(host, error), hint) from error


async def _body(response: httpx2.Response, what: str) -> bytes:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MOST_PAGE:
            why = tr("its page is longer than {size}", size=file_size(MOST_PAGE))
            raise UserFacingError(what, why, tr("Use another address."))
    return bytes(body)


def require_plain(response: httpx2.Response, what: str) -> None:
    """See to it that what comes is not packed: nobody asked for it, and its length would say nothing."""
    if response.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        why = tr("the server packs what was not asked for so")
        raise UserFacingError(what, why, tr("Use another address."))


def unreachable(host: str, error: Exception) -> str:
    """Why a server cannot be reached, for people."""
    reason = one_line(str(error), 160) or type(error).__name__
    return tr("{host} cannot be reached ({reason})", host=host, reason=reason)
