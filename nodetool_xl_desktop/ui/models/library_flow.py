"""What keeps My Models as the disk is, and does what a person wants with the models in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.loader import Loader
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.library.following import Follower
from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.library.origins import Origins
from nodetool_xl_desktop.library.settings import Kept
from nodetool_xl_desktop.ui.models.entries import Entry, entries
from nodetool_xl_desktop.ui.models.folder_flow import FolderFlow
from nodetool_xl_desktop.ui.models.model_files import ModelFiles
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.models.sayings import Sayings
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.undo_bar import UndoBar

if TYPE_CHECKING:  # 40 ms, which the window's first picture does not wait for
    from nodetool_xl_desktop.hub.downloads import Downloads
    from nodetool_xl_desktop.ui.models.models_table import ModelsTable
    from nodetool_xl_desktop.ui.models.verify_dialog import AskHub

_log = logging.getLogger(__name__)


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
        tell: shows an error; with None takes back what was shown.
        sources: what is known of a file.
    """

    #: The list holds what is on the disk now.
    listed = Signal()
    #: What was kept of how this model is loaded is not any more.
    settings_forgotten = Signal(object)
    #: The table was asked for, for the first time (a `ModelsTable`).
    table_made = Signal(object)

    def __init__(
        self,
        *,
        library: ModelLibrary,
        loader: Loader,
        tasks: Tasks,
        page: ModelsPage,
        tell: Callable[[UserFacingError | None], object],
        sources: FileSources,
    ) -> None:
        super().__init__(page)
        self._library, self._tasks = library, tasks
        self._page, self._tell = page, tell
        self._has_table = False
        self._sources = sources
        self._scanning: asyncio.Task[None] | None = None
        self._again = False
        self._select: Path | None = None
        self._watching: asyncio.Task[None] | None = None
        self._stop_watching = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self.files = ModelFiles(tasks, loader, page, self._undo, self.scan, tell)
        self.folders = FolderFlow(library, tasks, page, self._undo, self.scan, tell)
        self.sayings = Sayings(library, page.list, tasks, tell, self)
        self.sayings.said.connect(self._show_details)
        self.sayings.order_changed.connect(self.scan_soon)
        page.offers.about_requested.connect(self.sayings.say)
        if (application := QGuiApplication.instance()) is not None:
            application.applicationStateChanged.connect(self._come_back)  # type: ignore[attr-defined]
        page.offers.details_requested.connect(lambda: self.table.show_about())  # noqa: PLW0108 - made then
        page.offers.notes_requested.connect(lambda: self.table.edit_notes())  # noqa: PLW0108
        self.folders.changed.connect(self.look_elsewhere)
        self.listed.connect(self.folders.listed)
        page.selection.model_selected.connect(lambda _path: self._read_soon())

    @cached_property
    def table(self) -> ModelsTable:
        """The same models in the centre, made when they are first asked for."""
        from nodetool_xl_desktop.ui.models.models_table import ModelsTable  # noqa: PLC0415

        table = ModelsTable(self._page.theme, self._page)
        self._has_table = True
        table.details_changed.connect(self._read_soon)
        table.details.about.said.connect(self.sayings.say_of)
        table.details.about.settings_requested.connect(self._show_settings)
        table.details.about.forget_requested.connect(lambda path: self._start(self._forget(path)))
        self.table_made.emit(table)
        return table

    def _show_settings(self, path: Path) -> None:
        self._page.select(path)
        self._page.settings_requested.emit()

    def _undo(self) -> UndoBar:
        return self.table.undo if self._has_table and self.table.isVisible() else self._page.undo

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
                self._page.show_unwatched(None)
                self.scan_soon()
        except StopAsyncIteration:
            return
        except UserFacingError as error:
            self._page.show_unwatched(error)

    def _come_back(self, state: Qt.ApplicationState) -> None:
        """What nobody watches is looked through when a person comes back from where they may have changed it."""
        if state is Qt.ApplicationState.ApplicationActive and self._page.is_unwatched:
            self.scan_soon()

    # Details

    @property
    def _shows_details(self) -> bool:
        return self._has_table and self.table.shows_details

    def _show_details(self) -> None:
        """What the list knows of the selected model."""
        if not self._shows_details:
            return
        details, rows, files = self.table.details, self._page.list, self._page.selection.files
        if len(files) == 1 and (entry := rows.known.get(files[0].path)) is not None:
            details.show_entry(entry, rows.badges.get(entry.path))
        else:
            details.show_nothing(len(files))

    def _read_soon(self) -> None:
        self._show_details()
        if self._reading is not None:
            self._reading.cancel()
        if self._shows_details and (path := self.table.details.shown) is not None:
            self._reading = self._tasks.start(self._read_details(path))

    async def _read_details(self, path: Path) -> None:
        from nodetool_xl_desktop.ui.models.details import read_details  # noqa: PLC0415 - made with the table

        self.table.details.show_read(
            await in_thread(partial(read_details, path, self._sources.read, self._sources.kept_for))
        )

    async def _forget(self, path: Path) -> None:
        await in_thread(partial(self._sources.forget, path))
        self._read_soon()
        self.settings_forgotten.emit(path)

    async def close(self) -> None:
        """The program ends: no word that was typed is lost."""
        if self._has_table:
            self.table.details.about.keep()
        await self.sayings.kept()

    # What is known beside the library

    def know(
        self,
        origins: Origins,
        followers: Sequence[Follower] = (),
        ask_hub: AskHub | None = None,
        downloads: Downloads | None = None,
    ) -> None:
        """Offer to verify models from now on, and have more go along when they are moved.

        Args:
            origins: of what the program downloaded.
            followers: what is kept by the paths of models, beside origins and what a person says.
            ask_hub: for the hash of a file that this disk does not know; None where nobody can be asked.
            downloads: those that go into the program's own folder; None where there are none.
        """
        self.files.verify_with(origins, ask_hub)
        self.folders.take_along((origins, *followers), downloads)

    def _start(self, work: Any) -> None:
        self._tasks.start(work, self._tell)
