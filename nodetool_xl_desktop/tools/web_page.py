"""Fetching a page of the web for a model, which may have been talked into asking for anything.

So: a person is asked for each host; a redirect to another host is told and not followed; only addresses of the open
network are connected to (not this machine, not what is around it), and it is the address that was looked at that is
connected to, whatever the name means a moment later; and all that comes is bounded and turned into text in a child.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import json
import re
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx2

from nodetool_xl_desktop.core import network, units
from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import HttpClient, IPAddress, OffLine, Resolve
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.confined import Limits, confined
from nodetool_xl_desktop.tools.text_files import NotText, encoding_of, shown

#: Bytes of a page, unpacked.
MOST_BYTES = 3 * units.MIB
#: Seconds from the first name that is looked up to the last byte.
WITHIN_S = 18.0
#: Characters of one answer: less than a call may return, so that its last line, which says how to go on, is not cut.
MOST_CHARACTERS = 16_000
MOST_REDIRECTS = 5
_LONGEST_URL = 2_000
#: What turning a page into text may take; 2.9 MB of usual HTML took 1.8 s on two busy cores.
READING = Limits(wall_s=8.0, cpu_s=6, memory=units.GIB, file_size=0)

_HTML = ("text/html", "application/xhtml+xml")
_TEXT = re.compile(r"text/.*|application/(.*\+)?(json|xml|yaml|x-yaml|toml|javascript|x-ndjson)")
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
#: Encodings that pages are in; Python knows others under whose name a page could make it work for long.
_ENCODING = re.compile(
    r"utf-?(8|16|32)|(iso-?8859|windows|cp|koi8|gb|big5|shift|euc|iso-2022|ascii|us-ascii|latin|mac)[\w-]*"
)


class FetchPageTool:
    """Fetches a page and returns its text.

    Args:
        off_line: while it is on, nothing is fetched.
        may_reach: which addresses may be connected to.
        resolve: from a host to its addresses.
        limits: what turning the page into text may take.
    """

    name = "fetch_page"
    description = "Fetches a page of the web (http or https) and returns its text. Long pages come in parts."
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "url": {"type": "string", "description": "The whole address, such as https://example.org/news"},
            "part": {"type": "integer", "minimum": 1, "default": 1, "description": "Which part of a long page"},
        },
        "required": ["url"],
        "additionalProperties": False,
    }
    forced_parameters: ClassVar[Mapping[str, Any]] = {
        **parameters,
        "properties": {
            "url": {
                "type": "string",
                "pattern": "^https?://[a-z0-9-]{1,40}([.][a-z0-9-]{1,40}){1,4}(/[a-zA-Z0-9._~/?=&%+-]{0,120})?$",
            },
            "part": {"type": "integer", "minimum": 1, "maximum": 9},
        },
    }

    def __init__(
        self,
        off_line: OffLine,
        may_reach: Callable[[IPAddress], bool] = network.is_public,
        resolve: Resolve = network.resolve,
        limits: Limits = READING,
    ) -> None:
        self._off_line = off_line
        self._may_reach = may_reach
        self._resolve = resolve
        self._limits = limits

    @property
    def caution(self) -> str:
        """What a person should know before they allow it."""
        return tr(
            "The site learns your internet address, and whatever the model writes into the address of the page. You are"
            " asked for each host; pages of this machine and of your own network are refused."
        )

    def asks_for(self, args: Mapping[str, Any]) -> str:
        """What a person allows with these arguments: the host, with its port where it has one of its own.

        Arguments that name none fail by themselves; who allows that has allowed nothing.
        """
        try:
            return _place(_checked(str(args.get("url", ""))))
        except UserFacingError:
            return "no address"

    async def __call__(self, url: str, part: int = 1) -> str:
        """The title, the text and the links of the page.

        Raises:
            UserFacingError: it could not be fetched or read, or may not be.
        """
        self._off_line.check("The page was not fetched", Purpose.PAGES)
        at = _checked(url)
        try:
            async with asyncio.timeout(WITHIN_S) as limit:
                answer = await self._fetched(at)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise _failed(at, f"it did not come within {WITHIN_S:g} s") from error
        if isinstance(answer, str):
            return answer
        return _part(answer.url, await _readable(answer, self._limits), part)

    async def _fetched(self, start: httpx2.URL) -> _Answer | str:
        """What came; or, where the site sends on to another one, what to tell the model."""
        at = start
        if await asyncio.to_thread(network.has_proxy, at.scheme, at.host):
            why = "this machine reaches the network through a proxy, which would hide where the page comes from"
            raise _failed(at, why)
        async with await asyncio.to_thread(network.web_client) as client:
            for _ in range(MOST_REDIRECTS + 1):
                answer = await self._one(client, at)
                if isinstance(answer, _Answer):
                    return answer
                if not _is_same_place(at, answer):
                    return f"{start} sends on to {answer}, which was not fetched. Fetch it if it is what you need."
                at = answer
        raise _failed(start, f"it sends on more than {MOST_REDIRECTS} times")

    async def _one(self, client: HttpClient, url: httpx2.URL) -> _Answer | httpx2.URL:
        """One request: what came, or where it is to be asked instead. Each address of the host is tried."""
        refused: httpx2.TransportError | None = None
        for address in await self._addresses(url):
            direct = url.copy_with(host=str(address))
            # The name is still what the certificate has to be for, and what the server is asked for.
            request = client.build_request(
                "GET",
                direct,
                headers={"Host": url.netloc.decode("ascii")},
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            )
            try:
                response = await client.send(request, stream=True)
                try:
                    return await _taken(url, response)
                finally:
                    await response.aclose()
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                refused = error
            except (httpx2.HTTPError, httpx2.InvalidURL, zlib.error, ssl.SSLError) as error:
                raise _failed(url, _reason(error)) from error
        raise _failed(url, _reason(refused) if refused else "it has no address") from refused

    async def _addresses(self, url: httpx2.URL) -> Sequence[IPAddress]:
        try:
            # As it is asked for and certified: written in letters, the system may turn it into another host's name (of
            # "faß.de" it makes "fass.de").
            host = url.raw_host.decode("ascii")
            found = await self._resolve(host, url.port or (443 if url.scheme == "https" else 80))
        except (OSError, UnicodeError, ValueError) as error:
            raise _failed(url, "there is no such host, or the network cannot be reached") from error
        # All of them: a name that leads here and elsewhere is made to lead astray.
        if not all(map(self._may_reach, found)):
            why = "it is on this machine or in the network around it, where no page may be fetched from"
            raise _failed(url, why)
        return found[:4]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a server sent: `cut` where there was more."""

    url: httpx2.URL
    kind: str
    charset: str
    body: bytes
    cut: bool


