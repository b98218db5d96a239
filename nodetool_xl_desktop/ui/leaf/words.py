"""A paragraph, a heading, a rule, and a formula on a line of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFont, QPainter

from nodetool_xl_desktop.markdown.leaves import Content, Formula, Rule, Run, Words
from nodetool_xl_desktop.ui.leaf.drawn import Kept, Mark
from nodetool_xl_desktop.ui.leaf.formula import Drawn, Formulas, awaited
from nodetool_xl_desktop.ui.leaf.inside import BAR, Inside, paint_bar
from nodetool_xl_desktop.ui.leaf.look import HEADINGS, Look
from nodetool_xl_desktop.ui.leaf.paragraph import Paragraph, Style


class DrawnWords(Inside):
    """A paragraph or a heading."""

    def __init__(self, words: Words, look: Look, formulas: Formulas, on_change: Callable[[], None]) -> None:
        super().__init__()
        self._words = words
        self._look = look
        self._formulas = formulas
        self._on_change = on_change
        pixels, weight = HEADINGS.get(words.level, (0, QFont.Weight.Normal))
        style = Style(pixels, weight) if words.level else Style()
        self._paragraph = Paragraph(look, words.runs, style, formulas)
        self._await()

    def lay_out(self, width: float) -> None:
        self.width = width
        self._paragraph.lay_out(width)
        self.height = self._paragraph.height

    def grow(self, content: Content) -> bool:
        if not isinstance(content, Words) or content.level != self._words.level:
            return False
        self._words = content
        self._paragraph.set_runs(content.runs)
        self._await()
        if self.width:
            self.lay_out(self.width)
        return True

    def paint(
        self, painter: QPainter, clip: QRectF, chosen: tuple[int, int] | None = None, marks: Sequence[Mark] = ()
    ) -> None:
        self._paragraph.paint(painter, QPointF(0, 0), clip, chosen, marks)

    def offset_at(self, point: QPointF) -> int:
        return self._paragraph.offset_at(point)

    def rect_of(self, offset: int) -> QRectF:
        return self._paragraph.rect_of(offset)

    def link_at(self, point: QPointF) -> str:
        found = self._paragraph.under(point)
        return found[0].target if found else ""

    def tip_at(self, point: QPointF) -> str:
        return self._paragraph.tip_at(point)

    @property
    def is_settled(self) -> bool:
        return not self._paragraph.awaits

    @property
    def baseline(self) -> float:
        return self._paragraph.first_baseline

    @property
    def is_rtl(self) -> bool:
        return self._paragraph.is_rtl

    def _await(self) -> None:
        for source in self._paragraph.awaits:
            self._formulas.tell_when(source, self._ready, inline=True)

    def _ready(self) -> None:
        self._paragraph.set_runs(self._words.runs)
        self._await()
        if self.width:
            self.lay_out(self.width)
        self._on_change()


class DrawnFormula(Inside):
    """A formula in the middle of its line; its source where it cannot be drawn."""

    def __init__(
        self, formula: Formula, look: Look, formulas: Formulas, on_change: Callable[[], None], kept: Kept
    ) -> None:
        super().__init__()
        self._formula = formula
        self._look = look
        self._formulas = formulas
        self._on_change = on_change
        self._drawn: Drawn | None = None
        self._text: Paragraph | None = None
        self._left = 0.0
        self._pad = look.px(4)
        self._scrolled = kept.scrolled
        self._find()

    def lay_out(self, width: float) -> None:
        self.width = width
        if self._drawn is not None:
            size = float(self._look.body.pixelSize()) * 1.1
            wide = self._drawn.width * size
            self._size, self._over = size, max(0.0, wide - width)
            self._left = max(0.0, (width - wide) / 2)
            self._scrolled = min(self._scrolled, self._over)
            bar = self._look.px(BAR + 3) if self._over else 0.0
            self.height = (self._drawn.ascent + self._drawn.descent) * size + 2 * self._pad + bar
        elif self._text is not None:
            self._over = 0.0
            self._text.lay_out(width)
            self.height = self._text.height

    def grow(self, content: Content) -> bool:
        if not isinstance(content, Formula):
            return False
        self._formula = content
        self._find()
        if self.width:
            self.lay_out(self.width)
        return True

    def paint(
        self, painter: QPainter, clip: QRectF, chosen: tuple[int, int] | None = None, marks: Sequence[Mark] = ()
    ) -> None:
        if self._drawn is None:
            if self._text is not None:
                self._text.paint(painter, QPointF(0, 0), clip, self._in_source(chosen), marks)
            return
        is_chosen = chosen is not None and chosen[0] < 1 <= chosen[1]
        painter.save()
        painter.setClipRect(QRectF(0, 0, self.width, self.height).intersected(clip))
        if is_chosen:
            painter.fillRect(self._box(), self._look.color("accent"))
        at = QPointF(self._left - self._scrolled, self._pad + self._drawn.ascent * self._size)
        self._drawn.paint(painter, at, self._size, self._look.color("on_accent" if is_chosen else "text"))
        painter.restore()
        paint_bar(painter, self._look, QRectF(0, 0, self.width, self.height), self._over, self._scrolled)

    def offset_at(self, point: QPointF) -> int:
        if self._drawn is not None:
            return int(point.x() > self._box().center().x())
        offset = self._text.offset_at(point) if self._text is not None else 0
        return offset if not self._formula.closed else int(offset > len(self._formula.source) / 2)

    def rect_of(self, offset: int) -> QRectF:
        if self._drawn is not None:
            box = self._box()
            return QRectF(box.right() if offset else box.left(), box.top(), 1, box.height())
        if self._text is None:
            return super().rect_of(offset)
        return self._text.rect_of(len(self._formula.source) if self._formula.closed and offset else offset)

    def tip_at(self, point: QPointF) -> str:
        if not self._formula.closed:
            return ""
        return self._formulas.tip(self._formula.source, inline=False)

    def scroll(self, by: float) -> bool:
        before, self._scrolled = self._scrolled, max(0.0, min(self._scrolled + by, self._over))
        return before != self._scrolled

    @property
    def is_settled(self) -> bool:
        return self._is_settled

    @property
    def scrolled(self) -> float:
        return self._scrolled

    def _in_source(self, chosen: tuple[int, int] | None) -> tuple[int, int] | None:
        if chosen is None or not self._formula.closed:
            return chosen
        return (0, len(self._formula.source)) if chosen[0] < 1 <= chosen[1] else None

    def _box(self) -> QRectF:
        if self._drawn is None:
            return QRectF()
        high = (self._drawn.ascent + self._drawn.descent) * self._size
        return QRectF(self._left - self._scrolled, self._pad, self._drawn.width * self._size, high)

    def _find(self) -> None:
        found = self._formulas.find(self._formula.source, inline=False) if self._formula.closed else None
        self._is_settled = found is not None or not self._formula.closed
        self._over = 0.0
        if found is None and self._formula.closed:
            found = awaited(self._formula.source, inline=False)
            self._formulas.tell_when(self._formula.source, self._ready, inline=False)
        self._drawn = found if isinstance(found, Drawn) else None
        self._text = None
        if self._drawn is None:
            runs = (Run(self._formula.source, code=True),)
            self._text = Paragraph(self._look, runs, Style(), self._formulas)

    def _ready(self) -> None:
        self._find()
        if self.width:
            self.lay_out(self.width)
        self._on_change()


class DrawnRule(Inside):
    """A line across."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.height = round(look.px(17)) * 1.0

    def lay_out(self, width: float) -> None:
        self.width = width

    def grow(self, content: Content) -> bool:
        return isinstance(content, Rule)

    def paint(
        self, painter: QPainter, clip: QRectF, chosen: tuple[int, int] | None = None, marks: Sequence[Mark] = ()
    ) -> None:
        painter.fillRect(QRectF(0, self.height // 2, self.width, 1), self._look.color("line"))
