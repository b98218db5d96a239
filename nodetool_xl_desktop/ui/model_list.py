"""My Models: the page of the side bar that lists the models on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QGuiApplication, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListView,
    QMenu,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.preview.badges import Badge
from nodetool_xl_desktop.ui.parts import label, tooltip
from nodetool_xl_desktop.ui.rows import Index, paint_ground, paint_line, row_font, row_place
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, Theme

ROW_HEIGHT = 50
#: The colour of each badge: what fits is nothing to look at.
BADGES = {Verdict.FITS: "muted", Verdict.PARTLY: "warning", Verdict.TIGHT: "warning", Verdict.WONT_FIT: "bad"}


class ModelList(QAbstractListModel):
    """The files of My Models, in their order; `loaded` is the one in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[ModelFile] = []
        self.loaded: Path | None = None
        self.badges: dict[Path, Badge] = {}

    def set_files(self, files: list[ModelFile]) -> None:
        """Show these."""
        self.beginResetModel()
        self.files = files
        self.endResetModel()

    def set_loaded(self, model: Path | None) -> None:
        """Mark the one in memory."""
        if model != self.loaded:
            self.loaded = model
            self.dataChanged.emit(self.index(0), self.index(max(0, len(self.files) - 1)))

    def set_badge(self, model: Path, badge: Badge | None) -> None:
        """Say whether a model would fit; None where that cannot be said."""
        if badge == self.badges.get(model):
            return
        if badge is None:
            del self.badges[model]
        else:
            self.badges[model] = badge
        index = self.index_of(model)
        if index.isValid():
            self.dataChanged.emit(index, index)

    def index_of(self, model: Path | None) -> QModelIndex:
        """Where a model stands; an invalid index where it does not."""
        row = next((row for row, file in enumerate(self.files) if file.path == model), -1)
        return self.index(row) if row >= 0 else QModelIndex()

    def file(self, index: Index) -> ModelFile:
        """The model of a row."""
        return self.files[index.row()]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.files)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        file = self.files[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return file.title
            case Qt.ItemDataRole.UserRole:
                return _facts(file)
            case Qt.ItemDataRole.ToolTipRole:
                badge = self.badges.get(file.path)
                return tooltip(f"{badge.says}\n{file.path}" if badge else str(file.path))
            case Qt.ItemDataRole.AccessibleTextRole:
                badge = self.badges.get(file.path)
                said = f", {badge.verdict.value}" if badge else ""
                return f"{file.title}, {_facts(file)}{said}{', loaded' if file.path == self.loaded else ''}"
        return None


def _facts(file: ModelFile) -> str:
    return " · ".join(part for part in (file.quantization, units.file_size(file.size)) if part)


class ModelView(QListView):
    """A list whose rows are chosen by a double click or Enter.

    Not by Qt's `activated`: on some desktops (KDE) that is a single click, which would load a model at every selection.
    """

    chosen = Signal(QModelIndex)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            self.chosen.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.chosen.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)


class ModelDelegate(QStyledItemDelegate):
    """Paints a model as two lines and a dot where it is loaded."""

    def __init__(self, theme: Theme, models: ModelList, view: QListView) -> None:
        super().__init__(view)
        self._theme, self._models, self._view = theme, models, view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = self._theme.tokens
        painter.save()
        place = row_place(option, self._view)
        paint_ground(painter, tokens, place, option.state)
        text = place.adjusted(SPACE_S + 2, 8, -SPACE_S, -8)
        place_of_text, bottom_right = QRect(text), Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight
        if self._models.file(index).path == self._models.loaded:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent))
            painter.drawEllipse(text.right() - 8, text.top() + 5, 8, 8)
            text.setRight(text.right() - 14)
        top_left = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
        paint_line(painter, text, str(index.data()), tokens.text, row_font(painter, 13), top_left)
        text = QRect(place_of_text)
        facts, small = str(index.data(Qt.ItemDataRole.UserRole)), row_font(painter, 12)
        if badge := self._models.badges.get(self._models.file(index).path):
            color = getattr(tokens, BADGES[badge.verdict])
            width = paint_line(painter, place_of_text, badge.verdict.value, color, small, bottom_right)
            text.setRight(place_of_text.right() - width - SPACE_S)
        bottom_left = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft
        paint_line(painter, text, facts, tokens.muted, small, bottom_left)
        painter.restore()


