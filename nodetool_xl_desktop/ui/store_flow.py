"""How the window comes to its chats: the store is opened behind it, and what is wrong with it is told.

Nothing waits for it but what needs it: the window is there, and a model can be loaded, while a large store is opened.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from nodetool_xl_desktop.store.errors import StoreError, of_system
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread

#: The store is looked after (a backup, the check, the trash) so long after it was opened, when nobody waits for the
#: disk any more, and as often while the program runs; in seconds.
CARE_AFTER_S, CARE_EVERY_S = 15.0, 24 * 3600.0


class StoreFlow(QObject):
    """Opens the store, keeps it in order, and closes it.

    Args:
        folder: where chats are kept.
        tasks: where it is opened.
        use: is given the store when it is open.
    """

    #: It is open: the Store.
    opened = Signal(object)
    #: What is kept is kept for this session only (True), or for good.
    unsaved = Signal(bool)
    #: It could not be opened: a StoreError.
    failed = Signal(object)
    #: Something that a person should be told: Notices.
    noticed = Signal(object)
    #: What streams in cannot be written (a StoreError), or can be again (None).
    problem = Signal(object)

    def __init__(
        self, folder: Path, tasks: Tasks, use: Callable[[Store], Coroutine[Any, Any, None]], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self._tasks = tasks
        self._use = use
        self._store: Store | None = None
        self._unsaved: tempfile.TemporaryDirectory[str] | None = None
        self._is_opening = False

    def start(self, *, begin_anew: bool = False) -> None:
        """Open the store; nothing where it is open, or being opened.

        Args:
            begin_anew: see `Store.open`; the person has agreed.
        """
        if self._store is None and not self._is_opening:
            self._is_opening = True
            self._tasks.start(self._open(self._folder, begin_anew))

    def go_on_unsaved(self) -> None:
        """Keep the chats of this session in a folder that goes with it."""
        if self._store is None and not self._is_opening:
            self._is_opening = True
            self._tasks.start(self._open_unsaved())

    async def close(self) -> None:
        """Write what is new, and give the store back."""
        if self._store is not None:
            await self._store.close()
            self._store = None
        if self._unsaved is not None:
            await in_thread(self._unsaved.cleanup)

    async def _open_unsaved(self) -> None:
        try:
            self._unsaved = await in_thread(lambda: tempfile.TemporaryDirectory(prefix="nodetool-chats-"))
        except OSError as error:
            self._is_opening = False
            self.failed.emit(of_system(error, Path(error.filename or "")))
            return
        await self._open(Path(self._unsaved.name), False)

    async def _open(self, folder: Path, begin_anew: bool) -> None:
        opening = asyncio.ensure_future(Store.open(folder, begin_anew=begin_anew, on_problem=self.problem.emit))
        try:
            await asyncio.wait([opening])
        except asyncio.CancelledError:  # the program ends: what is opened meanwhile is given back
            await asyncio.wait([opening])
            if opening.exception() is None:
                await opening.result().close()
            raise
        finally:
            self._is_opening = False
        try:
            store = self._store = opening.result()
        except StoreError as error:
            self._unsaved = None  # its folder goes with it, and what is opened next may be saved
            self.failed.emit(error)
            return
        await self._use(store)
        self.opened.emit(store)
        self.unsaved.emit(self._unsaved is not None)
        self.noticed.emit(store.notices)
        await asyncio.sleep(CARE_AFTER_S)
        while True:
            self.noticed.emit(tuple(await store.care.all()))
            await asyncio.sleep(CARE_EVERY_S)
