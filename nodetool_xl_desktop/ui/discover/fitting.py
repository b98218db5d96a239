"""Dialogs of one width, or wider where their buttons need it, that are as high as what they say."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QWidget

from nodetool_xl_desktop.ui.inputs import is_escape
from nodetool_xl_desktop.ui.theme import wide


class FittingDialog(QDialog):
    """Such a dialog.

    Args:
        title: in its bar.
        width: at least, in pixels, with letters of the usual size.
        parent: the window.
    """

    def __init__(self, title: str, width: int, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._width = width

    def fit_height(self) -> None:
        """It says something else now. Qt lets a dialog grow with its layout, but only when it is resized."""
        layout = self.layout()
        assert layout is not None
        self.ensurePolished()
        layout.activate()
        self.setFixedWidth(max(wide(self._width), layout.totalMinimumSize().width()))
        height = layout.totalHeightForWidth(self.width())
        self.setFixedHeight(height if height >= 0 else layout.totalSizeHint().height())

    def event(self, event: QEvent) -> bool:
        if is_escape(event):  # the window's Esc stops an answer
            event.accept()
            return True
        return super().event(event)

    def showEvent(self, event: QShowEvent) -> None:
        self.fit_height()
        super().showEvent(event)
