"""Where a downloaded file came from, and the hash that it should have: what its name on the disk does not say."""

from __future__ import annotations

import logging
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library.following import followed

FILE_NAME = "origins.json"
#: What came first goes first.
MOST_FILES = 20_000
_SHA256 = re.compile(r"[0-9a-f]{64}", re.A)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a file was when it came.

    Attributes:
        repo_id: such as "org/name"; empty for a file of no hub.
        commit: of the repository; empty where it has none.
        sha256: 64 hexadecimal digits; empty where the server named none, and nothing was counted.
        size: in bytes.
        file: its path in the repository.
        endpoint: the address of the hub.
    """

    repo_id: str
    commit: str
    sha256: str
    size: int
    file: str = ""
    endpoint: str = ""


class Origins:
    """Those of all downloaded files, in one small JSON file. Its methods touch the disk, and may block.

    Args:
        paths: the program's folders.
    """

    def __init__(self, paths: Paths) -> None:
        self._file = JsonFile(paths.data / FILE_NAME, tr("The record of downloads"))

    def keep(self, path: Path, origin: Origin) -> None:
        """Remember where a file came from, in place of what was known.

        Raises:
            UserFacingError: it could not be saved.
        """
        key = str(path.absolute())

        def changed(held: dict[str, Origin] | None) -> dict[str, Origin]:
            origins = {name: other for name, other in (held or {}).items() if name != key}
            return dict(list({**origins, key: origin}.items())[-MOST_FILES:])

        self._file.change(_origins_in, changed, _to_json)

    def of(self, path: Path) -> Origin | None:
        """Where a file came from; None where that is not known. Whether it still is that file, `verify` tells."""
        try:
            return (self._file.read(_origins_in) or {}).get(str(path.absolute()))
        except UserFacingError as error:
            _log.warning("%s", error)
            return None

    def follow(self, source: Path, target: Path) -> None:
        """As of `following.Follower`."""
        self._file.change(_origins_in, lambda held: followed(held or {}, source, target), _to_json)


def _origins_in(content: Any) -> dict[str, Origin]:
    """What a hand has spoiled is left out, entry by entry."""
    files = content["files"]
    if not isinstance(files, dict):
        raise TypeError("it does not hold files")
    return {key: origin for key, said in files.items() if (origin := _origin_in(said))}


def _origin_in(said: Any) -> Origin | None:
    texts = ("repo_id", "commit", "sha256", "file", "endpoint")
    if not isinstance(said, dict) or type(said.get("size")) is not int:
        return None
    values = {name: said.get(name, "") for name in texts}
    if not all(isinstance(value, str) for value in values.values()):
        return None
    if values["sha256"] and not _SHA256.fullmatch(values["sha256"]):
        return None
    return Origin(size=said["size"], **values)


def _to_json(origins: dict[str, Origin]) -> object:
    return {"files": {key: asdict(origin) for key, origin in origins.items()}}
