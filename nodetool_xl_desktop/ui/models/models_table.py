"""My Models in the centre of the window: the table, and what is known of the model that is selected."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.ui.chats.search_field import SearchField
from nodetool_xl_desktop.ui.closed_by_escape import ClosedByEscape
from nodetool_xl_desktop.ui.inputs import in_order
from nodetool_xl_desktop.ui.models.details import ModelDetails
from nodetool_xl_desktop.ui.models.filter_button import FilterButton
from nodetool_xl_desktop.ui.models.list_place import ListPlace, visible_rows
from nodetool_xl_desktop.ui.models.models_page import NO_MODELS, ModelsPage
from nodetool_xl_desktop.ui.models.table_view import ModelTableView
from nodetool_xl_desktop.ui.page_head import PageHead, icon_button
from nodetool_xl_desktop.ui.parts import ElidedLabel, label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, SPACE_XS, Theme
from nodetool_xl_desktop.ui.undo_bar import UndoBar

#: From this width on, in device-independent pixels, the details stand beside the table, else under it.
BESIDE_FROM = 1280
DETAILS_WIDTH, DETAILS_HEIGHT = 380, 300
_REST_MS = 60


class ModelsTable(ClosedByEscape):
    """Shows the models of the side bar's page with all their columns; search, order, filter and selection are the same.

    Args:
        theme: the theme in force.
        page: the page of the side bar.
    """

    #: Other models are in sight.
    in_sight_changed = Signal()
    #: Another model's details are looked at, or they are hidden.
    details_changed = Signal()

    def __init__(self, theme: Theme, page: ModelsPage) -> None:
        super().__init__()
        self.setObjectName("modelsTable")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme, self._page, self._rows = theme, page, page.list
        self.search = SearchField(theme)
        self.search.setPlaceholderText(tr("Search name, architecture, tag, note, folder"))
        self.search.setAccessibleName(tr("Search models"))
        self.search.setMaximumWidth(340)
        self.filter_button = FilterButton(theme, page.list)
        self._status = ElidedLabel("note")
        self._clear = QPushButton(tr("Clear"))
        self._clear.setProperty("kind", "quiet")
        self._clear.setAccessibleName(tr("Clear the search and the filters"))
        self._folders = QPushButton(tr("Folders ..."))
        self._details_button = icon_button(tr("Details"))
        self._details_button.setCheckable(True)
        self._details_button.setChecked(True)
        self._close = icon_button(tr("Close the Table"), tr("Close the Table (Esc)"))
        self.view = ModelTableView(theme, page.list, page.selection, page.offers)
        self._place = ListPlace(self.view, page.list, page.selection)
        self.details = ModelDetails(theme)
        self._words = label("", "note", wrap=True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._lay_out()
        self.undo = UndoBar(theme, self.view)
        self._connect()
        self._show_icons()
        self._rows_changed(True)

    def _lay_out(self) -> None:
        top = PageHead(tr("My Models"), (SPACE_XL, SPACE_M, SPACE_M, SPACE_M))
        top.row.addSpacing(SPACE_S)
        top.row.addWidget(self.search, 3)
        top.add(self.filter_button)
        top.row.addWidget(self._status, 1)
        top.add(self._clear)
        top.row.addSpacing(SPACE_XS)
        top.add(self._folders, self._details_button, self._close)
        body = QWidget()
        cell = QGridLayout(body)
        cell.setContentsMargins(SPACE_M, 0, 0, 0)
        cell.addWidget(self.view, 0, 0)
        self._empty = QWidget()
        self._empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        words = QVBoxLayout(self._empty)
        words.setContentsMargins(SPACE_L, SPACE_XL * 5, SPACE_L, 0)
        words.addWidget(self._words)
        words.addStretch()
        cell.addWidget(self._empty, 0, 0)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setHandleWidth(1)
        self._splitter.addWidget(body)
        self._splitter.addWidget(self.details)
        self._splitter.setStretchFactor(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(top)
        layout.addWidget(self._splitter, 1)
        in_order(
            self.search, self.filter_button, self._clear, self._folders, self._details_button, self._close, self.view
        )

    def _connect(self) -> None:
        self.search.textChanged.connect(self._rows.search)
        self.search.down_pressed.connect(lambda: self.view.setFocus(Qt.FocusReason.TabFocusReason))
        self.search.enter_pressed.connect(lambda: self.view.setFocus(Qt.FocusReason.TabFocusReason))
        self._clear.clicked.connect(self._page.clear_filters)
        self._folders.clicked.connect(self._page.folders_requested)
        self._close.clicked.connect(self.closed)
        self._details_button.toggled.connect(self._show_details)
        self._page.selection.marked.connect(self.details_changed)
        self._rows.changed.connect(self._rows_changed)
        self.view.verticalScrollBar().valueChanged.connect(lambda _value: self._rest.start())
        self._rest.timeout.connect(self.in_sight_changed)
        self._theme.changed.connect(self._show_icons)

    @property
    def in_sight(self) -> list[Path]:
        """The models that a person sees now, and a page more; none while the table is hidden."""
        return visible_rows(self.view, self._rows) if self.view.isVisible() else []

    @property
    def shows_details(self) -> bool:
        """Whether the details can be seen."""
        return self.details.isVisible()

    def show_about(self) -> None:
        """Show what is known of the selected model."""
        self._details_button.setChecked(True)
        if not self.isVisible():
            self._page.table_requested.emit()
        self.details.show_tab(0)

    def edit_notes(self) -> None:
        """Have the keys go to the notes of the selected model."""
        self.show_about()
        self.details.about.notes.setFocus(Qt.FocusReason.OtherFocusReason)

    def focus_table(self) -> None:
        """Have the keys go to the table."""
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_details(self, is_shown: bool) -> None:
        self.details.setVisible(is_shown)
        self.details_changed.emit()

    def _rows_changed(self, _same: bool) -> None:
        if self.search.text() != self._rows.filter.words:
            self.search.setText(self._rows.filter.words)
        self._show_status()
        self._rest.start()

    def _show_status(self) -> None:
        count, shown, chosen = len(self._rows.all), len(self._rows.shown), self._rows.filter
        self._clear.setVisible(chosen.is_set)
        says = (
            tr("{shown:,} of {count:,}", shown=shown, count=count)
            if chosen.is_set
            else trn("{count} model", "{count:,} models", count)
        )
        self._status.setText(" · ".join(part for part in (says, chosen.says) if part))
        self._empty.setVisible(not shown)
        self._words.setText(tr("No model matches.") if count else NO_MODELS)

    def _show_icons(self) -> None:
        self._close.setIcon(self._theme.icon("x"))
        self._details_button.setIcon(
            self._theme.icon("info", "accent" if self._details_button.isChecked() else "muted")
        )

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._rest.start()
        self.details_changed.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        """Who leaves at once what was just deleted can take it back all the same."""
        super().hideEvent(event)
        self.undo.hand_to(self._page.undo)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_beside = self.width() >= BESIDE_FROM
        wanted = Qt.Orientation.Horizontal if is_beside else Qt.Orientation.Vertical
        if self._splitter.orientation() is not wanted or event.oldSize().width() <= 0:
            self._splitter.setOrientation(wanted)
            whole = self.width() if is_beside else self.height()
            part = DETAILS_WIDTH if is_beside else DETAILS_HEIGHT
            self._splitter.setSizes([max(1, whole - part), part])
