"""A page that takes the place of the chat: Esc closes it, where the window's own Esc would stop an answer."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame

from nodetool_xl_desktop.ui.inputs import is_escape


class ClosedByEscape(QFrame):
    """Says that it is to be seen no longer; who shows it decides what is instead."""

    #: Go back to what was shown before.
    closed = Signal()

    def event(self, event: QEvent) -> bool:
        if is_escape(event):  # or the window's own Esc would stop an answer
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
