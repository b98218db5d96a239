"""Asking a hub through huggingface_hub: with our own HTTP client, in a thread of its own, and in bounded time.

huggingface_hub has one client for the whole process, and no notion of which hub a token belongs to; both are kept here.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import httpx2

from nodetool_xl_desktop.core.network import METADATA_WITHIN_S, MetadataClient, NoAnswer, metadata_client
from nodetool_xl_desktop.core.threads import in_own_thread
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.endpoint import host_of, origin
from nodetool_xl_desktop.hub.errors import (
    BadAnswer,
    BadName,
    HubError,
    Unreachable,
    off_line_sorted,
    refusal,
    require_network,
)

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: What making a client raises for a proxy of an unknown kind, and for authorities that are not there.
UNUSABLE_ENVIRONMENT = (OSError, ValueError, ImportError, httpx2.InvalidURL)
#: huggingface_hub believes whatever it reads.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)

#: Origin of the hub that is being asked, which alone gets the token.
_asked: contextvars.ContextVar[str] = contextvars.ContextVar("asked", default="")
_installing = threading.Lock()
_Result = TypeVar("_Result")


async def ask(endpoint: str, what: str, question: Callable[[HfApi], _Result]) -> _Result:
    """Have `question` ask a hub in a thread. A caller who is cancelled does not wait for it.

    Args:
        endpoint: the hub's address, without a slash at its end.
        what: is asked for, for people: the name of a repository, or "The list of models".
        question: is handed huggingface_hub's way to this hub. A ValueError, KeyError, TypeError or AttributeError of
            it says that the answer cannot be read.

    Raises:
        HubError: as `repository.look_up`.
    """
    require_network()
    try:
        async with asyncio.timeout(METADATA_WITHIN_S):
            return await in_own_thread(lambda: _answered(endpoint, what, question), "hub")
    except TimeoutError as error:
        raise Unreachable.because(host_of(endpoint), tr("it did not answer in time")) from error


def _answered(endpoint: str, what: str, question: Callable[[HfApi], _Result]) -> _Result:
    install()
    from huggingface_hub import HfApi, get_session  # noqa: PLC0415 - it costs 0.3 s, and most starts never need it
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled  # noqa: PLC0415

    host = host_of(endpoint)
    try:
        with off_line_sorted():
            get_session()  # makes its client, which it keeps
    except UNUSABLE_ENVIRONMENT as error:
        raise Unreachable.because(host, tr("no connection can be made, {error}", error=reason(error))) from error
    try:
        with off_line_sorted(), _token_for(endpoint):
            return question(HfApi(endpoint=endpoint, token=False))
    except HFValidationError as error:
        raise BadName(tr('"{what}" is no name of a repository', what=what), str(error).splitlines()[0]) from error
    except HfHubHTTPError as error:
        raise refusal(error.response.status_code, told_headers(error.response), what, host) from error
    except OfflineModeIsEnabled as error:
        raise Unreachable.by_choice() from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise _no_answer(host, error) from error
    except _UNREADABLE as error:
        raise BadAnswer.because(host, tr("what it says cannot be read")) from error


@contextmanager
def _token_for(endpoint: str) -> Iterator[None]:
    told = _asked.set(origin(endpoint))
    try:
        yield
    finally:
        _asked.reset(told)


def install() -> None:
    """Have huggingface_hub make its client here from now on; it takes 0.3 s the first time."""
    with _installing:
        _installed()


@functools.cache
def _installed() -> None:
    """Once, as it closes the client that it has."""
    # Before the import: it is read there. Files are not fetched through huggingface_hub, so Xet has no use.
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    from huggingface_hub import set_client_factory  # noqa: PLC0415 - as above

    set_client_factory(_client)


def _client() -> MetadataClient:
    return metadata_client(lambda url: origin(str(url)) == _asked.get())


def _no_answer(host: str, error: httpx2.HTTPError | httpx2.InvalidURL) -> HubError:
    cause = error.__cause__ if isinstance(error, NoAnswer) else error
    if isinstance(cause, httpx2.TransportError | httpx2.InvalidURL):
        return Unreachable.because(host, reason(cause))
    return BadAnswer.because(host, reason(error))


def reason(error: Exception) -> str:
    """Why there is no answer, in words; many errors of a connection carry none of their own."""
    if isinstance(error, httpx2.ConnectTimeout):
        return tr("it did not answer in time")
    if isinstance(error, httpx2.TimeoutException):
        return tr("nothing came for a while")
    return _without_token(str(error), getattr(error, "_request", None)) or tr("the connection broke")


def told_headers(response: httpx2.Response) -> dict[str, str]:
    """The headers of a refusal, their names in lower case; a token that is repeated there shall stand in no message."""
    return {name.lower(): _without_token(value, response.request) for name, value in response.headers.items()}


def _without_token(told: str, request: httpx2.Request | None) -> str:
    token = "" if request is None else request.headers.get("authorization", "").removeprefix("Bearer ")
    return told.replace(token, "...") if token else told
