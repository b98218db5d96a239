"""What names a model: a path, a repository on a hub, one of its files, or any address of the web.

Nothing is looked up here, on the disk or elsewhere: whether it is there shows when it is opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, quote, unquote, unquote_to_bytes, urlsplit, urlunsplit

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.endpoint import HUB_HOSTS, hub_of
from nodetool_xl_desktop.hub.errors import BadName, HubError, refusal, refusal_elsewhere
from nodetool_xl_desktop.hub.repository import HubFile, Repository, is_repository_name

#: What a page, a link or a raw link of a file on a hub looks like behind the hub's address.
_HUB_FILE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/(?:blob|resolve|raw)/(?P<revision>[^/]+)/(?P<path>.+)")

#: Longer than any path of a system that this program runs on.
_LONGEST = 32_768
_QUOTES = (('"', '"'), ("'", "'"), ("<", ">"), ("`", "`"))
#: What the button "Use this model" of a hub copies in front of the name.
_COMMAND = re.compile(r"(?:ollama\s+(?:run|pull)|llama-(?:cli|server)\s+-hf|llama\s+(?:cli|serve)\s+-hf)\s+")
_HOSTS = re.compile(r"(?:https?://)?(?:www\.)?(?:hf\.co|huggingface\.co)/", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_QUANTIZATION = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)
#: Pages of a repository that name a version: /org/repo/tree/main/folder.
_VERSIONED = ("tree", "blob", "resolve", "raw", "blame", "commits", "commit")
#: First parts of addresses on Hugging Face which are no organisations.
_PAGES = (
    *("api", "blog", "buckets", "chat", "collections", "datasets", "docs", "enterprise", "inference", "join"),
    *("kernels", "learn", "login", "logout", "models", "new", "organizations", "papers", "posts", "pricing"),
    *("search", "settings", "spaces", "storage", "support", "tasks", "users"),
)


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
    hub = hub_of(endpoint)
    parts = _split(text.strip())
    behind = _behind(parts, hub)
    found = _HUB_FILE.fullmatch(behind) if behind else None
    if found:
        url = f"{hub}/{found['repo']}/resolve/{found['revision']}/{found['path']}"
        return Address(url, _name(found["path"], text), _host(urlsplit(url)), found["repo"], takes_token=True)
    if behind is not None and not behind.lower().endswith(".gguf"):
        hint = tr("Open the repository's page, choose a .gguf file there, and copy the address of that page")
        raise BadName(tr("{text} is no model file", text=_shown(text)), tr("it is another page of the model hub"), hint)
    url = urlunsplit(parts._replace(fragment=""))
    # A token goes to the hub itself alone, never in the clear to a namesake of it.
    trusted = behind is not None and parts[:2] in (urlsplit(hub)[:2], *(("https", host) for host in HUB_HOSTS))
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
    if (parts.hostname or "") in HUB_HOSTS:
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
    why = tr("such an address begins with http:// or https:// and ends in the name of a file")
    return BadName(
        tr("{text} is no address of a model file", text=_shown(text)), why, tr("Copy the address of a .gguf file")
    )


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 200 else f"{text[:199]}...")


@dataclass(frozen=True, slots=True)
class LocalPath:
    """A file or a folder of this machine; a relative path is one of the program's working folder."""

    path: Path


@dataclass(frozen=True, slots=True)
class RepositoryAddress:
    """A repository on the hub, or one file of it.

    Attributes:
        repo_id: `organisation/name`.
        revision: a branch, a tag or a commit.
        file: its path inside the repository; None for the repository as a whole.
        quantization: as behind the colon of `org/repo:Q4_K_M`; empty where none is named.
    """

    repo_id: str
    revision: str = "main"
    file: str | None = None
    quantization: str = ""


def parse_place(text: str, endpoint: str | None = None) -> LocalPath | RepositoryAddress | Address:
    """Read what names a model: a path, the address of a page or file, or a repository's name.

    `org/repo` and `org/repo/file.gguf` are read as names on a hub, although they may be relative paths: who can look at
    the disk does so first.

    Args:
        text: as people copy it, with quotes or blanks around it; paths may begin with ~.
        endpoint: the hub's address; unless given, HF_ENDPOINT of the environment, or Hugging Face.

    Raises:
        BadName: it names nothing of the three.
    """
    bare = _COMMAND.sub("", _unquoted(text))
    if not bare or len(bare) > _LONGEST or "\0" in bare:
        raise _nothing(text)
    scheme = bare.partition(":")[0].lower()
    if scheme == "file":
        return _from_file_url(bare, text)
    if scheme == "hf" and bare[3:5] == "//":
        return _from_hf_url(bare, text)
    if scheme in ("http", "https"):
        return _from_web(bare, text, endpoint)
    if _HOSTS.match(bare):
        return _from_web(f"https://{bare}", text, endpoint)
    if bare.startswith(("/", "./", "../", ".\\", "..\\", "\\\\", "~/", "~\\")) or bare == "~" or _DRIVE.match(bare):
        return LocalPath(Path(bare).expanduser() if bare.startswith("~") else Path(bare))
    return _from_name(bare, text)


