"""The settings that a model is loaded with: found by `tune` on one machine, or chosen by a person there, and kept for
that machine only.

A home folder may be shared by machines, and a file may be replaced by another of its name: an entry counts for the
machine and the size of the file that it was made for. What was found and what was chosen stand side by side in it, so
that a person who goes back to the defaults does not lose what was measured.
"""

from __future__ import annotations

import logging
import os
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.options import LoadOptions, LoadSettings
from nodetool_xl_desktop.library.following import followed

FILE_NAME = "model-settings.json"
#: What the value of each setting is in the file. A later version may know more of them: those are passed over.
_KINDS = {field.name: bool if field.name == "flash_attention" else type(field.default) for field in fields(LoadOptions)}
_CPU_INFO = Path("/proc/cpuinfo")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept for one model.

    Attributes:
        found: measured by `tune`.
        chosen: by a person; it goes before.
    """

    found: LoadSettings = LoadSettings()  # noqa: RUF009 - it cannot change
    chosen: LoadSettings = LoadSettings()  # noqa: RUF009

    @property
    def wanted(self) -> LoadSettings:
        """What a person chose, without what cannot be beside what was found since."""
        if self.chosen.over(self.found).conflict:
            return replace(self.chosen, kv_type_v=None, flash_attention=None)
        return self.chosen


def machine_key(cpu_info: Path = _CPU_INFO) -> str:
    """What tells this machine from another that may share the folder: "AMD Ryzen 7 5800X, 16 cores".

    Args:
        cpu_info: where Linux names the processor; `platform` does not know its name there.
    """
    try:
        name = re.search(r"^model name\s*:\s*(.+)$", cpu_info.read_text(encoding="utf-8", errors="replace"), re.M)
    except OSError:
        name = None
    processor = name[1] if name else platform.processor() or platform.machine()
    return f"{' '.join(processor.split())}, {os.cpu_count() or 1} cores"


class ModelSettings:
    """Kept settings, in one small JSON file of the data folder. Its methods touch the disk, and may block.

    Args:
        paths: the program's folders.
        machine: the key of this machine, None for its own.
    """

    def __init__(self, paths: Paths, machine: str | None = None) -> None:
        self._file = JsonFile(paths.data / FILE_NAME, tr("The record of model settings"))
        self._machine = machine or machine_key()

    def for_model(self, path: Path) -> LoadSettings:
        """What is kept for this file on this machine, a person's choice first; empty where that is nothing.

        It never fails: what cannot be read is nothing, and stands in the log.
        """
        kept = self.kept(path)
        return kept.wanted.over(kept.found)

    def kept(self, path: Path) -> Kept:
        """The same, told apart by who said it."""
        size = _size(path)
        try:
            entry = self._read().get(self._machine, {}).get(_key(path))
        except UserFacingError as error:
            _log.warning("%s", error)
            return Kept()
        if not isinstance(entry, dict):
            if entry is not None:
                _log.warning("The kept settings of %s are no settings", path.name)
            return Kept()
        if size is None or entry.get("size") != size:  # another file of the same name
            return Kept()
        chosen = _settings(entry["chosen"], path.name) if "chosen" in entry else LoadSettings()
        return Kept(_settings(entry.get("settings"), path.name), chosen)

    def keep(self, path: Path, settings: LoadSettings, measured: Mapping[str, float]) -> None:
        """Keep settings that were found for a file, in place of what was found before, and of what a person chose of
        the same settings; the rest of that choice stays.

        Args:
            path: a model file (of a split set: its first part).
            settings: what a load shall get; what is None there is not kept.
            measured: the figures that speak for them, by name; kept for a person who looks into the file.

        Raises:
            UserFacingError: the file is gone, or the settings could not be written.
        """
        said = _said(settings)
        self._keep(
            path,
            lambda entry: {
                "settings": said,
                "measured": dict(measured),
                "chosen": {name: value for name, value in entry.get("chosen", {}).items() if name not in said},
            },
        )

    def choose(self, path: Path, chosen: LoadSettings) -> None:
        """Keep what a person chose for a file, in place of what was chosen before; what was found stays beside it.

        Args:
            path: a model file (of a split set: its first part).
            chosen: what a load shall get whatever was found; nothing takes the choice back.

        Raises:
            UserFacingError: the file is gone, or the settings could not be written.
        """
        self._keep(path, lambda _entry: {"chosen": _said(chosen)})

    def _keep(self, path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Change the entry of a file; `change` gets what it is, and returns what becomes of it."""
        size = _size(path)
        if size is None:
            raise UserFacingError(tr("The settings could not be saved"), tr("{name} is gone", name=path.name))

        def changed(held: dict[str, dict[str, Any]] | None) -> dict[str, dict[str, Any]]:
            machines = held or {}
            entry = machines.setdefault(self._machine, {}).get(_key(path))
            if not isinstance(entry, dict) or entry.get("size") != size:
                entry = {"size": size, "settings": {}, "measured": {}}
            if not isinstance(entry.get("chosen"), dict):
                entry = {**entry, "chosen": {}}
            machines[self._machine][_key(path)] = {**entry, **change(entry)}
            return machines

        self._file.change(_machines_in, changed, _as_json)

    def forget(self, path: Path) -> bool:
        """Forget what is kept for a file on this machine; returns whether there was anything.

        Raises:
            UserFacingError: the settings could not be read or written.
        """
        if _key(path) not in self._read().get(self._machine, {}):  # so that nothing is written where nothing is kept
            return False
        forgotten = []

        def changed(held: dict[str, dict[str, Any]] | None) -> dict[str, dict[str, Any]]:
            machines = held or {}
            models = machines.get(self._machine, {})
            if _key(path) in models:
                forgotten.append(models.pop(_key(path)))
            return {machine: kept for machine, kept in machines.items() if kept or machine != self._machine}

        self._file.change(_machines_in, changed, _as_json)
        return bool(forgotten)

    def follow(self, source: Path, target: Path) -> None:
        """As of `following.Follower`."""
        self._file.change(
            _machines_in,
            lambda held: {machine: followed(kept, source, target) for machine, kept in (held or {}).items()},
            _as_json,
        )

    def _read(self) -> dict[str, dict[str, Any]]:
        """Entries by machine and path; another program may have added to them meanwhile."""
        return self._file.read(_machines_in) or {}


def _as_json(machines: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"machines": machines}


def _said(settings: LoadSettings) -> dict[str, Any]:
    """Those that are said."""
    return {name: value for name, value in asdict(settings).items() if value is not None}


def _key(path: Path) -> str:
    return str(path.absolute())


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return None


def _machines_in(content: Any) -> dict[str, dict[str, Any]]:
    machines: dict[str, dict[str, Any]] = content["machines"]
    if not isinstance(machines, dict) or not all(isinstance(models, dict) for models in machines.values()):
        raise TypeError("it does not hold machines with their models")
    return machines


def _settings(said: Any, model: str) -> LoadSettings:
    """What an entry says, without what a hand has spoiled."""
    settings = LoadSettings()
    if not isinstance(said, dict):
        _log.warning("The kept settings of %s are no settings", model)
        return settings
    for name, value in said.items():
        try:
            if name not in _KINDS or type(value) is not _KINDS[name]:
                raise UserFacingError(tr("It is no setting"))
            one: dict[str, Any] = {name: value}
            settings = LoadSettings(**one).over(settings)
        except UserFacingError as error:
            _log.warning("The kept setting %s = %r of %s is ignored: %s", name, value, model, error)
    return settings
