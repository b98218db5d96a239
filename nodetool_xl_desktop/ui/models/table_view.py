"""The models as a table, a line each, with columns to choose and to sort by."""

from __future__ import annotations

import re

from PySide6.QtCore import QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.models.columns import BADGES, TITLES, edge
from nodetool_xl_desktop.ui.models.entries import Entry
from nodetool_xl_desktop.ui.models.filter_button import StayMenu
from nodetool_xl_desktop.ui.models.filters import Column, Order
from nodetool_xl_desktop.ui.models.marks import GAP, SIZE, Marks
from nodetool_xl_desktop.ui.models.model_actions import ModelActions
from nodetool_xl_desktop.ui.models.model_rows import ModelRows
from nodetool_xl_desktop.ui.models.model_selection import ModelSelection
from nodetool_xl_desktop.ui.models.rows_view import RowsView
from nodetool_xl_desktop.ui.rows import Index, mirrored
from nodetool_xl_desktop.ui.theme import SPACE_S, Theme, scaled

ROW_HEIGHT = 34
WIDTHS = {
    Column.NAME: 260,
    Column.FIT: 104,
    Column.PARAMETERS: 92,
    Column.QUANTIZATION: 100,
    Column.SIZE: 80,
    Column.CONTEXT: 86,
    Column.CAPABILITIES: 104,
    Column.LAST_USED: 92,
    Column.PLACE: 108,
    Column.ARCHITECTURE: 104,
    Column.LICENCE: 104,
    Column.TAGS: 120,
    Column.MODIFIED: 92,
    Column.FOLDER: 260,
}
NARROWEST_NAME = 200
#: A column as it is kept: a minus where it is hidden, its name, and its width where that is its own.
_KEPT = re.compile(r"(-?)([A-Z_]+):(\d{1,4})", re.A)
#: Columns that move rest for so many milliseconds before that is told.
_REST_MS = 400
#: Columns that are shown unless a person chooses others.
USUAL = frozenset(column for column in Column if column <= Column.PLACE)
#: What a first click on a header sorts from its end: the largest, the latest.
FROM_THE_END = frozenset(
    {Column.PARAMETERS, Column.SIZE, Column.CONTEXT, Column.LAST_USED, Column.MODIFIED, Column.CAPABILITIES}
)


