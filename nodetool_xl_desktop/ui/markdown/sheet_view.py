"""A widget that draws a growing text, at a cost that does not grow with it.

Finished sections are never touched again. Of a long text only what is near to what is seen is laid out and has widgets;
the rest has an estimated height, and whatever is measured then, what the reader looks at stays where it is. Nothing is
ever fetched: a model's answer could otherwise leak the chat through an image's address, or show a file of this machine.
"""

from __future__ import annotations

import math
import time

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from nodetool_xl_desktop.markdown.page import MarkdownPage, Place, PlainPage
from nodetool_xl_desktop.ui.leaf.drawn import Mark
from nodetool_xl_desktop.ui.leaf.quiet_theme import QuietTheme
from nodetool_xl_desktop.ui.markdown.bars import lacks_bars, move_bars, place_bars
from nodetool_xl_desktop.ui.markdown.marks import Marks
from nodetool_xl_desktop.ui.markdown.more_foot import MoreFoot
from nodetool_xl_desktop.ui.markdown.port import port_of
from nodetool_xl_desktop.ui.markdown.sheet import LINE, Sheet
from nodetool_xl_desktop.ui.markdown.shown import Hold
from nodetool_xl_desktop.ui.theme import Theme

#: So much of a text is shown at first, in letters; a button below shows more.
SHOWN_LETTERS = 1_000_000
#: So high may a text be, in pixels: Qt's layouts know no more than 524,287.
MOST_HEIGHT = 400_000
#: One section may go beyond that, but no further than this.
HIGHEST = 500_000
#: A text of so few letters is laid out at once.
SHORT = 1_200
#: What is laid out around what is seen, and what is kept, in heights of what is seen.
NEAR, KEPT = 0.5, 3.0
#: The window's thread is not held longer by laying out, in seconds; what is left follows at once.
SLICE_S = 0.01
#: The same for what is not seen yet.
AHEAD_S = 0.003
#: Of code that streams in, the controls come so much later, in milliseconds.
BARS_MS = 20
#: How high that is, in pixels, where nothing scrolls.
ALONE = 4000


