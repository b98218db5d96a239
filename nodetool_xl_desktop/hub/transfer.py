"""One request for bytes of a file on a hub: its answer checked, its faults sorted into passing and final ones."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx2

from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.network import HUB_STALL_S, HttpClient, hub_client
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.hub.errors import BadAnswer, HubError, Unreachable, off_line_sorted, refusal
from nodetool_xl_desktop.hub.repository import UNUSABLE_ENVIRONMENT, HubFile, Repository, reason
from nodetool_xl_desktop.hub.session import told_headers

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")
#: A server that asks for a longer pause than this gets the request all the same, and may refuse it again.
_LONGEST_PAUSE_S = 60
#: A connection that brings less than this in a second is given up for a new one, which may get a better route.
_TRICKLE = 1000
#: A pause is up to so much shorter or longer, so that all who lost one server do not come back in one moment.
_JITTER = 0.25
#: What the system may hold of a connection that nobody has read yet: it is lost, and fetched again, where the program
#: is killed. 4 MiB still let 40 MB/s through where an answer takes 100 ms.
_WINDOW = 4 * MIB
_MOST_LOST_S = 2.0
#: Linux's names of it, as `socket` has none on other systems.
_IPPROTO_TCP, _TCP_WINDOW_CLAMP = 6, 10


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a broken connection is put up with.

    Attributes:
        stall_s: seconds without a byte, or with next to nothing, that count as a broken connection.
        pauses_s: seconds before each further attempt; as many as there are attempts. An attempt that brought a good
            piece makes the count start anew.
    """

    stall_s: float = HUB_STALL_S
    pauses_s: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0)

    def pause_s(self, failures: int) -> float:
        """Before the attempt after so many failures in a row, with some chance in it."""
        return jittered(self.pauses_s[failures])


def jittered(pause_s: float) -> float:
    """About so long, in seconds."""
    return pause_s * random.uniform(1 - _JITTER, 1 + _JITTER)


PATIENCE = Patience()


class Dropped(Exception):
    """A fault that may pass: it is worth another attempt.

    Attributes:
        why: for a person.
        pause_s: how long the server asks to be left alone.
        connected: False where no server was reached.
    """

    def __init__(self, why: str, pause_s: float = 0.0, *, connected: bool = True) -> None:
        super().__init__(why)
        self.why = why
        self.pause_s = pause_s
        self.connected = connected


class Pulse:
    """Notices a connection that has died down: none, or next to nothing, came in the last `stall_s` seconds.

    Only the time counts in which somebody waits for the connection, so that a slow disk and a limit of bandwidth are
    no fault of it.
    """

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._least = _TRICKLE * stall_s
        self._waited_s = 0.0
        self._came: deque[tuple[float, int]] = deque()  # when, counted in time waited, and how many bytes
        self._in_window = 0
        self._alive_until = stall_s

    async def next(self, blocks: AsyncIterator[bytes]) -> bytes | None:
        """The next block; None at the end. Raises `Dropped` where the connection has died down."""
        begin = time.monotonic()
        try:
            async with asyncio.timeout(self._alive_until - self._waited_s):
                block = await anext(blocks, None)
        except TimeoutError as error:
            why = tr("almost nothing came for a while") if self._in_window else tr("nothing came for a while")
            raise Dropped(why) from error
        self._waited_s += time.monotonic() - begin
        self._note(len(block) if block else 0)
        return block

    def _note(self, size: int) -> None:
        """It is alive until the newest blocks that make up enough are too old."""
        if size >= self._least:
            self._came.clear()
            self._in_window = 0
        self._came.append((self._waited_s, size))
        self._in_window += size
        while self._in_window - self._came[0][1] >= self._least:
            self._in_window -= self._came.popleft()[1]
        if self._in_window >= self._least:
            self._alive_until = self._came[0][0] + self._stall_s


def authorization(token: str | None) -> dict[str, str]:
    """The header that carries a token; none for None."""
    return {"Authorization": f"Bearer {token}"} if token else {}


@asynccontextmanager
async def connected(host: str, patience: Patience, purpose: Purpose) -> AsyncIterator[HttpClient]:
    """A client for requests that begin at `host`.

    Raises:
        Unreachable: the proxy or the authorities that the environment names cannot be used, or the person does not
            allow connections for this purpose.
    """
    try:
        with off_line_sorted():
            client = await asyncio.to_thread(hub_client, purpose, patience.stall_s)
    except UNUSABLE_ENVIRONMENT as error:
        raise Unreachable.because(host, tr("no connection can be made, {error}", error=reason(error))) from error
    async with client:
        yield client


