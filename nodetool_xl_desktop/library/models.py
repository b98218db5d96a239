"""My Models: the files in the program's own folder, and every file that was ever dropped or opened.

Files are used where they are; the list only remembers their paths.
"""

from __future__ import annotations

import logging
import stat
import threading
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.gguf.names import read_name
from nodetool_xl_desktop.library.model_file import ModelFile, Place

_log = logging.getLogger(__name__)


class ModelLibrary:
    """The list of models, newest first, kept in one small JSON file. Its methods touch the disk, and may block."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._file = JsonFile(paths.library_file, "The list of models")
        self._lock = threading.Lock()
        self._opened: list[Path] = []  # since the start: listed even where the list cannot be saved

    def scan(self) -> list[ModelFile]:
        """Every known model that is still there: what was opened last comes first, then the program's own."""
        try:
            opened = self._known()
        except UserFacingError as error:
            _log.warning("%s", error)
            opened = self._opened
        # What was fetched from a hub lies in folders of its own, by organisation and repository.
        own = sorted(self._paths.models.rglob("*.gguf"), key=lambda path: path.name.lower())
        files = [_model_file(path, Place.OWN if path in own else Place.OPENED) for path in opened]
        files += [_model_file(path, Place.OWN) for path in own if path not in opened and read_name(path.name).part == 1]
        return [file for file in files if file is not None]

    def add(self, path: Path) -> Path:
        """Remember a file that was dropped or opened, before the others; returns its absolute path.

        Raises:
            UserFacingError: the list could not be written.
        """
        path = path.absolute()
        with self._lock:
            self._opened = [path, *(other for other in self._opened if other != path)]
            self._write(self._known())
        return path

    def remove(self, path: Path) -> None:
        """Forget an opened file; the file itself stays.

        Raises:
            UserFacingError: the list could not be written.
        """
        with self._lock:
            self._opened = [other for other in self._opened if other != path]
            self._write([other for other in self._known() if other != path])

    def _known(self) -> list[Path]:
        """What was opened, newest first; another window of the program may have added to the file meanwhile."""
        return [*self._opened, *(path for path in self._read() if path not in self._opened)]

    def _read(self) -> list[Path]:
        return self._file.read(_paths_in) or []

    def _write(self, models: list[Path]) -> None:
        self._file.write({"models": [str(path) for path in models]})


def _paths_in(content: Any) -> list[Path]:
    return [Path(entry) for entry in content["models"] if isinstance(entry, str)]


def _model_file(path: Path, place: Place) -> ModelFile | None:
    """None where it is no file, or cannot be looked at: a folder may be closed, a disk may be gone."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return ModelFile(path, status.st_size, place) if stat.S_ISREG(status.st_mode) else None