class ModelTableView(RowsView):
    """The table itself.

    Args:
        theme: the theme in force.
        rows: what it shows.
        selection: which of them are selected.
        actions: what can be done with them.
    """

    #: Other columns are shown, or their widths are others; told when the mouse rests, as each time a file is written.
    columns_changed = Signal()

    def __init__(self, theme: Theme, rows: ModelRows, selection: ModelSelection, actions: ModelActions) -> None:
        super().__init__(theme, rows, selection, actions, ROW_HEIGHT)
        self._theme = theme
        self.setObjectName("modelTable")
        self.setAccessibleName(tr("My Models, as a table"))
        self.setItemDelegate(CellDelegate(theme, rows, self))
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self.columns_changed)
        self._set_up_header()
        rows.changed.connect(lambda _same: self._show_order())

    def _set_up_header(self) -> None:
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setSectionsMovable(True)
        header.setFirstSectionMovable(False)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(56)
        header.setFixedHeight(32)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._show_columns)
        header.setToolTip(tr("Click to sort, right-click to choose columns"))
        for column in Column:
            header.resizeSection(column, WIDTHS[column])
            header.setSectionHidden(column, column not in USUAL)
        header.sectionClicked.connect(self._sort)
        header.sectionResized.connect(self._resized)
        header.sectionMoved.connect(self._rest.start)
        self._show_order()

    # Columns

    @property
    def columns(self) -> str:
        """Which columns are shown, in which order and how wide, for `use_columns` at the next start."""
        header = self.horizontalHeader()
        ordered = [Column(header.logicalIndex(place)) for place in range(header.count())]
        widths = {each: 0 if each is Column.NAME else header.sectionSize(each) for each in ordered}  # 0 for hidden ones
        return " ".join(f"{'-' * header.isSectionHidden(each)}{each.name}:{widths[each]}" for each in ordered)

    def use_columns(self, state: str) -> None:
        """Show columns as they were. What is not named there, as a column that is new, is as usual and stands behind
        them; what is no such state changes nothing.
        """
        header = self.horizontalHeader()
        named = {Column[each[2]]: each for each in _KEPT.finditer(state) if each[2] in Column.__members__}
        named.pop(Column.NAME, None)  # it stands first, and takes what the others leave
        for place, (column, each) in enumerate(named.items(), start=1):
            header.moveSection(header.visualIndex(column), place)
            header.setSectionHidden(column, bool(each[1]))
            header.resizeSection(column, int(each[3]) or WIDTHS[column])
        self._fill_width()

    def show_column(self, column: Column, is_shown: bool) -> None:
        """Show or hide a column."""
        self.horizontalHeader().setSectionHidden(column, not is_shown)
        self._fill_width()
        self._rest.start()

    def _show_columns(self, place: QPoint) -> None:
        menu = StayMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.fill_columns(menu)
        menu.popup(self.horizontalHeader().mapToGlobal(place))

    def fill_columns(self, menu: QMenu) -> None:
        """Offer the columns, but for the name, which always stands there."""
        for column in Column:
            if column is Column.NAME:
                continue
            action = menu.addAction(TITLES[column])
            action.setCheckable(True)
            action.setChecked(not self.horizontalHeader().isSectionHidden(column))
            action.triggered.connect(lambda checked, column=column: self.show_column(column, checked))

    def _resized(self, section: int, _before: int, _now: int) -> None:
        if section != Column.NAME:
            self._fill_width()
            self._rest.start()

    def _fill_width(self) -> None:
        """The names take what the other columns leave."""
        header = self.horizontalHeader()
        others = sum(header.sectionSize(column) for column in Column if column is not Column.NAME)  # 0 for hidden ones
        header.resizeSection(Column.NAME, max(NARROWEST_NAME, self.viewport().width() - others))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fill_width()

    # Order

    def _sort(self, section: int) -> None:
        """Three clicks on a header: one way, the other way, and back to the library's own order."""
        column, order = Column(section), self._rows.order
        first = Order(column, column in FROM_THE_END)
        if order.column is not column:
            self._rows.set_order(first)
        elif order == first:
            self._rows.set_order(Order(column, not first.descending))
        else:
            self._rows.set_order(Order())

    def _show_order(self) -> None:
        header, order = self.horizontalHeader(), self._rows.order
        header.setSortIndicatorShown(order.column is not None)
        if order.column is not None:
            way = Qt.SortOrder.DescendingOrder if order.descending else Qt.SortOrder.AscendingOrder
            header.setSortIndicator(order.column, way)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The cells, then a line under each row, and a frame around the one that the keys are in."""
        super().paintEvent(event)
        painter, tokens, width = QPainter(self.viewport()), self._theme.tokens, self.viewport().width()
        painter.setPen(QColor(tokens.line))
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        for row in range(first, (last if last >= 0 else len(self._rows.shown) - 1) + 1) if first >= 0 else ():
            bottom = self.rowViewportPosition(row) + scaled(ROW_HEIGHT) - 1
            painter.drawLine(0, bottom, width, bottom)
        painter.setPen(QColor(tokens.accent))
        framed = {self.currentIndex().row()} if self.hasFocus() and self.currentIndex().isValid() else set()
        if tokens.accent_soft == tokens.background:  # the system's own colours have no ground for what is selected
            framed |= {index.row() for index in self.selectionModel().selectedRows()}
        for row in framed:
            painter.drawRect(0, self.rowViewportPosition(row), width - 1, scaled(ROW_HEIGHT) - 1)
        painter.end()


class CellDelegate(QStyledItemDelegate):
    """Paints the cells: figures of one width, marks where they say more than words.

    Some 200 are painted at each key of a search, so a cell draws its text and nothing else; the lines between rows are
    the view's.
    """

    def __init__(self, theme: Theme, rows: ModelRows, view: QTableView) -> None:
        super().__init__(view)
        self._theme, self._rows, self._view = theme, rows, view
        self._marks = Marks(theme)
        self._letters_changed()
        self._edges = {column: edge(column) | Qt.TextFlag.TextSingleLine for column in Column}
        self._colors: dict[str, QColor] = {}
        theme.changed.connect(self._colors.clear)
        theme.changed.connect(self._letters_changed)

    def _letters_changed(self) -> None:
        self._font = QFont(self._view.font())
        self._font.setPixelSize(scaled(13))
        self._font.setFeature(QFont.Tag("tnum"), 1)
        self._metrics = QFontMetrics(self._font)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(80, scaled(ROW_HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry, column = self._rows.entry(index), Column(index.column())
        whole: QRect = option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(whole, self._color("accent_soft"))
        place = whole.adjusted(SPACE_S, 0, -SPACE_S, 0)
        if column is Column.NAME:
            self._paint_name(painter, entry, place)
        elif column is Column.CAPABILITIES:
            width = (scaled(SIZE) + GAP) * len(entry.file.capabilities)
            self._marks.paint_capabilities(painter, entry.file, place.left() + width, place.center().y() + 1, place)
        elif text := self._rows.text(entry, column):
            self._paint_text(painter, place, text, column, self._role(entry) if column is Column.FIT else "muted")

    def _paint_name(self, painter: QPainter, entry: Entry, place: QRect) -> None:
        right, middle, row = place.right() + 1, place.center().y() + 1, QRect(place)
        if entry.path == self._rows.loaded:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._color("accent"))
            painter.drawEllipse(mirrored(QRect(right - 8, middle - 4, 8, 8), row))
            painter.restore()
            right -= 8 + 2 * GAP
        for icon, role, is_shown in (
            ("star-fill", "context", entry.file.about.favourite),
            ("copy-simple", "warning", bool(entry.file.same_as)),
        ):
            if is_shown:
                right -= scaled(SIZE)
                self._marks.paint(painter, icon, role, right, middle, row)
                right -= GAP
        place.setRight(right - GAP)
        place = mirrored(place, row)
        self._paint_text(painter, place, entry.title, Column.NAME, "text" if entry.file.trouble is None else "muted")

    def _paint_text(self, painter: QPainter, place: QRect, text: str, column: Column, role: str) -> None:
        if self._metrics.horizontalAdvance(text) > place.width():
            text = self._metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.setFont(self._font)
        painter.setPen(self._color(role))
        if not text.isascii():  # what is left out of Hebrew is on its left
            painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        painter.drawText(place, QStyle.visualAlignment(self._view.layoutDirection(), self._edges[column]), text)

    def _role(self, entry: Entry) -> str:
        if entry.file.trouble is not None:
            return "warning"
        badge = self._rows.badges.get(entry.path)
        return BADGES[badge.verdict] if badge is not None else "muted"

    def _color(self, role: str) -> QColor:
        if role not in self._colors:
            self._colors[role] = QColor(getattr(self._theme.tokens, role))
        return self._colors[role]
