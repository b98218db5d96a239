"""What the cards and the table of My Models have in common: whole rows, a menu, and the keys of what can be done."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from nodetool_xl_desktop.ui.models.model_actions import ModelActions
from nodetool_xl_desktop.ui.models.model_rows import ModelRows
from nodetool_xl_desktop.ui.models.model_selection import ModelSelection
from nodetool_xl_desktop.ui.theme import Theme, scaled


class RowsView(QTableView):
    """Rows that are loaded by a double click or Enter.

    Not by Qt's `activated`: on some desktops (KDE) that is a single click, which would load a model at every selection.

    Args:
        theme: the theme in force.
        rows: what it shows.
        selection: which of them are selected.
        actions: what can be done with them.
        row_height: of each, in pixels.
    """

    def __init__(
        self, theme: Theme, rows: ModelRows, selection: ModelSelection, actions: ModelActions, row_height: int
    ) -> None:
        super().__init__()
        self._rows, self._actions = rows, actions
        self.setModel(rows)
        self.setSelectionModel(selection)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._row_height = row_height
        theme.changed.connect(self._theme_changed)
        self._theme_changed()

    def _theme_changed(self) -> None:
        self.verticalHeader().setDefaultSectionSize(scaled(self._row_height))
        self.viewport().update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            self._actions.load(self._rows.file(index))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._actions.take_key(event):
            super().keyPressEvent(event)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        if action in (QAbstractItemView.CursorAction.MoveHome, QAbstractItemView.CursorAction.MoveEnd):
            modifiers |= Qt.KeyboardModifier.ControlModifier  # the first row, as in a list, not the first column
        return super().moveCursor(action, modifiers)

    def _show_menu(self, place: QPoint) -> None:
        index = self.currentIndex()
        if not self.indexAt(place).isValid() and index.isValid():  # by a key
            place = self.visualRect(index).center()
        self._actions.show_menu(self.viewport().mapToGlobal(place))
