"""Discover's page of the side bar: what is looked for, and what the hub has of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.search import Query, Sort
from nodetool_xl_desktop.ui.chats.search_field import FilterButton, SearchField
from nodetool_xl_desktop.ui.discover.remedies import GO_ON_LINE
from nodetool_xl_desktop.ui.discover.result_list import ResultView
from nodetool_xl_desktop.ui.discover.result_rows import Card, Row, Words, with_headings
from nodetool_xl_desktop.ui.inputs import in_order
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import size_icon
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme
from nodetool_xl_desktop.ui.words import empty_words

#: The hub is asked so long after the last key, in milliseconds.
REST_MS = 300
#: Text is not sent to a hub beyond so many letters.
LONGEST_TEXT = 200
SORTS = {
    tr("Trending"): Sort.TRENDING,
    tr("Downloads"): Sort.DOWNLOADS,
    tr("Likes"): Sort.LIKES,
    tr("Updated"): Sort.UPDATED,
    tr("Newest"): Sort.CREATED,
}
SIZES: dict[str, tuple[int | None, int | None]] = {
    tr("Any Size"): (None, None),
    "≤ 3B": (None, 3_000_000_000),
    tr("3 to 9B"): (3_000_000_000, 9_000_000_000),
    tr("9 to 24B"): (9_000_000_000, 24_000_000_000),
    tr("24 to 80B"): (24_000_000_000, 80_000_000_000),
    "≥ 80B": (80_000_000_000, None),
}
TASKS = {
    tr("Any Task"): "",
    tr("Text"): "text-generation",
    tr("Vision"): "image-text-to-text",
    tr("Embedding"): "feature-extraction",
    tr("Speech"): "automatic-speech-recognition",
}
#: What an address begins with that is opened as soon as it is pasted.
_ADDRESSES = ("http://", "https://", "hf://", "hf.co/", "huggingface.co/", "file://")


class SearchPage(QWidget):
    """The search and its results; asks for everything by signals.

    Args:
        theme: the theme in force.
    """

    #: Something else is looked for (a `Query`), once the keys have rested.
    query_changed = Signal(object)
    #: What was looked for before is of no use any more: the keys are at work.
    query_left = Signal()
    #: An address or a name of a repository was typed or pasted.
    place_given = Signal(str)
    #: The end of the list is near.
    more_requested = Signal()
    #: Open this (a `Card`).
    card_chosen = Signal(object)
    #: The button of the notice was pressed (what it is called).
    remedy_requested = Signal(str)
    token_requested = Signal()
    hub_requested = Signal()
    #: The page is seen for the first time, or again.
    seen = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._picks: tuple[Card, ...] = ()
        self._found: list[Card] = []
        self._foot = ""
        self.field = SearchField(theme)
        self.field.setPlaceholderText(tr("Search, or paste a link"))
        self.field.setAccessibleName(tr("Search models on the hub, or paste a link"))
        self.field.setMaxLength(2000)
        self.sort = FilterButton(tr("Sort"), list(SORTS))
        self.size_filter = FilterButton(tr("Parameters"), list(SIZES))
        self.task = FilterButton(tr("Task"), list(TASKS))
        self._make_menu()
        self.notice = Notice()
        self.view = ResultView(theme)
        self._words = empty_words()
        self._words.hide()
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._lay_out()
        self._connect()
        self._show_icons()

    def _make_menu(self) -> None:
        self.more_button = QToolButton()
        self.more_button.setProperty("kind", "icon")
        size_icon(self.more_button, 18)
        self.more_button.setAccessibleName(tr("More about the search and the hub"))
        self.more_button.setToolTip(tr("More about the search and the hub"))
        self.more_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.more_button)
        self.hide_gated = QAction(tr("Hide &Gated Models"), self)  # the page's, not the menu's: a query looks at it
        menu.addAction(self.hide_gated)
        self.hide_gated.setCheckable(True)
        self.hide_gated.toggled.connect(self._filters_changed)
        menu.addSeparator()
        menu.addAction(tr("&Access Token ...")).triggered.connect(self.token_requested)
        menu.addAction(tr("&Hub ...")).triggered.connect(self.hub_requested)
        self.more_button.setMenu(menu)

    def _lay_out(self) -> None:
        chips = QHBoxLayout()
        chips.setSpacing(SPACE_XS)
        for chip in (self.sort, self.size_filter, self.task):
            chips.addWidget(chip)
        chips.addStretch()
        first = QHBoxLayout()
        first.setSpacing(SPACE_XS)
        first.addWidget(self.field, 1)
        first.addWidget(self.more_button)
        top = QVBoxLayout()
        top.setContentsMargins(0, 0, SPACE_M, 0)  # the list's own margin holds its scroll bar
        top.setSpacing(SPACE_S)
        top.addLayout(first)
        top.addLayout(chips)
        top.addWidget(self.notice)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_M, 0, 0, 0)
        layout.setSpacing(SPACE_S)
        layout.addLayout(top)
        layout.addWidget(self._words, 1)
        layout.addWidget(self.view, 1)
        in_order(self.field, self.more_button, self.sort, self.size_filter, self.task, self.notice.remedy, self.view)

    def _connect(self) -> None:
        self._theme.changed.connect(self._show_icons)
        self.field.textChanged.connect(self._typed)
        self.field.enter_pressed.connect(self._entered)
        self.field.down_pressed.connect(self.view.focus_first)
        for chip in (self.sort, self.size_filter, self.task):
            chip.changed.connect(self._filters_changed)
        self._rest.timeout.connect(self._ask)
        self.notice.remedy_requested.connect(lambda: self.remedy_requested.emit(self.notice.remedy.text()))
        self.view.chosen.connect(self.card_chosen)
        self.view.end_near.connect(self.more_requested)
        self.view.left_upwards.connect(lambda: self.field.setFocus(Qt.FocusReason.ShortcutFocusReason))

    # What is looked for

    @property
    def query(self) -> Query:
        """What is asked for now."""
        least, most = SIZES[self.size_filter.value]
        return Query(
            text=" ".join(self.field.text().split())[:LONGEST_TEXT],
            sort=SORTS[self.sort.value],
            with_gated=not self.hide_gated.isChecked(),
            least_params=least,
            most_params=most,
            tag=TASKS[self.task.value],
        )

    @property
    def shows_picks(self) -> bool:
        """Whether nothing in particular is looked for."""
        return replace(self.query, sort=Sort.TRENDING) == Query() and SORTS[self.sort.value] is Sort.TRENDING

    # What was found

    def show_picks(self, picks: Sequence[Card]) -> None:
        """The good models to begin with, shown while nothing else is looked for."""
        self._picks = tuple(picks)
        self._show()

    def show_waiting(self) -> None:
        """The hub is being asked: what was found before is gone."""
        self._found = []
        self.notice.hide()
        self._foot = tr("Asking the hub ...")
        self._show()

    def show_found(self, cards: Sequence[Card], *, more: bool) -> None:
        """All that was found so far, and whether there is more of it."""
        self._found = list(cards)
        self.notice.hide()
        self._foot = tr("Loading more ...") if more else ""
        self._show()

    def show_error(self, error: UserFacingError, remedy: str) -> None:
        """The hub did not answer; what was found stays."""
        self._foot = ""
        self.notice.tell_error(error, remedy)
        self._fit_notice()
        self._show()

    def show_off_line(self) -> None:
        """The hub may not be asked."""
        self._foot = ""
        text = tr("Nothing is asked of the network while Work Off Line is on.")
        self.notice.tell(tr("The program works off line"), text, tone="plain", remedy=GO_ON_LINE)
        self._fit_notice()
        self._show()

    def show_open(self, repo_id: str) -> None:
        """Mark the repository that is shown in the window's middle; empty for none."""
        self.view.show_open(repo_id)

    def focus_list(self) -> None:
        """Have the keys go to the row where they were, or to the search while there is none."""
        if any(isinstance(row, Card) for row in self.view.results.rows):
            self.view.focus_first()
        else:
            self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @property
    def says(self) -> str:
        """The words that stand in place of results; empty where there are results."""
        return "" if self._words.isHidden() else self._words.text()

    def _show(self) -> None:
        picks = self._picks if self.shows_picks else ()
        heading = tr("Trending") if picks else ""
        rows: list[Row] = with_headings(picks, self._found, heading)
        if self._foot:
            rows.append(Words(self._foot))
        empty = not rows and self.notice.isHidden()
        self._words.setText(
            tr("Nothing on the hub goes by these words.\nLook for fewer of them, or clear the filters.")
        )
        self._words.setVisible(empty)
        self.view.setVisible(not empty)
        self.view.results.show_rows(rows)

    # What a person does

    def _typed(self, text: str) -> None:
        if text.strip().lower().startswith(_ADDRESSES):
            self._rest.stop()
            self.query_left.emit()
            if " " not in text.strip() and len(text.strip()) > len("https://"):
                self._rest.start()
            return
        self.query_left.emit()
        self._rest.start()

    def _ask(self) -> None:
        text = self.field.text().strip()
        if text.lower().startswith(_ADDRESSES):
            self.place_given.emit(text)
        else:
            self.query_changed.emit(self.query)

    def _entered(self) -> None:
        text = self.field.text().strip()
        if "/" in text or text.lower().startswith(_ADDRESSES):
            self._rest.stop()
            self.place_given.emit(text)
        elif self._rest.isActive():
            self._rest.stop()
            self._ask()
        else:
            self.view.choose_first()

    def _filters_changed(self) -> None:
        self._rest.stop()
        self.query_changed.emit(self.query)

    # Qt's events

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.seen.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_notice()

    def _fit_notice(self) -> None:
        self.notice.fit(self.width() - SPACE_M)

    def _show_icons(self) -> None:
        self.more_button.setIcon(self._theme.icon("dots-three"))
