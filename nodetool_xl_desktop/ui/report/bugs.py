"""Errors that nobody expected, from wherever they come, told to the person in one dialog at a time.

They come from tasks, slots, threads and from what is cleared away; what Qt complains of goes to the log alone. One from
the same place is shown once: what fails while it is painted would else never let go of the person.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QMessageLogContext, QObject, Qt, QtMsgType, Signal, qInstallMessageHandler
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.core import uncaught
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.report.report_dialog import ReportDialog, Told

_qt_log = logging.getLogger("nodetool_xl_desktop.qt")
_LEVELS = {
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}

#: Opens a dialog: why, and what the program says happened.
Open = Callable[[Told, str], ReportDialog]


class Bugs(QObject):
    """Hears of every error and shows it.

    Args:
        open_dialog: makes the dialog and shows it.
        parent: the window; once it is closed, the log alone is told.
    """

    _heard = Signal(str, str)

    def __init__(self, open_dialog: Open, parent: QWidget) -> None:
        super().__init__(parent)
        self._open, self._window = open_dialog, parent
        self._dialog: ReportDialog | None = None
        self._shown: set[str] = set()
        self._heard.connect(self._show, Qt.ConnectionType.QueuedConnection)  # from any thread, never amid a paint

    @contextmanager
    def heard(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """While this lasts, every error of the process is logged and shown."""
        loop.set_exception_handler(lambda _loop, context: tell(context))
        before = qInstallMessageHandler(_log_qt)
        try:
            with uncaught.heard_by(self._hear):
                yield
        finally:
            qInstallMessageHandler(before)
            loop.set_exception_handler(None)

    def _hear(self, what: str, error: BaseException) -> None:
        """In any thread."""
        self._heard.emit(f"{what}: {uncaught.kind(error)}", uncaught.place(error))

    def _show(self, what: str, place: str) -> None:
        if self._window.isHidden():  # the program ends: no report would be written any more
            return
        if self._dialog is not None:
            self._dialog.happened_again()
            return
        happened = f"{what} ({place})" if place else what
        if happened in self._shown:
            return
        self._shown.add(happened)
        told = Told(
            tr("Something went wrong"),
            tr("The program made an error that nobody expected."),
            tr(
                "You can go on working. Your chats are on the disk and stay there. If something does not work any "
                "more, start the program again."
            ),
        )
        self._dialog = self._open(told, happened)
        self._dialog.finished.connect(self._closed)

    def _closed(self) -> None:
        self._dialog = None


def tell(context: dict[str, Any]) -> None:
    """What the loop says of an error that no task has caught."""
    error = context.get("exception")
    if error is not None:
        uncaught.tell(str(context.get("message", "Unexpected")), error)
    else:
        uncaught.tell(str(context.get("message", "Unexpected")), RuntimeError())


def _log_qt(kind: QtMsgType, _context: QMessageLogContext, message: str | None) -> None:
    if (level := _LEVELS.get(kind)) is not None:
        _qt_log.log(level, "%s", message)
    if kind is QtMsgType.QtFatalMsg and sys.__stderr__ is not None:  # it ends the process now
        print(message, file=sys.__stderr__, flush=True)
