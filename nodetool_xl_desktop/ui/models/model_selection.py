"""What is selected of My Models, in the cards and in the table alike."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, Signal

from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.ui.models.filters import Column, Filter
from nodetool_xl_desktop.ui.models.model_rows import ModelRows


class ModelSelection(QItemSelectionModel):
    """Which models are selected. It outlives a new scan, and a filter that hides them."""

    #: Another model is the one that the fit panel is about.
    model_selected = Signal(Path)
    #: Others are selected, or what is known of them is other.
    marked = Signal()

    def __init__(self, rows: ModelRows) -> None:
        super().__init__(rows)
        self._rows = rows
        self._current: Path | None = None
        self._marked: list[Path] = []
        self._restores = False
        rows.changing.connect(self._begin)
        rows.changed.connect(self._restore)
        self.currentChanged.connect(self._current_changed)
        self.selectionChanged.connect(self._selection_changed)

    @property
    def current(self) -> Path | None:
        """The selected model, shown or hidden by a filter; None where there is none."""
        return self._current if self._current in self._rows.known else None

    @property
    def files(self) -> list[ModelFile]:
        """All that are selected and shown, in the order of the list."""
        rows = sorted({index.row() for index in self.selectedIndexes()})
        return [self._rows.shown[row].file for row in rows]

    def choose(self, model: Path) -> None:
        """Select this one alone; a filter that hides it is taken away."""
        model = self._rows.listed_as(model) or model
        if model in self._rows.known and not self._rows.index_of(model).isValid():
            self._rows.set_filter(Filter())
        index = self._rows.index_of(model)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.setCurrentIndex(index, flags)

    def _begin(self) -> None:
        self._restores = True

    def _restore(self) -> None:
        self._restores = True
        selection = QItemSelection()
        for path in self._marked:
            index = self._rows.index_of(path)
            if index.isValid():
                selection.select(index, self._rows.index(index.row(), len(Column) - 1))
        self.select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.setCurrentIndex(self._rows.index_of(self._current), QItemSelectionModel.SelectionFlag.NoUpdate)
        if self._current not in self._rows.known:
            self._current = None
        self._restores = False
        self.marked.emit()

    def _current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if self._restores or not current.isValid():
            return
        path = self._rows.entry(current).path
        if path != self._current:
            self._current = path
            self.model_selected.emit(path)

    def _selection_changed(self, selected: QItemSelection, _deselected: QItemSelection) -> None:
        if self._restores:
            return
        self._marked = [file.path for file in self.files]
        self.marked.emit()
        rows = {index.row() for index in self.selectedIndexes()}
        if len(rows) == 1 and not selected.isEmpty() and rows != {self.currentIndex().row()}:
            # A screen reader selects without moving the keys: the fit panel follows it all the same.
            self.setCurrentIndex(selected.indexes()[0], QItemSelectionModel.SelectionFlag.NoUpdate)
