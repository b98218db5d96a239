"""A model's card: what its owner writes of it. It is text from the network, and nothing but text."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing

from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.network import HttpClient
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.hub.errors import HubError, Interrupted, NotFound, Unreachable, refusal, require_network
from nodetool_xl_desktop.hub.header import PATIENCE
from nodetool_xl_desktop.hub.repository import Repository
from nodetool_xl_desktop.hub.transfer import (
    Dropped,
    Patience,
    answered,
    authorization,
    connected,
    faults_sorted,
    require_content,
)

NAME = "README.md"
#: Of a card that is longer the rest is left out, in bytes.
MOST = MIB
#: Seconds for all of it.
_WITHIN_S = 60.0
#: What stands before the text: YAML between two lines of dashes, for the hub's own use.
_FRONT = re.compile(r"\A-{3}[ \t]*\n(.*?\n)?-{3}[ \t]*(?:\n|\Z)", re.DOTALL)


async def read_card(repository: Repository, *, token: str | None = None, patience: Patience = PATIENCE) -> str:
    """The card of a repository as Markdown, without its head; empty where there is none.

    At most 1 MiB of it is fetched.

    Args:
        repository: whose card.
        token: sent to the hub itself and to no other host.
        patience: how long a broken connection is put up with.

    Raises:
        HubError: the hub does not hand it out, or cannot be reached.
    """
    require_network()
    pauses = list(patience.pauses_s)
    try:
        async with asyncio.timeout(_WITHIN_S), connected(repository.host, patience, Purpose.HUB) as client:
            while True:
                try:
                    return without_front(await _fetched(client, repository, token))
                except NotFound:
                    return ""
                except Dropped as fault:
                    if not pauses:
                        raise _given_up(repository, fault) from fault
                    await asyncio.sleep(min(max(pauses.pop(0), fault.pause_s), _WITHIN_S))
    except TimeoutError as error:
        raise Unreachable.because(repository.host, tr("it did not answer in time")) from error


def without_front(card: str) -> str:
    """A card without the YAML before its text."""
    text = card.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
    return _FRONT.sub("", text, count=1).strip("\n")


async def _fetched(client: HttpClient, repository: Repository, token: str | None) -> str:
    headers = {"Range": f"bytes=0-{MOST - 1}", **authorization(token)}
    content = bytearray()
    with faults_sorted(repository.host):
        async with answered(client, repository.url_of(NAME), headers) as response:
            if response.status_code == 416:  # an empty file has no first byte
                return ""
            require_content(response, lambda status, told: refusal(status, told, repository.repo_id, repository.host))
            async with aclosing(response.aiter_raw()) as pieces:
                async for piece in pieces:
                    content += piece
                    if len(content) >= MOST:
                        break
    # What was cut off may have cut a letter, too.
    return bytes(content[:MOST]).decode("utf-8", errors="replace").rstrip("\ufffd")


def _given_up(repository: Repository, fault: Dropped) -> HubError:
    if not fault.connected:
        return Unreachable.because(repository.host, fault.why)
    return Interrupted(
        tr("The card of {repo_id} could not be read", repo_id=repository.repo_id), fault.why, tr("Try again")
    )
