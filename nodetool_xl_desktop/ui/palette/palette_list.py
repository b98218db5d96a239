"""The lines of the palette and how they are painted: what is done on the left, its keys on the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.palette.entries import Entry
from nodetool_xl_desktop.ui.rows import LEFT, Index, paint_ground
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, Theme

RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
#: Above and below the letters of a line.
_PADDING = 8


class Lines(QAbstractListModel):
    """Entries as Qt asks for them."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: Sequence[Entry] = ()

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show these."""
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.text
        return said(entry) if role == Qt.ItemDataRole.AccessibleTextRole else None


def said(entry: Entry) -> str:
    """What a screen reader says of an entry."""
    state = "" if entry.is_enabled else tr("not possible now")
    return ", ".join(part for part in (entry.text, entry.note, entry.keys, state) if part)


class LineView(QListView):
    """The lines; the keys stay in the field above them.

    Args:
        theme: the theme in force.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.lines = Lines()
        self.setModel(self.lines)
        self.setItemDelegate(_Line(theme, self))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("What can be done"))
        theme.changed.connect(self.viewport().update)

    @property
    def line_height(self) -> int:
        """Of one line, in device-independent pixels."""
        return QFontMetrics(self.font()).height() + 2 * _PADDING

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show these, the first one chosen."""
        self.lines.show_entries(entries)
        self.setCurrentIndex(self.lines.index(0))
        self.scrollToTop()

    @property
    def chosen(self) -> Entry | None:
        """The one that Enter does."""
        index = self.currentIndex()
        return self.lines.entries[index.row()] if index.isValid() else None

    def step(self, by: int, *, goes_on: bool) -> None:
        """Choose another one.

        Args:
            by: how many lines further.
            goes_on: whether the first follows the last, and the other way round.
        """
        count = len(self.lines.entries)
        if count:
            at = self.currentIndex().row() + by
            self.setCurrentIndex(self.lines.index(at % count if goes_on else min(max(at, 0), count - 1)))


class _Line(QStyledItemDelegate):
    def __init__(self, theme: Theme, view: LineView) -> None:
        super().__init__(view)
        self._theme = theme
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, self._view.line_height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry, tokens = self._view.lines.entries[index.row()], self._theme.tokens
        rect: QRect = option.rect
        painter.save()
        paint_ground(painter, tokens, rect, option.state & ~QStyle.StateFlag.State_HasFocus)
        painter.setFont(self._view.font())
        letters = painter.fontMetrics()
        place = rect.adjusted(SPACE_M, 0, -SPACE_M, 0)
        painter.setPen(QColor(tokens.muted))
        painter.drawText(place, RIGHT, entry.keys)
        place.setRight(place.right() - _width(letters, entry.keys, SPACE_L))
        note = _width(letters, entry.note, SPACE_M)
        painter.setPen(QColor(tokens.text if entry.is_enabled else tokens.muted))
        text = letters.elidedText(entry.text, Qt.TextElideMode.ElideRight, place.width() - note)
        painter.drawText(place, LEFT, text)
        painter.setPen(QColor(tokens.muted))
        place.setLeft(place.left() + letters.horizontalAdvance(text) + SPACE_S)
        painter.drawText(place, LEFT, entry.note)
        painter.restore()


def _width(letters: QFontMetrics, text: str, gap: int) -> int:
    """What a text takes with the gap beside it; nothing where there is none."""
    return letters.horizontalAdvance(text) + gap if text else 0
