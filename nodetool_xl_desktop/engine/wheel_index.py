"""Wheels of the engine on a server: which ones a page offers, and fetching one.

A page is an index as pip knows it (PEP 503: a page of links; PEP 691: the same as JSON), any page with links to wheels,
or a wheel itself. What it says is believed of no more than names, and a hash that the file is held against.
"""

from __future__ import annotations

import errno
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
from nodetool_xl_desktop.core.index_file import PAUSES_S, IndexFetch
from nodetool_xl_desktop.core.index_page import Page, fetch_page
from nodetool_xl_desktop.core.index_part import IndexFile, Part
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.engine.wheel_file import ENGINE, WheelName, WheelRefused

MOST_WHEEL = 4 * GIB


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


async def fetch(
    offer: Offer,
    coming: Path,
    folder: Path,
    progress: Callable[[int, int | None], None],
    *,
    pauses_s: tuple[float, ...] = PAUSES_S,
) -> Path:
    """Fetch a wheel into a folder; returns the file, which is what the page says.

    Cancelled, or broken off, it leaves what has come for the next time.

    Args:
        offer: which one.
        coming: where it lies until all of it is here; there only while something is in it.
        folder: where to, on the same disk.
        progress: is told bytes done, and of how many where that is known.
        pauses_s: seconds before each further attempt where the connection breaks.

    Raises:
        WheelRefused: it is another file than the page says.
        UserFacingError: it cannot be fetched, or the disk refused.
    """
    what = tr("{file} could not be fetched", file=one_line(offer.name.file, 80))
    part = Part(coming, IndexFile(offer.address, offer.name.file, offer.sha256, offer.size))
    target = folder / offer.name.file
    try:
        async with part.held(what):
            async with _client() as client:
                sha256 = await IndexFetch(client, part, what, most=MOST_WHEEL, tell=progress, pauses_s=pauses_s).run()
            _require_same(offer, sha256, what)
            part.finish(target)
    except OSError as error:
        why = tr("{reason} ({path})", reason=error.strerror or str(error), path=coming)
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = tr("Make room on that disk.") if is_full else tr("Look at the disk.")
        raise UserFacingError(what, why, hint) from error
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
    what, hint = _not_listed(url), tr("Look at the network and the address.")
    async with _client() as client:
        project = None
        if below:
            address = url.copy_with(path=f"{url.path.rstrip('/')}/{ENGINE}/", query=None, fragment=None)
            project = await fetch_page(client, address, what, hint)
            if project is not None and (found := list(_links(project))):
                return found
        page = await fetch_page(client, url, what, hint) or project
        if page is None:
            raise UserFacingError(what, tr("there is no such page"), tr("Look at the address."))
        return list(_links(page))


def _links(page: Page) -> Iterator[Offer]:
    """The wheels of the engine that a page names; what it says beside them is left out."""
    for url, link in page.links():
        try:
            offer = _offer(url, str(page.url), link)
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
    client = network.hub_client(Purpose.ENGINES, what=tr("No engine is fetched"))
    client.event_hooks["response"].append(_look_at_redirect)
    return client


def _not_listed(url: httpx2.URL) -> str:
    return tr("{address} does not list engines", address=one_line(str(url), 80))


def _require_some(found: list[Offer], address: str) -> None:
    if not found:
        why = tr("there is no wheel of {engine} on it", engine=ENGINE)
        hint = tr("Name an index of packages, or a page with links to such files.")
        raise WheelRefused(tr("{address} lists no engine", address=one_line(address, 80)), why, hint)


async def _look_at_redirect(response: httpx2.Response) -> None:
    """Where it is sent on to has to be as good as the address that was named, also where that only sends on."""
    if response.has_redirect_location:
        _checked(str(response.request.url.join(response.headers["location"])))
