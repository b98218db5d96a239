"""The doctor in a dialog: what `nodetool-xl-desktop doctor` says, with its remedies first."""

from __future__ import annotations

import asyncio

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.diagnosis.examine import Diagnosis, as_text, look
from nodetool_xl_desktop.ui.motion import show_busy
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import field, label
from nodetool_xl_desktop.ui.report.report_dialog import SIZE, text_view
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XL


class DoctorDialog(QDialog):
    """Looks at once; closing it ends that.

    Args:
        tasks: where it looks.
        paths: the program's folders.
        parent: the window.
    """

    def __init__(self, tasks: Tasks, paths: Paths, parent: QWidget | None) -> None:
        super().__init__(parent)
        self._tasks, self._paths = tasks, paths
        self._looking: asyncio.Task[None] | None = None
        self.setWindowTitle(tr("Doctor"))
        self.resize(*SIZE)
        self.setMinimumSize(480, 360)
        self._state = label("", "title", wrap=True)
        self._busy = QProgressBar()
        show_busy(self._busy)
        self._busy.setTextVisible(False)
        self._busy.setFixedHeight(6)
        self._busy.setAccessibleName(tr("Looking at this installation"))
        self._problems = QVBoxLayout()
        self._problems.setSpacing(SPACE_S)
        self.view = text_view(tr("What was found"))
        self.again = QPushButton(tr("Look Again"))
        self.copy = QPushButton(tr("Copy"))
        self.close_button = QPushButton(tr("Close"))
        self._lay_out()
        self.again.clicked.connect(self._start)
        self.copy.clicked.connect(self._copy)
        self.close_button.clicked.connect(self.reject)
        self.finished.connect(self._end)
        self.close_button.setDefault(True)
        self.close_button.setFocus()
        self._start()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_M)
        layout.addWidget(self._state)
        layout.addWidget(self._busy)
        layout.addLayout(self._problems)
        layout.addWidget(field(self.view), 1)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE_S)
        foot.addWidget(self.again)
        foot.addWidget(self.copy)
        foot.addStretch()
        foot.addWidget(self.close_button)
        layout.addLayout(foot)

    def _start(self) -> None:
        if self._looking is None or self._looking.done():
            self._show_busy(is_busy=True)
            self._state.setText(tr("Looking at this installation ..."))
            self._looking = self._tasks.start(self._look())

    async def _look(self) -> None:
        diagnosis = await look(self._paths)
        self._show_busy(is_busy=False)
        self._show(diagnosis)

    def _show_busy(self, *, is_busy: bool) -> None:
        self._busy.setVisible(is_busy)
        self.again.setEnabled(not is_busy)
        self.copy.setEnabled(not is_busy)
        self.copy.setText(tr("Copy"))

    def _show(self, diagnosis: Diagnosis) -> None:
        while (item := self._problems.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for problem in diagnosis.problems:
            notice = Notice()
            notice.tell(one_line(problem["problem"], 300), one_line(problem["remedy"], 600), tone="bad")
            self._problems.addWidget(notice)
        count = len(diagnosis.problems)
        found = trn("{count} problem was found", "{count:,} problems were found", count)
        self._state.setText(found if count else tr("No problem was found"))
        self.view.setPlainText(as_text(diagnosis))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.view.toPlainText())
        self.copy.setText(tr("Copied"))

    def _end(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self.deleteLater()
