"""Chats into files and out of them: what Chat > Export and Chat > Import do.

The dialogs, with all the forms that they read and write, are imported when one is opened: no start waits for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.parts import file_kinds
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme

FILTER = file_kinds((tr("Chats"), "*.json *.zip *.chat"))


class ExportFlow(QObject):
    """Opens the dialogs; there is at most one of them.

    Args:
        window: above which they stand.
        tasks: where they work.
        theme: the theme in force.
    """

    #: These chats came in: their ids. It may come several times for one import.
    imported = Signal(list)

    def __init__(self, window: QWidget, tasks: Tasks, theme: Theme) -> None:
        super().__init__(window)
        self._window = window
        self._tasks = tasks
        self._theme = theme
        self._store: Store | None = None
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        self._folder = Path(documents) if documents else Path.home()

    def set_store(self, store: Store | None) -> None:
        """The chats are open; None: they are not."""
        self._store = store

    def export(self, ids: Sequence[str] | None = None) -> None:
        """Ask what to export these chats as and where to, and do it; None for all outside of the trash."""
        if self._store is None:
            self._not_open()
        else:
            self._tasks.start(self._open_export(self._store, None if ids is None else tuple(ids)))

    def import_(self) -> None:
        """Ask which files to import, and do it."""
        if self._store is None:
            self._not_open()
            return
        dialog = QFileDialog(self._window, tr("Import Chats"), str(self._folder), FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.import_files([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def import_files(self, files: Sequence[Path]) -> None:
        """Import these files, such as those that were dropped."""
        if self._store is None:
            self._not_open()
            return
        from nodetool_xl_desktop.ui.exchange.import_dialog import ImportDialog  # noqa: PLC0415 - see above

        self._folder = files[0].parent
        dialog = ImportDialog(self._theme, self._tasks, self._store, files, self._window)
        dialog.imported.connect(self.imported)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    async def _open_export(self, store: Store, ids: tuple[str, ...] | None) -> None:
        from nodetool_xl_desktop.exchange import transfer  # noqa: PLC0415 - see above
        from nodetool_xl_desktop.ui.exchange.export_dialog import ExportDialog  # noqa: PLC0415
        from nodetool_xl_desktop.ui.exchange.export_job import Chosen  # noqa: PLC0415

        try:
            which = tuple(await transfer.ids_of_all(store)) if ids is None else ids
            title = (await store.list.chat(which[0])).title if len(which) == 1 else ""
        except UserFacingError as error:
            self._tell(error.what, error.explanation)
            return
        dialog = ExportDialog(
            self._theme, self._tasks, store, Chosen(which, title, ids is None), self._folder, self._window
        )

        def closed() -> None:
            self._folder = dialog.folder
            dialog.deleteLater()

        dialog.finished.connect(closed)
        dialog.open()

    def _not_open(self) -> None:
        self._tell(tr("The chats are not open yet"), tr("Try again in a moment."))

    def _tell(self, what: str, text: str) -> None:
        box = QMessageBox(QMessageBox.Icon.Information, tr("Chats"), what, parent=self._window)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(text)
        box.finished.connect(box.deleteLater)
        box.open()
