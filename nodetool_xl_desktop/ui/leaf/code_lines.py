"""The rows of a block of code as they are drawn: laid out when they are first seen, and only the latest kept."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QTextCharFormat, QTextLayout, QTextLine, QTextOption

from nodetool_xl_desktop.ui.leaf.code_colours import Colours
from nodetool_xl_desktop.ui.leaf.code_rows import TAB, Rows
from nodetool_xl_desktop.ui.leaf.look import Look
from nodetool_xl_desktop.ui.leaf.odd_letters import visible

#: Rows whose layout is kept.
_KEPT_ROWS = 200


class RowLayouts:
    """The rows that are seen.

    Args:
        rows: all of them.
        colours: of the code.
        look: fonts and colours.
        height: of each row, in pixels.
    """

    def __init__(self, rows: Rows, colours: Colours, look: Look, height: float) -> None:
        self._rows = rows
        self._colours = colours
        self._look = look
        self._row_height = height
        #: Of the widest row that was seen, in pixels.
        self.widest = 0.0
        self._laid: dict[int, tuple[QTextLayout, QTextLine]] = {}
        self._formats: dict[str, QTextCharFormat] = {}

    def take(self, rows: Rows) -> None:
        """Draw these rows from now on."""
        self._rows = rows
        self._laid.clear()

    def lay(self, row: int) -> tuple[QTextLayout, QTextLine]:
        """The layout of a row; made when it is first seen."""
        if row in self._laid:
            return self._laid[row]
        start, end = self._rows.starts[row], self._rows.ends[row]
        text, odd = visible(self._rows.text[start:end], code=True)
        layout = QTextLayout(text, self._look.code)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.NoWrap)
        option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        option.setTabStopDistance(TAB * self._look.code_letter)
        layout.setTextOption(option)
        formats = [
            self.range_of(row, first, last, self._color(role)) for first, last, role in self._colours.spans(start, end)
        ]
        formats += [self.range_of(row, start + each, start + each + 1, self._look.odd()) for each in odd]
        layout.setFormats(formats)
        layout.setCacheEnabled(True)
        layout.beginLayout()
        line = layout.createLine()
        line.setLineWidth(1e7)
        metrics = self._look.code_metrics
        base = (self._row_height - metrics.ascent() - metrics.descent()) / 2 + metrics.ascent()
        line.setPosition(QPointF(0, round(base) - line.ascent()))
        layout.endLayout()
        self.widest = max(self.widest, line.naturalTextWidth())
        while len(self._laid) >= _KEPT_ROWS:
            del self._laid[next(iter(self._laid))]
        self._laid[row] = (layout, line)
        return self._laid[row]

    def _color(self, role: str) -> QTextCharFormat:
        if role not in self._formats:
            made = QTextCharFormat()
            made.setForeground(self._look.color(role))
            if role == "code_comment":
                made.setFontItalic(True)
            self._formats[role] = made
        return self._formats[role]

    def unit_of(self, row: int, offset: int) -> int:
        """Where a letter stands in the layout of its row, in UTF-16 units."""
        start, end = self._rows.starts[row], self._rows.ends[row]
        piece = self._rows.text[start : min(max(offset, start), end)]
        return len(piece) if piece.isascii() else len(piece) + sum(letter > "\uffff" for letter in piece)

    def letter_of(self, row: int, unit: int) -> int:
        """The offset of what stands at a place in the layout of a row."""
        start, end = self._rows.starts[row], self._rows.ends[row]
        text = self._rows.text[start:end]
        if text.isascii():
            return start + min(unit, len(text))
        for number, letter in enumerate(text):
            unit -= 2 if letter > "\uffff" else 1
            if unit < 0:
                return start + number
        return end

    def range_of(self, row: int, start: int, end: int, look: QTextCharFormat) -> QTextLayout.FormatRange:
        """A look for what stands between two offsets in a row."""
        made = QTextLayout.FormatRange()
        made.start = self.unit_of(row, start)
        made.length = self.unit_of(row, end) - made.start
        made.format = look
        return made

    def forget(self, first: int) -> None:
        """The rows from here on are others."""
        if first == 0:
            self._laid.clear()
        for row in [each for each in self._laid if each >= first]:
            del self._laid[row]
