"""What a search found: titles first, then messages with the words that were searched for marked in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.store.search import Hit, Snippet, TitleHit
from nodetool_xl_desktop.ui.chats.chat_days import day_of, said_day
from nodetool_xl_desktop.ui.inputs import is_escape
from nodetool_xl_desktop.ui.parts import tooltip
from nodetool_xl_desktop.ui.rows import Index, RowView, paint_ground, paint_heading, paint_line, row_font, row_place
from nodetool_xl_desktop.ui.theme import SPACE_S, Theme, Tokens, scaled

#: How many titles stand before the messages, until more are asked for.
TITLES = 5
#: How many letters stand at most before the first mark of a snippet, so that it is on its first line.
BEFORE_MARK = 20
LINES = 2
_LINE_HEIGHT = 17
_ROW_HEIGHT, _HIT_HEIGHT = 34, 2 * SPACE_S + 20 + LINES * _LINE_HEIGHT + 18
_LONGEST_TIP = 400


@dataclass(frozen=True, slots=True)
class More:
    """A row that stands for titles which are not shown yet."""

    count: int


Row = str | TitleHit | Hit | More


def speaker(hit: Hit, models: Mapping[str, str]) -> str:
    """Who said it: "You", or the model by its name."""
    if hit.role == "assistant":
        return models.get(hit.model, hit.model) or tr("Model")
    return {"user": tr("You"), "tool": tr("Tool"), "system": tr("System")}[hit.role]


def from_mark(snippet: Snippet, before: int = BEFORE_MARK) -> Snippet:
    """The same piece, begun so late that its first mark is at the beginning of what is shown."""
    first = snippet.marks[0][0] if snippet.marks else 0
    if first <= before:
        return snippet
    space = snippet.text.find(" ", first - before, first)
    cut = first - before if space < 0 else space + 1
    return Snippet("…" + snippet.text[cut:], tuple((begin - cut + 1, end - cut + 1) for begin, end in snippet.marks))


class HitModel(QAbstractListModel):
    """Rows of what was found."""

    def __init__(self) -> None:
        super().__init__()
        self._titles: tuple[TitleHit, ...] = ()
        self._hits: list[Hit] = []
        self._rows: list[Row] = []
        self._all_titles = False
        self.models: Mapping[str, str] = {}

    def show(self, titles: Sequence[TitleHit], hits: Iterable[Hit]) -> None:
        """Hold these instead of what was there."""
        self._titles, self._hits, self._all_titles = tuple(titles), list(hits), False
        self._rebuild()

    def append(self, hits: Iterable[Hit]) -> None:
        """Add messages at the end."""
        more = list(hits)
        if more:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(more) - 1)
            self._hits += more
            self._rows += more
            self.endInsertRows()

    def show_all_titles(self) -> None:
        """Hold every title that was found."""
        self._all_titles = True
        self._rebuild()

    def at(self, index: Index) -> Row:
        """What stands in a row."""
        return self._rows[index.row()]

    def first(self) -> QModelIndex:
        """The first row that can be opened; an invalid index where there is none."""
        return next((self.index(at) for at, row in enumerate(self._rows) if not isinstance(row, str)), QModelIndex())

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if isinstance(self.at(index), str):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.at(index)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._said(row)
        if role == Qt.ItemDataRole.ToolTipRole and isinstance(row, Hit):
            return tooltip(f"{row.title[:_LONGEST_TIP]}\n{self.about(row)}")
        if role == Qt.ItemDataRole.ToolTipRole and isinstance(row, TitleHit):
            return tooltip(f"{row.title.text[:_LONGEST_TIP]}\n{said_day(day_of(row.touched_ms), date.today())}")
        return None

    def about(self, hit: Hit) -> str:
        """Who said it, and when."""
        return f"{speaker(hit, self.models)} · {said_day(day_of(hit.created_ms), date.today())}"

    def _said(self, row: Row) -> str:
        match row:
            case TitleHit(title=title):
                return title.text
            case Hit(title=title, snippet=snippet):
                return f"{title}: {snippet.text}, {self.about(row)}"
            case More(count):
                return trn("{count} More Title", "{count:,} More Titles", count)
        return row

    def _rebuild(self) -> None:
        self.beginResetModel()
        shown = self._titles if self._all_titles or len(self._titles) <= TITLES + 1 else self._titles[:TITLES]
        left = len(self._titles) - len(shown)
        titles: list[Row] = [tr("Titles"), *shown] if shown else []
        messages: list[Row] = [tr("Messages"), *self._hits] if self._hits else []
        self._rows = [*titles, *([More(left)] if left else []), *messages]
        self.endResetModel()


class HitDelegate(QStyledItemDelegate):
    """Paints what was found; the marks are painted too, so that no text is ever taken for markup."""

    def __init__(self, theme: Theme, hits: HitModel, view: QListView) -> None:
        super().__init__(view)
        self._theme, self._hits, self._view = theme, hits, view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, scaled(_HIT_HEIGHT if isinstance(self._hits.at(index), Hit) else _ROW_HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens, row = self._theme.tokens, self._hits.at(index)
        place = row_place(option, self._view)
        text = place.adjusted(SPACE_S, 0, -SPACE_S, 0)
        painter.save()
        if isinstance(row, str):
            paint_heading(painter, tokens, text, row)
        else:
            paint_ground(painter, tokens, place, option.state)
        if isinstance(row, More):
            paint_line(painter, text, str(index.data()), tokens.accent, row_font(painter, 12, QFont.Weight.DemiBold))
        elif isinstance(row, TitleHit):
            font = row_font(painter, 13)
            line = QRect(
                text.left(), place.center().y() - scaled(_LINE_HEIGHT) // 2, text.width(), scaled(_LINE_HEIGHT)
            )
            paint_snippet(painter, tokens, line, from_mark(row.title), font, tokens.text, lines=1)
        elif isinstance(row, Hit):
            self._paint_hit(painter, tokens, text.adjusted(0, SPACE_S, 0, -SPACE_S), row)
        painter.restore()

    def _paint_hit(self, painter: QPainter, tokens: Tokens, place: QRect, hit: Hit) -> None:
        title, small = row_font(painter, 13, QFont.Weight.DemiBold), row_font(painter, 12)
        head = QRect(place.left(), place.top(), place.width(), scaled(18))
        paint_line(painter, head, " ".join(hit.title.split()) or tr("New Chat"), tokens.text, title)
        words = QRect(place.left(), head.bottom() + 3, place.width(), LINES * scaled(_LINE_HEIGHT))
        paint_snippet(painter, tokens, words, from_mark(hit.snippet), small, tokens.text, lines=LINES)
        foot = QRect(place.left(), place.bottom() - scaled(16), place.width(), scaled(16))
        paint_line(painter, foot, self._hits.about(hit), tokens.muted, small)


def paint_snippet(
    painter: QPainter, tokens: Tokens, place: QRect, snippet: Snippet, font: QFont, color: str, *, lines: int
) -> None:
    """Draw a piece of text over a few lines, with its marks; what has no room is left out at its end."""
    marks = [_mark(tokens, *_as_qt_counts(snippet.text, *mark)) for mark in snippet.marks]
    layout, last = _laid_out(snippet.text, font, marks, place.width(), lines)
    if last is not None:  # not all of it has room: its last line is elided
        rest = QFontMetrics(font).elidedText(_after(snippet.text, last), Qt.TextElideMode.ElideRight, place.width() - 8)
        layout, _ = _laid_out(_before(snippet.text, last) + rest, font, marks, place.width(), lines)
    painter.save()
    painter.setPen(QColor(color))
    painter.setClipRect(QRectF(place).adjusted(0, -1, 0, 1))
    layout.draw(painter, QPointF(place.topLeft()))
    painter.restore()


def _laid_out(
    text: str, font: QFont, marks: list[QTextLayout.FormatRange], width: int, lines: int
) -> tuple[QTextLayout, int | None]:
    """A text in so many lines, and where the last of them begins if it is not the text's last one."""
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    option.setAlignment(QStyle.visualAlignment(QGuiApplication.layoutDirection(), Qt.AlignmentFlag.AlignLeft))
    layout.setTextOption(option)
    layout.setFormats(marks)
    layout.beginLayout()
    last = end = 0
    for number in range(lines):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(width)
        line.setPosition(QPointF(0, number * _LINE_HEIGHT))
        last, end = line.textStart(), line.textStart() + line.textLength()
    layout.endLayout()
    return layout, last if end < len(text.encode("utf-16-le", "surrogatepass")) // 2 else None


