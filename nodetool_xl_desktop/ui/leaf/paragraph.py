"""Runs of text laid out as one paragraph: what words, cells and notes are drawn with."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QTextCharFormat, QTextLayout, QTextLine, QTextOption

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.markdown.leaves import Align, Run
from nodetool_xl_desktop.ui.leaf.drawn import Mark
from nodetool_xl_desktop.ui.leaf.formula import Drawn, Formulas, NotDrawn, awaited
from nodetool_xl_desktop.ui.leaf.letters import BESIDE
from nodetool_xl_desktop.ui.leaf.look import BODY_PX, LINE, Look, direction_of
from nodetool_xl_desktop.ui.leaf.odd_letters import name_of, visible
from nodetool_xl_desktop.ui.leaf.pieces import Line, Piece, len_units, x_of

#: Holds the place of a formula in the layout; it is as wide as the formula by its letter spacing.
_PLACE = "\N{NO-BREAK SPACE}"
_WRAP = QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere
_ALIGNS = {
    Align.LEFT: Qt.AlignmentFlag.AlignLeft,
    Align.CENTRE: Qt.AlignmentFlag.AlignHCenter,
    Align.RIGHT: Qt.AlignmentFlag.AlignRight,
}
#: Formulas of one paragraph that are drawn; further ones are shown as their source.
MOST_FORMULAS = 200
#: Of a line that is wider than what can be measured.
UNBOUND = 1e7


@dataclass(frozen=True, slots=True)
class Style:
    """How the words of a paragraph look where their runs say nothing else."""

    pixels: float = BODY_PX
    weight: QFont.Weight = QFont.Weight.Normal
    color: str = "text"
    align: Align | None = None  # None: by the direction of the text


class Paragraph:
    """Runs of text as lines.

    Args:
        look: fonts and colours.
        runs: what is shown.
        style: how, where they do not say.
        formulas: draws those in it.
    """

    def __init__(self, look: Look, runs: Sequence[Run], style: Style, formulas: Formulas) -> None:
        self._look = look
        self._style = style
        self._formulas = formulas
        self._font = look.font(style.pixels)
        self._font.setWeight(style.weight)
        self._scale = float(self._font.pixelSize())  # formulas are drawn for letters of one pixel
        self._metrics = QFontMetricsF(self._font)
        self._layout = QTextLayout()
        self._layout.setFont(self._font)
        self._layout.setCacheEnabled(True)
        self._lines: list[Line] = []
        self._pieces: list[Piece] = []
        self._drawn: dict[str, Drawn | NotDrawn] = {}
        self._gaps: dict[float, QTextCharFormat] = {}
        self._formats: list[QTextLayout.FormatRange] = []
        self._width = -1.0
        self.height = 0.0
        self.set_runs(runs)

    def set_runs(self, runs: Sequence[Run]) -> None:
        """Show these from now on; to be laid out again."""
        #: The formulas in it that are still being drawn: set the runs again when they are ready.
        self.awaits: set[str] = set()
        self._places_kept: dict[str, Drawn] = {}  # for those
        self._pieces, self._formats, place, at = [], [], 0, 0
        parts: list[str] = []
        for run in runs:
            text, piece = self._take(run, at, place)
            self._pieces.append(piece)
            parts.append(text)
            at += len(run.shown)
            place = piece.end
        text = "".join(parts)
        self._starts = [piece.at for piece in self._pieces]
        self._places = [piece.place for piece in self._pieces]
        self._special = [piece for piece in self._pieces if piece.formula or piece.run.code or piece.run.image]
        self._special_starts = [piece.start for piece in self._special]
        self._is_rtl = direction_of(text) is Qt.LayoutDirection.RightToLeft
        self._layout.setText(text)
        self._layout.setFormats(self._formats)
        self._option()
        self._width = -1.0

    def _take(self, run: Run, at: int, place: int) -> tuple[str, Piece]:
        """A run as text of the layout, with its formats noted."""
        if run.formula:
            found = self._drawn.get(run.text) or self._places_kept.get(run.text)
            if found is None and len(self._drawn) + len(self.awaits) < MOST_FORMULAS:
                found = self._formulas.find(run.text, inline=True)
                if found is None:
                    self.awaits.add(run.text)
                    found = self._places_kept[run.text] = awaited(run.text, inline=True)
                else:
                    self._drawn[run.text] = found
            if isinstance(found, Drawn):
                return self._take_formula(run, found, at, place)
            run = replace(run, code=True)  # its source; one letter of the leaf all the same
        shown, odd = visible(run.text, code=run.code)
        shown = shown.replace("\n", "\u2028")
        boxed = bool(run.code or run.image)
        before = (tr("Image: ") if shown else tr("Image")) if run.image else ""
        before, after = (_PLACE + before, _PLACE) if boxed else (before, "")
        far = () if shown.isascii() else tuple(n for n, letter in enumerate(shown) if letter > "\uffff")
        own = place + len(before)
        piece = Piece(run, at, place, own, own + len(shown) + len(far) + len(after), far, tuple(odd))
        look = self._look.format_of(run, self._style.pixels, self._style.weight)
        if look is not None:
            self._note(place, piece.end, look)
        if boxed:  # room within its ground, and beside it
            self._note(place, place + 1, self._spaced(self._look.px(BESIDE)))
            self._note(piece.end - 1, piece.end, self._spaced(self._look.px(BESIDE)))
        for number in odd:
            self._note(piece.unit(at + number), piece.unit(at + number + 1), self._look.odd())
        return before + shown + after, piece

    def _take_formula(self, run: Run, drawn: Drawn, at: int, place: int) -> tuple[str, Piece]:
        self._note(place, place + 1, self._spaced(drawn.width * self._scale))
        return _PLACE, Piece(run, at, place, place, place + 1, formula=drawn)

    def _spaced(self, width: float) -> QTextCharFormat:
        """Of a place that is so wide."""
        if width not in self._gaps:
            font, look = QFont(self._font), QTextCharFormat()
            advance = self._metrics.horizontalAdvance(_PLACE)
            font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, width - advance)
            look.setFont(font)
            self._gaps[width] = look
        return self._gaps[width]

    def _note(self, place: int, end: int, look: QTextCharFormat) -> None:
        made = QTextLayout.FormatRange()
        made.start, made.length, made.format = place, end - place, look
        self._formats.append(made)

    def _option(self) -> None:
        option = QTextOption()
        option.setWrapMode(_WRAP)
        option.setTextDirection(Qt.LayoutDirection.RightToLeft if self._is_rtl else Qt.LayoutDirection.LeftToRight)
        align = self._style.align
        side = _ALIGNS[align] if align else _ALIGNS[Align.RIGHT if self._is_rtl else Align.LEFT]
        option.setAlignment(side | Qt.AlignmentFlag.AlignAbsolute)
        option.setTabStopDistance(4 * self._scale)
        self._layout.setTextOption(option)

    # Laying out

    def lay_out(self, width: float) -> None:
        """Take this width."""
        width = max(width, 1.0)
        if width == self._width:
            return
        self._width = width
        self._lines = []
        self._layout.beginLayout()
        y, least, metrics = 0.0, self.line_height, self._metrics
        usual = (least - metrics.ascent() - metrics.descent()) / 2 + metrics.ascent()
        while (line := self._layout.createLine()).isValid():
            line.setLineWidth(width)
            ascent, descent = line.ascent(), line.descent()
            for piece in self._within(line):
                if piece.formula is not None:
                    ascent = max(ascent, piece.formula.ascent * self._scale)
                    descent = max(descent, piece.formula.descent * self._scale)
            height = max(least, ascent + descent + (2 if ascent + descent > least else 0))
            # Between the lines of one paragraph nothing jumps because one of them has code or an emoji in it.
            is_usual = ascent <= usual and descent <= least - usual
            baseline = usual if is_usual else (height - ascent - descent) / 2 + ascent
            height = max(height, baseline + descent)
            line.setPosition(QPointF(0, y + baseline - line.ascent()))
            self._lines.append(Line(line, y, height, y + baseline))
            y += height
        self._layout.endLayout()
        self.height = max(y, least)

    @property
    def line_height(self) -> float:
        """Of a line of usual letters."""
        return float(round(self._style.pixels * self._look.zoom * (LINE if self._style.pixels <= BODY_PX else 1.35)))

    @property
    def natural_width(self) -> float:
        """How wide it is without wrapping."""
        self.lay_out(UNBOUND)
        return max((line.line.naturalTextWidth() for line in self._lines), default=0.0)

    @property
    def first_baseline(self) -> float:
        """Of its first line, below its top."""
        return self._lines[0].baseline if self._lines else self._metrics.ascent()

    @property
    def is_rtl(self) -> bool:
        """Whether it is read from the right."""
        return self._is_rtl

    def _within(self, line: QTextLine) -> list[Piece]:
        """What is drawn on a line besides letters: formulas, and what has a ground."""
        start, end = line.textStart(), line.textStart() + line.textLength()
        first = max(0, bisect_right(self._special_starts, start) - 1)
        last = bisect_left(self._special_starts, end)
        return [piece for piece in self._special[first:last] if piece.end > start]

    # Painting

    def paint(
        self,
        painter: QPainter,
        at: QPointF,
        clip: QRectF,
        chosen: tuple[int, int] | None = None,
        marks: Sequence[Mark] = (),
    ) -> None:
        """Paint it with its top left at a point; `clip` is in the painter's coordinates."""
        look, ranges = self._look, []
        for mark in marks:
            ranges.append(self._range(mark.start, mark.end, look.mark(current=mark.current)))
        if chosen is not None and chosen[0] < chosen[1]:
            ranges.append(self._range(*chosen, look.chosen()))
        seen = [(each, self._within(each.line)) for each in self._lines_in(clip.translated(-at))]
        for each, pieces in seen:
            for piece in pieces:
                if piece.formula is None:
                    self._paint_ground(painter, at, each, piece)
        painter.setPen(look.color(self._style.color))
        self._layout.draw(painter, at, ranges, clip)
        for each, pieces in seen:
            for piece in pieces:
                if piece.formula is not None:
                    is_chosen = chosen is not None and chosen[0] <= piece.at < chosen[1]
                    self._paint_formula(painter, at, each, piece, is_chosen=is_chosen)

    def _range(self, start: int, end: int, look: QTextCharFormat) -> QTextLayout.FormatRange:
        made = QTextLayout.FormatRange()
        made.start = self._unit(start)
        made.length = self._unit(end) - made.start
        made.format = look
        return made

    def _lines_in(self, clip: QRectF) -> list[Line]:
        first = bisect_right(self._lines, clip.top(), key=lambda each: each.top + each.height)
        last = bisect_left(self._lines, clip.bottom(), key=lambda each: each.top)
        return self._lines[first : max(first, last)]

    def _paint_ground(self, painter: QPainter, at: QPointF, each: Line, piece: Piece) -> None:
        """What lies under code and under the place of an image, on one line."""
        line, metrics, look = each.line, self._metrics, self._look
        first, last = max(piece.start, line.textStart()), min(piece.end, line.textStart() + line.textLength())
        left, right = x_of(line, first), x_of(line, last)
        top, height = each.baseline - metrics.ascent() - 1, metrics.ascent() + metrics.descent() + 2
        x, wide = min(left, right), abs(right - left)
        place = QRectF(round(x + 1) + 0.5, round(top) + 0.5, round(wide - 3), round(height)).translated(at)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(look.color("line"))
        painter.setBrush(look.color("code"))
        painter.drawRoundedRect(place, look.px(4), look.px(4))

    def _paint_formula(self, painter: QPainter, at: QPointF, each: Line, piece: Piece, *, is_chosen: bool) -> None:
        drawn, size = piece.formula, self._scale
        if drawn is None:
            return
        # At its left end also where the line is read from the right.
        x = min(x_of(each.line, piece.place), x_of(each.line, piece.place + 1))
        place = QPointF(at.x() + x, at.y() + each.baseline)
        if 0 < self._width < drawn.width * size:  # wider than a line: smaller, so that none of it is missing
            size = self._width / drawn.width
        if is_chosen:  # it may be higher than the letters
            top, high = place.y() - drawn.ascent * size, (drawn.ascent + drawn.descent) * size
            painter.fillRect(QRectF(place.x(), top, drawn.width * size, high), self._look.color("accent"))
        drawn.paint(painter, place, size, self._look.color("on_accent" if is_chosen else self._style.color))

    # Where things are

    def _piece(self, offset: int) -> Piece | None:
        number = bisect_right(self._starts, offset) - 1
        return self._pieces[number] if number >= 0 else None

    def _unit(self, offset: int) -> int:
        piece = self._piece(offset)
        return 0 if piece is None else piece.unit(offset)

    def _letter(self, unit: int) -> int:
        number = bisect_right(self._places, unit) - 1
        return self._pieces[number].letter(unit) if number >= 0 else 0

    def _line_at(self, y: float) -> Line | None:
        number = bisect_right(self._lines, y, key=lambda each: each.top + each.height)
        return self._lines[min(number, len(self._lines) - 1)] if self._lines else None

    def offset_at(self, point: QPointF) -> int:
        """The offset nearest to a point."""
        each = self._line_at(point.y())
        if each is None:
            return 0
        unit = each.line.xToCursor(point.x())
        end = each.line.textStart() + each.line.textLength()
        if unit == end and end > each.line.textStart() and end < len_units(self._layout.text()):
            unit -= 1  # before the space at which the line is wrapped, not at the beginning of the next one
        return self._letter(unit)

    def rect_of(self, offset: int) -> QRectF:
        """Where a caret before a letter stands."""
        unit = self._unit(offset)
        line = self._layout.lineForTextPosition(unit)
        number = line.lineNumber() if line.isValid() else len(self._lines) - 1
        if not 0 <= number < len(self._lines):
            return QRectF(0, 0, 1, self.line_height)
        each = self._lines[number]
        return QRectF(x_of(each.line, unit), each.top, 1, each.height)

    def under(self, point: QPointF) -> tuple[Run, int] | None:
        """The run that is drawn at a point, and the offset of the letter; None for none."""
        each = self._line_at(point.y())
        if each is None or not each.top <= point.y() < each.top + each.height:
            return None
        if not each.line.naturalTextRect().left() <= point.x() <= each.line.naturalTextRect().right():
            return None
        unit = each.line.xToCursor(point.x(), QTextLine.CursorPosition.CursorOnCharacter)
        number = bisect_right(self._places, unit) - 1
        if number + 1 < len(self._pieces) and self._pieces[number + 1].start <= unit:
            number += 1  # what stands before its own text
        return (self._pieces[number].run, self._pieces[number].letter(unit)) if number >= 0 else None

    def tip_at(self, point: QPointF) -> str:
        """What to say of what is drawn at a point."""
        if (found := self.under(point)) is None:
            return ""
        run, offset = found
        if run.formula:
            return self._formulas.tip(run.text, inline=True)
        if run.image:
            how = tr("\nA click opens it in the browser.") if run.target else ""
            return tr("Not fetched: {image}{how}", image=run.image, how=how)
        piece = self._piece(offset)
        if piece is not None and offset - piece.at in piece.odd:
            return name_of(run.text[offset - piece.at])
        return run.link
