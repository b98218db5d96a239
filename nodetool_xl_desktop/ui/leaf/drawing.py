"""The one way from a leaf to what draws it: its frames (quotes, indentation, markers) around its content."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.markdown.leaves import Code, Formula, Frame, Leaf, Rule, Table, Words
from nodetool_xl_desktop.ui.leaf.code_block import DrawnCode
from nodetool_xl_desktop.ui.leaf.drawn import Kept, Mark
from nodetool_xl_desktop.ui.leaf.formula import formulas_of
from nodetool_xl_desktop.ui.leaf.inside import Inside
from nodetool_xl_desktop.ui.leaf.look import BODY_PX, Look, look_of
from nodetool_xl_desktop.ui.leaf.odd_letters import visible
from nodetool_xl_desktop.ui.leaf.table import DrawnTable
from nodetool_xl_desktop.ui.leaf.words import DrawnFormula, DrawnRule, DrawnWords
from nodetool_xl_desktop.ui.theme import Theme

#: How far a quote and an item move their content to the right, and the width of a quote's bar.
QUOTE, ITEM, BAR = 16, 28, 3
#: However deep it lies, this much of the width is left to the content; what is deeper stands no further right.
LEAST = 160
#: Of the frames that are drawn; a hostile text has 100,000 of them.
DEEPEST = 40
_BETWEEN = 7
_OPEN, _BOXES = "☐", "☐☑☒"
#: The size of the box of a task.
BOX = 13


def draw(
    leaf: Leaf,
    theme: Theme,
    *,
    on_change: Callable[[], None] | None = None,
    kept: Kept | None = None,
    head: Leaf | None = None,
) -> FramedLeaf:
    """Make a leaf ready to be laid out. Nothing is ever fetched for it.

    Args:
        leaf: what to draw.
        theme: its colours and zoom at this time are used.
        on_change: hears when it looks other by itself (a button in it was pressed, a formula or colours are ready):
            paint it again, and look at its `height`, for which it has been laid out again at the width it had.
        kept: what the reader did to it when it was drawn before.
        head: of a table that goes on from the leaf above, its first piece, whose columns are taken.
    """
    return FramedLeaf(leaf, theme, on_change or _nobody, kept or Kept(), head)


class FramedLeaf:
    """A leaf within its frames; see `DrawnLeaf`."""

    def __init__(self, leaf: Leaf, theme: Theme, on_change: Callable[[], None], kept: Kept, head: Leaf | None) -> None:
        self.leaf = leaf
        self._look = look_of(theme)
        self._inside = _make(leaf, theme, self._look, on_change, kept, head)
        self._left = 0.0
        self._places: list[tuple[Frame, float]] = []
        self._width = 0.0
        self._is_mirrored = False
        self._joined, self._gap = 0, 0.0

    @property
    def height(self) -> float:
        """In pixels; of whole ones, so that lines and letters of the next leaf stay sharp."""
        return float(-(-self._inside.height // 1))

    @property
    def kept(self) -> Kept:
        """What the reader did to it."""
        return Kept(self._inside.wrapped, self._inside.unfolded, self._inside.scrolled)

    @property
    def is_settled(self) -> bool:
        """Whether it looks as it will: no formula and no colours are awaited."""
        return self._inside.is_settled

    def lay_out(self, width: float) -> None:
        """Take this width."""
        look, left = self._look, 0.0
        self._places = []
        room = max(0.0, width - look.px(LEAST))
        wide = look.px(BOX + 6) if len(self.leaf.marker) > 1 and self.leaf.marker[-1] in _BOXES else 0.0
        for frame in self.leaf.frames[:DEEPEST]:
            self._places.append((frame, left))
            left = min(left + round(look.px(QUOTE if frame is Frame.QUOTE else ITEM)), max(left, room))
        left = min(left + wide, max(left, room))  # a number and a box
        self._is_mirrored = self._inside.is_rtl
        self._left, self._width = left, width
        self._inside.lay_out(max(1.0, width - left))

    def join(self, above: Leaf | None, gap: float) -> None:
        """Say what stands above it: the bars of quotes that both lie in go on through the gap."""
        self._joined, self._gap = 0, gap
        for own, other in zip(self.leaf.frames, above.frames if above is not None else (), strict=False):
            if own is not other:
                break
            self._joined += 1

    def grow(self, leaf: Leaf) -> bool:
        """Draw this leaf from now on, which is the present one with more at its end."""
        if (leaf.frames, leaf.marker) != (self.leaf.frames, self.leaf.marker):
            return False
        if not self._inside.grow(leaf.content):
            return False
        self.leaf = leaf
        if self._inside.is_rtl != self._is_mirrored:
            self.lay_out(self._width)
        return True

    def paint(
        self, painter: QPainter, clip: QRectF, chosen: tuple[int, int] | None = None, marks: Sequence[Mark] = ()
    ) -> None:
        """Paint what lies in `clip`."""
        self._paint_frames(painter)
        x = self._x
        painter.translate(x, 0)
        self._inside.paint(painter, clip.translated(-x, 0), chosen, marks)
        painter.translate(-x, 0)

    def offset_at(self, point: QPointF) -> int:
        """The offset in the text nearest to a point."""
        return self._inside.offset_at(point - QPointF(self._x, 0))

    def rect_of(self, offset: int) -> QRectF:
        """Where a caret before the letter at this offset stands."""
        return self._inside.rect_of(offset).translated(self._x, 0)

    def link_at(self, point: QPointF) -> str:
        """Where what is drawn at a point leads."""
        return self._inside.link_at(point - QPointF(self._x, 0))

    def tip_at(self, point: QPointF) -> str:
        """What to say of what is drawn at a point."""
        return self._inside.tip_at(point - QPointF(self._x, 0))

    def make_bar(self, parent: QWidget) -> QWidget | None:
        """The controls in it."""
        return self._inside.make_bar(parent, self._x)

    def reveal(self, offset: int) -> bool:
        """Make what stands at an offset visible; whether the height changed."""
        return self._inside.reveal(offset)

    def scroll(self, by: float) -> bool:
        """Scroll it sideways; whether it moved."""
        return self._inside.scroll(by)

    @property
    def _x(self) -> float:
        """Where the content begins: words that are read from the right have their frames there."""
        return 0.0 if self._is_mirrored else self._left

    def _paint_frames(self, painter: QPainter) -> None:
        look = self._look
        for number, (frame, left) in enumerate(self._places):
            if frame is Frame.QUOTE:
                wide = max(2.0, round(look.px(BAR)))
                x = self._width - left - wide if self._is_mirrored else left
                above = self._gap if number < self._joined else 0.0
                painter.fillRect(QRectF(x, -above, wide, self.height + above), look.color("others"))
        if self.leaf.marker:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_marker(painter, self.leaf.marker)
            painter.restore()

    def _paint_marker(self, painter: QPainter, marker: str) -> None:
        look = self._look
        metrics = QFontMetricsF(look.body)
        base = self._inside.baseline or metrics.ascent() + look.px(2)
        end = self._left - look.px(_BETWEEN)
        number, box = marker.rstrip(_BOXES).strip(), marker[-1]
        if box in _BOXES:
            self._paint_box(painter, end, base, is_done=box != _OPEN)
            end -= look.px(BOX + 4)
        if number[:1].isalnum() or number[:1] == "[":  # that of a footnote is its label
            start = max((left for frame, left in self._places if frame is Frame.ITEM), default=0.0)
            self._paint_number(painter, number.strip("[]"), end, base, end - start)
        elif box not in _BOXES:
            self._paint_bullet(painter, end - look.px(3), base - metrics.xHeight() / 2)

    def _mirror(self, x: float) -> float:
        return self._width - x if self._is_mirrored else x

    def _paint_bullet(self, painter: QPainter, x: float, y: float) -> None:
        """A disc, a ring, a square, by how deep it is."""
        depth = sum(frame is Frame.ITEM for frame, _left in self._places)
        color, size = self._look.color("muted"), self._look.px(2.5)
        at = QPointF(self._mirror(x), y)
        painter.setPen(QPen(color, self._look.px(1)) if depth % 3 == 2 else Qt.PenStyle.NoPen)
        painter.setBrush(Qt.BrushStyle.NoBrush if depth % 3 == 2 else color)
        if depth and depth % 3 == 0:
            painter.drawRect(QRectF(at.x() - size, at.y() - size, 2 * size, 2 * size))
        else:
            painter.drawEllipse(at, size, size)

    def _paint_number(self, painter: QPainter, marker: str, end: float, base: float, room: float) -> None:
        font = self._look.font(BODY_PX)
        marker = visible(marker[:12])[0]
        wide = QFontMetricsF(font).horizontalAdvance(marker)
        if wide > room:
            font.setStretch(max(40, int(100 * room / wide)))
            wide = QFontMetricsF(font).horizontalAdvance(marker)
        painter.setFont(font)
        painter.setPen(self._look.color("muted"))
        painter.drawText(QPointF(self._width - end if self._is_mirrored else end - wide, base), marker)

    def _paint_box(self, painter: QPainter, end: float, base: float, *, is_done: bool) -> None:
        look = self._look
        size = round(look.px(BOX))
        x = round(self._width - end if self._is_mirrored else end - size)
        box = QRectF(x + 0.5, round(base - size + look.px(1.5)) + 0.5, size - 1, size - 1)
        painter.setPen(QPen(look.color("accent" if is_done else "muted"), 1))
        painter.setBrush(look.color("accent" if is_done else "surface"))
        painter.drawRoundedRect(box, look.px(3), look.px(3))
        if is_done:
            pen = QPen(look.color("on_accent"), look.px(1.6))
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            at, unit = box.topLeft(), box.width()
            painter.drawPolyline(
                [at + QPointF(x * unit, y * unit) for x, y in ((0.24, 0.52), (0.43, 0.71), (0.78, 0.31))]
            )


def _make(leaf: Leaf, theme: Theme, look: Look, on_change: Callable[[], None], kept: Kept, head: Leaf | None) -> Inside:
    formulas = formulas_of(theme)
    match leaf.content:
        case Words():
            return DrawnWords(leaf.content, look, formulas, on_change)
        case Code():
            return DrawnCode(leaf.content, look, on_change, kept)
        case Table():
            first = head.content if head is not None and isinstance(head.content, Table) else None
            return DrawnTable(leaf.content, look, formulas, on_change, kept, first)
        case Formula():
            return DrawnFormula(leaf.content, look, formulas, on_change, kept)
        case Rule():
            return DrawnRule(look)


def _nobody() -> None:
    """Hears of nothing."""
