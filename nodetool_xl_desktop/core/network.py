"""The one factory of HTTP clients.

Nothing else in the program opens a connection (ruff's banned-api list in pyproject.toml holds that), so that time-outs,
the proxy and the person's switches have one place. Each client is made for a purpose (`core.connections`), is refused
where the person does not allow that, also in the middle of an answer, and notes whom it asks.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
import urllib.request
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, ClassVar, cast

import httpx2

from nodetool_xl_desktop import __version__
from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.connections import Purpose, contacts
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr

if TYPE_CHECKING:
    from nodetool_xl_desktop.core.settings_file import Values

#: The type of every client, for those who are handed one.
HttpClient = httpx2.AsyncClient
#: That of the one which huggingface_hub works with.
MetadataClient = httpx2.Client

#: Seconds to reach a server. Loopback answers at once or not at all.
CONNECT_TIMEOUT_S = 10.0

#: Seconds without a single byte after which a connection to a model hub counts as dropped.
HUB_STALL_S = 30.0

#: The same where it tells of models: somebody waits for it.
METADATA_STALL_S = 15.0
#: Seconds for such an answer as a whole, and its bytes: a repository of some thousand files is told in a few MB.
METADATA_WITHIN_S = 60.0
MOST_METADATA = 32 * 1024 * 1024

#: Seconds without a single byte after which a page of the web counts as not to be had.
WEB_STALL_S = 10.0

#: Seconds for an MCP server, which may think for long, and keeps a stream open in which it says something now and then.
MCP_STALL_S = 300.0
#: Seconds for it to take note that it is not needed any longer.
MCP_GOODBYE_S = 1.0

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
#: From a host and a port to the addresses that it has now.
Resolve = Callable[[str, int], Awaitable[Sequence[IPAddress]]]

#: IPv6 addresses that only stand for an IPv4 address, which a router or this machine then connects to.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


class NotAllowed(UserFacingError):
    """Something needs the network, and the person has switched that off."""


class WorksOffLine(NotAllowed):
    """The person has switched the whole program off line."""


class SwitchedOff(NotAllowed):
    """The person does not allow connections for this purpose."""

    @classmethod
    def of(cls, purpose: Purpose, what: str) -> SwitchedOff:
        """Word it; `what` is what cannot be done."""
        title = purpose.title
        return cls(
            what,
            tr('"{title}" is switched off', title=title),
            tr('Switch on "{title}" in the settings, under Privacy', title=title),
        )


class OffLine:
    """The person's switches: while it is on, the program connects to nothing but its own engine; else for each purpose
    that was not switched off.

    It is the process that they hold for, as with HF_HUB_OFFLINE: the factories below refuse while any switch that
    lives says so, as a factory that has to be handed the switch could also be called without it.

    Args:
        is_on: what it begins with.
    """

    _on: ClassVar[weakref.WeakSet[OffLine]] = weakref.WeakSet()
    _without: ClassVar[dict[Purpose, weakref.WeakSet[OffLine]]] = {purpose: weakref.WeakSet() for purpose in Purpose}

    def __init__(self, is_on: bool = False) -> None:
        self.is_on = is_on

    @property
    def is_on(self) -> bool:
        """Whether the program works off line; may be set at any time. What is being fetched then ends with the next
        piece of it."""
        return self in self._on

    @is_on.setter
    def is_on(self, is_on: bool) -> None:
        (self._on.add if is_on else self._on.discard)(self)

    def allow(self, purpose: Purpose, is_allowed: bool) -> None:
        """Allow connections for this purpose from now on, or none; as `is_on` for what is being fetched."""
        (self._without[purpose].discard if is_allowed else self._without[purpose].add)(self)

    def refuses(self, purpose: Purpose) -> bool:
        """Whether nothing is connected for this purpose now."""
        return self.is_on or self in self._without[purpose]

    def let_go(self) -> None:
        """Hold nobody up any more: the program that it belonged to has ended."""
        self.is_on = False
        for purpose in Purpose:
            self.allow(purpose, True)

    def hold_to(self, values: Values) -> None:
        """Have all of it as it was chosen."""
        self.is_on = values[settings.OFF_LINE]
        for purpose in Purpose:
            self.allow(purpose, values[purpose.switch])

    def check(self, what: str, purpose: Purpose | None = None) -> None:
        """Raises `NotAllowed` while it is on, or the purpose is switched off; `what` is what cannot be done, as "The
        page cannot be fetched"."""
        if self.is_on:
            raise _works_off_line(what)
        if purpose is not None and self in self._without[purpose]:
            raise SwitchedOff.of(purpose, what)

    @classmethod
    def check_all(cls, what: str, purpose: Purpose | None = None) -> None:
        """As `check`, for whoever was handed no switch: raises while any says so."""
        if len(cls._on):
            raise _works_off_line(what)
        if purpose is not None and len(cls._without[purpose]):
            raise SwitchedOff.of(purpose, what)