def _checked(url: str) -> httpx2.URL:
    """An address as it may be fetched, without what comes after #."""
    text = url.strip()
    what = f"{shown(text)[:200]!r} is no address of a page"
    if text and "://" not in text.partition("?")[0]:
        text = f"https://{text}"
    if len(text) > _LONGEST_URL:
        raise UserFacingError("The address is too long", f"more than {_LONGEST_URL:,} characters")
    try:
        found = httpx2.URL(text).copy_with(fragment=None)
        host = found.raw_host.decode("ascii")
        if not 0 < (found.port or 80) < 65_536:
            raise ValueError("no such port")
    except (httpx2.InvalidURL, ValueError, TypeError) as error:
        raise UserFacingError(what, hint="Give one such as https://example.org/page") from error
    if found.scheme not in ("http", "https") or not host:
        raise UserFacingError(what, "only http and https can be fetched", "Give one such as https://example.org/page")
    if found.userinfo:
        raise UserFacingError(what, "it holds a name or a password", "Leave it out")
    return found


def _place(url: httpx2.URL) -> str:
    host = url.raw_host.decode("ascii").lower().rstrip(".")
    return host if url.port is None else f"{host}:{url.port}"


def _is_same_place(one: httpx2.URL, other: httpx2.URL) -> bool:
    """Whether who allowed the one has allowed the other: the same host, and not from https back to http."""
    return _place(one) == _place(other) and other.scheme in (one.scheme, "https")


