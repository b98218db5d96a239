"""My Models in the side bar: the search, what of it is shown, and the cards."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.ui.chats.search_field import SearchField
from nodetool_xl_desktop.ui.inputs import in_order
from nodetool_xl_desktop.ui.models.cards import ModelView
from nodetool_xl_desktop.ui.models.filter_button import FilterButton
from nodetool_xl_desktop.ui.models.filters import Filter
from nodetool_xl_desktop.ui.models.list_place import ListPlace, visible_rows
from nodetool_xl_desktop.ui.models.model_actions import ModelActions
from nodetool_xl_desktop.ui.models.model_rows import ModelRows
from nodetool_xl_desktop.ui.models.model_selection import ModelSelection
from nodetool_xl_desktop.ui.parts import ElidedLabel, label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme
from nodetool_xl_desktop.ui.undo_bar import UndoBar

#: After a scroll so many milliseconds pass before it is asked what is in sight.
_REST_MS = 60
NO_MODELS = tr("No models yet. Drop a .gguf file or a folder on this window, or find one under Discover.")


class ModelsPage(QWidget):
    """Shows the models, and says what a person wants of them.

    Attributes:
        list: all models, what is shown of them and in which order; the table shows the same.
        selection: which are selected, here and in the table.
        offers: what can be done with them.
    """

    #: Other files are listed.
    listed = Signal()
    #: Other models are in sight than before, or badges are needed that were not.
    in_sight_changed = Signal()
    #: Another model is selected.
    model_selected = Signal(Path)
    #: A model was double-clicked, or Enter was pressed on it.
    load_requested = Signal(Path)
    open_requested = Signal()
    #: Forget this model; its file stays.
    remove_requested = Signal(Path)
    #: Show the table.
    table_requested = Signal()
    #: Open the dialog of the folders.
    folders_requested = Signal()
    #: Show how the selected model is loaded.
    settings_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.list = ModelRows()
        self.selection = ModelSelection(self.list)
        self.offers = ModelActions(self.list, self.selection, self)
        self.view = ModelView(theme, self.list, self.selection, self.offers)
        self._place = ListPlace(self.view, self.list, self.selection)
        self.search = SearchField(theme)
        self.search.setPlaceholderText(tr("Search"))  # more has no room here
        self.search.setAccessibleName(tr("Search models"))
        self.filter_button = FilterButton(theme, self.list)
        self._open = QPushButton(tr("Open ..."))
        self._open.setAccessibleName(tr("Open a model file"))
        self.table_button = _tool(tr("Show as Table"))
        self.folders_button = _tool(tr("Folders ..."))
        self._status = ElidedLabel("note")
        self._clear = QPushButton(tr("Clear"))
        self._clear.setProperty("kind", "quiet")
        self._clear.setAccessibleName(tr("Clear the search and the filters"))
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(3)
        self._progress.setSizePolicy(_holding_its_place())
        self._scanning: tuple[int, int] | None = None
        self._unwatched = ""
        self._words = label("", "note", wrap=True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._lay_out()
        self.undo = UndoBar(theme, self.view, rises=SPACE_XS)
        self._connect()
        self._show_icons()
        self._show_status()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_M, 0, 0, 0)
        layout.setSpacing(SPACE_S)
        top = QHBoxLayout()
        top.setContentsMargins(0, 0, SPACE_M, 0)  # the list's own margin holds its scroll bar
        top.setSpacing(SPACE_S)
        top.addWidget(self.search, 1)
        top.addWidget(self._open)
        state = QHBoxLayout()
        state.setContentsMargins(SPACE_S + 2, 0, SPACE_M, 0)
        state.setSpacing(SPACE_XS)
        state.addWidget(self._status, 1)
        state.addWidget(self._clear)
        for button in (self.filter_button, self.folders_button, self.table_button):
            state.addWidget(button)
        line = QHBoxLayout()
        line.setContentsMargins(SPACE_S + 2, 0, SPACE_M + SPACE_S, 0)
        line.addWidget(self._progress)
        body = QWidget()
        place = QGridLayout(body)
        place.setContentsMargins(0, 0, 0, 0)
        place.addWidget(self.view, 0, 0)
        self._empty = QWidget()
        words = QVBoxLayout(self._empty)
        words.setContentsMargins(SPACE_S, SPACE_M * 4, SPACE_M + SPACE_S, 0)
        words.addWidget(self._words)
        words.addStretch()
        self._empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        place.addWidget(self._empty, 0, 0)
        layout.addLayout(top)
        over = QVBoxLayout()
        over.setSpacing(0)
        over.addLayout(state)
        over.addLayout(line)
        layout.addLayout(over)
        layout.addWidget(body, 1)
        in_order(
            self.search, self._open, self._clear, self.filter_button, self.folders_button, self.table_button, self.view
        )

    def _connect(self) -> None:
        self.search.textChanged.connect(self.list.search)
        self.search.down_pressed.connect(self._enter_list)
        self.search.enter_pressed.connect(self._enter_list)
        self._clear.clicked.connect(self.clear_filters)
        self._open.clicked.connect(self.open_requested)
        self.table_button.clicked.connect(self.table_requested)
        self.folders_button.clicked.connect(self.folders_requested)
        self.list.changed.connect(self._list_changed)
        self.selection.model_selected.connect(self.model_selected)
        self.offers.load_requested.connect(self.load_requested)
        self.offers.remove_requested.connect(self.remove_requested)
        self.view.verticalScrollBar().valueChanged.connect(lambda _value: self._rest.start())
        self._rest.timeout.connect(self.in_sight_changed)
        self.theme.changed.connect(self._show_icons)

    # What others show

    def show_models(self, files: list[ModelFile], select: Path | None = None) -> None:
        """Show the library; `select` one of it, or leave the selection where it is."""
        self.list.set_files(files)
        self.listed_again(select)

    def listed_again(self, select: Path | None = None) -> None:
        """The list holds other models now."""
        if select is not None:
            self.selection.choose(select)
        self.listed.emit()

    def show_scan(self, looked: int, total: int) -> None:
        """So many of so many files were looked at."""
        self._scanning = (looked, total)
        self._show_status()

    def show_unwatched(self, problem: UserFacingError | None) -> None:
        """Say beside the number of models that the list does not follow the disk by itself; None: it does."""
        self._unwatched = str(problem) if problem is not None else ""
        self._show_status()

    @property
    def is_unwatched(self) -> bool:
        """Whether it does not."""
        return bool(self._unwatched)

    def show_scanned(self) -> None:
        """All files were."""
        self._scanning = None
        self._show_status()

    @property
    def files(self) -> list[ModelFile]:
        """All models, also those that a search leaves out."""
        return self.list.files

    @property
    def in_sight(self) -> list[Path]:
        """The models that a person sees now, and a page more; none while the page is hidden."""
        return visible_rows(self.view, self.list) if self.view.isVisible() else []

    def show_loaded(self, model: Path | None) -> None:
        """Mark the model in memory."""
        self.list.set_loaded(model)

    @property
    def selected(self) -> Path | None:
        """The selected model."""
        return self.selection.current

    def select(self, model: Path) -> None:
        """Select a model that is listed."""
        self.selection.choose(model)

    def clear_filters(self) -> None:
        """Show all models."""
        self.search.clear()
        self.list.set_filter(Filter())

    def focus_search(self) -> None:
        """Have the keys go to the search."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    # Inside

    def _enter_list(self) -> None:
        if not self.list.shown:
            return
        if not self.view.currentIndex().isValid():
            self.selection.choose(self.list.shown[0].path)
        self.view.setFocus(Qt.FocusReason.TabFocusReason)

    def _list_changed(self, _same: bool) -> None:
        if self.search.text() != self.list.filter.words:  # it was typed elsewhere, or cleared
            self.search.setText(self.list.filter.words)
        self._show_status()
        self._rest.start()

    def _show_status(self) -> None:
        count, shown = len(self.list.all), len(self.list.shown)
        is_set = self.list.filter.is_set
        self._clear.setVisible(is_set)
        self._progress.setVisible(self._scanning is not None and self._scanning[1] > 0)
        if self._scanning is not None:
            looked, total = self._scanning
            self._progress.setRange(0, max(1, total))
            self._progress.setValue(looked)
            says = (
                tr("Looking: {looked:,} of {total:,}", looked=looked, total=total)
                if total
                else tr("Looking for models")
            )
        elif is_set:
            says = tr("{shown:,} of {count:,}", shown=shown, count=count)
        else:
            says = trn("{count} model", "{count:,} models", count) if count else ""
        if self._unwatched and says and self._scanning is None:
            says = tr("{models}, not watched", models=says)
        self._status.setText(says)
        self._status.setToolTip("\n".join(each for each in (self.list.filter.says, self._unwatched) if each))
        if self._scanning is not None and not count:
            self._words.setText(tr("Looking for models on this disk ..."))
        elif count:
            self._words.setText(tr("No model matches.") if not shown else "")
        else:
            self._words.setText(NO_MODELS)
        self._empty.setVisible(not shown)

    def _show_icons(self) -> None:
        self.table_button.setIcon(self.theme.icon("table"))
        self.folders_button.setIcon(self.theme.icon("folders"))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._rest.start()


def _tool(name: str) -> QToolButton:
    made = QToolButton()
    made.setProperty("kind", "icon")
    made.setToolTip(name)
    made.setAccessibleName(name.removesuffix(" ..."))
    return made


def _holding_its_place() -> QSizePolicy:
    """So that nothing moves when a scan begins or ends."""
    policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    policy.setRetainSizeWhenHidden(True)
    return policy