def _works_off_line(what: str) -> WorksOffLine:
    return WorksOffLine(what, tr("the program works off line"), tr('Switch off "Work Off Line" in the File menu'))


def engine_client(base_url: str, api_key: str) -> HttpClient:
    """A client for an engine child on this machine's loopback.

    No proxy (a proxy in the environment must never see a chat), no read time-out (a slow model is healthy, silence
    alone is no fault), and no idle connections kept: the engine closes them, and reusing one fails.

    Args:
        base_url: `http://127.0.0.1:PORT`.
        api_key: the child's secret, sent as a bearer token.
    """
    return HttpClient(
        base_url=base_url,
        headers={"Authorization": f"Bearer {api_key}"},
        timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S),
        limits=httpx2.Limits(max_keepalive_connections=0),
        trust_env=False,
        # Loopback speaks no TLS. A context without authorities trusts nobody, and costs nothing; reading the
        # authorities would hold up the window for 23 ms.
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )


def hub_client(purpose: Purpose, stall_s: float = HUB_STALL_S, *, what: str = "") -> HttpClient:
    """A client for files on servers: of a model hub and those that it sends on to, of an index, or at an address.

    The proxy and the authorities of the environment are used. An `Authorization` header of a request is not sent on
    to another host (tests/hub holds that). Making it reads the authorities, which takes 23 ms: make it in a thread.

    Args:
        purpose: what for.
        stall_s: seconds to wait for the next byte.
        what: what cannot be done where it is not allowed, for another server than a hub.

    Raises:
        NotAllowed: the program works off line, or the purpose is switched off; so does each request of a client that
            was made before.
    """
    OffLine.check_all(what or _NO_HUB, purpose)
    return HttpClient(
        # Compressed, a range would count other bytes than the file's.
        headers={"Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(stall_s, connect=CONNECT_TIMEOUT_S),
        follow_redirects=True,
        event_hooks={"request": [_asking(purpose)], "response": [_ending(purpose), _look_at_redirect]},
    )


_NO_HUB = tr("No model hub is asked")


class NoAnswer(httpx2.HTTPError):
    """A connection of `metadata_client` broke; the cause is the error that tells how.

    It is none of those for which huggingface_hub waits and asks again, up to five times: somebody waits for the answer.
    """


def metadata_client(
    may_take_token: Callable[[httpx2.URL], bool], *, within_s: float = METADATA_WITHIN_S
) -> httpx2.Client:
    """The client through which huggingface_hub asks a model hub, as its `set_client_factory` wants it.

    It is not asynchronous, as huggingface_hub is not. Whatever that sets, an answer has its time-outs and its bounds,
    and no cookies are kept. Making it reads the authorities, which takes 23 ms: make it in a thread.

    Args:
        may_take_token: whether a request to this address may carry an access token. huggingface_hub sends one along
            wherever the `Link` to the next page of a list leads.
        within_s: seconds for the body of an answer.

    Raises:
        NotAllowed: as `hub_client`, for `Purpose.HUB`.
    """
    OffLine.check_all(_NO_HUB, Purpose.HUB)

    def before(request: httpx2.Request) -> None:
        _ask(Purpose.HUB, request)
        if not may_take_token(request.url):
            request.headers.pop("Authorization", None)
        request.extensions = {**request.extensions, "timeout": _METADATA_TIMEOUT.as_dict()}

    def after(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise httpx2.DecodingError(_COMPRESSED, request=response.request)
        if response.has_redirect_location:
            require_outward(response.request.url, response.request.url.join(response.headers["location"]))
        response.stream = _Bounded(cast("httpx2.SyncByteStream", response.stream), response.request, within_s)

    return _MetadataClient(
        headers={"Accept-Encoding": "identity"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=_METADATA_TIMEOUT,
        follow_redirects=True,
        event_hooks={"request": [before], "response": [after]},
    )


_METADATA_TIMEOUT = httpx2.Timeout(METADATA_STALL_S, connect=CONNECT_TIMEOUT_S)
_COMPRESSED = tr("it sends in compressed form, which it was asked not to")


class _MetadataClient(httpx2.Client):
    def send(self, request: httpx2.Request, **how: Any) -> httpx2.Response:
        try:
            try:
                return super().send(request, **how)
            except httpx2.RemoteProtocolError:
                # A connection that was kept, and that the server closed just now: nothing was answered.
                if request.method not in ("GET", "HEAD"):
                    raise
                return super().send(request, **how)
        except httpx2.TransportError as error:
            raise NoAnswer(str(error)) from error


class _Bounded(httpx2.SyncByteStream):
    """A body that ends with an error where it is too long, or takes too long, or the program goes off line."""

    def __init__(self, inner: httpx2.SyncByteStream, request: httpx2.Request, within_s: float) -> None:
        self._inner = inner
        self._request = request
        self._within_s = within_s

    def __iter__(self) -> Iterator[bytes]:
        until = time.monotonic() + self._within_s
        size = 0
        for piece in self._inner:
            OffLine.check_all(tr("Nothing more is taken from {host}", host=self._request.url.host), Purpose.HUB)
            size += len(piece)
            if size > MOST_METADATA:
                raise httpx2.DecodingError(tr("its answer is longer than any that makes sense"), request=self._request)
            if time.monotonic() > until:
                raise httpx2.ReadTimeout(tr("its answer does not end"), request=self._request)
            yield piece

    def close(self) -> None:
        self._inner.close()


def _ask(purpose: Purpose, request: httpx2.Request) -> None:
    """A request is about to be sent: see whether it may be, and note to whom."""
    host = _host(request)
    OffLine.check_all(tr("{host} is not asked", host=host), purpose)
    contacts.note(purpose, host)


def _host(request: httpx2.Request) -> str:
    """Whom a request is for; its address may be one that was looked up before."""
    return request.headers.get("host") or request.url.host


def _asking(purpose: Purpose) -> Callable[[httpx2.Request], Awaitable[None]]:
    async def ask(request: httpx2.Request) -> None:
        _ask(purpose, request)

    return ask


def _ending(purpose: Purpose) -> Callable[[httpx2.Response], Awaitable[None]]:
    """A model takes hours to come, all of them one answer: who switches it off meanwhile has it end."""

    async def end(response: httpx2.Response) -> None:
        host = _host(response.request)

        def check(_piece: bytes) -> None:
            OffLine.check_all(tr("Nothing more is taken from {host}", host=host), purpose)

        response.stream = _Watched(cast("httpx2.AsyncByteStream", response.stream), check)

    return end


async def _look_at_redirect(response: httpx2.Response) -> None:
    """What a hub sends on with is read and inflated by httpx2 as a whole, however long it is: nobody wants it."""
    if response.has_redirect_location:
        url = response.request.url
        await asyncio.to_thread(require_outward, url, url.join(response.headers["location"]))
        response.stream = _Unread(cast("httpx2.AsyncByteStream", response.stream))


def require_outward(source: httpx2.URL, target: httpx2.URL) -> None:
    """See to it that no server of the open network sends on into the networks around this machine. It may block.

    Raises:
        httpx2.RequestError: it does.
    """
    if source.host != target.host and _is_inside(target) and not _is_inside(source):
        raise httpx2.RequestError(
            tr("it sends on to {host}, which belongs to this machine or its own network", host=target.host)
        )


def _is_inside(url: httpx2.URL) -> bool:
    try:
        return not is_public(ipaddress.ip_address(url.host))
    except ValueError:  # a name
        pass
    if has_proxy(url.scheme, url.host):  # which alone knows the address
        return False
    try:
        found = socket.getaddrinfo(url.host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the connection will tell
        return False
    return any(not is_public(ipaddress.ip_address(address[4][0])) for address in found)


def web_client(stall_s: float = WEB_STALL_S) -> HttpClient:
    """A client for pages of the web, which a model asked for and a person allowed.

    It keeps no cookies, knows no passwords, follows no redirects (the one who asks looks at each) and uses no proxy
    (see `has_proxy`). Making it reads the authorities, which takes 23 ms: make it in a thread.

    Args:
        stall_s: seconds to wait for the next byte.

    Raises:
        NotAllowed: as `hub_client`, for `Purpose.PAGES`.
    """
    OffLine.check_all(tr("No page is fetched"), Purpose.PAGES)
    return HttpClient(
        # gzip only: of it a reader can bound what it becomes.
        headers={"User-Agent": f"NodeTool-XL-Desktop/{__version__}", "Accept-Encoding": "gzip"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx2.Timeout(stall_s, connect=CONNECT_TIMEOUT_S),
        limits=httpx2.Limits(max_keepalive_connections=0),
        trust_env=False,
        event_hooks={"request": [_asking(Purpose.PAGES)], "response": [_ending(Purpose.PAGES)]},
    )


def has_proxy(scheme: str, host: str) -> bool:
    """Whether this machine is set to reach `host` through a proxy. It may read the system's settings: in a thread.

    What goes through a proxy goes to an address that only the proxy knows, so nobody here can check it.
    """
    proxies = urllib.request.getproxies()
    return bool((proxies.get(scheme) or proxies.get("all")) and not urllib.request.proxy_bypass(host))


async def resolve(host: str, port: int) -> Sequence[IPAddress]:
    """The addresses of a host, as the system knows them now, the best one first.

    Raises:
        OSError: it has none, or nobody could be asked.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # A scope ("%eth0") belongs to addresses that lead no farther than the next router.
    return [ipaddress.ip_address(address[4][0]) for address in found]


def is_public(address: IPAddress) -> bool:
    """Whether an address is one of the open network, and none of this machine or of a network around it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo or address in _COMPATIBLE or address.is_site_local or address.scope_id:
            return False
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def mcp_client(
    headers: Mapping[str, str],
    *,
    on_this_machine: bool,
    on_request: Callable[[], None],
    on_answer: Callable[[int, str], Callable[[bytes], None]],
) -> HttpClient:
    """A client for one MCP server, which a person has named.

    A server on this machine is not spoken to through a proxy. Nothing is asked for in compressed form, and refused
    where it comes so, as its length would say nothing then. Making it reads the authorities, which takes 23 ms: make
    it in a thread.

    Args:
        headers: sent with each request, to this server only (the `mcp` package follows no redirect to another).
        on_this_machine: whether its address is loopback.
        on_request: is called before each request, and may raise.
        on_answer: is told each answer's status and type of content; what it returns takes each piece of the body,
            and b"" at its end, and may raise.

    Raises:
        NotAllowed: as `hub_client`, for `Purpose.SERVERS`.
    """
    OffLine.check_all(tr("MCP servers cannot be used"), Purpose.SERVERS)

    async def before(request: httpx2.Request) -> None:
        on_request()
        _ask(Purpose.SERVERS, request)
        if request.method == "DELETE":  # it says goodbye, and who closes the program waits for that
            request.extensions = {**request.extensions, "timeout": httpx2.Timeout(MCP_GOODBYE_S).as_dict()}

    end = _ending(Purpose.SERVERS)

    async def after(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise httpx2.DecodingError(_COMPRESSED, request=response.request)
        take = on_answer(response.status_code, response.headers.get("content-type", "").lower())
        await end(response)
        response.stream = _Watched(cast("httpx2.AsyncByteStream", response.stream), take)

    return HttpClient(
        headers={**headers, "Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(MCP_STALL_S, connect=CONNECT_TIMEOUT_S),
        trust_env=not on_this_machine,
        event_hooks={"request": [before], "response": [after]},
    )


class _Unread(httpx2.AsyncByteStream):
    """A body that is left where it is."""

    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        return
        yield b""

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Watched(httpx2.AsyncByteStream):
    """A body whose pieces somebody sees before they are read."""

    def __init__(self, inner: httpx2.AsyncByteStream, take: Callable[[bytes], None]) -> None:
        self._inner = inner
        self._take = take

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            self._take(piece)
            yield piece
        self._take(b"")

    async def aclose(self) -> None:
        await self._inner.aclose()