async def _taken(url: httpx2.URL, response: httpx2.Response) -> _Answer | httpx2.URL:
    if response.has_redirect_location:
        try:
            return _checked(str(url.join(response.headers["location"])))
        except (httpx2.InvalidURL, ValueError) as error:
            raise _failed(url, "it sends on to what is no address") from error
    if response.status_code != 200:
        raise _failed(url, f"the server answered with status {response.status_code}")
    kind, _, rest = response.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if kind and kind not in _HTML and not _TEXT.fullmatch(kind):
        raise _failed(url, f"it is {shown(kind)[:60]}, no text")
    charset = re.search(r"""charset\s*=\s*["']?([\w-]+)""", rest, re.IGNORECASE)
    body = bytearray()
    async for piece in _unpacked(response):
        body += piece
        if len(body) > MOST_BYTES:
            break
    return _Answer(url, kind, charset[1] if charset else "", bytes(body[:MOST_BYTES]), len(body) > MOST_BYTES)


async def _unpacked(response: httpx2.Response) -> AsyncIterator[bytes]:
    """The body in pieces of bounded size: a few bytes may unpack to many."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing in ("", "identity"):
        async for piece in response.aiter_raw():
            yield piece
        return
    if packing not in ("gzip", "x-gzip"):
        raise httpx2.DecodingError(f"it is packed in a way that was not asked for ({packing[:20]!r})")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    async for piece in response.aiter_raw():
        rest = piece
        while rest and not unpacker.eof:
            yield unpacker.decompress(rest, 65_536)
            rest = unpacker.unconsumed_tail
        if unpacker.eof:
            return
    yield unpacker.flush()


async def _readable(answer: _Answer, limits: Limits) -> str:
    text = await asyncio.to_thread(_decoded, answer)
    end = (
        f"\n\n(The page is longer than {units.file_size(MOST_BYTES)}; the rest was not fetched.)" if answer.cut else ""
    )
    if answer.kind not in _HTML and not (not answer.kind and "<html" in text[:2000].lower()):
        return text + end
    request = {"do": "page", "html": text, "address": str(answer.url)}
    try:
        outcome = await confined(request, limits, with_folder=False)
        fine = not outcome.ended_by and not outcome.status
        told = await asyncio.to_thread(json.loads, outcome.output) if fine else None
    except (OSError, ValueError) as error:
        raise _failed(answer.url, "it could not be turned into text", "could not be read") from error
    if told is None:
        raise _failed(answer.url, "to turn it into text takes too much time or memory", "could not be read")
    links = ["", "Links:", *told["links"]] if told["links"] else []
    parts = [*([f"Title: {told['title']}", ""] if told["title"] else []), told["text"] or "(no text)", *links]
    return "\n".join(parts) + end


def _decoded(answer: _Answer) -> str:
    try:
        found = encoding_of(answer.body)
    except NotText as kind:
        raise _failed(answer.url, f"it is {kind}, no text") from kind
    if found in ("utf-8", "cp1252"):  # no mark at its start: what the server says, or the page
        said = answer.charset.encode() or (match[1] if (match := _META.search(answer.body[:2048])) else b"")
        name = said.decode("ascii", errors="replace").lower()
        if _ENCODING.fullmatch(name):
            with contextlib.suppress(LookupError):  # as Python knows no such encoding
                found = codecs.lookup("cp1252" if name in ("iso-8859-1", "latin1", "ascii", "us-ascii") else name).name
    return answer.body.decode(found, errors="replace")


def _part(url: httpx2.URL, text: str, part: int) -> str:
    count = max(1, -(-len(text) // MOST_CHARACTERS))
    if part > count:
        raise UserFacingError(f"The page has {count} parts", hint=f"Take a part up to {count}")
    if count == 1:
        return text
    piece = text[(part - 1) * MOST_CHARACTERS : part * MOST_CHARACTERS]
    more = f"; for more: part={part + 1}" if part < count else ""
    return f"{piece}\n({url}, part {part} of {count}{more})"


def _failed(url: httpx2.URL, why: str, what: str = "could not be fetched") -> UserFacingError:
    return UserFacingError(f"{shown(str(url))[:200]} {what}", why)


def _reason(error: Exception) -> str:
    if isinstance(error, httpx2.ConnectTimeout):
        return "the server did not answer in time"
    if isinstance(error, httpx2.TimeoutException):
        return "nothing came for a while"
    return shown(str(error))[:300] or "the connection broke"
