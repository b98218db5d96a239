"""The list of what would not be sent any more: who said it, how it begins, and how many tokens it has."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from nodetool_xl_desktop.chat.fitting import Row
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.store.records import title_of
from nodetool_xl_desktop.ui.theme import SPACE_S, Theme, scaled

ROW_HEIGHT = 24
#: With the buttons below each other in the smallest window, no more of them leave room for the chat.
MOST_ROWS = 3
ROLE_WIDTH, FIGURE_WIDTH = 68, 92
ROLES = {"user": tr("You"), "assistant": tr("Model"), "tool": tr("Tool"), "system": tr("System")}
SUMMARY = tr("Summary")
_Index = QModelIndex | QPersistentModelIndex


def who(row: Row) -> str:
    """Who said it."""
    return SUMMARY if row.message is None else ROLES[row.message.role]


def first_line(row: Row) -> str:
    """How it begins."""
    if row.message is None:
        return tr("of what was left out before")
    return title_of(row.message.parts) or tr("(no text)")


def tokens(row: Row) -> str:
    """How long it is."""
    return (
        trn("{count} token", "{count:,} tokens", row.tokens) if row.exact else tr("about {tokens:,}", tokens=row.tokens)
    )


class _Rows(QAbstractListModel):
    """The rows; thousands cost no more than those that are seen."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[Row, ...] = ()

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        row = self.rows[index.row()]
        return f"{who(row)}: {first_line(row)}, {tokens(row)}"


class _RowDelegate(QStyledItemDelegate):
    """Draws a row in three columns."""

    def __init__(self, theme: Theme, rows: _Rows) -> None:
        super().__init__()
        self._theme = theme
        self._rows = rows

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(0, scaled(ROW_HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        row, theme = self._rows.rows[index.row()], self._theme.tokens
        place: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.accent_soft))
            painter.drawRoundedRect(place, 6, 6)
        inner = place.adjusted(SPACE_S, 0, -SPACE_S, 0)
        middle = inner.adjusted(ROLE_WIDTH, 0, -FIGURE_WIDTH, 0)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        font = QFont(painter.font())
        font.setPixelSize(scaled(12))
        font.setFeature(QFont.Tag("tnum"), 1)
        painter.setFont(font)
        painter.setPen(QColor(theme.muted))
        painter.drawText(inner, left, who(row))
        painter.drawText(inner, right, tokens(row))
        painter.setPen(QColor(theme.text))
        line = painter.fontMetrics().elidedText(first_line(row), Qt.TextElideMode.ElideRight, middle.width())
        painter.drawText(middle, left, line)
        painter.restore()


class LeftOutList(QListView):
    """As high as its rows, up to three; more are scrolled to, by keys, too."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._rows = _Rows()
        self.setModel(self._rows)
        self.setItemDelegate(_RowDelegate(theme, self._rows))
        self.setUniformItemSizes(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        theme.changed.connect(self.viewport().update)

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        """Show these, from the first one on."""
        self._rows.show_rows(rows)
        self.setFixedHeight(min(len(rows), MOST_ROWS) * scaled(ROW_HEIGHT) + 8)
        if rows:
            self.setCurrentIndex(self._rows.index(0))
        self.scrollToTop()
