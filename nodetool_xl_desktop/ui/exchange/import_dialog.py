"""The dialog that brings chats in from files, and says what came, what was here already, and what did not come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QPushButton, QTextEdit, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.exchange import transfer
from nodetool_xl_desktop.exchange.imports import OURS
from nodetool_xl_desktop.exchange.imports_run import Imported
from nodetool_xl_desktop.exchange.progress import Progress
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui import parts
from nodetool_xl_desktop.ui.exchange.export_dialog import fit_height
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import figure, label
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_XL, Theme, wide

WIDTH, DETAILS_HEIGHT = 560, 150
#: Of a file's length, so that a slow one is seen to move.
STEPS = 1000


@dataclass(slots=True)
class _Sum:
    """What came of all files together."""

    chats: list[str] = field(default_factory=list)
    came: dict[str, int] = field(default_factory=dict)
    details: list[str] = field(default_factory=list)
    known: int = 0
    skipped: int = 0
    error: UserFacingError | None = None

    def add(self, file: Path, found: Imported) -> None:
        self.chats += found.chats
        self.came[found.source] = self.came.get(found.source, 0) + len(found.chats)
        self.known += len(found.known)
        self.skipped += len(found.skipped)
        self.details += [f"{each.what}: {each.why}" for each in found.skipped]
        self.details += [tr("{title}: was here already", title=title or tr("Without a title")) for title in found.known]
        if found.problem:
            self.details.insert(
                0, tr("{name} could not be read to its end: {problem}", name=file.name, problem=found.problem)
            )
            self.skipped += 1

    def fail(self, error: UserFacingError) -> None:
        self.error = self.error or error
        self.details.insert(0, str(error))
        self.skipped += 1

    @property
    def headline(self) -> str:
        """ "12 chats came from ChatGPT"."""
        came = [
            trn("{count} chat from {source}", "{count:,} chats from {source}", count, source=_source(source))
            for source, count in self.came.items()
            if count
        ]
        return tr("{came} came in", came=", ".join(came)) if came else tr("No chat came in")

    @property
    def rest(self) -> str:
        """What else there is to say."""
        said = [tr("They are in the list at the times when they were written.")] if self.chats else []
        if self.known:
            said.append(
                trn(
                    "{count} chat was here already, and did not change.",
                    "{count:,} chats were here already, and did not change.",
                    self.known,
                )
            )
        if self.skipped:
            said.append(trn("{count} left out: see below.", "{count:,} left out: see below.", self.skipped))
        return " ".join(said)


class ImportDialog(QDialog):
    """Begins when it is opened; closing it ends that, and what came in stays.

    Args:
        theme: the theme in force.
        tasks: where it reads.
        store: where the chats go.
        files: what to read.
        parent: the window.
    """

    #: These chats came in: their ids.
    imported = Signal(list)

    def __init__(
        self, theme: Theme, tasks: Tasks, store: Store, files: Sequence[Path], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Import"))
        self.setFixedWidth(wide(WIDTH))
        self._theme = theme
        self._tasks = tasks
        self._store = store
        self._files = list(files)
        self._sum = _Sum()
        self._number = 0
        self._running: asyncio.Task[None] | None = None
        self._heard = Progress(self._show_progress)
        self._lay_out()
        theme.changed.connect(self._show_icons)
        self._show_icons()

    def open(self) -> None:
        """Show the dialog and begin."""
        super().open()
        if self._running is None:
            self._running = self._tasks.start(self._run())

    def done(self, result: int) -> None:
        """However the dialog is closed: what still reads is ended."""
        self._heard.cancel()
        if self._running is not None:
            self._running.cancel()
        super().done(result)

    def _lay_out(self) -> None:
        named = (
            self._files[0].name if len(self._files) == 1 else trn("{count} file", "{count:,} files", len(self._files))
        )
        self._what = label(tr("Reading ..."), "note")
        self._count = figure("", "note")
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(6)
        self._progress.setRange(0, STEPS * len(self._files))
        self._progress.setAccessibleName(tr("Importing"))
        self._outcome = Notice()
        self._details = QTextEdit()
        self._details.setReadOnly(True)
        self._details.setTabChangesFocus(True)
        self._details.setProperty("kind", "note")
        self._details.setAccessibleName(tr("What did not come in, and why"))
        self._details_field = parts.field(self._details)
        self._details_field.hide()
        self._close = QPushButton(tr("Cancel"))
        self._close.setAutoDefault(False)
        self._close.clicked.connect(self._close_pressed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_L)
        layout.addWidget(label(tr("Import {named}", named=named), "title", wrap=True))
        words = QHBoxLayout()
        words.addWidget(self._what, 1)
        words.addWidget(self._count)
        layout.addLayout(words)
        layout.addWidget(self._progress)
        layout.addWidget(self._outcome)
        layout.addWidget(self._details_field)
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(self._close)
        layout.addLayout(buttons)

    def _show_icons(self) -> None:
        self._close.setIcon(self._theme.icon("x"))

    async def _run(self) -> None:
        for number, file in enumerate(self._files):
            self._number = number
            self._what.setText(tr("Reading {name} ...", name=file.name))
            try:
                found = await transfer.import_file(self._store, file, skip_known=True, progress=self._heard)
            except UserFacingError as error:
                self._sum.fail(error)
            else:
                self._sum.add(file, found)
                self.imported.emit(list(found.chats))
            if self._heard.is_cancelled:
                break
        self._running = None
        self._tell()

    def _show_progress(self, done: float, _of: float) -> None:
        self._progress.setValue(int((self._number + done) * STEPS))
        self._count.setText(f"{(self._number + done) / len(self._files):.0%}")

    def _tell(self) -> None:
        total, cancelled = self._sum, self._heard.is_cancelled
        for part in (self._what, self._count, self._progress):
            part.hide()
        if total.error is not None and len(self._files) == 1:
            self._outcome.tell_error(total.error)
        else:
            what = (
                tr("It was cancelled: {lower}{headline}", lower=total.headline[0].lower(), headline=total.headline[1:])
                if cancelled
                else total.headline
            )
            is_good = not cancelled and not total.skipped
            self._outcome.tell(what, total.rest, tone="good" if is_good else "warning")
            if total.details:
                self._details.setPlainText("\n".join(total.details))
                line = self._details.fontMetrics().lineSpacing()
                self._details.setFixedHeight(min(DETAILS_HEIGHT, (len(total.details) + 2) * line))
                self._details_field.show()
        self._close.setText(tr("Close"))
        self._close.setDefault(True)
        self._close.setFocus()
        fit_height(self)

    def _close_pressed(self) -> None:
        """Cancel what is read, and stay to say how far it came; or close."""
        if self._running is not None:
            self._heard.cancel()
        else:
            self.accept()


def _source(source: str) -> str:
    return tr("an export of this program") if source == OURS else source