def _unquoted(text: str) -> str:
    bare = text.strip()
    for opening, closing in _QUOTES:
        if len(bare) > 2 and bare[0] == opening and bare[-1] == closing:
            return bare[1:-1] if opening in "\"'" else bare[1:-1].strip()
    return bare


def _from_file_url(bare: str, text: str) -> LocalPath:
    parts = _parts(bare, text)
    path = os.fsdecode(unquote_to_bytes(parts.path))  # a name need not be UTF-8
    if parts.netloc.lower() not in ("", "localhost"):
        path = f"//{parts.netloc}{path}"  # a share of another machine, as Windows writes it
        if os.name != "nt":
            raise BadName(
                tr("{text} is not on this machine", text=_shown(text)),
                tr("it names another one"),
                tr("Open it from a folder here"),
            )
    elif re.match(r"/[A-Za-z]:", path):
        path = path[1:]
    if "\0" in path or not path:
        raise _nothing(text)
    return LocalPath(Path(path))


def _from_hf_url(bare: str, text: str) -> RepositoryAddress:
    """`hf://org/repo@revision/folder/file.gguf`, as huggingface_hub writes it."""
    path = unquote(bare[5:]).strip("/").removeprefix("models/")
    names = path.split("/")
    if len(names) < 2 or names[0] in _PAGES:
        raise _other_page(text)
    name, _, revision = names[1].partition("@")
    revision = revision.replace("%2F", "/") or "main"
    return _repository(f"{names[0]}/{name}", revision, "/".join(names[2:]), text)


def _from_web(bare: str, text: str, endpoint: str | None) -> RepositoryAddress | Address:
    parts = _split(bare)
    behind = _behind(parts, hub_of(endpoint))
    if behind is None:
        return parse_address(bare, endpoint)
    names = [unquote(name) for name in behind.strip("/").split("/")]
    if names[:2] == ["api", "models"]:
        names = names[2:]
    if len(names) < 2 or names[0] in _PAGES:
        raise _other_page(text)
    name, colon, quantization = names[1].partition(":")
    repo_id = f"{names[0]}/{name}"
    if colon:
        return _quantized(repo_id, quantization, text)
    if len(names) > 3 and names[2] in _VERSIONED:
        inside = "/".join(names[4:])
        if names[2] in ("tree", "commits", "commit") and not inside.lower().endswith(".gguf"):
            inside = ""  # a folder: the repository shows it
        return _repository(repo_id, names[3], inside, text)
    shown_file = parse_qs(parts.query).get("show_file_info", [""])[0]  # how a repository's page opens a file
    return _repository(repo_id, "main", shown_file, text)


def _from_name(bare: str, text: str) -> LocalPath | RepositoryAddress:
    names = bare.split("/")
    if "\\" in bare or (bare.lower().endswith(".gguf") and len(names) < 3):
        return LocalPath(Path(bare))
    if len(names) < 2:
        raise _nothing(text)
    name, colon, quantization = names[1].partition(":")
    repo_id, inside = f"{names[0]}/{name}", "/".join(names[2:])
    if colon:
        if inside:
            raise _nothing(text)
        return _quantized(repo_id, quantization, text)
    if inside and not inside.lower().endswith(".gguf"):
        raise _nothing(text)
    return _repository(repo_id, "main", inside, text)


def _quantized(repo_id: str, quantization: str, text: str) -> RepositoryAddress:
    if not is_repository_name(repo_id) or not _QUANTIZATION.fullmatch(quantization):
        raise _nothing(text)
    return RepositoryAddress(repo_id, quantization="" if quantization == "latest" else quantization)


def _repository(repo_id: str, revision: str, inside: str, text: str) -> RepositoryAddress:
    climbs = any(part in ("..", ".") for part in inside.split("/"))
    if not is_repository_name(repo_id) or climbs or not (revision + inside).isprintable() or "\\" in inside:
        raise _nothing(text)
    if inside and not inside.lower().endswith(".gguf"):
        hint = tr("Choose a .gguf file, or paste the address of the repository")
        raise BadName(tr("{text} is no model file", text=_shown(text)), tr("it is another file of a repository"), hint)
    return RepositoryAddress(repo_id, revision, inside or None)


def _parts(bare: str, text: str) -> SplitResult:
    try:
        return urlsplit(bare)
    except ValueError as error:
        raise _nothing(text) from error


def _nothing(text: str) -> BadName:
    why = tr("it is no path, no address of a model on the web, and no name as in org/repo or org/repo:Q4_K_M")
    return BadName(
        tr("{text} names no model", text=_shown(text)),
        why,
        tr("Copy the path of a file, or the address of a model's page"),
    )


def _other_page(text: str) -> BadName:
    why = tr("it is another page of the model hub")
    return BadName(
        tr("{text} names no model", text=_shown(text)), why, tr("Open a model's page there, and copy its address")
    )
