"""The view of the list of chats: how its rows are painted, and what keys and the mouse do in it.

Rows are of one height, so that the view lays out 10,000 of them without asking for each; what of them is in sight is
painted, and nothing else is made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date

from PySide6.QtCore import (
    QAbstractItemModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QContextMenuEvent, QFont, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.records import Chat
from nodetool_xl_desktop.ui.action import Where
from nodetool_xl_desktop.ui.action_places import of_key
from nodetool_xl_desktop.ui.chats.chat_list import ChatListModel, title_of
from nodetool_xl_desktop.ui.rows import (
    Index,
    RowView,
    mirrored,
    paint_ground,
    paint_heading,
    paint_line,
    row_font,
    row_place,
)
from nodetool_xl_desktop.ui.theme import SPACE_S, Theme, scaled

ROW_HEIGHT = 34


class ChatDelegate(QStyledItemDelegate):
    """Paints headings and chats, and edits a title in its place."""

    #: A person gave this chat (its id) that title.
    renamed = Signal(str, str)

    def __init__(self, theme: Theme, chats: ChatListModel, view: QListView) -> None:
        super().__init__(view)
        self._theme, self._chats, self._view = theme, chats, view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, scaled(ROW_HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens, chat = self._theme.tokens, self._chats.at(index)
        painter.save()
        place = row_place(option, self._view)
        text = place.adjusted(SPACE_S, 0, -SPACE_S, 0)
        if chat is None:
            paint_heading(painter, tokens, text, str(index.data()))
        else:
            shown = chat.id == self._chats.shown
            paint_ground(painter, tokens, place, option.state, shown=shown)
            if chat.id in self._chats.waiting:
                text.setRight(text.right() - self._paint_waiting(painter, text) - SPACE_S)
            elif chat.id in self._chats.answering:
                text.setRight(text.right() - self._paint_answering(painter, text) - SPACE_S)
            weight = QFont.Weight.Medium if shown else QFont.Weight.Normal
            row = place.adjusted(SPACE_S, 0, -SPACE_S, 0)
            paint_line(painter, text, title_of(chat), tokens.text, row_font(painter, 13, weight), row=row)
        painter.restore()

    def _paint_answering(self, painter: QPainter, place: QRect) -> int:
        """Three dots, as somebody who writes is drawn elsewhere; returns how wide they are."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.tokens.accent))
        for number in range(3):
            dot = mirrored(QRect(place.right() - 16 + 6 * number, place.center().y() - 1, 4, 4), place)
            painter.drawEllipse(QRectF(dot).translated(0, -0.5))
        return 16

    def _paint_waiting(self, painter: QPainter, place: QRect) -> int:
        """A raised hand, as on the card of a call that waits; returns how wide it is."""
        size = scaled(16)
        square = QRect(place.right() - size, place.center().y() - size // 2, size + 1, size + 1)
        self._theme.icon("hand-palm", "warning").paint(painter, mirrored(square, place))
        return size

    # The title in its place

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setProperty("kind", "inplace")
        editor.setAccessibleName(tr("Title of the chat"))
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        if isinstance(editor, QLineEdit) and not editor.isModified():
            editor.setText(str(index.data()))
            editor.selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        chat = self._chats.at(index)
        if chat is not None and isinstance(editor, QLineEdit):
            title = " ".join(editor.text().split())
            if title and title != chat.title:
                self.renamed.emit(chat.id, title)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(row_place(option, self._view).adjusted(0, 1, 0, -1))


class ChatView(RowView):
    """Shows the chats. A click opens one, so does Enter; with Ctrl or Shift more are selected."""

    #: By its id.
    opened = Signal(str)
    delete_requested = Signal()
    #: The place on the screen.
    menu_requested = Signal(QPoint)

    def __init__(self, theme: Theme, today: Callable[[], date] = date.today) -> None:
        super().__init__()
        self.chats = ChatListModel(today)
        self.delegate = ChatDelegate(theme, self.chats, self)
        # The layout asks for the number of rows once for each row: 10,000 calls of Python without this one in between.
        self._rows = QSortFilterProxyModel(self)
        self._rows.setSourceModel(self.chats)
        self.setModel(self._rows)
        self.setItemDelegate(self.delegate)
        self.setUniformItemSizes(True)
        self.setAccessibleName(tr("Chats"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self._pressed = ""
        theme.changed.connect(self.viewport().update)

    @property
    def selected(self) -> list[Chat]:
        """What is selected, from the top."""
        indexes = sorted(self.selectionModel().selectedIndexes(), key=lambda index: index.row())
        return [chat for index in indexes if (chat := self.chats.at(index)) is not None]

    @property
    def is_editing(self) -> bool:
        """Whether a title is being written."""
        return self.state() is QAbstractItemView.State.EditingState

    def index_of(self, chat_id: str) -> QModelIndex:
        """Where a chat stands in this view; an invalid index where it does not."""
        return self._rows.mapFromSource(self.chats.index_of(chat_id))

    def select(self, ids: Iterable[str]) -> None:
        """Select these, as far as they are here, and nothing else."""
        selection = QItemSelection()
        for index in map(self.index_of, ids):
            if index.isValid():
                selection.select(index, index)
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def show_chat(self, chat_id: str | None) -> None:
        """Mark the chat that is open, and have it in sight; several that are selected stay so."""
        self.chats.show(chat_id)
        if len(self.selected) < 2:
            self.select([])
            self.select_shown()

    def select_shown(self) -> None:
        """Select the chat that is open, where it is here and nothing else is selected, and have it in sight."""
        if self.chats.shown is not None and not self.selected:
            self.go_to(self.chats.shown)

    def go_to(self, chat_id: str) -> None:
        """Select this one, and have it in sight."""
        index = self.index_of(chat_id)
        if index.isValid():
            self.select([chat_id])
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.scrollTo(index)

    def neighbour(self, chats: Sequence[Chat]) -> str | None:
        """The chat after these, or else the one before them; None where there is no other."""
        rows = [self.index_of(chat.id).row() for chat in chats]
        if not rows:
            return None
        near = (*range(max(rows) + 1, self.chats.rowCount()), *range(min(rows) - 1, -1, -1))
        found = (self.chats.at(self.chats.index(row)) for row in near)
        return next((chat.id for chat in found if chat is not None), None)

    def rename(self) -> None:
        """Edit the title of the one that is selected."""
        if len(chats := self.selected) == 1:
            self.setCurrentIndex(self.index_of(chats[0].id))
            self.edit(self.currentIndex())

    @contextlib.contextmanager
    def keeping_place(self, apart_from: Collection[str] = ()) -> Iterator[None]:
        """While the rows are changed: what is selected stays so, and what is in sight stays where it is.

        Args:
            apart_from: the ids of chats that go somewhere else, and must not take the view along.
        """
        bar, selected = self.verticalScrollBar(), [chat.id for chat in self.selected]
        current = self.chats.at(self.currentIndex())
        before, seen = bar.value(), self._in_sight(apart_from)
        self.setAutoScroll(False)
        try:
            yield
        finally:
            self.select(selected)
            index = self.index_of(current.id) if current else QModelIndex()
            if index.isValid():
                self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.executeDelayedItemsLayout()
            index = self.index_of(seen[0]) if seen and before else QModelIndex()
            bar.setValue(index.row() * scaled(ROW_HEIGHT) - seen[1] if seen and index.isValid() else before)
            self.setAutoScroll(True)

    def _in_sight(self, apart_from: Collection[str]) -> tuple[str, int] | None:
        """The first chat in sight, and how far below the upper edge it is, in pixels."""
        for row in range(self.verticalScrollBar().value() // scaled(ROW_HEIGHT), self.chats.rowCount()):
            chat = self.chats.at(self.chats.index(row))
            if chat is not None and chat.id not in apart_from:
                return chat.id, row * scaled(ROW_HEIGHT) - self.verticalScrollBar().value()
        return None

    # Qt's events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._pressed = self._under(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, ""
        super().mouseReleaseEvent(event)
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier and event.button() is Qt.MouseButton.LeftButton
        if plain and pressed and self._under(event) == pressed:
            self.opened.emit(pressed)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        if self.chats.at(index) is not None and self.selected:
            place = event.globalPos() if by_mouse else self.viewport().mapToGlobal(self.visualRect(index).center())
            self.menu_requested.emit(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current = self.chats.at(self.currentIndex())
        match of_key(Where.CHAT, event):
            case "listed_chat.open" if current is not None and not self.is_editing:
                self.opened.emit(current.id)
            case "listed_chat.rename":
                self.rename()
            case "listed_chat.delete" if self.selected:
                self.delete_requested.emit()
            case _:
                super().keyPressEvent(event)

    def _under(self, event: QMouseEvent) -> str:
        chat = self.chats.at(self.indexAt(event.position().toPoint()))
        return chat.id if chat is not None else ""
