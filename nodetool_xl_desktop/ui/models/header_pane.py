"""The whole header of a model, searchable: each key with its value, and each tensor with its shape."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import visible
from nodetool_xl_desktop.core.translation import number, tr, trn
from nodetool_xl_desktop.gguf import ArrayInfo, Header, Value
from nodetool_xl_desktop.ui.chats.search_field import SearchField
from nodetool_xl_desktop.ui.models.entries import folded
from nodetool_xl_desktop.ui.parts import ElidedLabel, label, tooltip
from nodetool_xl_desktop.ui.rows import Index
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, Theme

#: Of a long value so many letters are shown in its row, and in its tip.
_SHOWN, _IN_TIP = 300, 2000
ROW_HEIGHT = 26


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a key, its value as it is shown, the same in full, and the text that is searched."""

    key: str
    value: str
    whole: str
    text: str


def lines_of(header: Header) -> list[Line]:
    """All keys in the order of the file, then all tensors. Any thread may ask."""
    made = [_line(key, _told(value)) for key, value in header.metadata.items()]
    for tensor in header.tensors:
        shape = " x ".join(number(f"{size:,}") for size in tensor.shape)
        made.append(_line(tensor.name, f"{tensor.type_name}, {shape}, {units.file_size(tensor.size)}"))
    return made


def _line(key: str, told: str) -> Line:
    key, value = visible(key), visible(told[:_SHOWN])
    return Line(key, value, told, folded(f"{key}\n{value}"))


def _told(value: Value) -> str:
    match value:
        case ArrayInfo(element_type="char", length=length):
            return trn("text of {count} byte", "text of {count:,} bytes", length)
        case ArrayInfo(element_type=kind, length=length):
            return trn("{count} value of {kind}", "{count:,} values of {kind}", length, kind=kind)
        case tuple():
            return trn(
                "{count} value: {values}",
                "{count:,} values: {values}",
                len(value),
                values=", ".join(str(item) for item in value[:64]),
            )
        case bool():
            return "true" if value else "false"
        case int() if abs(value) >= 100_000:
            return number(f"{value:,}")
    return str(value)


class _Lines(QAbstractTableModel):
    def __init__(self) -> None:
        super().__init__()
        self.all: list[Line] = []
        self.shown: list[Line] = []
        self._words: list[str] = []

    def set_lines(self, lines: list[Line]) -> None:
        self.all = lines
        self._show()

    def search(self, words: str) -> None:
        self._words = folded(words).split()
        self._show()

    def _show(self) -> None:
        self.beginResetModel()
        self.shown = [line for line in self.all if all(word in line.text for word in self._words)]
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        line = self.shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return line.value if index.column() else line.key
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(f"{line.key}\n{line.whole[:_IN_TIP]}".encode("utf-8", "replace").decode())
        return None


class _LinesView(QTableView):
    """Rows that can be copied."""

    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines
        self.setObjectName("headerTable")
        self.setModel(lines)
        self.setAccessibleName(tr("Header"))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not event.matches(QKeySequence.StandardKey.Copy):
            super().keyPressEvent(event)
            return
        rows = sorted({index.row() for index in self.selectedIndexes()})
        said = "\n".join(f"{self._lines.shown[row].key} = {self._lines.shown[row].whole}" for row in rows)
        QGuiApplication.clipboard().setText(said.encode("utf-8", "replace").decode())


class HeaderPane(QWidget):
    """Shows it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._lines = _Lines()
        self.search = SearchField(theme)
        self.search.setPlaceholderText(tr("Search the header"))
        self.search.setAccessibleName(tr("Search the header"))
        self.view = _LinesView(self._lines)
        self._status = ElidedLabel("note")
        self.problem = label("", "note", wrap=True, selects=True)
        self.problem.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_M, SPACE_S, SPACE_S, SPACE_S)
        layout.setSpacing(SPACE_S)
        layout.addWidget(self.search)
        layout.addWidget(self._status)
        layout.addWidget(self.problem)
        layout.addWidget(self.view, 1)
        self.search.textChanged.connect(self._search)
        self.search.down_pressed.connect(lambda: self.view.setFocus(Qt.FocusReason.TabFocusReason))

    def show_lines(self, lines: list[Line], problem: str = "") -> None:
        """Show these, and of them what is searched for; where the person was among them they stay.

        Args:
            lines: of the header.
            problem: why there are none; empty where it was read.
        """
        self.problem.setText(problem)
        for shown in (self.search, self._status, self.view):
            shown.setVisible(not problem)
        self.problem.setVisible(bool(problem))
        if lines == self._lines.all:
            return
        self._lines.set_lines(lines)
        self._show_status()

    def _search(self, words: str) -> None:
        self._lines.search(words)
        self._show_status()

    def _show_status(self) -> None:
        count, shown = len(self._lines.all), len(self._lines.shown)
        self._status.setText(
            trn("{count} entry", "{count:,} entries", count)
            if shown == count
            else trn("{shown:,} of {count} entry", "{shown:,} of {count:,} entries", count, shown=shown)
        )
