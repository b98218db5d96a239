"""What a person says of models on its way to the disk: shown at once, kept in the order in which it was said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.ui.models.model_rows import ModelRows
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread

#: What changes the order of the list.
_ORDERS = frozenset({"favourite", "last_used", "title"})
#: How long the end of the program waits for a disk that does not answer, in seconds.
_LONGEST_S = 5.0


class Sayings(QObject):
    """Keeps it.

    Args:
        library: whose models they are.
        rows: the models that are listed.
        tasks: runs everything.
        tell: shows an error.
        parent: of this.
    """

    #: Something was said, and is shown.
    said = Signal()
    #: It is kept, and changes the order of the list.
    order_changed = Signal()

    def __init__(
        self,
        library: ModelLibrary,
        rows: ModelRows,
        tasks: Tasks,
        tell: Callable[[UserFacingError], object],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._library, self._rows, self._tasks, self._tell = library, rows, tasks, tell
        self._turn = asyncio.Lock()
        self._keeping: set[asyncio.Task[None]] = set()

    def used(self, model: Path) -> None:
        """A model was loaded now."""
        if (entry := self._rows.known.get(self._rows.listed_as(model) or model)) is not None:
            self.say([entry.file], {"last_used": time.time()})

    def say_of(self, file: ModelFile, name: str, value: object) -> None:
        """One thing of one model; also of one that has just left the list, as it may come back or lie elsewhere."""
        entry = self._rows.known.get(file.path)
        self.say([entry.file if entry is not None else file], {name: value})

    def say(self, files: Sequence[ModelFile], said: dict[str, Any]) -> None:
        """Show it at once, and keep it."""
        these = {file.path for file in files}
        if not these.isdisjoint(self._rows.known):
            self._rows.set_files(
                replace(file, about=replace(file.about, **said)) if file.path in these else file
                for file in self._rows.files
            )
            self.said.emit()
        task = self._tasks.start(self._keep(files, said), self._tell)
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def kept(self) -> None:
        """Wait until all of it is on the disk; not for ever."""
        if self._keeping:
            await asyncio.wait(self._keeping, timeout=_LONGEST_S)

    async def _keep(self, files: Sequence[ModelFile], said: dict[str, Any]) -> None:
        def keep() -> None:
            for file in files:
                self._library.about.change(file, **said)

        try:
            async with self._turn:  # what was said last stays
                await in_thread(keep)
        finally:
            if _ORDERS & said.keys():
                self.order_changed.emit()
