"""Where a file of the package index lies, for who has no pip: what is frozen into one executable has none.

The index is the one that pip would ask, as its variables and its files say, else pip's own default, which a frozen
program brings along in a file.
"""

from __future__ import annotations

import asyncio
import configparser
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import httpx2
import platformdirs

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import HttpClient
from nodetool_xl_desktop.core.paths import resource
from nodetool_xl_desktop.core.simple_index import ACCEPT, Link, links
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr

#: The address of pip's own index, written by the recipe that freezes the program.
FROZEN_NAME = "package-index.txt"
#: The page of one project takes some kilobytes.
_MOST_PAGE = 8 * 1024 * 1024
_PAGE_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Found:
    """A file of an index.

    Attributes:
        url: where it lies.
        host: who has it, for people.
        sha256: what the index says of it; empty where it says nothing.
    """

    url: str
    host: str
    sha256: str


def addresses() -> list[str]:
    """The indexes to ask, the first one first; may be empty. Touches the disk.

    Indexes of folders are left out, as are all that a person named for other commands of pip.
    """
    said = [os.environ.get("PIP_INDEX_URL", ""), *os.environ.get("PIP_EXTRA_INDEX_URL", "").split()]
    for file in _files():
        reader = configparser.RawConfigParser()
        try:
            reader.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):  # pip says so where it is used
            continue
        for key in ("index-url", "extra-index-url"):
            for section in ("download", "global"):
                said += reader.get(section, key, fallback="").split()
    if not any(each for each in said[:1]) and not any("index-url" in _keys(file) for file in _files()):
        said.insert(0, _default())
    return list(dict.fromkeys(each for each in said if each.startswith(("http://", "https://"))))


async def find(client: HttpClient, project: str, file: str, what: str) -> Found:
    """Where the indexes have a file.

    Args:
        client: asks.
        project: its name there.
        file: how the name of the file begins and ends, with a `*` between.
        what: could not be done where it is not to be had.

    Raises:
        UserFacingError: nobody has it, or nobody answers.
    """
    asked = await asyncio.to_thread(addresses)
    if not asked:
        raise UserFacingError(what, tr("no package index is known"), tr("Name one in the variable PIP_INDEX_URL."))
    begin, _, end = file.partition("*")
    problem: UserFacingError | None = None
    for address in asked:
        try:
            for link, sha256 in await _page(client, f"{address.rstrip('/')}/{project}/", what):
                name = unquote(link.path.rpartition("/")[2])
                if name.startswith(begin) and name.endswith(end):
                    return Found(str(link), link.host, sha256)
        except UserFacingError as error:
            problem = problem or error
    host = httpx2.URL(asked[0]).host
    why = tr("{host} has no {file}", host=host, file=file)
    raise problem or UserFacingError(what, why, tr("Try again later; or open any .gguf file of yours."))


async def _page(client: HttpClient, address: str, what: str) -> list[tuple[httpx2.URL, str]]:
    host = "?"
    hint = tr("Look at the connection, then try again; or open any .gguf file of yours.")
    try:
        host = httpx2.URL(address).host
        async with (
            asyncio.timeout(_PAGE_WITHIN_S),
            client.stream("GET", address, headers={"Accept": ACCEPT}) as response,
        ):
            if response.status_code == 404:
                return []
            if response.status_code != 200:
                why = tr("{host} answers with status {status}", host=host, status=response.status_code)
                raise UserFacingError(what, why, tr("Try again later."))
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > _MOST_PAGE:
                    raise UserFacingError(what, tr("the page of {host} does not end", host=host), hint)
            return list(_links(response.url, links(response.headers.get("content-type", ""), bytes(body))))
    except (TimeoutError, httpx2.TimeoutException) as error:
        raise UserFacingError(what, tr("{host} does not answer", host=host), hint) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise UserFacingError(what, unreachable(host, error), hint) from error


def unreachable(host: str, error: Exception) -> str:
    """Why a server cannot be reached, for people."""
    reason = one_line(str(error), 160) or type(error).__name__
    return tr("{host} cannot be reached ({reason})", host=host, reason=reason)


def _links(page: httpx2.URL, found: Iterator[Link]) -> Iterator[tuple[httpx2.URL, str]]:
    for link in found:
        try:
            url = page.join(link.address)
        except (httpx2.InvalidURL, ValueError):
            continue
        if url.scheme in ("http", "https"):
            yield url, link.sha256


def _files() -> list[Path]:
    """Where pip looks for its settings (its documentation, "Configuration"), what counts most first."""
    if (named := os.environ.get("PIP_CONFIG_FILE")) is not None:
        return [Path(named)] if named != os.devnull else []
    name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    user = platformdirs.user_config_path("pip", appauthor=False, roaming=True)
    site = platformdirs.site_config_path("pip", appauthor=False)
    system = [] if sys.platform == "win32" else [Path("/etc") / name]
    return [Path(sys.prefix) / name, user / name, Path.home() / ".pip" / name, site / name, *system]


def _keys(file: Path) -> set[str]:
    reader = configparser.RawConfigParser()
    try:
        reader.read(file, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return set()
    return {key for section in ("download", "global") if reader.has_section(section) for key in reader.options(section)}


def _default() -> str:
    """What pip asks where nobody says anything; empty where neither pip nor what was frozen tells."""
    try:
        from pip._internal.models.index import PyPI  # noqa: PLC0415 - there is no other way to learn it
    except ImportError:
        file = resource(FROZEN_NAME)
        return file.read_text(encoding="utf-8").strip() if file.exists() else ""
    return str(PyPI.simple_url)
