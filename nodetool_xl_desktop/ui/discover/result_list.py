"""The list of what a search found: painted rows, so that as many as a hub has cost no more than those in sight."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QListView, QStyledItemDelegate, QStyleOptionViewItem

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.discover.result_rows import Card, Heading, Row, Words
from nodetool_xl_desktop.ui.parts import tooltip
from nodetool_xl_desktop.ui.rows import (
    LEFT,
    Index,
    RowView,
    mirrored,
    paint_ground,
    paint_heading,
    paint_line,
    row_font,
    row_place,
)
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme, scaled

CARD_HEIGHT, HEADING_HEIGHT, WORDS_HEIGHT = 74, 34, 44
_LINE = 18
_ICON = 13
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_CENTRED = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter


class ResultList(QAbstractListModel):
    """The rows, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these. What both lists begin with stays as it is, and with it the place of who reads."""
        same = 0
        while same < min(len(rows), len(self.rows)) and rows[same] == self.rows[same]:
            same += 1
        if same < len(self.rows):
            self.beginRemoveRows(QModelIndex(), same, len(self.rows) - 1)
            del self.rows[same:]
            self.endRemoveRows()
        if same < len(rows):
            self.beginInsertRows(QModelIndex(), same, len(rows) - 1)
            self.rows.extend(rows[same:])
            self.endInsertRows()

    def replace(self, at: int, row: Row) -> None:
        """Another row in the place of one."""
        if self.rows[at] != row:
            self.rows[at] = row
            self.dataChanged.emit(self.index(at), self.index(at))

    def card(self, index: Index) -> Card | None:
        """The repository of a row; None for a heading or words."""
        row = self.rows[index.row()] if index.isValid() else None
        return row if isinstance(row, Card) else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.card(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.title if isinstance(row, Card) else row.text
            case Qt.ItemDataRole.ToolTipRole if isinstance(row, Card) and row.tip:
                return tooltip(row.tip)
            case Qt.ItemDataRole.AccessibleTextRole:
                return row.says if isinstance(row, Card) else row.text
        return None


class ResultDelegate(QStyledItemDelegate):
    """Paints a row: a heading, words, or the three lines of a repository.

    Args:
        theme: the theme in force.
        results: what is painted.
        view: where.
    """

    def __init__(self, theme: Theme, results: ResultList, view: QListView) -> None:
        super().__init__(view)
        self._theme, self._results, self._view = theme, results, view
        #: The repository that is open beside the list.
        self.shown = ""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        match self._results.rows[index.row()]:
            case Heading():
                return QSize(100, scaled(HEADING_HEIGHT))
            case Words():
                return QSize(100, scaled(WORDS_HEIGHT))
        return QSize(100, scaled(CARD_HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row, tokens = self._results.rows[index.row()], self._theme.tokens
        place = row_place(option, self._view)
        painter.save()
        match row:
            case Heading():
                paint_heading(painter, tokens, place.adjusted(SPACE_S, 0, -SPACE_S, 0), row.text)
            case Words():
                paint_line(painter, place, row.text, tokens.muted, row_font(painter, 12), _CENTRED)
            case Card():
                paint_ground(painter, tokens, place, option.state, shown=row.repo_id == self.shown)
                self._paint_card(painter, place.adjusted(SPACE_S + 2, 9, -SPACE_S - 2, -9), row)
        painter.restore()

    def _paint_card(self, painter: QPainter, place: QRect, card: Card) -> None:
        tokens, small = self._theme.tokens, row_font(painter, 12)
        line = scaled(_LINE)
        lines = [QRect(place.left(), place.top() + number * (line + 1), place.width(), line) for number in range(3)]
        first = lines[0]
        if card.mark:
            taken = paint_line(painter, first, card.mark, tokens.muted, small, _RIGHT, row=place)
            first = first.adjusted(0, 0, -taken - SPACE_S, 0)
        paint_line(painter, first, card.title, tokens.text, row_font(painter, 13, QFont.Weight.DemiBold), row=place)
        paint_line(painter, lines[1], card.second, tokens.muted, small)
        last = lines[2]
        if card.corner:
            taken = paint_line(painter, last, card.corner, getattr(tokens, card.role), small, _RIGHT, row=place)
            last = last.adjusted(0, 0, -taken - SPACE_S, 0)
        self._paint_facts(painter, last, card, small, place)

    def _paint_facts(self, painter: QPainter, place: QRect, card: Card, font: QFont, row: QRect) -> None:
        left, metrics, size = place.left(), QFontMetrics(font), scaled(_ICON)
        for fact in card.facts:
            width = metrics.horizontalAdvance(fact.text) + (size + SPACE_XS if fact.icon else 0)
            if left + min(width, 24) > place.right():
                return
            if fact.icon:
                box = QRect(left, place.top() + (place.height() - size) // 2 + 1, size, size)
                self._theme.icon(fact.icon).paint(painter, mirrored(box, row))
                left += size + SPACE_XS
            room = QRect(left, place.top(), place.right() - left + 1, place.height())
            left += paint_line(painter, room, fact.text, self._theme.tokens.muted, font, LEFT, row=row) + SPACE_M


class ResultView(RowView):
    """The list of results: a click or Enter opens one, the arrow keys go through them."""

    #: Open this (a `Card`).
    chosen = Signal(object)
    #: The end is near: there should be more.
    end_near = Signal()
    #: Up was pressed on the first row.
    left_upwards = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.results = ResultList()
        self.setModel(self.results)
        self.delegate = ResultDelegate(theme, self.results, self)
        self.setItemDelegate(self.delegate)
        self.setAccessibleName(tr("Models on the hub"))
        self.setUniformItemSizes(False)
        self.setLayoutMode(QListView.LayoutMode.SinglePass)
        self.clicked.connect(self._choose)
        self.verticalScrollBar().valueChanged.connect(self._look_at_end)
        self.verticalScrollBar().rangeChanged.connect(self._look_at_end)
        theme.changed.connect(self.viewport().update)

    def show_open(self, repo_id: str) -> None:
        """Mark the repository that is open beside the list; empty for none."""
        self.delegate.shown = repo_id
        self.viewport().update()

    def focus_first(self) -> None:
        """Have the keys go to the row where they were, or to the first one."""
        if self.results.card(self.currentIndex()) is None:
            rows = (row for row, each in enumerate(self.results.rows) if isinstance(each, Card))
            self.setCurrentIndex(self.results.index(next(rows, 0)))
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def choose_first(self) -> None:
        """Open the first of them."""
        first = next((row for row, each in enumerate(self.results.rows) if isinstance(each, Card)), None)
        if first is not None:
            self.setCurrentIndex(self.results.index(first))
            self._choose(self.results.index(first))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(self.currentIndex())
        elif event.key() == Qt.Key.Key_Up and not any(
            isinstance(row, Card) for row in self.results.rows[: max(0, self.currentIndex().row())]
        ):
            self.left_upwards.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._look_at_end()

    def _choose(self, index: Index) -> None:
        if (card := self.results.card(index)) is not None:
            self.chosen.emit(card)

    def _look_at_end(self) -> None:
        bar = self.verticalScrollBar()
        if self.isVisible() and bar.maximum() - bar.value() < 3 * CARD_HEIGHT:
            self.end_near.emit()
