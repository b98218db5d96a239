"""What keeps My Models as the disk is, and does what a person wants with the models in it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.loader import Loader
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.library.following import Follower
from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.library.origins import Origins
from nodetool_xl_desktop.library.settings import Kept
from nodetool_xl_desktop.ui.models.details import read_details
from nodetool_xl_desktop.ui.models.entries import Entry, entries
from nodetool_xl_desktop.ui.models.folders_dialog import FoldersDialog
from nodetool_xl_desktop.ui.models.model_files import ModelFiles
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.models.models_table import ModelsTable
from nodetool_xl_desktop.ui.models.verify_dialog import AskHub
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread

_log = logging.getLogger(__name__)
#: What changes the order of the list.
_ORDERS = frozenset({"favourite", "last_used", "title"})


@dataclass(frozen=True, slots=True)
class FileSources:
    """What is known of a model file.

    Attributes:
        read: reads its header, as `HeaderCache.read`.
        kept_for: what is kept of how it is loaded.
        forget: forgets that.
    """

    read: Callable[[Path], Header]
    kept_for: Callable[[Path], Kept]
    forget: Callable[[Path], object]


class LibraryFlow(QObject):
    """Scans, watches, and keeps what a person says of models.

    Args:
        library: the models.
        loader: what holds the loaded one; it is ejected before its file goes to the trash.
        tasks: runs everything.
        page: the page of the side bar.
        table: the same models in the centre.
        tell: shows an error; with None takes back what was shown.
        sources: what is known of a file.
    """

    #: The list holds what is on the disk now.
    listed = Signal()
    #: What was kept of how this model is loaded is not any more.
    settings_forgotten = Signal(object)

    def __init__(
        self,
        *,
        library: ModelLibrary,
        loader: Loader,
        tasks: Tasks,
        page: ModelsPage,
        table: ModelsTable,
        tell: Callable[[UserFacingError | None], object],
        sources: FileSources,
    ) -> None:
        super().__init__(page)
        self._library, self._tasks = library, tasks
        self._page, self._table, self._tell = page, table, tell
        self._sources = sources
        self._followers: tuple[Follower, ...] = (library.about,)
        self._scanning: asyncio.Task[None] | None = None
        self._again = False
        self._select: Path | None = None
        self._watching: asyncio.Task[None] | None = None
        self._stop_watching = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self.files = ModelFiles(tasks, loader, page, table, self.scan, tell)
        page.offers.about_requested.connect(self._say)
        table.details_changed.connect(self._read_soon)
        table.details.about.said.connect(self._say_of)
        table.details.about.settings_requested.connect(page.select)
        table.details.about.forget_requested.connect(lambda path: self._start(self._forget(path)))
        page.folders_requested.connect(self.show_folders)
        page.selection.model_selected.connect(lambda _path: self._read_soon())

    # The list

    async def scan(self, select: Path | None = None) -> None:
        """Show the library as it is on the disk now; returns when all of it was looked at, or when `select` is there.

        Args:
            select: a model to select as soon as it is found.
        """
        self._select = select or self._select
        if self._scanning is None or self._scanning.done():
            self._scanning = self._tasks.start(self._scan())
        else:
            self._again = True
        self._watch()
        while not self._scanning.done() and (select is None or not self._is_listed(select)):
            heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            connection = self.listed.connect(lambda heard=heard: heard.done() or heard.set_result(None))
            try:
                await asyncio.wait([self._scanning, heard], return_when=asyncio.FIRST_COMPLETED)
            finally:
                self.listed.disconnect(connection)
                heard.cancel()

    def scan_soon(self) -> None:
        """The same, beside everything else."""
        self._tasks.start(self.scan())

    async def _scan(self) -> None:
        is_over = False
        loop = asyncio.get_running_loop()
        rows = self._page.list

        def on_found(files: list[ModelFile], looked: int, total: int) -> None:
            loop.call_soon_threadsafe(show, entries(files, rows.known), looked, total)

        def show(made: list[Entry], looked: int, total: int) -> None:
            if not is_over:
                self._page.show_scan(looked, total)
                self._show(made)

        def look() -> list[Entry]:
            return entries(self._library.scan(on_found, lambda: is_over), rows.known)

        self._again = True
        try:
            while self._again:
                self._again = False
                if not rows.all:
                    self._page.show_scan(0, 0)
                self._show(await in_thread(look))
        except UserFacingError as error:
            self._tell(error)
        finally:
            is_over = True
            self._page.show_scanned()
            self._select = None

    def _show(self, made: list[Entry]) -> None:
        rows, select = self._page.list, self._select
        rows.set_entries(made)
        if select is not None and self._is_listed(select):
            self._select = None
            self._page.listed_again(select)
        else:
            self._page.listed_again()
        self.listed.emit()
        self._show_details()

    def _is_listed(self, path: Path) -> bool:
        return self._page.list.listed_as(path) in self._page.list.known

    def _watch(self) -> None:
        if self._watching is None or self._watching.done():
            self._stop_watching = asyncio.Event()
            self._watching = self._tasks.start(self._hear(self._stop_watching))

    def look_elsewhere(self) -> None:
        """The folders that are looked through are others now."""
        self._stop_watching.set()
        self._watching = None
        self.scan_soon()

    async def _hear(self, stop: asyncio.Event) -> None:
        """Look through the folders anew whenever something below them has changed."""
        from nodetool_xl_desktop.library.watch import changes  # noqa: PLC0415 - after the first paint

        heard = changes(await in_thread(self._library.folders.roots), stop)
        try:
            while True:
                coming = asyncio.ensure_future(anext(heard))
                try:
                    await asyncio.shield(coming)
                except asyncio.CancelledError:  # let it end by itself, with all that it has opened
                    stop.set()
                    await asyncio.wait([coming])
                    if not coming.cancelled():
                        coming.exception()
                    raise
                self.scan_soon()
        except StopAsyncIteration:
            return
        except UserFacingError as error:
            _log.warning("%s", error)

    # What a person says

    def used(self, model: Path) -> None:
        """A model was loaded now."""
        rows = self._page.list
        if (entry := rows.known.get(rows.listed_as(model) or model)) is not None:
            self._say([entry.file], {"last_used": time.time()})

    def _say_of(self, path: Path, name: str, value: object) -> None:
        if (entry := self._page.list.known.get(path)) is not None:
            self._say([entry.file], {name: value})

    def _say(self, files: Sequence[ModelFile], said: dict[str, Any]) -> None:
        """Show it at once, and keep it."""
        these = {file.path for file in files}
        self._page.list.set_files(
            replace(file, about=replace(file.about, **said)) if file.path in these else file
            for file in self._page.list.files
        )
        self._show_details()
        self._start(self._keep(files, said))

    async def _keep(self, files: Sequence[ModelFile], said: dict[str, Any]) -> None:
        def keep() -> None:
            for file in files:
                self._library.about.change(file, **said)

        try:
            await in_thread(keep)
        finally:
            if _ORDERS & said.keys():
                self.scan_soon()

    # Details

    def _show_details(self) -> None:
        """What the list knows of the selected model."""
        details, rows, files = self._table.details, self._page.list, self._page.selection.files
        if not self._table.shows_details:
            return
        if len(files) == 1 and (entry := rows.known.get(files[0].path)) is not None:
            details.show_entry(entry, rows.badges.get(entry.path))
        else:
            details.show_nothing(len(files))

    def _read_soon(self) -> None:
        self._show_details()
        if self._reading is not None:
            self._reading.cancel()
        if self._table.shows_details and (path := self._table.details.shown) is not None:
            self._reading = self._tasks.start(self._read_details(path))

    async def _read_details(self, path: Path) -> None:
        self._table.details.show_read(
            await in_thread(partial(read_details, path, self._sources.read, self._sources.kept_for))
        )

    async def _forget(self, path: Path) -> None:
        await in_thread(partial(self._sources.forget, path))
        self._read_soon()
        self.settings_forgotten.emit(path)

    # Folders

    def know(self, origins: Origins, followers: Sequence[Follower] = (), ask_hub: AskHub | None = None) -> None:
        """Offer to verify models from now on, and have more go along when they are moved.

        Args:
            origins: of what the program downloaded.
            followers: what is kept by the paths of models, beside origins and what a person says.
            ask_hub: for the hash of a file that this disk does not know; None where nobody can be asked.
        """
        self.files.verify_with(origins, ask_hub)
        self._followers = (self._library.about, origins, *followers)

    async def add_folders(self, folders: Sequence[Path]) -> None:
        """Look through these folders too, which were dropped or chosen.

        Raises:
            UserFacingError: one of them cannot be added; those before it are.
        """
        try:
            for folder in folders:
                await in_thread(partial(self._library.folders.add, folder))
        finally:
            self.look_elsewhere()

    def show_folders(self) -> FoldersDialog:
        """Open the dialog of the folders that are looked through."""
        dialog = FoldersDialog(
            self._page.theme, self._tasks, self._library, lambda: self._page.files, self._followers, self._page.window()
        )
        dialog.changed.connect(self.look_elsewhere)
        self.listed.connect(dialog.recount)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def _start(self, work: Any) -> None:
        self._tasks.start(work, self._tell)
