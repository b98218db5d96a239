"""One request for bytes of a file on a hub: its answer checked, its faults sorted into passing and final ones."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx2

from nodetool_xl_desktop.core.network import HUB_STALL_S, HttpClient, hub_client
from nodetool_xl_desktop.hub.errors import BadAnswer, HubError, Unreachable, off_line_sorted, refusal
from nodetool_xl_desktop.hub.repository import UNUSABLE_ENVIRONMENT, HubFile, Repository, reason

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
#: A server that asks for a longer pause than this gets the request all the same, and may refuse it again.
_LONGEST_PAUSE_S = 60


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a broken connection is put up with.

    Attributes:
        stall_s: seconds without a byte that count as a broken connection.
        pauses_s: seconds before each further attempt; as many as there are attempts. An attempt that brought a good
            piece makes the count start anew.
    """

    stall_s: float = HUB_STALL_S
    pauses_s: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0)


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


def authorization(token: str | None) -> dict[str, str]:
    """The header that carries a token; none for None."""
    return {"Authorization": f"Bearer {token}"} if token else {}


@asynccontextmanager
async def connected(host: str, patience: Patience) -> AsyncIterator[HttpClient]:
    """A client for requests that begin at `host`.

    Raises:
        Unreachable: the proxy or the authorities that the environment names cannot be used, or the program works off
            line.
    """
    try:
        with off_line_sorted():
            client = await asyncio.to_thread(hub_client, patience.stall_s)
    except UNUSABLE_ENVIRONMENT as error:
        raise Unreachable.because(host, f"no connection can be made, {reason(error)}") from error
    async with client:
        yield client


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
        async with client.stream("GET", repository.url(file), headers=headers) as response:
            require_content(response, lambda status, told: refusal(status, told, repository.repo_id, repository.host))
            _check_size(response, repository, file)
            yield response


@contextmanager
def faults_sorted(host: str) -> Iterator[None]:
    """Around a request to `host`: what its connection raises becomes `Dropped` or a `HubError`."""
    try:
        with off_line_sorted():
            yield
    except httpx2.UnsupportedProtocol as error:
        raise BadAnswer.because(host, reason(error), "Look at the address of the hub") from error
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
        pause = response.headers.get("retry-after", "")
        asked = min(int(pause), _LONGEST_PAUSE_S) if pause.isdecimal() and len(pause) < 10 else 0
        raise Dropped(f"the server answered with status {status}", asked)
    # Where the hub sends on to expires: the next attempt gets a fresh address.
    if status == 403 and response.history:
        raise Dropped("the server that holds the file refused it (status 403)")
    if status not in (200, 206):
        raise refused(status, {name.lower(): value for name, value in response.headers.items()})


def _check_size(response: httpx2.Response, repository: Repository, file: HubFile) -> None:
    if response.status_code == 206:
        told = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
        total = told[2] if told else "nothing"
    else:
        total = response.headers.get("content-length", "*")
    if total not in ("*", str(file.size)):
        why = f"{file.name} should have {file.size} bytes, and it says {total}"
        raise BadAnswer.because(repository.host, why, "Try again; the file may have been replaced meanwhile")


def first_byte(response: httpx2.Response) -> int:
    """Where in the file the body begins: 0 where the server took no notice of the range that was asked for."""
    told = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
    return int(told[1]) if response.status_code == 206 and told else 0
