"""What a repository on a model hub holds: its model files, their sizes and hashes, without fetching any.

This is asked through huggingface_hub, which knows the hub's protocol. The files themselves are fetched by `download`:
huggingface_hub cannot resume across a restart, and checks no hash.
"""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import httpx2

from nodetool_xl_desktop.core.network import CONNECT_TIMEOUT_S
from nodetool_xl_desktop.hub.errors import BadAnswer, BadName, HubError, Unreachable, refusal, require_network

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

#: What making a client raises for a proxy of an unknown kind, and for authorities that are not there.
UNUSABLE_ENVIRONMENT = (OSError, ValueError, ImportError, httpx2.InvalidURL)
_NAME = re.compile(r"[\w\-.]{1,96}/[\w\-.]{1,96}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
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
    """A repository at one commit.

    Attributes:
        repo_id: `organisation/name`.
        commit: what `files` are of. Files are asked for by it, so that nothing changes between two requests.
        files: the .gguf files, projectors and parts of split sets included.
        endpoint: the hub's address, without a slash at its end.
    """

    repo_id: str
    commit: str
    files: tuple[HubFile, ...]
    endpoint: str

    @property
    def host(self) -> str:
        """The hub as messages name it."""
        return _host(self.endpoint)

    def url(self, file: HubFile) -> str:
        """Where the file is asked for; the hub may send on from there to another host."""
        return f"{self.endpoint}/{quote(self.repo_id)}/resolve/{quote(self.commit, safe='')}/{quote(file.path)}"


async def look_up(
    repo_id: str, *, endpoint: str | None = None, token: str | None = None, revision: str = "main"
) -> Repository:
    """Ask a hub what a repository holds: one request, in a thread.

    Args:
        repo_id: `organisation/name`.
        endpoint: the hub's address; unless given, HF_ENDPOINT of the environment, or huggingface_hub's own default.
        token: an access token for private and gated repositories. None sends none, not even the machine's own.
        revision: a branch, a tag or a commit.

    Raises:
        HubError: `BadName`, `NotFound`, `Gated`, `BadToken`, `Unreachable` or `BadAnswer`.
    """
    if not _NAME.fullmatch(repo_id):
        why = "a repository is named as in organisation/name, with letters, digits, dots, dashes and underscores"
        raise BadName(f'"{repo_id}" is no name of a repository', why, "Copy the name from the model's page")
    require_network()
    return await asyncio.to_thread(_look_up, repo_id, endpoint, token, revision)


def _look_up(repo_id: str, endpoint: str | None, token: str | None, revision: str) -> Repository:
    # Before the import: it is read there. Files are not fetched through huggingface_hub, so Xet has no use.
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    from huggingface_hub import HfApi, constants, get_session  # noqa: PLC0415 - it costs 0.3 s, and most starts never need it
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled  # noqa: PLC0415

    address = (endpoint or os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
    host = _host(address)
    try:
        get_session()  # makes its client, which it keeps
    except UNUSABLE_ENVIRONMENT as error:
        raise Unreachable.because(host, f"no connection can be made, {reason(error)}") from error
    try:
        api = HfApi(endpoint=address)
        # False: None would send the token that the machine keeps.
        info = api.model_info(
            repo_id, revision=revision, files_metadata=True, timeout=CONNECT_TIMEOUT_S, token=token or False
        )
        return _repository(info, repo_id, address)
    except HFValidationError as error:
        raise BadName(f'"{repo_id}" is no name of a repository', str(error).splitlines()[0]) from error
    except HfHubHTTPError as error:
        headers = {name.lower(): value for name, value in error.response.headers.items()}
        raise refusal(error.response.status_code, headers, repo_id, host) from error
    except OfflineModeIsEnabled as error:
        raise Unreachable.by_choice() from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise _no_answer(host, error) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # huggingface_hub believes whatever it reads
        raise BadAnswer.because(host, "what it says of this repository cannot be read") from error


def _host(endpoint: str) -> str:
    try:
        return urlsplit(endpoint).netloc or endpoint
    except ValueError:  # brackets that do not match
        return endpoint


def _no_answer(host: str, error: httpx2.HTTPError | httpx2.InvalidURL) -> HubError:
    if isinstance(error, httpx2.TransportError | httpx2.InvalidURL):
        return Unreachable.because(host, reason(error))
    return BadAnswer.because(host, reason(error))


def reason(error: Exception) -> str:
    """Why there is no answer, in words; many errors of a connection carry none of their own."""
    if isinstance(error, httpx2.ConnectTimeout):
        return "it did not answer in time"
    if isinstance(error, httpx2.TimeoutException):
        return "nothing came for a while"
    return str(error) or "the connection broke"


def _repository(info: ModelInfo, repo_id: str, endpoint: str) -> Repository:
    """Raises ValueError where the hub's answer is not to be believed."""
    if not isinstance(info.sha, str) or not _COMMIT.fullmatch(info.sha) or info.siblings is None:
        raise ValueError("an answer without a commit or without files")
    files = []
    for entry in info.siblings:
        if not entry.rfilename.lower().endswith(".gguf"):
            continue
        size = entry.lfs.size if entry.lfs else entry.size
        sha256 = entry.lfs.sha256.lower() if entry.lfs else None
        if not isinstance(size, int) or size < 0 or (sha256 is not None and not _SHA256.fullmatch(sha256)):
            raise ValueError(f"a file without a size: {entry.rfilename}")
        files.append(HubFile(entry.rfilename, size, sha256))
    return Repository(repo_id, info.sha, tuple(sorted(files, key=lambda file: file.path)), endpoint)
