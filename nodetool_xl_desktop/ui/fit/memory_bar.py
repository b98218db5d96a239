"""The bar that shows what of a memory is taken, and what a load would take of it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import mark, tr
from nodetool_xl_desktop.fit.memory import MemoryUse
from nodetool_xl_desktop.ui.theme import Theme

HEIGHT = 14
RADIUS = 6.0
#: What is not nothing must be seen: 92 MiB of 24 GiB would be a single pixel.
LEAST_WIDTH = 4.0
#: Each part by its token, in their order, with the pattern that tells it apart without colour.
PARTS = {
    "others": Qt.BrushStyle.SolidPattern,
    "model": Qt.BrushStyle.SolidPattern,
    "context": Qt.BrushStyle.BDiagPattern,
    "compute": Qt.BrushStyle.Dense4Pattern,
    "projector": Qt.BrushStyle.VerPattern,
}
#: There is no colour of its own for a projector: few models have one.
TOKENS = {"projector": "muted"}
#: What a screen reader says of each part.
_SPOKEN = {
    "others": mark("others {size}"),
    "model": mark("model {size}"),
    "context": mark("context {size}"),
    "compute": mark("compute {size}"),
    "projector": mark("projector {size}"),
}


class MemoryBar(QWidget):
    """Others, model, context and compute, stacked against the whole; told apart by colour, order and pattern.

    Where they are more than there is, the bar shows all of them, and a mark where the memory ends. It fills from where
    lines begin, so from the right in a window that goes from right to left; the patterns stay as the legend has them.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._sizes: dict[str, int] = {}
        self._total = 1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_use(self, name: str, total: int, others: int, use: MemoryUse) -> None:
        """Draw these figures, in bytes.

        Args:
            name: of the memory.
            total: what it has; 0 where that is not known.
            others: what other programs hold.
            use: what the load takes.
        """
        sizes = {
            "others": others,
            "model": use.model,
            "context": use.context,
            "compute": use.compute,
            "projector": use.projector,
        }
        self.setAccessibleName(name)
        said = ", ".join(
            tr(_SPOKEN[part], size=units.memory(size)) for part, size in sizes.items() if size or part != "projector"
        )
        self.setAccessibleDescription(
            tr("{parts}, of {total}", parts=said, total=units.memory(total)) if total else said
        )
        if (sizes, total) != (self._sizes, self._total):
            self._sizes, self._total = sizes, total
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
        whole = max(self._total, sum(self._sizes.values()), 1)
        left = 0.0
        for name, size in self._sizes.items():
            if size > 0 and self._total:
                width = max(LEAST_WIDTH, frame.width() * size / whole)
                self._paint_part(painter, QRectF(left, 0, width, frame.height()), name)
                left += width
        if whole > self._total > 0:
            self._paint_end(painter, frame, frame.width() * self._total / whole)
        painter.end()

    def _seen(self, place: QRectF) -> QRectF:
        """Where a part is painted that lies at this place from left to right."""
        if self.layoutDirection() is not Qt.LayoutDirection.RightToLeft:
            return place
        return QRectF(self.width() - place.right(), place.y(), place.width(), place.height())

    def _paint_part(self, painter: QPainter, part: QRectF, name: str) -> None:
        place = self._seen(part)
        painter.fillRect(place, QColor(getattr(self._theme.tokens, TOKENS.get(name, name))))
        if PARTS[name] is not Qt.BrushStyle.SolidPattern:
            over = QColor(self._theme.tokens.surface)
            over.setAlpha(70)
            painter.fillRect(place, QBrush(over, PARTS[name]))
        gap = QRectF(part.right() - 1, 0, 1, part.height())
        painter.fillRect(self._seen(gap), QColor(self._theme.tokens.surface))

    def _paint_end(self, painter: QPainter, frame: QRectF, end: float) -> None:
        """What is beyond the memory is veiled, behind a line."""
        veil = QColor(self._theme.tokens.surface)
        veil.setAlpha(120)
        painter.fillRect(self._seen(QRectF(end, 0, frame.width() - end, frame.height())), veil)
        painter.fillRect(self._seen(QRectF(end - 1, 0, 2, frame.height())), QColor(self._theme.tokens.bad))
