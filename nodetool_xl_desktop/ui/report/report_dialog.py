"""The dialog of a report: after a bug, after a crash, or because a person wants to tell of something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QTextCursor
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.ui.parts import field, label, problem_label
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XL

SIZE = (680, 560)


@dataclass(frozen=True, slots=True)
class Told:
    """Why there is a report.

    Attributes:
        title: of the dialog.
        what: happened, in a sentence.
        about: more of it, in a sentence or two.
    """

    title: str
    what: str
    about: str


class ReportDialog(QDialog):
    """Shows the whole report, so that a person sees what they give away.

    Args:
        told: why there is one.
        tasks: where it is written.
        write: writes it; touches the disk.
        folder: of the log.
        parent: the window.
    """

    def __init__(
        self, told: Told, tasks: Tasks, write: Callable[[], str], folder: Path, parent: QWidget | None
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self._times = 1
        self.setWindowTitle(told.title)
        self.resize(*SIZE)
        self.setMinimumSize(480, 360)
        self.setAccessibleDescription(f"{told.what} {told.about}")
        self.view = text_view(tr("Report"))
        self._again = label("", "note", wrap=True)
        self._again.hide()
        self._problem = problem_label()
        self.copy = QPushButton(tr("Copy Report"))
        self.copy.setProperty("kind", "primary")
        self.copy.setDefault(True)
        self.copy.setEnabled(False)
        self.folder_button = QPushButton(tr("Open Log Folder"))
        self.close_button = QPushButton(tr("Close"))
        self._lay_out(told)
        self.copy.clicked.connect(self._copy)
        self.folder_button.clicked.connect(self._open_folder)
        self.close_button.clicked.connect(self.reject)
        self.finished.connect(self._end)
        self.close_button.setFocus()
        self._writing = tasks.start(self._write(write))

    def _lay_out(self, told: Told) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_M)
        layout.addWidget(label(told.what, "title", wrap=True))
        layout.addWidget(label(told.about, wrap=True))
        layout.addWidget(self._again)
        layout.addWidget(field(self.view), 1)
        layout.addWidget(
            label(
                tr("This is the whole report. It holds no text of your chats, no file of yours, and nothing is sent."),
                "note",
                wrap=True,
            )
        )
        layout.addWidget(self._problem)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE_S)
        foot.addWidget(self.folder_button)
        foot.addStretch()
        foot.addWidget(self.close_button)
        foot.addWidget(self.copy)
        layout.addLayout(foot)

    async def _write(self, write: Callable[[], str]) -> None:
        self.view.setPlainText(await in_thread(write))
        self.view.moveCursor(QTextCursor.MoveOperation.Start)
        self.copy.setEnabled(True)
        if self.close_button.hasFocus():
            self.copy.setFocus()

    def _end(self) -> None:
        self._writing.cancel()  # what it would fill is gone
        self.deleteLater()

    def happened_again(self) -> None:
        """While it is open, the program has had another error."""
        self._times += 1
        self._again.setText(trn("There was {count} error so far.", "There were {count:,} errors so far.", self._times))
        self._again.show()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.view.toPlainText())
        self.copy.setText(tr("Copied"))

    def _open_folder(self) -> None:
        self._problem.setVisible(not open_folder(self._folder))
        self._problem.setText(tr("No file manager answered. The folder is {folder}", folder=self._folder))


def open_folder(folder: Path) -> bool:
    """Show a folder in the system's file manager; whether there is one."""
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def not_opened(folder: Path) -> UserFacingError:
    """What to say where there is none."""
    return UserFacingError(
        tr("The folder could not be opened"), tr("no file manager answered"), tr("It is {folder}.", folder=folder)
    )


def text_view(name: str) -> QPlainTextEdit:
    """Lines to be read, selected and copied; `name` is what a screen reader calls them."""
    view = QPlainTextEdit()
    view.setProperty("kind", "log")
    view.setReadOnly(True)
    view.setUndoRedoEnabled(False)
    view.setTabChangesFocus(True)
    view.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
    view.setAccessibleName(name)
    view.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return view
