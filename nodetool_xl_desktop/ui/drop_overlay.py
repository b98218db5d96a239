"""While a file hovers over the window, the whole window says what a drop will do."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from nodetool_xl_desktop.library.models import title
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XL, Theme


def dropped_files(data: QMimeData) -> list[Path]:
    """The local files of a drag; a link to the network is none."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


class DropOverlay(QWidget):
    """Covers its parent while it is shown, and lets all events through."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._headline = label("", "headline")
        self._text = label("", "body")
        layout = QVBoxLayout(self)
        layout.setSpacing(SPACE_S)
        layout.addStretch()
        for text in (self._headline, self._text):
            layout.addWidget(text, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch()
        self.hide()

    def show_for(self, files: list[Path]) -> None:
        """Say what a drop of these files will do."""
        named = title(files[0]) if len(files) == 1 else f"{len(files)} files"
        self._headline.setText(f"Drop to add {named} to My Models")
        self._text.setText("You will see whether it fits before it is loaded. The file stays where it is.")
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(self._theme.tokens.background)
        ground.setAlpha(236)
        painter.fillRect(self.rect(), ground)
        painter.setPen(QPen(QColor(self._theme.tokens.accent), 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(SPACE_XL, SPACE_XL, -SPACE_XL, -SPACE_XL), 14, 14)
        painter.end()
