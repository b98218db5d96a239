"""Where a person is in a list of models: kept while models come and go, and asked for what is in sight."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QAbstractItemView

from nodetool_xl_desktop.ui.models.model_rows import ModelRows
from nodetool_xl_desktop.ui.models.model_selection import ModelSelection


class ListPlace(QObject):
    """Keeps the row at the top of a view where it is through a new scan. After another search or order the selected
    model is scrolled to, and the top where it is not there.

    Args:
        view: of the cards, or the table.
        rows: what it shows.
        selection: which of them are selected.
    """

    def __init__(self, view: QAbstractItemView, rows: ModelRows, selection: ModelSelection) -> None:
        super().__init__(view)
        self._view, self._rows, self._selection = view, rows, selection
        self._top: tuple[Path, int] | None = None
        self._has_moved = False
        rows.changing.connect(self._remember)
        rows.changed.connect(self._put_back)

    def _remember(self) -> None:
        self._has_moved = True
        index = self._view.indexAt(QPoint(2, 2))
        is_at_top = self._view.verticalScrollBar().value() == 0
        self._top = None
        if index.isValid() and not is_at_top:  # at the very top what is new is seen
            self._top = (self._rows.entry(index).path, self._view.visualRect(index).top())

    def _put_back(self, same_question: bool) -> None:
        if not self._has_moved:
            return
        self._has_moved = False
        if not same_question:
            current = self._rows.index_of(self._selection.current)
            if current.isValid():
                self._view.scrollTo(current, QAbstractItemView.ScrollHint.EnsureVisible)
            else:
                self._view.scrollToTop()
        elif self._top is not None:
            path, before = self._top
            index = self._rows.index_of(path)
            if index.isValid():
                bar = self._view.verticalScrollBar()
                self._view.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtTop)
                bar.setValue(bar.value() + self._view.visualRect(index).top() - before)
        self._view.viewport().update()


def visible_rows(view: QAbstractItemView, rows: ModelRows) -> list[Path]:
    """The models in sight, from above to below, and then as many more as fit below them."""
    height = view.viewport().height()
    first = view.indexAt(QPoint(2, 2))
    if not first.isValid():
        return []
    begin = first.row()
    row_height = max(1, view.visualRect(first).height())
    return [entry.path for entry in rows.shown[begin : begin + 2 * (height // row_height + 2)]]
