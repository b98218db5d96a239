"""The small pictures of a model: what it can do, and whether it is a favourite. Drawn once for each theme."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QPainter, QPixmap

from nodetool_xl_desktop.library.model_file import Capability, ModelFile
from nodetool_xl_desktop.ui.rows import mirrored
from nodetool_xl_desktop.ui.theme import Theme, scaled

SIZE = 14
GAP = 3
ICONS = {
    Capability.TOOLS: "wrench",
    Capability.VISION: "eye",
    Capability.AUDIO: "microphone",
    Capability.REASONING: "brain",
    Capability.EMBEDDING: "circles-three",
}


class Marks:
    """Paints them. An icon font is slow to draw, and a list has hundreds in sight.

    Args:
        theme: the theme in force.
    """

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._made: dict[tuple[str, str, float], QPixmap] = {}
        theme.changed.connect(self._made.clear)

    def paint_capabilities(self, painter: QPainter, file: ModelFile, right: int, middle: int, row: QRect) -> int:
        """Draw what a model can do, ending at `right`; returns where it begins, in device-independent pixels."""
        for capability in reversed(ICONS):
            if capability in file.capabilities:
                right -= scaled(SIZE)
                self.paint(painter, ICONS[capability], "muted", right, middle, row)
                right -= GAP
        return right

    def paint(self, painter: QPainter, icon: str, role: str, left: int, middle: int, row: QRect) -> None:
        """Draw one mark, its middle at that height, mirrored in its row where the window is."""
        size = scaled(SIZE)
        device = painter.device()
        ratio = device.devicePixelRatio() if device is not None else 1.0
        key = (icon, role, ratio)
        if key not in self._made:
            self._made[key] = self._theme.icon(icon, role).pixmap(QSize(size, size), ratio)
        place = QRect(QPoint(left, middle - size // 2), QSize(size, size))
        painter.drawPixmap(mirrored(place, row), self._made[key])
