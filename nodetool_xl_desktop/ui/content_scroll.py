"""A scroll area that is as high as what it holds, and scrolls only where there is no room for that."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, QMargins, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QSizePolicy, QWidget

#: A part that comes has its place after so long: some rounds of layout.
COMES_WITHIN_MS = 100


class ContentScroll(QScrollArea):
    """Scrolls upright; what stands below it in a layout follows its content, and stays in view.

    The scroll bar lies in the content's own margin, so that nothing moves when it comes.

    Args:
        content: with a layout and a right margin.
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._content = content
        self._margins = cast("QLayout", content.layout()).contentsMargins()
        self._coming: QWidget | None = None
        self.setWidget(content)
        self.verticalScrollBar().rangeChanged.connect(self._show_coming_soon)
        content.installEventFilter(self)

    def reveal(self, widget: QWidget) -> None:
        """Scroll to a part of the content that is coming, as soon as it has its place."""
        self._coming = widget
        QTimer.singleShot(COMES_WITHIN_MS, self, self._forget_coming)
        self._show_coming()

    def _show_coming_soon(self) -> None:
        if self._coming is not None:
            QTimer.singleShot(0, self, self._show_coming)

    def _show_coming(self) -> None:
        if self._coming is not None:
            # Not ensureWidgetVisible: of a field for text it shows the line with the cursor.
            end = self._coming.mapTo(self._content, self._coming.rect().bottomLeft())
            self.ensureVisible(end.x(), end.y(), 0, self._margins.bottom())

    def _forget_coming(self) -> None:
        self._coming = None

    def sizeHint(self) -> QSize:
        width = self.viewport().width()
        layout = cast("QLayout", self._content.layout())
        height = layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()
        return QSize(width, height)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._content and event.type() is QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        margins = QMargins(self._margins)
        margins.setRight(margins.right() - (self.width() - self.viewport().width()))
        cast("QLayout", self._content.layout()).setContentsMargins(margins)
        self._content.setFixedWidth(event.size().width())
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()
