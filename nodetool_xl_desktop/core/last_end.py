"""How the program ended the last time: properly, or by a fault in compiled code that no line of Python can catch.

The interpreter itself then writes where it was into a file that was opened before. One that is found at the next start,
with something in it, is the word of a program that did not get to remove it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
from pathlib import Path
from typing import TextIO

_NOW, _LAST = "crash-now.txt", "crash-last.txt"
#: Enough for the stacks of a hundred threads.
MOST_BYTES = 200_000
_log = logging.getLogger(__name__)


class LastEnd:
    """One for each program that has the window of a data folder; its methods touch the disk.

    Args:
        folder: of the log.
    """

    def __init__(self, folder: Path) -> None:
        self._now, self._last = folder / _NOW, folder / _LAST
        self._file: TextIO | None = None
        #: Whether the program before this one was ended by a fault.
        self.was_crash = False

    def begin(self) -> None:
        """Look at how the last one ended, and have a fault in this one written down."""
        try:
            self._now.parent.mkdir(parents=True, exist_ok=True)
            if self._now.exists() and self._now.stat().st_size:
                self._now.replace(self._last)
                self.was_crash = True
            self._file = self._now.open("w", encoding="utf-8")
        except OSError as error:
            _log.warning("A crash would not be written down: %s", error)
            return
        faulthandler.enable(self._file)

    def end(self) -> None:
        """The program ends properly."""
        if self._file is not None:
            faulthandler.disable()
            self._file.close()
            self._file = None
            with contextlib.suppress(OSError):
                self._now.unlink()

    def told(self) -> str:
        """Where the program before this one was when it was ended, as the interpreter says it; empty for none."""
        try:
            with self._last.open(encoding="utf-8", errors="replace") as file:
                return file.read(MOST_BYTES).strip() if self.was_crash else ""
        except OSError:
            return ""
