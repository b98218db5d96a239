"""A block of code on its ground, of which only the rows that are seen are laid out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.markdown.leaves import Code, Content
from nodetool_xl_desktop.ui.leaf.code_bar import CodeBar
from nodetool_xl_desktop.ui.leaf.code_colours import Colours
from nodetool_xl_desktop.ui.leaf.code_lines import RowLayouts
from nodetool_xl_desktop.ui.leaf.code_rows import MOST_LINES, Rows
from nodetool_xl_desktop.ui.leaf.drawn import Kept, Mark
from nodetool_xl_desktop.ui.leaf.inside import Inside
from nodetool_xl_desktop.ui.leaf.look import Look
from nodetool_xl_desktop.ui.leaf.odd_letters import name_of, visible
from nodetool_xl_desktop.ui.leaf.pieces import x_of

#: A closed block of more lines shows the first of them only.
FOLDED_LINES, FOLDED_ABOVE = 40, 48
HEADER, FOOTER, SIDE, ABOVE, RADIUS = 32, 34, 13, 9, 8
ROW = 20
#: Of the bar that shows how far it is scrolled sideways.
BAR, SHORTEST_HANDLE = 4, 24


class DrawnCode(Inside):
    """A block of code."""

    def __init__(self, code: Code, look: Look, on_change: Callable[[], None], kept: Kept) -> None:
        super().__init__()
        self.code = code
        self._look = look
        self._on_change = on_change
        self._wrapped = kept.wrapped
        self._unfolded = kept.unfolded
        self._scrolled = kept.scrolled
        self._row_height = float(round(look.px(ROW)))
        self._rows = Rows(code.text, 0, FOLDED_ABOVE if code.closed else MOST_LINES)
        self._bar: CodeBar | None = None
        self._bars = 0
        self._colours = Colours(code, self._coloured)
        self._lines = RowLayouts(self._rows, self._colours, look, self._row_height)
        self._measure()

    # What the reader does

    @property
    def wrapped(self) -> bool | None:
        return self._wrapped

    @property
    def unfolded(self) -> bool | None:
        return self._unfolded

    @property
    def scrolled(self) -> float:
        return self._scrolled

    @property
    def is_settled(self) -> bool:
        return self._colours.is_settled

    @property
    def is_wrapped(self) -> bool:
        """Whether long lines are wrapped."""
        return bool(self._wrapped)

    @property
    def is_long(self) -> bool:
        """Whether it can be folded."""
        return self.code.closed and self._rows.lines > FOLDED_ABOVE

    @property
    def is_folded(self) -> bool:
        """Whether only its first lines are shown."""
        return self.is_long and not self._unfolded

    @property
    def is_cut(self) -> bool:
        """Whether it has more lines than are shown even when it is unfolded."""
        return self._rows.lines > MOST_LINES

    @property
    def lines(self) -> int:
        """How many it has."""
        return self._rows.lines

    def set_wrapped(self, wrapped: bool) -> None:
        """Wrap long lines, or show each on a row of its own."""
        self._wrapped, self._scrolled = wrapped, 0.0
        self.lay_out(self.width)
        self._on_change()

    def set_unfolded(self, unfolded: bool) -> None:
        """Show all of it, or its first lines."""
        self._unfolded = unfolded
        self.lay_out(self.width)
        self._on_change()

    def reveal(self, offset: int) -> bool:
        before = self.height
        if self.is_folded and offset > self._rows.ends[-1]:
            self._unfolded = True
            self.lay_out(self.width)
        caret = self.rect_of(offset).left()
        if not 2 * self._side < caret < self.width - 2 * self._side:
            self.scroll(caret - self.width / 2)
        return before != self.height

    def scroll_and_tell(self, by: float) -> None:
        """Scroll it sideways by a key."""
        if self.scroll(by):
            self._on_change()

    def scroll(self, by: float) -> bool:
        before, self._scrolled = self._scrolled, max(0.0, min(self._scrolled + by, self.over))
        return before != self._scrolled

    @property
    def over(self) -> float:
        """How much wider it is than its room."""
        if self.is_wrapped or not self.width:
            return 0.0
        wide = max(self._rows.widest * self._look.code_letter, self._lines.widest)
        return max(0.0, wide - self._room) if wide - self._room > 1 else 0.0

    # Laying out

    def lay_out(self, width: float) -> None:
        self.width = width
        columns = max(4, int(self._room / self._look.code_letter)) if self.is_wrapped else 0
        most = FOLDED_LINES if self.is_folded else MOST_LINES
        if (columns, most) != (self._rows.columns, self._rows.most):
            self._rows = Rows(self.code.text, columns, most)
            self._lines.take(self._rows)
        self._measure()
        self._scrolled = min(self._scrolled, self.over)
        if (start := self._colours.want(self._rows.ends[self._shown - 1])) is not None:
            self._lines.forget(self._rows.row_of(start))
        if self._bar is not None:
            self._bar.fit()

    def grow(self, content: Content) -> bool:
        if not isinstance(content, Code) or content.language != self.code.language:
            return False
        if not content.text.startswith(self.code.text):
            return False
        if content.closed and not self.code.closed and self._unfolded is None:
            self._unfolded = True  # it does not fold up under the eyes of who watches it come
        self._lines.forget(self._rows.grow(content.text))
        self.code = content
        self._colours.grow(content)
        self.lay_out(self.width)
        return True

    def _measure(self) -> None:
        self._shown = len(self._rows)
        foot = self._footer if self.is_long else 0.0
        self._below = self._look.px(ABOVE)
        self.height = self._top + self._shown * self._row_height + self._below + foot + 1

    @property
    def header(self) -> float:
        """The height of the row with its language and buttons, with the hairline below it."""
        return float(max(28, round(self._look.px(HEADER))))

    @property
    def _footer(self) -> float:
        return float(max(30, round(self._look.px(FOOTER))))

    @property
    def _top(self) -> float:
        return self.header + self._look.px(ABOVE)

    @property
    def _side(self) -> float:
        return float(round(self._look.px(SIDE)))

    @property
    def _room(self) -> float:
        return max(1.0, self.width - 2 * self._side)

    @property
    def header_rect(self) -> QRectF:
        """Where the buttons stand."""
        return QRectF(0, 0, self.width, self.header)

    @property
    def footer_rect(self) -> QRectF:
        """Where the button that unfolds it stands; empty where it is not long."""
        if not self.is_long:
            return QRectF()
        return QRectF(0, self.height - self._footer - 1, self.width, self._footer)

    # Painting

    def paint(
        self, painter: QPainter, clip: QRectF, chosen: tuple[int, int] | None = None, marks: Sequence[Mark] = ()
    ) -> None:
        self._paint_ground(painter)
        first = max(0, int((clip.top() - self._top) // self._row_height))
        last = min(self._shown, int((clip.bottom() - self._top) // self._row_height) + 1)
        painter.save()
        room = QRectF(self._side - 2, self.header, self._room + 4, self.height - self.header)
        painter.setClipRect(room, Qt.ClipOperation.IntersectClip)
        painter.setPen(self._look.color("text"))
        for row in range(first, last):
            self._paint_row(painter, row, chosen, marks)
        painter.restore()
        self._paint_bar(painter)

    def _paint_ground(self, painter: QPainter) -> None:
        look, box = self._look, QRectF(0.5, 0.5, self.width - 1, self.height - 1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(look.color("line"), 1))
        painter.setBrush(look.color("code"))
        painter.drawRoundedRect(box, look.px(RADIUS), look.px(RADIUS))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(1, self.header - 1, self.width - 2, 1), look.color("line"))
        if self.is_long:
            painter.fillRect(QRectF(1, self.footer_rect.top(), self.width - 2, 1), look.color("line"))
        metrics = QFontMetricsF(look.note)
        painter.setFont(look.note)
        painter.setPen(look.color("muted"))
        base = (self.header - metrics.ascent() - metrics.descent()) / 2 + metrics.ascent()
        name = visible(self.code.language or "text", code=True)[0]
        room = max(0.0, self.width - self._side * 2 - self._look.px(190))
        painter.drawText(QPointF(self._side, round(base)), metrics.elidedText(name, Qt.TextElideMode.ElideRight, room))
        painter.restore()

    def _paint_row(self, painter: QPainter, row: int, chosen: tuple[int, int] | None, marks: Sequence[Mark]) -> None:
        layout, line = self._lines.lay(row)
        start, end = self._rows.starts[row], self._rows.ends[row]
        at = QPointF(self._side - self._scrolled, self._top + row * self._row_height)
        ranges = []
        for mark in marks:
            if mark.start < end and mark.end > start:
                ranges.append(self._lines.range_of(row, mark.start, mark.end, self._look.mark(current=mark.current)))
        if chosen is not None and chosen[0] <= end and chosen[1] > start:
            ranges.append(self._lines.range_of(row, *chosen, self._look.chosen()))
            if chosen[1] > end and self.code.text[end : end + 1] == "\n":
                # The line feed is chosen too: else an empty line shows nothing of it.
                x = float(int(at.x() + line.naturalTextWidth()))
                wide = self._look.code_letter / 2
                painter.fillRect(QRectF(x, at.y(), wide, self._row_height), self._look.color("accent"))
        layout.draw(painter, at, ranges)

    def _paint_bar(self, painter: QPainter) -> None:
        """How far it is scrolled, as a thin bar."""
        if (over := self.over) <= 0:
            return
        foot = self._footer if self.is_long else 0.0
        wide = max(SHORTEST_HANDLE, self._room * self._room / (self._room + over))
        x = self._side + (self._room - wide) * self._scrolled / over
        thick = self._look.px(BAR)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._look.color("others"))
        y = self.height - foot - self._look.px(2) - thick
        painter.drawRoundedRect(QRectF(x, y, wide, thick), thick / 2, thick / 2)
        painter.restore()

    def _coloured(self, start: int) -> None:
        """There are colours from an offset on."""
        self._lines.forget(self._rows.row_of(start))
        self._on_change()

    # Where things are

    def offset_at(self, point: QPointF) -> int:
        if point.y() < self.header:
            return 0
        row = min(max(0, int((point.y() - self._top) // self._row_height)), self._shown - 1)
        _layout, line = self._lines.lay(row)
        return self._lines.letter_of(row, line.xToCursor(point.x() - self._side + self._scrolled))

    def rect_of(self, offset: int) -> QRectF:
        row = self._rows.row_of(offset)
        y = self._top + row * self._row_height
        if offset > self._rows.ends[-1]:  # folded away: below what is seen
            return QRectF(self._side, y + self._row_height, 1, self._row_height)
        _layout, line = self._lines.lay(row)
        x = x_of(line, self._lines.unit_of(row, offset))
        return QRectF(self._side - self._scrolled + x, y, 1, self._row_height)

    def tip_at(self, point: QPointF) -> str:
        offset = self.offset_at(point - QPointF(self._look.code_letter / 2, 0))
        letter = self.code.text[offset : offset + 1]
        return name_of(letter) if letter and letter != "\n" and visible(letter, code=True)[1] else ""

    def make_bar(self, parent: QWidget, left: float) -> QWidget | None:
        self._bars += 1
        self._bar = CodeBar(parent, self, self._look, left)
        self._bar.destroyed.connect(partial(self._bar_gone, self._bars))
        return self._bar

    def _bar_gone(self, number: int, *_bar: object) -> None:
        if number == self._bars:  # no other one was made meanwhile
            self._bar = None
