"""Saves a text as a file: asks where, writes it beside the window, and says what came of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import file_kinds
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread


class SaveAs(QObject):
    """One text that is saved. It belongs to the window: what asked for it may be gone when the file is written.

    Args:
        window: the dialog stands over it.
        text: all of the file.
        name: that the file would have, with what it ends with.
    """

    #: It is written, as a file of this name.
    saved = Signal(str)

    def __init__(self, window: QWidget, text: str, name: str) -> None:
        super().__init__(window)
        self._text = text
        self._tasks = Tasks()
        self._is_writing = False
        extension = name.rpartition(".")[2]
        dialog = QFileDialog(
            window,
            tr("Save"),
            "",
            file_kinds((extension, f"*.{extension}")),
        )
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(extension)
        dialog.selectFile(name)
        dialog.fileSelected.connect(self._write)
        dialog.finished.connect(dialog.deleteLater)
        dialog.finished.connect(self._asked)
        dialog.open()

    def _asked(self) -> None:
        if not self._is_writing:
            self.deleteLater()

    def _write(self, path: str) -> None:
        self._is_writing = True
        task = self._tasks.start(self._save(Path(path)), self._tell)
        self.destroyed.connect(lambda *_: task.cancel())

    async def _save(self, file: Path) -> None:
        try:
            await in_thread(lambda: file.write_text(self._text, "utf-8", "replace"))
            self.saved.emit(file.name)
            self.deleteLater()
        except OSError as error:
            why = f"{file}: {error.strerror or error}"
            raise UserFacingError(tr("The file was not saved"), why, tr("Save it in another folder.")) from error

    def _tell(self, error: UserFacingError) -> None:
        window = self.parent()
        box = QMessageBox(QMessageBox.Icon.NoIcon, tr("Not saved"), error.what)
        if isinstance(window, QWidget):
            box.setParent(window, box.windowFlags())
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(error.explanation)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()
        self.deleteLater()
