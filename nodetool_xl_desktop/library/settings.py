"""The settings that a model is loaded with, each found by `tune` on one machine, and kept for that one only.

A home folder may be shared by machines, and a file may be replaced by another of its name: an entry counts for the
machine and the size of the file that it was measured with.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.fit.options import LoadSettings

FILE_NAME = "model-settings.json"
_CPU_INFO = Path("/proc/cpuinfo")
_log = logging.getLogger(__name__)


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
        self._file = JsonFile(paths.data / FILE_NAME, "The settings of the models")
        self._machine = machine or machine_key()
        self._lock = threading.Lock()

    def for_model(self, path: Path) -> LoadSettings:
        """What is kept for this file on this machine; empty where that is nothing.

        It never fails: what cannot be read is nothing, and stands in the log.
        """
        size = _size(path)
        try:
            entry = self._read().get(self._machine, {}).get(_key(path))
        except UserFacingError as error:
            _log.warning("%s", error)
            return LoadSettings()
        if not isinstance(entry, dict):
            if entry is not None:
                _log.warning("The kept settings of %s are no settings", path.name)
            return LoadSettings()
        if size is None or entry.get("size") != size:  # another file of the same name
            return LoadSettings()
        return _settings(entry.get("settings"), path.name)

    def keep(self, path: Path, settings: LoadSettings, measured: Mapping[str, float]) -> None:
        """Keep settings for a file, in place of what was kept.

        Args:
            path: a model file (of a split set: its first part).
            settings: what a load shall get; what is None there is not kept.
            measured: the figures that speak for them, by name; kept for a person who looks into the file.

        Raises:
            UserFacingError: the file is gone, or the settings could not be written.
        """
        size = _size(path)
        if size is None:
            raise UserFacingError("The settings could not be saved", f"{path.name} is gone")
        said = {name: value for name, value in asdict(settings).items() if value is not None}
        with self._lock:
            machines = self._read()
            machines.setdefault(self._machine, {})[_key(path)] = {
                "size": size,
                "settings": said,
                "measured": dict(measured),
            }
            self._write(machines)

    def forget(self, path: Path) -> bool:
        """Forget what is kept for a file on this machine; returns whether there was anything.

        Raises:
            UserFacingError: the settings could not be read or written.
        """
        with self._lock:
            machines = self._read()
            if _key(path) not in machines.get(self._machine, {}):
                return False
            del machines[self._machine][_key(path)]
            if not machines[self._machine]:
                del machines[self._machine]
            self._write(machines)
        return True

    def _read(self) -> dict[str, dict[str, Any]]:
        """Entries by machine and path; another window of the program may have added to them meanwhile."""
        return self._file.read(_machines_in) or {}

    def _write(self, machines: dict[str, dict[str, Any]]) -> None:
        self._file.write({"machines": machines})


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
    names = {field.name for field in fields(LoadSettings)}
    for name, value in said.items():
        kind = bool if name == "flash_attention" else int
        try:
            if name not in names or type(value) is not kind:
                raise UserFacingError("It is no setting")
            one: dict[str, Any] = {name: value}
            settings = LoadSettings(**one).over(settings)
        except UserFacingError as error:
            _log.warning("The kept setting %s = %r of %s is ignored: %s", name, value, model, error)
    return settings
