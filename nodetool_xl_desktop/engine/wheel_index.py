"""Wheels of the engine on a server: which ones a page offers, and fetching one.

A page is an index as pip knows it (PEP 503: a page of links; PEP 691: the same as JSON), any page with links to wheels,
or a wheel itself. What it says is believed of no more than names, and a hash that the file is held against.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import httpx2

from nodetool_xl_desktop.core import network, simple_index
from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import GIB, MIB, file_size
from nodetool_xl_desktop.engine.wheel_file import ENGINE, WheelName, WheelRefused

#: A page that lists every wheel of one project takes some hundred kilobytes.
MOST_PAGE = 16 * MIB
MOST_WHEEL = 4 * GIB
#: Seconds for a page as a whole: somebody waits for it.
PAGE_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Offer:
    """One wheel that a server has.

    Attributes:
        name: what its name says; it fits this machine.
        address: where it is fetched.
        page: the page that named it, for people.
        sha256: what that page says of the file; empty where it does not.
        size: bytes, where the page says them.
    """

    name: WheelName
    address: str
    page: str
    sha256: str = ""
    size: int | None = None


async def offers(address: str) -> tuple[Offer, ...]:
    """The wheels of the engine there that fit this machine, the newest first, and of one version the best first.

    Making the client reads the disk: call it in a thread with a loop of its own (`core.backstage`).

    Args:
        address: an index, a page with links to wheels, or a wheel.

    Raises:
        WheelRefused: nothing there fits.
        UserFacingError: the address is none, or cannot be asked; `NotAllowed` where the person does not allow it.
    """
    url = _checked(address)
    if url.path.endswith(".whl"):
        found = [_offer(url, str(url), simple_index.Link(str(url)))]
        _require_some(found, address)
        return tuple(found)
    listed = await _listed(url)
    fitting = [offer for offer in listed if offer.name.rank is not None]
    _require_some(listed, address)
    if not fitting:
        listed[0].name.require_fit()
    from packaging.version import Version  # noqa: PLC0415 - not at every start

    by_fit = sorted(fitting, key=lambda offer: offer.name.rank or 0)
    return tuple(sorted(by_fit, key=lambda offer: Version(offer.name.version), reverse=True))


async def fetch(offer: Offer, folder: Path, progress: Callable[[int, int | None], None]) -> Path:
    """Fetch a wheel into a folder; returns the file, which is what the page says. Cancelling ends it.

    Args:
        offer: which one.
        folder: where to; what it leaves there when it raises is the caller's.
        progress: is told bytes done, and of how many where that is known.

    Raises:
        WheelRefused: it is another file than the page says.
        UserFacingError: it cannot be fetched, or the disk refused.
    """
    what = tr("{file} could not be fetched", file=one_line(offer.name.file, 80))
    target, digest, done = folder / offer.name.file, hashlib.sha256(), 0
    try:
        async with _client() as client, client.stream("GET", offer.address) as response:
            _require_found(response, what)
            said = response.headers.get("content-length", "")
            size = int(said) if said.isdigit() else offer.size
            if max(size or 0, offer.size or 0) > MOST_WHEEL:
                raise _too_large(what, max(size or 0, offer.size or 0))
            with target.open("xb") as file:
                async for piece in response.aiter_raw():
                    done += len(piece)
                    if done > MOST_WHEEL:
                        raise _too_large(what, done)
                    file.write(piece)
                    digest.update(piece)
                    progress(done, size)
    except httpx2.HTTPError as error:
        raise _unreachable(what, error) from error
    except OSError as error:
        why = tr("{reason} ({path})", reason=error.strerror or str(error), path=folder)
        raise UserFacingError(what, why, tr("Make room on that disk.")) from error
    _require_same(offer, digest.hexdigest(), what)
    return target


def _require_same(offer: Offer, sha256: str, what: str) -> None:
    if offer.sha256 and offer.sha256 != sha256:
        why = tr(
            "its SHA-256 is {is_}, and the page says {said}: it was damaged on its way, or somebody put another file "
            "in its place",
            is_=sha256,
            said=offer.sha256,
        )
        raise WheelRefused(what, why, tr("Try again; if it stays so, do not use this address."))


async def _listed(url: httpx2.URL) -> list[Offer]:
    """The wheels of the engine that a page lists: that of the project below an index, else the page itself.

    The project's first, as the page of a whole index may be tens of megabytes long.
    """
    below = url.path.rstrip("/").rpartition("/")[2] != ENGINE
    async with _client() as client:
        project = None
        if below:
            address = url.copy_with(path=f"{url.path.rstrip('/')}/{ENGINE}/", query=None, fragment=None)
            project = await _page(client, address)
            if project is not None and (found := list(_links(*project))):
                return found
        page = await _page(client, url) or project
        if page is None:
            why = tr("there is no such page")
            raise UserFacingError(_not_listed(url), why, tr("Look at the address."))
        return list(_links(*page))


async def _page(client: network.HttpClient, url: httpx2.URL) -> tuple[httpx2.URL, str, bytes] | None:
    """A page: where it really came from, of what type it is, and its bytes; None where there is none."""
    what = _not_listed(url)
    try:
        accept = {"Accept": simple_index.ACCEPT}
        async with asyncio.timeout(PAGE_WITHIN_S), client.stream("GET", url, headers=accept) as response:
            if response.status_code in (403, 404, 410):
                return None
            _require_found(response, what)
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MOST_PAGE:
                    why = tr("its page is longer than {size}", size=file_size(MOST_PAGE))
                    raise UserFacingError(what, why, tr("Name the page of the engine itself."))
            return response.url, response.headers.get("content-type", ""), bytes(body)
    except TimeoutError as error:
        why = tr("it sent no whole page within {seconds} s", seconds=round(PAGE_WITHIN_S))
        raise UserFacingError(what, why, tr("Try again.")) from error
    except httpx2.HTTPError as error:
        raise _unreachable(what, error) from error


def _links(url: httpx2.URL, kind: str, body: bytes) -> Iterator[Offer]:
    """The wheels of the engine that a page names; what it says beside them is left out."""
    for link in simple_index.links(kind, body):
        try:
            offer = _offer(url.join(link.address), str(url), link)
        except (WheelRefused, ValueError, httpx2.InvalidURL):  # a link to something else
            continue
        if not link.is_yanked:
            yield offer


def _offer(url: httpx2.URL, page: str, link: simple_index.Link) -> Offer:
    """What a link leads to.

    Raises:
        WheelRefused: to no wheel of the engine.
        ValueError: to one for another Python.
    """
    name = WheelName.of(unquote(url.path.rpartition("/")[2]))
    _require_python(link.requires_python)
    return Offer(
        name=name,
        address=str(_checked(str(url.copy_with(fragment=None)))),
        page=page,
        sha256=link.sha256,
        size=link.size,
    )


def _require_python(specifier: str) -> None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - not at every start

    if specifier:
        try:
            fits = SpecifierSet(specifier).contains(platform.python_version(), prereleases=True)
        except InvalidSpecifier:
            return
        if not fits:
            raise ValueError(specifier)


def _checked(address: str) -> httpx2.URL:
    """An address that a program may come from: encrypted, or of this machine or its own network.

    Raises:
        UserFacingError: it is none.
    """
    what = tr("{address} is not asked", address=one_line(address, 80))
    try:
        url = httpx2.URL(address.strip())
    except httpx2.InvalidURL as error:
        raise UserFacingError(what, tr("it is no address"), tr("It begins with https://.")) from error
    if url.scheme not in ("https", "http") or not url.host:
        raise UserFacingError(what, tr("it is no address of a server"), tr("It begins with https://."))
    if url.scheme == "http" and not _is_near(url.host):
        why = tr("it is not encrypted, so that anybody on the way could put another program in its place")
        raise UserFacingError(what, why, tr("Use an address that begins with https://."))
    return url


def _is_near(host: str) -> bool:
    try:
        return not network.is_public(ipaddress.ip_address(host))
    except ValueError:
        return host == "localhost"


def _client() -> network.HttpClient:
    return network.hub_client(Purpose.ENGINES, what=tr("No engine is fetched"))


def _not_listed(url: httpx2.URL) -> str:
    return tr("{address} does not list engines", address=one_line(str(url), 80))


def _require_some(found: list[Offer], address: str) -> None:
    if not found:
        why = tr("there is no wheel of {engine} on it", engine=ENGINE)
        hint = tr("Name an index of packages, or a page with links to such files.")
        raise WheelRefused(tr("{address} lists no engine", address=one_line(address, 80)), why, hint)


def _require_found(response: httpx2.Response, what: str) -> None:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise UserFacingError(what, tr("the server packs what was not asked for so"), tr("Use another address."))
    if response.url.scheme == "http":
        _checked(str(response.url))  # where it was sent on to
    if response.status_code != 200:
        why = tr("the server answers with status {status}", status=response.status_code)
        raise UserFacingError(what, why, tr("Look at the address, or try again later."))


def _too_large(what: str, size: int) -> WheelRefused:
    return WheelRefused(what, tr("it is {size} large", size=file_size(size)), tr("Use another address."))


def _unreachable(what: str, error: httpx2.HTTPError) -> UserFacingError:
    why = tr("the server cannot be reached: {reason}", reason=one_line(str(error), 200) or type(error).__name__)
    return UserFacingError(what, why, tr("Look at the network and the address."))
