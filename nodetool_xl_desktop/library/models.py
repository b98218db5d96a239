"""My Models: the files in the program's own folder, and every file that was ever dropped or opened.

Files are used where they are; the list only remembers their paths.
"""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path

from nodetool_xl_desktop.core.paths import Paths

_log = logging.getLogger(__name__)
#: A later part of a split set is no model of its own.
_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
#: What a file's name says of its quantization, at its end: "-Q4_K_M", ".IQ2_XS", "-UD-Q6_K_XL", "-F16", "-MXFP4".
_QUANTIZATION = re.compile(r"[-_. ](?:UD-)?(I?Q\d\w*|TQ\d_0|B?F16|F32|MXFP4\w*)$", re.IGNORECASE)
_SPLIT = re.compile(r"-\d{5}-of-\d{5}$")


def title(path: Path) -> str:
    """A model's name as people say it, from its file's: "Llama 3.1 8B Instruct".

    Not `general.name`: that is often a name of the training run ("Smollm2 135M 8k Lc100K Mix1 Ep2").
    """
    stem = _QUANTIZATION.sub("", _SPLIT.sub("", path.stem))
    return stem.replace("-", " ").replace("_", " ").strip() or path.stem


def quantization(path: Path) -> str:
    """The quantization that a file's name says, or nothing."""
    match = _QUANTIZATION.search(_SPLIT.sub("", path.stem))
    return match[1].upper() if match else ""


class ModelLibrary:
    """The list of models, newest first, kept in one small JSON file."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._opened = self._read()

    def models(self) -> list[Path]:
        """Every known model file that is still there: what was opened last comes first, then the program's own."""
        found = [path for path in self._opened if path.is_file()]
        own = sorted(self._paths.models.glob("*.gguf"), key=lambda path: path.name.lower())
        return found + [path for path in own if path not in found and not _LATER_PART.search(path.name)]

    def add(self, path: Path) -> Path:
        """Remember a file that was dropped or opened, before the others; returns its absolute path.

        Raises:
            OSError: the list could not be written; the model is listed until the program ends.
        """
        path = path.absolute()
        self._opened = [path, *(other for other in self._opened if other != path)]
        self._write()
        return path

    def remove(self, path: Path) -> None:
        """Forget an opened file; the file itself stays.

        Raises:
            OSError: the list could not be written.
        """
        self._opened = [other for other in self._opened if other != path]
        self._write()

    def _read(self) -> list[Path]:
        file = self._paths.library_file
        try:
            entries = json.loads(file.read_text(encoding="utf-8"))["models"]
            return [Path(entry) for entry in entries if isinstance(entry, str)]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
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

    def _write(self) -> None:
        """Write beside and rename, so that a power cut leaves the old list or the new one."""
        file = self._paths.library_file
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        # "surrogateescape" names (bytes that are no UTF-8) survive as JSON escapes.
        content = json.dumps({"models": [str(path) for path in self._opened]}, indent=1)
        with fresh.open("w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(file)