class SheetView(QWidget):
    """As high as its text.

    Args:
        theme: the theme in force.
        plain: draw the text as it is, without Markdown.
    """

    #: It is about to be so many pixels higher, at its end.
    growing = Signal(int)
    #: What is seen of it stands so many pixels lower in it now: whoever scrolls is to follow.
    shifted = Signal(int)
    #: A hit is drawn now that `place_of` was asked for while the text was still being cut.
    hit_ready = Signal()

    def __init__(self, theme: Theme, *, plain: bool = False) -> None:
        super().__init__()
        self.is_plain = plain
        self._theme = theme
        self._text = ""
        self._is_open = False
        self._limit = SHOWN_LETTERS
        self._page = PlainPage() if plain else MarkdownPage()
        self._sheet = Sheet(self._page, theme, self._leaf_changed)
        self.destroyed.connect(self._sheet.clear)
        self._marks = Marks(self._sheet)
        self._sought_at: int | None = None
        self._awaited: int | None = None  # a hit in what has not been cut yet
        self._more: MoreFoot | None = None
        self._busy = False
        self._moved = 0.0
        self._looked: tuple[float, float] | None = None  # for there all is laid out
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(0)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)  # where it grows at its end, no more is painted
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._read_on)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._settle_ahead)
        self._bars_soon = QTimer(self)
        self._bars_soon.setSingleShot(True)
        self._bars_soon.setInterval(BARS_MS)
        self._bars_soon.timeout.connect(self._make_bars)
        self._bars_due = False
        self._is_ahead = False
        theme.changed.connect(self._theme_changed)
        self._fit_height()

    # What it shows

    def set_text(self, text: str) -> None:
        """Show this text; cheap where it is the shown one with more at its end."""
        if text == self._text:
            return
        if not text.startswith(self._text[: self._limit]):
            self._limit = SHOWN_LETTERS
        self._text = text
        self._take(self._page.set_text(text[: self._limit], is_open=self._is_open))

    def set_open(self, *, is_open: bool) -> None:
        """Whether more of the text will come; it then has a caret at its end, and what is half-finished is drawn as
        what it will most likely be."""
        if is_open != self._is_open:
            self._is_open = is_open
            self._take(self._page.set_text(self._text[: self._limit], is_open=is_open))
            self.update()

    @property
    def text(self) -> str:
        """The text as it was given."""
        return self._text

    def mark(self, sought: str, current: int | None = None) -> int:
        """Mark each place where this stands, whatever its case; nothing for an empty text.

        Args:
            current: which of them is marked more strongly, counted from 0; beyond the last one means that.

        Returns:
            how many there are as the text is drawn; 0 where the current one stands in what is not drawn.
        """
        if (sought, current) != (self._marks.sought, self._sought_at):
            self._sought_at = current
            self._marks.seek(sought, current)
            self.update()
        if current is not None and sought and self._marks.place_of(current) is None:
            return 0
        return self._marks.count

    def place_of(self, hit: int) -> QRect:
        """Where a hit is drawn, which is unfolded for it; beyond the last one means that. Empty for none."""
        where = self._marks.place_of(hit)
        self._awaited = hit if where is None and not self._page.is_done else None
        return QRect() if where is None else self.rect_of(where[0]).toAlignedRect()

    def rect_of(self, place: Place) -> QRectF:
        """Where a place stands, which is made visible for it."""
        place = self._sheet.held(place)
        if self._sheet.width and place.section < len(self._sheet):
            self._sheet.lay_out(place.section)
            shown = self._sheet.sections[place.section]
            if place.leaf < len(shown.drawn) and shown.drawn[place.leaf].reveal(place.offset):
                self._sheet.measure(place.section)
            self._fit_height()
        return self._sheet.rect_of(place)

    @property
    def marks(self) -> list[str]:
        """What of the text is marked where it is drawn, the current hit in brackets; tests look at it."""
        told = []
        for index, shown in enumerate(self._sheet.sections):
            for leaf, marks in zip(shown.leaves or (), self._marks.in_section(index), strict=False):
                told += [f"[{_cut(leaf.text, m)}]" if m.current else _cut(leaf.text, m) for m in marks]
        return told

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """Where Tab goes in it: itself, and then the controls of what is near, from top to bottom."""
        bars = [bar for at in sorted(self._sheet.alive) for _, bar in sorted(self._sheet.sections[at].bars.items())]
        holders = [bar for bar in (*bars, self._more) if bar is not None and not bar.isHidden()]
        buttons = [each for bar in holders for each in bar.findChildren(QAbstractButton) if not each.isHidden()]
        return (self, *buttons)

    # The work

    def look(self) -> bool:
        """Lay out what is near to what is seen now, which has moved; returns whether the height is another."""
        if not self._sheet.width or not self.isVisible():
            return False
        if self._soon.isActive():
            return False  # the slice of this turn of the loop is used up
        top, bottom = self._near(NEAR)
        if (top, bottom) == self._looked:
            return False
        if len(self._text) <= SHORT:
            self._looked = (top, bottom)
            self._place_bars()
            return False
        height = self.height()
        if bottom < 0 or top > self._sheet.height:
            self._drop_far()
        else:
            self._settle()
        return self.height() != height

    def _take(self, first: int) -> None:
        """The sections from this one on are others."""
        top = self._sheet.heights.top(min(first, len(self._sheet))) if len(self._sheet) else 0
        self._sheet.text_changed(first, MOST_HEIGHT)
        if self._marks.sought:
            self._marks.text_changed(first, self._sought_at)
        if not self._page.is_done:
            self._later.start()
        self._settle()
        self.update(0, top, self.width(), max(1, self.height() - top))
        self.text_drawn()

    def text_drawn(self) -> None:
        """The text is another one; for a subclass."""

    def _read_on(self) -> None:
        first = self._page.advance()
        if self._page.is_done and not self._is_open:
            self._sheet.begin_anew(first)  # it was drawn as if it were still being written
        self._take(first)
        if self._awaited is not None and (self._page.is_done or self._marks.place_of(self._awaited) is not None):
            self._awaited = None
            self.hit_ready.emit()

    def _settle(self, moved: float = 0.0) -> None:
        """Lay out what is near, and be as high as all of it.

        Args:
            moved: so many pixels further down is what is seen as soon as who scrolls has followed.
        """
        if self._busy:
            return
        self._busy, self._moved = True, moved
        try:
            if self._sheet.width and self.isVisible():
                self._lay_out()
            self._fit_height()
        finally:
            self._busy, self._moved = False, 0.0

    def _settle_ahead(self) -> None:
        self._is_ahead = True
        self._settle()
        self._is_ahead = False

    def _lay_out(self) -> None:
        sheet = self._sheet
        seen = self._near(0)
        hold = sheet.hold(seen[0])
        changed = len(sheet)  # from this section on
        if len(self._text) <= SHORT:
            for index in range(len(sheet)):
                is_new = not sheet.sections[index].is_measured
                if sheet.lay_out(index) or is_new:
                    changed = min(changed, index)
        else:
            # What comes at the end of an open text is seen as soon as who scrolls has followed.
            for margin, slice_s in ((0.0, SLICE_S), (NEAR, SLICE_S if self._is_open else AHEAD_S)):
                until = time.perf_counter() + slice_s
                top, bottom = self._near(margin)
                is_near = bottom >= 0 and top <= sheet.height
                index = sheet.heights.at(math.floor(top)) if len(sheet) and is_near else len(sheet)
                while index < len(sheet) and sheet.heights.top(index) <= bottom:
                    is_new = not sheet.sections[index].is_measured
                    is_later = margin and not self._is_ahead and not self._is_open
                    if is_new and (is_later or time.perf_counter() > until):
                        self._soon.start()
                        break
                    if sheet.lay_out(index) or is_new:
                        changed = min(changed, index)
                    index += 1
        self._looked = None if self._soon.isActive() else self._near(NEAR)
        self._shift(hold, seen[0])
        self._drop_far()
        self._place_bars()
        if changed < len(sheet):
            top = sheet.heights.top(changed)
            self.update(0, top, self.width(), max(self.height(), sheet.height) - top)

    def _shift(self, hold: Hold | None, before: float) -> int:
        """Tell where what stood at the top of what is seen stands now; returns how much further down that is."""
        after = self._sheet.held_at(hold) if hold is not None else None
        moved = round(after - before) if after is not None else 0
        if moved:
            self.shifted.emit(moved)
        return moved

    def _near(self, margin: float) -> tuple[float, float]:
        """From where to where this is seen in what scrolls it, and so many heights of that around it."""
        port = port_of(self)
        if port is None:
            return 0.0, float(ALONE)
        top, room = self._moved - self.mapTo(port, QPoint(0, 0)).y(), port.height()
        return top - margin * room, top + room + margin * room

    def _drop_far(self) -> None:
        if len(self._text) <= SHORT:
            return
        top, bottom = self._near(KEPT)
        near = self._sheet.seen(top, bottom)
        for index in [index for index in self._sheet.alive if index not in near]:
            self._sheet.drop(index)

    def _place_bars(self) -> None:
        near = self._near(NEAR)
        if self._is_open and not self._bars_due:  # not in the frame that draws the code
            move_bars(self._sheet, near)
            if lacks_bars(self._sheet, near):
                self._bars_soon.start()
        elif place_bars(self, self._sheet, near, self._near(0)):
            self._soon.start()

    def _make_bars(self) -> None:
        self._bars_due = True
        self._place_bars()
        self._bars_due = False

    def _leaf_changed(self, index: int) -> None:
        """Something in a section was unfolded, or is ready now."""
        if not self._sheet.width:
            return
        seen = self._near(0)[0]
        hold = self._sheet.hold(seen)
        is_other = self._sheet.measure(index)
        if is_other:
            if hold is not None and hold.shown is not self._sheet.sections[index]:
                self._shift(hold, seen)
            self._settle()
        top = self._sheet.heights.top(index)
        end = self.height() if is_other else self._sheet.heights.top(index + 1)
        self.update(0, top, self.width(), end - top)

    def _theme_changed(self) -> None:
        seen = self._near(0)[0]
        hold = self._sheet.hold(seen)
        self._sheet.set_theme(self._drawn_theme())
        self._settle(self._shift(hold, seen))
        self.update()

    def _drawn_theme(self) -> Theme:
        return QuietTheme.of(self._theme) if self.property("kind") == "note" else self._theme  # type: ignore[return-value]

    def _fit_height(self) -> None:
        height = max(round(LINE * self._sheet.theme.zoom), self._sheet.height)
        height = min(height, HIGHEST)
        height += self._fit_foot(height)
        if height != self.height() or self.minimumHeight() != height:
            self.growing.emit(height - self.height())
            self.setFixedHeight(height)

    def _fit_foot(self, top: int) -> int:
        """Say below what is not shown, where there is something; returns how high that is."""
        left = len(self._text) - self._limit
        is_cut = self._page.is_done and (len(self._sheet) < len(self._page) or self._sheet.height > HIGHEST)
        if left <= 0 and not is_cut:
            if self._more is not None:
                self._more.hide()
            return 0
        if self._more is None:
            self._more = MoreFoot(self)
            self._more.more_requested.connect(self._show_more)
        self._more.show_left(self._text, left, can_grow=not is_cut)
        self._more.setGeometry(0, top, self.width(), self._more.sizeHint().height())
        self._more.show()
        return self._more.height()

    def _show_more(self) -> None:
        self._limit += SHOWN_LETTERS
        self._take(self._page.set_text(self._text[: self._limit], is_open=self._is_open))

    # Qt's events

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.DynamicPropertyChange:
            self._theme_changed()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.width() == self._sheet.width:
            return
        seen = self._near(0)[0]
        hold = self._sheet.hold(seen) if self._sheet.width else None
        self._sheet.set_width(self.width())
        self._settle(self._shift(hold, seen))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._settle()

    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        clip = QRectF(event.rect()).intersected(
            QRectF(0, 0, self.width(), HIGHEST)
        )  # below is what is said of the rest
        painter = QPainter(self)
        painter.setClipRect(clip)
        missing = False
        for shown, index, at, each, y in self._sheet.drawn_in(clip.top(), clip.bottom()):
            marks = self._marks.in_section(index)
            chosen = self.chosen_in(Place(index, at, 0), len(shown.leaves[at].text)) if shown.leaves else None
            painter.save()
            painter.translate(0, y)
            each.paint(painter, clip.translated(0, -y), chosen, marks[at] if at < len(marks) else ())
            painter.restore()
        for index in self._sheet.seen(clip.top(), clip.bottom()):
            missing |= not self._sheet.sections[index].is_measured
        self.paint_over(painter)
        painter.end()
        if missing:
            QTimer.singleShot(0, self, self.look)

    def chosen_in(self, place: Place, length: int) -> tuple[int, int] | None:
        """What of a leaf is selected; a subclass knows."""
        return None

    def paint_over(self, painter: QPainter) -> None:
        """The quiet bar at the end while more comes."""
        if not self._is_open or not len(self._sheet):
            return
        last = len(self._sheet) - 1
        shown = self._sheet.sections[last]
        if not shown.drawn:
            return
        rect = self._sheet.rect_of(self._sheet.last)
        bar = QRectF(rect.right() + 2, rect.top() + 2, 2, max(4.0, rect.height() - 4))
        if bar.right() < self.width():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.fillRect(bar, QColor(self._theme.tokens.accent))


def _cut(text: str, mark: Mark) -> str:
    return text[mark.start : mark.end]
