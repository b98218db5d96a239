"""A list of things with two lines each: servers, tools, prompts, resources, and what was allowed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from nodetool_xl_desktop.ui.parts import tooltip
from nodetool_xl_desktop.ui.rows import Index, RowView, mirrored, paint_ground, paint_line, row_font
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, Theme, scaled
from nodetool_xl_desktop.ui.tools.tool_values import Item

ROW_HEIGHT, ONE_LINE = 46, 32
_DOT = 10


class _Items(QAbstractListModel):
    """The items; thousands cost no more than those that are seen."""

    def __init__(self) -> None:
        super().__init__()
        self.items: tuple[Item, ...] = ()

    def show_items(self, items: tuple[Item, ...]) -> None:
        if len(items) == len(self.items):  # the selection stays
            self.items = items
            if items:
                self.dataChanged.emit(self.index(0), self.index(len(items) - 1))
        else:
            self.beginResetModel()
            self.items = items
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        item = self.items[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return ", ".join(filter(None, [item.title, item.second]))
        if role == Qt.ItemDataRole.ToolTipRole and (words := item.problem or item.description):
            return tooltip(f"{item.title}\n{words[:600]}")
        return None


class _Delegate(QStyledItemDelegate):
    """Draws an item in two lines."""

    def __init__(self, theme: Theme, view: ItemList) -> None:
        super().__init__(view)
        self._theme = theme
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, scaled(ROW_HEIGHT if self._view.items[index.row()].second else ONE_LINE))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens, item = self._theme.tokens, self._view.items[index.row()]
        place: QRect = option.rect
        painter.save()
        paint_ground(painter, tokens, place, option.state)
        inner = place.adjusted(SPACE_M, 0, -SPACE_M, 0)
        upper = QRect(inner.left(), inner.top() + 5, inner.width(), scaled(18)) if item.second else inner
        if item.dot is not None:
            size = scaled(_DOT)
            dot = QRect(upper.left(), upper.center().y() - size // 2 + 1, size, size)
            self._theme.icon("circle-fill", item.dot.value).paint(painter, mirrored(dot, inner))
            upper = upper.adjusted(size + SPACE_S, 0, 0, 0)
        weight = QFont.Weight.DemiBold if item.second else QFont.Weight.Normal
        paint_line(painter, upper, item.title, tokens.text, row_font(painter, 13, weight), row=inner)
        if item.second:
            lower = QRect(upper.left(), inner.top() + scaled(23), upper.width(), scaled(17))
            tone = tokens.warning if item.problem else tokens.muted
            paint_line(painter, lower, item.second, tone, row_font(painter, 12), row=inner)
        painter.restore()


class ItemList(RowView):
    """Goes by the arrow keys; what it shows may change under it, and the choice stays.

    Args:
        theme: the theme in force.
        name: what a screen reader calls it.
    """

    #: Another one is chosen (its key); empty where none is.
    chosen = Signal(str)
    #: Enter, or a double click, on this one.
    opened = Signal(str)

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._model = _Items()
        self._quiet = False
        self.setModel(self._model)
        self.setItemDelegate(_Delegate(theme, self))
        self.setTabKeyNavigation(False)
        self.selectionModel().currentChanged.connect(lambda *_: None if self._quiet else self.chosen.emit(self.key))
        self.doubleClicked.connect(lambda _index: self.opened.emit(self.key))
        theme.changed.connect(self.viewport().update)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.key:
            self.opened.emit(self.key)  # Qt would have the dialog press its button as well
        else:
            super().keyPressEvent(event)

    @property
    def items(self) -> tuple[Item, ...]:
        """What it shows."""
        return self._model.items

    @property
    def key(self) -> str:
        """Of the one that is chosen; empty where none is."""
        index = self.currentIndex()
        return self.items[index.row()].key if index.isValid() else ""

    def show_items(self, items: Sequence[Item], key: str | None = None) -> None:
        """Show these, and tell nobody.

        Args:
            items: what there is.
            key: the one to choose; None: as it was.
        """
        wanted = self.key if key is None else key
        self._quiet = True
        if tuple(items) != self.items:
            self._model.show_items(tuple(items))
        row = next((at for at, item in enumerate(items) if item.key and item.key == wanted), -1)
        self.setCurrentIndex(self._model.index(row) if row >= 0 else QModelIndex())
        self._quiet = False
