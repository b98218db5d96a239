"""What every kind of content has to do to be drawn within the frames of its leaf."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.markdown.leaves import Content
from nodetool_xl_desktop.ui.leaf.drawn import Mark
from nodetool_xl_desktop.ui.leaf.look import Look

#: Of the thin bar below what is wider than its room.
BAR = 4


def paint_bar(painter: QPainter, look: Look, room: QRectF, over: float, scrolled: float) -> None:
    """Show at the foot of its room how much wider something is, and how far it is scrolled; nothing where it fits."""
    if over <= 0:
        return
    wide, thick = max(24.0, room.width() * room.width() / (room.width() + over)), look.px(BAR)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.color("others"))
    x = room.left() + (room.width() - wide) * scrolled / over
    painter.drawRoundedRect(QRectF(x, room.bottom() - thick, wide, thick), thick / 2, thick / 2)
    painter.restore()


class Inside:
    """As `DrawnLeaf`, but without quotes, indentation and markers, which `drawing` draws.

    Attributes:
        width: that it was laid out for; 0 before.
        height: at this width.
    """

    def __init__(self) -> None:
        self.width = 0.0
        self.height = 0.0

    def lay_out(self, width: float) -> None:
        """Take this width."""
        raise NotImplementedError

    def grow(self, content: Content) -> bool:
        """Draw this, which is the present one with more at its end, at once laid out; False where it cannot be."""
        return False

    def paint(
        self, painter: QPainter, clip: QRectF, chosen: tuple[int, int] | None = None, marks: Sequence[Mark] = ()
    ) -> None:
        """Paint what lies in `clip`."""
        raise NotImplementedError

    def offset_at(self, point: QPointF) -> int:
        """The offset nearest to a point."""
        return 0

    def rect_of(self, offset: int) -> QRectF:
        """Where a caret stands."""
        return QRectF(0, 0, 1, self.height)

    def link_at(self, point: QPointF) -> str:
        """Where it leads."""
        return ""

    def tip_at(self, point: QPointF) -> str:
        """What to say of it."""
        return ""

    def make_bar(self, parent: QWidget, left: float) -> QWidget | None:
        """The controls in it; `left` is how far it stands from the left of its leaf."""
        return None

    def reveal(self, offset: int) -> bool:
        """Make an offset visible; whether the height changed."""
        return False

    def scroll(self, by: float) -> bool:
        """Scroll it sideways."""
        return False

    @property
    def is_settled(self) -> bool:
        """Whether it looks as it will: no formula and no colours are awaited."""
        return True

    @property
    def baseline(self) -> float:
        """Of its first line, below its top: a marker stands on it."""
        return 0.0

    @property
    def is_rtl(self) -> bool:
        """Whether it is read from the right, so that its marker stands there."""
        return False

    @property
    def wrapped(self) -> bool | None:
        """Whether the reader has it wrapped; None where they said nothing."""
        return None

    @property
    def unfolded(self) -> bool | None:
        """Whether the reader unfolded it; None where they said nothing."""
        return None

    @property
    def scrolled(self) -> float:
        """How far it is scrolled sideways."""
        return 0.0
