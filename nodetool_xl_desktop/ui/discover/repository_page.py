"""A repository of the hub in the middle of the window: which file to take, all of its files, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.hub.choice import Candidate
from nodetool_xl_desktop.hub.repository import Repository
from nodetool_xl_desktop.hub.search import Found
from nodetool_xl_desktop.ui.closed_by_escape import ClosedByEscape
from nodetool_xl_desktop.ui.discover.along import Along
from nodetool_xl_desktop.ui.discover.best_box import BestBox
from nodetool_xl_desktop.ui.discover.card_view import CardLinks
from nodetool_xl_desktop.ui.discover.offer_list import OfferList
from nodetool_xl_desktop.ui.discover.offers import Offer
from nodetool_xl_desktop.ui.discover.repository_head import RepositoryHead
from nodetool_xl_desktop.ui.discover.start_page import StartPage
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.page_head import PageHead
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XL, Theme

if TYPE_CHECKING:
    from nodetool_xl_desktop.preview.verdicts import FileVerdict

COLUMN_WIDTH = 880


class RepositoryPage(ClosedByEscape):
    """Shows what it is given; asks for everything by signals.

    Args:
        theme: the theme in force.
        open_url: hands an address to the system's browser.
    """

    #: Bring this here (a `Candidate`), with what `along.chosen` says.
    download_requested = Signal(object)
    #: Load this file (a `Path`).
    load_requested = Signal(object)
    #: Show the downloads.
    downloads_requested = Signal()
    #: Judge this one exactly (a `Candidate`).
    exact_requested = Signal(object)
    #: The button of the notice was pressed (what it is called).
    remedy_requested = Signal(str)
    #: Copy the repository's address.
    copy_requested = Signal(str)

    def __init__(self, theme: Theme, open_url: Callable[[QUrl], object] = QDesktopServices.openUrl) -> None:
        super().__init__()
        self.setObjectName("repositoryPage")
        self._theme, self._open_url = theme, open_url
        self._address = ""
        self.back = QPushButton(tr("Back"))
        self.browser = QPushButton(tr("Open in Browser"))
        self.copy = QPushButton(tr("Copy Link"))
        self.start = StartPage()
        self.head = RepositoryHead()
        self.notice = Notice()
        self.best = BestBox()
        self.along = Along(theme)
        self.offers = OfferList()
        self.card = MarkdownView(theme)
        self.card.setAccessibleName(tr("Model card"))
        self.links = CardLinks(self, open_url=open_url)
        self._files_title = label(tr("Files"), "title")
        self._count = label("", "note")
        self._card_title = label(tr("About this model"), "title")
        self._card_note = label("", "note", wrap=True)
        self._column = QWidget()
        self.area = QScrollArea()
        self._lay_out()
        self._connect()
        self._show_icons()
        self.show_nothing()

    def _lay_out(self) -> None:
        self._bar = bar = PageHead()
        bar.add(self.back)
        bar.row.addStretch()
        bar.add(self.copy, self.browser)
        files = QHBoxLayout()
        files.addWidget(self._files_title)
        files.addWidget(self._count, 0, Qt.AlignmentFlag.AlignBottom)
        files.addStretch()
        column = QVBoxLayout(self._column)
        column.setContentsMargins(0, SPACE_XL, 0, SPACE_XL * 2)
        column.setSpacing(SPACE_M)
        column.addWidget(self.head)
        column.addWidget(self.notice)
        column.addWidget(self.best)
        column.addSpacing(SPACE_S)
        column.addLayout(files)
        column.addWidget(self.along)
        column.addWidget(self.offers)
        column.addSpacing(SPACE_S)
        column.addWidget(self._card_title)
        column.addWidget(self._card_note)
        column.addWidget(self.card)
        column.addStretch(1)  # without a weight each of them would have its share of what is left over
        self._column.setMaximumWidth(COLUMN_WIDTH)
        body = QWidget()
        body.setObjectName("repositoryBody")
        around = QHBoxLayout(body)
        around.setContentsMargins(SPACE_XL, 0, SPACE_XL, 0)
        around.addStretch()
        around.addWidget(self._column, 1000)
        around.addStretch()
        self.area.setObjectName("repositoryScroll")
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(self.area, 1)
        layout.addWidget(self.start, 1)

    def _connect(self) -> None:
        self._theme.changed.connect(self._show_icons)
        self.back.clicked.connect(self.closed)
        self.browser.clicked.connect(lambda: self._open_url(QUrl(self._address)))
        self.copy.clicked.connect(lambda: self.copy_requested.emit(self._address))
        self.notice.remedy_requested.connect(lambda: self.remedy_requested.emit(self.notice.remedy.text()))
        self.best.wanted.connect(self._act)
        self.offers.acted.connect(self._act)
        self.offers.exact_requested.connect(self.exact_requested)
        self.card.link_activated.connect(self._follow)
        self.card.shifted.connect(self._shift)
        self.area.verticalScrollBar().valueChanged.connect(lambda _value: self.card.look())
        self.area.viewport().installEventFilter(self)

    # What it shows

    def show_nothing(self) -> None:
        """No repository is open: say what there is to choose."""
        self._show_open(is_open=False)
        self.setAccessibleName(tr("Discover"))

    def _show_open(self, *, is_open: bool) -> None:
        self.start.setVisible(not is_open)
        self._bar.setVisible(is_open)
        self.area.setVisible(is_open)

    def show_waiting(self, repo_id: str, host: str, address: str, found: Found | None) -> None:
        """The hub is asked about this repository."""
        self._address = address
        self._show_open(is_open=True)
        self.head.show_found(repo_id, host, found)
        self.notice.hide()
        self.best.show_waiting()
        self.best.show()
        self.along.show_projectors(())
        self.offers.clear()
        self.offers.hide()
        self._files_title.hide()
        self._count.setText("")
        self.card.set_text("")
        self.card.hide()
        self._card_title.hide()
        self._card_note.hide()
        self.area.verticalScrollBar().setValue(0)
        self.setAccessibleName(tr("Repository {repo_id}", repo_id=repo_id))

    def show_repository(self, repository: Repository, count: int, address: str) -> None:
        """What the hub says of it; of its models there are so many."""
        self._address = address
        self.links.base = f"{address}/blob/main/README.md"
        self.head.show_repository(repository)
        self._files_title.setVisible(count > 0)
        self.offers.setVisible(count > 0)
        self._count.setText(trn("{count} model", "{count} models", count) if count > 1 else "")
        if not count:
            self.best.show_empty()

    def show_offers(self, offers: Sequence[Offer], *, waits: bool) -> None:
        """Its models as they stand now; `waits` while verdicts are on their way."""
        self.offers.show_offers(offers, waits=waits)
        self._show_best()

    def show_verdict(self, verdict: FileVerdict) -> None:
        """What was found of one of them."""
        self.offers.show_verdict(verdict)
        if verdict.is_best:
            self._show_best()

    def show_no_verdict(self, why: str) -> None:
        """No verdict can be made, or no more of them come (an empty `why`)."""
        self.offers.end_waiting()
        if why:
            self.best.show_unknown(why)
        elif self.offers.offers and self.offers.best is None:
            smallest = self.offers.verdict_of(self.offers.offers[0].candidate)
            if smallest is not None:
                self.best.show_none(smallest)

    def show_room(self, lacking: Callable[[Candidate], str]) -> None:
        """Say of each model whether the disk has room for it and for what comes along."""
        chosen = self.along.chosen
        self.offers.show_room(lacking, chosen.size if chosen is not None else 0)
        self._show_best()

    def reveal(self, candidate: Candidate) -> None:
        """Show one of its models, and have the keys go there."""
        row = self.offers.reveal(candidate)
        row.action.setFocus(Qt.FocusReason.ShortcutFocusReason)
        QTimer.singleShot(0, row, lambda: self.area.ensureWidgetVisible(row))

    def show_error(self, error: UserFacingError, remedy: str) -> None:
        """The hub does not tell of it."""
        self.notice.tell_error(error, remedy)
        self._fit_notice()
        self.best.hide()

    def show_gate(self, what: str, text: str, remedy: str) -> None:
        """It is handed out only to some."""
        self.notice.tell(what, text, tone="warning", remedy=remedy)
        self._fit_notice()
        self.best.hide()  # until something is known of its files all the same

    def show_card(self, text: str) -> None:
        """What its author says of it, in Markdown."""
        self._say_of_card("" if text.strip() else tr("Its author wrote nothing about it."))
        self.card.setVisible(bool(text.strip()))
        self.card.set_text(text)

    def show_no_card(self, why: str) -> None:
        """The card could not be had."""
        self._say_of_card(why)

    def _say_of_card(self, note: str) -> None:
        self._card_title.show()
        self._card_note.setText(note)
        self._card_note.setVisible(bool(note))

    def _show_best(self) -> None:
        if (best := self.offers.best) is not None:
            offer, verdict = best
            self.best.show_best(offer, verdict, self.offers.standing_of(offer))
            self.best.show()

    # What a person does

    def _act(self, offer: Offer) -> None:
        if offer.path is not None:
            self.load_requested.emit(offer.path)
        elif offer.download is not None:
            self.downloads_requested.emit()
        else:
            self.download_requested.emit(offer.candidate)

    def _follow(self, link: str) -> None:
        self.links.follow(link)

    def _shift(self, by: int) -> None:
        bar = self.area.verticalScrollBar()
        bar.setValue(bar.value() + by)

    # Qt's events

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize:
            self.card.look()
        return super().eventFilter(watched, event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit_notice()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_notice()

    def _fit_notice(self) -> None:
        self.notice.fit(min(COLUMN_WIDTH, self.width() - 2 * SPACE_XL))

    def _show_icons(self) -> None:
        for button, icon in ((self.back, "arrow-left"), (self.browser, "arrow-square-out"), (self.copy, "link")):
            button.setIcon(self._theme.icon(icon))
