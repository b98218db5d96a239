"""What a person chose for the whole program: read once after the start, and kept when it is chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.preferences import Preferences, PreferencesFile
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread


class Chosen(QObject):
    """The preferences, beside the window's thread.

    Args:
        file: where they are kept.
        tasks: where that is done.
        tell: hears what the disk refused.
    """

    #: What was chosen before (`Preferences`).
    read = Signal(object)

    def __init__(self, file: PreferencesFile, tasks: Tasks, tell: Callable[[UserFacingError], object]) -> None:
        super().__init__()
        self._file = file
        self._tasks = tasks
        self._tell = tell
        self._now = Preferences()
        self._lock = asyncio.Lock()

    @property
    def now(self) -> Preferences:
        """What is chosen; the defaults before they were read."""
        return self._now

    def start(self) -> None:
        """Read them."""
        self._tasks.start(self._read(), self._tell)

    def choose(self, **chosen: Any) -> None:
        """Keep these fields of `Preferences`."""
        self._tasks.start(self._keep(chosen), self._tell)

    async def _read(self) -> None:
        try:
            async with self._lock:
                self._now = await in_thread(self._file.read)
        finally:  # what the disk refuses is as nobody chose it
            self.read.emit(self._now)

    async def _keep(self, chosen: Mapping[str, Any]) -> None:
        async with self._lock:  # one after the other: the last one stays
            self._now = replace(self._now, **chosen)  # also where the disk refuses
            self._now = await in_thread(partial(self._file.change, **chosen))
