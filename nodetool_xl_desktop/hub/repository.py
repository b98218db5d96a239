"""What a repository on a model hub holds: its model files, their sizes and hashes, without fetching any.

This is asked through huggingface_hub, which knows the hub's protocol. The files themselves are fetched by `download`:
huggingface_hub cannot resume across a restart, and checks no hash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nodetool_xl_desktop.core.network import METADATA_STALL_S
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.endpoint import host_of, hub_of, parse_endpoint
from nodetool_xl_desktop.hub.errors import BadName
from nodetool_xl_desktop.hub.session import UNUSABLE_ENVIRONMENT, ask, reason
from nodetool_xl_desktop.hub.told import count, is_gated, moment, tags, text, texts

if TYPE_CHECKING:
    from huggingface_hub.hf_api import HfApi, ModelInfo

__all__ = ["UNUSABLE_ENVIRONMENT", "HubFile", "Repository", "is_repository_name", "look_up", "reason"]

_NAME = re.compile(r"[\w\-.]{1,96}/[\w\-.]{1,96}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
#: A hub that tells of more .gguf files than this is none; of its largest repositories each has some thousand files.
MOST_FILES = 20_000
_LONGEST_PATH = 2000
_COMMIT = re.compile(r"[0-9a-fA-F]{5,64}")


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository.

    Attributes:
        path: inside the repository, with slashes. It comes from the hub: `download.target_path` checks it.
        size: in bytes.
        sha256: in lower case, or None where the hub does not tell it (files that are no large files to it).
    """

    path: str
    size: int
    sha256: str | None = None

    @property
    def name(self) -> str:
        """Without its folders."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at one commit. What people think of it is no part of what it is, and not compared.

    Attributes:
        repo_id: `organisation/name`.
        commit: what `files` are of. Files are asked for by it, so that nothing changes between two requests.
        files: the .gguf files, projectors and parts of split sets included.
        endpoint: the hub's address, without a slash at its end.
        gated: whether its owner hands it out only to those who accepted its terms.
        private: whether only the token's owner sees it.
        likes: None where the hub does not say.
        downloads: of the last 30 days; None where the hub does not say.
        modified: when it was changed last, UTC; None where the hub does not say.
        tags: of the hub: task, libraries, languages.
        licence: as the hub calls it ("apache-2.0"); empty where it says none.
        base_model: the models that it was made of, as `organisation/name`, with commas; empty where it says none.
    """

    repo_id: str
    commit: str
    files: tuple[HubFile, ...]
    endpoint: str
    gated: bool = field(default=False, compare=False)
    private: bool = field(default=False, compare=False)
    likes: int | None = field(default=None, compare=False)
    downloads: int | None = field(default=None, compare=False)
    modified: datetime | None = field(default=None, compare=False)
    tags: tuple[str, ...] = field(default=(), compare=False)
    licence: str = field(default="", compare=False)
    base_model: str = field(default="", compare=False)

    @property
    def host(self) -> str:
        """The hub as messages name it."""
        return host_of(self.endpoint)

    @property
    def page(self) -> str:
        """The address of its page, for a browser."""
        return f"{self.endpoint}/{quote(self.repo_id)}"

    def url(self, file: HubFile) -> str:
        """Where the file is asked for; the hub may send on from there to another host."""
        return self.url_of(file.path)

    def url_of(self, path: str) -> str:
        """The same for any file of it."""
        return f"{self.page}/resolve/{quote(self.commit, safe='')}/{quote(path)}"


def is_repository_name(name: str) -> bool:
    """Whether it may be the name of a repository: `organisation/name`, as hubs allow it."""
    return bool(_NAME.fullmatch(name)) and all(part.strip(".") for part in name.split("/"))


async def look_up(
    repo_id: str, *, endpoint: str | None = None, token: str | None = None, revision: str = "main"
) -> Repository:
    """Ask a hub what a repository holds: one request, in a thread.

    Args:
        repo_id: `organisation/name`.
        endpoint: the hub's address; unless given, HF_ENDPOINT of the environment, or Hugging Face.
        token: an access token for private and gated repositories. None sends none, not even the machine's own.
        revision: a branch, a tag or a commit.

    Raises:
        HubError: `BadName`, `BadEndpoint`, `NotFound`, `Gated`, `BadToken`, `Unreachable` or `BadAnswer`.
    """
    if not _NAME.fullmatch(repo_id):
        why = tr("a repository is named as in organisation/name, with letters, digits, dots, dashes and underscores")
        raise BadName(
            tr('"{repo_id}" is no name of a repository', repo_id=repo_id),
            why,
            tr("Copy the name from the model's page"),
        )
    hub = parse_endpoint(hub_of(endpoint))

    def question(api: HfApi) -> Repository:
        # False: None would send the token that the machine keeps.
        info = api.model_info(
            repo_id, revision=revision, files_metadata=True, timeout=METADATA_STALL_S, token=token or False
        )
        return _repository(info, repo_id, hub)

    return await ask(hub, repo_id, question)


def _repository(info: ModelInfo, repo_id: str, endpoint: str) -> Repository:
    """Raises ValueError where the hub's answer is not to be believed."""
    if not isinstance(info.sha, str) or not _COMMIT.fullmatch(info.sha) or info.siblings is None:
        raise ValueError("an answer without a commit or without files")
    files = []
    for entry in info.siblings:
        if not entry.rfilename.lower().endswith(".gguf") or not _can_be_asked_for(entry.rfilename):
            continue
        size = count(entry.lfs.size if entry.lfs else entry.size)
        sha256 = entry.lfs.sha256.lower() if entry.lfs else None
        if size is None or (sha256 is not None and not _SHA256.fullmatch(sha256)):
            raise ValueError(f"a file without a size: {entry.rfilename}")
        files.append(HubFile(entry.rfilename, size, sha256))
        if len(files) > MOST_FILES:
            raise ValueError("more files than any repository has")
    told = tags(info.tags)
    return Repository(
        repo_id,
        info.sha,
        tuple(sorted(files, key=lambda file: file.path)),
        endpoint,
        gated=is_gated(info.gated),
        private=info.private is True,
        likes=count(info.likes),
        downloads=count(info.downloads),
        modified=moment(info.last_modified),
        tags=told,
        licence=_licence(info.card_data, told),
        base_model=_base_model(info.card_data, told),
    )


def _can_be_asked_for(path: str) -> bool:
    """Half of a letter, which JSON can hold, stands in no address."""
    return len(path) <= _LONGEST_PATH and not any("\ud800" <= letter <= "\udfff" for letter in path)


def _licence(card: Any, told: tuple[str, ...]) -> str:
    """From the head of the model's card, where a name goes before the mere "other"."""
    names = (text(getattr(card, "license_name", None)), text(getattr(card, "license", None)))
    tagged = next((tag.partition(":")[2] for tag in told if tag.startswith("license:")), "")
    return next((name for name in (*names, tagged) if name), "")


def _base_model(card: Any, told: tuple[str, ...]) -> str:
    found = texts(getattr(card, "base_model", None))
    # "base_model:org/name" stands beside "base_model:quantized:org/name"
    tagged = [tag.partition(":")[2] for tag in told if tag.startswith("base_model:") and tag.count(":") == 1]
    return ", ".join([name for name in found or tagged if is_repository_name(name)][:3])
