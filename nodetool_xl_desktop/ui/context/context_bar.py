"""The bar that shows what the next prompt takes of the context, part by part."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from nodetool_xl_desktop.chat.context import ContextUse
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.ui.theme import Theme

#: What is not nothing must be seen.
LEAST_WIDTH = 2.0
#: Each part by its token, in the order in which a prompt is made, with the pattern that tells it apart without colour.
PARTS = {
    "system": ("compute", Qt.BrushStyle.SolidPattern),
    "tools": ("muted", Qt.BrushStyle.VerPattern),
    "history": ("model", Qt.BrushStyle.SolidPattern),
    "draft": ("accent", Qt.BrushStyle.BDiagPattern),
}
#: The token of a verdict's word and mark.
TONES = {Verdict.FITS: "muted", Verdict.TIGHT: "warning", Verdict.WONT_FIT: "bad"}


def paint_part(painter: QPainter, place: QRectF, name: str, theme: Theme) -> None:
    """Fill a place with the colour and the pattern of a part."""
    token, pattern = PARTS[name]
    painter.fillRect(place, QColor(getattr(theme.tokens, token)))
    if pattern is not Qt.BrushStyle.SolidPattern:
        over = QColor(theme.tokens.surface)
        over.setAlpha(130)
        painter.fillRect(place, QBrush(over, pattern))


class ContextBar(QWidget):
    """System prompt, tools, history and question, stacked against the context; a mark stands where the room for the
    answer begins. Where they are more than the context, the bar shows all of them, and a mark where it ends.

    Args:
        theme: the theme in force.
        height: in device-independent pixels.
    """

    def __init__(self, theme: Theme, height: int) -> None:
        super().__init__()
        self._theme = theme
        self._height = height
        self._use: ContextUse | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.changed.connect(self.update)

    def show_use(self, use: ContextUse | None) -> None:
        """Draw this; None for an empty bar."""
        if use != self._use:
            self._use = use
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(96, self._height)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect())
        clip = QPainterPath()
        radius = min(6.0, frame.height() / 2)
        clip.addRoundedRect(frame, radius, radius)
        painter.setClipPath(clip)
        painter.fillRect(frame, QColor(self._theme.tokens.line))
        if self._use is not None and self._use.context:
            self._paint_use(painter, frame, self._use, self._use.context)
        painter.end()

    def _seen(self, left: float, width: float) -> QRectF:
        """Where a part is painted that begins so far from where the bar begins, which is on its right in a window from
        right to left."""
        is_mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        return QRectF(self.width() - left - width if is_mirrored else left, 0, width, self.height())

    def _paint_use(self, painter: QPainter, frame: QRectF, use: ContextUse, context: int) -> None:
        tokens, whole, left = self._theme.tokens, max(context, use.prompt), 0.0
        sizes = {name: getattr(use, name) for name in PARTS}
        for name, size in sizes.items():
            if size:
                width = max(LEAST_WIDTH, frame.width() * size / whole)
                paint_part(painter, self._seen(left, width), name, self._theme)
                left += width
                painter.fillRect(self._seen(left - 0.75, 0.75), QColor(tokens.surface))
        if use.prompt > context:
            end = frame.width() * context / whole
            painter.fillRect(self._seen(end, frame.width() - end), QColor(tokens.bad))
            painter.fillRect(self._seen(end - 1, 2), QColor(tokens.surface))
        else:
            mark = frame.width() * (context - use.reserve) / whole
            color = tokens.surface if mark < left else tokens.muted
            painter.fillRect(self._seen(mark, 1), QColor(color))
