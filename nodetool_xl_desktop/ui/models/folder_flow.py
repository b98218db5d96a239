"""The folders that My Models looks through: those that are dropped, and the dialog of all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.library.following import Follower
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.ui.models.entries import path_text
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.undo_bar import UndoBar

if TYPE_CHECKING:  # 40 ms, which the window's first picture does not wait for
    from nodetool_xl_desktop.hub.downloads import Downloads
    from nodetool_xl_desktop.ui.models.folders_dialog import FoldersDialog


class FolderFlow(QObject):
    """Adds them, and has them chosen.

    Args:
        library: whose folders they are.
        tasks: runs everything.
        page: the page of the side bar.
        undo: the bar that can be seen, which offers to take something back.
        scan: looks at the disk anew.
        tell: shows an error.
    """

    #: Other folders are looked through now.
    changed = Signal()
    #: The list holds what is on the disk now: `LibraryFlow.listed`.
    listed = Signal()

    def __init__(
        self,
        library: ModelLibrary,
        tasks: Tasks,
        page: ModelsPage,
        undo: Callable[[], UndoBar],
        scan: Callable[[], Awaitable[None]],
        tell: Callable[[UserFacingError], object],
    ) -> None:
        super().__init__(page)
        self._library, self._tasks, self._page = library, tasks, page
        self._undo, self._scan, self._tell = undo, scan, tell
        self._followers: tuple[Follower, ...] = (library, library.about)
        self._downloads: Downloads | None = None
        page.folders_requested.connect(self.show)

    def take_along(self, followers: Sequence[Follower], downloads: Downloads | None) -> None:
        """Have more go along when the program's own folder is moved.

        Args:
            followers: what is kept by the paths of models, beside the list and what a person says.
            downloads: those that go into that folder; None where there are none.
        """
        self._followers = (self._library, self._library.about, *followers)
        self._downloads = downloads

    async def add(self, folders: Sequence[Path]) -> None:
        """Look through these folders too, which were dropped, and say what was found, with a way back.

        Raises:
            UserFacingError: one of them cannot be added; those before it are.
        """
        added: list[Path] = []
        try:
            for folder in folders:
                added.append(await in_thread(partial(self._library.folders.add, folder)))
        finally:
            if added:
                self.changed.emit()
                self._offer_back(added, "")
        await self._scan()
        if self._undo().is_shown:  # it was not taken back or dismissed meanwhile
            count = sum(any(file.path.is_relative_to(folder) for folder in added) for file in self._page.files)
            self._offer_back(
                added,
                trn("{count} model", "{count:,} models", count) if count else tr("no models in it"),
            )

    def _offer_back(self, added: Sequence[Path], found: str) -> None:
        """Say that folders are looked through now, and offer to look through them no longer."""
        name = (
            tr("{folder} added", folder=path_text(Path(added[0].name)))
            if len(added) == 1
            else trn("{count} folder added", "{count:,} folders added", len(added))
        )
        told = f"{name}: {found}" if found else name
        self._undo().offer(told, lambda: self._start(self._remove(added)))

    async def _remove(self, folders: Sequence[Path]) -> None:
        try:
            for folder in folders:
                await in_thread(partial(self._library.folders.remove, folder))
        finally:
            self.changed.emit()

    def show(self) -> FoldersDialog:
        """Open the dialog of the folders that are looked through."""
        from nodetool_xl_desktop.ui.models.folders_dialog import FoldersDialog  # noqa: PLC0415

        dialog = FoldersDialog(
            self._page.theme,
            self._tasks,
            self._library,
            lambda: self._page.files,
            self._followers,
            self._downloads,
            self._page.window(),
        )
        dialog.changed.connect(self.changed)
        self.listed.connect(dialog.recount)
        dialog.open()
        return dialog

    def _start(self, work: Any) -> None:
        self._tasks.start(work, self._tell)