class ModelsPage(QWidget):
    """My Models, with a button to open more."""

    #: Other files are listed.
    listed = Signal()
    #: Another model is selected.
    model_selected = Signal(Path)
    #: A model was double-clicked, or Enter was pressed on it.
    load_requested = Signal(Path)
    open_requested = Signal()
    #: Forget this model; its file stays.
    remove_requested = Signal(Path)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.list = ModelList()
        self.view = ModelView()
        self.view.setModel(self.list)
        self.view.setItemDelegate(ModelDelegate(theme, self.list, self.view))
        self.view.setMouseTracking(True)
        self.view.setAccessibleName("My Models")
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.view.customContextMenuRequested.connect(self._show_menu)
        self.view.chosen.connect(lambda index: self.load_requested.emit(self.list.file(index).path))
        self.view.selectionModel().currentChanged.connect(self._current_changed)
        self._empty = label("No model yet. Drop a .gguf file anywhere on this window.", "note", wrap=True)
        self._open = QPushButton("Open ...")
        self._open.setAccessibleName("Open a model file")
        self._open.clicked.connect(self.open_requested)
        theme.changed.connect(self._show_icons)
        self._show_icons()

        head = QHBoxLayout()
        head.addWidget(label("My Models", "title"))
        head.addStretch()
        head.addWidget(self._open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_M, 0, 0, 0)
        layout.setSpacing(SPACE_M)
        head.setContentsMargins(0, 0, SPACE_M, 0)  # the list's own margin holds its scroll bar
        self._empty.setContentsMargins(0, 0, SPACE_M, 0)
        layout.addLayout(head)
        layout.addWidget(self._empty)
        layout.addWidget(self.view, 1)

    def show_models(self, files: list[ModelFile], select: Path | None = None) -> None:
        """Show the library; `select` one of it, or leave the selection where it is."""
        before = self.selected
        selection = self.view.selectionModel()
        selection.blockSignals(True)  # the reset says that nothing is selected, which is not so
        self.list.set_files(files)
        self.view.setCurrentIndex(self.list.index_of(select or before))
        selection.blockSignals(False)
        self.view.viewport().update()
        self._empty.setVisible(not files)
        self.listed.emit()
        if self.selected is not None and self.selected != before:
            self.model_selected.emit(self.selected)

    @property
    def files(self) -> list[ModelFile]:
        """What is listed."""
        return self.list.files

    def show_badge(self, model: Path, badge: Badge | None) -> None:
        """Say whether a model would fit; None where that cannot be said."""
        self.list.set_badge(model, badge)

    def show_loaded(self, model: Path | None) -> None:
        """Mark the model in memory."""
        self.list.set_loaded(model)

    @property
    def selected(self) -> Path | None:
        """The selected model."""
        index = self.view.currentIndex()
        return self.list.file(index).path if index.isValid() else None

    def select(self, model: Path) -> None:
        """Select a model that is listed."""
        self.view.setCurrentIndex(self.list.index_of(model))

    def _show_icons(self) -> None:
        self._open.setIcon(self._theme.icon("folder-open"))

    def _current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self.model_selected.emit(self.list.file(current).path)

    def _show_menu(self, _place: QPoint) -> None:
        index = self.view.currentIndex()
        if not index.isValid():
            return
        file = self.list.file(index)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        offers: list[tuple[str, Callable[[], object]]] = [
            ("Load", lambda: self.load_requested.emit(file.path)),
            ("Copy Path", lambda: QGuiApplication.clipboard().setText(str(file.path))),
        ]
        if not file.own:
            offers.append(("Remove from List", lambda: self.remove_requested.emit(file.path)))
        for text, work in offers:
            action = QAction(text, menu)
            action.triggered.connect(work)
            menu.addAction(action)
        menu.popup(self.view.viewport().mapToGlobal(self.view.visualRect(index).center()))