def _before(text: str, at: int) -> str:
    return text.encode("utf-16-le", "surrogatepass")[: 2 * at].decode("utf-16-le", "surrogatepass")


def _after(text: str, at: int) -> str:
    return text.encode("utf-16-le", "surrogatepass")[2 * at :].decode("utf-16-le", "surrogatepass")


def _as_qt_counts(text: str, begin: int, end: int) -> tuple[int, int]:
    """A place in a text in the units of UTF-16, of which letters beyond the first plane have two."""
    start = len(text[:begin].encode("utf-16-le", "surrogatepass")) // 2
    return start, len(text[begin:end].encode("utf-16-le", "surrogatepass")) // 2


def _mark(tokens: Tokens, start: int, length: int) -> QTextLayout.FormatRange:
    mark = QTextLayout.FormatRange()
    mark.start, mark.length = start, length
    look = mark.format
    look.setFontWeight(QFont.Weight.Bold)
    look.setForeground(QColor(tokens.accent))
    look.setBackground(QColor(tokens.accent_soft))
    mark.format = look
    return mark


class HitView(RowView):
    """Shows what was found. A click opens it, so does Enter."""

    #: The row of what is to be opened.
    chosen = Signal(QModelIndex)
    #: Up was pressed in the first row.
    left_upwards = Signal()
    escaped = Signal()
    #: Less than a page is left below what is in sight.
    near_end = Signal()

    _ENTER: ClassVar = (Qt.Key.Key_Return, Qt.Key.Key_Enter)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.hits = HitModel()
        self.setModel(self.hits)
        self.setItemDelegate(HitDelegate(theme, self.hits, self))
        self.setAccessibleName(tr("Found"))
        self.clicked.connect(self.chosen)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        theme.changed.connect(self.viewport().update)

    def enter(self) -> bool:
        """Have the keys go to the first row; returns False where there is none."""
        first = self.hits.first()
        if first.isValid():
            self.setCurrentIndex(first)
            self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        return first.isValid()

    def event(self, event: QEvent) -> bool:
        if is_escape(event):  # the window's own Esc stops an answer
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        elif event.key() in self._ENTER and self.currentIndex().isValid():
            self.chosen.emit(self.currentIndex())
        elif event.key() == Qt.Key.Key_Up and self.currentIndex().row() == self.hits.first().row():
            self.left_upwards.emit()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()  # the first click opened it

    def _scrolled(self, value: int) -> None:
        if value + self.viewport().height() > self.verticalScrollBar().maximum():
            self.near_end.emit()
