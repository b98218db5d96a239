"""Where a file of the package index lies, for who has no pip: what is frozen into one executable has none.

The index is the one that pip would ask, as its variables and its files say, else pip's own default, which a frozen
program brings along in a file.
"""

from __future__ import annotations

import asyncio
import configparser
import os
import sys
from pathlib import Path
from urllib.parse import unquote

import httpx2
import platformdirs

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.index_page import fetch_page
from nodetool_xl_desktop.core.index_part import IndexFile
from nodetool_xl_desktop.core.network import HttpClient
from nodetool_xl_desktop.core.paths import resource
from nodetool_xl_desktop.core.translation import tr

#: The address of pip's own index, written by the recipe that freezes the program.
FROZEN_NAME = "package-index.txt"


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


async def find(client: HttpClient, project: str, file: str, what: str) -> IndexFile:
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
    hint = tr("Look at the connection, then try again; or open any .gguf file of yours.")
    for address in asked:
        try:
            page = await fetch_page(client, f"{address.rstrip('/')}/{project}/", what, hint)
            for url, link in page.links() if page is not None else ():
                name = unquote(url.path.rpartition("/")[2])
                if name.startswith(begin) and name.endswith(end):
                    return IndexFile(str(url), name, link.sha256, link.size)
        except UserFacingError as error:
            problem = problem or error
    host = httpx2.URL(asked[0]).host
    why = tr("{host} has no {file}", host=host, file=file)
    raise problem or UserFacingError(what, why, tr("Try again later; or open any .gguf file of yours."))


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
