"""A small JSON file of the program's own that no accident loses: a crash, a full disk, or a hand that edited it."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from nodetool_xl_desktop.core.errors import UserFacingError

Content = TypeVar("Content")
_log = logging.getLogger(__name__)


class JsonFile:
    """One such file. Its methods touch the disk, and may block.

    Args:
        path: the file; its folder is made when it is first written.
        what: what it holds, as the beginning of a sentence: "The list of models".
    """

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self._what = what

    def read(self, parse: Callable[[Any], Content]) -> Content | None:
        """What it holds; None where nothing was written yet.

        What cannot be understood is set aside, so that the next write is not the end of what a person can still read.

        Args:
            parse: makes the value of what the JSON says; raises ValueError, LookupError or TypeError where it cannot.

        Raises:
            UserFacingError: the disk refused. It may be readable again: do not write over it meanwhile.
        """
        try:
            return parse(json.loads(self.path.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UserFacingError(
                f"{self._what} cannot be read", f"{error.strerror or error} ({self.path})", "Look at the disk."
            ) from error
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            _log.warning("%s cannot be read, and starts anew: %r", self._what, error)
            self._set_aside()
            return None

    def write(self, content: object) -> None:
        """Write beside and rename, so that a power cut leaves the old file or the new one.

        Raises:
            UserFacingError: the disk refused; the old file is as it was.
        """
        text = json.dumps(content, indent=1)  # bytes of a name that are no UTF-8 survive as JSON's escapes
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".saving-") as beside:
                fresh = Path(beside) / self.path.name
                with fresh.open("w", encoding="utf-8") as stream:
                    stream.write(text)
                    stream.flush()
                    os.fsync(stream.fileno())
                fresh.replace(self.path)
        except OSError as error:
            raise UserFacingError(
                f"{self._what} could not be saved", f"{error.strerror or error} ({self.path})", "Look at the disk."
            ) from error

    def _set_aside(self) -> None:
        try:
            self.path.replace(self.path.with_suffix(".unreadable.json"))
        except OSError as error:
            _log.warning("It could not be set aside either: %s", error)