@asynccontextmanager
async def answered(client: HttpClient, url: str, headers: dict[str, str]) -> AsyncIterator[httpx2.Response]:
    """Ask for something; the body is read inside.

    Raises:
        Dropped: the answer does not begin: its head comes letter by letter, or it is sent on again and again.
    """
    async with AsyncExitStack() as answer:
        try:
            # The client's own bound is that for a single byte.
            async with asyncio.timeout(2 * (client.timeout.read or HUB_STALL_S)):
                response = await answer.enter_async_context(client.stream("GET", url, headers=headers))
        except TimeoutError as error:
            raise Dropped(tr("no answer came for a while")) from error
        yield response


@asynccontextmanager
async def opened(
    client: HttpClient, repository: Repository, file: HubFile, headers: dict[str, str]
) -> AsyncIterator[httpx2.Response]:
    """Ask for a file; the body of the answer (status 200 or 206) is read inside.

    Raises:
        Dropped: also for what breaks while the body is read.
        HubError: the hub refuses, or answers nonsense.
    """
    with faults_sorted(repository.host):
        async with answered(client, repository.url(file), headers) as response:
            require_content(response, lambda status, told: refusal(status, told, repository.repo_id, repository.host))
            if response.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
                raise BadAnswer.because(repository.host, tr("it sends the file compressed, which cannot be continued"))
            _check_size(response, repository, file)
            yield response


def keep_window(response: httpx2.Response, bytes_per_s: int | None) -> None:
    """Bound what the system takes in ahead of us; where it knows no such bound, its own holds.

    Args:
        response: what is being read.
        bytes_per_s: how fast it will be read at most; None for as fast as can be.
    """
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None and sys.platform == "linux" else None
    if connection is not None:
        window = _WINDOW if bytes_per_s is None else max(MIB // 16, min(_WINDOW, int(bytes_per_s * _MOST_LOST_S)))
        with contextlib.suppress(OSError):
            connection.setsockopt(_IPPROTO_TCP, _TCP_WINDOW_CLAMP, window)


@contextmanager
def faults_sorted(host: str) -> Iterator[None]:
    """Around a request to `host`: what its connection raises becomes `Dropped` or a `HubError`."""
    try:
        with off_line_sorted():
            yield
    except httpx2.UnsupportedProtocol as error:
        raise BadAnswer.because(host, reason(error), tr("Look at the address of the hub")) from error
    except httpx2.TransportError as error:
        unconnected = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError)
        raise Dropped(reason(error), connected=not unconnected) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise BadAnswer.because(host, reason(error)) from error


def require_content(response: httpx2.Response, refused: Callable[[int, dict[str, str]], HubError]) -> None:
    """See to it that an answer carries a file or a range of it.

    Args:
        response: the answer.
        refused: the error for a status that is final, from it and the headers (their names in lower case).

    Raises:
        Dropped: the server may answer better the next time.
        HubError: what `refused` makes.
    """
    status = response.status_code
    if status in (408, 429) or status >= 500:
        raise Dropped(tr("the server answered with status {status}", status=status), _asked_pause_s(response))
    # Where the hub sends on to expires: the next attempt gets a fresh address.
    if status == 403 and response.history:
        raise Dropped(tr("the server that holds the file refused it (status 403)"))
    if status not in (200, 206):
        raise refused(status, told_headers(response))


def _asked_pause_s(response: httpx2.Response) -> float:
    """Retry-After: seconds, or a date."""
    told = response.headers.get("retry-after", "")
    if told.isdecimal() and len(told) < 10:
        return min(float(told), _LONGEST_PAUSE_S)
    try:
        pause_s = parsedate_to_datetime(told).timestamp() - time.time()
    except (ValueError, OverflowError, OSError):  # none, or no date
        return 0.0
    return max(0.0, min(pause_s, _LONGEST_PAUSE_S))


def _check_size(response: httpx2.Response, repository: Repository, file: HubFile) -> None:
    if response.status_code == 206:
        told = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
        total = told[2] if told else "nothing"
    else:
        total = response.headers.get("content-length", "*")
    if total not in ("*", str(file.size)):
        why = tr("{name} should have {size} bytes, and it says {total}", name=file.name, size=file.size, total=total)
        raise BadAnswer.because(repository.host, why, tr("Try again; the file may have been replaced meanwhile"))


def first_byte(response: httpx2.Response) -> int:
    """Where in the file the body begins: 0 where the server took no notice of the range that was asked for."""
    told = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
    return int(told[1]) if response.status_code == 206 and told else 0
