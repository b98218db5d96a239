"""The models as cards: two lines for each, in the width of the side bar."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QApplication, QHeaderView, QStyledItemDelegate, QStyleOptionViewItem

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.models.columns import BADGES, facts_of, trouble_of
from nodetool_xl_desktop.ui.models.entries import Entry
from nodetool_xl_desktop.ui.models.filters import Column
from nodetool_xl_desktop.ui.models.marks import GAP, SIZE, Marks
from nodetool_xl_desktop.ui.models.model_actions import ModelActions
from nodetool_xl_desktop.ui.models.model_rows import ModelRows
from nodetool_xl_desktop.ui.models.model_selection import ModelSelection
from nodetool_xl_desktop.ui.models.rows_view import RowsView
from nodetool_xl_desktop.ui.rows import Index, mirrored, paint_ground, paint_line, row_place
from nodetool_xl_desktop.ui.theme import SPACE_S, Theme, scaled

ROW_HEIGHT = 50
_BOTTOM_RIGHT = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight
_BOTTOM_LEFT = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft
_TOP_LEFT = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft


class ModelView(RowsView):
    """The first column of the table, in higher rows.

    No QListView: that asks the model for each of its rows whenever one comes or goes, 5 ms for 2,000 of them.
    """

    def __init__(self, theme: Theme, rows: ModelRows, selection: ModelSelection, actions: ModelActions) -> None:
        super().__init__(theme, rows, selection, actions, ROW_HEIGHT)
        self.setObjectName("modelCards")
        self.setAccessibleName(tr("My Models"))
        self.setItemDelegate(CardDelegate(theme, rows, self))
        for column in Column:
            self.setColumnHidden(column, column is not Column.NAME)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)


class CardDelegate(QStyledItemDelegate):
    """Paints a model: its name with marks, a dot where it is loaded; under it what it is and how it would fit."""

    def __init__(self, theme: Theme, rows: ModelRows, view: ModelView) -> None:
        super().__init__(view)
        self._theme, self._rows, self._view = theme, rows, view
        self._marks = Marks(theme)
        theme.changed.connect(self._letters_changed)
        self._letters_changed()

    def _letters_changed(self) -> None:
        self._font, self._small = QFont(QApplication.font()), QFont(QApplication.font())
        self._font.setPixelSize(scaled(13))
        self._small.setPixelSize(scaled(12))

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, scaled(ROW_HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = self._theme.tokens
        painter.save()
        place = row_place(option, self._view)
        paint_ground(painter, tokens, place, option.state)
        text, entry = place.adjusted(SPACE_S + 2, 8, -SPACE_S, -8), self._rows.entry(index)
        row = QRect(text)
        first, trouble = QRect(text), entry.file.trouble
        first.setRight(self._paint_marks(painter, entry, text))
        color = tokens.text if trouble is None else tokens.muted
        paint_line(painter, first, entry.title, color, self._font, _TOP_LEFT, row=row)
        small = self._small
        if trouble is not None:
            paint_line(painter, text, trouble_of(entry.file), tokens.warning, small, _BOTTOM_LEFT, row=row)
        else:
            if badge := self._rows.badges.get(entry.path):
                badge_color = getattr(tokens, BADGES[badge.verdict])
                width = paint_line(painter, text, tr(badge.verdict.value), badge_color, small, _BOTTOM_RIGHT, row=row)
                text.setRight(text.right() - width - SPACE_S)
            paint_line(painter, text, facts_of(entry.file), tokens.muted, small, _BOTTOM_LEFT, row=row)
        painter.restore()

    def _paint_marks(self, painter: QPainter, entry: Entry, text: QRect) -> int:
        """What stands at the right of the name; returns where it begins."""
        right, middle = text.right() + 1, text.top() + scaled(9)
        if entry.path == self._rows.loaded:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme.tokens.accent))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawEllipse(mirrored(QRect(right - 8, middle - 4, 8, 8), text))
            right -= 8 + 2 * GAP
        if entry.file.about.favourite:
            right -= scaled(SIZE)
            self._marks.paint(painter, "star-fill", "context", right, middle, text)
            right -= GAP
        if entry.file.same_as:
            right -= scaled(SIZE)
            self._marks.paint(painter, "copy-simple", "warning", right, middle, text)
            right -= GAP
        return self._marks.paint_capabilities(painter, entry.file, right, middle, text) - GAP
