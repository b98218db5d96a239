"""A table: columns as wide as what is in them where there is room, else wrapped, and at last scrolled sideways."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, zip_longest

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QPainter

from nodetool_xl_desktop.markdown.leaves import Content, Table
from nodetool_xl_desktop.ui.leaf.drawn import Kept, Mark
from nodetool_xl_desktop.ui.leaf.formula import Formulas
from nodetool_xl_desktop.ui.leaf.inside import BAR, Inside, paint_bar
from nodetool_xl_desktop.ui.leaf.letters import Letters
from nodetool_xl_desktop.ui.leaf.look import LINE, Look
from nodetool_xl_desktop.ui.leaf.paragraph import Paragraph, Style

CELL_PX = 13
#: Left and right of the text of a cell, and above and below it.
SIDE, ABOVE = 12, 6
#: A column is never narrower than this, nor wider by itself than that, in pixels before zooming.
NARROWEST, WIDEST, LONGEST_WORD = 48, 360, 200
#: Rows whose cells decide how wide the columns are.
MEASURED = 40


class DrawnTable(Inside):
    """A table, or a piece of one.

    Args:
        table: what is shown.
        look: fonts and colours.
        formulas: draws those in it.
        on_change: hears when a formula is ready.
        kept: how far it was scrolled.
        head: the first piece of the table that this one goes on with, whose columns it takes.
    """

    def __init__(
        self,
        table: Table,
        look: Look,
        formulas: Formulas,
        on_change: Callable[[], None],
        kept: Kept,
        head: Table | None,
    ) -> None:
        super().__init__()
        self._table = table
        self._look = look
        self._formulas = formulas
        self._on_change = on_change
        self._head = head
        self._scrolled = kept.scrolled
        self._cells: dict[tuple[int, int], Paragraph] = {}
        self._starts: list[list[int]] = []
        self._tops: list[float] = [0.0]
        self._lefts: list[float] = [0.0]
        self._letters = Letters(look, CELL_PX)
        self._columns: list[tuple[float, float]] = [(0.0, 0.0)] * len(table.aligns)
        self._measures: list[list[tuple[float, float]]] = []  # of the rows that decide
        self._add(0)
        if head is not None:
            self._first = DrawnTable(head, look, formulas, self._first_ready, Kept(), None)
            self._columns = self._first._columns

    # Laying out

    def lay_out(self, width: float) -> None:
        self.width = width
        # The text of the first column stands below that of the paragraphs; its space beside it is outside.
        side = self._look.px(SIDE)
        self._lefts = list(accumulate(_share(self._columns, width + side, self._look), initial=-side))
        self._scrolled = min(self._scrolled, self.over)
        self._stack(0)

    def grow(self, content: Content) -> bool:
        if not isinstance(content, Table) or content.aligns != self._table.aligns:
            return False
        if content.header != self._table.header or len(content.rows) < len(self._table.rows):
            return False
        same = len(self._table.rows) - 1
        if content.rows[:same] != self._table.rows[:same]:
            return False
        same = max(0, same)
        self._table = content
        for place in [each for each in self._cells if each[0] >= same]:
            del self._cells[place]
        del self._starts[same:]
        before = list(self._columns)
        self._add(same)
        if self.width and before != self._columns:
            self.lay_out(self.width)
        elif self.width:
            self._stack(same)
        return True

    def _add(self, first: int) -> None:
        """Take the rows from one on: where they begin in the text, and how wide they are."""
        offset = self._starts[-1][-1] + 1 if self._starts else 0
        for number in range(first, len(self._table.rows)):
            starts = []
            for cell in self._table.rows[number]:
                starts.append(offset)
                offset += sum(len(run.shown) for run in cell) + 1
            self._starts.append([*starts, offset - 1])  # and where the row ends
            if number < MEASURED and self._head is None:
                self._measures[number:] = [self._measured(number)]
        self._decide()

    def _measured(self, row: int) -> list[tuple[float, float]]:
        """What a row wants of each column: the longest word, and all of it on one line."""
        wants = []
        for column, runs in enumerate(self._table.rows[row][: len(self._columns)]):
            natural = self._letters.width_of(runs, bold=self._is_header(row))
            if natural is None:
                cell = self._cell(row, column)
                natural = cell.natural_width
            wants.append((min(natural, self._letters.least_of(runs), self._look.px(LONGEST_WORD)), natural))
        return wants

    def _decide(self) -> None:
        """The columns are as wide as what is in them now, also where that was wider before its formula was drawn."""
        if self._head is None:
            empty = [(0.0, 0.0)] * len(self._table.aligns)
            columns = zip_longest(empty, *self._measures, fillvalue=(0.0, 0.0))
            self._columns = [(max(word for word, _ in each), max(whole for _, whole in each)) for each in columns]

    def _is_header(self, row: int) -> bool:
        return self._table.header and row == 0

    def _cell(self, row: int, column: int) -> Paragraph:
        """A cell; laid out when it is first needed."""
        if (row, column) not in self._cells:
            runs = self._table.rows[row][column]
            weight = QFont.Weight.DemiBold if self._is_header(row) else QFont.Weight.Normal
            made = Paragraph(self._look, runs, Style(CELL_PX, weight, align=self._table.aligns[column]), self._formulas)
            for source in made.awaits:
                self._formulas.tell_when(source, self._ready, inline=True)
            self._cells[row, column] = made
        return self._cells[row, column]

    def _laid(self, row: int, column: int) -> Paragraph:
        cell = self._cell(row, column)
        cell.lay_out(self._room(column))
        return cell

    def _room(self, column: int) -> float:
        return max(1.0, self._lefts[column + 1] - self._lefts[column] - 2 * self._look.px(SIDE))

    def _height(self, row: int, column: int) -> float:
        """Of a cell. One that surely fits on a line is not laid out for it: a table may have 10,000 of them."""
        runs, line = self._table.rows[row][column], float(round(CELL_PX * self._look.zoom * LINE))
        wide = self._letters.width_of(runs, bold=self._is_header(row))
        if wide is not None and wide <= self._room(column):
            return line
        if row >= MEASURED and wide is not None and not any(run.code or run.bold for run in runs):
            return line * self._letters.lines_of("".join(run.text for run in runs), self._room(column))
        return self._laid(row, column).height

    def _stack(self, first: int) -> None:
        """Put the rows from one on below each other."""
        above = self._look.px(ABOVE)
        del self._tops[first + 1 :]
        for row in range(first, len(self._table.rows)):
            tallest = max((self._height(row, column) for column in range(self._wide(row))), default=0.0)
            self._tops.append(self._tops[-1] + round(tallest + 2 * above) + 1)
        self.height = self._tops[-1] + (self._look.px(BAR + 3) if self.over else 0.0)

    @property
    def over(self) -> float:
        """How much wider it is than its room."""
        return max(0.0, self._lefts[-1] - self.width) if self._lefts[-1] - self.width > 1 else 0.0

    @property
    def is_settled(self) -> bool:
        return not any(cell.awaits for cell in self._cells.values())

    @property
    def scrolled(self) -> float:
        return self._scrolled

    def scroll(self, by: float) -> bool:
        before, self._scrolled = self._scrolled, max(0.0, min(self._scrolled + by, self.over))
        return before != self._scrolled

    def reveal(self, offset: int) -> bool:
        caret = self.rect_of(offset).left()
        if not 0 < caret < self.width:
            self.scroll(caret - self.width / 2)
        return False

    def _wide(self, row: int) -> int:
        return min(len(self._table.rows[row]), len(self._table.aligns))

    def _ready(self) -> None:
        """A formula in one of the cells is drawn now."""
        for row, column in [place for place, cell in self._cells.items() if cell.awaits]:
            del self._cells[row, column]
            if row < MEASURED and self._head is None:
                self._measures[row] = self._measured(row)
        self._decide()
        if self.width:
            self.lay_out(self.width)
        self._on_change()

    def _first_ready(self) -> None:
        """A formula in the piece whose columns it takes is drawn now."""
        self._columns = self._first._columns
        if self.width:
            self.lay_out(self.width)
        self._on_change()

    # Painting

    def paint(
        self, painter: QPainter, clip: QRectF, chosen: tuple[int, int] | None = None, marks: Sequence[Mark] = ()
    ) -> None:
        look = self._look
        wide = min(self.width, self._lefts[-1])
        painter.save()
        painter.setClipRect(QRectF(0, 0, wide, self.height), Qt.ClipOperation.IntersectClip)
        first = max(0, bisect_right(self._tops, clip.top()) - 1)
        for row in range(first, len(self._table.rows)):
            top, bottom = self._tops[row], self._tops[row + 1]
            if top > clip.bottom():
                break
            is_header = self._table.header and row == 0
            self._paint_row(painter, row, clip, chosen, marks)
            painter.fillRect(QRectF(0, bottom - 1, wide, 1), look.color("others" if is_header else "line"))
        painter.restore()
        self._paint_bar(painter)

    def _paint_row(
        self,
        painter: QPainter,
        row: int,
        clip: QRectF,
        chosen: tuple[int, int] | None,
        marks: Sequence[Mark],
    ) -> None:
        side, above = self._look.px(SIDE), self._look.px(ABOVE)
        for column in range(self._wide(row)):
            cell = self._laid(row, column)
            x = self._lefts[column] + side - self._scrolled
            start, end = self._starts[row][column], self._starts[row][column + 1]
            own = None if chosen is None else (max(0, chosen[0] - start), max(0, min(chosen[1], end) - start))
            hits = [
                Mark(mark.start - start, mark.end - start, mark.current)
                for mark in marks
                if mark.start < end and mark.end > start
            ]
            cell.paint(painter, QPointF(x, self._tops[row] + above), clip, own, hits)

    def _paint_bar(self, painter: QPainter) -> None:
        paint_bar(painter, self._look, QRectF(0, 0, self.width, self.height), self.over, self._scrolled)

    # Where things are

    def _place(self, row: int, column: int) -> QPointF:
        x = self._lefts[column] + self._look.px(SIDE) - self._scrolled
        return QPointF(x, self._tops[row] + self._look.px(ABOVE))

    def _cell_at(self, point: QPointF) -> tuple[int, int] | None:
        if not self._table.rows or len(self._tops) < 2:
            return None
        row = min(max(0, bisect_right(self._tops, point.y()) - 1), len(self._table.rows) - 1)
        column = min(max(0, bisect_right(self._lefts, point.x() + self._scrolled) - 1), self._wide(row) - 1)
        return (row, column) if column >= 0 else None

    def offset_at(self, point: QPointF) -> int:
        if (place := self._cell_at(point)) is None:
            return 0
        return self._starts[place[0]][place[1]] + self._laid(*place).offset_at(point - self._place(*place))

    def rect_of(self, offset: int) -> QRectF:
        if not self._table.rows or len(self._lefts) < 2:
            return super().rect_of(offset)
        row = max(0, bisect_right(self._starts, offset, key=lambda starts: starts[0]) - 1)
        starts = self._starts[row]
        column = min(max(0, bisect_right(starts, offset) - 1), self._wide(row) - 1)
        if column < 0:
            return super().rect_of(offset)
        found = self._laid(row, column).rect_of(offset - starts[column])
        return found.translated(self._place(row, column))

    def link_at(self, point: QPointF) -> str:
        if (place := self._cell_at(point)) is None:
            return ""
        found = self._laid(*place).under(point - self._place(*place))
        return found[0].target if found else ""

    def tip_at(self, point: QPointF) -> str:
        if (place := self._cell_at(point)) is None:
            return ""
        return self._laid(*place).tip_at(point - self._place(*place))


def _share(columns: Sequence[tuple[float, float]], width: float, look: Look) -> list[float]:
    """How wide each column is: all of what is in it where there is room, else a fair share, never less than a word."""
    side = 2 * look.px(SIDE)
    least = [max(word, look.px(NARROWEST) - side) + side for word, _whole in columns]
    whole = [max(least[number], natural + side + 1) for number, (_word, natural) in enumerate(columns)]
    if sum(whole) <= width:
        return whole
    if sum(least) >= width:
        return [max(small, min(large, look.px(WIDEST))) for small, large in zip(least, whole, strict=True)]
    found, open_, room = list(least), set(range(len(columns))), width
    while open_:  # who wants no more than a fair share gets it; what is left is shared by the others
        fair = room / len(open_)
        settled = {n for n in open_ if whole[n] <= fair or least[n] >= fair}
        if not settled:
            for number in open_:
                found[number] = fair
            break
        for number in settled:
            found[number] = min(whole[number], max(least[number], fair))
            room -= found[number]
        open_ -= settled
    return found
