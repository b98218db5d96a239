"""A small JSON file of the program's own that no accident loses: a crash, a full disk, a hand that edited it, another
program that writes it at the same moment.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.lock import PATIENCE_S, locked
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.whole_file import sweep, write_whole

Content = TypeVar("Content")
#: So many are kept that could not be understood.
_MOST_ASIDE = 20
_log = logging.getLogger(__name__)


class JsonFile:
    """One such file. Its methods touch the disk, and may block.

    Args:
        path: the file; its folder is made when it is first written.
        what: what it holds, one thing at the beginning of a sentence: "The list of models".
        patience_s: how long `change` waits for another program that is changing it, in seconds.
    """

    def __init__(self, path: Path, what: str, patience_s: float = PATIENCE_S) -> None:
        self.path = path
        self._what = what
        self._patience_s = patience_s
        self._lock = path.with_name(f".{path.name}.lock")

    def read(self, parse: Callable[[Any], Content]) -> Content | None:
        """What it holds; None where nothing was written yet.

        What cannot be understood is set aside, so that the next write is not the end of what a person can still read.

        Args:
            parse: makes the value of what the JSON says; raises ValueError, LookupError or TypeError where it cannot.

        Raises:
            UserFacingError: the disk refused. It may be readable again: do not write over it meanwhile.
        """
        try:
            return self._read(parse)
        except _Unreadable:
            with contextlib.suppress(OSError), locked(self._lock, self._patience_s):
                return self._read_or_set_aside(parse)  # another program may have mended it since
            return None

    def change(
        self,
        parse: Callable[[Any], Content],
        change: Callable[[Content | None], Content],
        to_json: Callable[[Content], object] = lambda content: content,
    ) -> Content:
        """Read, change and write it as one step that no other program comes between; returns what it holds now.

        Two that change it at once wait for each other, whether they are threads, windows or commands. What is equal
        to what stood there is not written.

        Args:
            parse: as of `read`.
            change: gets what it holds (None: nothing yet), returns what it shall hold. It should be quick, and must not
                change the same file: others wait. What it raises goes through, and nothing is written.
            to_json: makes JSON of that.

        Raises:
            UserFacingError: the disk refused, or another program has been changing it for too long; it is as it was.
        """
        with contextlib.ExitStack() as alone:
            try:
                alone.enter_context(locked(self._lock, self._patience_s))
            except OSError as error:
                raise self._not_saved(error) from error
            sweep(self.path)
            held = self._read_or_set_aside(parse)
            before = None if held is None else json.dumps(to_json(held))  # `change` may change it in place
            content = change(held)
            said = to_json(content)
            if json.dumps(said) != before:
                self.write(said)
        return content

    def write(self, content: object) -> None:
        """Write beside and rename, so that a power cut leaves the old file or the new one. For what is replaced as a
        whole: what adds to it is a `change`.

        Raises:
            UserFacingError: the disk refused; the old file is as it was.
        """
        text = json.dumps(content, indent=1)  # bytes of a name that are no UTF-8 survive as JSON's escapes
        try:
            write_whole(self.path, text)
        except OSError as error:
            raise self._not_saved(error) from error

    def _read(self, parse: Callable[[Any], Content]) -> Content | None:
        try:
            return parse(json.loads(self.path.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UserFacingError(
                # Translators: {what} is one thing: "The list of models"
                tr("{what} cannot be read", what=self._what),
                f"{error.strerror or error} ({self.path})",
                tr("Look at the disk."),
            ) from error
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:  # Overflow: 1e999
            raise _Unreadable(repr(error)) from error

    def _read_or_set_aside(self, parse: Callable[[Any], Content]) -> Content | None:
        """For who holds the lock: else it could be the good file of another that is set aside."""
        try:
            return self._read(parse)
        except _Unreadable as error:
            _log.warning("%s cannot be read, and starts anew: %s", self._what, error)
            try:
                self.path.replace(self._aside())
            except OSError as refused:
                _log.warning("It could not be set aside either: %s", refused)
            return None

    def _aside(self) -> Path:
        """A name that is free, as what was set aside before may be what a person still looks for."""
        names = (self.path.with_suffix(f".unreadable{number}.json") for number in ("", *range(2, _MOST_ASIDE + 1)))
        *first, last = names
        return next((path for path in first if not os.path.lexists(path)), last)

    def _not_saved(self, error: OSError) -> UserFacingError:
        return UserFacingError(
            # Translators: {what} is one thing: "The list of models"
            tr("{what} could not be saved", what=self._what),
            f"{error.strerror or error} ({self.path})",
            tr("Look at the disk."),
        )


class _Unreadable(Exception):
    """It holds something else."""
