"""What loads really took: a small record for each model and the options that it was loaded with."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.memory import MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.library.following import followed
from nodetool_xl_desktop.library.settings import machine_key

FILE_NAME = "loads.json"
#: Of one model, the newest; a slider makes many.
KEPT_OF_A_MODEL = 8
_log = logging.getLogger(__name__)


class LoadRecords:
    """What loads took on this machine, in one JSON file of the data folder. Its methods touch the disk, and may block.

    A record counts for the size of the file that was loaded: another file of its name is another model.

    Args:
        paths: the program's folders.
        machine: the key of this machine, None for its own.
    """

    def __init__(self, paths: Paths, machine: str | None = None) -> None:
        self._file = JsonFile(paths.data / FILE_NAME, tr("The record of what loads took"))
        self._machine = machine or machine_key()

    def taken(self, path: Path) -> dict[str, int]:
        """The bytes that loads of this file took, by `key` of their options; never fails."""
        try:
            entry = self._read().get(self._machine, {}).get(str(path.absolute()))
            return dict(_records(entry, path.stat().st_size))
        except (UserFacingError, OSError, ValueError) as error:
            _log.warning("What %s took is not known: %s", path.name, error)
            return {}

    def keep(self, path: Path, options: LoadOptions, taken: MemoryUse) -> None:
        """Keep what a load took.

        Raises:
            UserFacingError: the file is gone, or the record could not be written.
        """
        try:
            size = path.stat().st_size
        except (OSError, ValueError) as error:
            raise UserFacingError(
                tr("What the load took could not be saved"), tr("{name} is gone", name=path.name)
            ) from error

        def changed(held: dict[str, dict[str, Any]] | None) -> dict[str, dict[str, Any]]:
            machines = held or {}
            models = machines.setdefault(self._machine, {})
            records = _records(models.get(str(path.absolute())), size)
            records.pop(key(options), None)
            newest = {key(options): taken.total, **records}
            models[str(path.absolute())] = {"size": size, "taken": dict(list(newest.items())[:KEPT_OF_A_MODEL])}
            return machines

        self._file.change(_machines_in, changed, lambda machines: {"machines": machines})

    def follow(self, source: Path, target: Path) -> None:
        """As of `following.Follower`."""
        self._file.change(
            _machines_in,
            lambda held: {machine: followed(kept, source, target) for machine, kept in (held or {}).items()},
            lambda machines: {"machines": machines},
        )

    def _read(self) -> dict[str, dict[str, Any]]:
        return self._file.read(_machines_in) or {}


def key(options: LoadOptions) -> str:
    """What tells one set of options from another, of all that changes memory."""
    said = asdict(replace(options, threads=1, cache_ram_mib=0, ubatch=options.physical_batch))
    if not options.projector:
        del said["projector"]  # what was kept before there was such a setting stays known
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def _machines_in(content: Any) -> dict[str, dict[str, Any]]:
    machines: dict[str, dict[str, Any]] = content["machines"]
    if not isinstance(machines, dict) or not all(isinstance(models, dict) for models in machines.values()):
        raise TypeError("it does not hold machines with their models")
    return machines


def _records(entry: Any, size: int) -> dict[str, int]:
    """The records of one file, without what a hand has spoiled."""
    if not isinstance(entry, dict) or entry.get("size") != size or not isinstance(entry.get("taken"), dict):
        return {}
    return {name: taken for name, taken in entry["taken"].items() if type(taken) is int and taken >= 0}
