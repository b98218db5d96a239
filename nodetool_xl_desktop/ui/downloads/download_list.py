"""The rows of the page: what is still to do in its order, then what is done. A row that is there stays the same widget
while its figures change, and where it moves, so that the keys stay in it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.standing import Download, State
from nodetool_xl_desktop.ui.downloads.download_row import DownloadRow
from nodetool_xl_desktop.ui.downloads.row_buttons import Wish
from nodetool_xl_desktop.ui.inputs import LateStops
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XL, SPACE_XS, Theme

#: So many rows are made in one go: each takes four milliseconds.
_AT_ONCE = 2


class DownloadList(QWidget):
    """All rows, from top to bottom.

    Args:
        theme: the theme in force.
    """

    #: The person wants this of that: a `Wish`, and the download's id.
    wished = Signal(object, str)
    #: This download shall be where that one is now, by their ids.
    moved = Signal(str, str)
    clear_requested = Signal()
    #: A row has the keys now, and shall be in view.
    row_focused = Signal(QWidget)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: dict[str, DownloadRow] = {}
        self._late = LateStops(self)
        self._shown: list[Download] = []
        self._queue_count = 0
        self._line = _DropLine(theme, self)
        self._target: int | None = None
        self._head = QWidget()
        self.clear = QPushButton(tr("Clear Finished"))
        self.clear.setProperty("kind", "quiet")
        self.clear.clicked.connect(self.clear_requested)
        head = QHBoxLayout(self._head)
        head.setContentsMargins(SPACE_XS, SPACE_M, SPACE_XS, 0)
        head.addWidget(_heading(tr("Finished")), 1)
        head.addWidget(self.clear)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACE_S)
        self._column.addWidget(self._head)
        self._column.addStretch()
        self._head.hide()

    def show_downloads(self, downloads: Sequence[Download]) -> None:
        """Show these; rows that are not there yet come a few at a time."""
        queue = [each for each in downloads if each.state is not State.DONE]
        done = [each for each in downloads if each.state is State.DONE]
        done.sort(key=lambda each: each.finished, reverse=True)
        before = [each.id for each in self._shown]
        self._shown, self._queue_count = queue + done, len(queue)
        self._drop_gone({each.id for each in self._shown})
        self._make_some()
        for number, each in enumerate(self._shown):
            if (row := self._rows.get(each.id)) is None:
                continue
            if row.download != each:
                row.show_download(each)
            is_queued = number < self._queue_count
            row.show_place(is_queued and number > 0, number < self._queue_count - 1)
        self._head.setVisible(bool(done))
        if before != [each.id for each in self._shown]:
            self._arrange()

    @property
    def rows(self) -> list[DownloadRow]:
        """Those that are made, from top to bottom."""
        return [self._rows[each.id] for each in self._shown if each.id in self._rows]

    def focus_first(self) -> bool:
        """Give the keys to the first row; returns whether there is one."""
        if rows := self.rows:
            rows[0].setFocus(Qt.FocusReason.OtherFocusReason)
        return bool(rows)

    # Rows come, go and change places

    def _make_some(self) -> None:
        missing = [each for each in self._shown if each.id not in self._rows]
        for each in missing[:_AT_ONCE]:
            self._rows[each.id] = self._make(each)
        if len(missing) > _AT_ONCE:
            QTimer.singleShot(0, self, self._make_more)
        if missing:
            self._arrange()

    def _make_more(self) -> None:
        self.show_downloads([*self._shown])

    def _make(self, download: Download) -> DownloadRow:
        row = DownloadRow(self._theme, download)
        row.wished.connect(partial(self._wish, download.id))
        row.stepped.connect(partial(self._step, row))
        row.dragged.connect(partial(self._drag, row))
        row.dropped.connect(partial(self._drop, row))
        row.focused.connect(partial(self.row_focused.emit, row))
        return row

    def _drop_gone(self, ids: set[str]) -> None:
        gone = [key for key in self._rows if key not in ids]
        if not gone:
            return
        order = self._rows_in_place()
        for key in gone:
            row = self._rows.pop(key)
            had_keys = row.hasFocus() or row.isAncestorOf(self.focusWidget() or self)
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
            if had_keys:
                place = order.index(key)
                following = [each for each in order[place + 1 :] + order[:place][::-1] if each in ids]
                heir = self._rows[following[0]] if following else self.parentWidget()
                if heir is not None:
                    heir.setFocus(Qt.FocusReason.OtherFocusReason)

    def _rows_in_place(self) -> list[str]:
        by_row = {row: key for key, row in self._rows.items()}
        items = (self._column.itemAt(place) for place in range(self._column.count()))
        widgets = (item.widget() for item in items if item is not None)
        return [by_row[widget] for widget in widgets if isinstance(widget, DownloadRow) and widget in by_row]

    def _arrange(self) -> None:
        """Put the rows where they belong, without taking any out of the window."""
        queue = [self._rows[each.id] for each in self._shown[: self._queue_count] if each.id in self._rows]
        done = [self._rows[each.id] for each in self._shown[self._queue_count :] if each.id in self._rows]
        wanted: list[QWidget] = [*queue, self._head, *done]
        for place, widget in enumerate(wanted):
            item = self._column.itemAt(place)
            if item is None or item.widget() is not widget:
                self._column.insertWidget(place, widget)
        order: list[QWidget] = []
        for widget in wanted:
            order += [widget, *widget.buttons.all] if isinstance(widget, DownloadRow) else [self.clear]
        self._late.put(*order)

    # What a person does

    def _wish(self, key: str, wish: Wish) -> None:
        ids = [each.id for each in self._shown[: self._queue_count]]
        if wish not in (Wish.UP, Wish.DOWN):
            self.wished.emit(wish, key)
        elif key in ids:
            place = ids.index(key) + (1 if wish is Wish.DOWN else -1)
            if 0 <= place < len(ids):
                self.moved.emit(key, ids[place])

    def _step(self, row: DownloadRow, by: int) -> None:
        rows = self.rows
        place = min(len(rows) - 1, max(0, rows.index(row) + by))
        rows[place].setFocus(Qt.FocusReason.OtherFocusReason)

    def _drag(self, row: DownloadRow, height: int) -> None:
        """Show between which rows it would be let go; `height` is of the screen."""
        queue = self.rows[: self._queue_count]
        if row not in queue:
            return
        row.show_held(True)
        here = self.mapFromGlobal(QPoint(0, height)).y()
        gap = sum(here > each.geometry().center().y() for each in queue)
        place = queue.index(row)
        self._target = None if gap in (place, place + 1) else (gap if gap < place else gap - 1)
        below = queue[gap].geometry().top() if gap < len(queue) else queue[-1].geometry().bottom() + SPACE_S
        self._line.show_at(QRect(0, below - SPACE_S + (SPACE_S - 2) // 2, self.width(), 2), self._target is not None)

    def _drop(self, row: DownloadRow, stays: bool) -> None:
        target, self._target = self._target, None
        row.show_held(False)
        self._line.hide()
        ids = [each.id for each in self._shown[: self._queue_count]]
        if not stays and target is not None and target < len(ids):
            self.moved.emit(row.download.id, ids[target])


class _DropLine(QWidget):
    """Where a dragged row would go."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_at(self, place: QRect, is_shown: bool) -> None:
        self.setGeometry(place)
        self.raise_()
        self.setVisible(is_shown)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.tokens.accent))
        painter.end()


def _heading(text: str) -> QLabel:
    made = label(text, "note")
    font = made.font()
    font.setWeight(font.Weight.DemiBold)
    made.setFont(font)
    made.setContentsMargins(0, 0, SPACE_XL, 0)
    return made
