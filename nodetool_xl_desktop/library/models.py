"""My Models: the files in the program's own folder, and every file that was ever dropped or opened.

Files are used where they are; the list only remembers their paths.
"""

from __future__ import annotations

import json
import logging
import os
import re
import stat
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths

_log = logging.getLogger(__name__)
#: A later part of a split set is no model of its own.
_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
#: What a file's name says of its quantization, at its end: "-Q4_K_M", ".IQ2_XS", "-UD-Q6_K_XL", "-F16", "-MXFP4".
_QUANTIZATION = re.compile(r"[-_. ](?:UD-|i1-)?(I?Q\d\w*|TQ\d_0|B?F16|FP16|F32|MXFP4\w*)$", re.IGNORECASE)
_SPLIT = re.compile(r"-\d{5}-of-\d{5}$")


def title(path: Path) -> str:
    """A model's name as people say it, from its file's: "Llama 3.1 8B Instruct".

    Not `general.name`: that is often a name of the training run ("Smollm2 135M 8k Lc100K Mix1 Ep2").
    """
    stem = _QUANTIZATION.sub("", _SPLIT.sub("", path.stem))
    # A file's name may hold line feeds and worse; a list has one line for it.
    words = "".join(letter if letter.isprintable() else " " for letter in stem.replace("-", " ").replace("_", " "))
    return " ".join(words.split()) or path.name


def quantization(path: Path) -> str:
    """The quantization that a file's name says, or nothing."""
    match = _QUANTIZATION.search(_SPLIT.sub("", path.stem))
    return match[1].upper() if match else ""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model of the list.

    Attributes:
        path: its file; of a split set the first.
        size: of that file, in bytes.
        own: whether it lies in the program's own folder.
    """

    path: Path
    size: int
    own: bool

    @property
    def title(self) -> str:
        """Its name as people say it."""
        return title(self.path)

    @property
    def quantization(self) -> str:
        """What its file's name says of that."""
        return quantization(self.path)

    @property
    def full_title(self) -> str:
        """Name and quantization, which tell two builds of one model apart."""
        return " ".join(part for part in (self.title, self.quantization) if part)


class ModelLibrary:
    """The list of models, newest first, kept in one small JSON file. Its methods touch the disk, and may block."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self._opened: list[Path] = []  # since the start: listed even where the list cannot be saved

    def scan(self) -> list[ModelFile]:
        """Every known model that is still there: what was opened last comes first, then the program's own."""
        try:
            opened = self._known()
        except UserFacingError as error:
            _log.warning("%s", error)
            opened = self._opened
        own = sorted(self._paths.models.glob("*.gguf"), key=lambda path: path.name.lower())
        files = [_model_file(path, own=path in own) for path in opened]
        files += [
            _model_file(path, own=True) for path in own if path not in opened and not _LATER_PART.search(path.name)
        ]
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
        file = self._paths.library_file
        try:
            entries = json.loads(file.read_text(encoding="utf-8"))["models"]
            return [Path(entry) for entry in entries if isinstance(entry, str)]
        except (FileNotFoundError, NotADirectoryError):  # nothing was opened yet
            return []
        except OSError as error:  # it may be readable again: nothing is written over it meanwhile
            raise UserFacingError(
                "The list of models cannot be read", f"{error.strerror or error} ({file})", "Look at the disk."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            # The next write must not be the end of what can still be read by a person.
            _log.warning("The list of models cannot be read, and starts anew: %s", error)
            self._set_aside(file)
            return []

    @staticmethod
    def _set_aside(file: Path) -> None:
        try:
            file.replace(file.with_suffix(".unreadable.json"))
        except OSError as error:
            _log.warning("It could not be set aside either: %s", error)

    def _write(self, models: list[Path]) -> None:
        """Write beside and rename, so that a power cut leaves the old list or the new one."""
        file = self._paths.library_file
        # "surrogateescape" names (bytes that are no UTF-8) survive as JSON escapes.
        content = json.dumps({"models": [str(path) for path in models]}, indent=1)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=file.parent, prefix=".saving-") as folder:
                fresh = Path(folder) / file.name
                with fresh.open("w", encoding="utf-8") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                fresh.replace(file)
        except OSError as error:
            raise UserFacingError(
                "The list of models could not be saved", f"{error.strerror or error} ({file})", "Look at the disk."
            ) from error


def _model_file(path: Path, *, own: bool) -> ModelFile | None:
    """None where it is no file, or cannot be looked at: a folder may be closed, a disk may be gone."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return ModelFile(path, status.st_size, own) if stat.S_ISREG(status.st_mode) else None
