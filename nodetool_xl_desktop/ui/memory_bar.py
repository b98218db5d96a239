"""The bar that shows what of a memory is taken, and what a load would take of it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.fit.memory import HostMemory, MemoryUse
from nodetool_xl_desktop.ui.theme import Theme

HEIGHT = 14
RADIUS = 6.0
#: What is not nothing must be seen: 92 MiB of 24 GiB would be a single pixel.
LEAST_WIDTH = 4.0


class MemoryBar(QWidget):
    """Others, model, context and compute, stacked against the whole; told apart by colour, order and pattern."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._parts: list[tuple[str, int, Qt.BrushStyle]] = []
        self._total = 1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_use(self, host: HostMemory, need: MemoryUse) -> None:
        """Draw these figures."""
        self._total = max(1, host.total)
        self._parts = [
            ("others", host.others, Qt.BrushStyle.SolidPattern),
            ("model", need.model, Qt.BrushStyle.SolidPattern),
            ("context", need.context, Qt.BrushStyle.BDiagPattern),
            ("compute", need.compute, Qt.BrushStyle.Dense4Pattern),
        ]
        self.setAccessibleName("Memory")
        self.setAccessibleDescription(
            ", ".join(f"{name} {units.memory(size)}" for name, size, _ in self._parts)
            + f", of {units.memory(host.total)}"
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect())
        clip = QPainterPath()
        clip.addRoundedRect(frame, RADIUS, RADIUS)
        painter.setClipPath(clip)
        painter.fillRect(frame, QColor(self._theme.tokens.line))
        left = 0.0
        for name, size, pattern in self._parts:
            if size <= 0:
                continue
            width = max(LEAST_WIDTH, frame.width() * size / self._total)
            self._paint_part(painter, QRectF(left, 0, width, frame.height()), name, pattern)
            left += width
        painter.end()

    def _paint_part(self, painter: QPainter, place: QRectF, name: str, pattern: Qt.BrushStyle) -> None:
        painter.fillRect(place, QColor(getattr(self._theme.tokens, name)))
        if pattern is not Qt.BrushStyle.SolidPattern:
            over = QColor(self._theme.tokens.surface)
            over.setAlpha(70)
            painter.fillRect(place, QBrush(over, pattern))
        gap = QRectF(place.right() - 1, 0, 1, place.height())
        painter.fillRect(gap, QColor(self._theme.tokens.surface))
