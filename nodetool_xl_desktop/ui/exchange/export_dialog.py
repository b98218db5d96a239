"""The dialog that writes chats into files: as what, where to, how far it is, and where they are then."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.exchange import export_files
from nodetool_xl_desktop.exchange.export_files import AlreadyThere
from nodetool_xl_desktop.exchange.progress import Progress
from nodetool_xl_desktop.exchange.transfer import Kind
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.exchange.export_job import Chosen, ExportJob
from nodetool_xl_desktop.ui.motion import show_busy
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import GivingLabel, card_layout, field, figure, label
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_S, SPACE_XL, Theme, wide

WIDTH = 560
FORMATS = {
    Kind.MARKDOWN: (tr("Markdown"), tr("Plain text with its marks, for notes and editors")),
    Kind.HTML: ("HTML", tr("A page for any browser, with its pictures")),
    Kind.PDF: ("PDF", tr("Numbered pages, to print or to hand on")),
    Kind.JSON: ("JSON", tr("Everything, in one file that can be imported again")),
}
EXPORT, REPLACE, CANCEL, CLOSE = tr("Export"), tr("Replace"), tr("Cancel"), tr("Close")


def fit_height(dialog: QDialog) -> None:
    """Make a dialog of a fixed width as high as what it shows needs, with its texts wrapped as they are."""
    if (layout := dialog.layout()) is not None:
        layout.activate()
        dialog.setFixedHeight(layout.totalHeightForWidth(dialog.width()))


class ExportDialog(QDialog):
    """Closing it while it writes ends that.

    Args:
        theme: the theme in force.
        tasks: where it writes.
        store: where the chats are.
        chosen: which of them.
        folder: where it offers to write them.
        parent: the window.
    """

    def __init__(
        self, theme: Theme, tasks: Tasks, store: Store, chosen: Chosen, folder: Path, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Export"))
        self.setFixedWidth(wide(WIDTH))
        self._theme = theme
        self._tasks = tasks
        self._store = store
        self._chosen = chosen
        self._folder = folder
        self._running: asyncio.Task[None] | None = None
        self._job: ExportJob | None = None
        self._may_replace: Path | None = None
        self._written: Path | None = None
        self._is_done = False
        self._make_parts()
        self._lay_out()
        theme.changed.connect(self._show_icons)
        self._show_icons()
        self._show_kind()
        self._formats[Kind.MARKDOWN].setFocus()

    @property
    def folder(self) -> Path:
        """The folder that was written into, or that it was offered."""
        return self._folder

    def done(self, result: int) -> None:
        """However the dialog is closed: what still writes is ended."""
        if self._job is not None:
            self._job.progress.cancel()
        if self._running is not None:
            self._running.cancel()
        super().done(result)

    # How it is made

    def _make_parts(self) -> None:
        self._group = QButtonGroup(self)
        self._formats = {kind: QRadioButton(name) for kind, (name, _) in FORMATS.items()}
        for kind, button in self._formats.items():
            button.setAccessibleDescription(FORMATS[kind][1])
            self._group.addButton(button)
        self._formats[Kind.MARKDOWN].setChecked(True)
        self._group.buttonToggled.connect(lambda _button, is_on: self._show_kind() if is_on else None)
        self._extent = label("", "note", wrap=True)
        self._target = QLineEdit()
        self._target.setProperty("kind", "value")
        self._target.textEdited.connect(self._target_changed)
        self._choose = QPushButton(tr("Choose ..."))
        self._choose.setAutoDefault(False)
        self._choose.clicked.connect(self._ask_where)
        self._what = label("", "note")
        self._count = figure("", "note")
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(6)
        self._progress.setAccessibleName(tr("Exporting"))
        self._outcome = Notice()
        self._show = QPushButton(tr("Show in Folder"))
        self._show.clicked.connect(self._show_folder)
        self._show.hide()
        self._close = QPushButton(CANCEL)
        self._close.setAutoDefault(False)
        self._close.clicked.connect(self._close_pressed)
        self._export = QPushButton(EXPORT)
        self._export.setProperty("kind", "primary")
        self._export.setDefault(True)
        self._export.clicked.connect(self._begin)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_L)
        layout.addWidget(label(self._chosen.in_words, "title", wrap=True))
        card = QFrame()
        rows = QGridLayout()
        rows.setHorizontalSpacing(SPACE_L)
        rows.setVerticalSpacing(SPACE_S + 2)
        rows.setColumnStretch(1, 1)
        for row, (kind, button) in enumerate(self._formats.items()):
            rows.addWidget(button, row, 0)
            rows.addWidget(GivingLabel("note", FORMATS[kind][1]), row, 1)
        card_layout(card).addLayout(rows)
        layout.addWidget(card)
        layout.addWidget(self._extent)
        where = QHBoxLayout()
        where.setSpacing(SPACE_S)
        where.addWidget(field(self._target), 1)
        where.addWidget(self._choose)
        layout.addLayout(where)
        layout.addWidget(self._lay_out_progress())
        layout.addWidget(self._outcome)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_S)
        buttons.addWidget(self._show)
        buttons.addStretch()
        buttons.addWidget(self._close)
        buttons.addWidget(self._export)
        layout.addLayout(buttons)

    def _lay_out_progress(self) -> QWidget:
        self._going = QWidget()
        words = QHBoxLayout()
        words.addWidget(self._what, 1)
        words.addWidget(self._count)
        layout = QVBoxLayout(self._going)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_S)
        layout.addLayout(words)
        layout.addWidget(self._progress)
        self._going.hide()
        return self._going

    def _show_icons(self) -> None:
        self._close.setIcon(self._theme.icon("x"))
        self._choose.setIcon(self._theme.icon("folder-open"))
        self._show.setIcon(self._theme.icon("folder-open"))
        self._export.setIcon(self._theme.icon("export", "on_accent"))

    # What is chosen

    @property
    def _kind(self) -> Kind:
        return next(kind for kind, button in self._formats.items() if button.isChecked())

    @property
    def _is_one_file(self) -> bool:
        return len(self._chosen.ids) == 1 or self._kind is Kind.JSON

    @property
    def _named(self) -> Path:
        """What stands in the field, as a path; a name alone lies in the folder that was offered."""
        return self._folder / Path(self._target.text().strip()).expanduser()

    def _show_kind(self) -> None:
        """What the format means for what is in it, and where it goes."""
        if self._kind is Kind.JSON:
            also = tr(" The presets are in it, too.") if self._chosen.is_all else ""
            self._extent.setText(tr("All versions of each message, and all attached files.{also}", also=also))
        else:
            self._extent.setText(tr("What is shown of a chat, without the other versions of its messages."))
        several = tr("Chats {date}", date=date.today())
        if self._is_one_file:
            name = self._chosen.title if len(self._chosen.ids) == 1 else several
            target = self._folder / f"{export_files.stem(name)}.{self._kind}"
        else:
            target = self._folder / several
        self._target.setAccessibleName(tr("File") if self._is_one_file else tr("Folder"))
        self._target.setText(str(target))
        self._target_changed()

    def _target_changed(self) -> None:
        self._may_replace = None
        self._is_done = False
        self._outcome.hide()
        self._show.hide()
        self._export.setText(EXPORT)
        self._export.setEnabled(bool(self._target.text().strip()) and bool(self._chosen.ids))
        if not self._chosen.ids:
            self._outcome.tell(
                tr("There are no chats yet"), tr("What you ask a model is kept as a chat."), tone="warning"
            )
        fit_height(self)

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, tr("Export to"), str(self._named.parent))
        if self._is_one_file:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setNameFilter(f"{FORMATS[self._kind][0]} (*.{self._kind})")
            dialog.setDefaultSuffix(self._kind.value)
            dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)  # this dialog asks
            dialog.selectFile(self._named.name)
        else:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._chose)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _chose(self, name: str) -> None:
        self._target.setText(name)
        self._target_changed()

    # Writing

    def _begin(self) -> None:
        if self._running is None:
            self._running = self._tasks.start(self._run())

    async def _run(self) -> None:
        target = self._named
        replace = target == self._may_replace
        job = self._job = ExportJob(
            self._store, self._chosen, self._kind, target, self._is_one_file, replace, Progress(self._show_progress)
        )
        self._set_going(True)
        try:
            written = await job.run()
        except AlreadyThere as error:
            self._may_replace = target
            self._outcome.tell(
                error.what, tr("Replace it, or choose another name. It is in {parent}.", parent=target.parent)
            )
            self._export.setText(REPLACE)
        except UserFacingError as error:
            self._outcome.tell_error(error)
        else:
            self._tell(job, written)
        self._running = self._job = None  # not where it was cancelled: the dialog is gone then
        self._set_going(False)
        self._export.setEnabled(not self._is_done)

    def _show_progress(self, done: float, of: float) -> None:
        self._progress.setRange(0, int(of))
        self._progress.setValue(int(done))
        self._count.setText(tr("{done:,} of {of:,}", done=int(done), of=int(of)))

    def _set_going(self, going: bool) -> None:
        for part in (*self._formats.values(), self._target, self._choose, self._export):
            part.setEnabled(not going)
        if going:
            self._outcome.hide()
            show_busy(self._progress)  # until it is known how far it is
            self._count.clear()
            self._what.setText(tr("Writing ..."))
            self._close.setFocus()
        self._going.setVisible(going)
        self._close.setText(CANCEL if going or self._written is None else CLOSE)
        fit_height(self)

    def _tell(self, job: ExportJob, written: int) -> None:
        """It is over: what was written, and where it is."""
        of = len(self._chosen.ids)
        self._is_done = not job.progress.is_cancelled or written == of  # once more would write all of it again
        if self._is_done:
            what = trn("The chat was exported", "{count:,} chats were exported", written)
            self._outcome.tell(what, str(job.target), tone="good")
        elif written:
            self._outcome.tell(
                tr("It was cancelled"),
                trn(
                    "{written:,} of {count} chat were written to {target}.",
                    "{written:,} of {count:,} chats were written to {target}.",
                    of,
                    written=written,
                    target=job.target,
                ),
            )
        else:
            self._outcome.tell(tr("It was cancelled"), tr("Nothing was written."))
        if written:
            self._written = self._folder = job.target.parent if job.is_one_file else job.target
            self._show.show()

    def _close_pressed(self) -> None:
        """Cancel what is written, and stay to say how far it came; or close."""
        if self._job is not None:
            self._job.progress.cancel()
        else:
            self.reject()

    def _show_folder(self) -> None:
        if self._written is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written)))
