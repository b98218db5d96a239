"""Where a model file lies: on a model hub, or behind any address of the web."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from nodetool_xl_desktop.hub.errors import BadName, HubError, refusal, refusal_elsewhere
from nodetool_xl_desktop.hub.repository import HubFile, Repository

#: The hub that is meant where nothing else is said, and what it is called besides.
_HUB = "https://huggingface.co"
_HUB_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
#: What a page, a link or a raw link of a file on a hub looks like behind the hub's address.
_HUB_FILE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/(?:blob|resolve|raw)/(?P<revision>[^/]+)/(?P<path>.+)")


@dataclass(frozen=True, slots=True)
class Address:
    """One file on a server.

    Attributes:
        url: what is asked for; the server may send on from there to another host.
        name: of the file, for people: nothing else is done with it.
        host: the server, for people; without the password that an address may hold.
        repository: `organisation/name` for a file on a hub, else empty.
        takes_token: whether the access token of the hub is for this server.
        size: of the file in bytes where it was told before; an answer that says another one is refused.
    """

    url: str
    name: str
    host: str
    repository: str = ""
    takes_token: bool = False
    size: int | None = None

    @classmethod
    def of(cls, repository: Repository, file: HubFile) -> Address:
        """That of a file which a hub has told of."""
        return cls(repository.url(file), file.name, repository.host, repository.repo_id, True, file.size)

    @property
    def refused(self) -> Callable[[int, dict[str, str]], HubError]:
        """The error for a final status, from it and the answer's headers."""
        if self.repository:
            return lambda status, headers: refusal(status, headers, f"{self.repository}/{self.name}", self.host)
        return lambda status, headers: refusal_elsewhere(status, headers, self.name, self.host)

    def beside(self, name: str) -> Address:
        """The file called `name` in the same folder."""
        parts = urlsplit(self.url)
        folder = parts.path.rpartition("/")[0]
        url = urlunsplit(parts._replace(path=f"{folder}/{quote(name)}"))
        return replace(self, url=url, name=name, size=None)


def parse_address(text: str, endpoint: str | None = None) -> Address:
    """Read the address of a model file: any http(s) address, or that of a file's page on a model hub.

    Args:
        text: as people copy it, such as `https://huggingface.co/org/repo/blob/main/model.gguf`.
        endpoint: the hub's address; unless given, HF_ENDPOINT of the environment, or Hugging Face. It is asked in
            place of Hugging Face where that is named.

    Raises:
        BadName: it is no address of a file.
    """
    hub = (endpoint or os.environ.get("HF_ENDPOINT") or _HUB).rstrip("/")
    parts = _split(text.strip())
    behind = _behind(parts, hub)
    found = _HUB_FILE.fullmatch(behind) if behind else None
    if found:
        url = f"{hub}/{found['repo']}/resolve/{found['revision']}/{found['path']}"
        return Address(url, _name(found["path"], text), _host(urlsplit(url)), found["repo"], takes_token=True)
    if behind is not None and not behind.lower().endswith(".gguf"):
        hint = "Open the repository's page, choose a .gguf file there, and copy the address of that page"
        raise BadName(f"{_shown(text)} is no model file", "it is another page of the model hub", hint)
    url = urlunsplit(parts._replace(fragment=""))
    # A token goes to the hub itself alone, never in the clear to a namesake of it.
    trusted = behind is not None and parts[:2] in (urlsplit(hub)[:2], *(("https", host) for host in _HUB_HOSTS))
    return Address(url, _name(parts.path, text), _host(parts), takes_token=trusted)


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:  # brackets that do not match, a port that is no number
        raise _no_address(text) from error
    if not known or not text.isprintable() or any(letter.isspace() for letter in text):
        raise _no_address(text)
    return parts


def _behind(parts: SplitResult, hub: str) -> str | None:
    """The path of an address on the hub, None for one on any other server."""
    if (parts.hostname or "") in _HUB_HOSTS:
        return parts.path
    own = urlsplit(hub)
    inside = parts.path.startswith(f"{own.path}/")
    return parts.path.removeprefix(own.path) if inside and parts[:2] == own[:2] else None


def _name(path: str, text: str) -> str:
    """The last part of a path; a server that chose it may have hidden more slashes in it."""
    name = re.split(r"[/\\]", unquote(path))[-1]
    if not name.strip(". "):
        raise _no_address(text)
    return "".join(letter if letter.isprintable() else "_" for letter in name)


def _host(parts: SplitResult) -> str:
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _no_address(text: str) -> BadName:
    why = "such an address begins with http:// or https:// and ends in the name of a file"
    return BadName(f"{_shown(text)} is no address of a model file", why, "Copy the address of a .gguf file")


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 200 else f"{text[:199]}...")
